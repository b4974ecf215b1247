//! The formats of `check`, what it selects, and how it finds its settings.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::cli::{guard, scratch, stderr, stdout};
use crate::tidy::root;

const BROKEN: &str = "examples/subset-level-broken";

#[test]
fn every_format_tells_every_finding() {
    let json = json(&guard(&["check", "-o", "json", BROKEN]));
    let findings = json["findings"].as_array().expect("findings");
    let codes: Vec<&str> = findings
        .iter()
        .map(|f| f["code"].as_str().unwrap())
        .collect();
    assert!(codes.len() > 3, "{codes:?}");
    for format in ["sarif", "github", "gitlab", "junit"] {
        let output = guard(&["check", "-o", format, BROKEN]);
        assert_eq!(output.status.code(), Some(1), "{format}");
        let text = stdout(&output);
        for code in &codes {
            assert!(text.contains(code), "{format} lacks {code}:\n{text}");
        }
        assert!(
            text.contains("examples/subset-level-broken/rollout.yaml"),
            "{text}"
        );
    }
}

/// What the schema of SARIF 2.1.0 requires of the parts that we write; a story validates with the schema itself.
#[test]
fn sarif_has_what_its_schema_requires() {
    let sarif = json(&guard(&["check", "-o", "sarif", BROKEN]));
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "rollout-guard");
    let rules = driver["rules"].as_array().expect("rules");
    for rule in rules {
        assert!(rule["id"].is_string() && rule["shortDescription"]["text"].is_string());
    }
    for result in run["results"].as_array().expect("results") {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(
            rules[index]["help"]["markdown"]
                .as_str()
                .unwrap()
                .contains("## Fix")
        );
        assert!(["error", "warning"].contains(&result["level"].as_str().unwrap()));
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
        let fingerprint = result["partialFingerprints"]["rolloutGuard/v1"].as_str();
        assert_eq!(fingerprint.unwrap().len(), 32);
    }
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
}

#[test]
fn fingerprints_stay_when_lines_move() {
    let folder = scratch("fingerprints");
    copy(BROKEN, &folder);
    let before = fingerprints(&folder);
    let file = folder.join("rollout.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("# one\n# two\n\n{text}")).unwrap();
    fs::rename(folder.join("virtual-service.yaml"), folder.join("a.yaml")).unwrap();
    assert_eq!(fingerprints(&folder), before);
    let distinct: std::collections::BTreeSet<&String> = before.iter().collect();
    assert_eq!(distinct.len(), before.len());
}

/// A name that holds a workflow command, a property, or markup.
#[cfg(unix)]
#[test]
fn hostile_names_forge_nothing() {
    let folder = scratch("forge");
    let name = "a,line=9::x\n::error file=forged::y<&\"%0A.yaml";
    fs::write(folder.join(name), ONE_SERVICE_TWICE).unwrap();
    let folder = folder.to_string_lossy();
    let annotations = stdout(&guard(&["check", "-o", "github", &folder]));
    assert!(
        annotations
            .lines()
            .all(|line| !line.starts_with("::error file=forged"))
    );
    let first = annotations.lines().next().expect("an annotation");
    assert!(first.contains("a%2Cline=9%3A%3Ax\\n%3A%3Aerror"), "{first}");
    assert!(first.contains("%250A.yaml"), "{first}");
    let xml = stdout(&guard(&["check", "-o", "junit", &folder]));
    assert!(xml.contains("y&lt;&amp;&quot;%0A.yaml"), "{xml}");
    json(&guard(&["check", "-o", "gitlab", &folder]));
    let sarif = json(&guard(&["check", "-o", "sarif", &folder]));
    let uri = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].clone();
    assert!(
        uri.as_str().unwrap().ends_with("y%3C%26%22%250A.yaml"),
        "{uri}"
    );
}

#[test]
fn an_unreadable_file_is_in_every_format() {
    let folder = scratch("partial-formats");
    fs::write(folder.join("bad.yaml"), "a: {\n").unwrap();
    let path = folder.to_string_lossy();
    for (format, told) in [
        ("github", "::error file="),
        ("junit", "name=\"is readable\"><error message="),
        ("sarif", "\"executionSuccessful\": false"),
        ("json", "bad.yaml: line 1"),
    ] {
        let output = guard(&["check", "-o", format, &path]);
        assert_eq!(output.status.code(), Some(2), "{format}");
        assert!(
            stdout(&output).contains(told),
            "{format}: {}",
            stdout(&output)
        );
    }
}

#[test]
fn rules_are_selected_by_code_name_and_prefix() {
    let codes = |arguments: &[&str]| -> Vec<String> {
        let report = json(&guard(
            &[&["check", "-o", "json", BROKEN], arguments].concat(),
        ));
        let findings = report["findings"].as_array().expect("findings").iter();
        findings
            .map(|f| f["code"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(codes(&["--select", "RG3"]), ["RG304", "RG302", "RG303"]);
    assert_eq!(
        codes(&[
            "--select",
            "rg3,route-not-found",
            "--ignore",
            "extra-subset,RG303"
        ]),
        ["RG202", "RG302"]
    );
    let nothing = guard(&["check", BROKEN, "--ignore", "RG"]);
    assert_eq!(
        nothing.status.code(),
        Some(0),
        "what is ignored is no error"
    );
    let unknown = guard(&["check", BROKEN, "--select", "subset-undefind"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("did you mean `subset-undefined`?"));
}

#[test]
fn statistics_count() {
    let rows = json(&guard(&[
        "check",
        "-o",
        "json",
        "--statistics",
        "examples/host-level-broken",
        BROKEN,
    ]));
    let report = json(&guard(&[
        "check",
        "-o",
        "json",
        "examples/host-level-broken",
        BROKEN,
    ]));
    let sum = |field: &str| -> u64 {
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| row[field].as_u64().unwrap())
            .sum()
    };
    assert_eq!(report["summary"]["errors"], sum("errors"));
    assert_eq!(report["summary"]["warnings"], sum("warnings"));
}

#[test]
fn a_git_revision_is_the_base() {
    let folder = scratch("ratchet");
    git(&folder, &["init", "-q"]);
    fs::create_dir(folder.join("apps")).unwrap();
    copy(BROKEN, &folder.join("apps"));
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "-qm", "before"]);
    let known = check_in(&folder, &["--diff-base", "HEAD", "apps"]);
    assert_eq!(known.status.code(), Some(0), "{}", stdout(&known));
    assert!(stderr(&known).contains("5 findings that HEAD has too are not reported"));
    // Lines move, files are renamed and staged; one finding is new.
    let file = folder.join("apps/rollout.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        format!(
            "# moved\n{}",
            text.replace("- primary", "- primary\n            - other")
        ),
    )
    .unwrap();
    git(
        &folder,
        &["mv", "apps/virtual-service.yaml", "apps/vs.yaml"],
    );
    let index = git(&folder, &["status", "--porcelain"]);
    for paths in [&["apps"][..], &["."]] {
        let new = check_in(
            &folder,
            &[
                &["-o", "json", "--select=RG202", "--diff-base", "HEAD"],
                paths,
            ]
            .concat(),
        );
        assert_eq!(new.status.code(), Some(1), "{}", stderr(&new));
        let report = json(&new);
        assert_eq!(
            report["findings"].as_array().unwrap().len(),
            1,
            "{report:#}"
        );
        assert!(
            report["findings"][0]["message"]
                .as_str()
                .unwrap()
                .contains("`other`")
        );
    }
    assert_eq!(
        git(&folder, &["status", "--porcelain"]),
        index,
        "the index stays"
    );
    let unknown = check_in(&folder, &["--diff-base", "no-such", "apps"]);
    assert_eq!(unknown.status.code(), Some(2));
    let option = check_in(&folder, &["--diff-base=--help", "apps"]);
    assert_eq!(option.status.code(), Some(2), "{}", stdout(&option));
    assert!(stderr(&check_in(&folder, &["--diff-base", "HEAD", "-"])).contains("no revisions"));
}

#[test]
fn settings_are_found_upwards_to_the_repository() {
    let folder = scratch("found-settings");
    let app = folder.join("repository/apps");
    fs::create_dir_all(&app).unwrap();
    copy(BROKEN, &app);
    let errors = |arguments: &[&str]| check_in(&app, arguments).status.code();
    fs::write(folder.join("rollout-guard.yaml"), OFF).unwrap();
    assert_eq!(errors(&["."]), Some(0));
    git(&folder.join("repository"), &["init", "-q"]);
    assert_eq!(
        errors(&["."]),
        Some(1),
        "above the repository nothing counts"
    );
    fs::write(folder.join("repository/rollout-guard.yaml"), OFF).unwrap();
    assert_eq!(errors(&["."]), Some(0));
    let told = check_in(&app, &["--verbose", "."]);
    assert!(
        stderr(&told).contains("repository/rollout-guard.yaml"),
        "{}",
        stderr(&told)
    );
    fs::write(app.join("other.yaml"), "profile: guard\n").unwrap();
    assert_eq!(errors(&["--config", "other.yaml", "."]), Some(1));
}

#[test]
fn the_shell_is_served() {
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&guard(&["completions", shell]));
        assert!(script.contains("diff-base"), "{shell}: {script}");
    }
    let folder = scratch("man");
    let written = guard(&["man", &folder.to_string_lossy()]);
    assert_eq!(written.status.code(), Some(0), "{}", stderr(&written));
    let page = fs::read_to_string(folder.join("rollout-guard-check.1")).unwrap();
    assert!(page.contains("Exit codes"), "{page}");
    let version = stdout(&guard(&["--version"]));
    assert!(
        version.starts_with(concat!("rollout-guard ", env!("CARGO_PKG_VERSION"), " (")),
        "{version}"
    );
}

#[test]
fn what_is_misspelt_gets_a_suggestion() {
    for (arguments, near) in [
        (&["chekc"][..], "'check'"),
        (&["check", "--complte", "."], "'--complete'"),
        (&["check", "exampels"], "did you mean `examples`?"),
        (
            &["check", "examples/subset-levle/"],
            "did you mean `examples/subset-level`?",
        ),
        (
            &["fix", "--apply", "RG2022", "examples"],
            "did you mean `RG202`?",
        ),
        (
            &["tree", "-f", "examples/subset-level", "rolout/app07"],
            "did you mean `rollout`?",
        ),
        (
            &["tree", "-f", "examples/subset-level", "-o", "htm"],
            "'html'",
        ),
    ] {
        let output = guard(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(near), "{}", stderr(&output));
    }
}

#[test]
fn explain_has_a_form_for_each_reader() {
    let text = stdout(&guard(&["explain", "RG501", "--output", "text"]));
    assert!(
        !text.contains("```") && !text.contains("## ") && !text.contains('`'),
        "{text}"
    );
    assert!(
        text.contains("    destination: {host: app, subset: v9}"),
        "{text}"
    );
    let rules = json(&guard(&["explain", "RG501", "RG502", "-o", "json"]));
    assert_eq!(rules[1]["name"], "destination-host-missing");
}

pub fn check_in(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rollout-guard"))
        .arg("check")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the command starts")
}

pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("git starts");
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

/// Copies the files of a folder of the repository.
pub fn copy(from: &str, to: &Path) {
    for entry in fs::read_dir(root().join(from)).expect("a folder") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

pub fn json(output: &Output) -> Value {
    let parsed = serde_json::from_slice(&output.stdout);
    parsed.unwrap_or_else(|error| panic!("{error}:\n{}{}", stdout(output), stderr(output)))
}

fn fingerprints(folder: &Path) -> Vec<String> {
    let report = json(&guard(&["check", "-o", "json", &folder.to_string_lossy()]));
    let findings = report["findings"].as_array().expect("findings").iter();
    let fingerprints = findings.map(|finding| finding["fingerprint"].as_str().unwrap().to_owned());
    let mut fingerprints: Vec<String> = fingerprints.collect();
    fingerprints.sort();
    fingerprints
}

const OFF: &str = "actions: {RG202: off, RG302: off, RG303: off, RG501: off}\n";

const ONE_SERVICE_TWICE: &str = "\
apiVersion: v1
kind: Service
metadata: {name: a}
---
apiVersion: v1
kind: Service
metadata: {name: a}
";
