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
    /// The paths that the mutation at work has spoken for.
    settled: Vec<Path>,
    /// What the mutation at work has kept, by the Rollout that owns it.
    kept: Vec<(Key, Vec<String>)>,
    notes: Vec<String>,
}

impl Patch {
    pub fn of(object: Value) -> Self {
        Self {
            operations: Vec::new(),
            object,
            settled: Vec::new(),
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
        self.settled.clear();
        let sentences = std::mem::take(&mut self.kept)
            .into_iter()
            .map(|(owner, kept)| {
                let several = |what: &String| {
                    let mut plurals = ["weights", "hashes"].iter();
                    plurals.any(|plural| what.starts_with(plural))
                };
                let one = kept.len() == 1 && !kept.iter().any(several);
                let it = if one { "it" } else { "them" };
                format!("{}: {owner} owns {it}", kept.join(", "))
            });
        let sentences: Vec<String> = sentences.collect();
        if !sentences.is_empty() {
            self.notes.push(format!("kept {}", sentences.join("; ")));
        }
    }

    /// Puts `value` at a path of fields, adding the objects on the way that are not there. Nothing
    /// happens where it stands already, or where something on the way is no object. Of two flows that
    /// speak for one path the first has it, so that their quarrel ends in the same object every time.
    pub fn set(&mut self, path: &Path, value: Value) -> bool {
        self.settle(path) && self.put(path, value)
    }

    /// Speaks for a path as it stands; false where another flow has spoken for it.
    pub fn settle(&mut self, path: &Path) -> bool {
        let free = !self.settled.contains(path);
        if free {
            self.settled.push(path.clone());
        }
        free
    }

    /// Puts `value` into a list before the element at the index, or at its end.
    pub fn insert(&mut self, list: &Path, index: usize, value: Value) -> bool {
        self.push(&list.index(index), value, false)
    }

    /// Puts `value` at the end of a list, or makes it the only element of one that is not there; once
    /// for each name.
    pub fn append(&mut self, list: &Path, name: &str, value: Value) -> bool {
        if !self.settle(&list.entry(name)) {
            return false;
        }
        match self.at(list) {
            Some(Value::Array(standing)) => {
                let end = standing.len();
                self.insert(list, end, value)
            }
            Some(Value::Null) | None => self.put(list, Value::Array(vec![value])),
            Some(_) => false,
        }
    }

    fn put(&mut self, path: &Path, value: Value) -> bool {
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
        assert!(
            !patch.set(&labels.entry("d"), json!("3")),
            "the first has it"
        );
        patch.finish();
        assert!(
            !patch.set(&labels.entry("d"), json!("2")),
            "it stands already"
        );
        patch.finish();
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
