//! The Rollouts controller: as which user it writes, its version, and the version of Istio's objects that it asks for.

use serde_json::Value;

use super::deployment::{flag, ready_replicas, user, version};
use super::fact::{Fact, Level};
use super::inventory::Inventory;
use super::reader::full_name;
use crate::cluster::ArgoVersion;
use crate::model::Kind;

const TOPIC: &str = "controller";
/// What the controller asks for without `--istio-api-version`.
const DEFAULT_ISTIO_VERSION: &str = "v1alpha3";

pub(super) fn facts(inventory: &Inventory) -> Vec<Fact> {
    match &inventory.controllers {
        Err(error) => vec![Fact::unread(TOPIC, "Deployments", error)],
        Ok(controllers) if controllers.is_empty() => vec![absent(inventory)],
        Ok(controllers) => {
            let facts = controllers.iter().flat_map(|controller| {
                let of_istio = istio_version(controller, inventory);
                let facts = [
                    Some(identity(controller, inventory)),
                    Some(argo_version(controller, inventory)),
                    of_istio,
                    not_ready(controller),
                ];
                facts.into_iter().flatten()
            });
            facts.collect()
        }
    }
}

fn absent(inventory: &Inventory) -> Fact {
    let users = inventory.settings.controller_users.join("`, `");
    let fact = "no Deployment runs the Rollouts controller";
    let meaning = format!("whether it writes as `{users}` (`controllerUsers`) is not known");
    Fact::new(Level::Warning, TOPIC, fact, meaning).advise(
        "compare `controllerUsers` (chart value `controller.users`) with the account of the controller that serves this \
         cluster",
    )
}

fn identity(controller: &Value, inventory: &Inventory) -> Fact {
    let user = user(controller);
    let name = full_name(controller);
    if inventory.settings.controller_users.contains(&user) {
        let fact = format!("the controller of Deployment {name} writes as `{user}`");
        let meaning =
            "`controllerUsers` lists this user: its writes are neither denied nor changed";
        return Fact::new(Level::Ok, TOPIC, fact, meaning);
    }
    let fact = format!(
        "the controller of Deployment {name} writes as `{user}`, which `controllerUsers` does not list"
    );
    let meaning = "its writes are exempt by their field manager at best, else judged and changed like a person's";
    let advice = format!("set `controllerUsers: [\"{user}\"]` (chart value `controller.users`)");
    Fact::new(Level::Error, TOPIC, fact, meaning).advise(advice)
}

fn argo_version(controller: &Value, inventory: &Inventory) -> Fact {
    let topic = "argo-version";
    let (written, set) = (version(controller), inventory.settings.mesh.argo_version);
    let name = full_name(controller);
    let Some(runs) = ArgoVersion::parse(written) else {
        let fact = format!(
            "the version of the controller of Deployment {name} cannot be read from its image"
        );
        let meaning = format!("whether `argoVersion` {set} is right is not known");
        return Fact::new(Level::Unknown, topic, fact, meaning)
            .advise("set `argoVersion` to the version that `rollouts-controller version` prints");
    };
    let fact = format!("Deployment {name} runs Argo Rollouts {written}; `argoVersion` is {set}");
    if runs == set {
        let meaning = "the rules mirror this controller";
        return Fact::new(Level::Ok, topic, fact, meaning);
    }
    if runs > ArgoVersion::NEWEST && set == ArgoVersion::NEWEST {
        let meaning =
            format!("{set} is the newest version whose behaviour this rollout-guard knows");
        return Fact::new(Level::Note, topic, fact, meaning)
            .advise("look for a newer rollout-guard");
    }
    let known = runs.min(ArgoVersion::NEWEST);
    let meaning =
        "the rules mirror another controller than the one that runs (docs/argo-versions.md)";
    Fact::new(Level::Warning, topic, fact, meaning)
        .advise(format!("set `argoVersion: \"{known}\"`"))
}

/// Silent where Istio is not installed.
fn istio_version(controller: &Value, inventory: &Inventory) -> Option<Fact> {
    let served = inventory.versions(Kind::VirtualService.group());
    let asked = flag(controller, "--istio-api-version").unwrap_or(DEFAULT_ISTIO_VERSION);
    let listed = served.join(", ");
    if served.is_empty() {
        return None;
    }
    let fact =
        format!("the controller reads and writes Istio's objects as {asked}; served are {listed}");
    if served.contains(&asked) {
        let meaning = "it reaches VirtualServices and DestinationRules";
        return Some(Fact::new(Level::Ok, TOPIC, fact, meaning));
    }
    let newest = served.first()?;
    let meaning = "it can turn no weights";
    let advice = format!("start the controller with `--istio-api-version {newest}`");
    Some(Fact::new(Level::Error, TOPIC, fact, meaning).advise(advice))
}

fn not_ready(controller: &Value) -> Option<Fact> {
    let name = full_name(controller);
    (ready_replicas(controller) == 0).then(|| {
        let fact = format!("no pod of Deployment {name} is ready");
        let meaning =
            "no release proceeds, and the values that rollout-guard keeps stay as they are";
        let advice = format!("see `kubectl describe deployment` of {name}");
        Fact::new(Level::Warning, TOPIC, fact, meaning).advise(advice)
    })
}
