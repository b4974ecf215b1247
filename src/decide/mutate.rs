//! The mutating half: each mutation of the written kind in turn, on the object as the one before left it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::exempt::exempt;
use super::namespace_profile;
use crate::cluster::{Cluster, Facts, Overlay, View};
use crate::model::{Key, Kind, Object, Operation};
use crate::mutations::{MUTATIONS, Mutation, Patch, Written};
use crate::request::Request;
use crate::settings::{Profile, Settings};
use crate::verdict::Exempt;

/// What a write becomes.
#[derive(Clone, Debug)]
pub struct Mutated {
    pub patch: Patch,
    pub exempt: Option<Exempt>,
    /// Profile `observe`: the patch says what would have been done, and is not.
    pub observed: bool,
    /// The names of the mutations that changed something.
    pub by: Vec<&'static str>,
    /// The objects that had a say, in a patch or in that there is none.
    pub looked_at: BTreeSet<Key>,
}

/// The write with what the controller owns kept in it.
pub fn mutate(request: &Request, cluster: &Cluster, settings: &Settings) -> Mutated {
    mutate_by(MUTATIONS, request, cluster, settings)
}

/// The write with what these mutations do to it.
pub fn mutate_by(
    mutations: &[Mutation],
    request: &Request,
    cluster: &Cluster,
    settings: &Settings,
) -> Mutated {
    let view = View::of(cluster);
    let mut mutated = Mutated {
        patch: Patch::of(request.object.clone()),
        exempt: exempt(request, &view, settings),
        observed: namespace_profile(&view, &request.namespace, settings) == Profile::Observe,
        by: Vec::new(),
        looked_at: BTreeSet::new(),
    };
    let Some(kind) = request.kind else {
        return mutated;
    };
    if mutated.exempt.is_some() || request.operation == Operation::Delete {
        return mutated;
    }
    let facts = Facts::default();
    let view = view.noting(&facts);
    let parse = |value: &Value| Object::parse_as(kind, value, &request.namespace);
    let live = (!request.old_object.is_null()).then(|| parse(&request.old_object));
    let mut new = parse(mutated.patch.object());
    for mutation in mutations.iter().filter(|mutation| mutation.kind == kind) {
        let overlay = Overlay::new(new.key(), Some(&new), view.mesh());
        let written = Written {
            operation: request.operation,
            new: &new,
            live: live.as_ref(),
            live_value: &request.old_object,
            view: view.with(&overlay),
            controller_manager: &settings.controller_manager,
        };
        if apply(mutation, &written, &mut mutated.patch) {
            mutated.by.push(mutation.name);
            new = parse(mutated.patch.object());
        }
    }
    mutated.looked_at = facts.into_keys();
    mutated
}

/// Whether the mutation has changed something.
fn apply(mutation: &Mutation, written: &Written<'_>, patch: &mut Patch) -> bool {
    if written.new.meta().allows(mutation.name, mutation.name) {
        return false;
    }
    let before = patch.operations().len();
    (mutation.apply)(written, patch);
    patch.finish();
    patch.operations().len() > before
}

impl Mutated {
    /// The Rollouts whose remembered status had a say.
    pub fn rollouts(&self, cluster: &Cluster) -> impl Iterator<Item = &Key> {
        let keys = self.looked_at.iter();
        keys.filter(|key| key.kind == Kind::Rollout && cluster.get(key).is_some())
    }

    /// The object as it will be stored.
    pub fn object(&self, request: &Request) -> Value {
        if self.observed {
            request.object.clone()
        } else {
            self.patch.object().clone()
        }
    }
}
