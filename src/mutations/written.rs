//! A write as mutations see it: the object as it will be, the live one, and the flows around it.

use serde_json::Value;

use crate::cluster::{Flow, View};
use crate::managed_fields;
use crate::model::{Key, Object, Operation};

/// A CREATE or UPDATE that is about to be stored.
#[derive(Clone, Copy)]
pub struct Written<'a> {
    pub operation: Operation,
    /// The object with the patch so far.
    pub new: &'a Object,
    /// The live object; `None` on CREATE.
    pub live: Option<&'a Object>,
    /// The live object's own text, `Null` on CREATE.
    pub live_value: &'a Value,
    /// The cluster with the write in it.
    pub view: View<'a>,
    /// The field manager that the Rollouts controller writes as.
    pub controller_manager: &'a str,
}

impl<'a> Written<'a> {
    pub fn key(&self) -> &'a Key {
        self.new.key()
    }

    /// The flows that name the object, those of a Rollout that is going left out.
    pub fn flows(&self) -> impl Iterator<Item = Flow<'a>> {
        let view = self.view;
        let rollouts = view.rollouts_using(self.key()).into_iter();
        rollouts
            .filter(|rollout| !rollout.meta.deleting)
            .map(move |rollout| Flow::of(rollout, view))
    }

    /// Whether the controller's manager owns the field of the live object, or a part of it.
    pub fn controller_owns(&self, path: &[&str]) -> bool {
        managed_fields::owns_part(self.live_value, self.controller_manager, path)
    }
}
