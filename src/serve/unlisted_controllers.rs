//! Reports users that write as the Rollouts controller and are not in the settings: once for each user, in the log
//! and in an Event on the Rollout, so that somebody adds the user.

use std::sync::Arc;

use super::log_once::LogOnce;
use super::review_log::short;
use crate::api::events::{EventContent, Events};
use crate::audit::rollouts_of;
use crate::cluster::View;
use crate::decide::{Decision, Exempt};
use crate::live::ClusterHandle;
use crate::model::Key;

/// How many Rollouts get an Event if several share the object.
const MAX_EVENTS: usize = 3;

pub(super) struct UnlistedControllers {
    cluster: ClusterHandle,
    /// `None` where there is no live cluster.
    events: Option<Events>,
    logged: LogOnce,
    reported: Arc<LogOnce>,
}

impl UnlistedControllers {
    pub fn new(cluster: ClusterHandle, events: Option<Events>) -> Self {
        Self {
            cluster,
            events,
            logged: LogOnce::default(),
            reported: Arc::default(),
        }
    }

    /// Reports the user of the write if it is unlisted. A dry run is not reported.
    pub fn check(&self, decision: &Decision) {
        let request = &decision.request;
        if decision.exempt != Some(Exempt::ControllerByFields) || request.dry_run {
            return;
        }
        if self.logged.is_new(&request.user) {
            tracing::warn!(
                user = &*short(&request.user),
                "an unlisted user writes as the Rollouts controller: add it to `controllerUsers` in the settings"
            );
        }
        self.report(decision);
    }

    fn report(&self, decision: &Decision) {
        let request = &decision.request;
        let (Some(events), Some(kind)) = (&self.events, request.kind) else {
            return;
        };
        let cluster = self.cluster.load();
        let object = Key::new(kind, &request.namespace, &request.name);
        let rollouts = rollouts_of(&object, &View::of(&cluster));
        if rollouts.is_empty() || !self.reported.is_new(&request.user) {
            return;
        }
        let (events, reported) = (events.clone(), Arc::clone(&self.reported));
        let user = request.user.clone();
        tokio::spawn(async move {
            let content = content(&user, &object);
            for rollout in rollouts.iter().take(MAX_EVENTS) {
                if events.send(rollout, &content).await.is_err() {
                    reported.forget(&user);
                    return;
                }
            }
        });
    }
}

fn content(user: &str, object: &Key) -> EventContent {
    EventContent {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_user_and_what_to_do() {
        let object = Key::new(crate::model::Kind::VirtualService, "ns", "vs");
        let note = content("system:serviceaccount:argo:argo", &object).note;
        assert!(note.contains("add `system:serviceaccount:argo:argo` to `controllerUsers`"));
        assert!(note.contains("VirtualService ns/vs"));
    }
}
