//! A Rollout with Istio routing does not say once which VirtualServices it routes by.
//!
//! ## What
//! `trafficRouting.istio` has neither `virtualService` nor `virtualServices` (or only an empty list), or
//! both; a reference has no name (`.prod` names a namespace alone). Two warnings: the same VirtualService
//! twice, `name` and `name.namespace` being one, and an empty `virtualServices` beside `virtualService`.
//!
//! ## Why
//! The controller sets the Rollout to `Degraded: InvalidSpec` and stops
//! (`ValidateRolloutVirtualServicesConfig`; an empty list is absent to it). A VirtualService listed twice
//! is written twice from one copy: the second write is refused as a conflict and the step is tried again.
//! An empty list beside `virtualService` takes the Rollout out of the controller's index
//! (`GetRolloutVirtualServiceKeys`): changes of the VirtualService no longer wake it.
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
//! Set `virtualService` for one VirtualService or `virtualServices` for several, each once and by name.

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
        (None, None | Some([])) => refuse_neither(flow, found),
        (Some(_), Some([])) => warn_of_empty_list(flow, found),
        (Some(_), Some(_)) => refuse_both(flow, found),
        _ => {}
    }
}

fn refuse_neither(flow: &Flow<'_>, found: &mut Findings<'_>) {
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

fn refuse_both(flow: &Flow<'_>, found: &mut Findings<'_>) {
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

fn warn_of_empty_list(flow: &Flow<'_>, found: &mut Findings<'_>) {
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
        let key = virtual_service_key(&reference.name, &flow.key().namespace, flow.argo());
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
        let path = link.path.field("name");
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
