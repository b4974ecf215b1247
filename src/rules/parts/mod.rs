//! What several rules are made of: how messages list and locate, what names and durations are valid, how
//! labels and references compare. No rule is here.

pub(super) mod dns;
pub(super) mod duration;
pub(super) mod fault;
pub(super) mod label;
pub(super) mod label_syntax;
pub(super) mod pair;
pub(super) mod place;
pub(super) mod pods;
pub(super) mod retarget;
pub(super) mod suggest;
