//! Certificates: a CA and what it signs, when each is rotated, where they are kept, and which one is served.

// The keeper reads the clock, and certificates are read from files.
#![allow(clippy::disallowed_methods)]

mod apply_step;
mod authority;
mod callers;
mod certificate_keeper;
mod certificate_set;
mod cluster_objects;
mod error;
mod inspect;
mod options;
mod pem;
mod resolver;
mod rotation;
mod rotation_error;
mod secret;
mod serving_certificate;
#[cfg(test)]
#[path = "../../tests/unit/pki/simulation.rs"]
mod simulation;
mod start;
#[cfg(test)]
#[path = "../../tests/unit/pki/replicas.rs"]
mod tests;
mod validity;
mod webhook_configurations;
mod x509;

pub use authority::{
    Authority, AuthorityError, CA_LIFETIME, DEFAULT_DNS_NAME, SERVING_LIFETIME, with_local_names,
};
pub use error::Error;
pub use inspect::{accepts, validities};
pub use options::TlsOptions;
pub use resolver::CertificateResolver;
pub use start::{Replica, start};
pub use validity::Validity;
