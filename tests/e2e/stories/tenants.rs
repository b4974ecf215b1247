//! Two tenants of narrow rights. What one of them claims of the other's objects counts only as far as the controller
//! acts on it.

use serde_json::{Value, json};

use crate::bed::Bed;
use crate::command::Run;
use crate::story::Story;
use crate::world::World;
use crate::{alone, shared};

pub const STORIES: &[Story] = &[
    shared!(a_claim_without_a_controller_changes_nothing),
    shared!(a_referrer_elsewhere_denies_nothing),
    shared!(a_release_across_namespaces_is_kept),
    alone!(a_claim_needs_consent),
];

/// The owner of the VirtualService.
const OWNER: &str = "owner";
/// May write Rollouts in another namespace, with their statuses.
const STRANGER: &str = "stranger";

fn a_claim_without_a_controller_changes_nothing(bed: &Bed) {
    let (shop, other) = (
        World::new(bed, "claim-shop"),
        World::new(bed, "claim-other"),
    );
    let (owner, stranger) = tenants(&shop, &other);
    owner
        .apply(&virtual_service(&shop, &other, "primary", &[100, 0]))
        .ok();
    // One that the controller refuses, as its Services do not exist, and one without its DestinationRule.
    let mut refused = rollout(&shop, &other, "refused");
    refused["spec"]["strategy"]["canary"]["canaryService"] = json!("missing");
    let mut idle = rollout(&shop, &other, "idle");
    let istio = &mut idle["spec"]["strategy"]["canary"]["trafficRouting"]["istio"];
    istio["destinationRule"]["name"] = json!("idle");
    for claim in [&refused, &idle] {
        stranger.apply(claim).ok().says("RG218");
    }
    other.until("Rollout", "refused", "InvalidSpec", |rollout| {
        rollout["status"].to_string().contains("InvalidSpec")
    });
    let weights = json!({"canary": {"weight": 100}, "stable": {"weight": 0}});
    let status = json!({"status": {
        "stableRS": "aaa", "currentPodHash": "bbb", "canary": {"weights": weights},
    }});
    for name in ["refused", "idle"] {
        let patch = format!("patch rollout {name} --subresource=status --type=merge -p");
        stranger.kubectl(&patch).arg(status.to_string()).ok();
    }

    let written = [[0, 100], [50, 50], [100, 0]];
    for weights in written {
        let file = virtual_service(&shop, &other, "primary", &weights);
        owner.apply(&file).ok().never_says("Rollout claim-other");
        shop.until_weights("shop", "primary", &weights);
    }
    owner
        .kubectl("label virtualservice shop tier=web")
        .ok()
        .never_says("Rollout claim-other");
    shop.until_weights("shop", "primary", &[100, 0]);
    let renamed = virtual_service(&shop, &other, "main", &[100, 0]);
    owner.apply(&renamed).ok().never_says("Rollout claim-other");
    owner
        .kubectl("delete virtualservice shop")
        .ok()
        .never_says("Rollout claim-other");
}

fn a_referrer_elsewhere_denies_nothing(bed: &Bed) {
    let (shop, other) = (
        World::new(bed, "refer-shop"),
        World::new(bed, "refer-other"),
    );
    let (owner, stranger) = tenants(&shop, &other);
    owner
        .apply(&destination_rule(&shop, &["v1", "v2"], &["*"]))
        .ok();
    let host = format!("shop.{}.svc.cluster.local", shop.namespace);
    let client = json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "client"},
        "spec": {"hosts": ["client"], "http": [{"route": [{"destination": {"host": host, "subset": "v1"}}]}]},
    });
    stranger.apply(&client).ok();
    let dropped = owner.apply(&destination_rule(&shop, &["v2"], &["*"])).ok();
    dropped
        .says("RG501")
        .says("VirtualService refer-other/client");

    // A rule that nobody else sees is nobody else's affair.
    owner
        .apply(&destination_rule(&shop, &["v1", "v2"], &["."]))
        .ok();
    let private = destination_rule(&shop, &["v2"], &["."]);
    owner.apply(&private).ok().without_warning();
}

/// What the controller does across namespaces, rollout-guard keeps.
fn a_release_across_namespaces_is_kept(bed: &Bed) {
    let (shop, other) = (
        World::new(bed, "across-shop"),
        World::new(bed, "across-other"),
    );
    let (owner, _) = tenants(&shop, &other);
    let file = virtual_service(&shop, &other, "primary", &[0, 100]);
    owner.apply(&file).ok();
    for object in [
        destination_rule(&other, &["canary", "stable"], &["*"]),
        service(),
        rollout(&shop, &other, "shop"),
    ] {
        other.kubectl("apply -f -").input(object).ok();
    }
    other.until_phase("shop", "Healthy");
    other
        .argo("set image shop shop=registry.example/app:v2")
        .ok();
    other.until_phase("shop", "Paused");
    shop.until_weights("shop", "primary", &[5, 95]);

    let again = owner
        .apply(&virtual_service(&shop, &other, "primary", &[50, 50]))
        .ok();
    again.says("kept weights 5/95 of route `primary`");
    shop.until_weights("shop", "primary", &[5, 95]);
    let renamed = virtual_service(&shop, &other, "main", &[5, 95]);
    owner.apply(&renamed).fails().says("RG202");
    owner
        .kubectl("delete virtualservice shop")
        .fails()
        .says("RG701");
    other.argo("promote shop").ok();
    other.until_phase("shop", "Healthy");
    shop.until_weights("shop", "primary", &[0, 100]);
}

fn a_claim_needs_consent(bed: &Bed) {
    bed.guard()
        .install(&["profile=guard", "crossNamespace=consent"]);
    let shop = World::unsettled(bed, "consent-shop");
    let other = World::unsettled(bed, "consent-other");
    let (owner, stranger) = tenants(&shop, &other);
    owner
        .apply(&virtual_service(&shop, &other, "primary", &[0, 100]))
        .ok();
    let claim = rollout(&shop, &other, "shop");
    stranger.apply(&claim).fails().says("[rollout-guard RG218]");
    let consent = "annotate virtualservice shop rollout-guard.io/claimed-by=consent-other";
    owner.kubectl(consent).ok();
    stranger.apply(&claim).ok().never_says("RG218");
    // The owner may take it back.
    owner
        .kubectl("annotate virtualservice shop rollout-guard.io/claimed-by-")
        .ok();
    bed.guard().ensure();
}

/// A user with the rights of its role alone.
struct Tenant<'a> {
    world: &'a World<'a>,
    name: &'static str,
}

impl Tenant<'_> {
    fn kubectl(&self, words: &str) -> Run {
        let user = format!("{}-{}", self.name, self.world.namespace);
        self.world.kubectl(&format!(
            "--as={user} --as-group=system:authenticated {words}"
        ))
    }

    fn apply(&self, object: &Value) -> Run {
        self.kubectl("apply -f -").input(object)
    }
}

/// The owner writes Istio's objects in one namespace, the stranger Rollouts and their statuses, and VirtualServices, in
/// the other.
fn tenants<'a>(shop: &'a World<'a>, other: &'a World<'a>) -> (Tenant<'a>, Tenant<'a>) {
    let owner = Tenant {
        world: shop,
        name: OWNER,
    };
    let stranger = Tenant {
        world: other,
        name: STRANGER,
    };
    let istio = "virtualservices.networking.istio.io";
    let argo = "rollouts.argoproj.io";
    grant(
        &owner,
        &format!("{istio},destinationrules.networking.istio.io"),
    );
    grant(&stranger, &format!("{argo},{argo}/status,{istio}"));
    // They may do nothing in each other's namespace.
    let foreign = format!("get virtualservices --namespace={}", shop.namespace);
    stranger.kubectl(&foreign).fails().says("forbidden");
    (owner, stranger)
}

fn grant(tenant: &Tenant<'_>, resources: &str) {
    let Tenant { world, name } = tenant;
    let verbs = "get,list,create,update,patch,delete";
    world
        .kubectl(&format!(
            "create role {name} --verb={verbs} --resource={resources}"
        ))
        .ok();
    let user = format!("{name}-{}", world.namespace);
    world
        .kubectl(&format!(
            "create rolebinding {name} --role={name} --user={user}"
        ))
        .ok();
}

/// The owner's VirtualService, which sends to the other namespace.
fn virtual_service(shop: &World, other: &World, route: &str, weights: &[u64; 2]) -> Value {
    let host = format!("shop.{}.svc.cluster.local", other.namespace);
    let to = |subset: &str, weight: u64| json!({"destination": {"host": host, "subset": subset}, "weight": weight});
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "shop", "namespace": shop.namespace},
        "spec": {"hosts": ["shop"], "http": [
            {"name": route, "route": [to("canary", weights[0]), to("stable", weights[1])]},
        ]},
    })
}

fn destination_rule(world: &World, subsets: &[&str], export_to: &[&str]) -> Value {
    let subsets: Vec<Value> = subsets.iter().map(|name| json!({"name": name})).collect();
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "shop", "namespace": world.namespace},
        "spec": {"host": "shop", "exportTo": export_to, "subsets": subsets},
    })
}

fn service() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "shop"},
        "spec": {"selector": {"app": "shop"}, "ports": [{"port": 80}]},
    })
}

/// A Rollout of the other namespace that names the owner's VirtualService.
fn rollout(shop: &World, other: &World, name: &str) -> Value {
    let istio = json!({
        "virtualService": {"name": format!("shop.{}", shop.namespace), "routes": ["primary"]},
        "destinationRule": {"name": "shop", "canarySubsetName": "canary", "stableSubsetName": "stable"},
    });
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name, "namespace": other.namespace},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": name, "image": "registry.example/app:v1"}]},
            },
            "strategy": {"canary": {
                "trafficRouting": {"istio": istio},
                "steps": [{"setWeight": 5}, {"pause": {}}],
            }},
        },
    })
}
