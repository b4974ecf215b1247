//! What strangers send at the same time, and that it keeps nobody waiting.

use std::io::Read;
use std::net::TcpStream;

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
