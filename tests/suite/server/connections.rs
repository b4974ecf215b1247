//! What strangers send at the same time, and that it keeps nobody waiting.

use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::client::Protocol;
use super::process::eventually;
use super::{Server, allowed, denied, recorded};

#[test]
fn a_connection_too_many_closes_the_idle_one() {
    let server = Server::with(&recorded("cluster.yaml"), &["--max-connections=8"]);
    let idle: Vec<TcpStream> = (0..50)
        .map(|_| TcpStream::connect(server.https).unwrap())
        .collect();
    let evicted = "rollout_guard_evicted_connections_total{port=\"webhook\"}";
    eventually("42 are closed", || server.metric(evicted) == 42);
    for _ in 0..5 {
        assert!(!allowed(&server.post("validate", &denied()).1));
    }
    let mut first = &idle[0];
    assert!(matches!(first.read(&mut [0]), Ok(0) | Err(_)));
    drop(idle);
    let open = "rollout_guard_connections{port=\"webhook\"}";
    eventually("all are closed", || server.metric(open) == 0);
}

/// Bodies that are announced and not sent hold all memory: a small review passes beside large ones, and a large one is
/// answered when its time is over.
#[test]
fn memory_that_others_hold_ends_in_an_answer() {
    let flags = ["--body-limit=1000000", "--body-memory=1000000"];
    let server = Server::with(&recorded("cluster.yaml"), &flags);
    let client = server.client(Protocol::Http1);
    let head = "POST /validate HTTP/1.1\r\nhost: localhost\r\ncontent-length: 999000\r\n\r\n";
    let _holds = client.run(async {
        let mut stream = client.connect().await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        stream
    });
    std::thread::sleep(Duration::from_millis(200));
    assert!(!allowed(&server.post("validate", &denied()).1));
    let mut large: Value = serde_json::from_slice(&denied()).unwrap();
    let padding = "x".repeat(500_000);
    large["request"]["object"]["metadata"]["annotations"] = json!({"padding": padding});
    let text = large.to_string();
    // The API server writes the uid first.
    let uid = large["request"]["uid"].clone();
    let text = text.replacen("\"request\":{", &format!("\"request\":{{\"uid\":{uid},"), 1);
    let start = Instant::now();
    let path = "/validate?timeout=1200ms";
    let (status, body) = server.client(Protocol::Http2).post(path, text.as_bytes());
    assert!(start.elapsed() < Duration::from_millis(1_200));
    assert_eq!(status, 200);
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["response"]["uid"], uid);
    assert_eq!(answer["response"]["allowed"], true);
    let warning = answer["response"]["warnings"][0].as_str().unwrap();
    assert!(
        warning.contains("could not be checked in time"),
        "{warning}"
    );
    let late = "rollout_guard_exempt_total{reason=\"out-of-time\"}";
    assert_eq!(server.metric(late), 1);
}

/// Large reviews from many clients: small ones, probes and metrics are answered meanwhile.
#[test]
fn large_reviews_delay_nobody_else() {
    let server = Server::start(&recorded("cluster.yaml"));
    let mut large: Value = serde_json::from_slice(&denied()).unwrap();
    let items: Vec<Value> = (0..300_000).map(|_| json!({"": 0})).collect();
    large["request"]["object"]["spec"]["other"] = items.into();
    let large = large.to_string();
    assert!(large.len() > 2 << 20);
    let (server, large) = (&server, large.as_bytes());
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| server.post("validate", large).0))
            .collect();
        let start = Instant::now();
        let mut slowest = Duration::ZERO;
        while senders.iter().any(|sender| !sender.is_finished()) {
            let start = Instant::now();
            assert!(!allowed(&server.post("validate", &denied()).1));
            assert_eq!(server.get("/livez").0, 200);
            slowest = slowest.max(start.elapsed());
        }
        println!(
            "16 large reviews in {:?}, slowest small one {slowest:?}",
            start.elapsed()
        );
        assert!(slowest < start.elapsed() / 2);
        for sender in senders {
            assert_eq!(sender.join().unwrap(), 200);
        }
    });
}

/// Headers that trickle in and answers that nobody reads.
#[test]
fn slow_senders_and_readers_are_let_go() {
    let server = Server::with(&recorded("cluster.yaml"), &["--max-connections=4"]);
    let client = server.client(Protocol::Http1);
    let mut slow = client.run(async {
        let mut streams = Vec::new();
        for _ in 0..4 {
            let mut stream = client.connect().await.unwrap();
            stream
                .write_all(b"POST /validate HTTP/1.1\r\nx: ")
                .await
                .unwrap();
            stream.flush().await.unwrap();
            streams.push(stream);
        }
        streams
    });
    for _ in 0..4 {
        assert!(!allowed(&server.post("validate", &denied()).1));
    }
    client.run(async {
        let read = slow[0].read(&mut [0; 64]).await;
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    });
}
