//! The kinds that are known. A kind is one entry of the table: the watches, the chart's webhooks and its RBAC
//! follow from it and from what the rules read.

use std::fmt;

/// The label with the hash of a pod's revision.
pub const HASH_LABEL: &str = "rollouts-pod-template-hash";

/// The API group of the virtual resources that a user must be allowed to `allow`, where settings ask for a right.
pub const ALLOW_GROUP: &str = "rollout-guard.io";

/// What is known of a kind before any object of it.
struct Info {
    /// The API group; empty for the core group.
    group: &'static str,
    /// The name in manifests, if it is not the name of the kind here.
    name: Option<&'static str>,
    /// Which objects are watched, by their labels; all if empty.
    selector: &'static str,
    /// The name in URLs, webhooks and RBAC.
    plural: &'static str,
    /// The versions that webhooks ask for, the newest first.
    versions: &'static [&'static str],
    /// Every API server serves it, unlike a kind of a CRD.
    built_in: bool,
    namespaced: bool,
    watch: Watch,
    /// Whether the writes are judged. The objects of the other kinds are only read.
    guarded: bool,
}

/// When objects of a kind are watched, and how much of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// From the start, whole objects.
    Objects,
    /// From the start, the metadata only.
    Metadata,
    /// Whole objects, as soon as a Rollout's `workloadRef` names one of the kind.
    WorkloadRef,
}

/// Declares [`Kind`] and the table.
macro_rules! kinds {
    ($($kind:ident = $info:expr;)+) => {
        /// The kinds that rules read, told by API group: a VirtualService of `appmesh.k8s.aws` is none. Namesakes such
        /// as the ReplicaSets of a `workloadRef` and of a Rollout are two.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "each is the kind of its name")]
        pub enum Kind {
            $($kind),+
        }

        impl Kind {
            /// In the order of the table, which is the order of their keys.
            pub const ALL: [Kind; [$(stringify!($kind)),+].len()] = [$(Kind::$kind),+];

            /// The name in metrics and logs, which no two kinds share.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Kind::$kind => stringify!($kind)),+
                }
            }

            const fn info(self) -> &'static Info {
                match self {
                    $(Kind::$kind => {
                        const INFO: &Info = &$info;
                        INFO
                    })+
                }
            }
        }
    };
}

kinds! {
    Rollout = Info { guarded: true, ..argo("rollouts") };
    VirtualService = Info { guarded: true, ..istio("virtualservices") };
    DestinationRule = Info { guarded: true, ..istio("destinationrules") };
    Service = Info { guarded: true, ..built_in("", "services") };
    ServiceEntry = istio("serviceentries");
    Gateway = istio("gateways");
    Namespace = Info { watch: Watch::Metadata, namespaced: false, ..built_in("", "namespaces") };
    Deployment = Info { watch: Watch::WorkloadRef, ..built_in("apps", "deployments") };
    ReplicaSet = Info { watch: Watch::WorkloadRef, selector: NO_HASH, ..built_in("apps", "replicasets") };
    PodTemplate = Info { watch: Watch::WorkloadRef, ..built_in("", "podtemplates") };
    // A ReplicaSet of a Rollout. Its own labels are those of its template (`createDesiredReplicaSet`).
    Revision = Info {
        watch: Watch::Metadata,
        name: Some("ReplicaSet"),
        selector: HASH_LABEL,
        ..built_in("apps", "replicasets")
    };
    AnalysisTemplate = Info { watch: Watch::Metadata, ..argo("analysistemplates") };
    ClusterAnalysisTemplate = Info {
        watch: Watch::Metadata,
        namespaced: false,
        ..argo("clusteranalysistemplates")
    };
}

/// The ReplicaSets that belong to no Rollout.
const NO_HASH: &str = "!rollouts-pod-template-hash";

const fn crd(group: &'static str, versions: &'static [&'static str], plural: &'static str) -> Info {
    Info {
        group,
        name: None,
        selector: "",
        plural,
        versions,
        built_in: false,
        namespaced: true,
        watch: Watch::Objects,
        guarded: false,
    }
}

const fn argo(plural: &'static str) -> Info {
    crd("argoproj.io", &["v1alpha1"], plural)
}

const fn istio(plural: &'static str) -> Info {
    crd(
        "networking.istio.io",
        &["v1", "v1beta1", "v1alpha3"],
        plural,
    )
}

const fn built_in(group: &'static str, plural: &'static str) -> Info {
    Info {
        built_in: true,
        ..crd(group, &["v1"], plural)
    }
}

impl Kind {
    /// The kind of an `apiVersion` and `kind`; `None` for one that is not known, such as a Knative Service.
    pub fn of(api_version: &str, kind: &str) -> Option<Kind> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        Self::in_group(group, kind)
    }

    /// The kind of a group, empty for the core group, and a name in manifests.
    pub fn in_group(group: &str, kind: &str) -> Option<Kind> {
        let mut all = Self::ALL.into_iter();
        all.find(|known| known.group() == group && known.name() == kind)
    }

    /// The name in manifests.
    pub fn name(self) -> &'static str {
        self.info().name.unwrap_or(self.as_str())
    }

    /// The label selector of the objects that are watched; all if empty.
    pub fn selector(self) -> &'static str {
        self.info().selector
    }

    /// The API group; empty for the core group.
    pub fn group(self) -> &'static str {
        self.info().group
    }

    /// The name in URLs, webhooks and RBAC.
    pub fn plural(self) -> &'static str {
        self.info().plural
    }

    /// The virtual resource, `virtualservices.rollout-guard.io`, that a user must be allowed to `allow`.
    pub fn allow_resource(self) -> String {
        format!("{}.{ALLOW_GROUP}", self.plural())
    }

    /// The versions that webhooks ask for, the newest first.
    pub fn versions(self) -> &'static [&'static str] {
        self.info().versions
    }

    /// Whether every API server serves the kind, unlike one of a CRD.
    pub fn is_built_in(self) -> bool {
        self.info().built_in
    }

    /// Whether its objects are in namespaces.
    pub fn is_namespaced(self) -> bool {
        self.info().namespaced
    }

    /// When its objects are watched, and how much of them is kept.
    pub fn watch(self) -> Watch {
        self.info().watch
    }

    /// Whether writes of the kind are judged. The objects of the other kinds are only read.
    pub fn is_guarded(self) -> bool {
        self.info().guarded
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
