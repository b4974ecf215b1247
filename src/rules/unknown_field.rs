//! A manifest has a field that the API server drops.
//!
//! ## What
//! A Rollout, VirtualService or DestinationRule of `check` or `fix` has a field that its CRD does not have. The pod
//! template of a Rollout counts as well; `metadata`, `status` and fields that are null do not. The rule knows the CRDs
//! of one version of Istio, and those of Argo Rollouts since 1.7, of which `argoVersion` chooses one. The message names the
//! version. A webhook sees no such fields, because the API
//! server has dropped them before.
//!
//! ## Why
//! The API server stores the object without the field. `kubectl apply` refuses it, but Argo CD, Flux, Helm and `kubectl
//! --validate=false` say nothing: a misspelt `autoPromotionEnabled: false` promotes what nobody has approved.
//!
//! ## Example
//! ```yaml
//! strategy:
//!   canary:
//!     autoPromotionEnabled: false   # a field of `blueGreen`
//! ```
//!
//! ## Fix
//! Correct the name, move the field to where it belongs, or remove it. `fix --apply RG114` corrects a name that differs
//! from one field by one or two letters, or by capitals.

use super::parts::suggest::nearest;
use crate::cluster::{ArgoVersion, View};
use crate::field::{Path, Segment};
use crate::model::{AbsentIn, Kind, Object, UnknownField};
use crate::verdict::{Findings, Remedy, message};

rule!(RG114, Warning, Manifest(check));

/// The newest version of the controller whose CRD has other fields than the one before it.
const NEWEST_CHANGE: ArgoVersion = ArgoVersion(1, 9);

fn check(object: &Object, view: &View<'_>, found: &mut Findings<'_>) {
    let Some(unknown) = &object.unknown_fields else {
        return;
    };
    let argo = view.mesh().argo_version;
    let version = match object.key().kind {
        Kind::Rollout if argo < NEWEST_CHANGE => format!("Argo Rollouts {argo}"),
        _ => unknown.version.to_owned(),
    };
    let is_absent = |field: &&UnknownField| field.absent_in.contains((argo.0, argo.1));
    for field in unknown.listed.iter().filter(is_absent) {
        report(object, field, &version, found);
    }
    if unknown.more > 0 {
        let message = message!(
            "{} sets {} more fields that {} does not have",
            object.key(),
            unknown.more,
            version
        );
        found
            .warning(object.key(), Path::default(), message)
            .subject("more")
            .help("correct the first ones; the others are then reported");
    }
}

fn report(object: &Object, field: &UnknownField, version: &str, found: &mut Findings<'_>) {
    let (key, name) = (object.key(), &field.name);
    let path = field.parent.with(Segment::Unknown(name.clone()));
    let set = message!("{key} sets `{name}`");
    let set = match field.parent.segments() {
        [] => set.text(" beside `spec`"),
        _ => set.in_field(&field.parent),
    };
    let message = set.text(format!(
        ", which {version} does not have there: the API server drops it"
    ));
    let right = right_name(field).filter(|_| field.absent_in == AbsentIn::All);
    let help = match (field.absent_in, right, &field.elsewhere) {
        (AbsentIn::Before((major, minor)), ..) => {
            format!("Argo Rollouts {major}.{minor} has it: upgrade the CRD, or remove it")
        }
        (_, Some(right), _) => format!("did you mean `{right}`?"),
        (_, _, Some(place)) => format!("move it to `{place}`, or remove it"),
        _ => "correct the name or the indentation, or remove it".to_owned(),
    };
    let finding = found.warning(key, path.clone(), message);
    finding.subject(path.to_string()).help(help);
    if let Some(right) = right {
        finding.remedy(Remedy::Rename(key.clone(), path, right.to_owned()));
    }
}

/// The field that the name was probably meant to be.
fn right_name(field: &UnknownField) -> Option<&'static str> {
    let mut absent = field.absent.iter().copied();
    let same = absent.find(|known| known.eq_ignore_ascii_case(&field.name));
    same.or_else(|| nearest(&field.name, field.absent.iter().copied()))
}
