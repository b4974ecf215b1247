//! The stages as trees, so that they have every form that `tree` has.

use serde_json::Value;

use super::pods::Pods;
use super::reach::{Answer, Reach, answers, of_route};
use super::release::Stage;
use super::request::Request;
use crate::cluster::{Cluster, View};
use crate::controller::World;
use crate::model::{Key, Kind};
use crate::tree::{Mark, Node};

/// A tree for each stage: its routes, and what becomes of each request. `services` are the VirtualServices of the flow.
pub fn nodes(stages: &[Stage], services: &[Key], requests: &[Request]) -> Vec<Node> {
    let stages = stages.iter();
    stages
        .map(|stage| node(stage, services, requests))
        .collect()
}

fn node(stage: &Stage, services: &[Key], requests: &[Request]) -> Node {
    let cluster = stage.world.cluster();
    let mut node = Node {
        title: stage.title.clone(),
        ..Node::default()
    };
    let weight = stage.weight;
    node.fact(
        "weights",
        format!("canary {weight} %, stable {} %", 100 - weight),
    );
    for note in &stage.notes {
        node.fact("note", note.clone());
    }
    for service in services
        .iter()
        .filter(|key| key.kind == Kind::VirtualService)
    {
        node.children.extend(routes(stage, &cluster, service));
        for request in requests {
            node.children.push(sent(stage, &cluster, service, request));
        }
    }
    node
}

fn routes(stage: &Stage, cluster: &Cluster, service: &Key) -> Vec<Node> {
    let view = View::of(cluster);
    let Some(typed) = view.virtual_service(service) else {
        return vec![Node::missing(service)];
    };
    let routes = http(&stage.world, service).iter().enumerate();
    let nodes = routes.map(|(index, route)| {
        let path = crate::field::Path::spec(["http"]).index(index);
        let name = route.get("name").and_then(Value::as_str);
        let title = match name.filter(|name| !name.is_empty()) {
            Some(name) => format!("route {name} of {service}"),
            None => format!("route http[{index}] of {service}"),
        };
        let mut node = Node::of_field(title, service, path);
        let mirror = route.pointer("/mirror/host").and_then(Value::as_str);
        node.fact("mirrors", mirror.unwrap_or_default());
        let reached = of_route(&view, typed, route, &stage.revisions);
        node.children = reached.iter().map(share).collect();
        node
    });
    nodes.collect()
}

/// What becomes of a request.
fn sent(stage: &Stage, cluster: &Cluster, service: &Key, request: &Request) -> Node {
    let view = View::of(cluster);
    let reached = answers(&stage.world, &view, service, request, &stage.revisions);
    Node {
        title: request.to_string(),
        children: reached.iter().map(share).collect(),
        ..Node::default()
    }
}

fn share(reach: &Reach) -> Node {
    let mut node = Node {
        title: format!("{} % → {}", reach.weight, reach.answer.text()),
        mark: mark(&reach.answer),
        ..Node::default()
    };
    node.fact("by", reach.destination.clone());
    node
}

fn mark(answer: &Answer) -> Mark {
    match answer {
        Answer::Pods(Pods::Old) => Mark::Stable,
        Answer::Pods(Pods::New) => Mark::Canary,
        Answer::Nothing(_) => Mark::Missing,
        _ => Mark::Plain,
    }
}

fn http<'a>(world: &'a World, service: &Key) -> &'a [Value] {
    let http = world
        .objects
        .get(service)
        .and_then(|object| object.pointer("/spec/http"));
    http.and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}
