//! The marks by which deployment tools know the objects of one release. Only digests of them are kept: there are
//! many objects, and marks are only compared.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::reader::{Labels, Reader};

/// The marks of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Release {
    /// Each of a tool and its release.
    marks: Box<[u64]>,
    /// Each of a label's key and of its value: the settings may name one by which Argo CD tracks objects.
    labels: Box<[(u64, u64)]>,
}

impl Release {
    /// Where the marks stand, as managedFields name the fields.
    pub const MARKS: [[&'static str; 3]; 6] = [
        ["metadata", "annotations", HELM[0]],
        ["metadata", "annotations", ARGO_CD],
        ["metadata", "labels", FLUX_KUSTOMIZE[0]],
        ["metadata", "labels", FLUX_HELM[0]],
        ["metadata", "labels", APPLY_SET],
        ["metadata", "labels", KAPP],
    ];

    pub(super) fn read(annotations: &Labels, labels: &Reader<'_>) -> Self {
        let labels: Labels = labels.texts().collect();
        Self {
            marks: marks(annotations, &labels).iter().map(digest).collect(),
            labels: labels
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(key, value)| (digest(key), digest(value)))
                .collect(),
        }
    }

    /// Whether both objects have a mark of one release, or an equal value of this label.
    pub fn is_shared_with(&self, other: &Release, label: Option<&str>) -> bool {
        let mut marks = self.marks.iter();
        marks.any(|mark| other.marks.contains(mark))
            || label.is_some_and(|label| {
                let value = self.value(label);
                value.is_some() && value == other.value(label)
            })
    }

    /// The digest of the label's value.
    fn value(&self, label: &str) -> Option<u64> {
        let key = digest(label);
        let mut labels = self.labels.iter();
        labels
            .find(|(other, _)| *other == key)
            .map(|(_, value)| *value)
    }
}

/// The parts of each mark, the tool's first.
fn marks<'a>(annotations: &'a Labels, labels: &'a Labels) -> Vec<[&'a str; 3]> {
    let pair = |from: &'a Labels, [name, namespace]: [&'static str; 2]| {
        let namespace = from.get(namespace).map_or("", String::as_str);
        Some([name, namespace, from.get(name)?.as_str()])
    };
    let single = |label: &'static str| Some([label, "", labels.get(label)?.as_str()]);
    // `application:group/Kind:namespace/name`.
    let tracking = annotations.get(ARGO_CD).map(String::as_str);
    let application = tracking.and_then(|id| id.split(':').next());
    let installation = annotations.get(ARGO_CD_INSTALLATION);
    let installation = installation.map_or("", String::as_str);
    let marks = [
        pair(annotations, HELM),
        pair(labels, FLUX_KUSTOMIZE),
        pair(labels, FLUX_HELM),
        application.map(|application| [ARGO_CD, installation, application]),
        single(APPLY_SET),
        single(KAPP),
    ];
    let marks = marks.into_iter().flatten();
    marks.filter(|[.., release]| !release.is_empty()).collect()
}

fn digest<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

const HELM: [&str; 2] = [
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
];
const FLUX_KUSTOMIZE: [&str; 2] = [
    "kustomize.toolkit.fluxcd.io/name",
    "kustomize.toolkit.fluxcd.io/namespace",
];
const FLUX_HELM: [&str; 2] = [
    "helm.toolkit.fluxcd.io/name",
    "helm.toolkit.fluxcd.io/namespace",
];
const ARGO_CD: &str = "argocd.argoproj.io/tracking-id";
/// Set where several Argo CDs manage one cluster: their applications can have equal names.
const ARGO_CD_INSTALLATION: &str = "argocd.argoproj.io/installation-id";
const APPLY_SET: &str = "applyset.kubernetes.io/part-of";
const KAPP: &str = "kapp.k14s.io/app";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Object;
    use serde_json::{Value, json};

    fn release(annotations: &Value, labels: &Value) -> Release {
        let metadata = json!({"name": "a", "annotations": annotations, "labels": labels});
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata});
        Object::parse(&service, "ns").unwrap().meta.release
    }

    fn annotated(annotations: &Value) -> Release {
        release(annotations, &json!({}))
    }

    fn labelled(labels: &Value) -> Release {
        release(&json!({}), labels)
    }

    #[test]
    fn knows_the_marks_of_each_tool() {
        let helm =
            |name: &str, namespace: &str| annotated(&json!({HELM[0]: name, HELM[1]: namespace}));
        let flux = |[name, namespace]: [&str; 2], one: &str, other: &str| {
            labelled(&json!({name: one, namespace: other}))
        };
        let argo = |id: &str| annotated(&json!({ARGO_CD: id}));
        let installed = |name: &str| {
            annotated(&json!({ARGO_CD: "shop:/Service:a/b", ARGO_CD_INSTALLATION: name}))
        };
        let label = |key: &str, value: &str| labelled(&json!({key: value}));
        let pairs = [
            (installed("a"), installed("a"), installed("b")),
            (installed("a"), installed("a"), argo("shop:/Service:a/b")),
            (helm("shop", "a"), helm("shop", "a"), helm("shop", "b")),
            (
                flux(FLUX_KUSTOMIZE, "shop", "a"),
                flux(FLUX_KUSTOMIZE, "shop", "a"),
                flux(FLUX_HELM, "shop", "a"),
            ),
            (
                flux(FLUX_HELM, "shop", "a"),
                flux(FLUX_HELM, "shop", "a"),
                flux(FLUX_HELM, "shop", "b"),
            ),
            (
                argo("shop:apps/Deployment:a/b"),
                argo("shop:/Service:a/b"),
                argo("shop-2:/Service:a/b"),
            ),
            (
                label(APPLY_SET, "x"),
                label(APPLY_SET, "x"),
                label(APPLY_SET, "y"),
            ),
            (label(KAPP, "1"), label(KAPP, "1"), label(KAPP, "2")),
        ];
        for (one, same, other) in pairs {
            assert!(one.is_shared_with(&same, None), "{one:?}");
            assert!(!one.is_shared_with(&other, None), "{one:?}");
        }
    }

    #[test]
    fn takes_no_release_without_a_name_and_no_label_that_is_not_set() {
        let none = annotated(&json!({HELM[0]: "", HELM[1]: "a", ARGO_CD: ""}));
        assert!(!none.is_shared_with(&none, None));
        let labelled = |value: &str| labelled(&json!({"app.kubernetes.io/instance": value}));
        let (one, other) = (labelled("shop"), labelled("cart"));
        assert!(!one.is_shared_with(&one, None));
        assert!(!one.is_shared_with(&one, Some("instance")));
        assert!(one.is_shared_with(&one, Some("app.kubernetes.io/instance")));
        assert!(!one.is_shared_with(&other, Some("app.kubernetes.io/instance")));
        let empty = labelled("");
        assert!(!empty.is_shared_with(&empty, Some("app.kubernetes.io/instance")));
    }
}
