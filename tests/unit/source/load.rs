//! What the parser makes of texts: documents, anchors, merge keys, limits.

use super::*;
use serde_json::json;

fn values(text: &str) -> Vec<serde_json::Value> {
    let documents = parse(text, Limits::default());
    let documents = documents.unwrap_or_else(|error| panic!("{error}"));
    documents.iter().map(Node::to_value).collect()
}

#[test]
fn reads_documents_anchors_and_merge_keys() {
    let text = "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n---\n---\n- yes\n- 'yes'\n";
    let expected = [
        json!({"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
        json!([true, "yes"]),
    ];
    assert_eq!(values(text), expected);
}

#[test]
fn reads_json_with_tabs_and_surrogates() {
    let text = "{\n\t\"a\": [1,\n\t\t2.0], \"b\": \"\\u00e9\\ud83d\\ude00\\/\"\n}\n";
    assert_eq!(values(text), [json!({"a": [1, 2.0], "b": "é😀/"})]);
}

#[test]
fn tells_where_a_text_is_broken() {
    let error = parse("a: 1\nb: [\n", Limits::default()).unwrap_err();
    assert_eq!(error.position.line, 2);
    let twice = parse("a: 1\nb: 2\na: 3\n", Limits::default()).unwrap_err();
    assert_eq!(
        twice.to_string(),
        "line 3, column 1: the key `a` stands here twice"
    );
}

#[test]
fn bounds_what_aliases_expand_to() {
    let level = |level: u32, below: u32| format!("a{level}: &a{level} [*a{below}, *a{below}]");
    let mut lines = vec!["a0: &a0 [x, x]".to_owned()];
    lines.extend((1..40).map(|number| level(number, number - 1)));
    let error = parse(&lines.join("\n"), Limits::default()).unwrap_err();
    assert_eq!(error.message, "aliases expand to too much");
}

#[test]
fn shares_what_anchors_name() {
    let anchors: Vec<String> = (0..110).map(|level| format!("&a{level} [")).collect();
    let anchors = anchors.concat();
    let text = format!("{anchors}{}{}", "7, ".repeat(300_000), "]".repeat(110));
    assert_eq!(parse(&text, Limits::default()).unwrap().len(), 1);
}

#[test]
fn bounds_the_depth_that_aliases_add() {
    let level = |level: u32, below: u32| format!("a{level}: &a{level} [*a{below}]");
    let mut lines = vec!["a0: &a0 [x]".to_owned()];
    lines.extend((1..200).map(|number| level(number, number - 1)));
    let error = parse(&lines.join("\n"), Limits::default()).unwrap_err();
    assert_eq!(error.message, "nested too deeply");
}

#[test]
fn notes_repeated_keys_and_counts_the_last() {
    let parsed = parse_leniently("a: 1\nb: 2\na: {c: 3}\n", Limits::default()).unwrap();
    assert_eq!(
        parsed.documents[0].to_value(),
        json!({"b": 2, "a": {"c": 3}})
    );
    assert_eq!(parsed.repeated_keys[0].span.start.line, 3);
}
