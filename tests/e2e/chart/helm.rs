//! One Helm, as a user runs it, without a cluster.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::rendered::Rendered;

/// A Helm binary; both 3 and 4 are tried.
pub struct Helm {
    binary: PathBuf,
}

impl Helm {
    pub fn at(binary: &Path) -> Self {
        let found = binary.is_file();
        assert!(
            found,
            "{} is missing: tests/e2e/build builds it",
            binary.display()
        );
        Self {
            binary: binary.to_owned(),
        }
    }

    /// What a scenario of `ci/` renders to, as release `rollout-guard` in namespace `guard`.
    pub fn render(&self, scenario: &str) -> Rendered {
        self.render_with(scenario, &[])
    }

    pub fn render_with(&self, scenario: &str, more: &[&str]) -> Rendered {
        let values = values(scenario);
        let words = [
            "template",
            "rollout-guard",
            CHART,
            "-n",
            "guard",
            "-f",
            &values,
        ];
        let output = self.run(&[&words, more].concat());
        let (text, said) = (stdout(&output), stderr(&output));
        assert!(output.status.success(), "{scenario}: {said}");
        Rendered::of(&text)
    }

    /// What is said where the chart cannot be rendered.
    pub fn refusal(&self, scenario: &str, more: &[&str]) -> String {
        let values = values(scenario);
        let words = [
            "template",
            "rollout-guard",
            CHART,
            "-n",
            "guard",
            "-f",
            &values,
        ];
        let output = self.run(&[&words, more].concat());
        assert!(!output.status.success(), "{more:?} was taken");
        stderr(&output)
    }

    /// All that an installation prints, NOTES.txt among it.
    pub fn notes(&self, scenario: &str) -> String {
        let values = values(scenario);
        let dry = "--dry-run=client";
        let output = self.run(&[
            "install",
            "rollout-guard",
            CHART,
            "-n",
            "guard",
            "-f",
            &values,
            dry,
        ]);
        let text = stdout(&output);
        assert!(output.status.success(), "{}", stderr(&output));
        let (_, notes) = text.split_once("NOTES:").expect("notes");
        notes.to_owned()
    }

    /// Whether `helm lint` is content, and what it says.
    pub fn lint(&self, more: &[&str]) -> (bool, String) {
        let output = self.run(&[&["lint", "--strict", CHART], more].concat());
        (output.status.success(), stdout(&output) + &stderr(&output))
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(&self.binary);
        // A Helm built from its module believes that it talks to Kubernetes 1.20; an earlier flag counts less.
        let (verb, rest) = words.split_first().expect("a verb");
        command.arg(verb);
        if *verb != "lint" || !rest.contains(&"--kube-version") {
            command.args(["--kube-version", "v1.34.5"]);
        }
        let nowhere = std::env::temp_dir().join("rollout-guard-no-helm-home");
        command
            .args(rest)
            .env("HOME", &nowhere)
            .env("KUBECONFIG", nowhere.join("kubeconfig"))
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        command.output().expect("Helm runs")
    }
}

/// The names of the scenarios, without `-values.yaml`.
pub fn scenarios() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(CHART).join("ci");
    let entries = std::fs::read_dir(folder).expect("scenarios");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = names
        .map(|name| {
            name.to_string_lossy()
                .trim_end_matches("-values.yaml")
                .to_owned()
        })
        .collect();
    names.sort();
    names
}

pub fn values(scenario: &str) -> String {
    format!("{CHART}/ci/{scenario}-values.yaml")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub const CHART: &str = "charts/rollout-guard";
