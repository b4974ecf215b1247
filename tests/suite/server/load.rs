//! Many reviews at a time in front of a slow API server: each is answered in time, with few reads.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Server;
use super::api::{ARGO, Api, Fault, ISTIO};
use super::live::{namespace, update};
use super::process::eventually;

const LATENCY: Duration = Duration::from_millis(300);
const HOSTS: usize = 40;
const REVIEWS: usize = 40;

#[test]
fn a_slow_api_server_makes_no_denial_late() {
    let (api, server) = cluster();
    api.fail(Fault::SlowReads(LATENCY));
    let answer = review(&server, 0);
    assert_eq!(answer["allowed"], false, "{answer}");
    let causes = answer["status"]["details"]["causes"].as_array().unwrap();
    assert_eq!(causes.len(), HOSTS, "the others are told too");
    // The Namespace, and the rules of the three namespaces where one for the host may be.
    let (reads, _) = api.slow_reads();
    assert_eq!(reads, 4);
    let start = Instant::now();
    let server = &server;
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let reviews: Vec<_> = (0..REVIEWS)
            .map(|number| scope.spawn(move || review(server, number)))
            .collect();
        reviews.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let took = start.elapsed();
    for answer in &answers {
        assert_eq!(answer["allowed"], false, "{answer}");
    }
    let (all, most) = api.slow_reads();
    println!(
        "{REVIEWS} denials in {took:?} with {} reads, {most} at a time",
        all - reads
    );
    assert!(all - reads <= REVIEWS * 5 / 2, "{}", all - reads);
    assert!(most <= 8, "{most} reads at a time");
    let late = server.metric("rollout_guard_exempt_total{reason=\"out-of-time\"}");
    assert_eq!(late, 0);
}

/// A VirtualService that sends to many hosts, each in a namespace of its own, and their rules.
fn cluster() -> (Api, Server) {
    let api = Api::start(&[ARGO, ISTIO]);
    api.apply(&namespace("guard"));
    for index in 0..HOSTS {
        api.apply(
            &json!({"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
            "metadata": {"namespace": format!("ns-{index}"), "name": "app"},
            "spec": {"host": "app", "subsets": [{"name": "v1", "labels": {"app": "app"}}]}}),
        );
    }
    let server = Server::of_cluster(&api.kubeconfig());
    eventually("it is ready", || server.get("/readyz").0 == 200);
    (api, server)
}

/// The answer to a write that sends to an undefined subset of each host.
fn review(server: &Server, number: usize) -> Value {
    let object = |subset: &str| {
        let to = |index: usize| {
            let host = format!("app.ns-{index}.svc.cluster.local");
            json!({"destination": {"host": host, "subset": subset}, "weight": 1})
        };
        let routes: Vec<Value> = (0..HOSTS).map(to).collect();
        json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
            "metadata": {"namespace": "ns", "name": format!("all-{number}")},
            "spec": {"hosts": ["all"], "http": [{"name": "primary", "route": routes}]}})
    };
    update(server, "validate?timeout=10s", &object("v1"), &object("v2"))
}
