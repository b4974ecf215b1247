//! Reports who uses the field manager of the Rollouts controller without being listed: once for each user, in the log
//! and in an Event on the Rollout. It also remembers that a listed user writes as the controller, so that the field
//! manager alone exempts nobody any more.
//!
//! This is the state of one process. A replica that has seen no listed user yet judges less, never more: what it
//! exempts is confined to what the controller writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::log_once::LogOnce;
use super::review_log::short;
use crate::api::events::{EventContent, Events};
use crate::audit::rollouts_of;
use crate::cluster::View;
use crate::decide::{Decision, NameUse};
use crate::live::ClusterHandle;
use crate::model::Key;
use crate::settings::Settings;

/// How many Rollouts get an Event if several share the object.
const MAX_EVENTS: usize = 3;

pub(super) struct UnlistedControllers {
    cluster: ClusterHandle,
    settings: Arc<Settings>,
    /// `None` where there is no live cluster.
    events: Option<Events>,
    controller_seen: AtomicBool,
    logged: LogOnce,
    reported: Arc<LogOnce>,
}

impl UnlistedControllers {
    pub fn new(cluster: ClusterHandle, settings: Arc<Settings>, events: Option<Events>) -> Self {
        Self {
            cluster,
            settings,
            events,
            controller_seen: AtomicBool::new(false),
            logged: LogOnce::default(),
            reported: Arc::default(),
        }
    }

    /// Whether a listed user has written as the controller.
    pub fn is_controller_seen(&self) -> bool {
        self.controller_seen.load(Ordering::Relaxed)
    }

    /// Remembers a listed user and reports any other. A dry run is not reported.
    pub fn check(&self, decision: &Decision) {
        let request = &decision.request;
        let Some(name_use) = decision.name_use.filter(|_| !request.dry_run) else {
            return;
        };
        if name_use == NameUse::Listed {
            self.controller_seen.store(true, Ordering::Relaxed);
            return;
        }
        if self.logged.is_new(&request.user) {
            tracing::warn!(
                user = &*short(&request.user),
                exempt = decision.exempt.is_some(),
                "a user that is not listed uses the field manager of the Rollouts controller"
            );
        }
        self.report(decision, name_use);
    }

    fn report(&self, decision: &Decision, name_use: NameUse) {
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
        let write = NamedWrite {
            user: &user,
            object: &object,
            probable: name_use == NameUse::Confined,
            exempt: decision.exempt.is_some(),
        };
        let content = write.content(&self.settings);
        tokio::spawn(async move {
            for rollout in rollouts.iter().take(MAX_EVENTS) {
                if events.send(rollout, &content).await.is_err() {
                    reported.forget(&user);
                    return;
                }
            }
        });
    }
}

/// A write with the controller's field manager by a user that is not listed.
struct NamedWrite<'a> {
    user: &'a str,
    object: &'a Key,
    /// It is confined to what the controller writes, by a service account.
    probable: bool,
    exempt: bool,
}

impl NamedWrite<'_> {
    fn content(&self, settings: &Settings) -> EventContent {
        EventContent {
            reason: "RolloutGuardUnlistedController",
            action: "Review",
            note: self.note(settings),
            urgent: true,
        }
    }

    /// Any client can name its field manager, so the note says what to check, and never to list a person.
    fn note(&self, settings: &Settings) -> String {
        let NamedWrite { user, object, .. } = self;
        let manager = &settings.mesh.controller_manager;
        let listed = settings.controller_users.join("`, `");
        let what = match (self.probable, self.exempt) {
            (true, true) => {
                "it changes only what the controller writes, so it was neither judged nor changed"
            }
            (true, false) => {
                "it changes only what the controller writes, but was judged as any other write, because \
                 `exemptByFieldManager` is `never`, or `auto` and a listed user writes as the controller"
            }
            (false, _) => "it was judged as any other write",
        };
        let check = if self.probable {
            format!(
                "this may be the controller's account: compare `serviceAccountName` in the controller's Deployment; \
                 if it is, set `controllerUsers: [\"{user}\"]` (chart value `controller.users`)"
            )
        } else {
            format!(
                "check who uses this name, and whether `{listed}` (`controllerUsers`, chart value \
                 `controller.users`) is the account in the controller's Deployment"
            )
        };
        format!(
            "somebody uses the field manager `{manager}` of the Rollouts controller: user `{user}`, who is not \
             listed, wrote {object}; {what}; {check}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(user: &str, probable: bool, exempt: bool) -> String {
        let object = Key::new(crate::model::Kind::VirtualService, "ns", "vs");
        let write = NamedWrite {
            user,
            object: &object,
            probable,
            exempt,
        };
        write.note(&Settings::default())
    }

    #[test]
    fn advises_to_list_an_account_and_never_a_person() {
        let account = note("system:serviceaccount:argo:argo", true, true);
        assert!(account.contains("set `controllerUsers: [\"system:serviceaccount:argo:argo\"]`"));
        assert!(
            account.contains("VirtualService ns/vs; it changes only what the controller writes")
        );
        let person = note("alice", false, false);
        assert!(person.contains("user `alice`"), "{person}");
        assert!(!person.contains("set `controllerUsers"), "{person}");
        assert!(note("system:serviceaccount:a:b", true, false).contains("was judged"));
        let longest = note(&"u".repeat(253), true, false);
        assert!(longest.len() < 1024 + 2 * 253, "{}", longest.len());
    }
}
