//! A live cluster: one watch for each kind that the rules read, an index that reviews read without waiting, and
//! reads of single objects where a decision rests on them.

#![allow(clippy::disallowed_methods)]

mod allow_rights;
mod decode;
mod index_step;
mod index_writer;
mod kinds;
mod list;
mod read_once;
mod reader;
mod retry;
mod shared_reads;
mod snapshot;
mod start;
mod viewer;
mod watch_event;
mod watcher;

pub use allow_rights::AllowQuestion;
pub use index_step::{ClusterHandle, IndexStep};
pub use read_once::{ReadError, read_once};
pub use reader::{Fresh, Reader};
pub use start::start;
pub use viewer::Viewer;
