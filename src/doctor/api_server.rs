//! The API server: its version, what it warns of, and how its calls of the webhook went.

use super::fact::{Fact, Level};
use super::inventory::Inventory;
use super::reader::{Reader, text};
use crate::model::Kind;

const TOPIC: &str = "api-server";
const CALLS: &str = "calls";
/// The first version in which webhooks have match conditions by default and for good.
const OLDEST_MINOR: u64 = 30;

pub(super) async fn version(reader: &Reader) -> Fact {
    let answer = match reader.get("/version").await {
        Ok(answer) => answer.unwrap_or_default(),
        Err(error) => return Fact::unread(TOPIC, "the version", &error),
    };
    let version = text(&answer, "/gitVersion");
    let minor = text(&answer, "/minor").trim_end_matches('+').parse::<u64>();
    let fact = format!("the API server is {version}");
    match minor {
        Ok(minor) if minor < OLDEST_MINOR => {
            let meaning = "it may ignore the match conditions of the webhooks: the controller's writes would be judged";
            Fact::new(Level::Error, TOPIC, fact, meaning).advise(format!(
                "use rollout-guard with Kubernetes 1.{OLDEST_MINOR} or newer"
            ))
        }
        Ok(_) => Fact::new(Level::Ok, TOPIC, fact, "webhooks have match conditions"),
        Err(_) => {
            let fact = "the API server does not tell its version";
            let meaning = "whether webhooks have match conditions is not known";
            Fact::new(Level::Unknown, TOPIC, fact, meaning)
                .advise(format!("compare it with Kubernetes 1.{OLDEST_MINOR}"))
        }
    }
}

/// What the API server warns of when the guarded kinds are read in each version, and in all that was read before.
pub(super) async fn warnings(reader: &Reader, inventory: &Inventory) -> Vec<Fact> {
    let crds = Kind::ALL
        .into_iter()
        .filter(|kind| kind.is_guarded() && !kind.is_built_in());
    for kind in crds {
        for version in inventory.versions(kind.group()) {
            let path = format!("/apis/{}/{version}/{}?limit=1", kind.group(), kind.plural());
            // What cannot be read is told where its content is needed.
            let _ = reader.text(&path).await;
        }
    }
    let warnings = reader.warnings().into_iter().map(|warning| {
        let fact = format!("the API server warns: {warning}");
        let meaning = "who uses this version or object gets the same warning, the controller too";
        Fact::new(Level::Warning, TOPIC, fact, meaning)
            .advise("use the version that it names, before this one is removed")
    });
    warnings.collect()
}

/// How the calls of the webhook went, as the metrics of the API server that answers count them.
pub(super) async fn calls(reader: &Reader, inventory: &Inventory) -> Vec<Fact> {
    if inventory.our_webhooks().next().is_none() {
        return Vec::new();
    }
    let metrics = match reader.text("/metrics").await {
        Ok(Some(metrics)) => String::from_utf8_lossy(&metrics).into_owned(),
        Ok(None) => return Vec::new(),
        Err(error) => return vec![Fact::unread(CALLS, "metrics of the API server", &error)],
    };
    let problems = PROBLEMS.iter().filter_map(|problem| problem.fact(&metrics));
    let mut facts: Vec<Fact> = problems.collect();
    let calls = sum(&metrics, "apiserver_admission_webhook_request_total{", "");
    if calls == 0.0 {
        let fact = "this API server has not called the webhook since it started";
        facts.push(
            Fact::new(
                Level::Note,
                CALLS,
                fact,
                "no guarded write came, or none arrives",
            )
            .advise("see the fact `reachable`"),
        );
    } else if facts.is_empty() {
        let fact = format!("this API server has called the webhook {calls} times since it started");
        facts.push(Fact::new(Level::Ok, CALLS, fact, "no call failed"));
    }
    facts
}

/// A counter that should be 0.
struct Problem {
    metric: &'static str,
    label: &'static str,
    what: &'static str,
    meaning: &'static str,
    advice: &'static str,
}

const PROBLEMS: [Problem; 3] = [
    Problem {
        metric: "apiserver_admission_webhook_fail_open_count{",
        label: "",
        what: "writes were stored because the webhook did not answer",
        meaning: "they were neither judged nor changed; the audit and `check --cluster` show what they left",
        advice: "look for restarts, a full queue or a NetworkPolicy at the time; `failurePolicy: Fail` rejects such writes",
    },
    Problem {
        metric: "apiserver_admission_webhook_rejection_count{",
        label: "error_type=\"calling_webhook_error\"",
        what: "writes were rejected because the webhook did not answer",
        meaning: "failurePolicy is Fail, and no pod could be reached in time",
        advice: "look for restarts, a full queue or a NetworkPolicy at the time",
    },
    Problem {
        metric: "apiserver_admission_match_condition_evaluation_errors_total{",
        label: "",
        what: "match conditions failed",
        meaning: "the API server skips the webhook for such a write, or rejects it",
        advice: "upgrade the release of the chart, and report the object that was written",
    },
];

impl Problem {
    fn fact(&self, metrics: &str) -> Option<Fact> {
        let count = sum(metrics, self.metric, self.label);
        (count > 0.0).then(|| {
            let fact = format!("{count} {} since this API server started", self.what);
            Fact::new(Level::Warning, CALLS, fact, self.meaning).advise(self.advice)
        })
    }
}

/// The sum of a counter over the webhooks of rollout-guard.
fn sum(metrics: &str, metric: &str, label: &str) -> f64 {
    let lines = metrics.lines().filter(|line| {
        line.starts_with(metric) && line.contains(".rollout-guard.io\"") && line.contains(label)
    });
    let values = lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    values.sum()
}
