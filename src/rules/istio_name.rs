//! A subset's name or label is none that Istio takes.
//!
//! ## What
//! A subset name, in a DestinationRule or in a VirtualService's destination or mirror, that is not 1 to 63
//! letters, digits and `-` with a letter or digit at both ends (capitals are fine), or a subset label
//! whose key or value is none of a Kubernetes label.
//!
//! ## Why
//! istiod refuses the object (`istioctl analyze`: IST0106).
//!
//! ## Example
//! ```yaml
//! subsets:
//! - {name: v1.2, labels: {version: "v1 beta"}}
//! ```
//!
//! ## Fix
//! Write `-` where a dot, an underscore or a space stands.

use super::parts::istio_names::{is_label, is_label_key, is_label_value};
use crate::field::Path;
use crate::model::{Body, DestinationRule, Key, Object, Subset, Typed, VirtualService};
use crate::verdict::{Findings, message};

rule!(RG506, Error, Any(check));

fn check(object: &Object, found: &mut Findings<'_>) {
    match &object.body {
        Body::VirtualService(service) => references(object.typed(service), found),
        Body::DestinationRule(rule) => subsets(object.typed(rule), found),
        _ => {}
    }
}

fn references(service: Typed<'_, VirtualService>, found: &mut Findings<'_>) {
    for (path, destination) in service.destinations() {
        name(
            &service.meta.key,
            path.field("subset"),
            &destination.subset,
            found,
        );
    }
}

fn subsets(rule: Typed<'_, DestinationRule>, found: &mut Findings<'_>) {
    for (index, subset) in rule.subsets.iter().enumerate() {
        let path = Path::spec(["subsets"]).index(index);
        name(&rule.meta.key, path.field("name"), &subset.name, found);
        labels(&rule.meta.key, &path.field("labels"), subset, found);
    }
}

/// An empty name is RG505's in a DestinationRule, and none in a VirtualService.
fn name(key: &Key, path: Path, name: &str, found: &mut Findings<'_>) {
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

fn labels(key: &Key, path: &Path, subset: &Subset, found: &mut Findings<'_>) {
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
