//! What `check` makes of a repository: every kind of file that people keep beside manifests.

use std::fs;
use std::path::PathBuf;

use rollout_guard::files::manifests::Manifests;
use serde_json::Value;

use crate::cli::{guard, guard_with, scratch, stderr, stdout};
use crate::expected;
use crate::tidy::root;

#[test]
fn a_tree_of_all_kinds_of_files_is_judged_and_the_rest_told() {
    let output = guard(&["check", "--complete", "tests/repository"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stdout(&output) + "\n" + &stderr(&output);
    expected::file("tests/repository.txt", &told);
}

/// Source trees are dropped: where one is needed again, its document alone is parsed again.
#[test]
fn a_document_that_is_parsed_again_is_the_same() {
    let odd = scratch("parsed-again");
    fs::write(odd.join("list.yaml"), ODD).unwrap();
    let directive = format!("%TAG !e! tag:example,2000:\n{ODD}");
    fs::write(odd.join("directive.yaml"), directive).unwrap();
    let folders = [
        "examples",
        "tests/healthy",
        "tests/recorded",
        "tests/repository",
    ];
    let mut paths: Vec<PathBuf> = folders.map(|folder| root().join(folder)).into();
    paths.push(odd);
    let manifests = Manifests::collect(&paths, "default");
    let mut trees = manifests.trees();
    assert!(manifests.documents.len() > 100);
    for document in &manifests.documents {
        let tree = trees.of(document).expect("a tree");
        assert_eq!(tree.span, document.span);
        let value = manifests.value(document);
        if document.object.meta.name() == value["metadata"]["name"] {
            assert_eq!(
                tree.to_value()["spec"],
                value["spec"],
                "{}",
                document.object.key()
            );
        }
    }
}

const ODD: &str = "\
--- {apiVersion: v1, kind: Service, metadata: {name: flow}, spec: {ports: [{port: 1.5}]}}
---
# A comment, and an anchor.
kind: List
apiVersion: v1
items:
- &first
  apiVersion: v1
  kind: Service
  metadata: {name: łódź}
  spec: &spec {selector: {app: a}}
- {apiVersion: v1, kind: Service, metadata: {name: b}, spec: *spec}
---   # the last
  apiVersion: v1
  kind: Service
  metadata:
    name: indented
  spec:
    externalName: |+
      text

...
";

#[test]
fn what_cannot_be_read_is_told_and_the_rest_judged() {
    let folder = scratch("partly");
    fs::write(folder.join("broken.yaml"), "a: {\n").unwrap();
    fs::write(folder.join("latin.yaml"), b"a: \xe9\n").unwrap();
    fs::copy(
        "examples/subset-level-broken/rollout.yaml",
        folder.join("rollout.yaml"),
    )
    .unwrap();
    fs::copy(
        "examples/subset-level-broken/virtual-service.yaml",
        folder.join("vs.yaml"),
    )
    .unwrap();
    let path = folder.to_string_lossy();
    let output = guard(&["check", "--complete", "-o", "json", &path, "nowhere.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let codes = report["findings"].as_array().unwrap().iter();
    let errors = codes.filter(|finding| finding["severity"] == "error");
    let errors: Vec<&str> = errors
        .filter_map(|finding| finding["code"].as_str())
        .collect();
    assert!(errors.contains(&"RG202"), "{report:#}");
    assert!(
        !errors.contains(&"RG401") && !errors.contains(&"RG301"),
        "it may be in the broken file"
    );
    assert_eq!(
        report["unreadable"].as_array().unwrap().len(),
        3,
        "{report:#}"
    );
    for name in [
        "broken.yaml: line 1",
        "latin.yaml: is not UTF-8",
        "nowhere.yaml: No such file",
    ] {
        assert!(
            stderr(&output).contains(name),
            "{name}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_placeholder_hides_no_fault_elsewhere() {
    let flow = ["rollout", "virtual-service", "destination-rule", "service"]
        .map(|name| fs::read_to_string(format!("examples/subset-level/{name}.yaml")).unwrap())
        .join("---\n")
        .replace("test-ar-istio", "${NAMESPACE}")
        .replace("replicas: 5", "replicas: ${REPLICAS}")
        .replace("image: registry.example/app:v1", "image: \"${IMAGE}\"");
    let right = guard_with(
        &["check", "--complete", "-"],
        &flow.replace("  - ${NAMESPACE}/mygateway\n", ""),
    );
    assert_eq!(right.status.code(), Some(0), "{}", stdout(&right));
    assert!(
        stdout(&right).starts_with("0 errors, 0 warnings"),
        "{}",
        stdout(&right)
    );
    let wrong = guard_with(&["check", "-"], &flow.replace("- primary\n", "- primry\n"));
    assert_eq!(wrong.status.code(), Some(1), "{}", stdout(&wrong));
    assert!(stdout(&wrong).contains("RG202"), "{}", stdout(&wrong));
    let open = guard_with(
        &["check", "-"],
        &flow.replace("- primary\n", "- ${ROUTE}\n"),
    );
    assert_eq!(open.status.code(), Some(0), "{}", stdout(&open));
}

#[test]
fn complete_speaks_of_the_namespaces_of_the_input() {
    let route = |host: &str| {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: a, namespace: shop}}\n\
         spec:\n  hosts: [a.example.org]\n  http: [{{route: [{{destination: {{host: {host}}}}}]}}]\n"
        )
    };
    let code = |host| {
        guard_with(&["check", "--complete", "-"], &route(host))
            .status
            .code()
    };
    assert_eq!(code("reviews"), Some(1), "shop is in the input");
    assert_eq!(code("reviews.bookinfo.svc.cluster.local"), Some(0));
}

#[test]
fn a_finding_on_what_two_files_define_differently_is_a_warning() {
    let folder = scratch("alternatives");
    let rule = fs::read_to_string("examples/subset-level/destination-rule.yaml").unwrap();
    fs::write(folder.join("a.yaml"), &rule).unwrap();
    for name in ["rollout", "virtual-service", "service"] {
        let file = format!("{name}.yaml");
        fs::copy(format!("examples/subset-level/{file}"), folder.join(&file)).unwrap();
    }
    let path = folder.to_string_lossy();
    fs::write(
        folder.join("b.yaml"),
        rule.replace("version-v2", "version-v3"),
    )
    .unwrap();
    let output = guard(&["check", &path]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(
        stdout(&output).contains("warning[RG501]"),
        "{}",
        stdout(&output)
    );
    fs::remove_file(folder.join("a.yaml")).unwrap();
    let output = guard(&["check", &path]);
    assert_eq!(output.status.code(), Some(1), "one definition alone counts");
}
