//! Who stored which revision, from the API server's audit log.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};

use serde_json::Value;

use crate::api::text;
use crate::bed::Bed;

/// User by resourceVersion.
pub struct Authors(HashMap<String, String>);

impl Authors {
    /// Everything that was written in a namespace so far. The log contains whole objects only for Services and
    /// Istio's kinds.
    pub fn read(bed: &Bed, namespace: &str) -> Self {
        let mut authors = HashMap::new();
        let files = std::fs::read_dir(&bed.layout.logs).expect("the log folder");
        let mut logs: Vec<_> = files.flatten().map(|file| file.path()).collect();
        logs.retain(|path| path.extension().is_some_and(|end| end == "jsonl"));
        // A rotated log has its time in its name and sorts before the current one.
        logs.sort();
        for log in logs {
            let log = File::open(log).expect("the audit log");
            for line in BufReader::new(log).lines() {
                enter(&line.expect("a line of text"), namespace, &mut authors);
            }
        }
        Self(authors)
    }

    pub fn is_controller(&self, version: &str) -> bool {
        self.of(version) == CONTROLLER
    }

    /// The user; empty if the log does not contain the revision.
    pub fn of(&self, version: &str) -> &str {
        self.0.get(version).map_or("", String::as_str)
    }
}

fn enter(line: &str, namespace: &str, authors: &mut HashMap<String, String>) {
    // An incomplete line: the API server was killed while it wrote.
    let Ok(event) = serde_json::from_str::<Value>(line) else {
        return;
    };
    let is_write = matches!(text(&event, "/verb"), "create" | "update" | "patch");
    let is_dry = text(&event, "/requestURI").contains("dryRun");
    if is_write && !is_dry && text(&event, "/objectRef/namespace") == namespace {
        let version = text(&event, "/responseObject/metadata/resourceVersion");
        let user = impersonated(&event);
        // A later write with the same version changed nothing.
        authors
            .entry(version.to_owned())
            .or_insert_with(|| user.to_owned());
    }
}

fn impersonated(event: &Value) -> &str {
    match text(event, "/impersonatedUser/username") {
        "" => text(event, "/user/username"),
        user => user,
    }
}

const CONTROLLER: &str = "system:serviceaccount:argo-rollouts:argo-rollouts";
