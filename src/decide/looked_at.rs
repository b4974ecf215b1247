//! What an answer was made from, for those who keep it to ask the same again.

use std::collections::BTreeSet;

use super::{admit_in, mutate};
use crate::cluster::{Cluster, Facts, View};
use crate::model::{Key, Kind};
use crate::request::Request;
use crate::settings::Settings;

/// The objects that are looked at to change a write and to judge what it becomes, whether they are there
/// or not.
pub fn looked_at(request: &Request, cluster: &Cluster, settings: &Settings) -> BTreeSet<Key> {
    let mutated = mutate(request, cluster, settings);
    let mut changed = request.clone();
    changed.object = mutated.object(request);
    let facts = Facts::default();
    admit_in(View::of(cluster).noting(&facts), &changed, settings);
    let mut keys = facts.into_keys();
    keys.extend(mutated.looked_at);
    keys.insert(Key::new(Kind::Namespace, "", &request.namespace));
    if let Some(kind) = request.kind.filter(|_| !request.name.is_empty()) {
        keys.insert(Key::new(kind, &request.namespace, &request.name));
    }
    keys
}
