//! A Rollout must set exactly one of `virtualService` and `virtualServices`.
//!
//! ## What
//! The rule reports an error if `trafficRouting.istio` sets neither (an empty list counts as not set) or both, or if
//! a reference has no name (`.prod` is only a namespace). It reports a warning if a VirtualService is listed twice
//! (`name` and `name.namespace` can be the same one), and if an empty `virtualServices` stands beside
//! `virtualService`.
//!
//! ## Why
//! The controller sets the Rollout to `Degraded: InvalidSpec` and stops (`ValidateRolloutVirtualServicesConfig`; it
//! treats an empty list as absent). It writes a VirtualService that is listed twice from one copy: the second write
//! conflicts with the first, and the step is tried again. An empty list beside `virtualService` removes the Rollout
//! from the controller's index (`GetRolloutVirtualServiceKeys`), so that changes of the VirtualService no longer
//! trigger a reconcile.
//!
//! ## Example
//! ```yaml
//! istio:
//!   virtualService: {name: app}
//!   virtualServices:
//!   - name: app-internal
//! ```
//!
//! ## Fix
//! Set `virtualService` for one VirtualService, or `virtualServices` for several. List each one once and by name.

use std::collections::BTreeMap;

use crate::cluster::Flow;
use crate::cluster::reference::{istio_path, virtual_service_key};
use crate::model::Istio;
use crate::verdict::{Cause, Findings, message};

rule!(RG101, Both, Rollout(check));

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    if let Some(istio) = flow.rollout.istio() {
        check_choice(flow, istio, found);
        check_names(flow, istio, found);
        check_repeats(flow, found);
    }
}

fn check_choice(flow: &Flow<'_>, istio: &Istio, found: &mut Findings<'_>) {
    match (&istio.virtual_service, istio.virtual_services.as_deref()) {
        (None, None | Some([])) => report_neither(flow, found),
        (Some(_), Some([])) => report_empty_list(flow, found),
        (Some(_), Some(_)) => report_both(flow, found),
        _ => {}
    }
}

fn report_neither(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let path = istio_path();
    let message = message!("{} names no VirtualService", flow.key())
        .in_field(&path)
        .text(": neither in `virtualService` nor in `virtualServices`");
    found
        .error(flow.key(), path, message)
        .subject("choice")
        .help("name the VirtualService that routes to the canary in `virtualService`")
        .cause(Cause::Required);
}

fn report_both(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let message = message!(
        "{} has both `virtualService` and `virtualServices`",
        flow.key()
    )
    .in_field(&istio_path());
    found
        .error(flow.key(), istio_path().field("virtualServices"), message)
        .subject("choice")
        .help("list all VirtualServices in `virtualServices` and drop `virtualService`");
}

fn report_empty_list(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let path = istio_path().field("virtualServices");
    let message = message!("{} has an empty list", flow.key())
        .in_field(&path)
        .text(" beside `virtualService`: ")
        .text("the controller no longer notices changes of the VirtualService");
    found
        .warning(flow.key(), path, message)
        .subject("choice")
        .help("drop the empty list");
}

fn check_names(flow: &Flow<'_>, istio: &Istio, found: &mut Findings<'_>) {
    for (index, reference) in istio.references() {
        let key = virtual_service_key(&reference.name, flow.key(), flow.argo());
        if !key.name.is_empty() {
            continue;
        }
        let path = match index {
            None => istio_path().field("virtualService"),
            Some(index) => istio_path().field("virtualServices").index(index),
        };
        let path = path.field("name");
        let message = message!("{} names no VirtualService", flow.key()).in_field(&path);
        found
            .error(flow.key(), path, message)
            .subject(format!("name `{}`", reference.name))
            .help("write the VirtualService's `name`, or `name.namespace` for one elsewhere")
            .cause(Cause::Required);
    }
}

fn check_repeats(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let mut seen = BTreeMap::new();
    for link in flow
        .virtual_service_links()
        .filter(|link| !link.key.name.is_empty())
    {
        let path = link.path().field("name");
        let Some(first) = seen.insert(link.key.clone(), path.clone()) else {
            continue;
        };
        let message =
            message!("{} names {} in `{first}` and again", flow.key(), link.key).in_field(&path);
        found
            .warning(flow.key(), path, message)
            .subject(link.key.to_string())
            .help("list the VirtualService once, with all its routes")
            .cause(Cause::Duplicate);
    }
}
