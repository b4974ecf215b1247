//! What watches tell the ledger.

use crate::model::{Key, Kind, Object};

/// One piece of it.
#[derive(Debug)]
pub(super) enum News {
    Apply(Box<Object>),
    Delete(Key),
    /// All objects of the kind there are.
    List(Kind, Vec<Object>),
}

impl News {
    pub fn kind(&self) -> Kind {
        match self {
            News::Apply(object) => object.key().kind,
            News::Delete(key) => key.kind,
            News::List(kind, _) => *kind,
        }
    }
}
