//! Runs each mutation of the written kind in turn, on the object as the previous one left it.

use super::profile::namespace_profile;
use crate::cluster::{Fact, Facts, Overlay, View};
use crate::model::{Object, Operation, Write};
use crate::mutations::{Input, Mutation, Patch};
use crate::request::Request;
use crate::settings::{Profile, Settings};

/// What a write becomes.
#[derive(Clone, Debug, Default)]
pub struct Mutated {
    /// The operations, and what they keep.
    pub patch: Patch,
    /// Profile `observe`: the patch says what would have been done, and is not made.
    pub observed: bool,
    /// The names of the mutations that changed something.
    pub by: Vec<&'static str>,
    /// One of them changed something although the `allow` annotation, which does not count, names it.
    pub despite_allow: bool,
    /// What was read for the patch, or to see that there is none.
    pub reads: Vec<Fact>,
}

/// Runs the mutations on a write; the request's object becomes what will be stored. `facts` is where the view
/// notes what is read.
pub(super) fn mutate(
    mutations: &[Mutation],
    request: &mut Request,
    write: &mut Write,
    (view, facts): (View<'_>, &Facts),
    settings: &Settings,
) -> Mutated {
    let mut mutated = Mutated {
        observed: namespace_profile(&view, &request.namespace, settings) == Profile::Observe,
        ..Mutated::default()
    };
    if write.operation != Operation::Delete {
        let start = facts.mark();
        mutated.run(mutations, request, write, view, settings);
        mutated.reads = facts.since(start);
        if !request.trace {
            facts.forget_since(start);
        }
    }
    mutated
}

impl Mutated {
    /// Whether the API server is asked to change the object.
    pub fn patches(&self) -> bool {
        !self.patch.is_empty() && !self.observed
    }

    fn run(
        &mut self,
        mutations: &[Mutation],
        request: &mut Request,
        write: &mut Write,
        view: View<'_>,
        settings: &Settings,
    ) {
        self.patch = Patch::of(std::mem::take(&mut request.object));
        let kind = write.key.kind;
        let old = Overlay::new(&write.key, write.old.as_ref(), view.mesh());
        let allow_counts = !settings.allow_needs_right || request.allow_right.counts();
        let mut mutations = mutations.iter().filter(|one| one.kinds.contains(&kind));
        loop {
            let overlay = Overlay::new(&write.key, write.new.as_ref(), view.mesh());
            let input = Input {
                write,
                live_value: &request.old_object,
                view: view.with_before(&overlay, &old),
                controller_manager: &settings.mesh.controller_manager,
            };
            let mut runs = mutations.by_ref().filter_map(|mutation| {
                let named_by_allow = is_named_by_allow(mutation, write);
                let runs = !(named_by_allow && allow_counts);
                runs.then_some((mutation, named_by_allow))
            });
            let changes = runs.find(|(mutation, _)| apply(mutation, &input, &mut self.patch));
            let Some((mutation, named_by_allow)) = changes else {
                break;
            };
            self.despite_allow |= named_by_allow;
            self.by.push(mutation.name);
            write.new = Some(Object::parse_as(
                kind,
                self.patch.object(),
                &request.namespace,
            ));
        }
        let stored = self.patch.take_object();
        request.object = if self.observed {
            self.patch.undo(stored)
        } else {
            stored
        };
        if self.observed && !self.by.is_empty() {
            write.new = Some(Object::parse_as(kind, &request.object, &request.namespace));
        }
    }
}

fn is_named_by_allow(mutation: &Mutation, write: &Write) -> bool {
    let new = write.new.as_ref();
    new.is_some_and(|new| new.meta.allows(mutation.name, mutation.name))
}

/// Whether the mutation has changed something.
fn apply(mutation: &Mutation, input: &Input<'_>, patch: &mut Patch) -> bool {
    let before = patch.operations().len();
    (mutation.apply)(input, patch);
    patch.finish();
    patch.operations().len() > before
}
