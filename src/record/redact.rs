//! Removes what may be secret from reviews and objects. Equal values of one recording are replaced by equal
//! words, because rules compare values.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// The word for each removed value.
#[derive(Default)]
pub(super) struct Redaction {
    words: HashMap<String, String>,
}

impl Redaction {
    /// Redacts an AdmissionReview; of the user only the name and the groups stay.
    pub fn review(&mut self, review: &mut Value) {
        if let Some(Value::Object(user)) = review.pointer_mut("/request/userInfo") {
            user.retain(|field, _| field == "username" || field == "groups");
        }
        for place in ["/request/object", "/request/oldObject"] {
            if let Some(object) = review.pointer_mut(place) {
                self.object(object);
            }
        }
    }

    /// Redacts an object of the cluster; rules read managedFields only in the review.
    pub fn stored(&mut self, object: &mut Value) {
        if let Some(Value::Object(meta)) = object.get_mut("metadata") {
            meta.remove("managedFields");
        }
        self.object(object);
    }

    pub fn object(&mut self, object: &mut Value) {
        match object {
            Value::Object(map) => self.fields(map),
            Value::Array(items) => {
                for item in items {
                    self.object(item);
                }
            }
            _ => {}
        }
    }

    fn fields(&mut self, map: &mut Map<String, Value>) {
        map.remove(LAST_APPLIED);
        for (name, value) in map.iter_mut() {
            match name.as_str() {
                // Rules compare their values, and anybody may choose their names.
                "managedFields" | "labels" | "matchLabels" | "selector" => {}
                // Of containers, probes, analyses and plugins.
                "env" | "args" | "httpHeaders" => self.entries(value),
                "command" | "plugin" | "plugins" | "directResponse" | "headerValue" => {
                    self.all(value);
                }
                "set" | "add" if value.is_object() => self.all(value),
                "headers" | "withoutHeaders" | "queryParams" => {
                    self.matched(value);
                    self.object(value);
                }
                "template" => {
                    self.pod_annotations(value);
                    self.object(value);
                }
                _ => self.object(value),
            }
        }
    }

    /// Lists of texts, or of things with a `name` and a `value`.
    fn entries(&mut self, list: &mut Value) {
        let Value::Array(items) = list else { return };
        for item in items {
            match item {
                Value::Object(entry) => {
                    if let Some(value) = entry.get_mut("value") {
                        self.all(value);
                    }
                }
                item => self.all(item),
            }
        }
    }

    /// Redacts the values that headers or parameters are matched with. Rules read only whether there are any.
    fn matched(&mut self, headers: &mut Value) {
        let Value::Object(headers) = headers else {
            return;
        };
        for matched in headers.values_mut() {
            for kind in ["exact", "prefix", "regex"] {
                if let Some(value) = matched.get_mut(kind) {
                    self.all(value);
                }
            }
        }
    }

    /// Rules read only whether a pod template has any.
    fn pod_annotations(&mut self, template: &mut Value) {
        if let Some(annotations) = template.pointer_mut("/metadata/annotations") {
            self.all(annotations);
        }
    }

    /// Redacts every string in the value.
    fn all(&mut self, value: &mut Value) {
        match value {
            Value::String(text) if !text.is_empty() => *text = self.word(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.all(item)),
            Value::Object(map) => map.values_mut().for_each(|value| self.all(value)),
            _ => {}
        }
    }

    fn word(&mut self, text: &str) -> String {
        let next = self.words.len() + 1;
        let word = self.words.entry(text.to_owned());
        word.or_insert_with(|| format!("redacted-{next}")).clone()
    }
}

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keeps_a_name_and_groups_of_who_asked() {
        let mut review = json!({"request": {"userInfo": {
            "username": "ada", "groups": ["dev"], "uid": "u-1", "extra": {"scopes": ["s3cret"]}}}});
        Redaction::default().review(&mut review);
        let user = json!({"username": "ada", "groups": ["dev"]});
        assert_eq!(review["request"]["userInfo"], user);
    }

    #[test]
    fn keeps_no_value_of_a_container() {
        let container = json!({
            "name": "app", "image": "app:v1", "command": ["run", "--key=s3cret"], "args": ["s3cret"],
            "env": [{"name": "KEY", "value": "s3cret"}, {"name": "REF", "valueFrom": {"x": "kept"}}],
            "livenessProbe": {"httpGet": {"httpHeaders": [{"name": "A", "value": "s3cret"}]}},
            "lifecycle": {"preStop": {"exec": {"command": ["s3cret"]}}},
        });
        let rollout = json!({
            "metadata": {
                "managedFields": [{"manager": "kubectl"}],
                "annotations": {LAST_APPLIED: "s3cret", "team": "kept"},
            },
            "spec": {
                "template": {
                    "metadata": {"annotations": {"kept": "s3cret"}},
                    "spec": {"containers": [container]},
                },
                "strategy": {"canary": {"steps": [
                    {"analysis": {"args": [{"name": "key", "value": "s3cret"}]}},
                    {"plugin": {"name": "p", "config": {"key": "s3cret"}}},
                    {"setHeaderRoute": {"match": [
                        {"headerName": "Authorization", "headerValue": {"exact": "s3cret"}},
                        {"headerName": "kept", "headerValue": {"prefix": "s3cret"}},
                    ]}},
                ]}},
            },
        });
        let mut review = json!({"request": {"object": rollout.clone(), "oldObject": rollout}});
        Redaction::default().review(&mut review);
        let text = review.to_string();
        assert!(!text.contains("s3cret"), "{review:#}");
        assert_eq!(text.matches("kept").count(), 8, "{review:#}");
        let place = "/request/object/spec/template/spec/containers/0";
        let kept = review.pointer(place).unwrap();
        assert_eq!(kept["env"][0]["value"], kept["args"][0]);
        assert_ne!(kept["command"][0], kept["command"][1]);
        assert_eq!(
            review["request"]["object"]["metadata"]["managedFields"][0]["manager"],
            "kubectl"
        );
    }

    #[test]
    fn keeps_no_value_of_a_header_and_no_response() {
        let headers = json!({"request": {"set": {"Authorization": "s3cret", "kept": "s3cret"},
                                         "add": {"cookie": "s3cret"}, "remove": ["kept"]},
                             "response": {"set": {"Set-Cookie": "s3cret"}}});
        let matched = json!({"headers": {"x-api-key": {"exact": "s3cret"}, "kept": {"regex": "s3cret"}},
                             "queryParams": {"token": {"exact": "s3cret"}}});
        let mut service = json!({"metadata": {"managedFields": []}, "spec": {"http": [
            {"match": [matched], "headers": headers.clone(), "route": [{"headers": headers}]},
            {"directResponse": {"status": 503, "body": {"string": "s3cret"}}},
        ]}});
        Redaction::default().stored(&mut service);
        let text = service.to_string();
        assert!(!text.contains("s3cret"), "{service:#}");
        assert_eq!(text.matches("kept").count(), 5, "{service:#}");
        assert!(service["metadata"].get("managedFields").is_none());
    }
}
