//! The `caBundle` of every webhook in the mutating and the validating configuration of one name. A write patches the
//! `caBundle` alone, under a field manager of its own, and never creates a configuration or a webhook.

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Error, Resource};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const FIELD_MANAGER: &str = "rollout-guard-ca";

/// The two configurations as they were last read. A configuration may not exist.
#[derive(Default)]
pub(super) struct WebhookConfigurations {
    mutating: Option<MutatingWebhookConfiguration>,
    validating: Option<ValidatingWebhookConfiguration>,
}

/// One webhook's name and `caBundle`.
pub(super) struct Webhook<'a> {
    name: &'a str,
    bundle: Option<&'a ByteString>,
}

pub(super) trait WebhookConfiguration:
    Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned + Send + 'static
{
    fn webhooks(&self) -> Vec<Webhook<'_>>;
}

impl WebhookConfigurations {
    pub async fn read(client: &Client, name: &str) -> Result<Self, Error> {
        Ok(Self {
            mutating: Api::all(client.clone()).get_opt(name).await?,
            validating: Api::all(client.clone()).get_opt(name).await?,
        })
    }

    /// Whether every webhook that exists has this bundle.
    pub fn have(&self, bundle: &str) -> bool {
        has(self.mutating.as_ref(), bundle) && has(self.validating.as_ref(), bundle)
    }

    /// Patches the webhooks with another bundle. Returns how many configurations it patched.
    pub async fn write(&mut self, client: &Client, bundle: &str) -> Result<usize, Error> {
        let mutating = write(&mut self.mutating, client, bundle).await?;
        let validating = write(&mut self.validating, client, bundle).await?;
        Ok(usize::from(mutating) + usize::from(validating))
    }
}

fn has<K: WebhookConfiguration>(configuration: Option<&K>, bundle: &str) -> bool {
    let mut webhooks = configuration.into_iter().flat_map(K::webhooks);
    webhooks.all(|webhook| webhook.has(bundle))
}

async fn write<K: WebhookConfiguration>(
    configuration: &mut Option<K>,
    client: &Client,
    bundle: &str,
) -> Result<bool, Error> {
    let Some(read) = configuration.as_ref() else {
        return Ok(false);
    };
    let Some(patch) = patch(read, bundle) else {
        return Ok(false);
    };
    let params = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let patch = serde_json::from_value(patch).map_err(Error::SerdeError)?;
    let api: Api<K> = Api::all(client.clone());
    let name = read.meta().name.clone().unwrap_or_default();
    match api.patch(&name, &params, &Patch::Json::<()>(patch)).await {
        Ok(patched) => *configuration = Some(patched),
        Err(error) if has_changed(&error) => *configuration = api.get_opt(&name).await?,
        Err(error) => return Err(error),
    }
    Ok(true)
}

impl Webhook<'_> {
    fn has(&self, bundle: &str) -> bool {
        self.bundle.is_some_and(|own| own.0 == bundle.as_bytes())
    }
}

impl WebhookConfiguration for MutatingWebhookConfiguration {
    fn webhooks(&self) -> Vec<Webhook<'_>> {
        let webhooks = self.webhooks.iter().flatten();
        let webhooks = webhooks.map(|one| webhook(&one.name, &one.client_config));
        webhooks.collect()
    }
}

impl WebhookConfiguration for ValidatingWebhookConfiguration {
    fn webhooks(&self) -> Vec<Webhook<'_>> {
        let webhooks = self.webhooks.iter().flatten();
        let webhooks = webhooks.map(|one| webhook(&one.name, &one.client_config));
        webhooks.collect()
    }
}

fn webhook<'a>(name: &'a str, client: &'a WebhookClientConfig) -> Webhook<'a> {
    let bundle = client.ca_bundle.as_ref();
    Webhook { name, bundle }
}

/// A JSON patch of the webhooks with another bundle. A JSON patch names a webhook by its index, so it first tests that
/// the webhook at this index still has the name that was read.
fn patch<K: WebhookConfiguration>(configuration: &K, bundle: &str) -> Option<Value> {
    let mut operations = Vec::new();
    for (index, webhook) in configuration.webhooks().iter().enumerate() {
        if webhook.has(bundle) {
            continue;
        }
        let path = format!("/webhooks/{index}");
        operations
            .push(json!({ "op": "test", "path": format!("{path}/name"), "value": webhook.name }));
        operations.push(json!({
            "op": "add",
            "path": format!("{path}/clientConfig/caBundle"),
            "value": ByteString(bundle.as_bytes().to_vec()),
        }));
    }
    (!operations.is_empty()).then_some(Value::Array(operations))
}

/// Whether the configuration was deleted or has other webhooks since it was read.
fn has_changed(error: &Error) -> bool {
    matches!(error, Error::Api(status)
        if status.is_not_found() || status.is_conflict() || status.is_invalid())
}
