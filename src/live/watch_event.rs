//! What a watch sends to the index.

use crate::model::{Key, Kind, Object};

#[derive(Debug)]
pub(super) enum WatchEvent {
    Apply(Box<Object>),
    Delete(Key),
    /// All objects of the kind.
    List(Kind, Vec<Object>),
}

impl WatchEvent {
    pub fn kind(&self) -> Kind {
        match self {
            WatchEvent::Apply(object) => object.key().kind,
            WatchEvent::Delete(key) => key.kind,
            WatchEvent::List(kind, _) => *kind,
        }
    }
}
