//! What a review costs beside the neighbours: rollout-guard, istiod's validation, Gatekeeper, Kyverno and a
//! ValidatingAdmissionPolicy on one API server judge the same write of a VirtualService, which is good. Prints a table;
//! `--out FOLDER` writes it there, with a plot. `benches/peers/run` builds all of them first.

// A benchmark ends where its set-up fails.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::format_push_string
)]

mod control_plane;
#[path = "../flows/mod.rs"]
mod flows;
mod load;
mod peers;
mod plot;
mod report;
mod stored;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use hyper::Method;
use serde_json::{Value, json};

use control_plane::{API_SERVER_PORT, ControlPlane, DEVELOPER, poll};
use load::{Call, load, memory_of, once};
use peers::{ALL, PORT, Peer, Running, Webhook};
use report::Row;

#[derive(Parser)]
struct Options {
    /// How many flows are stored, in ascending order
    #[arg(long, value_delimiter = ',', default_value = "10,100,1000")]
    flows: Vec<usize>,
    /// How long each is loaded
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    seconds: u64,
    /// Only these, by their names
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Folder for `peers.md` and `peers.svg`
    #[arg(long)]
    out: Option<PathBuf>,
    /// What cargo passes
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    let only = |peer: &Peer| {
        options.only.is_empty() || options.only.iter().any(|name| name == peer.name())
    };
    let peers: Vec<Peer> = ALL.into_iter().filter(only).collect();
    let control_plane = ControlPlane::start();
    let time = Duration::from_secs(options.seconds);
    let mut rows = Vec::new();
    let mut stored = 0;
    for flows in &options.flows {
        eprintln!("peers: storing {flows} flows");
        stored::store(&control_plane, stored..*flows);
        stored = *flows;
        for peer in &peers {
            eprintln!("peers: {} among {flows} flows", peer.name());
            rows.extend(measure(&control_plane, *peer, *flows, time));
        }
    }
    let table = report::table(&rows);
    println!("{table}");
    if let Some(out) = &options.out {
        std::fs::create_dir_all(out).expect("the folder");
        std::fs::write(out.join("peers.md"), &table).expect("the table");
        std::fs::write(out.join("peers.svg"), plot::svg(&rows)).expect("the plot");
    }
}

/// A row for each of its webhooks: by itself, and with the first all of them together behind the API server.
fn measure(control_plane: &ControlPlane, peer: Peer, flows: usize, time: Duration) -> Vec<Row> {
    let running = Running::start(control_plane, peer);
    let ca = control_plane.file("ca.crt");
    let api_server = control_plane.api_server.id();
    until_it_judges(control_plane, peer);
    let stored = stored(control_plane);
    let written = changed(&stored);
    let mut processes = vec![api_server];
    processes.extend(running.process());
    let through = load(&ca, &put(&written), 1, time, &processes);
    let Some(process) = running.process() else {
        return vec![Row {
            peer,
            path: None,
            flows,
            alone: None,
            through: Some(through),
            memory: None,
        }];
    };
    let mut through = Some(through);
    let row = |webhook: Webhook| {
        let call = Call {
            port: PORT,
            method: Method::POST,
            path: webhook.path,
            token: DEVELOPER,
            body: review(&written, &stored),
        };
        let (status, answer) = once(&webhook.ca, &call).expect("an answer");
        let answer: Value = serde_json::from_slice(&answer).expect("an AdmissionReview");
        assert!(
            status.is_success() && answer["response"]["allowed"] == true,
            "{answer}"
        );
        let alone = load(&webhook.ca, &call, 4, time, &[process]);
        Row {
            peer,
            path: Some(call.path),
            flows,
            alone: Some(alone),
            through: through.take(),
            memory: Some(memory_of(process)),
        }
    };
    running.webhooks().into_iter().map(row).collect()
}

/// Waits until a bad write is refused, by those who would see that it is bad, and a good one is not.
fn until_it_judges(control_plane: &ControlPlane, peer: Peer) {
    let (name, namespace) = (
        flows::name(stored::MEASURED),
        flows::namespace(stored::MEASURED),
    );
    let subset = |name: &str| {
        let path = "/spec/http/0/route/1/destination/subset";
        json!([{"op": "replace", "path": path, "value": name}]).to_string()
    };
    let patch = |patch: &str| {
        control_plane.kubectl(&[
            "patch",
            "virtualservice",
            &name,
            "-n",
            &namespace,
            "--type=json",
            "--dry-run=server",
            "-p",
            patch,
        ])
    };
    poll(peer.name(), || {
        patch(&subset("stable"))?;
        match patch(&subset("v9")) {
            Ok(_) if peer.looks_up_subsets() => Err("it allows an unknown subset".to_owned()),
            Err(error) if !peer.looks_up_subsets() => Err(error),
            Err(error) if error.contains("failed calling webhook") => Err(error),
            _ => Ok(()),
        }
    });
}

fn stored(control_plane: &ControlPlane) -> Value {
    let (name, namespace) = (
        flows::name(stored::MEASURED),
        flows::namespace(stored::MEASURED),
    );
    let text = control_plane.must(&[
        "get",
        "virtualservice",
        &name,
        "-n",
        &namespace,
        "-o",
        "json",
        "--show-managed-fields",
    ]);
    serde_json::from_str(&text).expect("JSON")
}

/// The same with another timeout.
fn changed(stored: &Value) -> Value {
    let mut written = stored.clone();
    written["spec"]["http"][0]["timeout"] = "5s".into();
    written
}

/// The write as a dry run: nothing is stored, so all of them are the same.
fn put(written: &Value) -> Call {
    let text = |field: &str| written["metadata"][field].as_str().unwrap_or_default();
    Call {
        port: API_SERVER_PORT,
        method: Method::PUT,
        path: format!(
            "/apis/networking.istio.io/v1/namespaces/{}/virtualservices/{}?dryRun=All",
            text("namespace"),
            text("name")
        ),
        token: DEVELOPER,
        body: serde_json::to_vec(written).expect("JSON"),
    }
}

/// As the API server sends it.
fn review(written: &Value, stored: &Value) -> Vec<u8> {
    let kind = json!({"group": "networking.istio.io", "version": "v1", "kind": "VirtualService"});
    let resource =
        json!({"group": "networking.istio.io", "version": "v1", "resource": "virtualservices"});
    let review = json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
            "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource,
            "name": written["metadata"]["name"], "namespace": written["metadata"]["namespace"],
            "operation": "UPDATE",
            "userInfo": {"username": DEVELOPER, "uid": "1", "groups": ["system:authenticated"]},
            "object": written, "oldObject": stored, "dryRun": false,
            "options": {"kind": "UpdateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "kubectl"},
        },
    });
    serde_json::to_vec(&review).expect("JSON")
}
