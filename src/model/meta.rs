//! What is read of an object's metadata, and the names of labels and annotations.

use super::key::Key;
use super::kind::Kind;
use super::reader::{Labels, Reader};
use super::release::Release;
use crate::text::truncate_bytes;

/// The annotation with the Rollout that an object is managed by. The controller writes it.
pub const MANAGED_BY: &str = "argo-rollouts.argoproj.io/managed-by-rollouts";

/// The annotation that makes rules warn only, and switches mutations off, for one object.
pub const ALLOW: &str = "rollout-guard.io/allow";

/// The virtual verb that a user must have on the object's virtual resource, where settings ask for a right.
pub const ALLOW_VERB: &str = "allow";

/// The annotation of a VirtualService or Namespace with the namespaces whose Rollouts may turn its weights; `*`: all.
pub const CLAIMED_BY: &str = "rollout-guard.io/claimed-by";

/// The namespace label that overrides the profile.
pub const ENFORCE: &str = "rollout-guard.io/enforce";

/// What all kinds have: `metadata`, as far as rules and tools' marks need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Kind, namespace and name.
    pub key: Key,
    /// The release that the object is of.
    pub release: Release,
    /// The codes and names in the `rollout-guard.io/allow` annotation.
    pub allow: Vec<String>,
    /// The Rollout in the managed-by annotation.
    pub managed_by: Option<String>,
    /// Namespaces of a Service's `networking.istio.io/exportTo`; empty: all.
    pub export_to: Vec<String>,
    /// The namespaces in the `rollout-guard.io/claimed-by` annotation.
    pub claimed_by: Vec<String>,
    /// Only of Namespaces; `None`: the profile of the settings is in force.
    pub enforce: Option<Enforce>,
    /// A deletionTimestamp is set.
    pub deleting: bool,
}

/// The value of a namespace's `rollout-guard.io/enforce` label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enforce {
    /// Denies what a write newly breaks.
    Guard,
    /// Denies every error, old ones too.
    Strict,
    /// Warns, and changes nothing.
    Observe,
    /// Neither judges nor changes.
    Off,
    /// Any other value: the profile of the settings is in force, and reviews warn.
    Unknown(String),
}

impl Meta {
    pub(super) fn read(kind: Kind, root: &Reader<'_>, default_namespace: &str) -> Meta {
        let meta = root.get("metadata");
        let annotations = meta.get("annotations").labels().unwrap_or_default();
        let namespace = meta
            .get("namespace")
            .string()
            .filter(|namespace| !namespace.is_empty())
            .unwrap_or_else(|| default_namespace.to_owned());
        let namespace = Some(namespace).filter(|_| kind.is_namespaced());
        let namespace = namespace.unwrap_or_default();
        let name = meta.get("name").string().unwrap_or_default();
        let labels = meta.get("labels");
        let release = if kind.is_guarded() {
            Release::read(&annotations, &labels)
        } else {
            Release::default()
        };
        Meta {
            key: Key::new(
                kind,
                truncate_bytes(&namespace, MAX_NAME_BYTES),
                truncate_bytes(&name, MAX_NAME_BYTES),
            ),
            release,
            allow: words(&annotations, ALLOW).take(MAX_ALLOWED).collect(),
            managed_by: annotations.get(MANAGED_BY).cloned(),
            export_to: words(&annotations, EXPORT_TO).collect(),
            claimed_by: words(&annotations, CLAIMED_BY).collect(),
            enforce: (kind == Kind::Namespace)
                .then(|| {
                    labels
                        .labels()?
                        .get(ENFORCE)
                        .map(|value| Enforce::parse(value))
                })
                .flatten(),
            deleting: meta.get("deletionTimestamp").present(),
        }
    }

    /// Empty for kinds without namespaces.
    pub fn namespace(&self) -> &str {
        &self.key.namespace
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        &self.key.name
    }

    /// Whether the `claimed-by` annotation names the namespace, or all.
    pub fn is_claimed_by(&self, namespace: &str) -> bool {
        let mut words = self.claimed_by.iter();
        words.any(|word| word == "*" || word == namespace)
    }

    /// Whether the `allow` annotation switches a rule off, by its code, its name or `*`.
    pub fn allows(&self, code: &str, name: &str) -> bool {
        let mut words = self.allow.iter();
        words.any(|word| word == "*" || word == name || word.eq_ignore_ascii_case(code))
    }
}

impl Enforce {
    /// The values that a namespace's label may have.
    pub const VALUES: [&str; 4] = ["guard", "strict", "observe", "off"];

    fn parse(text: &str) -> Self {
        match text {
            "guard" => Enforce::Guard,
            "strict" => Enforce::Strict,
            "observe" => Enforce::Observe,
            "off" => Enforce::Off,
            _ => Enforce::Unknown(text.to_owned()),
        }
    }
}

/// The comma-separated words of an annotation.
fn words(annotations: &Labels, name: &str) -> impl Iterator<Item = String> {
    annotations
        .get(name)
        .into_iter()
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
}

/// The API server accepts no longer name.
const MAX_NAME_BYTES: usize = 253;
/// There are fewer rules and mutations.
const MAX_ALLOWED: usize = 256;
const EXPORT_TO: &str = "networking.istio.io/exportTo";
