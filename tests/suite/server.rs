//! The webhook as its users meet it: the binary on loopback, over TLS that is verified.

mod allow_right;
mod api;
mod callers;
mod client;
mod connections;
mod doctor;
mod doctor_objects;
mod live;
mod load;
mod process;
mod router;

use std::cell::RefCell;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rollout_guard::cluster::Mesh;
use rollout_guard::files::manifests::Manifests;
use rollout_guard::request::Phase;
use rollout_guard::settings::Settings;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use self::client::{Client, Protocol};
pub use self::process::Server;
use self::process::eventually;
use crate::answer::answer;
use crate::tidy::root;

#[test]
fn gives_the_librarys_bytes_over_either_protocol() {
    let server = Server::start(&recorded("cluster.yaml"));
    let cluster = Manifests::read(&[recorded("cluster.yaml")], "default").unwrap();
    let cluster = cluster.cluster(Mesh::default());
    let settings = Settings::default();
    for (name, endpoint) in [("validate", Phase::Validate), ("mutate", Phase::Mutate)] {
        let expected = answer(&denied(), endpoint, &cluster, &settings)
            .unwrap()
            .body;
        assert_eq!(server.post(name, &denied()), (200, expected.clone()));
        let http1 = server.client(Protocol::Http1);
        assert_eq!(http1.post(&format!("/{name}"), &denied()), (200, expected));
    }
    let log = RefCell::new(String::new());
    eventually("the denial is logged", || {
        log.borrow_mut().push_str(&server.log().join("\n"));
        let log = log.borrow();
        log.contains("denied rule=\"RG")
            && log.contains(r#"operation="UPDATE" kind="VirtualService""#)
    });
    let counted = "rollout_guard_decisions_total{rule=\"RG501\",action=\"deny\"}";
    assert_eq!(server.metric(counted), 2);
}

#[test]
fn logs_a_line_of_text_or_json_for_each_event() {
    let mut review: Value = serde_json::from_slice(&denied()).unwrap();
    review["request"]["userInfo"]["username"] = "somebody\nelse".into();
    let log = |format: &str| {
        let format = format!("--log-format={format}");
        let server = Server::with(&recorded("cluster.yaml"), &[&format]);
        server.post("validate", review.to_string().as_bytes());
        let log = RefCell::new(Vec::new());
        eventually("the denial is logged", || {
            log.borrow_mut().extend(server.log());
            let log = log.borrow();
            log.iter().any(|line| line.contains("denied"))
        });
        log.into_inner().pop().unwrap()
    };
    let text = log("text");
    assert!(text.contains(r#"user="somebody\nelse""#), "{text}");
    let event: Value = serde_json::from_str(&log("json")).unwrap();
    assert_eq!(event["message"], "denied");
    assert_eq!(event["user"], "somebody\nelse");
    assert_eq!(event["namespace"], "test-ar-istio");
    assert!(event["duration_ms"].as_f64() > Some(0.0), "{event}");
}

#[test]
fn speaks_tls_1_2_and_1_3_for_each_of_its_names() {
    let server = Server::with(&recorded("cluster.yaml"), &["--dns=guard.test.svc"]);
    let mut client = server.client(Protocol::Http2);
    for version in rustls::ALL_VERSIONS.chunks(1) {
        client.versions = version;
        assert_eq!(client.post("/validate", &denied()).0, 200);
        let alpn = client.run(async {
            let stream = client.connect().await.unwrap();
            stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec)
        });
        assert_eq!(alpn.as_deref(), Some(&b"h2"[..]));
    }
    for name in ["127.0.0.1", "::1", "guard.test.svc"] {
        client.name = name;
        client.handshake().unwrap();
    }
    client.name = "another.test.svc";
    client.handshake().unwrap_err();
    client.name = "localhost";
    client.roots = rustls::RootCertStore::empty();
    client.handshake().unwrap_err();
}

/// The folders that `--record` has made, once there are so many.
pub fn recordings(folder: &Path, count: usize) -> Vec<PathBuf> {
    let list = || {
        let entries = std::fs::read_dir(folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let hidden = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with('.');
        let mut paths: Vec<PathBuf> = paths.filter(|path| !hidden(path)).collect();
        paths.sort();
        paths
    };
    eventually("the recordings are written", || list().len() == count);
    list()
}

#[test]
fn recordings_hold_no_secret_and_end_at_their_limit() {
    let kept = tempfile::tempdir().unwrap();
    let record = format!("--record={}", kept.path().display());
    let server = Server::with(&recorded("cluster.yaml"), &[&record, "--record-limit=2"]);
    let mut review: Value = serde_json::from_slice(&denied()).unwrap();
    review["request"]["userInfo"]["extra"] = serde_json::json!({"token": ["s3cret"]});
    let annotations = serde_json::json!({
        "kubectl.kubernetes.io/last-applied-configuration": "s3cret"
    });
    review["request"]["object"]["metadata"]["annotations"] = annotations;
    let body = review.to_string();
    for endpoint in ["mutate", "validate", "validate"] {
        assert_eq!(server.post(endpoint, body.as_bytes()).0, 200);
    }
    let folders = recordings(kept.path(), 2);
    let named = |index: usize| folders[index].file_name().unwrap().to_string_lossy();
    assert!(named(0).starts_with("00001-mutate-update-virtualservice-"));
    assert!(named(1).starts_with("00002-validate-update-virtualservice-"));
    for file in ["review.json", "cluster.json", "response.json"] {
        let text = std::fs::read_to_string(folders[1].join(file)).unwrap();
        assert!(!text.contains("s3cret"), "{file}: {text}");
        assert!(!text.is_empty());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&folders[1].join(file)), 0o600);
            assert_eq!(mode(&folders[1]), 0o700);
        }
    }
    let recordings = |result: &str| {
        server.metric(&format!(
            "rollout_guard_recordings_total{{result=\"{result}\"}}"
        ))
    };
    assert_eq!((recordings("stored"), recordings("dropped")), (2, 1));
    let log = server.log().join("\n");
    assert!(log.contains("the limit of recordings is reached"), "{log}");
}

#[test]
fn recordings_take_no_more_space_than_they_may() {
    let kept = tempfile::tempdir().unwrap();
    let record = format!("--record={}", kept.path().display());
    let flags = [record.as_str(), "--record-size-limit=40000"];
    let server = Server::with(&recorded("cluster.yaml"), &flags);
    for _ in 0..20 {
        assert_eq!(server.post("validate", &denied()).0, 200);
    }
    let count = |result: &str| {
        server.metric(&format!(
            "rollout_guard_recordings_total{{result=\"{result}\"}}"
        ))
    };
    eventually("all are stored or dropped", || {
        count("stored") + count("dropped") == 20
    });
    let folders = recordings(kept.path(), usize::try_from(count("stored")).unwrap());
    assert!(!folders.is_empty() && folders.len() < 20);
    let files = folders.iter().flat_map(|folder| folder.read_dir().unwrap());
    let size: u64 = files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(size <= 40_000, "{size}");
    let log = server.log().join("\n");
    assert!(log.contains("the folder has reached its size"), "{log}");
}

#[test]
fn slow_and_half_open_clients_hold_nobody_up() {
    let server = Server::start(&recorded("cluster.yaml"));
    let client = server.client(Protocol::Http1);
    let silent: Vec<_> = (0..50)
        .map(|_| TcpStream::connect(server.https).unwrap())
        .collect();
    let slow = client.run(async {
        let mut streams = Vec::new();
        for index in 0..50 {
            let mut stream = client.connect().await.unwrap();
            let half: &[u8] = match index % 3 {
                0 => b"",
                1 => b"POST /validate HTTP/1.1\r\nhost: loc",
                _ => b"POST /validate HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{",
            };
            stream.write_all(half).await.unwrap();
            stream.flush().await.unwrap();
            streams.push(stream);
        }
        streams
    });
    let start = Instant::now();
    for _ in 0..10 {
        assert_eq!(server.post("validate", &denied()).0, 200);
    }
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    drop((silent, slow));
}

#[test]
fn a_body_over_the_limit_is_answered_413() {
    let server = Server::with(&recorded("cluster.yaml"), &["--body-limit=20000"]);
    let large = vec![b' '; 200_000];
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let (status, text) = server.client(protocol).post("/validate", &large);
        let text = String::from_utf8(text).unwrap();
        assert_eq!(
            (status, text.as_str()),
            (413, "the body is larger than 20000 bytes\n")
        );
    }
    assert_eq!(
        server.metric("rollout_guard_refused_requests_total{code=\"413\"}"),
        2
    );
}

#[test]
fn manifests_are_read_again_when_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cluster.yaml");
    let good = std::fs::read_to_string(recorded("cluster.yaml")).unwrap();
    std::fs::write(&file, &good).unwrap();
    let server = Server::start(folder.path());
    let allows = || allowed(&server.post("validate", &denied()).1);
    assert!(!allows());
    let failures = "rollout_guard_manifests_reload_failures_total";
    std::fs::write(&file, format!("{good}\nbroken: [\n")).unwrap();
    eventually("the failure", || server.metric(failures) == 1);
    assert!(!allows(), "the last good manifests stay");
    let log = server.log().join("\n");
    assert!(log.contains("cluster.yaml: line "), "{log}");
    std::fs::write(&file, good.replace("version-v2", "version-v3")).unwrap();
    eventually("the new subset", allows);
    std::fs::remove_file(&file).unwrap();
    eventually("the empty folder", || objects(&server) == 0);
    assert_eq!(server.metric(failures), 1);
}

#[cfg(unix)]
#[test]
fn a_config_map_volume_is_read_again_when_it_is_swapped() {
    use std::os::unix::fs::symlink;
    let volume = tempfile::tempdir().unwrap();
    let at = |name: &str| volume.path().join(name);
    let good = std::fs::read_to_string(recorded("cluster.yaml")).unwrap();
    for (data, text) in [
        ("..1", &good),
        ("..2", &good.replace("version-v2", "version-v3")),
    ] {
        std::fs::create_dir(at(data)).unwrap();
        std::fs::write(at(data).join("cluster.yaml"), text).unwrap();
    }
    symlink("..1", at("..data")).unwrap();
    symlink("..data/cluster.yaml", at("cluster.yaml")).unwrap();
    let server = Server::start(volume.path());
    let allows = || allowed(&server.post("validate", &denied()).1);
    assert!(!allows());
    symlink("..2", at("..data_tmp")).unwrap();
    std::fs::rename(at("..data_tmp"), at("..data")).unwrap();
    std::fs::remove_dir_all(at("..1")).unwrap();
    eventually("the new subset", allows);
}

#[test]
fn a_new_certificate_is_picked_up_without_a_failed_handshake() {
    let (old, new, live) = (certs(), certs(), tempfile::tempdir().unwrap());
    let copy = |from: &TempDir, name: &str| {
        std::fs::copy(from.path().join(name), live.path().join(name)).unwrap();
    };
    copy(&old, "tls.crt");
    copy(&old, "tls.key");
    let (crt, key) = (live.path().join("tls.crt"), live.path().join("tls.key"));
    let flags = [
        "--tls-cert",
        crt.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    let server = Server::with(&recorded("cluster.yaml"), &flags);
    let ca = |folder: &TempDir| std::fs::read(folder.path().join("ca.crt")).unwrap();
    let client = Client::new(server.https, &[&ca(&old), &ca(&new)], Protocol::Http2);
    let only_new = Client::new(server.https, &[&ca(&new)], Protocol::Http2);
    // Every handshake from here on must succeed, by whichever certificate.
    let works = || client.handshake().map(drop).unwrap();
    let failures = "rollout_guard_certificate_reload_failures_total";
    works();
    only_new.handshake().unwrap_err();
    copy(&new, "tls.crt");
    eventually("the pair that does not match", || {
        works();
        server.metric(failures) == 1
    });
    only_new.handshake().unwrap_err();
    copy(&new, "tls.key");
    eventually("the new certificate", || {
        works();
        only_new.handshake().is_ok()
    });
    std::fs::write(&crt, "torn").unwrap();
    eventually("the broken file", || {
        works();
        server.metric(failures) == 2
    });
    only_new.handshake().unwrap();
    assert!(server.metric("rollout_guard_certificate_expiry_timestamp_seconds") > 0);
}

#[test]
fn drains_before_it_ends() {
    let mut server = Server::with(&recorded("cluster.yaml"), &["--drain=2s"]);
    assert_eq!(server.get("/livez"), (200, "ok\n".to_owned()));
    assert_eq!(server.get("/readyz"), (200, "ok\n".to_owned()));
    let client = server.client(Protocol::Http1);
    let body = denied();
    let head = format!(
        "POST /validate HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let (first, second) = body.split_at(body.len() / 2);
    let mut under_way = client.run(async {
        let mut stream = client.connect().await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(first).await.unwrap();
        stream.flush().await.unwrap();
        stream
    });
    let start = Instant::now();
    server.terminate();
    eventually("not being ready", || server.get("/readyz").0 == 503);
    assert_eq!(server.get("/readyz").1, "ending\n");
    assert_eq!(server.get("/livez").0, 200);
    assert_eq!(server.post("validate", &denied()).0, 200);
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "answered within the drain time"
    );
    eventually("the closed port", || {
        TcpStream::connect(server.https).is_err()
    });
    assert!(
        start.elapsed() >= Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    let answered = client.run(async {
        under_way.write_all(second).await.unwrap();
        let mut answer = Vec::new();
        // The server may close without TLS's own goodbye.
        let _ = under_way.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    });
    assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
    assert!(answered.ends_with("}\n"), "{answered}");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn says_what_keeps_it_from_starting() {
    let said = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollout-guard"));
        let ports = ["--listen=127.0.0.1:0", "--admin=127.0.0.1:0"];
        let output = command
            .env_remove("KUBERNETES_SERVICE_HOST")
            .arg("serve")
            .args(arguments)
            .args(ports)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let outside = said(&[]);
    assert!(
        outside.contains("this does not run in a cluster"),
        "{outside}"
    );
    assert!(outside.contains("`--kubeconfig FILE`"), "{outside}");
    assert!(said(&["--kubeconfig=/none"]).contains("/none: "));
    assert!(said(&["--manifests=-"]).contains("`--manifests -`"));
    assert!(said(&["--manifests=/none"]).contains("/none: No such file"));
    let cluster = recorded("cluster.yaml");
    let cluster = format!("--manifests={}", cluster.display());
    let mut settings = tempfile::NamedTempFile::new().unwrap();
    writeln!(settings, "profil: guard").unwrap();
    let config = format!("--config={}", settings.path().display());
    assert!(said(&[&cluster, &config]).contains("line 1, column 1: unknown key `profil`"));
    assert!(said(&[&cluster, "--tls-cert=x"]).contains("--tls-key"));
    assert!(said(&[&cluster, "--tls-cert=/none", "--tls-key=/none"]).contains("/none: No such"));
    assert!(said(&[&cluster, "--ca-file=/none/ca"]).contains("`--ca-file /none/ca`"));
    assert!(said(&[&cluster, "--log-level=kube=loud"]).contains("error parsing level filter"));
    assert!(said(&[&cluster, "--drain=10"]).contains("such as `10s`"));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken_at = taken.local_addr().unwrap().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollout-guard"));
    let output = command
        .args(["serve", &cluster, "--listen", &taken_at])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains(&format!("cannot listen on `{taken_at}`")),
        "{said}"
    );
}

#[test]
fn certs_never_replaces_files_unasked() {
    let folder = certs();
    let again = |flags: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollout-guard"));
        command
            .args(["certs", "--dir"])
            .arg(folder.path())
            .args(flags);
        command.output().unwrap()
    };
    let key = || std::fs::read(folder.path().join("tls.key")).unwrap();
    let before = key();
    let refused = again(&[]);
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("ca.crt is there already: pass `--force`"),
        "{said}"
    );
    assert_eq!(key(), before);
    #[cfg(unix)]
    for name in ["ca.key", "tls.key"] {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.path().join(name);
        // Opened by whoever made it before; the new one is closed again.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(again(&["--force"]).status.success());
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_ne!(key(), before);
}

/// A folder with what `certs` makes.
fn certs() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollout-guard"));
    let output = command.args(["certs", "--dir"]).arg(folder.path()).output();
    assert!(output.expect("the command runs").status.success());
    folder
}

/// A file of a recording that is denied by RG501: subset `version-v3`, where there are v1 and v2.
pub fn recorded(name: &str) -> PathBuf {
    let folder: &Path = root();
    folder
        .join("tests/recorded/break-unknown-subset")
        .join(name)
}

pub fn denied() -> Vec<u8> {
    std::fs::read(recorded("review.json")).expect("a review")
}

pub fn allowed(body: &[u8]) -> bool {
    let answer: Value = serde_json::from_slice(body).expect("JSON");
    answer["response"]["allowed"] == true
}

fn objects(server: &Server) -> u64 {
    server.metric("rollout_guard_objects{kind=\"VirtualService\"}")
}
