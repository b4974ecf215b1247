//! The caBundle of every webhook in both configurations of one name. It alone is patched, under a field
//! manager of its own; no patch makes an object or a webhook that is not there.

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Error, Resource};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The two configurations as they were last read; one that is not there calls nobody.
#[derive(Default)]
pub(super) struct Configurations {
    mutating: Option<MutatingWebhookConfiguration>,
    validating: Option<ValidatingWebhookConfiguration>,
}

/// A webhook's name, and whom its caller trusts.
pub(super) struct Hook<'a> {
    name: &'a str,
    bundle: Option<&'a ByteString>,
}

pub(super) trait Configuration:
    Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned + Send + 'static
{
    fn hooks(&self) -> Vec<Hook<'_>>;
}

impl Configurations {
    pub async fn read(client: &Client, name: &str) -> Result<Self, Error> {
        Ok(Self {
            mutating: Api::all(client.clone()).get_opt(name).await?,
            validating: Api::all(client.clone()).get_opt(name).await?,
        })
    }

    /// Whether every webhook that exists is called by who trusts this bundle.
    pub fn trust(&self, bundle: &str) -> bool {
        trusts(self.mutating.as_ref(), bundle) && trusts(self.validating.as_ref(), bundle)
    }

    /// Patches what differs from the bundle, and says how many objects that were.
    pub async fn write(&mut self, client: &Client, bundle: &str) -> Result<usize, Error> {
        let mutating = write(&mut self.mutating, client, bundle).await?;
        let validating = write(&mut self.validating, client, bundle).await?;
        Ok(usize::from(mutating) + usize::from(validating))
    }
}

fn trusts<K: Configuration>(object: Option<&K>, bundle: &str) -> bool {
    let mut hooks = object.into_iter().flat_map(Configuration::hooks);
    hooks.all(|hook| hook.trusts(bundle))
}

async fn write<K: Configuration>(
    object: &mut Option<K>,
    client: &Client,
    bundle: &str,
) -> Result<bool, Error> {
    let Some(read) = object.as_ref() else {
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
        Ok(patched) => *object = Some(patched),
        Err(error) if is_other(&error) => *object = api.get_opt(&name).await?,
        Err(error) => return Err(error),
    }
    Ok(true)
}

impl Hook<'_> {
    fn trusts(&self, bundle: &str) -> bool {
        self.bundle.is_some_and(|own| own.0 == bundle.as_bytes())
    }
}

impl Configuration for MutatingWebhookConfiguration {
    fn hooks(&self) -> Vec<Hook<'_>> {
        let webhooks = self.webhooks.iter().flatten();
        let hooks = webhooks.map(|webhook| hook(&webhook.name, &webhook.client_config));
        hooks.collect()
    }
}

impl Configuration for ValidatingWebhookConfiguration {
    fn hooks(&self) -> Vec<Hook<'_>> {
        let webhooks = self.webhooks.iter().flatten();
        let hooks = webhooks.map(|webhook| hook(&webhook.name, &webhook.client_config));
        hooks.collect()
    }
}

fn hook<'a>(name: &'a str, client: &'a WebhookClientConfig) -> Hook<'a> {
    let bundle = client.ca_bundle.as_ref();
    Hook { name, bundle }
}

/// A JSON patch of the webhooks that differ. Each is tested to be the one that was read, since it is named
/// by its place alone.
fn patch<K: Configuration>(object: &K, bundle: &str) -> Option<Value> {
    let mut operations = Vec::new();
    for (index, hook) in object.hooks().iter().enumerate() {
        if hook.trusts(bundle) {
            continue;
        }
        let path = format!("/webhooks/{index}");
        operations
            .push(json!({ "op": "test", "path": format!("{path}/name"), "value": hook.name }));
        operations.push(json!({
            "op": "add",
            "path": format!("{path}/clientConfig/caBundle"),
            "value": ByteString(bundle.as_bytes().to_vec()),
        }));
    }
    (!operations.is_empty()).then_some(Value::Array(operations))
}

/// Deleted since, or with other webhooks now.
fn is_other(error: &Error) -> bool {
    matches!(error, Error::Api(status)
        if status.is_not_found() || status.is_conflict() || status.is_invalid())
}

const FIELD_MANAGER: &str = "rollout-guard-ca";
