//! Complete, healthy setups, one per way of writing them: no rule reports anything.

use rollout_guard::decide::audit;
use rollout_guard::settings::Settings;

use crate::fixture::{Fixture, files};

#[test]
fn no_rule_reports_anything_in_a_healthy_setup() {
    let mut faults = Vec::new();
    let files = files("tests", "healthy");
    assert!(files.len() >= 12, "{files:?}");
    for path in files {
        let cluster = Fixture::read(&path).cluster();
        for finding in audit(&cluster, cluster.keys(), &Settings::default()) {
            faults.push(format!("{}: {}", path.display(), finding.message));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
