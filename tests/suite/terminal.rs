//! The command line as people at a terminal meet it: what they misspell, what is empty, how wide it is.

use std::fs;
use std::process::Command;

use crate::cli::{guard, guard_with, scratch, stderr, stdout};
use crate::screen::output;
use crate::tidy::root;

#[test]
fn a_long_line_is_cut_round_the_field() {
    let before = "x".repeat(5000);
    let route =
        format!(r#"{{"name":"{before}","route":[{{"destination":{{"host":"a"}},"weight":-1}}]}}"#);
    let object = format!(
        r#"{{"apiVersion":"networking.istio.io/v1","kind":"VirtualService","metadata":{{"name":"a"}},"spec":{{"hosts":["a"],"http":[{route},{route}]}}}}"#
    );
    let text = stdout(&guard_with(&["check", "--select=RG504", "-"], &object));
    let column = object.find("-1").expect("the weight") + 1;
    assert!(text.contains(&format!("--> -:1:{column}\n")), "{text}");
    let mut lines = text.lines();
    let line = lines
        .find(|line| line.starts_with("1 |"))
        .expect("the line");
    assert!(
        line.contains("...") && line.contains(r#""weight":-1}"#),
        "{line}"
    );
    assert!(line.len() < 160, "{line}");
    let under = lines.next().expect("the line below");
    let shown = line.find("-1").expect("the weight");
    assert_eq!(under.find('^'), Some(shown), "{line}\n{under}");
}

#[test]
fn findings_fit_on_a_terminal() {
    for columns in [40, 60, 80, 120] {
        let screen = at_terminal(
            &["check", "--complete", "examples/subset-level-broken"],
            columns,
        );
        let mut lines = screen.lines();
        let of_source = |line: &str| line.contains(" --> ") || line.contains(" | ");
        let long = lines.find(|line| line.chars().count() > columns.into() && !of_source(line));
        assert_eq!(long, None, "{columns} columns: {screen}");
        let labelled = screen.contains("canarySubsetName\n");
        assert_eq!(labelled, columns >= 80, "{columns} columns: {screen}");
    }
}

#[test]
fn flows_fit_on_a_terminal() {
    for columns in [60, 80] {
        let screen = at_terminal(&["tree", "examples/subset-level-broken"], columns);
        let is_note = |line: &str| line.starts_with("note: ");
        let mut lines = screen.lines();
        let long = lines.find(|line| line.chars().count() > columns.into() && !is_note(line));
        assert_eq!(long, None, "{columns} columns: {screen}");
        assert!(screen.contains("\n│  ✗ RG202 "), "{screen}");
        assert!(
            screen.contains("\n│    "),
            "goes on below the text: {screen}"
        );
    }
}

#[test]
fn documentation_fits_on_a_terminal() {
    for (arguments, columns) in [
        (vec!["explain", "--no-pager"], 80),
        (vec!["explain", "--no-pager"], 120),
        (vec!["explain", "--no-pager", "RG501"], 80),
        (vec!["explain", "--no-pager", "RG702"], 60),
        (vec!["check", "--help"], 70),
    ] {
        let screen = at_terminal(&arguments, columns);
        let is_prose = |line: &str| !line.starts_with("  ");
        let mut lines = screen.lines();
        let long = lines.find(|line| line.chars().count() > columns.into() && is_prose(line));
        assert_eq!(long, None, "{columns} columns: {screen}");
    }
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let check = |variable: &str| {
        let mut command = command(&["check", "examples/subset-level-broken"]);
        command.env(variable, "1");
        output(command, 80)
    };
    assert!(check("OTHER").contains('\u{1b}'));
    assert!(!check("NO_COLOR").contains('\u{1b}'));
}

#[test]
fn tree_takes_paths_names_and_kinds_as_people_write_them() {
    let shown = |arguments: &[&str]| {
        let output = guard(arguments);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{arguments:?}: {}",
            stderr(&output)
        );
        stdout(&output)
    };
    let folder = "examples/subset-level";
    let all = shown(&["tree", folder]);
    assert!(all.starts_with("Rollout test-ar-istio/app07"), "{all}");
    assert_eq!(shown(&["tree", "-f", folder]), all);
    for words in [
        &["rollout/app07"][..],
        &["rollout", "app07"],
        &["app07"],
        &["ro/test-ar-istio/app07"],
    ] {
        assert_eq!(
            shown(&[&["tree", folder], words].concat()),
            all,
            "{words:?}"
        );
    }
    let piped = guard_with(
        &["tree", "-"],
        &fs::read_to_string(root().join(folder).join("rollout.yaml")).expect("a file"),
    );
    assert!(stdout(&piped).starts_with("Rollout test-ar-istio/app07"));
}

#[test]
fn tree_says_what_is_wrong_with_a_word() {
    let told = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_rollout-guard"))
            .args(arguments)
            .current_dir(root())
            .env("KUBECONFIG", "/nowhere/config")
            .output()
            .expect("it runs");
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            stdout(&output)
        );
        stderr(&output)
    };
    let kind = told(&["tree", "rolout/app07"]);
    assert!(
        kind.contains("no kind is called `rolout`; did you mean `rollout`?"),
        "{kind}"
    );
    let path = told(&["tree", "exmaples"]);
    assert!(path.contains("no cluster: /nowhere/config: "), "{path}");
    assert!(
        path.contains("or name files or folders of manifests"),
        "{path}"
    );
    let file = told(&["tree", "examples/subset-level/rolout.yaml"]);
    assert!(
        file.contains("did you mean `examples/subset-level/rollout.yaml`?"),
        "{file}"
    );
    let name = told(&["tree", "examples/subset-level", "app7"]);
    assert!(
        name.contains("no object `rollout/app7`: did you mean `app07`?"),
        "{name}"
    );
    let watch = told(&["tree", "examples/subset-level", "--watch"]);
    assert!(watch.contains("manifests have no cluster"), "{watch}");
}

#[test]
fn nothing_to_judge_is_told() {
    let empty = scratch("nothing-to-judge");
    let folder = empty.to_str().expect("a name");
    let told = |arguments: &[&str]| {
        let output = guard(arguments);
        (output.status.code(), stdout(&output), stderr(&output))
    };
    let (code, _, note) = told(&["check", folder]);
    assert_eq!(code, Some(0));
    assert!(
        note.contains("there is no .yaml, .yml or .json file to judge"),
        "{note}"
    );
    let (code, out, error) = told(&["check", "exmaples"]);
    assert_eq!((code, out.as_str()), (Some(2), ""), "no sum of nothing");
    assert!(error.contains("did you mean `examples`?"), "{error}");
    let (code, _, error) = told(&["simulate", folder]);
    assert_eq!(code, Some(2));
    assert!(
        error.contains("there is no Rollout with a canary"),
        "{error}"
    );
    let (code, out, note) = told(&["fix", "--diff", "examples/subset-level"]);
    assert_eq!((code, out.as_str()), (Some(0), ""));
    assert!(note.contains("nothing changes in 5 files"), "{note}");
}

#[test]
fn findings_of_a_tree_lead_to_what_to_do() {
    let output = guard(&["tree", "examples/host-level-broken"]);
    let note = stderr(&output);
    assert!(
        note.contains("what to do: `rollout-guard explain RG2"),
        "{note}"
    );
    let json = guard(&["tree", "examples/host-level-broken", "-o", "json"]);
    assert_eq!(stderr(&json), "");
}

#[test]
fn explain_lists_a_group_of_rules() {
    let list = stdout(&guard(&["explain", "RG5"]));
    let mut lines = list.lines();
    assert!(lines.clone().count() > 10, "{list}");
    assert!(lines.all(|line| line.starts_with("RG5")), "{list}");
    let page = stdout(&guard(&["explain", "RG501"]));
    assert!(page.starts_with("# RG501 "), "{page}");
}

#[test]
fn every_command_shows_examples() {
    for command in [
        "check",
        "fix",
        "tree",
        "simulate",
        "explain",
        "review",
        "serve",
        "doctor",
        "certs",
        "completions",
    ] {
        let help = stdout(&guard(&[command, "--help"]));
        assert!(
            help.contains("Examples:\n  rollout-guard ") || help.contains("Examples:\n  source"),
            "{help}"
        );
    }
}

fn at_terminal(arguments: &[&str], columns: u16) -> String {
    let mut command = command(arguments);
    command.env("NO_COLOR", "1");
    let screen = output(command, columns);
    anstream::adapter::strip_str(&screen).to_string()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollout-guard"));
    command.args(arguments).current_dir(root());
    command
}
