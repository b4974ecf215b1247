//! `check --helm` and `--kustomize`, with tools on PATH that print what a file says, and the kits for pipelines.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rollout_guard::source::{self, Limits};
use serde_json::Value;

use crate::cli::{scratch, stderr, stdout};
use crate::outputs::{copy, git, json};
use crate::tidy::{read, root};

#[test]
fn a_chart_is_judged_as_helm_renders_it() {
    let bed = Bed::new("helm");
    let chart = bed.folder.join("charts/shop");
    fs::create_dir_all(&chart).unwrap();
    bed.tool(
        "helm",
        &format!("echo \"$@\" >calls; cat <<'END'\n{}END", rendered()),
    );
    let output =
        bed.run("rollout-guard check -o json -n shop --helm charts/shop -f prod.yaml -f more.yaml");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let calls = fs::read_to_string(bed.folder.join("calls")).unwrap();
    assert_eq!(
        calls,
        "template --namespace shop --values prod.yaml --values more.yaml -- charts/shop\n"
    );
    let report = json(&output);
    let route = finding(&report, "RG202");
    assert_eq!(route["file"], "charts/shop/templates/rollout.yaml");
    assert_eq!(route["rendered"], true);
    assert_eq!(report["summary"]["objects"], 5);
    // The lines of a template are not those of its text: an annotation names the file alone.
    let annotations = stdout(&bed.run("rollout-guard check -o github --helm charts/shop"));
    assert!(
        annotations.contains("::error file=charts/shop/templates/rollout.yaml,title=RG202"),
        "{annotations}"
    );
    assert!(
        annotations.contains("of what is rendered)"),
        "{annotations}"
    );
    let human = stdout(&bed.run("rollout-guard check --helm charts/shop"));
    assert!(
        human.contains("charts/shop/templates/rollout.yaml (rendered):"),
        "{human}"
    );
}

#[test]
fn a_tool_that_fails_or_is_missing_is_told() {
    let bed = Bed::new("no-helm");
    bed.tool("helm", "echo 'Error: no chart' >&2; exit 1");
    let output = bed.run("rollout-guard check --helm shop");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output)
            .contains("shop: `helm template --namespace default -- shop` failed: Error: no chart")
    );
    let output = bed.run("rollout-guard check --kustomize .");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("kustomize (or kubectl) is not installed"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn an_overlay_is_judged_as_kustomize_renders_it() {
    let bed = Bed::new("kustomize");
    let overlay = bed.folder.join("overlays/prod");
    fs::create_dir_all(&overlay).unwrap();
    fs::write(overlay.join("kustomization.yaml"), "resources: []\n").unwrap();
    let origin = "metadata:\n  annotations:\n    config.kubernetes.io/origin: |\n      path: ../../base/rollout.yaml\n";
    let kind = "kind: Rollout\n";
    let text = rendered().replace(&format!("{kind}metadata:\n"), &format!("{kind}{origin}"));
    // Only kubectl is there.
    bed.tool(
        "kubectl",
        &format!("[ \"$*\" = 'kustomize overlays/prod' ] || exit 9; cat <<'END'\n{text}END"),
    );
    let report = json(&bed.run("rollout-guard check -o json --kustomize overlays/prod"));
    assert_eq!(
        finding(&report, "RG202")["file"],
        "overlays/prod/../../base/rollout.yaml",
        "{report:#}"
    );
    assert_eq!(
        finding(&report, "RG501")["file"],
        "overlays/prod/kustomization.yaml"
    );
}

#[test]
fn a_chart_has_a_base_too() {
    let bed = Bed::new("helm-base");
    let chart = bed.folder.join("shop");
    fs::create_dir_all(&chart).unwrap();
    // A chart that renders its own files.
    bed.tool("helm", "for chart in \"$@\"; do :; done; for f in \"$chart\"/*.yaml; do echo ---; cat \"$f\"; done");
    copy("examples/subset-level", &chart);
    git(&bed.folder, &["init", "-q"]);
    git(&bed.folder, &["add", "."]);
    git(&bed.folder, &["commit", "-qm", "before"]);
    copy("examples/subset-level-broken", &chart);
    let new = bed.run("rollout-guard check -o json --diff-base HEAD --helm shop");
    assert_eq!(new.status.code(), Some(1), "{}", stderr(&new));
    finding(&json(&new), "RG202");
    git(&bed.folder, &["commit", "-qam", "broken"]);
    let known = bed.run("rollout-guard check -o json --diff-base HEAD --helm shop");
    assert_eq!(known.status.code(), Some(0), "{}", stderr(&known));
}

#[test]
fn the_pre_commit_hooks_run() {
    let bed = Bed::new("pre-commit");
    copy("examples/subset-level-broken", &bed.folder);
    for hook in documents(".pre-commit-hooks.yaml")[0]
        .as_array()
        .expect("hooks")
    {
        assert_eq!(hook["pass_filenames"], false);
        let args: Vec<&str> = hook["args"]
            .as_array()
            .unwrap()
            .iter()
            .map(|arg| arg.as_str().unwrap())
            .collect();
        let output = bed.run(&format!(
            "{} {}",
            hook["entry"].as_str().unwrap(),
            args.join(" ")
        ));
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(stdout(&output).contains("RG202"));
    }
}

#[test]
fn the_github_action_annotates() {
    let bed = Bed::new("action");
    copy("examples/subset-level-broken", &bed.folder);
    let action = &documents("action.yml")[0];
    let steps = action["runs"]["steps"].as_array().expect("steps");
    for step in steps {
        assert_eq!(step["shell"], "bash");
        let script = step["run"].as_str().expect("a script");
        assert!(
            !script.contains("${{"),
            "an input would be run as a command: {script}"
        );
    }
    let script = steps[1]["run"].as_str().unwrap();
    let run = |paths: &str, arguments: &str| {
        fs::write(bed.folder.join("outputs"), "").unwrap();
        let command = &mut bed.command("bash");
        command.args(["-e", "-o", "pipefail", "-c", script]);
        command
            .env("PATHS", paths)
            .env("ARGUMENTS", arguments)
            .env("DIFF_BASE", "");
        command
            .env("SARIF_FILE", "findings.sarif")
            .env("GITHUB_OUTPUT", "outputs");
        command.output().expect("it starts")
    };
    let broken = run(".", "--complete --ignore RG3");
    assert_eq!(broken.status.code(), Some(1), "{}", stderr(&broken));
    assert!(
        stdout(&broken).contains("::error file=rollout.yaml,line=19"),
        "{}",
        stdout(&broken)
    );
    assert_eq!(
        fs::read_to_string(bed.folder.join("outputs")).unwrap(),
        format!("errors={}\n", stdout(&broken).matches("::error ").count())
    );
    let sarif = fs::read_to_string(bed.folder.join("findings.sarif")).unwrap();
    assert!(sarif.contains("\"RG202\""));
    let forged = run(". $(touch forged) ;touch forged", "");
    assert_eq!(forged.status.code(), Some(2), "{}", stdout(&forged));
    assert!(!bed.folder.join("forged").exists());
    let whole = run("service.yaml", "");
    assert_eq!(
        whole.status.code(),
        Some(0),
        "{}{}",
        stdout(&whole),
        stderr(&whole)
    );
    assert_eq!(
        fs::read_to_string(bed.folder.join("outputs")).unwrap(),
        "errors=0\n"
    );
}

#[test]
fn the_gitlab_component_reports() {
    let bed = Bed::new("component");
    copy("examples/subset-level-broken", &bed.folder);
    let documents = documents("templates/check.yml");
    let inputs = &documents[0]["spec"]["inputs"];
    let job = &documents[1]["rollout-guard"];
    let mut command = bed.command("sh");
    for (name, value) in job["variables"].as_object().expect("variables") {
        let input = value
            .as_str()
            .unwrap()
            .trim_start_matches("$[[ inputs.")
            .trim_end_matches(" ]]");
        command.env(name, inputs[input]["default"].as_str().expect("a default"));
    }
    let lines: Vec<&str> = job["script"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    let output = command
        .args(["-e", "-c", &lines.join("\n")])
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let reports = &job["artifacts"]["reports"];
    let quality = fs::read(bed.folder.join(reports["codequality"].as_str().unwrap())).unwrap();
    let quality: Value = serde_json::from_slice(&quality).expect("JSON");
    for issue in quality.as_array().expect("issues") {
        for field in ["description", "check_name", "fingerprint", "severity"] {
            assert!(issue[field].is_string(), "{issue:#}");
        }
        assert!(issue["location"]["lines"]["begin"].is_u64());
    }
    let junit = fs::read_to_string(bed.folder.join(reports["junit"].as_str().unwrap())).unwrap();
    assert!(junit.contains("<failure type=\"RG202\""));
}

#[test]
fn the_argo_cd_hook_checks_what_it_clones() {
    let job = &documents("docs/ci/argo-cd-presync.yaml")[0];
    assert_eq!(
        job["metadata"]["annotations"]["argocd.argoproj.io/hook"],
        "PreSync"
    );
    let pod = &job["spec"]["template"]["spec"];
    let clone = words(&pod["initContainers"][0]["args"]);
    let checked = words(&pod["containers"][0]["args"]);
    let bed = Bed::new("presync");
    let source = bed.folder.join("source/manifests");
    fs::create_dir_all(&source).unwrap();
    copy("examples/subset-level-broken", &source);
    let repository = bed.folder.join("source");
    git(&repository, &["init", "-q", "-b", "main"]);
    git(&repository, &["add", "."]);
    git(&repository, &["commit", "-qm", "one"]);
    // The same arguments, with the paths of this machine.
    let here = |word: String| {
        let word = word.replace(
            "https://git.example/shop.git",
            &format!("file://{}", repository.display()),
        );
        word.replace("/repository", &bed.folder.join("clone").to_string_lossy())
    };
    let clone: Vec<String> = clone.into_iter().map(here).collect();
    git(
        &bed.folder,
        &clone.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let checked: Vec<String> = checked.into_iter().map(here).collect();
    let output = bed
        .command("rollout-guard")
        .args(checked)
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}

#[test]
fn the_flux_script_checks_every_overlay() {
    let bed = Bed::new("flux");
    for (name, example) in [("good", "subset-level"), ("bad", "subset-level-broken")] {
        let folder = bed.folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        copy(&format!("examples/{example}"), &folder);
        fs::write(folder.join("kustomization.yaml"), "resources: []\n").unwrap();
    }
    bed.tool(
        "kustomize",
        "for f in \"$2\"/[dgrsv]*.yaml; do echo ---; cat \"$f\"; done",
    );
    let script = root().join("docs/ci/flux-validate");
    let run = |folder: &str| {
        bed.command("bash")
            .arg(&script)
            .arg(folder)
            .output()
            .expect("it starts")
    };
    assert_eq!(
        run("good").status.code(),
        Some(0),
        "{}",
        stderr(&run("good"))
    );
    let all = run(".");
    assert_eq!(all.status.code(), Some(1), "{}", stderr(&all));
    assert!(stdout(&all).contains("== ./bad") && stdout(&all).contains("== ./good"));
}

/// A folder to run commands in, with tools of its own in front of PATH.
struct Bed {
    folder: PathBuf,
    tools: PathBuf,
}

impl Bed {
    fn new(name: &str) -> Self {
        let folder = scratch(&format!("rendered-{name}"));
        let tools = scratch(&format!("rendered-{name}-tools"));
        symlink(
            env!("CARGO_BIN_EXE_rollout-guard"),
            tools.join("rollout-guard"),
        )
        .unwrap();
        for tool in [
            "sh", "bash", "cat", "git", "grep", "find", "sort", "dirname", "touch",
        ] {
            symlink(find(tool), tools.join(tool)).unwrap();
        }
        Self { folder, tools }
    }

    fn tool(&self, name: &str, script: &str) {
        let path = self.tools.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// With these tools and no others.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.tools.join(program));
        command.current_dir(&self.folder).env("PATH", &self.tools);
        command
    }

    fn run(&self, words: &str) -> Output {
        let mut words = words.split_whitespace();
        let mut command = self.command(words.next().expect("a program"));
        command.args(words).output().expect("it starts")
    }
}

fn find(tool: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("PATH");
    let mut folders = std::env::split_paths(&path).map(|folder| folder.join(tool));
    folders
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{tool} is not installed"))
}

/// The broken example as helm prints it.
fn rendered() -> String {
    let folder = root().join("examples/subset-level-broken");
    let mut names = crate::tidy::names(Path::new(&folder));
    names.sort();
    let documents = names.iter().map(|name| {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        format!(
            "---\n# Source: shop/templates/{name}\n{}\n",
            text.trim_end()
        )
    });
    documents.collect()
}

fn finding<'a>(report: &'a Value, code: &str) -> &'a Value {
    let findings = report["findings"].as_array().expect("findings");
    findings
        .iter()
        .find(|finding| finding["code"] == code)
        .expect("the finding")
}

fn documents(path: &str) -> Vec<Value> {
    let documents = source::parse(&read(path), Limits::default()).expect("YAML");
    documents.iter().map(source::Node::to_value).collect()
}

fn words(list: &Value) -> Vec<String> {
    let words = list.as_array().expect("arguments").iter();
    words
        .map(|word| word.as_str().expect("a string").to_owned())
        .collect()
}
