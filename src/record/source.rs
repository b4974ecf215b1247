//! Where the whole objects of a recording come from.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;
use tokio::task::{JoinError, spawn_blocking};

use crate::files::{self, manifests::Manifests};
use crate::live::Reader;
use crate::model::Key;

pub enum Source {
    Live(Reader),
    Files {
        paths: Vec<PathBuf>,
        namespace: String,
    },
}

/// Why the objects cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Live(#[from] kube::Error),
    #[error(transparent)]
    Files(#[from] files::Error),
    #[error(transparent)]
    Stopped(#[from] JoinError),
}

impl Source {
    /// Those of the objects that exist, whole.
    pub(super) async fn read(&self, keys: BTreeSet<Key>) -> Result<Vec<Value>, ReadError> {
        match self {
            Source::Live(reader) => Ok(reader.whole(keys).await?),
            Source::Files { paths, namespace } => {
                let (paths, namespace) = (paths.clone(), namespace.clone());
                let read = move || -> Result<_, files::Error> {
                    let manifests = Manifests::read(&paths, &namespace)?;
                    Ok(of_manifests(&manifests, &keys))
                };
                Ok(spawn_blocking(read).await??)
            }
        }
    }
}

fn of_manifests(manifests: &Manifests, keys: &BTreeSet<Key>) -> Vec<Value> {
    let documents = manifests.by_key();
    let named = keys.iter().filter_map(|key| {
        let mut object = manifests.value(documents.get(key)?);
        if let Some(Value::Object(meta)) = object.get_mut("metadata")
            && !key.namespace.is_empty()
        {
            meta.insert("namespace".to_owned(), key.namespace.to_string().into());
        }
        Some(object)
    });
    named.collect()
}
