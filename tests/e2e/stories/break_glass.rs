//! The annotation `rollout-guard.io/allow`: a person sets weights by hand in an incident.

use serde_json::json;

use crate::bed::Bed;
use crate::command::Run;
use crate::folder::Folder;
use crate::nodes::Pods;
use crate::release::SUBSET_LEVEL;
use crate::story::Story;
use crate::world::World;
use crate::{alone, shared};

pub const STORIES: &[Story] = &[
    shared!(a_person_sets_weights_by_hand),
    shared!(a_denial_is_overridden_and_applies_again),
    shared!(an_unknown_word_in_the_annotation_is_reported),
    alone!(only_users_with_the_right_may_use_it),
];

/// The pods of the canary are gone, and the controller waits for them. All traffic has to go to the stable version.
fn a_person_sets_weights_by_hand(bed: &Bed) {
    let world = World::new(bed, "break-glass");
    let folder = world.start_canary(&SUBSET_LEVEL);
    world.set_pods(Pods::Unready);
    world.until_unavailable("app07");
    let by_hand = |canary: u8, stable: u8| {
        world
            .kubectl("patch virtualservice virtservice-app07 --type=json -p")
            .arg(format!(
                r#"[{{"op":"replace","path":"/spec/http/0/route/0/weight","value":{canary}}},
                    {{"op":"replace","path":"/spec/http/0/route/1/weight","value":{stable}}}]"#
            ))
            .ok()
    };
    by_hand(0, 100).says("kept weights 5/95");
    world.until_weights("virtservice-app07", "primary", &[5, 95]);

    world
        .kubectl("annotate virtualservice virtservice-app07 rollout-guard.io/allow=weights")
        .ok()
        .says("rollout-guard: annotation rollout-guard.io/allow lets `weights` pass: remove it afterwards");
    by_hand(0, 100)
        .never_says("kept weights")
        .says("rollout-guard: annotation rollout-guard.io/allow lets `weights` pass: remove it afterwards");
    world.reconcile("app07");
    world.until_weights("virtservice-app07", "primary", &[0, 100]);

    world
        .kubectl("annotate virtualservice virtservice-app07 rollout-guard.io/allow-")
        .ok()
        .without_warning();
    by_hand(50, 50).says("kept weights 0/100");
    world.until_weights("virtservice-app07", "primary", &[0, 100]);

    world.set_pods(Pods::Ready);
    world.until_first_step(&SUBSET_LEVEL);
    folder
        .apply_file("virtual-service.yaml")
        .ok()
        .says("kept weights 5/95");
}

fn a_denial_is_overridden_and_applies_again(bed: &Bed) {
    let world = World::new(bed, "break-glass-rule");
    let folder = world.start_canary(&SUBSET_LEVEL);
    rename_route(&folder, "primary", "main");
    folder
        .apply_file("virtual-service.yaml")
        .fails()
        .says("[rollout-guard RG202]");
    folder.edit("virtual-service.yaml", "metadata:\n", ALLOW);
    folder
        .apply_file("virtual-service.yaml")
        .ok()
        .says("Warning: RG202");
    world.until_phase("app07", "Degraded");

    rename_route(&folder, "main", "primary");
    folder.edit("virtual-service.yaml", ALLOW, "metadata:\n");
    folder.apply_file("virtual-service.yaml").ok();
    world.until_first_step(&SUBSET_LEVEL);
    rename_route(&folder, "primary", "main");
    folder
        .apply_file("virtual-service.yaml")
        .fails()
        .says("[rollout-guard RG202]");
}

fn rename_route(folder: &Folder, from: &str, to: &str) {
    folder.edit(
        "virtual-service.yaml",
        &format!("name: {from}\n"),
        &format!("name: {to}\n"),
    );
}

fn an_unknown_word_in_the_annotation_is_reported(bed: &Bed) {
    let world = World::new(bed, "break-glass-word");
    world.install(&SUBSET_LEVEL);
    world
        .kubectl("annotate virtualservice virtservice-app07 rollout-guard.io/allow=wieghts")
        .ok()
        .says(
            "annotation rollout-guard.io/allow names `wieghts`, which is no rule and no mutation",
        );
}

/// Two users who may write VirtualServices, one of whom may also `allow`.
fn only_users_with_the_right_may_use_it(bed: &Bed) {
    bed.guard()
        .install(&["profile=guard", "allowAnnotation=authorized"]);
    let world = World::unsettled(bed, "break-glass-right");
    let folder = world.start_canary(&SUBSET_LEVEL);
    grant_rights(&world);
    // A harmless write may set the annotation. It spares nobody's later write.
    let annotate = "annotate virtualservice virtservice-app07 rollout-guard.io/allow";
    as_user(&world, "developer", &format!("{annotate}=RG701,weights"))
        .ok()
        .says("for users who may `allow` virtualservices.rollout-guard.io");
    let delete = "delete virtualservice virtservice-app07 --dry-run=server";
    as_user(&world, "developer", delete)
        .fails()
        .says("and user `developer` may not");
    as_user(&world, "oncall", delete).ok();
    let by_hand = r#"[{"op":"replace","path":"/spec/http/0/route/0/weight","value":0},
                      {"op":"replace","path":"/spec/http/0/route/1/weight","value":100}]"#;
    let patch = "patch virtualservice virtservice-app07 --type=json --dry-run=server -p";
    as_user(&world, "developer", patch)
        .arg(by_hand)
        .ok()
        .says("kept weights 5/95")
        .says("does not count");
    as_user(&world, "oncall", patch)
        .arg(by_hand)
        .ok()
        .never_says("kept weights");
    as_user(&world, "oncall", &format!("{annotate}-")).ok();

    the_write_sets_it(&world, &folder);
    bed.guard().ensure();
}

/// Both may write VirtualServices.
fn grant_rights(world: &World) {
    world
        .kubectl("create role routes")
        .arg("--verb=get,list,create,update,patch,delete")
        .arg("--resource=virtualservices.networking.istio.io")
        .ok();
    // kubectl knows no virtual resource.
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "allow"},
        "rules": [{"apiGroups": ["rollout-guard.io"], "resources": ["*"], "verbs": ["allow"]}],
    });
    world.kubectl("apply -f -").input(role).ok();
    for binding in [
        "routes --role=routes --user=developer --user=oncall",
        "allow --role=allow --user=oncall",
    ] {
        world.kubectl(&format!("create rolebinding {binding}")).ok();
    }
}

fn as_user(world: &World, user: &str, words: &str) -> Run {
    world.kubectl(&format!(
        "--as={user} --as-group=system:authenticated {words}"
    ))
}

fn the_write_sets_it(world: &World, folder: &Folder) {
    let apply = |user: &str| {
        let file = folder.path("virtual-service.yaml");
        as_user(world, user, &format!("apply -f {}", file.display()))
    };
    rename_route(folder, "primary", "main");
    apply("oncall")
        .fails()
        .says("it counts only from users who may `allow`");
    folder.edit("virtual-service.yaml", "metadata:\n", ALLOW);
    apply("developer")
        .fails()
        .says("[rollout-guard RG202]")
        .says("and user `developer` may not: ask who grants roles there");
    apply("oncall").ok().says("Warning: RG202");
    rename_route(folder, "main", "primary");
    folder.edit("virtual-service.yaml", ALLOW, "metadata:\n");
    apply("developer").ok();
}

const ALLOW: &str = "metadata:\n  annotations:\n    rollout-guard.io/allow: RG202\n";
