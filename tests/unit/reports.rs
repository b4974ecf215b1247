//! The reports of a leader, with a clock that the test sets and an API server in memory.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::reports::{Publisher, Reports};
use crate::api::discovery::Discovery;
use crate::api::fake::{FakeApi, Fault, ISTIO};
use crate::api::reports::GROUPS;
use crate::cluster::Cluster;
use crate::decide::AuditState;
use crate::model::Object;
use crate::settings::Settings;

const REPORT: &str =
    "/apis/wgpolicyk8s.io/v1alpha2/namespaces/ns/policyreports/rollout-guard-destinationrule-a";
const OPEN_REPORT: &str =
    "/apis/openreports.io/v1alpha1/namespaces/ns/reports/rollout-guard-destinationrule-a";

struct Leader {
    api: FakeApi,
    reports: Reports,
    now: Instant,
}

impl Leader {
    fn new() -> Self {
        let api = FakeApi::default();
        api.serve_groups(&[ISTIO, GROUPS[0], GROUPS[1]]);
        api.apply(&rule("a", &["v1", "v1"]));
        let reports = reports(&api);
        let now = Instant::now();
        Self { api, reports, now }
    }

    /// A step for each of these cluster states, five seconds apart.
    async fn steps(&mut self, states: &[&AuditState]) {
        for state in states {
            self.now += Duration::from_secs(5);
            self.reports.step(state, self.now).await;
        }
    }

    /// How many writes there were since the last question.
    fn writes(&self, before: usize) -> usize {
        self.api.writes().len() - before
    }
}

fn reports(api: &FakeApi) -> Reports {
    let client = api.client();
    let discovery = Discovery::new(client.clone());
    let groups = GROUPS.map(str::to_owned);
    let publisher = Publisher::to(&groups, &client, &discovery, &Arc::default());
    Reports::new(publisher.unwrap(), Instant::now())
}

/// A DestinationRule with these subsets.
fn rule(name: &str, subsets: &[&str]) -> Value {
    let subset = |name: &&str| json!({"name": name, "labels": {"app": "a"}});
    let subsets: Vec<Value> = subsets.iter().map(subset).collect();
    json!({"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
           "metadata": {"namespace": "ns", "name": name, "uid": format!("uid-{name}")},
           "spec": {"host": "a", "subsets": subsets}})
}

fn state(rules: &[Value]) -> AuditState {
    let mut cluster = Cluster::default();
    for rule in rules {
        cluster.apply(Object::parse(rule, "").unwrap());
    }
    AuditState::of(&cluster, &Settings::default())
}

fn broken() -> AuditState {
    state(&[rule("a", &["v1", "v1"])])
}

#[tokio::test]
async fn a_finding_is_published_once_it_has_settled_and_removed_when_it_goes() {
    let mut leader = Leader::new();
    leader.steps(&[&broken()]).await;
    assert_eq!(leader.api.object(REPORT), None, "it may be about to go");
    leader.steps(&[&broken()]).await;
    let report = leader.api.object(REPORT).unwrap();
    let object = json!({"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
                        "namespace": "ns", "name": "a", "uid": "uid-a"});
    assert_eq!(report["scope"], object);
    assert_eq!(report["metadata"]["ownerReferences"][0]["uid"], "uid-a");
    assert_eq!(
        report["metadata"]["labels"]["app.kubernetes.io/managed-by"],
        "rollout-guard"
    );
    let result = &report["results"][0];
    let fields = ["source", "policy", "rule", "result", "severity", "category"];
    let fields = fields.map(|field| result[field].as_str().unwrap());
    let expected = [
        "rollout-guard",
        "duplicate-subset",
        "RG503",
        "fail",
        "high",
        "Istio",
    ];
    assert_eq!(fields, expected);
    assert_eq!(result["resources"], json!([object]));
    assert_eq!(result["properties"]["field"], "spec.subsets[1].name");
    assert_eq!(report["summary"]["fail"], 1);
    let open = leader.api.object(OPEN_REPORT).unwrap();
    assert_eq!(open["results"], report["results"]);

    let writes = leader.api.writes().len();
    leader.steps(&[&broken(), &broken(), &broken()]).await;
    assert_eq!(leader.writes(writes), 0);
    leader.steps(&[&state(&[])]).await;
    assert_eq!(leader.api.object(REPORT), None);
    assert_eq!(leader.api.object(OPEN_REPORT), None);
}

#[tokio::test]
async fn a_finding_that_soon_goes_is_never_published() {
    let mut leader = Leader::new();
    let (broken, mended) = (broken(), state(&[]));
    leader.steps(&[&broken, &mended, &broken, &mended]).await;
    assert!(leader.api.object(REPORT).is_none());
}

#[tokio::test]
async fn the_next_leader_removes_what_is_stale() {
    let mut leader = Leader::new();
    let gone = json!({"metadata": {"namespace": "ns"}});
    leader.api.put(&REPORT.replace("rule-a", "rule-gone"), gone);
    leader.steps(&[&broken(), &broken()]).await;
    assert_eq!(
        leader.api.object(&REPORT.replace("rule-a", "rule-gone")),
        None
    );
    assert!(leader.api.object(REPORT).is_some());
    leader.reports = reports(&leader.api);
    leader.steps(&[&state(&[])]).await;
    assert_eq!(leader.api.object(REPORT), None);
}

#[tokio::test]
async fn what_others_change_is_restored_within_ten_minutes() {
    let mut leader = Leader::new();
    leader.steps(&[&broken(), &broken()]).await;
    leader.api.delete(REPORT);
    for _ in 0..121 {
        leader.steps(&[&broken()]).await;
    }
    assert!(leader.api.object(REPORT).is_some());
}

#[tokio::test]
async fn it_tries_again_when_the_api_server_does_not_answer() {
    let mut leader = Leader::new();
    leader.steps(&[&broken()]).await;
    leader.api.fail(Fault::Refuse);
    leader.steps(&[&broken()]).await;
    leader.api.fail(Fault::None);
    leader.steps(&[&broken()]).await;
    assert!(leader.api.object(REPORT).is_none(), "it waits for a minute");
    leader.now += Duration::from_mins(1);
    leader.steps(&[&broken(), &broken()]).await;
    assert!(leader.api.object(REPORT).is_some());
}

#[tokio::test]
async fn a_refused_report_does_not_delay_others() {
    let mut leader = Leader::new();
    leader.api.fail(Fault::RefuseWrites);
    leader.steps(&[&broken(), &broken()]).await;
    leader.api.fail(Fault::None);
    leader.api.apply(&rule("b", &["v1", "v1"]));
    let both = state(&[rule("a", &["v1", "v1"]), rule("b", &["v1", "v1"])]);
    leader.steps(&[&both, &both]).await;
    assert!(
        leader
            .api
            .object(&REPORT.replace("rule-a", "rule-b"))
            .is_some()
    );
}

#[tokio::test]
async fn only_groups_that_are_served_are_written() {
    let mut leader = Leader::new();
    leader.api.serve_groups(&[ISTIO, GROUPS[1]]);
    leader.steps(&[&broken(), &broken()]).await;
    assert!(leader.api.object(OPEN_REPORT).is_some());
    assert_eq!(leader.writes(0), 1);
}

/// etcd stores 1.5 MB, and the API server writes `<` in six bytes.
#[tokio::test]
async fn a_report_has_a_bounded_size_and_counts_what_it_leaves_out() {
    let mut leader = Leader::new();
    let names: Vec<String> = (0..300)
        .map(|index| format!("{index}{}", "<".repeat(2000)))
        .collect();
    let names: Vec<&str> = names.iter().flat_map(|name| [name.as_str(); 2]).collect();
    let many = state(&[rule("a", &names)]);
    let total = many.findings().count();
    assert!(total >= 300, "{total}");
    leader.steps(&[&many, &many]).await;
    let report = leader.api.object(REPORT).unwrap();
    let size = report.to_string().replace('<', "\\u003c").len();
    assert!(size < 1_200_000, "{size}");
    let results = report["results"].as_array().unwrap();
    assert_eq!(results.len(), 101);
    let left_out = format!("{} more findings", total - 100);
    let last = results[100]["message"].as_str().unwrap();
    assert!(last.starts_with(&left_out), "{last}");
    let summary = &report["summary"];
    let counted = ["fail", "warn"].map(|field| summary[field].as_u64().unwrap());
    assert_eq!(counted.iter().sum::<u64>(), total as u64);
    assert_eq!(summary["skip"], 1);
}
