//! The mutating half: each mutation of the written kind in turn, on the object as the one before left it.

use serde_json::Value;

use super::exempt::exempt;
use super::profile;
use crate::cluster::{Cluster, Overlay, View};
use crate::model::{Object, Operation};
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
        observed: profile(&view, request, settings) == Profile::Observe,
        by: Vec::new(),
    };
    if mutated.exempt.is_some() || request.operation == Operation::Delete {
        return mutated;
    }
    for mutation in mutations {
        let operations = mutated.patch.operations().len();
        apply(mutation, request, view, settings, &mut mutated.patch);
        if mutated.patch.operations().len() > operations {
            mutated.by.push(mutation.name);
        }
    }
    mutated
}

impl Mutated {
    /// The object as it will be stored.
    pub fn object(&self, request: &Request) -> Value {
        if self.observed {
            request.object.clone()
        } else {
            self.patch.object().clone()
        }
    }
}

fn apply(
    mutation: &Mutation,
    request: &Request,
    view: View<'_>,
    settings: &Settings,
    patch: &mut Patch,
) {
    let Some(kind) = request.kind.filter(|kind| *kind == mutation.kind) else {
        return;
    };
    let parse = |value: &Value| Object::parse_as(kind, value, &request.namespace);
    let new = parse(patch.object());
    if new.meta().allows(mutation.name, mutation.name) {
        return;
    }
    let live = (!request.old_object.is_null()).then(|| parse(&request.old_object));
    let overlay = Overlay::new(new.key(), Some(&new), view.mesh());
    let written = Written {
        operation: request.operation,
        new: &new,
        live: live.as_ref(),
        live_value: &request.old_object,
        view: view.with(&overlay),
        controller_manager: &settings.controller_manager,
    };
    (mutation.apply)(&written, patch);
    patch.finish();
}
