//! Manifests as the API server would store them: with the mutations of the webhook.

use crate::cluster::{Cluster, Mesh};
use crate::decide::{Decision, Mutated, decide_by};
use crate::files::manifests::{Document, Manifests};
use crate::model::{Object, Operation};
use crate::mutations::{MUTATIONS, Mutation};
use crate::request::{AllowRight, Phase, Request};
use crate::settings::Settings;

/// The cluster after all manifests are applied.
pub fn cluster(manifests: &Manifests, settings: &Settings, mesh: Mesh) -> Cluster {
    let mut cluster = manifests.cluster(mesh);
    let guarded = manifests.documents.iter();
    let guarded = guarded.filter(|document| document.object.key().kind.is_guarded());
    let changed: Vec<Object> = guarded
        .filter_map(|document| {
            let decision = create(MUTATIONS, document, &cluster, settings);
            let mutated = decision.mutation.filter(Mutated::patches);
            let object = mutated.and(decision.write?.new)?;
            Some(Object {
                unknown_fields: document.object.unknown_fields.clone(),
                ..object
            })
        })
        .collect();
    for object in changed {
        cluster.apply(object);
    }
    cluster
}

/// The decision on a CREATE of the document with these mutations.
pub fn create(
    mutations: &[Mutation],
    document: &Document,
    cluster: &Cluster,
    settings: &Settings,
) -> Decision {
    let key = document.object.key();
    let request = Request {
        phase: Phase::Mutate,
        uid: String::new(),
        kind: Some(key.kind),
        group: key.kind.group().to_owned(),
        kind_name: key.kind.as_str().to_owned(),
        operation: Operation::Create,
        subresource: String::new(),
        namespace: key.namespace.to_string(),
        name: key.name.to_string(),
        user: String::new(),
        object: document.value(),
        old_object: serde_json::Value::Null,
        dry_run: false,
        controller_seen: false,
        allow_right: AllowRight::Unknown,
        trace: false,
    };
    decide_by(mutations, request, cluster, settings)
}
