//! What the Rollouts controller does in some versions only. References, roles and rules ask the version, so that
//! all of them mirror one controller. `docs/argo-versions.md` is generated from the table.

use std::fmt;

/// Major and minor version of the Rollouts controller. It stands for the newest release of that minor version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArgoVersion(pub u32, pub u32);

/// Something that the controller does in some versions and not in others.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    /// The first version that does it.
    pub since: ArgoVersion,
    /// The first later version that does not; `None`: all do.
    pub until: Option<ArgoVersion>,
    /// What those versions do, as a sentence of `docs/argo-versions.md`.
    pub does: &'static str,
    /// What the other versions do.
    pub otherwise: &'static str,
    /// The controller's function and, where there is one, the issue.
    pub source: &'static str,
}

/// Declares [`BEHAVIOURS`] and, for each, the method of [`ArgoVersion`] that asks for it.
macro_rules! behaviours {
    ($($name:ident = $behaviour:expr;)+) => {
        /// All behaviours with their names, in the order of their versions.
        pub const BEHAVIOURS: &[(&str, Behaviour)] = &[$((stringify!($name), $behaviour)),+];

        impl ArgoVersion {
            $(#[doc = concat!("See `", stringify!($name), "` in [`BEHAVIOURS`].")]
            pub fn $name(self) -> bool {
                const BEHAVIOUR: Behaviour = $behaviour;
                BEHAVIOUR.holds_in(self)
            })+
        }
    };
}

behaviours! {
    misplaces_weights_after_a_deletion = Behaviour {
        since: ArgoVersion(1, 2),
        until: Some(ArgoVersion(1, 11)),
        does: "Counts the destinations of a route before it deletes one without a role: the weights of later destinations go to the wrong ones.",
        otherwise: "Deletes the destination and writes each weight to its own destination.",
        source: "`patchVirtualService`",
    };
    inserts_managed_routes = Behaviour {
        since: ArgoVersion(1, 3),
        until: None,
        does: "Steps `setHeaderRoute` and `setMirrorRoute` insert http routes, which `managedRoutes` names and the end of a release deletes.",
        otherwise: "Neither `managedRoutes` nor the steps exist: all http routes are the user's.",
        source: "`SetHeaderRoute`, `SetMirrorRoute`, `RemoveManagedRoutes`",
    };
    multiplies_unnamed_routes = Behaviour {
        since: ArgoVersion(1, 3),
        until: None,
        does: "With `managedRoutes`, each write looks every http route up by its name and takes all that have it: two routes of one name, or without one, become four.",
        otherwise: "A write keeps the http routes as they are.",
        source: "`getOrderedVirtualServiceRoutes`",
    };
    passes_over_named_routes = Behaviour {
        since: ArgoVersion(1, 3),
        until: Some(ArgoVersion(1, 8)),
        does: "With `routes` empty, it manages the first http route without a name; if all have names it validates none and writes no weights.",
        otherwise: "With `routes` empty, it manages the only http route, whether it has a name or not (again since 1.8.3).",
        source: "`getHttpRouteIndexesToPatch`, argoproj/argo-rollouts#4055",
    };
    manages_tcp_routes = Behaviour {
        since: ArgoVersion(1, 4),
        until: None,
        does: "Validates tcp routes and writes their weights; `tcpRoutes` lists them.",
        otherwise: "Reads http and tls routes only.",
        source: "`ValidateTcpRoutes`, `getTcpRouteIndexesToPatch`",
    };
    routes_ping_pong_with_istio = Behaviour {
        since: ArgoVersion(1, 7),
        until: None,
        does: "Finds canary and stable destinations by `pingPong`, if neither `canaryService` nor `stableService` is set.",
        otherwise: "Refuses `pingPong` without an ALB, and finds destinations by `canaryService` and `stableService` only.",
        source: "`GetStableAndCanaryServices`, `PingPongWithAlbOnlyMessage`",
    };
    keeps_additional_subsets = Behaviour {
        since: ArgoVersion(1, 9),
        until: None,
        does: "Keeps the weights of destinations whose subsets are in `additionalSubsetNames`.",
        otherwise: "Deletes them, like every destination without a role.",
        source: "`processRoutes`",
    };
    refuses_changed_selectors = Behaviour {
        since: ArgoVersion(1, 9),
        until: None,
        does: "The CRD refuses an UPDATE that changes `spec.selector`.",
        otherwise: "Accepts it, and gives up the ReplicaSets that the new selector does not match. Without a stable ReplicaSet it promotes the new one at once.",
        source: "`getReplicaSetsForRollouts`, `shouldFullPromote`, argoproj/argo-rollouts#4084",
    };
    splits_dotted_names_at_last_dot = Behaviour {
        since: ArgoVersion(1, 10),
        until: None,
        does: "Drops a trailing `.cluster.local` from a VirtualService's `name` and splits it at the last dot: `app.v2.prod` is `app.v2` in `prod`.",
        otherwise: "Splits it at the first dot and ignores what follows the second: `app.v2.prod` is `app` in `v2`.",
        source: "`GetVirtualServiceNamespaceName`, argoproj/argo-rollouts#4709",
    };
}

impl Behaviour {
    fn holds_in(&self, version: ArgoVersion) -> bool {
        version >= self.since && self.until.is_none_or(|until| version < until)
    }
}

impl ArgoVersion {
    /// The newest version whose behaviour is known.
    pub const NEWEST: ArgoVersion = ArgoVersion(1, 10);

    /// `1.9`, `v1.9` or `1.9.2`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix('v').unwrap_or(text).split('.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        Some(Self(major, minor))
    }
}

impl fmt::Display for ArgoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}
