//! One line of a report in the form that all formats for programs share: a finding, or an object or a key that stands
//! twice.

use std::collections::HashMap;

use super::findings::{Duplicates, Report, Reported};
use crate::files::manifests::{Document, File, Manifests};
use crate::model::Key;
use crate::source::{KeyNode, Span};
use crate::verdict::Severity;

/// The codes of what no rule finds, with what each is about.
pub const NO_RULES: [(&str, &str); 2] = [
    ("duplicate-object", "An object is defined twice."),
    ("duplicate-key", "A key stands twice in a mapping."),
];

pub struct Entry<'a> {
    /// A rule's code, or one of [`NO_RULES`].
    pub code: &'static str,
    /// The rule's name, or the code again.
    pub rule: &'static str,
    pub severity: Severity,
    pub object: &'a Key,
    pub field: String,
    pub message: String,
    pub help: &'a str,
    /// `None` for a live cluster.
    pub file: Option<&'a File>,
    pub span: Span,
    /// What identifies it, wherever its lines move.
    pub fingerprint: String,
}

impl<'a> Entry<'a> {
    /// Its lines, unless the file at its path has others, or there is no file.
    pub fn lines(&self) -> Option<Span> {
        let file = self.file?;
        (!file.is_rendered).then_some(self.span)
    }

    /// The message and, of text that a tool rendered, the line in it.
    pub fn text(&self) -> String {
        let is_rendered = self.file.is_some_and(|file| file.is_rendered);
        let line = self.span.start.line;
        let place = if is_rendered {
            format!(" (line {line} of what is rendered)")
        } else {
            String::new()
        };
        format!("{}{place}", self.message)
    }

    fn of(reported: &'a Reported<'_>) -> Self {
        let finding = &reported.finding;
        Self {
            code: finding.rule.code,
            rule: finding.rule.name,
            severity: finding.severity,
            object: &finding.object,
            field: finding.path.to_string(),
            message: finding.message.to_string(),
            help: &finding.help,
            file: reported.file,
            span: reported.span,
            fingerprint: fingerprint(finding.rule.code, &finding.object, &finding.subject),
        }
    }

    fn of_duplicates(pair: &Duplicates<'a>, manifests: &'a Manifests) -> Self {
        let first = manifests.file(pair.first.earlier);
        let first = first.map_or("", |file| file.name.as_str());
        let line = pair.first.earlier.span.start.line;
        let (subject, effect) = (pair.subject(), pair.effect());
        Self {
            field: "metadata.name".to_owned(),
            message: format!("{subject}, first in {first}:{line}; {effect}"),
            span: pair.first.later.span,
            ..Self::of_file("duplicate-object", "", pair.first.later, manifests)
        }
    }

    /// Of a key that stands twice the last counts, as for kubectl.
    fn of_repeated_key(document: &'a Document, key: &'a KeyNode, manifests: &'a Manifests) -> Self {
        let text = &key.text;
        Self {
            field: text.clone(),
            message: format!("the key `{text}` stands here twice; the last one counts"),
            span: key.span,
            ..Self::of_file("duplicate-key", text, document, manifests)
        }
    }

    fn of_file(
        code: &'static str,
        subject: &str,
        document: &'a Document,
        manifests: &'a Manifests,
    ) -> Self {
        let object = document.object.key();
        Self {
            code,
            rule: code,
            severity: Severity::Warning,
            object,
            field: String::new(),
            message: String::new(),
            help: "drop one of the two",
            file: manifests.file(document),
            span: Span::default(),
            fingerprint: fingerprint(code, object, subject),
        }
    }
}

/// All of a report: what stands twice, then the findings.
pub fn entries<'a>(report: &'a Report<'_>) -> Vec<Entry<'a>> {
    let mut entries = Vec::new();
    if let Some(manifests) = report.manifests {
        let pairs = report.duplicates.iter();
        entries.extend(pairs.map(|pair| Entry::of_duplicates(pair, manifests)));
        let keys = report.repeated_keys.iter();
        entries
            .extend(keys.map(|(document, key)| Entry::of_repeated_key(document, key, manifests)));
    }
    entries.extend(report.findings.iter().map(Entry::of));
    number_equal_fingerprints(&mut entries);
    entries
}

/// Keeps the entries of a report for which `keep` is true.
pub fn retain(report: &mut Report<'_>, keep: impl Fn(&Entry<'_>) -> bool) {
    let kept: Vec<bool> = entries(report).iter().map(keep).collect();
    let mut kept = kept.into_iter();
    let mut next = || kept.next().unwrap_or(true);
    // In the order of the entries.
    report.duplicates.retain(|_| next());
    report.repeated_keys.retain(|_| next());
    report.findings.retain(|_| next());
}

/// A second entry of the same identity gets a fingerprint of its own.
fn number_equal_fingerprints(entries: &mut [Entry<'_>]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for entry in entries {
        let count = seen.entry(entry.fingerprint.clone()).or_default();
        *count += 1;
        if *count > 1 {
            entry.fingerprint = format!("{}-{count}", entry.fingerprint);
        }
    }
}

/// A hash of rule, object and subject. FNV-1a: the same in every version and on every machine.
fn fingerprint(code: &str, object: &Key, subject: &str) -> String {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    // No name of an object has a line end.
    let text = format!("{code}\n{object}\n{subject}");
    let hash = text.bytes().fold(OFFSET, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    });
    format!("{hash:032x}")
}
