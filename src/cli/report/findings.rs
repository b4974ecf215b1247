//! The findings of a check, as they are reported.

use std::collections::BTreeMap;

use crate::files::Error;
use crate::files::manifests::{Document, Duplicate, File, Manifests};
use crate::source::{KeyNode, Span};
use crate::verdict::{Finding, Severity};

/// The result of a check.
pub struct Report<'a> {
    /// In the order of files and lines; for a live cluster, of objects.
    pub findings: Vec<Reported<'a>>,
    pub duplicates: Vec<Duplicates<'a>>,
    /// The keys that stand twice in a mapping of an object.
    pub repeated_keys: Vec<(&'a Document, &'a KeyNode)>,
    /// What is not judged, and why.
    pub notes: Vec<String>,
    /// `None` for a live cluster.
    pub manifests: Option<&'a Manifests>,
    /// The number of objects of a kind that rules read.
    pub objects: usize,
}

/// A finding and its position.
pub struct Reported<'a> {
    pub finding: Finding,
    pub file: Option<&'a File>,
    pub file_index: usize,
    pub span: Span,
}

/// The keys that stand twice in a mapping of an object.
pub fn repeated_keys(manifests: &Manifests) -> Vec<(&Document, &KeyNode)> {
    let documents = manifests.documents.iter();
    let keys = documents.flat_map(|document| {
        let keys = document.repeated_keys.iter();
        keys.map(move |key| (document, key))
    });
    keys.collect()
}

/// The objects that one pair of files defines twice.
pub struct Duplicates<'a> {
    pub first: Duplicate<'a>,
    /// How many more there are.
    pub more: usize,
    /// Two definitions of an object differ.
    pub differ: bool,
}

impl<'a> Duplicates<'a> {
    /// Those of the manifests, by pairs of files.
    pub fn of(duplicates: &[Duplicate<'a>]) -> Vec<Self> {
        let mut pairs: BTreeMap<(usize, usize), Self> = BTreeMap::new();
        for duplicate in duplicates {
            let files = (duplicate.later.file, duplicate.earlier.file);
            let differ = duplicate.differs();
            pairs
                .entry(files)
                .and_modify(|pair| {
                    pair.more += 1;
                    pair.differ |= differ;
                })
                .or_insert(Self {
                    first: *duplicate,
                    more: 0,
                    differ,
                });
        }
        pairs.into_values().collect()
    }

    /// What is defined twice.
    pub fn subject(&self) -> String {
        let key = self.first.later.object.key();
        let differ = if self.differ {
            " with different content"
        } else {
            ""
        };
        match self.more {
            0 => format!("{key} is defined twice{differ}"),
            more => format!("{key} and {more} more are defined twice{differ}"),
        }
    }

    /// What follows from it.
    pub fn effect(&self) -> &'static str {
        match (self.more, self.differ) {
            (0, false) => "the later one counts",
            (0, true) => "the later one counts, and findings that depend on it are warnings",
            (_, false) => "the later ones count",
            (_, true) => "the later ones count, and findings that depend on them are warnings",
        }
    }
}

impl<'a> Report<'a> {
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning) + self.duplicates.len() + self.repeated_keys.len()
    }

    /// The files that cannot be used.
    pub fn unreadable(&self) -> &'a [Error] {
        self.manifests
            .map_or(&[], |manifests| &manifests.unreadable)
    }

    /// Some input could not be used.
    pub fn is_partial(&self) -> bool {
        !self.unreadable().is_empty()
    }

    /// Why there is nothing to judge.
    pub fn why_empty(&self) -> &'static str {
        let files = self.manifests.map(|manifests| manifests.files.len());
        if files == Some(0) {
            "there is no .yaml, .yml or .json file to judge"
        } else {
            "there is no object of a kind that rules read"
        }
    }

    fn count(&self, severity: Severity) -> usize {
        let findings = self.findings.iter();
        findings
            .filter(|reported| reported.finding.severity == severity)
            .count()
    }
}
