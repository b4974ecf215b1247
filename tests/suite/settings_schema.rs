//! The JSON schema of settings files, for editors: generated, and it takes what the program takes.

use std::collections::BTreeSet;

use boon::{Compiler, Schemas};
use rollout_guard::mutations::MUTATIONS;
use rollout_guard::rules::CATALOGUE;
use rollout_guard::settings::{self, ExemptByFieldManager, Profile, RuleAction};
use rollout_guard::source::{self, Limits};
use serde_json::{Map, Value, json};

use crate::expected;
use crate::tidy::read;

const SCHEMA: &str = "docs/settings.schema.json";

#[test]
fn the_schema_is_in_step() {
    let mut rules = Map::new();
    for rule in CATALOGUE {
        let action = json!({"$ref": "#/definitions/action", "description": rule.summary()});
        rules.insert(rule.id.name.to_owned(), action.clone());
        rules.insert(rule.id.code.to_owned(), action);
    }
    let mut mutations = Map::new();
    for mutation in MUTATIONS {
        let states = json!({"enum": ["auto", "off", false]});
        mutations.insert(mutation.name.to_owned(), states);
    }
    let text =
        |description: &str| json!({"type": "string", "minLength": 1, "description": description});
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "rollout-guard.yaml",
        "description": "Settings of rollout-guard",
        "type": ["object", "null"],
        "additionalProperties": false,
        "definitions": {
            // YAML 1.1 reads an unquoted `off` as false.
            "action": {"enum": RuleAction::NAMES.iter().map(|name| json!(name)).chain([json!(false)]).collect::<Vec<_>>()},
        },
        "properties": {
            "profile": {"enum": Profile::NAMES, "description": "Which writes are denied. strict: every error; observe: none"},
            "actions": {
                "type": ["object", "null"],
                "description": "What the findings of a rule do, by its code or name",
                "additionalProperties": false,
                "properties": rules,
            },
            "controllerUsers": {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "description": "The users that the Rollouts controller writes as",
            },
            "controllerManager": text("The field manager of the Rollouts controller"),
            "mutations": {
                "type": ["object", "null"],
                "description": "Whether a mutation runs",
                "additionalProperties": false,
                "properties": mutations,
            },
            "exemptByFieldManager": {
                "enum": ExemptByFieldManager::NAMES,
                "description": "Whether the field manager of a service account identifies the Rollouts controller",
            },
            "pending": {
                "enum": ["allow", "deny"],
                "description": "A reference to what the next writes of the same release bring",
            },
            "argoCDLabel": text("The label by which Argo CD tracks the objects of an Application"),
            "clusterDomain": text("The domain of the cluster's Services"),
            "argoVersion": {
                "type": "string",
                "pattern": r"^v?\d+\.\d+(\..*)?$",
                "description": "The version of the Rollouts controller, in quotes: \"1.10\"",
            },
            "crossNamespace": {
                "enum": ["warn", "consent"],
                "description": "What a Rollout that routes by a VirtualService of another namespace needs: see RG218",
            },
            "allowAnnotation": {
                "enum": ["anyone", "authorized"],
                "description": "From whom the annotation rollout-guard.io/allow counts; in a cluster only",
            },
            "istio": {
                "type": ["object", "null"],
                "additionalProperties": false,
                "properties": {
                    "rootNamespace": text("The namespace whose DestinationRules count for all"),
                    "primaryCluster": {
                        "enum": ["local", "remote"],
                        "description": "remote: the VirtualServices are in another cluster than the Rollouts",
                    },
                },
            },
        },
    });
    expected::file(SCHEMA, &format!("{schema:#}\n"));
}

#[test]
fn the_schema_has_every_key() {
    let error = settings::parse("something-else: 1\n").expect_err("an unknown key");
    let (_, known) = error.message.split_once("known: ").expect("the keys");
    let known: BTreeSet<&str> = known.split(", ").collect();
    let schema: Value = serde_json::from_str(&read(SCHEMA)).expect("JSON");
    let properties = schema["properties"].as_object().expect("properties");
    let described: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
    assert_eq!(described, known);
}

#[test]
fn the_schema_takes_what_the_program_takes() {
    let whole = "profile: strict\nactions: {subset-undefined: off, RG202: warn}\nmutations: {weights: off}\n\
                 controllerUsers: [a]\ncontrollerManager: m\nexemptByFieldManager: never\nclusterDomain: d\n\
                 argoVersion: \"1.9\"\npending: deny\nargoCDLabel: l\ncrossNamespace: consent\n\
                 allowAnnotation: authorized\nistio: {rootNamespace: r, primaryCluster: remote}\n";
    let others = [
        "{}",
        "actions:\n",
        "argoVersion: v1.10.2\n",
        "argoVersion: 1.10\n",
        "argoVersion: new\n",
        "profil: guard\n",
        "mutations: {weights: on}\n",
        "mutations: {weight: off}\n",
        "exemptByFieldManager: auto\n",
        "exemptByFieldManager: off\n",
        "pending: warn\n",
        "profile: hard\n",
        "actions: {RG999: off}\n",
        "actions: {RG501: never}\n",
        "controllerUsers: a\n",
        "clusterDomain: ''\n",
        "crossNamespace: deny\n",
        "allowAnnotation: nobody\n",
        "istio: {root: r}\n",
        "istio: {primaryCluster: none}\n",
    ];
    let readme = read("README.md");
    let (_, readme) = readme
        .split_once("\n```yaml\n# yaml-language-server")
        .expect("the settings of README");
    let (readme, _) = readme.split_once("```").expect("the end of them");
    let readme = format!("# yaml-language-server{readme}");
    for text in others.into_iter().chain([whole, &readme]) {
        let node = source::parse(text, Limits::default())
            .expect("YAML")
            .remove(0);
        let by_schema = is_valid(&node.to_value());
        let by_program = settings::parse(text).is_ok();
        assert_eq!(by_schema, by_program, "{text}");
    }
    assert!(settings::parse(whole).is_ok() && settings::parse(&readme).is_ok());
}

fn is_valid(value: &Value) -> bool {
    let schema: Value = serde_json::from_str(&read(SCHEMA)).expect("JSON");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler
        .add_resource("settings.json", schema)
        .expect("a schema");
    let schema = compiler
        .compile("settings.json", &mut schemas)
        .expect("a valid schema");
    schemas.validate(value, schema).is_ok()
}
