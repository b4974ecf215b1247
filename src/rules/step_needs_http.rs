//! A step inserts an http route into a VirtualService that has none.
//!
//! ## What
//! A Rollout has a `setHeaderRoute` or `setMirrorRoute` step with a `match`, and a VirtualService that it names has no
//! `http`.
//!
//! ## Why
//! The controller reads `spec.http` in this step, and the reconcile fails (`SetHeaderRoute`, `SetMirrorRoute`). The
//! release stays at the step, and the requests of the testers do not reach the canary.
//!
//! ## Example
//! ```yaml
//! # Rollout
//! steps:
//! - setHeaderRoute: {name: testers, match: [{headerName: x-test, headerValue: {exact: "1"}}]}
//! # VirtualService
//! spec: {hosts: [app], tls: [...]}
//! ```
//!
//! ## Fix
//! Remove the step, or give the VirtualService an http route.

use std::collections::BTreeSet;

use crate::cluster::Flow;
use crate::field::Path;
use crate::verdict::{Cause, Findings, message};

rule!(RG216, Error, Rollout(check), reads = [VirtualService]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    if !flow.argo().inserts_managed_routes() {
        return;
    }
    let mut inserting = flow.rollout.body.inserting_steps();
    let Some(step) = inserting.next() else {
        return;
    };
    let mut seen = BTreeSet::new();
    for linked in flow.virtual_services() {
        let key = &linked.link.key;
        let http = Path::spec(["http"]);
        // RG210 reports a VirtualService without any routes.
        let has_others = linked.service.tls.is_some() || linked.service.tcp.is_some();
        if linked.service.http.is_some()
            || !has_others
            || linked.service.is_malformed(&http)
            || !seen.insert(key.clone())
        {
            continue;
        }
        let message = message!("{} inserts an http route", flow.key())
            .by_field(&step)
            .text(format!(" into {key}, which has no `http`"));
        found
            .error(flow.key(), step.clone(), message)
            .subject(key.to_string())
            .help("remove the step, or give the VirtualService an http route")
            .cause(Cause::Required)
            .with(key, http);
    }
}
