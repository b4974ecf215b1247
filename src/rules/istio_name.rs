//! The name or a label of a subset is not valid.
//!
//! ## What
//! A subset name, in a DestinationRule or in a destination or mirror of a VirtualService, must have 1 to 63 letters,
//! digits and `-`, with a letter or digit at both ends (capitals are valid). A label of a subset must have a valid
//! Kubernetes label key and value.
//!
//! ## Why
//! istiod rejects the object (`istioctl analyze`: IST0106).
//!
//! ## Example
//! ```yaml
//! subsets:
//! - {name: v1.2, labels: {version: "v1 beta"}}
//! ```
//!
//! ## Fix
//! Replace dots, underscores and spaces by `-`.

use super::parts::istio_names::{is_label, is_label_key, is_label_value};
use crate::field::Path;
use crate::model::{Body, DestinationRule, Key, Object, Subset, Typed, VirtualService};
use crate::verdict::{Findings, message};

rule!(RG506, Error, Any(check));

fn check(object: &Object, found: &mut Findings<'_>) {
    match &object.body {
        Body::VirtualService(service) => check_references(object.typed(service), found),
        Body::DestinationRule(rule) => check_subsets(object.typed(rule), found),
        _ => {}
    }
}

fn check_references(service: Typed<'_, VirtualService>, found: &mut Findings<'_>) {
    for (path, destination) in service.destinations() {
        check_name(
            &service.meta.key,
            path.field("subset"),
            &destination.subset,
            found,
        );
    }
}

fn check_subsets(rule: Typed<'_, DestinationRule>, found: &mut Findings<'_>) {
    for (index, subset) in rule.subsets.iter().enumerate() {
        let path = Path::spec(["subsets"]).index(index);
        check_name(&rule.meta.key, path.field("name"), &subset.name, found);
        check_labels(&rule.meta.key, &path.field("labels"), subset, found);
    }
}

/// An empty name is no subset in a VirtualService. RG505 reports it in a DestinationRule.
fn check_name(key: &Key, path: Path, name: &str, found: &mut Findings<'_>) {
    if name.is_empty() || is_label(name) {
        return;
    }
    let message = message!("{key} names subset `{name}`")
        .in_field(&path)
        .text(", which is not a valid subset name (IST0106)");
    found
        .error(key, path, message)
        .subject(name)
        .help("write 1 to 63 letters, digits and `-`, with a letter or digit at both ends");
}

fn check_labels(key: &Key, path: &Path, subset: &Subset, found: &mut Findings<'_>) {
    for (label, value) in subset.labels.iter().flatten() {
        let fault = match (is_label_key(label), is_label_value(value)) {
            (true, true) => continue,
            (false, _) => "key",
            (true, false) => "value",
        };
        let path = path.entry(label);
        let message = message!(
            "{key} selects subset `{}` by the label `{label}: {value}`",
            subset.name
        )
        .in_field(&path)
        .text(format!(", whose {fault} is not valid (IST0106)"));
        found
            .error(key, path, message)
            .subject(format!("{} {label}", subset.name))
            .help(
                "write letters, digits, `-`, `_` and `.`, with a letter or digit at both ends; a key's \
                 name has at most 63 and may follow a DNS name and `/`",
            );
    }
}
