//! Hosts and wildcards, indexed so that what covers a host is found without comparing all pairs.

use std::collections::{BTreeSet, HashSet};

pub struct HostSet<'a> {
    exact: HashSet<&'a str>,
    /// What follows the `*` of each wildcard.
    suffixes: HashSet<&'a str>,
    /// The lengths that there are among them.
    suffix_lengths: BTreeSet<usize>,
}

impl<'a> HostSet<'a> {
    pub fn of(hosts: impl Iterator<Item = &'a str> + Clone) -> Self {
        let suffixes = hosts.clone().filter_map(|host| host.strip_prefix('*'));
        let suffixes: HashSet<&str> = suffixes.collect();
        Self {
            exact: hosts.filter(|host| !host.starts_with('*')).collect(),
            suffix_lengths: suffixes.iter().map(|suffix| suffix.len()).collect(),
            suffixes,
        }
    }

    pub fn covers(&self, host: &str) -> bool {
        let end = host.strip_prefix('*').unwrap_or(host);
        self.exact.contains(host) || self.suffix_of(end).is_some()
    }

    /// The longest wildcard that covers names with this end, without its `*`.
    pub fn suffix_of<'b>(&self, end: &'b str) -> Option<&'b str> {
        let lengths = self.suffix_lengths.iter().rev();
        let mut ends = lengths.filter_map(|length| end.get(end.len().checked_sub(*length)?..));
        ends.find(|end| self.suffixes.contains(end))
    }
}
