//! The way from each setup to each other one: an order of writes that the guard lets through, in one commit or two.
//! `docs/migrations.md` is what the search finds.

use std::collections::{BTreeMap, BTreeSet};

use rollout_guard::model::{Key, Kind};
use rollout_guard::verdict::Severity;
use serde_json::Value;

use crate::expected;
use crate::guarded::{Guarded, key_of};
use crate::migration_page::page;
use crate::setups::{Setup, setups};
use crate::united::united;

#[test]
fn every_setup_can_become_every_other_one_in_two_commits() {
    let setups = setups();
    let mut ways = BTreeMap::new();
    for from in &setups {
        for to in setups.iter().filter(|to| to.name != from.name) {
            let way = Search::new(from, to).way();
            ways.insert((from.name.clone(), to.name.clone()), way);
        }
    }
    let stuck = ways
        .iter()
        .filter(|(_, way)| way.by_hand.is_none() && way.by_tool.is_none());
    let stuck: Vec<String> = stuck
        .map(|((from, to), _)| format!("{from} to {to}"))
        .collect();
    assert!(stuck.is_empty(), "no way: {stuck:#?}");
    expected::file("docs/migrations.md", &page(&setups, &ways));
}

/// The ways from one setup to another, in one commit or two.
#[derive(Default)]
pub struct Way {
    /// Each commit in the order of the tools.
    pub by_tool: Option<Vec<Vec<Step>>>,
    /// Each commit in an order of its own, where the tools need two commits or have no way.
    pub by_hand: Option<Vec<Vec<Step>>>,
}

/// One write of a whole object.
#[derive(Clone)]
pub struct Step {
    pub key: Key,
    pub what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum What {
    Create,
    Change,
    Delete,
    /// The object with what both setups have in it.
    Unite,
}

/// An object that differs between the two setups.
struct Difference {
    key: Key,
    before: Option<Value>,
    after: Option<Value>,
    /// What it is between the commits, if that is neither.
    both: Option<Value>,
}

/// What a commit does with an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Nothing,
    /// It becomes what it is in the other setup.
    All,
    /// It becomes what both setups need.
    Both,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Tool,
    Any,
}

struct Search {
    start: Guarded,
    differences: Vec<Difference>,
}

impl Search {
    fn new(from: &Setup, to: &Setup) -> Self {
        let (before, after) = (by_key(from), by_key(to));
        let keys: BTreeSet<&Key> = before.keys().chain(after.keys()).collect();
        let differing = keys
            .into_iter()
            .filter(|key| before.get(*key) != after.get(*key));
        let mut differences: Vec<Difference> = differing
            .map(|key| Difference::of(key, before.get(key), after.get(key)))
            .collect();
        let second = differences.iter().find_map(Difference::second_rule);
        differences.extend(second);
        differences.sort_by_key(Difference::place);
        Self {
            start: Guarded::of(from.objects.clone()),
            differences,
        }
    }

    fn way(&self) -> Way {
        let by_tool = self.in_one_commit(Order::Tool);
        if by_tool.is_some() {
            return Way {
                by_tool,
                by_hand: None,
            };
        }
        let by_tool = self.in_two_commits(Order::Tool);
        let mut by_hand = self.in_one_commit(Order::Any);
        if by_hand.is_none() && by_tool.is_none() {
            by_hand = self.in_two_commits(Order::Any);
        }
        Way { by_tool, by_hand }
    }

    fn in_one_commit(&self, order: Order) -> Option<Vec<Vec<Step>>> {
        let (guarded, steps) = self.commit(&self.start, &self.rest(&[]), order)?;
        guarded.findings().is_empty().then(|| vec![steps])
    }

    /// Two commits with no error between them. What adds comes first.
    fn in_two_commits(&self, order: Order) -> Option<Vec<Vec<Step>>> {
        let options: Vec<Vec<Part>> = self.differences.iter().map(Difference::options).collect();
        let mut choices: Vec<Vec<usize>> = vec![Vec::new()];
        for option in &options {
            let longer = choices
                .iter()
                .flat_map(|choice| (0..option.len()).map(|at| [choice.as_slice(), &[at]].concat()));
            choices = longer.collect();
        }
        choices.sort_by_key(|choice| choice.iter().sum::<usize>());
        choices.iter().find_map(|choice| {
            let pairs = choice.iter().zip(&options);
            let first: Vec<Part> = pairs.map(|(at, option)| option[*at]).collect();
            self.try_two(&first, order)
        })
    }

    fn try_two(&self, first: &[Part], order: Order) -> Option<Vec<Vec<Step>>> {
        let (between, one) = self.commit(&self.start, first, order)?;
        let findings = between.findings();
        if findings.iter().any(|it| it.severity == Severity::Error) {
            return None;
        }
        let (end, two) = self.commit(&between, &self.rest(first), order)?;
        end.findings().is_empty().then(|| vec![one, two])
    }

    /// What is left to do after the first commit.
    fn rest(&self, first: &[Part]) -> Vec<Part> {
        let left = self.differences.iter().enumerate().map(|(at, difference)| {
            let done = first.get(at).copied().unwrap_or(Part::Nothing);
            let is_never = difference.before.is_none() && difference.after.is_none();
            match done {
                Part::All => Part::Nothing,
                Part::Nothing if is_never => Part::Nothing,
                Part::Nothing | Part::Both => Part::All,
            }
        });
        left.collect()
    }

    /// The writes of one commit; `None` if one is denied, in any order where that is free.
    fn commit(
        &self,
        start: &Guarded,
        parts: &[Part],
        order: Order,
    ) -> Option<(Guarded, Vec<Step>)> {
        let parts = parts.iter().enumerate();
        let writes = parts.filter(|(_, part)| **part != Part::Nothing);
        let writes: Vec<(usize, Part)> = writes.map(|(at, part)| (at, *part)).collect();
        let mut dead = BTreeSet::new();
        let mut done = Vec::new();
        let guarded = self.go_on(start, &writes, order, &mut done, &mut dead)?;
        let steps = done
            .iter()
            .map(|at| self.differences[writes[*at].0].step(writes[*at].1));
        Some((guarded, steps.collect()))
    }

    fn go_on(
        &self,
        guarded: &Guarded,
        writes: &[(usize, Part)],
        order: Order,
        done: &mut Vec<usize>,
        dead: &mut BTreeSet<BTreeSet<usize>>,
    ) -> Option<Guarded> {
        let set: BTreeSet<usize> = done.iter().copied().collect();
        if done.len() == writes.len() {
            return Some(guarded.clone());
        }
        let mut open = (0..writes.len())
            .filter(|at| !set.contains(at))
            .collect::<Vec<_>>();
        if dead.contains(&set) {
            open.clear();
        }
        if order == Order::Tool {
            open.truncate(1);
        }
        for at in open {
            let (difference, part) = writes[at];
            let mut next = guarded.clone();
            if !self.differences[difference].write(&mut next, part) {
                continue;
            }
            done.push(at);
            if let Some(end) = self.go_on(&next, writes, order, done, dead) {
                return Some(end);
            }
            done.pop();
        }
        dead.insert(set);
        None
    }
}

impl Difference {
    fn of(key: &Key, before: Option<&Value>, after: Option<&Value>) -> Self {
        let pair = before.zip(after);
        Self {
            key: key.clone(),
            both: pair.and_then(|(before, after)| united(key.kind, before, after)),
            before: before.cloned(),
            after: after.cloned(),
        }
    }

    /// A second DestinationRule of the host with the subsets of the other setup, which exists between the commits alone.
    fn second_rule(&self) -> Option<Self> {
        let is_rule = self.key.kind == Kind::DestinationRule && self.before.is_some();
        let mut rule = self.after.clone().filter(|_| is_rule)?;
        rule["metadata"]["name"] = format!("{}-next", self.key.name).into();
        Some(Self {
            key: key_of(&rule),
            before: None,
            after: None,
            both: Some(rule),
        })
    }

    /// Whether the guard lets the write through.
    fn write(&self, guarded: &mut Guarded, part: Part) -> bool {
        let object = match part {
            Part::Both => &self.both,
            Part::All | Part::Nothing => &self.after,
        };
        let said = match object {
            Some(object) => guarded.apply(object.clone()),
            None => guarded.delete(&self.key),
        };
        said.denials.is_empty()
    }

    fn step(&self, part: Part) -> Step {
        let what = match (&self.before, &self.after, part) {
            (Some(_), _, Part::Both) => What::Unite,
            (None, Some(_), _) | (None, None, Part::Both) => What::Create,
            (_, None, _) => What::Delete,
            _ => What::Change,
        };
        Step {
            key: self.key.clone(),
            what,
        }
    }

    /// Where Helm, Flux and Argo CD apply it: built-in kinds, then custom ones by name, and what is gone at the end.
    fn place(&self) -> (bool, u8, Key) {
        let rank = match self.key.kind {
            Kind::Service => 0,
            Kind::DestinationRule => 2,
            Kind::Rollout => 3,
            Kind::VirtualService => 4,
            _ => 1,
        };
        let is_gone = self.before.is_some() && self.after.is_none();
        (
            is_gone,
            if is_gone { 9 - rank } else { rank },
            self.key.clone(),
        )
    }

    /// What the first commit may do with it, best first.
    fn options(&self) -> Vec<Part> {
        match (&self.before, &self.after, &self.both) {
            (None, None, _) => vec![Part::Nothing, Part::Both],
            (None, ..) if self.key.kind != Kind::Rollout => vec![Part::All, Part::Nothing],
            (_, _, Some(_)) => vec![Part::Both, Part::All, Part::Nothing],
            _ => vec![Part::Nothing, Part::All],
        }
    }
}

fn by_key(setup: &Setup) -> BTreeMap<Key, Value> {
    let objects = setup.objects.iter();
    objects
        .map(|object| (key_of(object), object.clone()))
        .collect()
}
