//! The exemption by the controller's field manager, over all recorded writes: the controller itself passes under any
//! account, and nobody else passes by its name.

use rollout_guard::decide::{Decision, Exempt, NameUse};
use rollout_guard::request::Phase;
use rollout_guard::settings::{self, Settings};
use serde_json::{Value, json};

use crate::controller_values::users_part;
use crate::stories::{Step, Writer, stories};

const ACCOUNT: &str = "system:serviceaccount:elsewhere:argo";

#[test]
fn the_controller_passes_under_an_account_that_is_not_listed() {
    let mut exempt = 0;
    for step in updates(Writer::Controller) {
        let decision = decide(&step, ACCOUNT, "");
        assert_eq!(
            decision.exempt,
            Some(Exempt::ControllerByFields),
            "{}",
            step.name
        );
        exempt += 1;
    }
    assert!(exempt > 60, "only {exempt} writes by the controller");
}

#[test]
fn a_person_with_its_name_is_judged_as_without() {
    let mut denied = 0;
    for step in updates(Writer::Person) {
        let user = step.review["request"]["userInfo"]["username"].clone();
        let user = user.as_str().expect("a user");
        let plain = decide(&step, user, "controllerManager: another");
        assert_eq!(decide(&step, user, "").name_use, None, "{}", step.name);
        let mut named = renamed(&step);
        let decision = decide(&named, user, "");
        assert_ne!(decision.name_use, Some(NameUse::Confined), "{}", step.name);
        assert_eq!(decision.exempt, plain.exempt, "{}", step.name);
        assert_eq!(decision.is_denied(), plain.is_denied(), "{}", step.name);
        denied += usize::from(plain.is_denied());
        named.review["request"]["userInfo"]["username"] = json!(ACCOUNT);
        let decision = decide(&named, ACCOUNT, "exemptByFieldManager: never");
        assert_eq!(decision.is_denied(), plain.is_denied(), "{}", step.name);
    }
    assert!(denied > 5, "only {denied} writes are denied");
}

#[test]
fn an_account_with_its_name_breaks_nothing() {
    let mut passed = 0;
    for step in updates(Writer::Person) {
        let plain = decide(&step, ACCOUNT, "controllerManager: another");
        let named = decide(&renamed(&step), ACCOUNT, "exemptByFieldManager: always");
        if named.exempt == Some(Exempt::ControllerByFields) {
            let written = &step.review["request"]["object"];
            let users = |object: &Value| users_part(object, written, &["testers".to_owned()]);
            let [stored, written] =
                ["oldObject", "object"].map(|at| users(&step.review["request"][at]));
            assert_eq!(stored["spec"], written["spec"], "{}", step.name);
            let labels = |object: &Value| object["metadata"]["labels"].clone();
            assert_eq!(labels(&stored), labels(&written), "{}", step.name);
            assert!(!plain.is_denied(), "{}", step.name);
            passed += 1;
        } else {
            assert_eq!(named.is_denied(), plain.is_denied(), "{}", step.name);
        }
    }
    assert!(passed > 10, "only {passed} writes are confined");
}

#[test]
fn once_the_controller_is_seen_its_name_exempts_nobody() {
    for (setting, expected) in [
        ("auto", None),
        ("never", None),
        ("always", Some(Exempt::ControllerByFields)),
    ] {
        for step in updates(Writer::Controller).iter().take(10) {
            let settings = settings::parse(&format!("exemptByFieldManager: {setting}"));
            let decision = seen(step, ACCOUNT, true, &settings.expect("settings"));
            assert_eq!(decision.exempt, expected, "{setting}: {}", step.name);
            assert_eq!(decision.name_use, Some(NameUse::Confined), "{}", step.name);
        }
    }
    for step in updates(Writer::Controller) {
        let decision = decide(&step, "custom", "controllerUsers: [custom]");
        assert_eq!(decision.exempt, Some(Exempt::Controller), "{}", step.name);
        assert_eq!(decision.name_use, Some(NameUse::Listed), "{}", step.name);
    }
}

fn updates(writer: Writer) -> Vec<Step> {
    let steps = stories().into_iter().flat_map(|story| story.steps);
    let steps = steps.filter(|step| step.writer() == writer);
    let of_users = |object: &Value| {
        let mut object = object.clone();
        for field in ["managedFields", "resourceVersion", "generation"] {
            object["metadata"][field].take();
        }
        object
    };
    steps
        .filter(|step| {
            let request = &step.review["request"];
            // With an old version of the object the controller sometimes writes what is stored; that conflicts.
            request["operation"] == "UPDATE"
                && of_users(&request["object"]) != of_users(&request["oldObject"])
        })
        .collect()
}

/// The same write with the controller's name for its field manager.
fn renamed(step: &Step) -> Step {
    let mut review = step.review.clone();
    let old = review["request"]["oldObject"]["metadata"]["managedFields"].clone();
    let entries = review["request"]["object"]["metadata"]["managedFields"].as_array_mut();
    for entry in entries.into_iter().flatten() {
        // The entry that the API server has changed is the writer's.
        if !old.as_array().is_some_and(|old| old.contains(entry)) {
            entry["manager"] = json!("rollouts-controller");
        }
    }
    Step {
        name: step.name.clone(),
        review,
        cluster: step.cluster.clone(),
        objects: step.objects.clone(),
    }
}

fn decide(step: &Step, user: &str, settings: &str) -> Decision {
    let settings = settings::parse(settings).expect("settings");
    seen(step, user, false, &settings)
}

fn seen(step: &Step, user: &str, controller_seen: bool, settings: &Settings) -> Decision {
    let mut review: Value = step.review.clone();
    review["request"]["userInfo"]["username"] = json!(user);
    let body = serde_json::to_vec(&review).expect("JSON");
    let phase = Phase::MutateThenValidate;
    let mut request = rollout_guard::review::parse(&body, phase).expect("an AdmissionReview");
    request.controller_seen = controller_seen;
    rollout_guard::decide::decide(request, &step.cluster, settings)
}
