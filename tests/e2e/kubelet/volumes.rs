//! A Pod's volumes, kept equal to the API server: all files are swapped at once, as a kubelet does.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, KeyToPath, Pod, Secret, Volume, VolumeProjection};
use kube::api::{Api, PostParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Shared;
use super::sandbox::bind;

pub struct Volumes {
    client: Client,
    pod: Pod,
    folder: PathBuf,
    root: PathBuf,
    written: BTreeMap<String, Files>,
    tokens: BTreeMap<String, (String, Instant)>,
    round: u32,
}

type Files = BTreeMap<String, Vec<u8>>;

impl Volumes {
    pub fn new(shared: &Arc<Shared>, pod: &Pod, root: &Path) -> Self {
        let folder = root
            .parent()
            .expect("the root stands in the Pod's folder")
            .join("volumes");
        let (client, pod, root) = (shared.client.clone(), pod.clone(), root.to_owned());
        let (written, tokens) = (BTreeMap::new(), BTreeMap::new());
        Self {
            client,
            pod,
            folder,
            root,
            written,
            tokens,
            round: 0,
        }
    }

    /// Reads the sources of the volumes and swaps the files that have changed.
    pub async fn update(&mut self) -> Result<(), String> {
        let spec = self.pod.spec.clone().unwrap_or_default();
        for volume in spec.volumes.iter().flatten() {
            let files = self.files(volume).await?;
            if self.written.get(&volume.name) != Some(&files) {
                self.round += 1;
                let folder = self.folder.join(&volume.name);
                if volume.empty_dir.is_some() {
                    empty(&folder);
                } else {
                    swap(&folder, &files, self.round);
                }
                self.written.insert(volume.name.clone(), files);
            }
        }
        Ok(())
    }

    /// Mounts the volumes at the container's paths, outer ones first.
    pub fn mount(&self) {
        let spec = self.pod.spec.as_ref();
        let containers = spec.and_then(|spec| spec.containers.first());
        let mut mounts: Vec<_> = containers
            .iter()
            .flat_map(|c| c.volume_mounts.iter().flatten())
            .collect();
        mounts.sort_by_key(|mount| mount.mount_path.len());
        for mount in mounts {
            assert!(
                mount.sub_path.is_none(),
                "{}: the test bed does not support subPath",
                mount.name
            );
            let at = self.root.join(mount.mount_path.trim_start_matches('/'));
            std::fs::create_dir_all(&at).expect("a folder to mount on");
            bind(&self.folder.join(&mount.name), &at);
        }
    }

    async fn files(&mut self, volume: &Volume) -> Result<Files, String> {
        if let Some(source) = &volume.config_map {
            self.config_map(&source.name, source.items.as_deref(), source.optional)
                .await
        } else if let Some(source) = &volume.secret {
            let name = source.secret_name.clone().unwrap_or_default();
            self.secret(&name, source.items.as_deref(), source.optional)
                .await
        } else if let Some(source) = &volume.projected {
            let mut all = Files::new();
            for part in source.sources.iter().flatten() {
                all.extend(self.projection(part).await?);
            }
            Ok(all)
        } else {
            assert!(
                volume.empty_dir.is_some(),
                "{}: the test bed does not support this volume",
                volume.name
            );
            Ok(Files::new())
        }
    }

    async fn projection(&mut self, part: &VolumeProjection) -> Result<Files, String> {
        if let Some(source) = &part.service_account_token {
            let audience = source.audience.clone().unwrap_or_default();
            let token = self.token(&audience, source.expiration_seconds).await?;
            return Ok([(source.path.clone(), token.into_bytes())].into());
        }
        if let Some(source) = &part.config_map {
            return self
                .config_map(&source.name, source.items.as_deref(), source.optional)
                .await;
        }
        if let Some(source) = &part.secret {
            return self
                .secret(&source.name, source.items.as_deref(), source.optional)
                .await;
        }
        let items = part
            .downward_api
            .iter()
            .flat_map(|source| source.items.iter().flatten());
        let of_field = items.map(|item| {
            let field = item
                .field_ref
                .as_ref()
                .map(|field| field.field_path.as_str());
            assert_eq!(
                field,
                Some("metadata.namespace"),
                "the test bed does not support this field"
            );
            (
                item.path.clone(),
                self.pod.namespace().unwrap_or_default().into_bytes(),
            )
        });
        Ok(of_field.collect())
    }

    /// A token of the Pod's ServiceAccount, bound to the Pod, renewed long before it expires.
    async fn token(&mut self, audience: &str, seconds: Option<i64>) -> Result<String, String> {
        if let Some((token, since)) = self.tokens.get(audience)
            && since.elapsed() < RENEW
        {
            return Ok(token.clone());
        }
        let account = self
            .pod
            .spec
            .as_ref()
            .and_then(|spec| spec.service_account_name.clone());
        let audiences: Vec<&str> = Some(audience)
            .filter(|name| !name.is_empty())
            .into_iter()
            .collect();
        let asked = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {
                "audiences": audiences, "expirationSeconds": seconds.unwrap_or(3600),
                "boundObjectRef": {
                    "apiVersion": "v1", "kind": "Pod", "name": self.pod.name_any(), "uid": self.pod.uid(),
                },
            },
        });
        let api: Api<k8s_openapi::api::core::v1::ServiceAccount> = self.api();
        let account = account.unwrap_or_else(|| "default".into());
        let parameters = PostParams::default();
        let answer = api.create_subresource::<Value, Value>("token", &account, &parameters, &asked);
        let answer = answer
            .await
            .map_err(|error| format!("token of {account}: {error}"))?;
        let token = answer["status"]["token"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        self.tokens
            .insert(audience.to_owned(), (token.clone(), Instant::now()));
        Ok(token)
    }

    async fn config_map(
        &self,
        name: &str,
        items: Option<&[KeyToPath]>,
        optional: Option<bool>,
    ) -> Result<Files, String> {
        let found = self
            .api::<ConfigMap>()
            .get_opt(name)
            .await
            .map_err(|error| error.to_string())?;
        let Some(found) = found else {
            return absent("ConfigMap", name, optional);
        };
        let text = found
            .data
            .into_iter()
            .flatten()
            .map(|(key, text)| (key, text.into_bytes()));
        let bytes = found
            .binary_data
            .into_iter()
            .flatten()
            .map(|(key, bytes)| (key, bytes.0));
        Ok(chosen(text.chain(bytes).collect(), items))
    }

    async fn secret(
        &self,
        name: &str,
        items: Option<&[KeyToPath]>,
        optional: Option<bool>,
    ) -> Result<Files, String> {
        let found = self
            .api::<Secret>()
            .get_opt(name)
            .await
            .map_err(|error| error.to_string())?;
        let Some(found) = found else {
            return absent("Secret", name, optional);
        };
        let data = found
            .data
            .into_iter()
            .flatten()
            .map(|(key, bytes)| (key, bytes.0));
        Ok(chosen(data.collect(), items))
    }

    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(
            self.client.clone(),
            &self.pod.namespace().unwrap_or_default(),
        )
    }
}

fn absent(kind: &str, name: &str, optional: Option<bool>) -> Result<Files, String> {
    if optional == Some(true) {
        Ok(Files::new())
    } else {
        Err(format!("{kind} {name} does not exist"))
    }
}

fn chosen(mut all: Files, items: Option<&[KeyToPath]>) -> Files {
    let Some(items) = items.filter(|items| !items.is_empty()) else {
        return all;
    };
    let item = |item: &KeyToPath| Some((item.path.clone(), all.remove(&item.key)?));
    items.iter().filter_map(item).collect()
}

/// An emptyDir is empty and writable for the container. The container's user owns nothing in other volumes.
fn empty(volume: &Path) {
    std::fs::create_dir_all(volume).expect("the state folder can be written");
    std::fs::set_permissions(volume, PermissionsExt::from_mode(0o777)).expect("a folder of ours");
}

/// `name -> ..data/name`, `..data -> ..round`: one rename changes all files.
fn swap(volume: &Path, files: &Files, round: u32) {
    let inner = volume.join(format!("..{round}"));
    std::fs::create_dir_all(&inner).expect("the state folder can be written");
    std::fs::set_permissions(volume, PermissionsExt::from_mode(0o755)).expect("a folder of ours");
    for (name, bytes) in files {
        std::fs::write(inner.join(name), bytes).expect("the state folder can be written");
        let link = volume.join(name);
        if !link.is_symlink() {
            symlink(Path::new("..data").join(name), link).expect("a new link");
        }
    }
    let fresh = volume.join("..data_new");
    symlink(format!("..{round}"), &fresh).expect("a new link");
    std::fs::rename(fresh, volume.join("..data")).expect("a link of ours");
}

const RENEW: Duration = Duration::from_mins(10);
