//! Where a request goes.

use serde_json::Value;

use super::condition::takes;
use super::pods::{Pods, Revisions};
use super::request::Request;
use crate::cluster::{View, visible_providers, visible_rules};
use crate::controller::World;
use crate::model::{Destination, Key, Typed, VirtualService};

/// A share of the requests, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// In percent.
    pub weight: i64,
    /// The destination, `app subset canary`.
    pub destination: String,
    /// What answers.
    pub answer: Answer,
}

/// What answers a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Pods of the flow.
    Pods(Pods),
    /// A host outside the flow.
    Elsewhere,
    /// The proxy: a redirect or a fixed response.
    Proxy(&'static str),
    /// Nothing: a 503, or a 404 where no route takes the request.
    Nothing(String),
    /// It depends on what is not known here.
    Unknown(String),
}

/// What becomes of the request, by the routes of the VirtualService in their order.
pub(super) fn answers(
    world: &World,
    view: &View<'_>,
    service: &Key,
    request: &Request,
    revisions: &Revisions,
) -> Vec<Reach> {
    let whole = |answer| {
        vec![Reach {
            weight: 100,
            destination: String::new(),
            answer,
        }]
    };
    let Some(typed) = view.virtual_service(service) else {
        return whole(Answer::Nothing(
            "404: the VirtualService does not exist".to_owned(),
        ));
    };
    let routes = world
        .objects
        .get(service)
        .and_then(|object| object.pointer("/spec/http"));
    for route in routes.and_then(Value::as_array).into_iter().flatten() {
        match takes(route, request) {
            Some(false) => {}
            Some(true) => return of_route(view, typed, route, revisions),
            None => {
                let name = route
                    .get("name")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let reason = format!("route `{name}` asks for more than a request here has");
                return whole(Answer::Unknown(reason));
            }
        }
    }
    whole(Answer::Nothing("404: no route takes it".to_owned()))
}

/// What becomes of a request that the route takes.
pub fn of_route(
    view: &View<'_>,
    service: Typed<'_, VirtualService>,
    route: &Value,
    revisions: &Revisions,
) -> Vec<Reach> {
    let proxy = |what| {
        vec![Reach {
            weight: 100,
            destination: String::new(),
            answer: Answer::Proxy(what),
        }]
    };
    if route.get("redirect").is_some() {
        return proxy("a redirect");
    }
    if route.get("directResponse").is_some() {
        return proxy("a fixed response");
    }
    let entries = route.get("route").and_then(Value::as_array);
    let entries = entries.map(Vec::as_slice).unwrap_or_default();
    let only = entries.len() == 1;
    let weight = |entry: &Value| match entry.get("weight").and_then(Value::as_i64) {
        Some(weight) if !only => weight,
        _ if only => 100,
        _ => 0,
    };
    let reached = entries
        .iter()
        .filter(|entry| weight(entry) > 0)
        .map(|entry| {
            let destination = destination(entry);
            Reach {
                weight: weight(entry),
                answer: resolve(view, service, &destination, revisions),
                destination: match destination.subset.as_str() {
                    "" => destination.host,
                    subset => format!("{} subset {subset}", destination.host),
                },
            }
        });
    reached.collect()
}

/// The pods behind a destination: those that the Service selects, and of them those of the subset.
fn resolve(
    view: &View<'_>,
    service: Typed<'_, VirtualService>,
    destination: &Destination,
    revisions: &Revisions,
) -> Answer {
    let namespace = service.meta.namespace();
    let host = view.resolve(&destination.host, namespace);
    let providers = visible_providers(view, &host, service);
    if providers.is_empty() {
        return Answer::Nothing(format!("503: nothing provides {host}"));
    }
    let mut services = providers.iter().filter_map(|provider| provider.service());
    let Some(selector) = services.find_map(|service| service.body.selector.as_ref()) else {
        return Answer::Elsewhere;
    };
    let mut selectors = vec![selector];
    if !destination.subset.is_empty() {
        let rules = visible_rules(view, &host, namespace);
        let mut subsets = rules
            .iter()
            .filter_map(|rule| rule.body.subset(&destination.subset));
        match subsets.next() {
            Some((_, subset)) => selectors.extend(subset.labels.as_ref()),
            None => {
                return Answer::Nothing(format!(
                    "503: no DestinationRule defines subset `{}`",
                    destination.subset
                ));
            }
        }
    }
    match revisions.selected(&selectors) {
        Some(pods) => Answer::Pods(pods),
        None => Answer::Nothing("503: no pod of this Rollout has these labels".to_owned()),
    }
}

fn destination(entry: &Value) -> Destination {
    let text = |field: &str| {
        let text = entry.pointer(&format!("/destination/{field}"));
        text.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    Destination {
        host: text("host"),
        subset: text("subset"),
        port: None,
    }
}

impl Answer {
    /// In a few words: `new pods`, `503: nothing provides app.shop.svc.cluster.local`.
    pub fn text(&self) -> String {
        match self {
            Answer::Pods(pods) => pods.as_str().to_owned(),
            Answer::Elsewhere => "another service".to_owned(),
            Answer::Proxy(what) => (*what).to_owned(),
            Answer::Nothing(reason) => reason.clone(),
            Answer::Unknown(reason) => format!("unknown: {reason}"),
        }
    }
}
