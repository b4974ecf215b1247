//! The hash that the controller writes into a subset or Service, taken from the Rollout's status. It is never
//! computed.

use super::flow::Flow;
use super::role::Role;
use super::service_role::ServiceRole;

impl Flow<'_> {
    /// The hash of the canary or stable subset. Before there is a stable revision the controller writes none.
    pub fn hash_of_subset(&self, role: Role) -> Option<String> {
        let status = &self.rollout.status;
        let weights = status.weights.as_ref();
        let (weighted, fallback) = match role {
            Role::Canary => (weights.map(|w| &w.canary), &status.current_pod_hash),
            _ => (weights.map(|w| &w.stable), &status.stable_rs),
        };
        let weighted = weighted.map(|destination| &destination.pod_template_hash);
        let weighted = weighted.filter(|hash| !hash.is_empty());
        let settled = |hash: &&String| !hash.is_empty() && !status.stable_rs.is_empty();
        weighted.or(Some(fallback).filter(settled)).cloned()
    }

    /// The hash of a subset or Service that a write keeps: the live one, unless the status knows only the written one.
    /// A live hash that the status does not know is of a revision that is gone, or of another Rollout.
    pub fn kept_hash<'h>(
        &self,
        live: Option<&'h String>,
        written: Option<&'h String>,
    ) -> Option<&'h String> {
        let live = live.filter(|hash| !hash.is_empty())?;
        let written = written.filter(|hash| self.knows_hash(hash));
        Some(written.filter(|_| !self.knows_hash(live)).unwrap_or(live))
    }

    fn knows_hash(&self, hash: &str) -> bool {
        let status = &self.rollout.status;
        let weights = status.weights.as_ref();
        let weighted = weights.map(|w| [&w.canary, &w.stable].map(|to| &to.pod_template_hash));
        let known = [
            &status.stable_rs,
            &status.current_pod_hash,
            &status.active_selector,
        ];
        let mut known = known.into_iter().chain(weighted.into_iter().flatten());
        !hash.is_empty() && known.any(|known| known == hash)
    }

    /// The hash of one of the six Services; `None` before there is a stable revision.
    pub fn hash_of_service(&self, role: ServiceRole) -> Option<String> {
        let status = &self.rollout.status;
        if status.stable_rs.is_empty() {
            return None;
        }
        let stable_is_ping = status.stable_is_ping();
        let hash = match role {
            ServiceRole::Canary if status.abort => &status.stable_rs,
            ServiceRole::Stable => &status.stable_rs,
            ServiceRole::Ping if stable_is_ping => &status.stable_rs,
            ServiceRole::Pong if !stable_is_ping => &status.stable_rs,
            // The first release leaves it without a hash, and nothing writes it between releases
            // (`reconcilePingAndPongService`).
            ServiceRole::Ping | ServiceRole::Pong
                if status.stable_rs == status.current_pod_hash =>
            {
                return None;
            }
            ServiceRole::Active if status.active_selector.is_empty() => &status.stable_rs,
            ServiceRole::Active => &status.active_selector,
            // The ping or pong Service that is not stable stays on the new revision after an abort.
            ServiceRole::Canary | ServiceRole::Ping | ServiceRole::Pong | ServiceRole::Preview => {
                &status.current_pod_hash
            }
        };
        (!hash.is_empty()).then(|| hash.clone())
    }
}
