//! The stories of `tests/stories`: reviews that a real API server sent in a row, each with the cluster before
//! the write. Every one gets a well-formed answer, and the controller's and the system's writes pass.

use std::collections::BTreeMap;

use rollout_guard::cluster::Cluster;
use rollout_guard::model::{Key, Kind, Object};
use rollout_guard::request::Phase;
use rollout_guard::settings::Settings;
use serde_json::Value;

use crate::answer::answer;
use crate::tidy::{names, read, root};

#[test]
fn every_step_gets_a_well_formed_answer_and_others_than_people_pass() {
    let mut exempt = 0;
    for step in stories().iter().flat_map(|story| &story.steps) {
        let settings = Settings::default();
        let answered = || {
            answer(
                &step.body(),
                Phase::MutateThenValidate,
                &step.cluster,
                &settings,
            )
        };
        let body = answered().expect("an AdmissionReview").body;
        assert_eq!(answered().expect("an answer").body, body, "{}", step.name);
        let answer: Value = serde_json::from_slice(&body).expect("JSON");
        let response = &answer["response"];
        assert_eq!(
            response["uid"], step.review["request"]["uid"],
            "{}",
            step.name
        );
        assert_well_formed(response, &step.name);
        if step.writer() != Writer::Person {
            exempt += 1;
            assert_eq!(response["allowed"], true, "{}", step.name);
            assert_eq!(response.get("warnings"), None, "{}", step.name);
        }
    }
    assert!(
        exempt > 100,
        "only {exempt} writes by the controller and the system"
    );
}

/// The steps of one file.
pub struct Story {
    pub steps: Vec<Step>,
}

/// One write.
pub struct Step {
    /// `subset-01-install/01-user-create-service`
    pub name: String,
    pub review: Value,
    /// Before the write.
    pub cluster: Cluster,
    /// The same as whole objects.
    pub objects: BTreeMap<Key, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    Person,
    Controller,
    System,
}

impl Step {
    pub fn writer(&self) -> Writer {
        let (_, name) = self.name.split_once('/').expect("a folder and a name");
        match name.split('-').nth(1) {
            Some("user") => Writer::Person,
            Some("controller") => Writer::Controller,
            Some("system") => Writer::System,
            _ => panic!("{}: by whom?", self.name),
        }
    }

    pub fn body(&self) -> Vec<u8> {
        serde_json::to_vec(&self.review).expect("JSON")
    }
}

pub fn stories() -> Vec<Story> {
    let mut files = names(&root().join("tests/stories"));
    files.retain(|file| file != "README.md");
    files.sort();
    let stories: Vec<Story> = files.iter().map(|file| story(file)).collect();
    let steps: usize = stories.iter().map(|story| story.steps.len()).sum();
    assert_eq!((stories.len(), steps), (7, 240), "stories and steps");
    stories
}

fn story(file: &str) -> Story {
    let mut cluster = Cluster::new(Settings::default().mesh);
    let mut objects = BTreeMap::new();
    let text = read(&format!("tests/stories/{file}"));
    let steps = text.lines().map(|line| {
        let mut step: Value = serde_json::from_str(line).expect(file);
        for object in step["put"].as_array().into_iter().flatten() {
            let parsed = Object::parse(object, "default").expect("a known kind");
            objects.insert(parsed.key().clone(), object.clone());
            cluster.apply(parsed);
        }
        for object in step["gone"].as_array().into_iter().flatten() {
            cluster.delete(&key(object));
            objects.remove(&key(object));
        }
        Step {
            name: step["step"].as_str().expect("a name").to_owned(),
            review: step["review"].take(),
            cluster: cluster.clone(),
            objects: objects.clone(),
        }
    });
    Story {
        steps: steps.collect(),
    }
}

fn key(object: &Value) -> Key {
    let text = |field: &str| object[field].as_str().unwrap_or_default();
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == text("kind"));
    Key::new(kind.expect("a known kind"), text("namespace"), text("name"))
}

fn assert_well_formed(response: &Value, name: &str) {
    let warnings = response["warnings"].as_array().cloned().unwrap_or_default();
    let texts = warnings
        .iter()
        .map(|warning| warning.as_str().expect("text"));
    let texts: Vec<&str> = texts.collect();
    assert!(
        texts.iter().map(|text| text.len()).sum::<usize>() < 4096,
        "{name}"
    );
    for text in texts {
        let length = text.chars().count();
        assert!(length <= 256 && !text.contains('\n'), "{name}: {text}");
    }
    if response["allowed"] == false {
        let status = &response["status"];
        assert_eq!(
            (&status["code"], &status["reason"]),
            (&422.into(), &"Invalid".into())
        );
        let causes = status["details"]["causes"].as_array().expect("causes");
        assert!(!causes.is_empty(), "{name}");
        for cause in causes {
            let message = cause["message"].as_str().expect("a message");
            let marked = message.contains("[rollout-guard RG") && message.ends_with(']');
            assert!(marked, "{name}: {message}");
        }
    }
}
