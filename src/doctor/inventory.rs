//! What several facts need: webhooks, Deployments, namespaces, the installed guard and its settings.

use std::collections::BTreeMap;

use serde_json::Value;

use super::deployment::{is_istiod, is_rollouts_controller};
use super::fact::{Fact, Level};
use super::reader::{Read, Reader, full_name, list, text};
use super::webhook::Webhook;
use crate::model::{ENFORCE, Labels, Selector};
use crate::settings::{self, Profile, Settings};

pub(super) struct Inventory {
    /// The answer to `GET /apis`.
    pub groups: Value,
    pub webhooks: Read<Vec<Webhook>>,
    /// Deployments of the Rollouts controller.
    pub controllers: Read<Vec<Value>>,
    pub istiods: Vec<Value>,
    pub guard: Option<Guard>,
    /// The labels of each namespace.
    pub namespaces: Read<BTreeMap<String, Labels>>,
    pub settings: Settings,
}

/// The guard that the webhooks call in the cluster.
pub(super) struct Guard {
    pub namespace: String,
    pub service: String,
    pub deployment: Option<Value>,
}

impl Inventory {
    /// With the settings of the installed guard, unless others are given.
    ///
    /// # Errors
    /// The API server does not answer, or not to this user.
    pub async fn read(
        reader: &Reader,
        settings: Option<Settings>,
        facts: &mut Vec<Fact>,
    ) -> Read<Self> {
        let groups = reader.get("/apis").await?.unwrap_or_default();
        let webhooks = webhooks(reader).await;
        let mut guard = guard(webhooks.as_deref().unwrap_or_default());
        let selector = match &guard {
            Some(guard) => pod_selector(reader, guard).await,
            None => None,
        };
        let mut istiods = Vec::new();
        let mut controllers = Vec::new();
        let listed = reader
            .each("/apis/apps/v1/deployments", |deployment| {
                if is_rollouts_controller(deployment) {
                    controllers.push(deployment.clone());
                } else if is_istiod(deployment) {
                    istiods.push(deployment.clone());
                } else if let (Some(guard), Some(selector)) = (&mut guard, &selector) {
                    guard.take(deployment, selector);
                }
            })
            .await;
        let namespaces = namespaces(reader).await;
        let settings = match settings {
            Some(settings) => settings,
            None => installed_settings(reader, guard.as_ref(), facts).await,
        };
        Ok(Self {
            groups,
            webhooks,
            controllers: listed.map(|()| controllers),
            istiods,
            guard,
            namespaces,
            settings,
        })
    }

    /// The versions in which a group is served, the newest first.
    pub fn versions(&self, group: &str) -> Vec<&str> {
        let mut groups = list(&self.groups, "/groups").iter();
        let found = groups.find(|found| text(found, "/name") == group);
        let versions = found.map(|found| list(found, "/versions"));
        let versions = versions.unwrap_or_default().iter();
        versions.map(|version| text(version, "/version")).collect()
    }

    pub fn our_webhooks(&self) -> impl Iterator<Item = &Webhook> {
        let webhooks = self.webhooks.iter().flatten();
        webhooks.filter(|webhook| webhook.is_ours())
    }

    /// The Deployment of the installed guard.
    pub fn deployment(&self) -> Option<&Value> {
        self.guard.as_ref()?.deployment.as_ref()
    }

    /// The value of the label that sets a namespace's profile.
    pub fn enforce(&self, namespace: &str) -> Option<&str> {
        Some(self.labels(namespace)?.get(ENFORCE)?.as_str())
    }

    /// The profile in force in a namespace.
    pub fn profile(&self, namespace: &str) -> Profile {
        let label = self.enforce(namespace).and_then(Profile::parse);
        label.unwrap_or(self.settings.profile)
    }

    fn labels(&self, namespace: &str) -> Option<&Labels> {
        self.namespaces.as_ref().ok()?.get(namespace)
    }

    /// Whether writes in this namespace are reviewed; also if its labels are not known.
    pub fn is_guarded(&self, namespace: &str) -> bool {
        let labels = self.labels(namespace);
        self.enforce(namespace) != Some("off")
            && labels.is_none_or(|labels| {
                let mut validating = self.our_webhooks().filter(|webhook| !webhook.mutating);
                validating.all(|webhook| webhook.covers(labels))
            })
    }
}

impl Guard {
    fn take(&mut self, deployment: &Value, selector: &Selector) {
        let labels = labels(deployment.pointer("/spec/template/metadata/labels"));
        if text(deployment, "/metadata/namespace") == self.namespace && selector.matches(&labels) {
            self.deployment = Some(deployment.clone());
        }
    }
}

async fn webhooks(reader: &Reader) -> Read<Vec<Webhook>> {
    let mut all = Vec::new();
    for (resource, mutating) in [
        ("mutatingwebhookconfigurations", true),
        ("validatingwebhookconfigurations", false),
    ] {
        let path = format!("/apis/admissionregistration.k8s.io/v1/{resource}");
        let each = |one: &Value| all.extend(Webhook::of(one, mutating));
        reader.each(&path, each).await?;
    }
    Ok(all)
}

fn guard(webhooks: &[Webhook]) -> Option<Guard> {
    let mut ours = webhooks.iter().filter(|webhook| webhook.is_ours());
    let (namespace, service) = ours.find_map(Webhook::service)?;
    Some(Guard {
        namespace: namespace.to_owned(),
        service: service.to_owned(),
        deployment: None,
    })
}

async fn pod_selector(reader: &Reader, guard: &Guard) -> Option<Selector> {
    let Guard {
        namespace, service, ..
    } = guard;
    let path = format!("/api/v1/namespaces/{namespace}/services/{service}");
    let service = reader.get(&path).await.ok()??;
    let match_labels = labels(service.pointer("/spec/selector"));
    Some(Selector {
        match_labels,
        ..Selector::default()
    })
    .filter(|selector| !selector.is_empty())
}

async fn namespaces(reader: &Reader) -> Read<BTreeMap<String, Labels>> {
    let mut all = BTreeMap::new();
    let each = |one: &Value| {
        all.insert(full_name(one), labels(one.pointer("/metadata/labels")));
    };
    reader.each("/api/v1/namespaces", each).await?;
    Ok(all)
}

/// The settings in the ConfigMap of the guard's pods, else the defaults.
async fn installed_settings(
    reader: &Reader,
    guard: Option<&Guard>,
    facts: &mut Vec<Fact>,
) -> Settings {
    let name = guard.and_then(|guard| Some((guard, config_map(guard.deployment.as_ref()?)?)));
    let Some((guard, name)) = name else {
        facts.push(assumed("no installed rollout-guard shows its settings"));
        return Settings::default();
    };
    let place = format!("ConfigMap {}/{name}", guard.namespace);
    let path = format!("/api/v1/namespaces/{}/configmaps/{name}", guard.namespace);
    let read = match reader.get(&path).await {
        Ok(Some(config_map)) => settings::parse(text(&config_map, "/data/config.yaml")),
        Ok(None) => {
            facts.push(assumed(&format!("{place} does not exist")));
            return Settings::default();
        }
        Err(error) => {
            facts.push(Fact::unread("settings", &place, &error));
            return Settings::default();
        }
    };
    read.unwrap_or_else(|error| {
        let fact = format!("{place} holds no usable settings");
        let meaning = format!("pods that start do not become ready: {}", error.message);
        let fact = Fact::new(Level::Error, "settings", fact, meaning);
        facts.push(fact.advise("mend the values of the chart"));
        Settings::default()
    })
}

fn assumed(why: &str) -> Fact {
    Fact::new(
        Level::Note,
        "settings",
        why,
        "the facts below assume the default settings",
    )
    .advise("pass `--config FILE` for others")
}

/// The name of the ConfigMap that the pods read settings from.
fn config_map(deployment: &Value) -> Option<&str> {
    let volumes = list(deployment, "/spec/template/spec/volumes").iter();
    let mut names = volumes.map(|volume| text(volume, "/configMap/name"));
    names.find(|name| !name.is_empty())
}

fn labels(value: Option<&Value>) -> Labels {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    let entries =
        entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    entries.collect()
}
