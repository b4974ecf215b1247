//! Replicas with an API server in memory: which replica writes the Secret, and what it writes into the configurations.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::certificate_keeper::CertificateKeeper;
use super::certificate_set::CertificateSet;
use super::cluster_objects::ClusterObjects;
use super::resolver::CertificateResolver;
use super::rotation::Policy;
use super::secret::SecretData;
use super::webhook_configurations::WebhookConfigurations;
use crate::api::fake::{FakeApi, Fault};
use tokio::sync::{oneshot, watch};

const WAIT_TIMEOUT: Duration = Duration::from_secs(20);
const SECRET: &str = "/api/v1/namespaces/ns/secrets/guard-tls";
const MUTATING: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/guard";
const VALIDATING: &str =
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/guard";

/// A replica, and the switch that makes it lead.
struct Replica {
    resolver: CertificateResolver,
    lead: watch::Sender<bool>,
    is_ready: oneshot::Receiver<()>,
}

impl Replica {
    fn start(api: &FakeApi, leads: bool) -> Self {
        Self::named(api, leads, "guard.ns.svc")
    }

    fn named(api: &FakeApi, leads: bool, name: &str) -> Self {
        let day = Duration::from_hours(24);
        let (lead, leading) = watch::channel(leads);
        let (ready, is_ready) = oneshot::channel();
        let resolver = CertificateResolver::empty(&Arc::default());
        let objects = ClusterObjects {
            client: api.client(),
            namespace: "ns".to_owned(),
            secret: "guard-tls".to_owned(),
            configuration: Some("guard".to_owned()),
        };
        let policy = Policy::new(&[name.to_owned()], day * 365, day * 90).unwrap();
        let keeper = CertificateKeeper::new(objects, policy, leading, resolver.clone(), ready);
        tokio::spawn(keeper.run());
        Self {
            resolver,
            lead,
            is_ready,
        }
    }

    async fn served(&mut self) -> Vec<u8> {
        if self.serves().is_none() {
            let ready = tokio::time::timeout(WAIT_TIMEOUT, &mut self.is_ready).await;
            ready.expect("a certificate").unwrap();
        }
        self.serves().unwrap()
    }

    fn serves(&self) -> Option<Vec<u8>> {
        self.resolver.current()
    }
}

fn secret(api: &FakeApi) -> SecretData {
    let secret: Secret = serde_json::from_value(api.object(SECRET).unwrap()).unwrap();
    SecretData::of(&secret)
}

fn configuration(names: &[&str]) -> Value {
    let webhooks: Vec<Value> = names.iter().map(|name| webhook(name)).collect();
    json!({"metadata": {"labels": {"app": "guard"}}, "webhooks": webhooks})
}

fn webhook(name: &str) -> Value {
    json!({"name": name, "sideEffects": "None", "admissionReviewVersions": ["v1"],
           "clientConfig": {"service": {"name": "guard", "namespace": "ns", "path": "/validate"}}})
}

fn bundles(api: &FakeApi, path: &str) -> Vec<Option<String>> {
    let object = api.object(path).unwrap();
    let webhooks = object["webhooks"].as_array().unwrap().iter();
    let bundle = |webhook: &Value| {
        let text = webhook["clientConfig"]["caBundle"].as_str()?;
        let bytes = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, text).unwrap();
        Some(String::from_utf8(bytes).unwrap())
    };
    webhooks.map(bundle).collect()
}

fn trusts_secret(api: &FakeApi, path: &str) -> bool {
    let wanted = Some(secret(api).ca_crt);
    bundles(api, path).iter().all(|bundle| *bundle == wanted)
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < WAIT_TIMEOUT, "never: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn two_that_start_together_serve_what_one_of_them_wrote() {
    for shipped in [false, true] {
        let api = FakeApi::default();
        let labels = json!({"app.kubernetes.io/managed-by": "Helm"});
        if shipped {
            api.put(
                SECRET,
                json!({"metadata": {"labels": labels}, "type": "Opaque"}),
            );
        }
        // Both believe that they lead.
        let (mut one, mut two) = (Replica::start(&api, true), Replica::start(&api, true));
        let mut three = Replica::start(&api, false);
        let served = [one.served().await, two.served().await, three.served().await];
        assert!(served.iter().all(|one| *one == served[0]));
        let writes = api.writes();
        assert_eq!(writes.len(), 1, "{writes:?}");
        let object = api.object(SECRET).unwrap();
        assert_eq!(object["type"], "Opaque");
        if shipped {
            assert_eq!(object["metadata"]["labels"], labels);
        }
    }
}

#[tokio::test]
async fn a_replica_writes_nothing_until_it_leads() {
    let api = FakeApi::default();
    api.put(MUTATING, configuration(&["a.guard"]));
    let mut replica = Replica::start(&api, false);
    sleep(Duration::from_millis(500)).await;
    assert!(api.writes().is_empty() && replica.serves().is_none());
    replica.lead.send(true).unwrap();
    replica.served().await;
    eventually("the caBundle", || trusts_secret(&api, MUTATING)).await;
    replica.lead.send(false).unwrap();
    let writes = api.writes().len();
    api.put(MUTATING, configuration(&["a.guard"]));
    sleep(Duration::from_millis(500)).await;
    assert_eq!(api.writes().len(), writes);
}

#[tokio::test]
async fn only_ca_bundles_are_written() {
    let api = FakeApi::default();
    let mut replica = Replica::start(&api, true);
    replica.served().await;
    assert!(api.object(MUTATING).is_none(), "not installed yet");
    let names = ["a.guard", "b.guard"];
    for object in [
        configuration(&names),
        configuration(&names[..1]),
        configuration(&names),
    ] {
        api.put(MUTATING, object.clone());
        api.put(VALIDATING, object.clone());
        eventually("both", || {
            trusts_secret(&api, MUTATING) && trusts_secret(&api, VALIDATING)
        })
        .await;
        let mut kept = api.object(MUTATING).unwrap();
        for webhook in kept["webhooks"].as_array_mut().unwrap() {
            webhook["clientConfig"]
                .as_object_mut()
                .unwrap()
                .remove("caBundle");
        }
        assert_eq!(kept["webhooks"], object["webhooks"]);
    }
    api.delete(MUTATING);
    sleep(Duration::from_millis(500)).await;
    assert!(api.object(MUTATING).is_none(), "it does not come back");
    let writes = api.writes();
    let mut patches = writes
        .iter()
        .filter(|(_, path, _)| !path.starts_with("/api/v1/"));
    assert!(patches.all(|(_, path, _)| path.ends_with("guard?&fieldManager=rollout-guard-ca")));
}

#[tokio::test]
async fn a_webhook_that_moved_is_not_patched() {
    let api = FakeApi::default();
    api.put(MUTATING, configuration(&["a.guard", "b.guard"]));
    let mut read = WebhookConfigurations::read(&api.client(), "guard")
        .await
        .unwrap();
    api.put(MUTATING, configuration(&["theirs", "a.guard"]));
    read.write(&api.client(), "bundle").await.unwrap();
    assert_eq!(bundles(&api, MUTATING), [None, None]);
    assert!(!read.have("bundle"), "it was read again");
    read.write(&api.client(), "bundle").await.unwrap();
    assert!(read.have("bundle"));
    api.delete(MUTATING);
    assert_eq!(read.write(&api.client(), "other").await.unwrap(), 1);
    assert!(api.object(MUTATING).is_none() && read.have("other"));
}

#[tokio::test]
async fn a_damaged_secret_is_repaired_while_the_good_certificate_is_served() {
    let api = FakeApi::default();
    let (mut leader, mut other) = (Replica::start(&api, true), Replica::start(&api, false));
    let served = leader.served().await;
    assert_eq!(other.served().await, served);
    let good = secret(&api);
    let damages: [fn(&mut Value); 3] = [
        |data| data["tls.crt"] = "bm8=".into(),
        |data| data["ca.key"] = "bm8=".into(),
        |data| *data = json!({}),
    ];
    for damage in damages {
        let mut object = api.object(SECRET).unwrap();
        damage(&mut object["data"]);
        api.put(SECRET, object);
        eventually("it is complete", || {
            let data = secret(&api);
            CertificateSet::read(&data, SystemTime::now()).is_complete()
        })
        .await;
        // Whoever trusted the served certificate still does.
        assert!(secret(&api).ca_crt.ends_with(&good.ca_crt));
        assert_eq!(secret(&api).tls_crt, good.tls_crt);
        assert_eq!(
            (leader.serves(), other.serves()),
            (Some(served.clone()), Some(served.clone()))
        );
    }
    api.delete(SECRET);
    eventually("it is there", || api.object(SECRET).is_some()).await;
    assert!(secret(&api).ca_crt.ends_with(&good.ca_crt));
}

#[tokio::test]
async fn all_serve_a_certificate_for_a_new_name() {
    let api = FakeApi::default();
    let mut old = Replica::start(&api, true);
    let before = old.served().await;
    old.lead.send(false).unwrap();
    let _new = Replica::named(&api, true, "other.ns.svc");
    eventually("another certificate", || old.serves().unwrap() != before).await;
    let bundle = secret(&api).ca_crt;
    assert_eq!(bundle.matches("BEGIN").count(), 1, "of the same CA");
}

#[tokio::test]
async fn waits_for_an_api_server_that_fails() {
    let api = FakeApi::default();
    api.fail(Fault::Refuse);
    let mut replica = Replica::start(&api, true);
    sleep(Duration::from_millis(300)).await;
    assert!(replica.serves().is_none());
    api.fail(Fault::None);
    let served = replica.served().await;
    api.fail(Fault::Refuse);
    sleep(Duration::from_millis(300)).await;
    assert_eq!(replica.serves(), Some(served));
}
