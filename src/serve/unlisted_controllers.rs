//! The Rollouts controller under users that the settings do not list: told once for each, in the log and in an
//! Event on the Rollout that it wrote for, so that somebody lists it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::review_log::short;
use crate::api::events::{Events, Words};
use crate::audit::concerned;
use crate::cluster::View;
use crate::decide::{Decision, Exempt};
use crate::live::ClusterHandle;
use crate::model::Key;

pub(super) struct UnlistedControllers {
    cluster: ClusterHandle,
    /// `None` where there is no live cluster.
    events: Option<Events>,
    logged: Mutex<BTreeSet<String>>,
    told: Arc<Mutex<BTreeSet<String>>>,
}

impl UnlistedControllers {
    pub fn new(cluster: ClusterHandle, events: Option<Events>) -> Self {
        Self {
            cluster,
            events,
            logged: Mutex::default(),
            told: Arc::default(),
        }
    }

    /// Looks at who wrote; a dry run leaves no trace.
    pub fn meet(&self, decision: &Decision) {
        let request = &decision.request;
        if decision.exempt != Some(Exempt::ControllerByFields) || request.dry_run {
            return;
        }
        if first(&self.logged, &request.user) {
            tracing::warn!(
                user = &*short(&request.user),
                "an unlisted user writes as the Rollouts controller: add it to `controllerUsers` in the settings"
            );
        }
        self.tell(decision);
    }

    fn tell(&self, decision: &Decision) {
        let request = &decision.request;
        let (Some(events), Some(kind)) = (&self.events, request.kind) else {
            return;
        };
        let cluster = self.cluster.load();
        let object = Key::new(kind, &request.namespace, &request.name);
        let rollouts = concerned(&object, &View::of(&cluster));
        if rollouts.is_empty() || !first(&self.told, &request.user) {
            return;
        }
        let (events, told, user) = (events.clone(), Arc::clone(&self.told), request.user.clone());
        tokio::spawn(async move {
            let words = words(&user, &object);
            for rollout in rollouts.iter().take(ROLLOUTS) {
                if events.tell(rollout, &words).await.is_err() {
                    // The next of its writes is told instead.
                    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                    told.remove(&user);
                    return;
                }
            }
        });
    }
}

fn words(user: &str, object: &Key) -> Words {
    Words {
        reason: "RolloutGuardUnlistedController",
        action: "Review",
        note: format!(
            "the Rollouts controller wrote {object} as user `{user}`, which is not listed; its writes pass, \
             but it is known by its field manager alone: add `{user}` to `controllerUsers` in the \
             settings (chart value `controller.users`)"
        ),
        urgent: true,
    }
}

/// Whether the user was not met before.
fn first(met: &Mutex<BTreeSet<String>>, user: &str) -> bool {
    let mut met = met.lock().unwrap_or_else(PoisonError::into_inner);
    met.len() < STRANGERS && met.insert(user.to_owned())
}

/// More users than any cluster has controllers.
const STRANGERS: usize = 100;
/// That share one object.
const ROLLOUTS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meets_everybody_once_and_not_too_many() {
        let met = Mutex::default();
        assert!(first(&met, "a"));
        assert!(!first(&met, "a"));
        let more = (0..2 * STRANGERS).filter(|index| first(&met, &index.to_string()));
        assert_eq!(more.count(), STRANGERS - 1);
    }

    #[test]
    fn names_the_user_and_what_to_do() {
        let object = Key::new(crate::model::Kind::VirtualService, "ns", "vs");
        let note = words("system:serviceaccount:argo:argo", &object).note;
        assert!(note.contains("add `system:serviceaccount:argo:argo` to `controllerUsers`"));
        assert!(note.contains("VirtualService ns/vs"));
    }
}
