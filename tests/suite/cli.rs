//! The command line as people and scripts call it: what it prints, and its exit codes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::tidy::root;

#[test]
fn check_shows_the_line_and_underlines_the_field() {
    let output = guard(&[
        "check",
        "--complete",
        "examples/host-level-broken/virtual-service.yaml",
    ]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let shown = "--> examples/host-level-broken/virtual-service.yaml:16:15";
    assert!(text.contains(shown), "{text}");
    let underlined = "16 |         host: shop-next # neither the canary nor the stable Service (RG204, RG502)\n   \
                      |               ^^^^^^^^^";
    assert!(text.contains(underlined), "{text}");
    assert!(
        !text.contains('\u{1b}'),
        "no colour where no terminal is: {text}"
    );
}

#[test]
fn check_ends_with_0_1_or_2() {
    let code = |arguments: &[&str]| guard(arguments).status.code();
    assert_eq!(
        code(&["check", "--complete", "examples/subset-level"]),
        Some(0)
    );
    assert_eq!(code(&["check", "examples/subset-level-broken"]), Some(1));
    assert_eq!(code(&["check", "nowhere.yaml"]), Some(2));
    let missing = ["check", "examples/host-level/rollout.yaml"];
    assert_eq!(code(&missing), Some(0), "what is missing is a warning");
    assert_eq!(code(&[&missing[..], &["--complete"]].concat()), Some(1));
    assert_eq!(
        code(&[&missing[..], &["--profile", "strict"]].concat()),
        Some(1)
    );
}

#[test]
fn check_json_has_the_contract_s_fields() {
    let output = guard(&["check", "-o", "json", "examples/subset-level-broken"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let findings = report["findings"].as_array().expect("findings");
    let route = findings.iter().find(|finding| finding["code"] == "RG202");
    let route = route.expect("the misspelt route");
    let text = |field: &str| route[field].as_str().unwrap_or_default();
    assert_eq!(text("rule"), "route-not-found");
    assert_eq!(text("severity"), "error");
    assert_eq!(
        (text("kind"), text("namespace"), text("name")),
        ("Rollout", "test-ar-istio", "app07")
    );
    let field = "spec.strategy.canary.trafficRouting.istio.virtualService.routes[0]";
    assert_eq!(text("field"), field);
    assert_eq!(text("file"), "examples/subset-level-broken/rollout.yaml");
    assert_eq!(route["line"], 19);
    assert!(
        text("help").starts_with("did you mean `primry`?"),
        "{route:#}"
    );
    let errors = findings
        .iter()
        .filter(|finding| finding["severity"] == "error")
        .count();
    assert_eq!(report["summary"]["errors"], errors);
    assert_eq!(report["summary"]["objects"], 5);
}

#[test]
fn check_reads_standard_input_lists_and_duplicates() {
    let list = r#"{"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "shop"}},
        {"kind": "nothing we know"}]}"#;
    let output = guard_with(&["check", "-o", "json", "-n", "shop", "-"], list);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["summary"]["objects"], 1, "{report:#}");
    assert_eq!(report["findings"][0]["code"], "duplicate-object");
    let said = report["findings"][0]["message"]
        .as_str()
        .unwrap_or_default();
    assert!(
        said.contains("Service shop/a is defined twice, first in -:2"),
        "{said}"
    );
}

#[test]
fn unusable_input_names_file_and_line() {
    let output = guard_with(&["check", "-"], "a: 1\nb: {\n");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).starts_with("error: -: line 2, column 4:"),
        "{}",
        stderr(&output)
    );
    let folder = scratch("settings");
    std::fs::write(folder.join("s.yaml"), "profle: guard\n").expect("a file");
    let file = folder.join("s.yaml");
    let output = guard(&[
        "check",
        "--config",
        &file.to_string_lossy(),
        "examples/host-level",
    ]);
    assert_eq!(output.status.code(), Some(2));
    let wanted = "line 1, column 1: unknown key `profle`; did you mean `profile`?";
    assert!(stderr(&output).contains(wanted), "{}", stderr(&output));
}

#[test]
fn explain_prints_a_rule_or_the_catalogue() {
    let page = stdout(&guard(&["explain", "subset-undefined"]));
    assert!(page.starts_with("# RG501 subset-undefined"), "{page}");
    assert_eq!(page, stdout(&guard(&["explain", "rg501"])));
    assert!(stdout(&guard(&["explain"])).lines().count() > 40);
    let unknown = guard(&["explain", "subset-undefind"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("did you mean `subset-undefined`?"));
}

#[test]
fn review_refuses_what_is_no_review() {
    let output = guard(&["review", "examples/host-level/rollout.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("the body is not JSON"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn fix_edits_only_the_lines_it_changes() {
    let folder = scratch("fix");
    let rollout = root().join("examples/subset-level/rollout.yaml");
    std::fs::copy(rollout, folder.join("rollout.yaml")).expect("a copy");
    std::fs::write(folder.join("vs.yaml"), UNNAMED).expect("a file");
    let path = folder.to_string_lossy();
    let diff = guard(&["fix", "--diff", &path]);
    assert_eq!(diff.status.code(), Some(1));
    assert!(
        stdout(&diff).contains("+    name: primary # ours")
            || stdout(&diff).contains("+  - name: primary")
    );
    let written = guard(&["fix", "--write", &path]);
    assert_eq!(written.status.code(), Some(0), "{}", stderr(&written));
    let text = std::fs::read_to_string(folder.join("vs.yaml")).expect("a file");
    assert_eq!(
        text,
        UNNAMED.replace("  - route: # ours", "  - name: primary\n    route: # ours")
    );
    assert_eq!(
        guard(&["fix", &path]).status.code(),
        Some(0),
        "nothing is left to do"
    );
}

/// Two references share one list by a YAML anchor: an edit for one would change the other too.
#[test]
fn fix_applies_no_suggestion_to_a_value_that_an_alias_repeats() {
    let folder = scratch("fix-shared");
    std::fs::write(folder.join("all.yaml"), ANCHOR).expect("a file");
    let path = folder.to_string_lossy();
    let fixed = guard(&["fix", "--apply=RG202", &path]);
    let message = format!("{path}/all.yaml:14: not edited: an alias repeats this value");
    assert!(stderr(&fixed).contains(&message), "{}", stderr(&fixed));
    assert!(stdout(&fixed).contains("&routes [primry]"));
}

/// Of fields that the API server drops, those are renamed that can only be meant as one other.
#[test]
fn fix_corrects_the_names_of_fields() {
    let folder = scratch("fix-names");
    std::fs::write(folder.join("all.yaml"), MISSPELT).expect("a file");
    let path = folder.to_string_lossy();
    let suggested = guard(&["fix", "--suggest", &path]);
    let message = "call it `autoPromotionEnabled` (--apply RG114)";
    assert!(
        stderr(&suggested).contains(message),
        "{}",
        stderr(&suggested)
    );
    guard(&["fix", "--apply=RG114", "--write", &path]);
    let text = std::fs::read_to_string(folder.join("all.yaml")).expect("a file");
    let corrected = MISSPELT
        .replace("AutoPromotionEnabled", "autoPromotionEnabled")
        .replace("activService", "activeService");
    assert_eq!(text, corrected);
}

pub fn guard(arguments: &[&str]) -> Output {
    guard_with(arguments, "")
}

pub fn guard_with(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rollout-guard"))
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("standard input");
    // A command that does not read its input closes it.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("the command ends")
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// An empty folder of this test's own.
pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

pub const UNNAMED: &str = "\
# Comments stay.
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: virtservice-app07, namespace: test-ar-istio}
spec:
  hosts: ['app07.test-ar-istio.svc.cluster.local']
  http:
  - route: # ours
    - destination: {host: app07.test-ar-istio.svc.cluster.local, subset: version-v2}
      weight: 0
    - destination: {host: app07.test-ar-istio.svc.cluster.local, subset: version-v1}
      weight: 100
";

const ANCHOR: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: app, namespace: ns}
spec:
  template: {metadata: {labels: {app: app}}}
  strategy:
    canary:
      canaryService: canary
      stableService: stable
      trafficRouting:
        istio:
          virtualServices:
          - name: one
            routes: &routes [primry]
          - name: two
            routes: *routes
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: one, namespace: ns}
spec:
  hosts: [one]
  http:
  - name: primary
    route: [{destination: {host: stable}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: two, namespace: ns}
spec:
  hosts: [two]
  http:
  - name: primryx
    route: [{destination: {host: stable}}]
";

const MISSPELT: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: app}
spec:
  selector: {matchLabels: {app: app}}
  template: {metadata: {labels: {app: app}}}
  timeoutSeconds: 5 # of what?
  strategy:
    blueGreen: {\"activService\": app, previewService: preview, # ours
      AutoPromotionEnabled: false}
";
