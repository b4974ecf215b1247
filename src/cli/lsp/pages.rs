//! The documentation of rules as files, to which the code of a finding links: editors open it offline, and it is the
//! one of this version. The files are gone with the program.

use std::collections::HashMap;

use tempfile::TempDir;

use crate::cli::explain::of_one;
use crate::cli::report::uri;
use crate::rules;

#[derive(Default)]
pub struct Pages {
    folder: Option<TempDir>,
    uris: HashMap<&'static str, Option<String>>,
}

impl Pages {
    /// The URI of the rule's page; `None` if it is no rule's code, or if the page cannot be written.
    pub fn uri_of(&mut self, code: &'static str) -> Option<String> {
        if let Some(known) = self.uris.get(code) {
            return known.clone();
        }
        let written = self.write(code);
        self.uris.insert(code, written.clone());
        written
    }

    fn write(&mut self, code: &str) -> Option<String> {
        let rule = rules::find(code)?;
        if self.folder.is_none() {
            let folder = tempfile::Builder::new().prefix("rollout-guard-").tempdir();
            self.folder = folder.ok();
        }
        let path = self.folder.as_ref()?.path().join(format!("{code}.md"));
        std::fs::write(&path, of_one(rule)).ok()?;
        Some(uri(&path))
    }
}
