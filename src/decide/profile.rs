//! The profile in force in a namespace.

use crate::cluster::View;
use crate::model::Enforce;
use crate::settings::{Profile, Settings};

/// The profile of a namespace: its label's, else the settings'.
pub(super) fn namespace_profile(view: &View<'_>, namespace: &str, settings: &Settings) -> Profile {
    let namespace = view.namespace(namespace);
    match namespace.and_then(|namespace| namespace.enforce) {
        Some(Enforce::Guard) => Profile::Guard,
        Some(Enforce::Strict) => Profile::Strict,
        Some(Enforce::Observe) => Profile::Observe,
        Some(Enforce::Off) | None => settings.profile,
    }
}
