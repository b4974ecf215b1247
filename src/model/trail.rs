//! How a reader came to a value: links on the stack, of which a path is made only when it is needed.

use crate::field::{Path, Segment};

#[derive(Clone, Copy)]
pub(super) struct Trail<'a> {
    pub parent: Option<&'a Trail<'a>>,
    pub step: Step<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Root,
    Field(&'static str),
    Index(usize),
    Entry(&'a str),
}

impl Trail<'_> {
    pub fn path(&self) -> Path {
        let mut steps = Vec::new();
        let mut next = Some(self);
        while let Some(trail) = next {
            steps.extend(match trail.step {
                Step::Root => None,
                Step::Field(name) => Some(Segment::Field(name)),
                Step::Index(index) => Some(Segment::Index(index)),
                Step::Entry(key) => Some(Segment::Entry(key.to_owned())),
            });
            next = trail.parent;
        }
        steps.into_iter().rev().collect()
    }
}
