//! `rollout-guard lsp`, as a scripted editor sees it.

mod client;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use self::client::{Client, applied, codes, uri};
use crate::cli::{UNNAMED, guard, scratch, stdout};
use crate::tidy::{read, root};

/// A copy of the example, as a workspace.
fn workspace(name: &str, example: &str) -> PathBuf {
    let folder = scratch(name);
    for entry in fs::read_dir(root().join("examples").join(example)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
    // Settings above the folder do not count.
    fs::create_dir(folder.join(".git")).unwrap();
    folder
}

fn position(line: usize, character: usize) -> Value {
    json!({"line": line, "character": character})
}

fn range(found: &Value) -> [u64; 4] {
    let place = |end: &str, part: &str| found["range"][end][part].as_u64().unwrap();
    [
        place("start", "line"),
        place("start", "character"),
        place("end", "line"),
        place("end", "character"),
    ]
}

#[test]
fn tells_what_check_tells() {
    let folder = workspace("lsp-check", "subset-level-broken");
    let output = guard(&["check", "-o", "json", &folder.to_string_lossy()]);
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let of_file = |file: &str| -> Vec<&Value> {
        let findings = report["findings"].as_array().unwrap().iter();
        let path = folder.join(file);
        let in_file = findings.filter(|one| one["file"] == *path.to_string_lossy());
        in_file.collect()
    };
    let mut client = Client::open_workspace(&folder);
    for file in [
        "rollout.yaml",
        "virtual-service.yaml",
        "destination-rule.yaml",
    ] {
        let expected = of_file(file);
        if expected.is_empty() {
            continue;
        }
        let path = folder.join(file);
        client.until_true(&path, &|found| found.len() == expected.len());
        for (one, expected) in client.of(&path).iter().zip(expected) {
            assert_eq!(one["code"], expected["code"]);
            let severity = if expected["severity"] == "error" {
                1
            } else {
                2
            };
            assert_eq!(one["severity"], severity);
            assert_eq!(range(one)[0] + 1, expected["line"].as_u64().unwrap());
        }
    }
    assert_eq!(client.end(), Some(0));
}

#[test]
fn shows_the_field_the_documentation_and_the_other_objects() {
    let folder = workspace("lsp-details", "subset-level-broken");
    let rollout = folder.join("rollout.yaml");
    let mut client = Client::open_workspace(&folder);
    client.until_true(&rollout, &|found| codes(found).contains(&"RG202"));
    let found = client
        .of(&rollout)
        .iter()
        .find(|one| one["code"] == "RG202");
    let found = found.unwrap().clone();
    assert_eq!(range(&found), [18, 14, 18, 21], "`primary`");
    assert_eq!(found["source"], "rollout-guard");
    let message = found["message"].as_str().unwrap();
    assert!(message.contains("did you mean `primry`?"), "{message}");
    let related = &found["relatedInformation"][0];
    let other = folder.join("virtual-service.yaml");
    assert_eq!(related["location"]["uri"], uri(&other), "{found:#}");
    let href = found["codeDescription"]["href"].as_str().unwrap();
    let page = PathBuf::from(href.strip_prefix("file://").unwrap());
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.starts_with("# RG202 route-not-found") && text.contains("## Fix"));
    assert_eq!(client.end(), Some(0));
    assert!(!page.exists(), "the pages are gone with the server");
}

#[test]
fn diagnostics_appear_and_vanish_as_somebody_types() {
    let folder = workspace("lsp-types", "subset-level");
    let (rollout, route) = (
        folder.join("rollout.yaml"),
        folder.join("virtual-service.yaml"),
    );
    let text = fs::read_to_string(&route).unwrap();
    let mut client = Client::open_workspace(&folder);
    client.open(&route, &text);
    client.until(&route, &[]);
    client.change(&route, &text.replace("name: primary", "name: primry"));
    client.until_true(&rollout, &|found| codes(found) == ["RG202"]);
    assert_eq!(
        fs::read_to_string(&route).unwrap(),
        text,
        "nothing is saved"
    );
    client.change(&route, &text);
    client.until(&rollout, &[]);
    // What cannot be parsed keeps the objects that it had: no finding elsewhere comes and goes with it.
    client.change(&route, &format!("{text}\nbroken: {{\n"));
    client.until(&route, &["-"]);
    assert!(client.of(&rollout).is_empty());
    client.change(&route, &text);
    client.until(&route, &[]);
    // Closing without saving gives back what is saved.
    client.change(&route, &text.replace("name: primary", "name: other"));
    client.until_true(&rollout, &|found| codes(found) == ["RG202"]);
    let document = json!({"textDocument": {"uri": uri(&route)}});
    client.notify("textDocument/didClose", document);
    client.until(&rollout, &[]);
    assert_eq!(client.end(), Some(0));
}

/// `😀` takes two UTF-16 units and four bytes.
#[test]
fn edits_of_parts_count_in_utf_16() {
    let folder = workspace("lsp-utf16", "subset-level");
    let rollout = folder.join("rollout.yaml");
    let text = fs::read_to_string(&rollout).unwrap();
    let text = text.replace("- primary", "- primary # 😀😀");
    let line = text.lines().position(|line| line.contains('😀')).unwrap();
    let column = text.lines().nth(line).unwrap().encode_utf16().count();
    let mut client = Client::open_workspace(&folder);
    client.open(&rollout, &text);
    client.until(&rollout, &[]);
    let edit = |start: usize, end: usize, text: &str| json!({"range": {"start": position(line, start), "end": position(line, end)}, "text": text});
    // The first edit is behind the characters, the second puts some before the field.
    let changes = json!([
        edit(column - 2, column, "é"),
        edit(12, 21, "  [\"pr😀\", primry]")
    ]);
    let document = json!({"uri": uri(&rollout), "version": 2});
    let params = json!({"textDocument": document, "contentChanges": changes});
    client.notify("textDocument/didChange", params);
    client.until_true(&rollout, &|found| !found.is_empty());
    let fields: Vec<[u64; 4]> = client.of(&rollout).iter().map(range).collect();
    let at = u64::try_from(line).unwrap();
    assert!(fields.contains(&[at, 23, at, 29]), "{fields:?}");
    assert_eq!(client.end(), Some(0));
}

#[test]
fn a_quick_fix_yields_a_clean_file() {
    let folder = workspace("lsp-fix", "subset-level");
    let rollout = folder.join("rollout.yaml");
    let text = fs::read_to_string(&rollout).unwrap();
    let broken = text.replace("- primary", "- primry # 😀 stays");
    let mut client = Client::open_workspace(&folder);
    client.open(&rollout, &broken);
    client.until(&rollout, &["RG202"]);
    let range = client.of(&rollout)[0]["range"].clone();
    let actions = actions(&mut client, &rollout, &range, &json!(["quickfix"]));
    assert_eq!(actions.len(), 1, "{actions:#?}");
    assert_eq!(actions[0]["diagnostics"][0]["code"], "RG202");
    let fixed = applied(&actions[0], &rollout, &broken);
    assert_eq!(fixed, text.replace("- primary", "- primary # 😀 stays"));
    client.change(&rollout, &fixed);
    client.until(&rollout, &[]);
    assert_eq!(client.end(), Some(0));
}

#[test]
fn fixes_a_file_as_fix_does() {
    let folder = workspace("lsp-fix-all", "subset-level");
    let route = folder.join("virtual-service.yaml");
    fs::write(&route, UNNAMED).unwrap();
    let paths = folder.to_string_lossy().into_owned();
    guard(&["fix", "--write", &paths]);
    let expected = fs::read_to_string(&route).unwrap();
    assert_ne!(expected, UNNAMED);
    fs::write(&route, UNNAMED).unwrap();
    let mut client = Client::open_workspace(&folder);
    client.open(&route, UNNAMED);
    let whole = json!({"start": position(0, 0), "end": position(0, 0)});
    let actions = actions(&mut client, &route, &whole, &json!(["source.fixAll"]));
    assert_eq!(actions.len(), 1, "{actions:#?}");
    assert_eq!(actions[0]["kind"], "source.fixAll.rollout-guard");
    assert_eq!(applied(&actions[0], &route, UNNAMED), expected);
    assert_eq!(client.end(), Some(0));
}

fn actions(client: &mut Client, file: &Path, range: &Value, only: &Value) -> Vec<Value> {
    let params = json!({
        "textDocument": {"uri": uri(file)},
        "range": range,
        "context": {"diagnostics": [], "only": only},
    });
    let result = client.request("textDocument/codeAction", params);
    result.as_array().expect("a list").clone()
}

#[test]
fn hover_explains_findings_and_fields() {
    let folder = workspace("lsp-hover", "subset-level-broken");
    let (rollout, route) = (
        folder.join("rollout.yaml"),
        folder.join("virtual-service.yaml"),
    );
    let mut client = Client::open_workspace(&folder);
    let mut hover = |file: &Path, line: usize, character: usize| -> Value {
        let document = json!({"uri": uri(file)});
        let params = json!({"textDocument": document, "position": position(line, character)});
        client.request("textDocument/hover", params)
    };
    let text = |hover: &Value| {
        hover["contents"]["value"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(text(&hover(&rollout, 18, 16)).contains("# RG202 route-not-found"));
    // The field of the other object that could be corrected instead.
    let line = read("examples/subset-level-broken/virtual-service.yaml");
    let line = line
        .lines()
        .position(|line| line.contains("http:"))
        .unwrap();
    let related = text(&hover(&route, line, 3));
    assert!(related.contains("RG202"), "{related}");
    let field = hover(&rollout, 20, 14);
    assert!(
        text(&field).starts_with("Rules about `name` of a Rollout") || text(&field).contains("RG")
    );
    assert_eq!(hover(&rollout, 9999, 9999), Value::Null);
    assert_eq!(hover(Path::new("/nowhere.yaml"), 0, 0), Value::Null);
    assert_eq!(client.end(), Some(0));
}

#[test]
fn files_come_and_go_on_the_disk() {
    let folder = workspace("lsp-disk", "subset-level");
    let rollout = folder.join("rollout.yaml");
    let route = folder.join("virtual-service.yaml");
    let mut client = Client::open_workspace(&folder);
    client.open(&rollout, &fs::read_to_string(&rollout).unwrap());
    client.until(&rollout, &[]);
    fs::rename(&route, folder.join("kept")).unwrap();
    let deleted = json!({"changes": [{"uri": uri(&route), "type": 3}]});
    client.notify("workspace/didChangeWatchedFiles", deleted);
    client.until(&rollout, &["RG201"]);
    // A new file that is not saved yet counts.
    let text = fs::read_to_string(folder.join("kept")).unwrap();
    client.open(&folder.join("new.yaml"), &text);
    client.until(&rollout, &[]);
    assert_eq!(client.end(), Some(0));
}

#[test]
fn settings_of_the_folder_count() {
    let folder = workspace("lsp-settings", "subset-level-broken");
    let (rollout, settings) = (
        folder.join("rollout.yaml"),
        folder.join("rollout-guard.yaml"),
    );
    let mut client = Client::open_workspace(&folder);
    client.until_true(&rollout, &|found| codes(found).contains(&"RG202"));
    let saved = json!({"textDocument": {"uri": uri(&settings)}});
    fs::write(&settings, "actions: {RG202: \"off\"}\n").unwrap();
    client.notify("textDocument/didSave", saved.clone());
    client.until_true(&rollout, &|found| !codes(found).contains(&"RG202"));
    fs::write(&settings, "# é\nprofil: strict\n").unwrap();
    client.notify("textDocument/didSave", saved);
    client.until(&settings, &["-"]);
    assert_eq!(range(&client.of(&settings)[0])[0], 1);
    assert_eq!(client.end(), Some(0));
}

#[test]
fn hostile_messages_end_nothing() {
    let folder = workspace("lsp-hostile", "subset-level");
    let mut client = Client::start(&[]);
    let early = client.ask("textDocument/hover", json!({}));
    assert_eq!(early["error"]["code"], -32002, "{early}");
    client.raw(b"Content-Length: 5\r\n\r\n{]\xff\xfe!");
    client.raw(b"content-length:2\r\nX: y\r\n\r\n[]");
    let deep = "[".repeat(100_000);
    client.raw(format!("Content-Length: {}\r\n\r\n{deep}", deep.len()).as_bytes());
    for params in [
        json!(null),
        json!({"workspaceFolders": 7, "rootUri": "file://%zz"}),
    ] {
        client.ask("initialize", params);
    }
    let document = json!({"uri": uri(&folder.join("rollout.yaml"))});
    for uri in ["", "file://", "file:///%f", "untitled:1", "file:///\u{0}"] {
        let item = json!({"uri": uri, "languageId": "yaml", "version": 1, "text": "a: &a [*a]"});
        client.notify("textDocument/didOpen", json!({"textDocument": item}));
    }
    client.open(&folder.join("rollout.yaml"), "é");
    for range in [
        json!({"start": position(4_294_967_295, 1), "end": position(0, 0)}),
        json!({"start": position(0, 4_294_967_295), "end": position(7, 7)}),
    ] {
        let changes = json!([{"range": range, "text": "\u{0}\r"}]);
        let params = json!({"textDocument": {"uri": document["uri"], "version": -1}, "contentChanges": changes});
        client.notify("textDocument/didChange", params);
    }
    for method in [
        "textDocument/didOpen",
        "textDocument/didChange",
        "textDocument/didClose",
        "workspace/didChangeWorkspaceFolders",
        "$/cancelRequest",
        "$/unknown",
    ] {
        client.notify(method, json!({"textDocument": [], "event": -1, "id": {}}));
    }
    for (method, code) in [
        ("textDocument/hover", -32602),
        ("textDocument/codeAction", -32602),
        ("textDocument/rename", -32601),
        ("initialize", -32600),
    ] {
        let response = client.ask(method, json!({"textDocument": document, "position": "x"}));
        assert_eq!(response["error"]["code"], code, "{response}");
    }
    assert_eq!(client.end(), Some(0));
}

#[test]
fn exit_codes_are_those_of_the_protocol() {
    assert_eq!(Client::start(&[]).exit_without_shutdown(), Some(1));
    assert_eq!(
        Client::start(&[]).wait().code(),
        Some(1),
        "the client is gone"
    );
    let mut client = Client::start(&[]);
    client.raw(b"Content-Length: 18446744073709551615\r\n\r\n");
    assert_eq!(client.wait().code(), Some(1));
    let output = guard(&["lsp", "--select", "RG2022"]);
    assert_eq!(output.status.code(), Some(2));
}
