//! The Secret that all replicas serve from. Each write is a whole step, made from one version of the Secret: of two
//! replicas that write at once, the API server rejects the second, which then uses what the first one wrote.

use std::collections::BTreeMap;
use std::time::SystemTime;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Error};
use serde_json::json;

/// An annotation, so that a new leader goes on where the last one stopped.
const TRUSTED_SINCE: &str = "rollout-guard.io/ca-trusted-since";
const FIELD_MANAGER: &str = "rollout-guard";

/// The values of the Secret's keys, in PEM, and its annotation. A key that the Secret lacks is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SecretData {
    /// The trusted CAs, newest first.
    pub ca_crt: String,
    /// The key of the newest CA.
    pub ca_key: String,
    pub tls_crt: String,
    pub tls_key: String,
    /// Since when every webhook configuration holds the newest CA, while an older CA signed the serving
    /// certificate.
    pub trusted_since: Option<SystemTime>,
}

impl SecretData {
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

    pub fn is_empty(&self) -> bool {
        let texts = [&self.ca_crt, &self.ca_key, &self.tls_crt, &self.tls_key];
        texts.iter().all(|text| text.is_empty())
    }

    fn keys(&self) -> BTreeMap<String, ByteString> {
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

/// Writes the data into the Secret that was read, or creates the Secret where `read` is `None`.
///
/// # Errors
/// What the API server answers; [`has_changed`] tells whether the Secret is no longer as it was read.
pub(super) async fn write(
    secrets: &Api<Secret>,
    name: &str,
    read: Option<&Secret>,
    data: &SecretData,
) -> Result<Secret, Error> {
    let Some(read) = read else {
        let secret = new(name, data);
        return secrets.create(&PostParams::default(), &secret).await;
    };
    // A patch keeps the fields of others; it fails if the version has changed.
    let patch = json!({
        "metadata": {
            "resourceVersion": read.metadata.resource_version,
            "annotations": { TRUSTED_SINCE: data.annotation() },
        },
        "data": data.keys(),
    });
    let params = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    secrets.patch(name, &params, &Patch::Merge(patch)).await
}

/// Whether the API server rejected a write because the object was created, changed or deleted since it was read.
pub(super) fn has_changed(error: &Error) -> bool {
    matches!(error, Error::Api(status)
        if status.is_conflict() || status.is_already_exists() || status.is_not_found())
}

fn new(name: &str, data: &SecretData) -> Secret {
    let annotation = data.annotation();
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            annotations: annotation.map(|since| [(TRUSTED_SINCE.to_owned(), since)].into()),
            ..ObjectMeta::default()
        },
        data: Some(data.keys()),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}
