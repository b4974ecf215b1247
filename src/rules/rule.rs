//! What a rule is. The kind it applies to is the type of its function, its name that of its file.

use crate::cluster::{Flow, View};
use crate::model::{DestinationRule, Kind, Object, Typed, VirtualService, Write};
use crate::verdict::{Findings, RuleId};

/// One rule of the catalogue.
#[derive(Clone, Copy)]
pub struct Rule {
    pub id: RuleId,
    pub level: Level,
    /// The kinds it looks at beside the one it applies to.
    pub reads: &'static [Kind],
    pub check: Check,
    /// The text of its file, for the documentation at its top.
    pub source: &'static str,
}

/// How bad the rule's findings can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Error,
    Warning,
    /// Either, as its documentation says.
    Both,
}

/// A rule's function: pure, and typed by the object that owns the reference.
#[derive(Clone, Copy)]
pub enum Check {
    Rollout(fn(&Flow<'_>, &mut Findings<'_>)),
    VirtualService(fn(Typed<'_, VirtualService>, &View<'_>, &mut Findings<'_>)),
    DestinationRule(fn(Typed<'_, DestinationRule>, &View<'_>, &mut Findings<'_>)),
    /// Any kind, without looking at others.
    Any(fn(&Object, &mut Findings<'_>)),
    /// What stands between writes: for `check` and the audit alone, because a review may come between two
    /// writes of the controller.
    Standing(fn(&Flow<'_>, &mut Findings<'_>)),
    /// The write itself; the view is the cluster before it.
    Write(fn(&Write, &View<'_>, &mut Findings<'_>)),
}

impl Rule {
    /// The documentation: the `//!` lines of its file, in Markdown.
    pub fn documentation(&self) -> String {
        let lines = self.source.lines();
        let docs = lines.map_while(|line| line.strip_prefix("//!"));
        let lines: Vec<&str> = docs.map(|l| l.strip_prefix(' ').unwrap_or(l)).collect();
        lines.join("\n")
    }

    /// The first line of the documentation: what holds when the rule speaks.
    pub fn summary(&self) -> &'static str {
        let first = self.source.lines().next().unwrap_or_default();
        first.trim_start_matches("//!").trim()
    }
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Both => "error or warning",
        }
    }
}

/// Declares `RULE` for the file it stands in: code, level, kind, the kinds it reads, its file.
macro_rules! rule {
    ($code:ident, $level:ident, $kind:ident, reads $reads:expr, $file:literal) => {
        /// This rule's entry in the catalogue.
        pub const RULE: $crate::rules::Rule = {
            const STEM: &str = $crate::rules::rule::stem(module_path!());
            const NAME: [u8; STEM.len()] = $crate::rules::rule::kebab(STEM);
            $crate::rules::Rule {
                id: $crate::verdict::RuleId {
                    code: stringify!($code),
                    name: match std::str::from_utf8(&NAME) {
                        Ok(name) => name,
                        Err(_) => STEM,
                    },
                },
                level: $crate::rules::Level::$level,
                reads: $reads,
                check: $crate::rules::Check::$kind(check),
                source: include_str!($file),
            }
        };
    };
}

/// The last segment of a module's path.
#[allow(clippy::indexing_slicing)] // evaluated by the compiler, where a panic is a build error
pub(super) const fn stem(module: &str) -> &str {
    let bytes = module.as_bytes();
    let mut start = bytes.len();
    while start > 0 && bytes[start - 1] != b':' {
        start -= 1;
    }
    module.split_at(start).1
}

/// `route_not_found` as `route-not-found`.
#[allow(clippy::indexing_slicing)] // evaluated by the compiler, where a panic is a build error
pub(super) const fn kebab<const N: usize>(stem: &str) -> [u8; N] {
    let mut name = [0; N];
    let mut at = 0;
    while at < N {
        let byte = stem.as_bytes()[at];
        name[at] = if byte == b'_' { b'-' } else { byte };
        at += 1;
    }
    name
}
