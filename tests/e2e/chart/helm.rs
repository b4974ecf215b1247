//! One Helm, run as a user runs it, without a cluster.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::rendered::Rendered;

/// A Helm binary. The tests use both 3 and 4.
pub struct Helm {
    binary: PathBuf,
}

impl Helm {
    pub fn at(binary: &Path) -> Self {
        let found = binary.is_file();
        assert!(
            found,
            "{} is missing: run tests/e2e/build",
            binary.display()
        );
        Self {
            binary: binary.to_owned(),
        }
    }

    /// Renders a scenario of `ci/` as release `rollout-guard` in namespace `guard`.
    pub fn render(&self, scenario: &str) -> Rendered {
        self.render_with(scenario, &[])
    }

    pub fn render_with(&self, scenario: &str, more: &[&str]) -> Rendered {
        self.render_as("rollout-guard", scenario, more)
    }

    pub fn render_as(&self, release: &str, scenario: &str, more: &[&str]) -> Rendered {
        let output = self.template(CHART, release, scenario, more);
        let (text, said) = (stdout(&output), stderr(&output));
        assert!(output.status.success(), "{scenario}: {said}");
        Rendered::of(&text)
    }

    /// The error message if the chart cannot be rendered.
    pub fn render_error(&self, scenario: &str, more: &[&str]) -> String {
        let output = self.template(CHART, "rollout-guard", scenario, more);
        assert!(!output.status.success(), "{more:?} was accepted");
        stderr(&output)
    }

    /// The notes of an installation. Helm does not print them without a cluster, so a copy of the chart renders them
    /// as an object.
    pub fn notes(&self, scenario: &str) -> String {
        self.notes_with(scenario, &[])
    }

    pub fn notes_with(&self, scenario: &str, more: &[&str]) -> String {
        let copy = tempfile::tempdir().expect("a folder");
        let chart = copy.path().join("chart");
        copy_folder(&root().join(CHART), &chart);
        let file = chart.join("templates/NOTES.txt");
        let notes = std::fs::read_to_string(&file).expect("notes");
        std::fs::remove_file(file).expect("a copy");
        let object = format!(
            "{{{{ define \"notes\" }}}}{notes}{{{{ end }}}}\nkind: Notes\n\
             metadata: {{name: notes}}\ntext: {{{{ include \"notes\" . | toJson }}}}\n"
        );
        std::fs::write(chart.join("templates/notes.yaml"), object).expect("a copy");
        let chart = chart.to_string_lossy().into_owned();
        let output = self.template(&chart, "rollout-guard", scenario, more);
        assert!(output.status.success(), "{}", stderr(&output));
        let rendered = Rendered::of(&stdout(&output));
        rendered.one("Notes")["text"]
            .as_str()
            .expect("text")
            .to_owned()
    }

    /// Whether `helm lint` succeeds, and its output.
    pub fn lint(&self, more: &[&str]) -> (bool, String) {
        let output = self.run(
            &[
                &["lint", "--strict", CHART, "--kube-version", "v1.34.5"],
                more,
            ]
            .concat(),
        );
        (output.status.success(), stdout(&output) + &stderr(&output))
    }

    fn template(&self, chart: &str, release: &str, scenario: &str, more: &[&str]) -> Output {
        let values = values(scenario);
        // A Helm that is built from its module assumes Kubernetes 1.20.
        let version = ["--kube-version", "v1.34.5"];
        let words = ["template", release, chart, "-n", "guard", "-f", &values];
        self.run(&[&words[..], &version, more].concat())
    }

    fn run(&self, words: &[&str]) -> Output {
        let nowhere = std::env::temp_dir().join("rollout-guard-no-helm-home");
        let mut command = Command::new(&self.binary);
        command
            .args(words)
            .env("HOME", &nowhere)
            .env("KUBECONFIG", nowhere.join("kubeconfig"))
            .current_dir(root());
        command.output().expect("Helm runs")
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let (path, to) = {
            let entry = entry.expect("an entry");
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            copy_folder(&path, &to);
        } else {
            std::fs::copy(path, to).expect("a copy");
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
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
