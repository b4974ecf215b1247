//! What can be set, and the defaults.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::Mesh;
use crate::verdict::RuleId;

/// What a settings file says; see `docs/install.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What is denied where neither a rule's action nor a namespace's label says otherwise.
    pub profile: Profile,
    /// By the rule's code.
    pub actions: BTreeMap<String, RuleAction>,
    /// The names of the mutations that do not run.
    pub mutations_off: BTreeSet<String>,
    /// The users that the Rollouts controller writes as.
    pub controller_users: Vec<String>,
    /// Whether a Rollout may name what another object of its release does not have yet.
    pub pending: bool,
    /// The label by which Argo CD tracks objects, if it does so by a label.
    pub argo_cd_label: Option<String>,
    /// Whether the controller's field manager exempts a service account that is not listed.
    pub exempt_by_field_manager: ExemptByFieldManager,
    /// Whether the `allow` annotation counts only where the user has the right to use it.
    pub allow_needs_right: bool,
    /// What is true of the whole cluster.
    pub mesh: Mesh,
}

/// How strict the guard is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// What a write newly breaks is denied.
    #[default]
    Guard,
    /// Every error is denied, old or new, missing objects too.
    Strict,
    /// Nothing is denied and nothing is changed.
    Observe,
}

/// When the controller's field manager exempts a service account that is not listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExemptByFieldManager {
    /// Until a listed user has been seen to write as the controller: then the list is right.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never: listed users alone are exempt.
    Never,
}

/// What a rule's findings do, whatever the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleAction {
    /// A new finding denies, be it a warning.
    Deny,
    /// A finding never denies.
    Warn,
    /// The rule does not run.
    Off,
}

impl Settings {
    /// The action that is set for the rule.
    pub fn action(&self, rule: RuleId) -> Option<RuleAction> {
        self.actions.get(rule.code).copied()
    }
}

impl Profile {
    /// As settings, flags and labels write them.
    pub const NAMES: [&'static str; 3] = ["guard", "strict", "observe"];

    /// The profile of one of [`Profile::NAMES`].
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "guard" => Some(Profile::Guard),
            "strict" => Some(Profile::Strict),
            "observe" => Some(Profile::Observe),
            _ => None,
        }
    }

    /// The profile as [`Profile::NAMES`] has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Profile::Guard => "guard",
            Profile::Strict => "strict",
            Profile::Observe => "observe",
        }
    }
}

impl ExemptByFieldManager {
    /// As settings write them.
    pub const NAMES: [&'static str; 3] = ["auto", "always", "never"];

    /// The value of one of [`ExemptByFieldManager::NAMES`].
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(ExemptByFieldManager::Auto),
            "always" => Some(ExemptByFieldManager::Always),
            "never" => Some(ExemptByFieldManager::Never),
            _ => None,
        }
    }
}

impl RuleAction {
    /// As settings write them.
    pub const NAMES: [&'static str; 3] = ["deny", "warn", "off"];

    /// The action of one of [`RuleAction::NAMES`].
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "deny" => Some(RuleAction::Deny),
            "warn" => Some(RuleAction::Warn),
            "off" => Some(RuleAction::Off),
            _ => None,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            actions: BTreeMap::new(),
            mutations_off: BTreeSet::new(),
            controller_users: vec!["system:serviceaccount:argo-rollouts:argo-rollouts".to_owned()],
            pending: true,
            argo_cd_label: None,
            exempt_by_field_manager: ExemptByFieldManager::default(),
            allow_needs_right: false,
            mesh: Mesh::default(),
        }
    }
}
