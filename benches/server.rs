//! What users get: the CPU of the server, and the time, that requests take over TLS with keep-alive, among 1,000 flows,
//! by manifests and by a live cluster. The exempt review is the measure: it takes all but the decision.
//!
//!     cargo bench --bench server [-- SECONDS]

// A benchmark ends where its set-up fails, and it writes the file it measures.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::format_push_string
)]

mod flows;
// The suite uses all of these.
#[allow(dead_code, unused_imports)]
#[path = "../tests/suite/server/api.rs"]
mod api;
#[allow(dead_code)]
#[path = "../tests/suite/server/client.rs"]
mod client;
#[allow(dead_code)]
#[path = "../tests/suite/server/process.rs"]
mod process;

use std::env;
use std::fs::{read_to_string, write};
use std::time::{Duration, Instant};

use api::{ARGO, Api, ISTIO};
use client::Protocol;
use flows::{CONTROLLER, USER, body, objects, virtual_service};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use process::{Server, eventually};
use tokio::runtime::Builder;

const FLOWS: usize = 1_000;
const CONNECTIONS: usize = 4;
/// The least of them counts: others use the machine too.
const ROUNDS: usize = 3;
const DEFAULT_SECONDS: u64 = 2;
/// Of the CPU times in `/proc`.
const TICKS_PER_SECOND: f64 = 100.0;

/// Name, path, user of the review.
const CASES: [(&str, &str, &str); 4] = [
    ("404", "/nothing", USER),
    ("exempt", "/validate", CONTROLLER),
    ("mutate", "/mutate", USER),
    ("validate", "/validate", USER),
];

#[derive(Clone, Default)]
struct Cost {
    /// Of the server, for a request, in microseconds.
    cpu: f64,
    median: Duration,
    per_second: f64,
}

fn main() {
    let seconds = env::args().find_map(|word| word.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(DEFAULT_SECONDS));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("flows.yaml");
    let documents = (0..FLOWS).flat_map(objects);
    let documents: Vec<String> = documents.map(|object| format!("---\n{object}\n")).collect();
    write(&file, documents.concat()).expect("the manifests are written");
    measure("manifests", &Server::start(&file), time);

    let api = Api::start(&[ARGO, ISTIO]);
    for object in (0..FLOWS).flat_map(objects) {
        api.apply(&object);
    }
    let live = Server::of_cluster(&api.kubeconfig());
    eventually("all objects are known", || live.get("/readyz").0 == 200);
    measure("live", &live, time);
}

fn measure(name: &str, server: &Server, time: Duration) {
    let mut least = vec![None::<Cost>; CASES.len()];
    for _ in 0..ROUNDS {
        for ((_, path, user), least) in CASES.iter().zip(&mut least) {
            let review = body(&virtual_service(7, "5s"), &virtual_service(7, "3s"), user);
            let cost = load(server, path, &review.into(), time);
            if least.as_ref().is_none_or(|least| cost.cpu < least.cpu) {
                *least = Some(cost);
            }
        }
    }
    println!(
        "{name:10} {:>12} {:>9} {:>10} {:>9}",
        "CPU", "/ exempt", "median", "per s"
    );
    let exempt = least[1].clone().unwrap_or_default();
    for ((case, ..), cost) in CASES.iter().zip(least.into_iter().flatten()) {
        let (cpu, ratio) = (cost.cpu, cost.cpu / exempt.cpu);
        println!(
            "{case:10} {cpu:>9.1} µs {ratio:>9.2} {:>10.2?} {:>9.0}",
            cost.median, cost.per_second
        );
    }
}

/// Sends the review again and again over a few connections, each when it has the answer to the one before.
fn load(server: &Server, path: &str, review: &Bytes, time: Duration) -> Cost {
    let client = server.client(Protocol::Http1);
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        let mut senders = Vec::new();
        for _ in 0..CONNECTIONS {
            let stream = client.connect().await.expect("a handshake");
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
            tokio::spawn(connection);
            senders.push(sender);
        }
        let (start, cpu) = (Instant::now(), server.cpu_ticks());
        let connections = senders.into_iter().map(|mut sender| async move {
            let mut times = Vec::new();
            while start.elapsed() < time {
                let request = Request::post(path).header("host", "localhost");
                let request = request.body(Full::new(review.clone())).expect("a request");
                let sent = Instant::now();
                let answer = sender.send_request(request).await.expect("an answer");
                answer.into_body().collect().await.expect("a body");
                times.push(sent.elapsed());
            }
            times
        });
        let times = futures_util::future::join_all(connections).await;
        let mut times = times.concat();
        times.sort();
        #[allow(clippy::cast_precision_loss)] // far fewer than 2^52
        let (ticks, count) = ((server.cpu_ticks() - cpu) as f64, times.len() as f64);
        Cost {
            cpu: ticks / TICKS_PER_SECOND * 1e6 / count,
            median: times[times.len() / 2],
            per_second: count / start.elapsed().as_secs_f64(),
        }
    })
}

impl Server {
    /// The CPU time that its process has used.
    fn cpu_ticks(&self) -> u64 {
        let text = read_to_string(format!("/proc/{}/stat", self.id())).expect("a process");
        // Behind the name in brackets: the state is the first field, user and system time the 12th and 13th.
        let fields = text.rsplit(')').next().expect("fields");
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = |field: &str| field.parse::<u64>().expect("a number");
        ticks(fields[11]) + ticks(fields[12])
    }
}
