//! The ways to apply a manifest again, with the requests that kubectl sends, or with kubectl itself.

use std::path::PathBuf;

use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, core::DynamicObject};
use serde_json::{Value, json};

use crate::api::{self, text};
use crate::command::{Ran, Run};
use crate::world::World;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `kubectl apply`.
    Apply,
    /// `kubectl apply --server-side --force-conflicts`.
    ServerSide,
    /// `kubectl replace`.
    Replace,
    /// `kubectl patch --type=merge` with the whole content of the file.
    MergePatch,
    /// `kubectl patch --type=json` that replaces every field of the file.
    JsonPatch,
}

impl Way {
    pub const ALL: [Self; 5] = [
        Self::Apply,
        Self::ServerSide,
        Self::Replace,
        Self::MergePatch,
        Self::JsonPatch,
    ];

    /// Writes the manifest as kubectl does, without a process. Returns the object that the API server returns.
    pub fn write(self, world: &World, manifest: &Value, dry_run: bool) -> kube::Result<Value> {
        world.bed.block_on(self.send_to(world, manifest, dry_run))
    }

    pub async fn send_to(
        self,
        world: &World<'_>,
        manifest: &Value,
        dry_run: bool,
    ) -> kube::Result<Value> {
        let kind = text(manifest, "/kind");
        let api = api::namespaced(&world.bed.client, kind, &world.namespace);
        for _ in 1..ATTEMPTS {
            match self.send(&api, manifest, dry_run).await {
                // The object changed after the read for the replace. kubectl's user runs the command again.
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                answer => return answer.map(|object| api::json(&object)),
            }
        }
        let answer = self.send(&api, manifest, dry_run).await;
        answer.map(|object| api::json(&object))
    }

    async fn send(
        self,
        api: &Api<DynamicObject>,
        manifest: &Value,
        dry_run: bool,
    ) -> kube::Result<DynamicObject> {
        let name = text(manifest, "/metadata/name");
        let by = |manager: &str| PatchParams {
            field_manager: Some(manager.to_owned()),
            dry_run,
            ..PatchParams::default()
        };
        match self {
            Self::Apply => {
                let patch = with_last_applied(manifest);
                let by = by("kubectl-client-side-apply");
                // kubectl leaves out fields that are equal already; the result is the same.
                let patch = if is_core(manifest) {
                    Patch::Strategic(patch)
                } else {
                    Patch::Merge(patch)
                };
                api.patch(name, &by, &patch).await
            }
            Self::ServerSide => {
                let by = by("kubectl").force();
                api.patch(name, &by, &Patch::Apply(manifest)).await
            }
            Self::Replace => {
                let mut object: DynamicObject =
                    serde_json::from_value(manifest.clone()).expect("a manifest is an object");
                object.metadata.resource_version = api.get(name).await?.metadata.resource_version;
                let by = PostParams {
                    dry_run,
                    field_manager: Some("kubectl-replace".into()),
                };
                api.replace(name, &by, &object).await
            }
            Self::MergePatch => {
                let patch = Patch::Merge(merge_patch(manifest));
                api.patch(name, &by("kubectl-patch"), &patch).await
            }
            Self::JsonPatch => {
                let patch = serde_json::from_value(json_patch(manifest)).expect("a JSON patch");
                let patch = Patch::Json::<()>(patch);
                api.patch(name, &by("kubectl-patch"), &patch).await
            }
        }
    }

    /// The same with the real kubectl.
    pub fn by_kubectl(self, world: &World, manifest: &Value) -> Ran {
        let of = |patch: &Value, kind: &str| -> Run {
            let kind_name = format!(
                "{}/{}",
                text(manifest, "/kind").to_lowercase(),
                text(manifest, "/metadata/name")
            );
            world
                .kubectl(&format!("patch {kind_name} --type={kind} -p"))
                .arg(patch.to_string())
        };
        let by_file = |words: &str| world.kubectl(words).input(manifest);
        match self {
            Self::Apply => by_file("apply -f -"),
            Self::ServerSide => by_file("apply --server-side --force-conflicts -f -"),
            Self::Replace => by_file("replace -f -"),
            Self::MergePatch => of(&merge_patch(manifest), "merge"),
            Self::JsonPatch => of(&json_patch(manifest), "json"),
        }
        .run()
    }
}

/// The objects in the manifests of a folder of the checkout, in the world's namespace, without Rollouts.
pub fn manifests(world: &World, folder: &str) -> Vec<Value> {
    objects(world, world.copy_of(folder))
}

/// The same of a folder that is in the world's namespace already.
pub fn objects(world: &World, folder: PathBuf) -> Vec<Value> {
    let read = world
        .kubectl("create --dry-run=client -o json -f")
        .arg(folder)
        .ok();
    let objects = serde_json::Deserializer::from_str(&read.stdout).into_iter::<Value>();
    let objects = objects.map(|object| object.expect("kubectl prints JSON"));
    objects
        .filter(|object| object["kind"] != "Rollout")
        .collect()
}

fn with_last_applied(manifest: &Value) -> Value {
    let mut object = manifest.clone();
    object["metadata"]["annotations"][LAST_APPLIED] = json!(format!("{manifest}\n"));
    object
}

/// A merge keeps fields that it does not name: to set a Service's selector to that of the file, the patch contains
/// null.
fn merge_patch(manifest: &Value) -> Value {
    let mut spec = manifest["spec"].clone();
    if is_core(manifest) {
        spec["selector"]["rollouts-pod-template-hash"] = Value::Null;
    }
    json!({"spec": spec})
}

/// The API server owns a Service's other fields; they cannot be replaced.
fn json_patch(manifest: &Value) -> Value {
    let fields: &[&str] = if is_core(manifest) {
        &["/spec/selector", "/spec/ports"]
    } else {
        &["/spec"]
    };
    let replace =
        |field: &&str| json!({"op": "replace", "path": field, "value": manifest.pointer(field)});
    fields.iter().map(replace).collect()
}

fn is_core(manifest: &Value) -> bool {
    manifest["apiVersion"] == "v1"
}

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The number of attempts of a replace that conflicts with the controller's writes.
const ATTEMPTS: usize = 10;
