//! A webhook of a configuration of the cluster.

use serde_json::Value;

use super::reader::{list, text};
use crate::model::{Kind, Labels, Selector};

/// The end of the names of rollout-guard's webhooks.
const OUR_SUFFIX: &str = ".rollout-guard.io";

#[derive(Clone, Debug)]
pub(super) struct Webhook {
    pub configuration: String,
    pub mutating: bool,
    pub value: Value,
}

impl Webhook {
    /// The webhooks of a configuration.
    pub fn of(configuration: &Value, mutating: bool) -> impl Iterator<Item = Self> {
        let name = text(configuration, "/metadata/name").to_owned();
        let webhooks = list(configuration, "/webhooks").iter();
        webhooks.map(move |value| Self {
            configuration: name.clone(),
            mutating,
            value: value.clone(),
        })
    }

    pub fn name(&self) -> &str {
        text(&self.value, "/name")
    }

    pub fn is_ours(&self) -> bool {
        self.name().ends_with(OUR_SUFFIX)
    }

    /// Whether its rules include this operation on objects of the kind.
    pub fn reviews(&self, kind: Kind, operation: &str) -> bool {
        list(&self.value, "/rules").iter().any(|rule| {
            let has = |pointer, wanted: &str| {
                let mut words = list(rule, pointer).iter().filter_map(Value::as_str);
                words.any(|word| word == wanted || word == "*" || word == "*/*")
            };
            has("/apiGroups", kind.group())
                && has("/resources", kind.plural())
                && has("/operations", operation)
        })
    }

    /// Whether it reviews objects in a namespace with these labels.
    pub fn covers(&self, labels: &Labels) -> bool {
        let selector = self.value.get("namespaceSelector");
        selector.is_none_or(|selector| Selector::of(selector).matches(labels))
    }

    /// The Service that it calls: namespace and name.
    pub fn service(&self) -> Option<(&str, &str)> {
        let service = self.value.pointer("/clientConfig/service")?;
        Some((text(service, "/namespace"), text(service, "/name")))
    }

    pub fn bundle(&self) -> &str {
        text(&self.value, "/clientConfig/caBundle")
    }
}
