//! The hashes that the controller has put in or will, by the Rollout's status. Never computed.

use super::{Flow, Role, ServiceRole};

impl Flow<'_> {
    /// Of the canary or stable subset; before there is a stable revision the controller puts in none.
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

    /// Of one of the six Services, once there is a stable revision.
    pub fn hash_of_service(&self, role: ServiceRole) -> Option<String> {
        let status = &self.rollout.status;
        if status.stable_rs.is_empty() {
            return None;
        }
        let stable_is_ping = status.stable_ping_pong == "ping";
        let hash = match role {
            ServiceRole::Canary if status.abort => &status.stable_rs,
            ServiceRole::Stable => &status.stable_rs,
            ServiceRole::Ping if stable_is_ping => &status.stable_rs,
            ServiceRole::Pong if !stable_is_ping => &status.stable_rs,
            ServiceRole::Active if status.active_selector.is_empty() => &status.stable_rs,
            ServiceRole::Active => &status.active_selector,
            // Of ping and pong the one that is not stable stays on the new revision after an abort, too.
            ServiceRole::Canary | ServiceRole::Ping | ServiceRole::Pong | ServiceRole::Preview => {
                &status.current_pod_hash
            }
        };
        (!hash.is_empty()).then(|| hash.clone())
    }
}
