//! The self-test of an installation: sends an invalid Rollout to the API server as a dry run, and checks that the
//! guard answers. Nothing is stored.

use std::path::PathBuf;
use std::time::Duration;

use axum::http::{Request, StatusCode};
use clap::{Args, ValueEnum};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::error::Error;
use crate::api::client;
use crate::duration;

const NAME: &str = "rollout-guard-self-test";
/// The rule that the Rollout breaks.
pub const RULE: &str = "RG103";
const RETRY_PAUSE: Duration = Duration::from_secs(2);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// Check that the webhook of a cluster denies an invalid Rollout
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Guarded namespace to which an invalid Rollout is sent, as a dry run
    #[arg(short, long, value_name = "NAMESPACE", default_value = "default")]
    pub namespace: String,
    /// Expected answer; with profile `observe` it is a warning
    #[arg(long, value_enum, default_value_t = Expected::Denial)]
    pub expect: Expected,
    /// How long to retry while the webhook does not answer
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::of_flag)]
    pub within: Duration,
    /// Kubeconfig of the cluster [default: the cluster that this runs in]
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

/// What the guard answered, in a sentence.
pub fn self_test(options: &Options) -> Result<String, Error> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().map_err(Error::Runtime)?;
    runtime.block_on(test(options))
}

async fn test(options: &Options) -> Result<String, Error> {
    let client = client::connect(options.kubeconfig.as_deref()).await?;
    let give_up = tokio::time::Instant::now() + options.within;
    loop {
        let error = match probe(&client, options).await {
            Ok(result) => return Ok(result),
            Err(error) => error,
        };
        if !error.is_temporary() || tokio::time::Instant::now() + RETRY_PAUSE > give_up {
            return Err(error);
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// Asks once. What the guard answered, in a sentence.
pub async fn probe(client: &Client, options: &Options) -> Result<String, Error> {
    let answer = ask(client, &options.namespace).await?;
    judge(&answer, options)
}

/// Sends the Rollout by hand: kube's own calls keep the warnings of an answer to themselves.
async fn ask(client: &Client, namespace: &str) -> Result<Answer, Error> {
    let sent = timeout(REQUEST_TIMEOUT, send(client, namespace)).await;
    let answer = sent.unwrap_or_else(|elapsed| Err(elapsed.into()));
    answer.map_err(Error::NoAnswer)
}

async fn send(
    client: &Client,
    namespace: &str,
) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    let query = "dryRun=All&fieldManager=rollout-guard-self-test";
    let path = format!("/apis/argoproj.io/v1alpha1/namespaces/{namespace}/rollouts?{query}");
    let body = invalid_rollout(namespace).to_string().into_bytes();
    let request = Request::post(path)
        .header("Content-Type", "application/json")
        .header("Accept", "application/json")
        .body(Body::from(body))?;
    let response = client.send(request).await?;
    let warnings = response.headers().get_all("Warning").iter();
    let warnings = warnings.filter_map(|warning| warning.to_str().ok().map(str::to_owned));
    let (status, warnings) = (response.status(), warnings.collect());
    let body = response.into_body().collect().await?.to_bytes();
    Ok(Answer {
        status,
        warnings,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

fn judge(answer: &Answer, options: &Options) -> Result<String, Error> {
    let message = answer.text("/message");
    let warned = answer.warnings.iter().find(|line| line.contains(RULE));
    if !answer.status.is_success() && message.contains(&format!("[rollout-guard {RULE}")) {
        return Ok(format!("the guard refused an invalid Rollout: {message}"));
    }
    if let (true, Some(warning)) = (answer.status.is_success(), warned) {
        return match options.expect {
            Expected::Warning => Ok(format!("the guard warned of an invalid Rollout: {warning}")),
            Expected::Denial => Err(Error::OnlyWarned {
                namespace: options.namespace.clone(),
                warning: warning.clone(),
            }),
        };
    }
    Err(failure(answer, options.namespace.clone()))
}

/// What an answer means that does not come from the guard.
fn failure(answer: &Answer, namespace: String) -> Error {
    let message = answer.text("/message").to_owned();
    match answer.status {
        status if status.is_success() => Error::Accepted { namespace },
        StatusCode::NOT_FOUND if answer.text("/details/kind") == "namespaces" => {
            Error::NoNamespace { namespace }
        }
        StatusCode::NOT_FOUND => Error::NoRollouts,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Error::Forbidden { namespace, message },
        status => Error::Refused { status, message },
    }
}

impl Answer {
    /// What the body says at a pointer.
    fn text(&self, pointer: &str) -> &str {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_default()
    }
}

/// One Service has two roles; all else is valid.
fn invalid_rollout(namespace: &str) -> Value {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Cluster;
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
        let rollout = Object::parse_as(Kind::Rollout, &invalid_rollout("default"), "default");
        let key = rollout.key().clone();
        cluster.apply(rollout);
        let found = crate::decide::audit(&cluster, [&key], &crate::settings::Settings::default());
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
        let failure = judge(&warned, &options(Expected::Denial)).unwrap_err();
        assert!(!failure.is_temporary(), "{failure}");
        let silent = answer(201, &["299 - \"unknown field\""], json!({}));
        let failure = judge(&silent, &options(Expected::Warning)).unwrap_err();
        let text = failure.to_string();
        assert!(text.contains("without a warning"), "{text}");
    }

    #[test]
    fn what_is_missing_is_named() {
        let text = |answer| {
            let failure = judge(answer, &options(Expected::Denial)).unwrap_err();
            failure.to_string()
        };
        let no_crd = answer(404, &[], json!({"message": "not found", "details": {}}));
        assert!(text(&no_crd).contains("no Rollouts"));
        let no_namespace = answer(404, &[], json!({"details": {"kind": "namespaces"}}));
        assert!(text(&no_namespace).contains("no namespace `default`"));
    }
}
