//! The chart's alerts and dashboard, with the real promtool and Prometheus.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rollout_guard::source::{self, Limits, Node};
use serde_json::{Value, json};

use crate::api::{list, text};
use crate::bed::{ADMIN, Bed, Process, poll};
use crate::guard::NAMESPACE;
use crate::kubelet;
use crate::network::HOST;
use crate::release::SUBSET_LEVEL;
use crate::story::Story;
use crate::world::{DEADLINE, World};
use crate::{alone, shared};

pub const STORIES: &[Story] = &[
    shared!(each_alert_fires_and_is_quiet),
    alone!(the_dashboard_shows_an_incident),
];

fn each_alert_fires_and_is_quiet(bed: &Bed) {
    let folder = tempfile::tempdir().expect("a folder");
    let names = write_rules(bed, folder.path());
    std::fs::copy(
        bed.layout.root.join(TESTS),
        folder.path().join("alerts.yaml"),
    )
    .expect("the tests");
    promtool(bed, folder.path(), &["check", "rules", "rules.yaml"]);
    promtool(bed, folder.path(), &["test", "rules", "alerts.yaml"]);

    let tests = std::fs::read_to_string(bed.layout.root.join(TESTS)).expect("the tests");
    let tests = yaml(&tests);
    let checks = list(&tests, "/tests")
        .iter()
        .flat_map(|test| list(test, "/alert_rule_test"));
    let checks: Vec<&Value> = checks.collect();
    for name in names {
        let mut fires = checks.iter().filter(|check| check["alertname"] == *name);
        assert!(
            fires.any(|check| !list(check, "/exp_alerts").is_empty()),
            "{name} fires in no test"
        );
        let mut quiet = checks.iter().filter(|check| check["alertname"] == *name);
        assert!(
            quiet.any(|check| list(check, "/exp_alerts").is_empty()),
            "{name} is quiet in no test"
        );
    }
}

/// One Rollout in mid-canary whose manifests are applied again, writes that are denied, a namespace that only
/// observes, and a stored finding. Every query of the dashboard has an answer.
fn the_dashboard_shows_an_incident(bed: &Bed) {
    let world = World::new(bed, "incident");
    let folder = world.start_canary(&SUBSET_LEVEL);
    let observed = World::new(bed, "incident-observed");
    observed
        .kubectl("label namespace incident-observed rollout-guard.io/enforce=observe")
        .ok();
    observed.start_canary(&SUBSET_LEVEL);
    let twice = r#"[{"op": "copy", "from": "/spec/subsets/0", "path": "/spec/subsets/-"}]"#;
    let subset_twice = observed.kubectl("patch destinationrule destrule-app07 --type=json -p");
    subset_twice.arg(twice).ok().says("RG503");
    let missing = r#"{"spec": {"strategy": {"canary": {"trafficRouting": {"istio": {"virtualService": {"routes": ["primry"]}}}}}}}"#;
    let patch = "patch rollout app07 --dry-run=server --type=merge -p";
    observed.kubectl(patch).arg(missing).ok().says("would deny");

    let prometheus = Prometheus::start(bed);
    let queries = queries(bed);
    assert!(queries.len() > 15, "{queries:?}");
    poll("an answer to every query", DEADLINE, &mut || {
        folder
            .kubectl("apply", "virtual-service.yaml")
            .ok()
            .says("kept weights");
        let delete = "delete virtualservice virtservice-app07 --dry-run=server";
        world.kubectl(delete).fails();
        world.as_user(COLLECTOR, "kubectl", delete).ok();
        observed.kubectl(patch).arg(missing).ok();
        let empty = queries.iter().filter(|(title, query)| {
            !WITHOUT_DATA_HERE.contains(&title.as_str()) && prometheus.ask(query).is_empty()
        });
        let empty: Vec<&String> = empty.map(|(title, _)| title).collect();
        if empty.is_empty() {
            Ok(())
        } else {
            Err(format!("no data: {empty:?}"))
        }
    });
    for (panel, namespace) in [
        ("Denied", "incident"),
        ("Kept", "incident"),
        ("Would be denied or kept", "incident-observed"),
    ] {
        let (_, query) = queries
            .iter()
            .find(|(title, _)| title == panel)
            .expect("a panel");
        prometheus.shows_rollout(panel, query, namespace);
    }
    prometheus.rules_are_healthy();
}

/// Panels whose metrics only another process has, or only another kind of incident.
const WITHOUT_DATA_HERE: [&str; 3] = ["Memory", "Pending", "Broken watches"];

struct Prometheus<'a> {
    bed: &'a Bed,
    process: Process,
}

impl<'a> Prometheus<'a> {
    /// It scrapes the guard's Pods and the API server every second, and evaluates the chart's alerts.
    fn start(bed: &'a Bed) -> Self {
        let folder = bed.layout.state.join("prometheus");
        std::fs::create_dir_all(&folder).expect("the state folder can be written");
        write_rules(bed, &folder);
        let config = scrapes(bed);
        std::fs::write(folder.join("prometheus.yaml"), config.to_string())
            .expect("the state folder can be written");
        let mut command = Command::new(bed.layout.tool("prometheus"));
        command.args([
            format!("--config.file={}", folder.join("prometheus.yaml").display()),
            format!("--storage.tsdb.path={}", folder.join("data").display()),
            format!("--web.listen-address={ADDRESS}"),
        ]);
        let process = Process::start("prometheus", command, &bed.layout.log("prometheus"));
        let started = Self { bed, process };
        poll("Prometheus", Duration::from_mins(1), &mut || {
            assert!(
                started.process.is_running(),
                "Prometheus has ended; its log says why"
            );
            let answer = bed
                .block_on(kubelet::get(ADDRESS, "/-/ready"))
                .map_err(|error| error.to_string())?;
            if answer.starts_with("HTTP/1.0 200") {
                Ok(())
            } else {
                Err(answer)
            }
        });
        started
    }

    /// The series of a query.
    fn ask(&self, query: &str) -> Vec<Value> {
        let query: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer = self.get(&format!("/api/v1/query?query={query}"));
        list(&answer, "/data/result").to_vec()
    }

    fn shows_rollout(&self, panel: &str, query: &str, namespace: &str) {
        let shown = self.ask(query);
        let labels = json!({"namespace": namespace, "rollout": "app07"});
        assert!(
            shown.iter().any(|series| series["metric"] == labels),
            "{panel}: {shown:?}"
        );
    }

    fn rules_are_healthy(&self) {
        let answer = self.get("/api/v1/rules");
        let rules = list(&answer, "/data/groups/0/rules");
        assert!(!rules.is_empty(), "{answer:#}");
        for rule in rules {
            assert_eq!(rule["health"], "ok", "{rule:#}");
            assert_eq!(rule["state"], "inactive", "{rule:#}");
        }
    }

    fn get(&self, path: &str) -> Value {
        let answer = self
            .bed
            .block_on(kubelet::get(ADDRESS, path))
            .expect("Prometheus answers");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let body: Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body["status"], "success", "{path}: {body:#}");
        body
    }
}

/// The configuration: what is scraped, and the rules.
fn scrapes(bed: &Bed) -> Value {
    let pods = bed.guard().pods();
    let targets = pods.iter().map(|pod| {
        json!({
            "targets": [format!("{}:8080", text(pod, "/status/podIP"))],
            "labels": {"namespace": NAMESPACE, "pod": text(pod, "/metadata/name")},
        })
    });
    // As the ServiceMonitor says.
    json!({
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [
            {
                "job_name": "rollout-guard-metrics",
                "honor_labels": true,
                "static_configs": targets.collect::<Vec<_>>(),
            },
            {
                "job_name": "apiserver",
                "scheme": "https",
                "tls_config": {"ca_file": bed.layout.state("ca.crt")},
                "authorization": {"credentials": ADMIN},
                "static_configs": [{"targets": [format!("{HOST}:6443")]}],
            },
        ],
    })
}

impl Drop for Prometheus<'_> {
    fn drop(&mut self) {
        self.process.kill();
    }
}

/// The title of each panel and its queries, with the variables that Grafana replaces.
fn queries(bed: &Bed) -> Vec<(String, String)> {
    let map = render(bed, "grafana-dashboard", "grafanaDashboard.enabled=true");
    let dashboard: Value =
        serde_json::from_str(text(&map, "/data/rollout-guard.json")).expect("JSON");
    let panels = list(&dashboard, "/panels").iter();
    let queries = panels.flat_map(|panel| {
        list(panel, "/targets").iter().map(|target| {
            let query = text(target, "/expr")
                .replace("$job", ".+")
                .replace("$__rate_interval", "30s");
            (text(panel, "/title").to_owned(), query)
        })
    });
    queries.collect()
}

/// Writes the chart's alerts as Prometheus reads them; returns their names.
fn write_rules(bed: &Bed, folder: &Path) -> Vec<String> {
    let rule = render(bed, "prometheus-rule", "prometheusRule.enabled=true");
    std::fs::write(folder.join("rules.yaml"), rule["spec"].to_string()).expect("a file");
    let rules = list(&rule, "/spec/groups/0/rules").iter();
    rules.map(|rule| text(rule, "/alert").to_owned()).collect()
}

/// One object of the chart, as the release of the stories has it.
fn render(bed: &Bed, template: &str, enabled: &str) -> Value {
    let words = format!(
        "template rollout-guard charts/rollout-guard --set image.repository=x --kube-version v1.34.5 \
         --show-only templates/{template}.yaml --set {enabled}"
    );
    yaml(&bed.guard().helm(&words).ok().stdout)
}

/// The first document that is not empty.
fn yaml(text: &str) -> Value {
    let documents = source::parse(text, Limits::default()).expect("YAML");
    let mut documents = documents.iter().map(Node::to_value);
    documents
        .find(|document| !document.is_null())
        .expect("a document")
}

fn promtool(bed: &Bed, folder: &Path, words: &[&str]) {
    let tool: PathBuf = bed.layout.tool("promtool");
    let run = Command::new(&tool).args(words).current_dir(folder).output();
    let run = run.unwrap_or_else(|error| panic!("{}: {error}", tool.display()));
    assert!(
        run.status.success(),
        "promtool {words:?}\n{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
}

const COLLECTOR: &str = "system:serviceaccount:kube-system:generic-garbage-collector";
const TESTS: &str = "tests/e2e/prometheus/alerts.yaml";
const ADDRESS: &str = "127.0.0.1:9090";
