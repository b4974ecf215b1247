//! The path from the root to a value, as links on the stack. A [`Path`] is made only when it is needed.

use crate::field::{Path, Segment};

#[derive(Clone, Copy)]
pub(super) struct ValuePath<'a> {
    pub parent: Option<&'a ValuePath<'a>>,
    pub step: Step<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Root,
    Field(&'static str),
    Index(usize),
    Entry(&'a str),
}

impl ValuePath<'_> {
    pub fn path(&self) -> Path {
        let mut steps = Vec::new();
        let mut next = Some(self);
        while let Some(path_to) = next {
            steps.extend(match path_to.step {
                Step::Root => None,
                Step::Field(name) => Some(Segment::Field(name)),
                Step::Index(index) => Some(Segment::Index(index)),
                Step::Entry(key) => Some(Segment::Entry(key.to_owned())),
            });
            next = path_to.parent;
        }
        steps.into_iter().rev().collect()
    }
}
