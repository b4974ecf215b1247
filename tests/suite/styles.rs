//! Complete, healthy setups in the styles that people write: no rule says anything of any of them.

use rollout_guard::cluster::View;
use rollout_guard::decide::audit;
use rollout_guard::settings::Settings;

use crate::fixture::Fixture;
use crate::tidy::root;

#[test]
fn healthy_setups_are_left_in_peace() {
    let entries = std::fs::read_dir(root().join("tests/styles")).expect("the folder");
    let mut said = Vec::new();
    for entry in entries {
        let path = entry.expect("an entry").path();
        let cluster = Fixture::read(&path).cluster();
        let settings = Settings::default();
        for finding in audit(&View::of(&cluster), cluster.keys(), &settings) {
            said.push(format!("{}: {}", path.display(), finding.message));
        }
    }
    assert!(said.is_empty(), "\n{}", said.join("\n"));
}
