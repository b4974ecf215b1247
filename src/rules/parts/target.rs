//! A host that a VirtualService sends to, and the DestinationRules of it: looked up once for all its destinations.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use crate::cluster::View;
use crate::model::{DestinationRule, Host, Typed, VirtualService};
use crate::text::first_of;

/// A host that a VirtualService sends to.
pub struct Target<'a> {
    pub host: Host,
    /// In which it was looked up; it reads for the host.
    pub view: View<'a>,
    pub rules: Vec<Typed<'a, DestinationRule>>,
    /// The rules that define each subset.
    pub defining: HashMap<&'a str, Vec<Typed<'a, DestinationRule>>>,
    /// The subsets that the VirtualService sends to.
    sent_to: OnceCell<BTreeSet<&'a str>>,
    /// The same before the write; see [`Target::before`].
    before: OnceCell<Box<Target<'a>>>,
}

impl<'a> Target<'a> {
    pub fn of(service: Typed<'a, VirtualService>, view: &View<'a>, host: &str) -> Self {
        let host = view.resolve(host, service.meta.namespace());
        let view = view.about_host(&host);
        let rules = view.rules_governing(&host);
        let mut defining: HashMap<&str, Vec<Typed<'_, DestinationRule>>> = HashMap::new();
        for rule in &rules {
            for subset in &rule.body.subsets {
                let rules = defining.entry(&subset.name).or_default();
                if rules
                    .last()
                    .is_none_or(|last| last.meta.key != rule.meta.key)
                {
                    rules.push(*rule);
                }
            }
        }
        Self {
            host,
            view,
            rules,
            defining,
            sent_to: OnceCell::new(),
            before: OnceCell::new(),
        }
    }

    /// The same before the write that is laid over the view; `None` without a write.
    pub fn before(&self, service: Typed<'a, VirtualService>) -> Option<&Self> {
        let before = || Box::new(Self::of(service, &self.view.before(), self.host.as_str()));
        self.view
            .is_written()
            .then(|| &**self.before.get_or_init(before))
    }

    /// The subsets of the host that the VirtualService sends to.
    pub fn sent_to(&self, service: Typed<'a, VirtualService>) -> &BTreeSet<&'a str> {
        self.sent_to.get_or_init(|| {
            let namespace = service.meta.namespace();
            let destinations = service.body.destinations().map(|(_, to)| to);
            let same =
                destinations.filter(|to| self.view.resolve(&to.host, namespace) == self.host);
            same.map(|to| to.subset.as_str())
                .filter(|name| !name.is_empty())
                .collect()
        })
    }
}

/// The names of the rules, for messages.
pub fn keys(rules: &[Typed<'_, DestinationRule>]) -> String {
    let keys: Vec<String> = rules.iter().map(|rule| rule.meta.key.to_string()).collect();
    first_of(&keys, MAX_RULES)
}

/// How many DestinationRules a message names.
const MAX_RULES: usize = 3;
