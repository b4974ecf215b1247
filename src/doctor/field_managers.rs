//! Field managers: whether the controller writes as `controllerManager` says, and who else owns the fields that it
//! writes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::fact::{Fact, Level};
use super::inventory::Inventory;
use super::reader::{Read, Reader};
use crate::managed_fields::{SHARED, is_applied_by_another, owns_part, part_owners};
use crate::model::{HASH_LABEL, Kind, MANAGED_BY};
use crate::text::first_of;

const TOPIC: &str = "field-managers";
const MAX_NAMES: usize = 6;
/// The mutation by which the controller gives up fields that others apply.
const GIVES_UP: &str = "shared-ownership";

/// What managedFields show.
struct Seen<'a> {
    controller: &'a str,
    /// The number of Rollouts whose status a manager writes.
    status: BTreeMap<String, usize>,
    /// The number of objects in which a manager owns a list or selector that the controller writes too.
    shared: BTreeMap<String, usize>,
    /// How many objects somebody applies server-side while the controller owns such a field.
    contested: usize,
}

pub(super) async fn facts(reader: &Reader, inventory: &Inventory) -> Vec<Fact> {
    let mut seen = Seen {
        controller: &inventory.settings.mesh.controller_manager,
        status: BTreeMap::new(),
        shared: BTreeMap::new(),
        contested: 0,
    };
    if let Err(error) = seen.read(reader, inventory).await {
        return vec![Fact::unread(TOPIC, "managedFields", &error)];
    }
    let mut facts = vec![seen.controller_fact()];
    facts.extend(seen.owners_fact());
    facts.extend(seen.contested_fact(inventory));
    facts
}

impl Seen<'_> {
    async fn read(&mut self, reader: &Reader, inventory: &Inventory) -> Read<()> {
        let rollouts = "/apis/argoproj.io/v1alpha1/rollouts";
        let status = &mut self.status;
        reader
            .each(rollouts, |rollout| {
                count(status, part_owners(rollout, ["status"]));
            })
            .await?;
        let istio = Kind::VirtualService.group();
        let version = inventory.versions(istio).first().copied().unwrap_or("v1");
        for kind in [Kind::VirtualService, Kind::DestinationRule] {
            let path = format!("/apis/{istio}/{version}/{}", kind.plural());
            reader.each(&path, |object| self.add(object)).await?;
        }
        let services = |service: &Value| {
            let hash = service
                .pointer("/spec/selector")
                .and_then(|labels| labels.get(HASH_LABEL));
            let annotations = service.pointer("/metadata/annotations");
            let managed = annotations.and_then(|all| all.get(MANAGED_BY));
            if hash.or(managed).is_some() {
                self.add(service);
            }
        };
        reader.each("/api/v1/services", services).await
    }

    fn add(&mut self, object: &Value) {
        let lists = SHARED.map(|list| part_owners(object, ["spec", list]));
        count(&mut self.shared, lists.into_iter().flatten());
        let mut owned = SHARED.iter();
        let owned = owned.any(|list| owns_part(object, self.controller, &["spec", list]));
        self.contested += usize::from(owned && is_applied_by_another(object, self.controller));
    }

    fn controller_fact(&self) -> Fact {
        let controller = self.controller;
        let others: Vec<String> = self.status.keys().map(|name| format!("`{name}`")).collect();
        if self.status.contains_key(controller) || self.shared.contains_key(controller) {
            let fact = format!("the controller's field manager is `{controller}`");
            let meaning = "managedFields tell its values from those of others";
            return Fact::new(Level::Ok, TOPIC, fact, meaning);
        }
        if others.is_empty() {
            let fact = format!("nothing is written as `{controller}` (`controllerManager`)");
            let meaning = "no Rollout has a status yet, so the name of the controller's field manager is not known";
            return Fact::new(Level::Unknown, TOPIC, fact, meaning)
                .advise("run `doctor` again after the first release");
        }
        let fact = format!(
            "Rollouts' statuses are written as {}, never as `{controller}`",
            first_of(&others, MAX_NAMES)
        );
        let meaning = "the controller's weights and hashes are taken for somebody else's";
        Fact::new(Level::Error, TOPIC, fact, meaning)
            .advise("set `controllerManager` (chart value `controller.fieldManager`) to the controller's name")
    }

    fn owners_fact(&self) -> Option<Fact> {
        let owners = self.shared.iter();
        let owners = owners.filter(|(name, _)| *name != self.controller);
        let owners: Vec<String> = owners
            .map(|(name, count)| format!("`{name}` in {count}"))
            .collect();
        (!owners.is_empty()).then(|| {
            let fact = format!(
                "beside the controller, routes, subsets and role Services' selectors are owned by {}",
                first_of(&owners, MAX_NAMES)
            );
            let meaning = "their applies may send what the controller writes too; the mutations keep it";
            Fact::new(Level::Note, TOPIC, fact, meaning)
        })
    }

    fn contested_fact(&self, inventory: &Inventory) -> Option<Fact> {
        let count = self.contested;
        let fact = format!(
            "{count} objects are applied server-side while the controller owns a list or selector of them"
        );
        let gives_up =
            inventory.guard.is_some() && !inventory.settings.mutations_off.contains(GIVES_UP);
        let fact = if gives_up {
            let meaning = "an apply without force conflicts until the controller's next write gives the fields up";
            Fact::new(Level::Note, TOPIC, fact, meaning)
        } else {
            let meaning = "an apply without force conflicts; with force it is kept right by the other mutations alone";
            Fact::new(Level::Warning, TOPIC, fact, meaning).advise(format!(
                "set `mutations: {{{GIVES_UP}: auto}}` (docs/gitops.md)"
            ))
        };
        (count > 0).then_some(fact)
    }
}

/// Counts each manager once for an object.
fn count<'a>(counts: &mut BTreeMap<String, usize>, managers: impl Iterator<Item = &'a str>) {
    let managers: BTreeSet<&str> = managers.collect();
    for manager in managers {
        *counts.entry(manager.to_owned()).or_default() += 1;
    }
}
