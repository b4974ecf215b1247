//! All integration tests in one binary: one link, one run.

// A test that finds what it did not expect ends there.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::format_push_string,
    clippy::format_collect,
    // A table is as long as it has rows.
    clippy::too_many_lines
)]

mod answer;
mod audit_state;
mod bounds;
#[path = "../fuzzed/properties.rs"]
mod byte_properties;
mod chart;
mod chart_values;
mod cli;
mod compatibility;
mod confined;
mod controller_model;
mod controller_name;
mod controller_values;
mod decision;
mod examples;
mod expected;
mod fixture;
mod fuzzed;
mod guarded;
mod healthy_setups;
mod hostile;
mod hostile_files;
mod imports;
mod layers;
#[cfg(feature = "terminal")]
mod lsp;
mod migration_page;
mod migrations;
mod mutation_docs;
mod mutation_properties;
mod mutations;
mod outputs;
#[cfg(feature = "terminal")]
mod pictures;
mod properties;
mod random_objects;
mod recorded;
mod releases;
mod remedies;
mod rendered;
mod replay;
mod repository;
mod rules;
mod scenarios;
#[cfg(feature = "terminal")]
#[path = "../pictures/screen.rs"]
mod screen;
#[cfg(feature = "serve")]
mod server;
mod settings_schema;
mod setups;
mod simulate;
mod stories;
mod strangers;
#[cfg(feature = "terminal")]
mod terminal;
mod threat_model;
mod tidy;
mod tree;
mod united;
mod world;
