//! Manifests as the API server would store them: with the mutations of the webhook.

use std::sync::Arc;

use crate::cluster::{Cluster, Mesh};
use crate::decide::{Decision, Mutated, decide_by};
use crate::files::manifests::{Document, Manifests};
use crate::model::{Object, Operation};
use crate::mutations::{MUTATIONS, Mutation, is_mutable};
use crate::parallel::in_parallel;
use crate::request::{AllowRight, Phase, Request};
use crate::settings::Settings;

/// The cluster after all manifests are applied.
pub fn cluster(manifests: &Manifests, settings: &Settings, mesh: Mesh) -> Cluster {
    let mut cluster = manifests.cluster(mesh);
    let documents = manifests.documents.iter();
    let mutable = documents.filter(|document| is_mutable(document.object.key().kind));
    let mutable: Vec<&Document> = mutable.collect();
    let changed = in_parallel(
        &mutable,
        || (),
        |(), document| {
            let decision = create(MUTATIONS, manifests, document, &cluster, settings);
            let mutated = decision.mutation.filter(Mutated::patches);
            let object = mutated.and(decision.write?.new)?;
            Some(Arc::new(Object {
                unknown_fields: document.object.unknown_fields.clone(),
                ..object
            }))
        },
    );
    for object in changed.into_iter().flatten() {
        cluster.apply(object);
    }
    cluster
}

/// The decision on a CREATE of the document with these mutations.
pub fn create(
    mutations: &[Mutation],
    manifests: &Manifests,
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
        object: manifests.value(document),
        old_object: serde_json::Value::Null,
        dry_run: false,
        controller_seen: false,
        allow_right: AllowRight::Unknown,
        trace: false,
    };
    decide_by(mutations, request, cluster, settings)
}
