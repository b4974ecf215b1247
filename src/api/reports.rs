//! PolicyReports and Reports of OpenReports, in which policy engines publish what they found.

use kube::api::{
    ApiResource, DeleteParams, DynamicObject, GetParams, ListParams, Patch, PatchParams,
};
use kube::core::{GroupVersionKind, Request};
use kube::{Client, Error, Resource};
use serde::Serialize;
use serde_json::Value;

use super::client::send;
use super::discovery::{Discovery, is_absent};
use crate::model::Key;

pub const SOURCE: &str = "rollout-guard";
/// The groups of [`ReportApi`].
pub const GROUPS: [&str; 2] = ["wgpolicyk8s.io", "openreports.io"];
const MAX_REPORTS_PER_PAGE: u32 = 500;

/// An API of reports. What rollout-guard writes is the same in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportApi {
    PolicyReport,
    OpenReport,
}

/// Reads and writes reports, named by `namespace/name`.
#[derive(Clone)]
pub struct Reports {
    client: Client,
    discovery: Discovery,
}

/// A report, without what its path says.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report<'a> {
    pub api_version: String,
    pub kind: String,
    pub metadata: Metadata<'a>,
    pub scope: Subject<'a>,
    pub summary: Summary,
    pub results: Vec<ReportResult<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
    pub labels: Labels<'a>,
    pub owner_references: [Subject<'a>; 1],
}

/// The label that selects the reports of one source.
#[derive(Serialize)]
pub struct Labels<'a> {
    #[serde(rename = "app.kubernetes.io/managed-by")]
    pub managed_by: &'a str,
}

/// A reference to the object that a report is about.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject<'a> {
    pub api_version: &'a str,
    pub kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<&'a str>,
    pub name: &'a str,
    pub uid: &'a str,
}

#[derive(Serialize)]
pub struct Summary {
    pub pass: usize,
    pub fail: usize,
    pub warn: usize,
    pub error: usize,
    pub skip: usize,
}

#[derive(Serialize)]
pub struct ReportResult<'a> {
    pub source: &'a str,
    pub policy: &'a str,
    pub rule: &'a str,
    pub category: &'a str,
    pub severity: &'a str,
    pub result: &'a str,
    pub scored: bool,
    pub message: String,
    pub properties: Properties,
    pub resources: [Subject<'a>; 1],
}

#[derive(Serialize)]
pub struct Properties {
    pub field: String,
}

impl ReportApi {
    /// The API of one of [`GROUPS`].
    pub fn of(group: &str) -> Self {
        if group == "openreports.io" {
            ReportApi::OpenReport
        } else {
            ReportApi::PolicyReport
        }
    }

    pub fn resource(self) -> ApiResource {
        let [policy_reports, open_reports] = GROUPS;
        let (group, version, kind, plural) = match self {
            ReportApi::PolicyReport => {
                (policy_reports, "v1alpha2", "PolicyReport", "policyreports")
            }
            ReportApi::OpenReport => (open_reports, "v1alpha1", "Report", "reports"),
        };
        let gvk = GroupVersionKind::gvk(group, version, kind);
        ApiResource::from_gvk_with_plural(&gvk, plural)
    }
}

impl Reports {
    pub fn new(client: Client, discovery: Discovery) -> Self {
        Self { client, discovery }
    }

    /// The reports of rollout-guard; `None` where the API server does not serve the kind.
    pub async fn list(&self, api: ReportApi) -> Result<Option<Vec<String>>, Error> {
        let reports = Request::new(DynamicObject::url_path(&api.resource(), None));
        let params = ListParams::default().labels("app.kubernetes.io/managed-by=rollout-guard");
        let mut page = params.limit(MAX_REPORTS_PER_PAGE);
        let mut paths = Vec::new();
        loop {
            let list = match send(&self.client, reports.list_metadata(&page)).await {
                Err(error) if is_absent(&error) => return Ok(None),
                list => list?,
            };
            let items = list.get("items").and_then(Value::as_array);
            paths.extend(items.into_iter().flatten().map(|report| {
                let namespace = text(report, "/metadata/namespace");
                format!("{namespace}/{}", text(report, "/metadata/name"))
            }));
            match text(&list, "/metadata/continue") {
                "" => return Ok(Some(paths)),
                token => page = page.continue_token(token),
            }
        }
    }

    /// The version, kind and uid of the object that a report is about; `None` if it does not exist.
    pub async fn subject(&self, key: &Key) -> Result<Option<[String; 3]>, Error> {
        let Some(resource) = self.discovery.resource(key.kind).await? else {
            return Ok(None);
        };
        let objects = DynamicObject::url_path(&resource, Some(&key.namespace));
        let request = Request::new(objects).get_metadata(&key.name, &GetParams::default());
        match send(&self.client, request).await {
            Ok(object) => {
                let uid = text(&object, "/metadata/uid").to_owned();
                Ok(Some([resource.api_version, resource.kind, uid]))
            }
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates the report, or makes it as this. Nothing changes where it is so already.
    pub async fn apply(&self, api: ReportApi, report: &Report<'_>) -> Result<(), Error> {
        let Metadata {
            namespace, name, ..
        } = report.metadata;
        let params = PatchParams::apply(SOURCE).force();
        let request = reports_in(api, namespace).patch(name, &params, &Patch::Apply(report));
        send(&self.client, request).await.map(drop)
    }

    pub async fn delete(&self, api: ReportApi, path: &str) -> Result<(), Error> {
        let (namespace, name) = path.split_once('/').unwrap_or_default();
        let request = reports_in(api, namespace).delete(name, &DeleteParams::default());
        send(&self.client, request).await.map(drop)
    }
}

/// Requests about the reports of the namespace.
fn reports_in(api: ReportApi, namespace: &str) -> Request {
    Request::new(DynamicObject::url_path(&api.resource(), Some(namespace)))
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default()
}
