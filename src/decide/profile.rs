//! The profile in force in a namespace, and a label that does not name one.

use crate::cluster::View;
use crate::model::{ENFORCE, Enforce};
use crate::rules::nearest;
use crate::settings::{Profile, Settings};

/// The profile of a namespace: its label's, else the settings'.
pub(super) fn namespace_profile(view: &View<'_>, namespace: &str, settings: &Settings) -> Profile {
    let namespace = view.namespace(namespace);
    match namespace.and_then(|namespace| namespace.enforce.as_ref()) {
        Some(Enforce::Guard) => Profile::Guard,
        Some(Enforce::Strict) => Profile::Strict,
        Some(Enforce::Observe) => Profile::Observe,
        Some(Enforce::Off | Enforce::Unknown(_)) | None => settings.profile,
    }
}

/// The value of the namespace's label if it is unknown.
pub(super) fn unknown_enforce(view: &View<'_>, namespace: &str) -> Option<String> {
    match &view.namespace(namespace)?.enforce {
        Some(Enforce::Unknown(value)) => Some(value.clone()),
        _ => None,
    }
}

/// Warns of a label that has no effect, so that nobody relies on it.
pub(super) fn unknown_enforce_note(namespace: &str, value: &str, settings: &Settings) -> String {
    let profile = settings.profile.as_str();
    let hint = nearest(value, Enforce::VALUES);
    let hint = hint.map(|name| format!("; did you mean `{name}`?"));
    format!(
        "label {ENFORCE} of namespace `{namespace}` has the unknown value `{value}`, so profile `{profile}` applies{}",
        hint.unwrap_or_default()
    )
}
