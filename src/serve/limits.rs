//! What all requests together may take.

use std::thread::available_parallelism;

use clap::Args;

/// 8 MiB: more than twice the size of the largest object in etcd, for the old and the new object.
const DEFAULT_BODY_LIMIT_BYTES: usize = 8 << 20;
/// Two of the largest bodies.
const DEFAULT_BODY_MEMORY_BYTES: usize = 2 * DEFAULT_BODY_LIMIT_BYTES;
/// An API server keeps one connection of HTTP/2 for each webhook.
const DEFAULT_MAX_CONNECTIONS: usize = 512;

/// Limits of the webhook.
#[derive(Args, Clone, Copy, Debug)]
pub struct Limits {
    /// Largest request body in bytes
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_BODY_LIMIT_BYTES)]
    pub body_limit: usize,
    /// Bytes of request bodies over 256 KiB that are in memory at a time; smaller ones have half as much of their own
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_BODY_MEMORY_BYTES)]
    pub body_memory: usize,
    /// How many reviews are decided at a time, of those over 256 KiB half as many [default: one for each processor,
    /// at least 2]
    #[arg(long, value_name = "N", default_value_t = processors(), hide_default_value = true)]
    pub parallel_reviews: usize,
    /// Open connections; one more closes the one that has been idle for the longest time
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_CONNECTIONS)]
    pub max_connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_limit: DEFAULT_BODY_LIMIT_BYTES,
            body_memory: DEFAULT_BODY_MEMORY_BYTES,
            parallel_reviews: processors(),
            max_connections: DEFAULT_MAX_CONNECTIONS,
        }
    }
}

fn processors() -> usize {
    available_parallelism().map_or(2, |processors| processors.get().max(2))
}
