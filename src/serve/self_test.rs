//! The self-test of an installation: sends the API server a Rollout that is wrong, as a dry run, and looks
//! who speaks. Nothing is stored.

use std::path::PathBuf;
use std::time::Duration;

use axum::http::{Request, StatusCode};
use clap::{Args, ValueEnum};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use super::error::Error;
use crate::api::client;
use crate::duration;

/// See whether the webhook of a cluster refuses what is wrong
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// A guarded namespace to send a wrong Rollout to, as a dry run
    #[arg(short, long, value_name = "NAMESPACE", default_value = "default")]
    pub namespace: String,
    /// What must be seen: under profile `observe` a warning
    #[arg(long, value_enum, default_value_t = Expected::Denial)]
    pub expect: Expected,
    /// How long to go on trying, where the webhook does not answer yet
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::of_flag)]
    pub within: Duration,
    /// How to reach the cluster from outside of it
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Expected {
    Denial,
    Warning,
}

/// What the API server answered.
struct Answer {
    status: StatusCode,
    warnings: Vec<String>,
    /// A Status, or the object as it would have been stored.
    body: Value,
}

/// Why the test has failed.
struct Fault {
    message: String,
    /// A later try may go better.
    may_pass: bool,
}

/// What was seen of the guard, in a sentence.
///
/// # Errors
/// No cluster, or what was seen instead.
pub fn self_test(options: &Options) -> Result<String, Error> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().map_err(Error::Runtime)?;
    runtime.block_on(test(options))
}

async fn test(options: &Options) -> Result<String, Error> {
    let client = client::connect(options.kubeconfig.as_deref())
        .await
        .map_err(Error::NoCluster)?;
    let give_up = tokio::time::Instant::now() + options.within;
    loop {
        let seen = match ask(&client, &options.namespace).await {
            Ok(answer) => judge(&answer, options),
            Err(message) => Err(Fault::passing(message)),
        };
        let fault = match seen {
            Ok(seen) => return Ok(seen),
            Err(fault) => fault,
        };
        if !fault.may_pass || tokio::time::Instant::now() + PAUSE > give_up {
            return Err(Error::SelfTest(fault.message));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Sends the Rollout by hand: kube's own calls keep the warnings of an answer to themselves.
async fn ask(client: &Client, namespace: &str) -> Result<Answer, String> {
    let query = "dryRun=All&fieldManager=rollout-guard-self-test";
    let path = format!("/apis/argoproj.io/v1alpha1/namespaces/{namespace}/rollouts?{query}");
    let unsent = |error: &dyn std::fmt::Display| format!("the API server does not answer: {error}");
    let request = Request::post(path)
        .header("Content-Type", "application/json")
        .header("Accept", "application/json")
        .body(Body::from(
            wrong_rollout(namespace).to_string().into_bytes(),
        ))
        .map_err(|error| unsent(&error))?;
    let answered = tokio::time::timeout(PATIENCE, client.send(request)).await;
    let response = answered.map_err(|error| unsent(&error))?;
    let response = response.map_err(|error| unsent(&error))?;
    let status = response.status();
    let warnings = response.headers().get_all("Warning").iter();
    let warnings = warnings.filter_map(|warning| warning.to_str().ok().map(str::to_owned));
    let warnings = warnings.collect();
    let body = tokio::time::timeout(PATIENCE, response.into_body().collect()).await;
    let body = body.map_err(|error| unsent(&error))?;
    let body = body.map_err(|error| unsent(&error))?.to_bytes();
    Ok(Answer {
        status,
        warnings,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

fn judge(answer: &Answer, options: &Options) -> Result<String, Fault> {
    let (status, namespace) = (answer.status, &options.namespace);
    let message = answer.text("/message");
    let warned = answer.warnings.iter().find(|line| line.contains(RULE));
    if !status.is_success() && message.contains(&format!("[rollout-guard {RULE}")) {
        return Ok(format!(
            "the guard refused a Rollout that is wrong: {message}"
        ));
    }
    if let (true, Some(warning)) = (status.is_success(), warned) {
        return match options.expect {
            Expected::Warning => Ok(format!(
                "the guard warned of a Rollout that is wrong: {warning}"
            )),
            Expected::Denial => Err(Fault::lasting(format!(
                "the guard warned and did not deny: does namespace `{namespace}` have the label \
                 `rollout-guard.io/enforce: observe`? ({warning})"
            ))),
        };
    }
    Err(unseen(answer, namespace))
}

/// What an answer means in which the guard does not speak.
fn unseen(answer: &Answer, namespace: &str) -> Fault {
    let message = answer.text("/message");
    let of_kind = answer.text("/details/kind");
    match answer.status {
        status if status.is_success() => Fault::passing(format!(
            "a Rollout that is wrong was taken without a word: the API server does not reach the webhook (see its log \
             for `failed calling webhook`), or namespace `{namespace}` is not guarded"
        )),
        StatusCode::NOT_FOUND if of_kind == "namespaces" => {
            Fault::lasting(format!("there is no namespace `{namespace}` to try it in"))
        }
        StatusCode::NOT_FOUND => Fault::lasting(
            "there are no Rollouts in this cluster: install the CRDs of Argo Rollouts (rollouts.argoproj.io)".to_owned(),
        ),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Fault::passing(format!(
            "this may not create Rollouts in namespace `{namespace}`, or somebody else refused it: {message}"
        )),
        status => Fault::passing(format!(
            "somebody else refused it before the guard could ({status}): {message}"
        )),
    }
}

impl Answer {
    /// What the body says at a pointer.
    fn text(&self, pointer: &str) -> &str {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_default()
    }
}

impl Fault {
    fn passing(message: String) -> Self {
        Self {
            message,
            may_pass: true,
        }
    }

    fn lasting(message: String) -> Self {
        Self {
            message,
            may_pass: false,
        }
    }
}

/// Right but for one thing: a Service that has two roles.
fn wrong_rollout(namespace: &str) -> Value {
    let labels = json!({"app": NAME});
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "none", "image": "none"}]},
            },
            "strategy": {"canary": {
                "canaryService": NAME,
                "stableService": NAME,
                "steps": [{"setWeight": 50}],
            }},
        },
    })
}

const NAME: &str = "rollout-guard-self-test";
/// The rule that the Rollout breaks.
const RULE: &str = "RG103";
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(2);
/// With one request.
const PATIENCE: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Cluster, View};
    use crate::model::{Kind, Object};
    use crate::verdict::Severity;

    fn options(expect: Expected) -> Options {
        Options {
            namespace: "default".to_owned(),
            expect,
            within: Duration::ZERO,
            kubeconfig: None,
        }
    }

    fn answer(status: u16, warnings: &[&str], body: Value) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            warnings: warnings.iter().map(|&warning| warning.to_owned()).collect(),
            body,
        }
    }

    #[test]
    fn the_rollout_is_wrong_in_one_way_only() {
        let mut cluster = Cluster::default();
        let rollout = Object::parse_as(Kind::Rollout, &wrong_rollout("default"), "default");
        let key = rollout.key().clone();
        cluster.apply(rollout);
        let found = crate::decide::audit(
            &View::of(&cluster),
            [&key],
            &crate::settings::Settings::default(),
        );
        let errors = found
            .iter()
            .filter(|finding| finding.severity == Severity::Error);
        let codes: Vec<&str> = errors.map(|finding| finding.rule.code).collect();
        assert_eq!(codes, [RULE]);
    }

    #[test]
    fn a_denial_is_what_it_looks_for() {
        let message =
            "rollout-guard denies this CREATE: … [rollout-guard RG103 duplicate-services]";
        let denied = answer(422, &[], json!({"message": message}));
        assert!(judge(&denied, &options(Expected::Denial)).is_ok());
        assert!(judge(&denied, &options(Expected::Warning)).is_ok());
        let others = answer(422, &[], json!({"message": "no"}));
        assert!(judge(&others, &options(Expected::Denial)).is_err());
    }

    #[test]
    fn a_warning_counts_where_it_is_expected() {
        let warned = answer(201, &["299 - \"RG103: would deny: …\""], json!({}));
        assert!(judge(&warned, &options(Expected::Warning)).is_ok());
        let fault = judge(&warned, &options(Expected::Denial)).err().unwrap();
        assert!(!fault.may_pass, "{}", fault.message);
        let silent = answer(201, &["299 - \"unknown field\""], json!({}));
        let fault = judge(&silent, &options(Expected::Warning)).err().unwrap();
        assert!(
            fault.message.contains("without a word"),
            "{}",
            fault.message
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let said = |answer: &Answer| judge(answer, &options(Expected::Denial)).err().unwrap();
        let no_crd = answer(404, &[], json!({"message": "not found", "details": {}}));
        assert!(said(&no_crd).message.contains("no Rollouts"));
        let no_namespace = answer(404, &[], json!({"details": {"kind": "namespaces"}}));
        assert!(
            said(&no_namespace)
                .message
                .contains("no namespace `default`")
        );
    }
}
