//! Asks the API server whether a user may use the `allow` annotation on an object, by a SubjectAccessReview.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::core::Request;
use kube::{Client, Error, Resource};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::retry::{MAX_ATTEMPTS, RETRY_PAUSE, is_broken_off};
use super::shared_reads::SharedReads;
use crate::api::client::send;
use crate::metrics::Metrics;
use crate::model::{ALLOW_GROUP, ALLOW_VERB, Key};
use crate::request::{AllowRight, UserInfo};

/// For `/validate` after `/mutate`, and for the next objects of a release. A right that is withdrawn lasts no longer. That
/// somebody has no right is not remembered: it may be granted in an incident.
const GRANTED_FOR: Duration = Duration::from_secs(10);
const MAX_REMEMBERED: usize = 64;

/// Whether this user may use the annotation on this object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AllowQuestion {
    pub user: UserInfo,
    /// The name is empty where the API server has yet to make one.
    pub object: Key,
}

/// Asks, and remembers who has the right.
pub(super) struct AllowRights {
    client: Client,
    metrics: Arc<Metrics>,
    reads: SharedReads,
    granted: Mutex<HashMap<AllowQuestion, Instant>>,
}

impl AllowRights {
    pub fn new(client: Client, metrics: Arc<Metrics>, reads: SharedReads) -> Self {
        Self {
            client,
            metrics,
            reads,
            granted: Mutex::default(),
        }
    }

    pub async fn ask(&self, question: AllowQuestion) -> AllowRight {
        if self.is_remembered(&question) {
            self.metrics.watches.asked_allow_right("remembered");
            return AllowRight::Granted;
        }
        let object = &question.object;
        let (right, result) = match self.reads.turn(self.review(&question)).await {
            Ok(true) => (AllowRight::Granted, "granted"),
            Ok(false) => (AllowRight::Refused, "refused"),
            Err(error) => {
                tracing::warn!(
                    kind = object.kind.as_str(),
                    namespace = &*object.namespace,
                    error = %error,
                    "cannot ask whether a user may use the allow annotation"
                );
                (AllowRight::Unanswered, "failed")
            }
        };
        self.metrics.watches.asked_allow_right(result);
        if right == AllowRight::Granted {
            self.remember(question);
        }
        right
    }

    /// A connection that broke is no answer: a new one is tried.
    async fn review(&self, question: &AllowQuestion) -> Result<bool, Error> {
        let api = Request::new(SubjectAccessReview::url_path(&(), None));
        let review = serde_json::to_vec(&subject_access_review(question));
        let review = review.map_err(Error::SerdeError)?;
        let mut attempt = 1;
        loop {
            let request = api.create(&PostParams::default(), review.clone());
            match send(&self.client, request).await {
                Err(error) if is_broken_off(&error) && attempt < MAX_ATTEMPTS => {
                    attempt += 1;
                    sleep(RETRY_PAUSE).await;
                }
                answer => {
                    let answer = answer?;
                    let allowed = answer.pointer("/status/allowed");
                    return Ok(allowed.and_then(Value::as_bool).unwrap_or_default());
                }
            }
        }
    }

    fn is_remembered(&self, question: &AllowQuestion) -> bool {
        let granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        let since = granted.get(question);
        since.is_some_and(|since| since.elapsed() < GRANTED_FOR)
    }

    fn remember(&self, question: AllowQuestion) {
        let mut granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        granted.retain(|_, since| since.elapsed() < GRANTED_FOR);
        if granted.len() < MAX_REMEMBERED {
            granted.insert(question, Instant::now());
        }
    }
}

fn subject_access_review(question: &AllowQuestion) -> SubjectAccessReview {
    let AllowQuestion { user, object } = question.clone();
    let attributes = ResourceAttributes {
        group: Some(ALLOW_GROUP.to_owned()),
        resource: Some(object.kind.plural().to_owned()),
        verb: Some(ALLOW_VERB.to_owned()),
        namespace: Some(object.namespace.to_string()),
        name: Some(object.name.to_string()).filter(|name| !name.is_empty()),
        ..ResourceAttributes::default()
    };
    SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(user.username),
            uid: Some(user.uid).filter(|uid| !uid.is_empty()),
            groups: Some(user.groups),
            extra: Some(user.extra),
            resource_attributes: Some(attributes),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    }
}
