//! Certificates: the CA and what it signs, when which is rotated, and who serves and stores them.

#![allow(clippy::disallowed_methods)]

pub mod authority;
mod bundles;
mod certificates;
mod contents;
mod keeper;
mod options;
mod pair;
mod places;
mod rotation;
mod secret;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
mod x509;

pub use certificates::{Certificates, Replica};
pub use options::TlsOptions;
