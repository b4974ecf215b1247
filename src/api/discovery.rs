//! Which version of each kind the API server serves.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use kube::error::DiscoveryError;
use kube::{Client, Error, discovery};

use crate::model::Kind;

/// Finds the newest served version of a kind, and remembers it.
#[derive(Clone)]
pub struct Discovery {
    client: Client,
    /// What was served at the last request for each kind.
    found: Arc<ArcSwap<BTreeMap<Kind, ApiResource>>>,
}

impl Discovery {
    pub fn new(client: Client) -> Self {
        Self {
            client,
            found: Arc::default(),
        }
    }

    /// Asks the API server. `None` where it serves no version of the kind.
    pub async fn look_up(&self, kind: Kind) -> Result<Option<ApiResource>, Error> {
        let resource = match built_in(kind) {
            Some(resource) => Some(resource),
            None => self.discover(kind).await?,
        };
        self.found.rcu(|found| {
            let mut found = BTreeMap::clone(found);
            match &resource {
                Some(resource) => found.insert(kind, resource.clone()),
                None => found.remove(&kind),
            };
            found
        });
        Ok(resource)
    }

    /// The served version that is remembered; asks the API server if none is.
    pub async fn resource(&self, kind: Kind) -> Result<Option<ApiResource>, Error> {
        let known = self.found.load().get(&kind).cloned();
        match known {
            Some(resource) => Ok(Some(resource)),
            None => self.look_up(kind).await,
        }
    }

    async fn discover(&self, kind: Kind) -> Result<Option<ApiResource>, Error> {
        match discovery::group(&self.client, kind.group()).await {
            Ok(group) => {
                let resources = group.resources_by_stability().into_iter();
                let mut resources = resources.map(|(resource, _)| resource);
                Ok(resources.find(|resource| resource.kind == kind.name()))
            }
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether the API server answers that the object or kind does not exist. Other errors say nothing about it.
pub fn is_absent(error: &Error) -> bool {
    match error {
        Error::Api(status) => status.code == 404,
        Error::Discovery(error) => matches!(
            error,
            DiscoveryError::MissingApiGroup(_)
                | DiscoveryError::MissingKind(_)
                | DiscoveryError::EmptyApiGroup(_)
        ),
        _ => false,
    }
}

/// A kind that every API server serves, of which it need not be asked.
fn built_in(kind: Kind) -> Option<ApiResource> {
    let version = kind.versions().first().filter(|_| kind.is_built_in())?;
    let gvk = GroupVersionKind::gvk(kind.group(), version, kind.name());
    Some(ApiResource::from_gvk_with_plural(&gvk, kind.plural()))
}
