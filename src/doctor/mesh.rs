//! Istio and the DNS domain: what is served, the root namespace, the domain of the cluster.

use serde_json::Value;

use super::deployment::{flag, version};
use super::fact::{Fact, Level};
use super::inventory::Inventory;
use super::reader::{Reader, full_name, text};
use crate::model::Kind;
use crate::source::{self, Limits, Node};

const ISTIO: &str = "istio";
const DOMAIN: &str = "cluster-domain";

pub(super) async fn facts(reader: &Reader, inventory: &Inventory) -> Vec<Fact> {
    let mut facts = vec![served(inventory)];
    for istiod in &inventory.istiods {
        facts.push(root_namespace(reader, istiod, &inventory.settings.mesh.root_namespace).await);
    }
    facts.push(domain(reader, inventory).await);
    facts
}

fn served(inventory: &Inventory) -> Fact {
    let versions = inventory.versions(Kind::VirtualService.group());
    if !versions.is_empty() {
        let fact = format!("networking.istio.io is served as {}", versions.join(", "));
        let meaning = "all of them are guarded";
        return Fact::new(Level::Ok, ISTIO, fact, meaning);
    }
    let fact = "networking.istio.io is not served";
    let meaning = if inventory.settings.mesh.remote_istio {
        "`istio.primaryCluster` is `remote`: Istio's objects are in another cluster"
    } else {
        "Rollouts, and the Services that they name, are guarded alone"
    };
    Fact::new(Level::Note, ISTIO, fact, meaning)
}

/// The root namespace is that of istiod, unless its mesh configuration names another.
async fn root_namespace(reader: &Reader, istiod: &Value, set: &str) -> Fact {
    let namespace = text(istiod, "/metadata/namespace");
    let name = match istiod.pointer("/metadata/labels/istio.io~1rev") {
        Some(Value::String(revision)) if revision != "default" => format!("istio-{revision}"),
        _ => "istio".to_owned(),
    };
    let path = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
    let mesh = reader.get(&path).await.ok().flatten();
    let mesh = mesh.map(|config_map| text(&config_map, "/data/mesh").to_owned());
    let root = mesh.and_then(|mesh| yaml_text(&mesh, "rootNamespace"));
    let root = root.unwrap_or_else(|| namespace.to_owned());
    let (istiod, version) = (full_name(istiod), version(istiod));
    let fact = format!("Deployment {istiod} runs Istio {version} with root namespace `{root}`");
    if root == set {
        let meaning =
            "`istio.rootNamespace` is the same: its DestinationRules count in all namespaces";
        return Fact::new(Level::Ok, ISTIO, fact, meaning);
    }
    let meaning = format!(
        "`istio.rootNamespace` is `{set}`: the rules look for the DestinationRules of all namespaces there"
    );
    Fact::new(Level::Warning, ISTIO, fact, meaning)
        .advise(format!("set `istio.rootNamespace: {root}`"))
}

fn yaml_text(yaml: &str, key: &str) -> Option<String> {
    let documents = source::parse(yaml, Limits::default()).ok()?;
    let value = documents.first()?.get(key).and_then(Node::as_str)?;
    Some(value.to_owned())
}

async fn domain(reader: &Reader, inventory: &Inventory) -> Fact {
    let set = &inventory.settings.mesh.domain;
    let Some((domain, witness)) = known_domain(reader, inventory).await else {
        let fact = "neither CoreDNS nor istiod tells the DNS domain of the cluster";
        let meaning = format!("whether `clusterDomain` `{set}` is right is not known");
        return Fact::new(Level::Unknown, DOMAIN, fact, meaning)
            .advise("compare it with `search` in `/etc/resolv.conf` of a pod");
    };
    let fact = format!("{witness} serves the cluster domain `{domain}`");
    if domain == *set {
        return Fact::new(Level::Ok, DOMAIN, fact, "`clusterDomain` is the same");
    }
    let meaning =
        format!("`clusterDomain` is `{set}`: full host names of Services resolve to nothing");
    Fact::new(Level::Error, DOMAIN, fact, meaning).advise(format!("set `clusterDomain: {domain}`"))
}

/// The domain, and who names it.
async fn known_domain(reader: &Reader, inventory: &Inventory) -> Option<(String, String)> {
    let path = "/api/v1/namespaces/kube-system/configmaps/coredns";
    let config_map = reader.get(path).await.ok().flatten();
    let domain = config_map.and_then(|map| coredns_domain(text(&map, "/data/Corefile")));
    if let Some(domain) = domain {
        return Some((domain, "CoreDNS".to_owned()));
    }
    let mut istiods = inventory.istiods.iter();
    istiods.find_map(|istiod| {
        let witness = format!("Deployment {}", full_name(istiod));
        Some((flag(istiod, "--domain")?.to_owned(), witness))
    })
}

/// The first zone of the plugin `kubernetes`, which is not one of reverse lookups.
fn coredns_domain(corefile: &str) -> Option<String> {
    let mut lines = corefile.lines().map(str::trim);
    let zones = lines.find_map(|line| line.strip_prefix("kubernetes "))?;
    let zones = zones.split_whitespace().take_while(|word| *word != "{");
    let mut zones = zones.map(|zone| zone.trim_end_matches('.'));
    let zone = zones.find(|zone| zone.rsplit_once('.').is_none_or(|(_, last)| last != "arpa"));
    zone.map(str::to_owned)
}
