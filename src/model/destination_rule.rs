//! Istio's DestinationRule: host, subsets, `exportTo`, and which of its policies are empty.

use super::reader::{Labels, Reader};
use crate::field::Path;

/// A DestinationRule, as istiod merges it with others and the controller writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationRule {
    /// As it is written; [`super::Host::resolve`] completes it.
    pub host: String,
    /// Empty if the field is absent, which the controller treats like an empty list.
    pub subsets: Vec<Subset>,
    /// Namespaces, `.` or `*`; empty: all.
    pub export_to: Vec<String>,
    /// A `workloadSelector` is set, with labels or without: it is then never merged.
    pub workload_selector: bool,
    /// The selector has labels. One without labels selects every workload of the namespace.
    pub selects_workloads: bool,
    /// All traffic policies: of the rule, of its subsets and of their ports.
    pub policies: Vec<Policy>,
}

/// A named part of a host's endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subset {
    /// Empty if absent.
    pub name: String,
    /// What its pods must have, the hash too; `None` if absent.
    pub labels: Option<Labels>,
}

/// A `trafficPolicy` or one of its `portLevelSettings`, and whether it is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The `trafficPolicy`, or the entry of `portLevelSettings`.
    pub path: Path,
    /// None of the fields that Istio requires one of is set.
    pub empty: bool,
    /// A `connectionPool` without `http` and `tcp`.
    pub empty_pool: bool,
}

impl DestinationRule {
    pub(super) fn read(root: &Reader<'_>) -> Self {
        let spec = root.get("spec");
        let subsets = spec.get("subsets");
        let selector = spec.get("workloadSelector");
        let mut policies = policies_of(&spec.get("trafficPolicy"));
        policies.extend(
            subsets
                .list(|subset| policies_of(&subset.get("trafficPolicy")))
                .into_iter()
                .flatten()
                .flatten(),
        );
        Self {
            host: spec.get("host").string().unwrap_or_default(),
            subsets: subsets.objects(Subset::read).unwrap_or_default(),
            export_to: spec.get("exportTo").strings().unwrap_or_default(),
            workload_selector: selector.object(),
            selects_workloads: selector.get("matchLabels").has_fields(),
            policies,
        }
    }

    /// Whether it has the same subsets for the same host and clients; its policies may differ.
    pub fn is_merged_as(&self, other: &Self) -> bool {
        self.host == other.host
            && self.subsets == other.subsets
            && self.export_to == other.export_to
            && self.workload_selector == other.workload_selector
            && self.selects_workloads == other.selects_workloads
    }

    /// The first subset of that name, with its index.
    pub fn subset(&self, name: &str) -> Option<(usize, &Subset)> {
        let mut subsets = self.subsets.iter().enumerate();
        subsets.find(|(_, subset)| subset.name == name)
    }
}

impl Subset {
    fn read(subset: &Reader<'_>) -> Self {
        Self {
            name: subset.get("name").string().unwrap_or_default(),
            labels: subset.get("labels").labels(),
        }
    }
}

fn policies_of(policy: &Reader<'_>) -> Vec<Policy> {
    if !policy.object() {
        return Vec::new();
    }
    let ports = policy.get("portLevelSettings");
    let mut policies = vec![policy_of(policy, &POLICY_FIELDS)];
    policies.extend(
        ports
            .objects(|port| policy_of(port, &PORT_FIELDS))
            .into_iter()
            .flatten(),
    );
    policies
}

fn policy_of(policy: &Reader<'_>, fields: &[&'static str]) -> Policy {
    let pool = policy.get("connectionPool");
    let pool_fields = [pool.get("http"), pool.get("tcp")];
    Policy {
        path: policy.path(),
        empty: !fields
            .iter()
            .any(|field| policy.get(field).says_something()),
        empty_pool: pool.object() && !pool_fields.iter().any(Reader::present),
    }
}

const POLICY_FIELDS: [&str; 8] = [
    "outlierDetection",
    "connectionPool",
    "loadBalancer",
    "tls",
    "portLevelSettings",
    "tunnel",
    "proxyProtocol",
    "retryBudget",
];

const PORT_FIELDS: [&str; 4] = ["outlierDetection", "connectionPool", "loadBalancer", "tls"];
