//! A patch as it grows: RFC 6902 operations on single paths, each applied at once to the object, which then is
//! what the API server will make of it. No `test`: the patch meets exactly the object that was sent.

use std::collections::HashSet;

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::{Map, Value};

use crate::field::{Path, Segment};
use crate::model::Key;

/// Operations, the object as they leave it, and what was kept for whom.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    operations: Vec<PatchOperation>,
    /// What takes each operation back.
    inverse: Vec<PatchOperation>,
    object: Value,
    /// The paths that the running mutation has decided for.
    settled: HashSet<Path>,
    /// What the running mutation has kept, by the Rollout that owns it.
    kept: Vec<(Key, Vec<Kept>)>,
    /// The Rollouts for which something was kept.
    owners: Vec<Key>,
    notes: Vec<String>,
    failures: Vec<Path>,
}

/// What a mutation kept, as a note names it.
#[derive(Clone, Debug)]
pub enum Kept {
    /// Such as ``hash `x` of subset `y` ``.
    One(String),
    /// Such as ``weights 5/95 of route `primary` ``.
    Several(String),
}

impl Patch {
    /// An empty patch of the object.
    pub fn of(object: Value) -> Self {
        Self {
            object,
            ..Self::default()
        }
    }

    /// In the order in which the API server applies them.
    pub fn operations(&self) -> &[PatchOperation] {
        &self.operations
    }

    /// The object with all operations so far.
    pub fn object(&self) -> &Value {
        &self.object
    }

    /// Moves the object out, with all operations.
    pub fn take_object(&mut self) -> Value {
        std::mem::take(&mut self.object)
    }

    /// The object as it was before the operations, of the object that they made.
    pub fn undo(&self, mut object: Value) -> Value {
        for operation in self.inverse.iter().rev() {
            // Each undoes an operation that was applied to this very object.
            let undone = json_patch::patch(&mut object, std::slice::from_ref(operation));
            debug_assert!(undone.is_ok(), "{operation:?}");
        }
        object
    }

    /// What was kept and for whom, one line for each mutation.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The Rollouts for which something was kept; one may be listed several times.
    pub fn owners(&self) -> &[Key] {
        &self.owners
    }

    /// The places where an operation could not be applied: a defect of rollout-guard.
    pub fn failures(&self) -> &[Path] {
        &self.failures
    }

    /// Whether there is no operation.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Notes what was kept, and which Rollout owns it.
    pub fn keep(&mut self, what: Kept, owner: &Key) {
        match self.kept.iter_mut().find(|(known, _)| known == owner) {
            Some((_, kept)) => kept.push(what),
            None => self.kept.push((owner.clone(), vec![what])),
        }
    }

    /// Adds a note that is a sentence of its own.
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Ends a mutation: what it kept becomes one note.
    pub fn finish(&mut self) {
        self.settled.clear();
        let kept = std::mem::take(&mut self.kept).into_iter();
        let sentences: Vec<String> = kept
            .map(|(owner, kept)| {
                let it = match kept.as_slice() {
                    [Kept::One(_)] => "it",
                    _ => "them",
                };
                let texts: Vec<String> = kept.into_iter().map(Kept::into_text).collect();
                let sentence = format!("{}: {owner} owns {it}", texts.join(", "));
                self.owners.push(owner);
                sentence
            })
            .collect();
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
        self.settled.insert(path.clone())
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
        for (depth, step) in steps.iter().enumerate().skip(1) {
            let parent: Path = steps.iter().take(depth).cloned().collect();
            match (self.at(&parent), step) {
                (None | Some(Value::Null), _) => {
                    let rest: Path = steps.iter().skip(depth).cloned().collect();
                    let Some(nested) = nest(rest.segments(), value) else {
                        return false;
                    };
                    let replaces = self.at(&parent).is_some();
                    return self.push(&parent, nested, replaces);
                }
                (Some(Value::Array(_)), Segment::Index(_))
                | (
                    Some(Value::Object(_)),
                    Segment::Field(_) | Segment::Entry(_) | Segment::Unknown(_),
                ) => {}
                _ => return false,
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
        let applied = self.apply(path, value, replaces);
        if !applied {
            self.failures.push(path.clone());
        }
        applied
    }

    fn apply(&mut self, place: &Path, value: Value, replaces: bool) -> bool {
        let Ok(path) = PointerBuf::parse(place.pointer()) else {
            return false;
        };
        let standing = self.at(place).filter(|_| replaces).cloned();
        let inverse = match standing {
            Some(value) => PatchOperation::Replace(ReplaceOperation {
                path: path.clone(),
                value,
            }),
            None => PatchOperation::Remove(RemoveOperation { path: path.clone() }),
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
            self.inverse.push(inverse);
        }
        applied
    }
}

impl Kept {
    fn into_text(self) -> String {
        match self {
            Kept::One(text) | Kept::Several(text) => text,
        }
    }
}

/// `value` inside the objects that the steps name; `None` where a step is a list's index.
fn nest(steps: &[Segment], value: Value) -> Option<Value> {
    steps.iter().rev().try_fold(value, |inner, step| {
        let name = match step {
            Segment::Field(name) => (*name).to_owned(),
            Segment::Entry(name) | Segment::Unknown(name) => name.clone(),
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
        let patched = patch.take_object();
        let sent = json!({"spec": {"subsets": [{"name": "a"}]}});
        assert_eq!(patch.undo(patched), sent);
    }
}
