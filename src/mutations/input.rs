//! What a mutation reads: the write, the text of the live object, and the cluster with the write in it.

use serde_json::Value;

use crate::cluster::{Flow, View};
use crate::field::Path;
use crate::managed_fields;
use crate::model::{Key, Write, is_partial};

/// A CREATE or UPDATE that is about to be stored.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// Its new object is the one that the mutations so far have made.
    pub write: &'a Write,
    /// The live object as the API server sent it, `Null` on CREATE.
    pub live_value: &'a Value,
    /// The cluster with the write in it, and the cluster before it.
    pub view: View<'a>,
    /// The field manager that the Rollouts controller writes as.
    pub controller_manager: &'a str,
}

impl<'a> Input<'a> {
    /// The key of the written object.
    pub fn key(&self) -> &'a Key {
        &self.write.key
    }

    /// The flows that name the object and may hold values in it: those of its namespace, and those of others whose
    /// controller acts on it. Not those of a Rollout that is being deleted.
    pub fn flows(&self) -> impl Iterator<Item = Flow<'a>> {
        self.view.flows_with_claim(self.key()).into_iter()
    }

    /// The flow that may hold values in the object, if there is one only.
    pub fn only_flow(&self) -> Option<Flow<'a>> {
        let mut flows = self.flows();
        flows.next().filter(|_| flows.next().is_none())
    }

    /// A copy of an entry of the live object; `None` if it is not kept whole.
    pub fn live_entry(&self, path: &Path) -> Option<Value> {
        let whole = Some(self.live_value).filter(|live| !is_partial(live));
        whole?.pointer(&path.pointer()).cloned()
    }

    /// Whether the write has the managed-by annotation if the live object has it.
    pub fn keeps_managed_by(&self) -> bool {
        let [new, live] = [&self.write.new, &self.write.old].map(|object| {
            object
                .as_ref()
                .and_then(|object| object.meta.managed_by.as_ref())
        });
        live.is_none() || live == new
    }

    /// Whether the controller's manager owns the field of the live object, or a part of it, or has given it up and
    /// nobody has applied it since.
    pub fn controller_owns(&self, path: &[&str]) -> bool {
        let (live, manager) = (self.live_value, self.controller_manager);
        managed_fields::owns_part(live, manager, path)
            || managed_fields::is_given_up(live, manager, path)
    }
}
