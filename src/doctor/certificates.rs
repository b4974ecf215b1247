//! Certificates: until when the CAs and the serving certificate are valid, and whether they fit.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use super::deployment::flag;
use super::fact::{Fact, Level};
use super::inventory::{Guard, Inventory};
use super::reader::{Reader, list, text};
use super::webhook::Webhook;
use crate::pki::{self, Validity};

const TOPIC: &str = "certificates";
/// An end that is nearer than this should have been renewed.
const SOON: Duration = Duration::from_hours(24 * 14);

pub(super) async fn facts(reader: &Reader, inventory: &Inventory, now: SystemTime) -> Vec<Fact> {
    let bundles: BTreeSet<&str> = inventory.our_webhooks().map(Webhook::bundle).collect();
    let mut facts: Vec<Fact> = bundles
        .iter()
        .map(|bundle| authority(bundle, now))
        .collect();
    if bundles.len() > 1 {
        let fact = "the webhooks have different CAs in `caBundle`";
        let meaning = "a certificate that one accepts, another may refuse";
        facts.push(
            Fact::new(Level::Warning, TOPIC, fact, meaning)
                .advise("wait a minute for the leader or the injector; then read its log"),
        );
    }
    if let Some(guard) = &inventory.guard {
        let bundle = bundles.first().copied().unwrap_or_default();
        facts.extend(serving(reader, guard, &decode(bundle), now).await);
    }
    facts
}

fn authority(bundle: &str, now: SystemTime) -> Fact {
    if bundle.is_empty() {
        let fact = "a webhook of rollout-guard has no `caBundle`";
        let meaning =
            "the API server trusts the CAs of its own host, and refuses the webhook's certificate";
        return Fact::new(Level::Error, TOPIC, fact, meaning).advise(
            "read the log of the leader (or of cert-manager's cainjector), which writes it",
        );
    }
    let validities = pki::validities(&decode(bundle)).into_iter();
    let newest = validities.max_by_key(|validity| validity.not_after);
    let dated = newest.map(|newest| dated("the CA in `caBundle`", &newest, now));
    dated.unwrap_or_else(|| {
        let fact = "`caBundle` holds no certificate";
        let meaning = "the API server refuses the webhook's certificate";
        Fact::new(Level::Error, TOPIC, fact, meaning)
            .advise("delete its value: the leader writes it again")
    })
}

/// A fact about the end of a certificate.
fn dated(what: &str, validity: &Validity, now: SystemTime) -> Fact {
    let end = Timestamp::try_from(validity.not_after);
    let end = end.map_or_else(
        |_| "a distant time".to_owned(),
        |end| end.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    );
    if validity.not_after <= now {
        let fact = format!("{what} has expired on {end}");
        return Fact::new(
            Level::Error,
            TOPIC,
            fact,
            "the API server does not reach the webhook",
        )
        .advise("read the log of the leader (or of cert-manager), which renews it");
    }
    let fact = format!("{what} is valid until {end}");
    if validity.not_after <= now + SOON {
        let meaning = "it should have been renewed by now, unless its lifetime is short";
        return Fact::new(Level::Warning, TOPIC, fact, meaning)
            .advise("read the log of the leader (or of cert-manager), which renews it");
    }
    Fact::new(
        Level::Ok,
        TOPIC,
        fact,
        "it is renewed after two thirds of its life",
    )
}

async fn serving(reader: &Reader, guard: &Guard, authorities: &[u8], now: SystemTime) -> Vec<Fact> {
    let Some(secret) = guard.deployment.as_ref().and_then(secret_name) else {
        return Vec::new();
    };
    let place = format!("Secret {}/{secret}", guard.namespace);
    let path = format!("/api/v1/namespaces/{}/secrets/{secret}", guard.namespace);
    let chain = match reader.get(&path).await {
        Ok(found) => decode(text(&found.unwrap_or_default(), "/data/tls.crt")),
        Err(error) => return vec![Fact::unread(TOPIC, &place, &error)],
    };
    let Some(first) = pki::validities(&chain).into_iter().next() else {
        let fact = format!("{place} holds no serving certificate");
        let fact = Fact::new(Level::Error, TOPIC, fact, "pods that start cannot serve");
        return vec![
            fact.advise("read the log of the leader (or of cert-manager), which writes it"),
        ];
    };
    let mut facts = vec![dated(
        &format!("the serving certificate in {place}"),
        &first,
        now,
    )];
    let name = format!("{}.{}.svc", guard.service, guard.namespace);
    if first.not_after > now && !pki::accepts(authorities, &chain, &name, now) {
        let fact =
            format!("the CA in `caBundle` does not accept the certificate of {place} for `{name}`");
        facts.push(
            Fact::new(
                Level::Error,
                TOPIC,
                fact,
                "the API server does not reach the webhook",
            )
            .advise("compare who signed the certificate, and its names"),
        );
    }
    facts
}

/// The Secret of `--tls-secret`, or of the volume that holds `tls.crt`.
fn secret_name(deployment: &Value) -> Option<&str> {
    flag(deployment, "--tls-secret").or_else(|| {
        let mut volumes = list(deployment, "/spec/template/spec/volumes").iter();
        let volume = volumes.find(|volume| text(volume, "/name") == "tls")?;
        Some(text(volume, "/secret/secretName")).filter(|name| !name.is_empty())
    })
}

fn decode(base64: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(base64).unwrap_or_default()
}
