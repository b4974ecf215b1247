//! The Secret that all replicas serve from. It is changed by whole steps, each on the version that the step
//! was decided by: of two that write at once the second is refused, reads again, and uses the first one's.

use std::collections::BTreeMap;
use std::time::SystemTime;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Error};
use serde_json::json;

use super::contents::Texts;

impl Texts {
    /// Of an object that may lack some or all of it.
    pub fn of(secret: &Secret) -> Self {
        let text = |key: &str| {
            let value = secret.data.as_ref().and_then(|data| data.get(key));
            value.map_or_else(String::new, |bytes| {
                String::from_utf8_lossy(&bytes.0).into_owned()
            })
        };
        let annotations = secret.metadata.annotations.as_ref();
        let since = annotations.and_then(|all| all.get(TRUSTED_SINCE)?.parse::<Timestamp>().ok());
        Self {
            ca_crt: text("ca.crt"),
            ca_key: text("ca.key"),
            tls_crt: text("tls.crt"),
            tls_key: text("tls.key"),
            trusted_since: since.map(SystemTime::from),
        }
    }

    fn data(&self) -> BTreeMap<String, ByteString> {
        let bytes = |text: &String| ByteString(text.clone().into_bytes());
        let texts = [
            ("ca.crt", &self.ca_crt),
            ("ca.key", &self.ca_key),
            ("tls.crt", &self.tls_crt),
            ("tls.key", &self.tls_key),
        ];
        let entries = texts.map(|(key, text)| (key.to_owned(), bytes(text)));
        entries.into()
    }

    fn annotation(&self) -> Option<String> {
        let since = Timestamp::try_from(self.trusted_since?).ok()?;
        Some(since.to_string())
    }
}

/// Writes the texts into the Secret as it was read, or makes it where there was none.
///
/// # Errors
/// What the API server says, also that the Secret has changed since ([`has_changed`]).
pub(super) async fn write(
    secrets: &Api<Secret>,
    name: &str,
    read: Option<&Secret>,
    texts: &Texts,
) -> Result<Secret, Error> {
    let Some(read) = read else {
        return secrets
            .create(&PostParams::default(), &new(name, texts))
            .await;
    };
    // A patch leaves what others keep in the object; the version makes it fail if it has changed.
    let patch = json!({
        "metadata": {
            "resourceVersion": read.metadata.resource_version,
            "annotations": { TRUSTED_SINCE: texts.annotation() },
        },
        "data": texts.data(),
    });
    let params = PatchParams {
        field_manager: Some("rollout-guard".to_owned()),
        ..PatchParams::default()
    };
    secrets.patch(name, &params, &Patch::Merge(patch)).await
}

/// Whether a write was refused because the object is no longer, or not yet, as it was read.
pub(super) fn has_changed(error: &Error) -> bool {
    matches!(error, Error::Api(status)
        if status.is_conflict() || status.is_already_exists() || status.is_not_found())
}

fn new(name: &str, texts: &Texts) -> Secret {
    let annotations = texts.annotation();
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            annotations: annotations.map(|since| [(TRUSTED_SINCE.to_owned(), since)].into()),
            ..ObjectMeta::default()
        },
        data: Some(texts.data()),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}

/// Kept so that a new leader goes on where the last one was.
const TRUSTED_SINCE: &str = "rollout-guard.io/ca-trusted-since";
