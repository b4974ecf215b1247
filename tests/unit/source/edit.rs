//! Edits keep everything else of a text.

use super::edit::*;
use super::*;
use serde_json::Value;

use crate::field::Path;
use serde_json::json;

fn edited(text: &str, path: &Path, value: &Value) -> String {
    let documents = parse(text, Limits::default()).unwrap();
    let edit = set(text, &documents[0], path, value);
    apply(text, &[edit.unwrap()]).text
}

#[test]
fn adds_a_name_before_and_labels_behind() {
    let text =
        "spec:\n  http: # ours\n  - route: []\n  subsets:\n    - name: 'a' # one\n      x: 1\n";
    let name = Path::spec(["http"]).index(0).field("name");
    let named = text.replace("- route", "- name: primary\n    route");
    assert_eq!(edited(text, &name, &json!("primary")), named);
    let labels = Path::spec(["subsets"]).index(0).field("labels");
    let labelled = text.replace("# one\n", "# one\n      labels:\n        app: \"5\"\n");
    assert_eq!(edited(text, &labels, &json!({"app": "5"})), labelled);
}

#[test]
fn edits_flow_style_json_and_empty_values() {
    let path = Path::spec(["name"]);
    let set = |text: &str| edited(text, &path, &json!("a"));
    assert_eq!(set("spec: {x: 1}\n"), "spec: {name: a, x: 1}\n");
    assert_eq!(set("spec: {}\n"), "spec: {name: a}\n");
    assert_eq!(
        set("spec:\n  name:\n  x: 1\n"),
        "spec:\n  name: a\n  x: 1\n"
    );
    assert_eq!(set("spec:\n  name: b # c\n"), "spec:\n  name: a # c\n");
    let json = "{\n\t\"spec\": {\n\t\t\"x\": 1\n\t}\n}\n";
    let named = "{\n\t\"spec\": {\n\t\t\"name\": \"a\",\n\t\t\"x\": 1\n\t}\n}\n";
    assert_eq!(set(json), named);
    assert_eq!(
        set("spec:\r\n  x: 1\r\n"),
        "spec:\r\n  name: a\r\n  x: 1\r\n"
    );
}

#[test]
fn renames_a_key_and_keeps_its_quotes() {
    let path = Path::spec(["nmae"]);
    let renamed = |text: &str| {
        let documents = parse(text, Limits::default()).unwrap();
        let edit = rename(text, &documents[0], &path, "name");
        apply(text, &[edit.unwrap()]).text
    };
    assert_eq!(renamed("spec:\n  nmae: a # b\n"), "spec:\n  name: a # b\n");
    assert_eq!(renamed("spec: {\"nmae\": a}\n"), "spec: {\"name\": a}\n");
    assert_eq!(
        renamed("spec:\n  'nmae':\n    x: 1\n"),
        "spec:\n  'name':\n    x: 1\n"
    );
}

#[test]
fn removes_an_entry_with_its_line() {
    let text = "spec:\n  labels:\n    version: v1 # old\n    app: x\n";
    let documents = parse(text, Limits::default()).unwrap();
    let path = Path::spec(["labels"]).entry("version");
    let edit = remove(text, &documents[0], &path).unwrap();
    assert_eq!(apply(text, &[edit]).text, "spec:\n  labels:\n    app: x\n");
}

#[test]
fn names_the_line_of_an_edit_that_overlaps() {
    let edit = |range, text: &str| Edit {
        range,
        text: text.to_owned(),
        changes: range,
    };
    let edits = [edit((2, 4), "x"), edit((3, 5), "y"), edit((5, 5), "z")];
    let edited = apply("a\nb\ncd\n", &edits);
    assert_eq!(edited.text, "a\nxczd\n");
    assert_eq!(edited.overlapping_lines, [2]);
    assert_eq!(
        apply("ab", &[edit((0, 1), "x"), edit((0, 1), "x")]).text,
        "xb"
    );
}
