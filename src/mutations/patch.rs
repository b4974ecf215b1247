//! A patch as it grows: RFC 6902 operations on single paths, each applied at once to a copy of the
//! object, so that the copy is what the API server will make of it. No `test`: the patch meets exactly
//! the object that was sent.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, ReplaceOperation};
use serde_json::{Map, Value};

use crate::field::{Path, Segment};
use crate::model::Key;

/// Operations, the object as they leave it, and what was kept for whom.
#[derive(Clone, Debug)]
pub struct Patch {
    operations: Vec<PatchOperation>,
    object: Value,
    /// What the mutation at work has kept, by the Rollout that owns it.
    kept: Vec<(Key, Vec<String>)>,
    notes: Vec<String>,
}

impl Patch {
    pub fn of(object: Value) -> Self {
        Self {
            operations: Vec::new(),
            object,
            kept: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub fn operations(&self) -> &[PatchOperation] {
        &self.operations
    }

    /// The object with all operations so far.
    pub fn object(&self) -> &Value {
        &self.object
    }

    /// What was kept and for whom, one line for each mutation.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Remembers what was kept, such as ``hash `x` of subset `y` ``, and who owns it.
    pub fn keep(&mut self, what: String, owner: &Key) {
        match self.kept.iter_mut().find(|(known, _)| known == owner) {
            Some((_, kept)) => kept.push(what),
            None => self.kept.push((owner.clone(), vec![what])),
        }
    }

    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Ends a mutation: what it kept becomes one note.
    pub fn finish(&mut self) {
        let sentences = std::mem::take(&mut self.kept)
            .into_iter()
            .map(|(owner, kept)| {
                let one = kept.len() == 1 && !kept.iter().any(|what| what.starts_with("weights"));
                let it = if one { "it" } else { "them" };
                format!("{}: {owner} owns {it}", kept.join(", "))
            });
        let sentences: Vec<String> = sentences.collect();
        if !sentences.is_empty() {
            self.notes.push(format!("kept {}", sentences.join("; ")));
        }
    }

    /// Puts `value` at a path of fields, adding the objects on the way that are not there. Nothing
    /// happens where it stands already, or where something on the way is no object.
    pub fn set(&mut self, path: &Path, value: Value) -> bool {
        let steps = path.segments();
        for depth in 1..steps.len() {
            let parent: Path = steps.iter().take(depth).cloned().collect();
            match self.at(&parent) {
                None | Some(Value::Null) => {
                    let rest: Path = steps.iter().skip(depth).cloned().collect();
                    let Some(nested) = nest(rest.segments(), value) else {
                        return false;
                    };
                    let replaces = self.at(&parent).is_some();
                    return self.push(&parent, nested, replaces);
                }
                Some(Value::Object(_) | Value::Array(_)) => {}
                Some(_) => return false,
            }
        }
        match self.at(path) {
            Some(standing) if *standing == value => false,
            standing => {
                let replaces = standing.is_some();
                self.push(path, value, replaces)
            }
        }
    }

    /// Puts `value` into a list before the element at the index, or at its end.
    pub fn insert(&mut self, list: &Path, index: usize, value: Value) -> bool {
        self.push(&list.index(index), value, false)
    }

    fn at(&self, path: &Path) -> Option<&Value> {
        self.object.pointer(&path.pointer())
    }

    fn push(&mut self, path: &Path, value: Value, replaces: bool) -> bool {
        // A path of ours is well formed; if it were not, no patch is better than a broken one.
        let Ok(path) = PointerBuf::parse(path.pointer()) else {
            return false;
        };
        let operation = if replaces {
            PatchOperation::Replace(ReplaceOperation { path, value })
        } else {
            PatchOperation::Add(AddOperation { path, value })
        };
        let one = std::slice::from_ref(&operation);
        let applied = json_patch::patch(&mut self.object, one).is_ok();
        if applied {
            self.operations.push(operation);
        }
        applied
    }
}

/// `value` inside the objects that the steps name; `None` where a step is a list's index.
fn nest(steps: &[Segment], value: Value) -> Option<Value> {
    steps.iter().rev().try_fold(value, |inner, step| {
        let name = match step {
            Segment::Field(name) => (*name).to_owned(),
            Segment::Entry(name) => name.clone(),
            Segment::Index(_) => return None,
        };
        Some(Value::Object(Map::from_iter([(name, inner)])))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn adds_missing_parents_and_escapes() {
        let mut patch = Patch::of(json!({"spec": {"subsets": [{"name": "a"}]}}));
        let labels = Path::spec(["subsets"]).index(0).field("labels");
        assert!(patch.set(&labels.entry("a/b~c"), json!("1")));
        assert!(patch.set(&labels.entry("d"), json!("2")));
        assert!(!patch.set(&labels.entry("d"), json!("2")));
        assert!(patch.set(&labels.entry("d"), json!("3")));
        let wire = serde_json::to_value(patch.operations()).unwrap();
        let expected = json!([
            {"op": "add", "path": "/spec/subsets/0/labels", "value": {"a/b~c": "1"}},
            {"op": "add", "path": "/spec/subsets/0/labels/d", "value": "2"},
            {"op": "replace", "path": "/spec/subsets/0/labels/d", "value": "3"},
        ]);
        assert_eq!(wire, expected);
        let subset = json!({"name": "a", "labels": {"a/b~c": "1", "d": "3"}});
        assert_eq!(*patch.object(), json!({"spec": {"subsets": [subset]}}));
    }
}
