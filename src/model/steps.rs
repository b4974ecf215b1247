//! The steps of a canary.

use super::analysis::{Analysis, TemplateRef};
use super::reader::{IntOrString, Reader};

/// One step. The controller takes it for the first kind that is set; a step of several is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// From 0 to `maxTrafficWeight`: per cent, unless that is set.
    pub set_weight: Option<i64>,
    /// `pause` is an object; `{}` waits for a person.
    pub pause: bool,
    /// Seconds, or a duration such as `10m`.
    pub pause_duration: Option<IntOrString>,
    /// Pods of their own for some time.
    pub experiment: Option<Experiment>,
    /// The step ends when it does.
    pub analysis: Option<Analysis>,
    /// Pods of the canary apart from its weight; only with traffic routing.
    pub set_canary_scale: bool,
    /// Requests with a header go to the canary, by a route that the controller inserts.
    pub set_header_route: Option<RouteStep>,
    /// Requests are also sent to the canary, by a route that the controller inserts.
    pub set_mirror_route: Option<RouteStep>,
    /// Some plugin's step.
    pub plugin: bool,
}

/// An `experiment` step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Experiment {
    /// Each gets a ReplicaSet, and with a weight a Service.
    pub templates: Vec<ExperimentTemplate>,
    /// Looked up when the step begins, not before.
    pub analyses: Vec<TemplateRef>,
}

/// Pods of an experiment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExperimentTemplate {
    /// Of the template.
    pub name: String,
    /// Per cent of the traffic while it runs; `None`: none.
    pub weight: Option<i64>,
}

/// A setHeaderRoute or setMirrorRoute step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteStep {
    /// The inserted route, which `managedRoutes` must list.
    pub name: String,
    /// `None` or empty: the step removes the route.
    pub matches: Option<Vec<Vec<MatchField>>>,
}

/// One `headerValue`, `method` or `path` of a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchField {
    /// The field: `headerValue`, `method` or `path`.
    pub name: &'static str,
    /// `headerName` beside a `headerValue`.
    pub header: String,
    /// `None` when the field is absent.
    pub value: Option<StringMatch>,
}

/// Exactly one must be set; empty counts as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StringMatch {
    /// Equal to it.
    pub exact: String,
    /// Matches the regular expression as a whole.
    pub regex: String,
    /// Begins with it.
    pub prefix: String,
}

impl Step {
    pub(super) fn read(step: &Reader<'_>) -> Self {
        let pause = step.get("pause");
        Self {
            set_weight: step.get("setWeight").int(),
            pause: pause.object(),
            pause_duration: pause.get("duration").int_or_string(),
            experiment: step.get("experiment").object_as(Experiment::read),
            analysis: step.get("analysis").object_as(Analysis::read),
            set_canary_scale: step.get("setCanaryScale").object(),
            set_header_route: step
                .get("setHeaderRoute")
                .object_as(|route| RouteStep::read(route, &["headerValue"])),
            set_mirror_route: step
                .get("setMirrorRoute")
                .object_as(|route| RouteStep::read(route, &["method", "path"])),
            plugin: step.get("plugin").object(),
        }
    }

    /// The headers with exact values that a setHeaderRoute matches.
    pub fn header_examples(&self) -> impl Iterator<Item = (&str, &str)> {
        let matches = self
            .set_header_route
            .iter()
            .flat_map(|route| &route.matches);
        let fields = matches.flatten().flatten();
        fields.filter_map(|field| {
            let value = field
                .value
                .as_ref()
                .filter(|value| !value.exact.is_empty())?;
            Some((field.header.as_str(), value.exact.as_str()))
        })
    }

    /// The step's route, with the field that holds it.
    pub fn route_step(&self) -> impl Iterator<Item = (&'static str, &RouteStep)> {
        let header = self
            .set_header_route
            .iter()
            .map(|step| ("setHeaderRoute", step));
        let mirror = self
            .set_mirror_route
            .iter()
            .map(|step| ("setMirrorRoute", step));
        header.chain(mirror)
    }
}

impl Experiment {
    fn read(experiment: &Reader<'_>) -> Self {
        let templates = experiment.get("templates");
        let templates = templates.objects(|template| ExperimentTemplate {
            name: template.get("name").string().unwrap_or_default(),
            weight: template.get("weight").int(),
        });
        let analyses = experiment.get("analyses").objects(TemplateRef::read);
        Self {
            templates: templates.unwrap_or_default(),
            analyses: analyses.unwrap_or_default(),
        }
    }
}

impl RouteStep {
    fn read(route: &Reader<'_>, fields: &[&'static str]) -> Self {
        let matches = route.get("match").objects(|entry| {
            fields
                .iter()
                .map(|name| MatchField {
                    name,
                    header: entry.get("headerName").string().unwrap_or_default(),
                    value: entry.get(name).object_as(StringMatch::read),
                })
                .collect()
        });
        Self {
            name: route.get("name").string().unwrap_or_default(),
            matches,
        }
    }

    /// Whether the step removes its route: it has no match.
    pub fn removes(&self) -> bool {
        self.matches.as_ref().is_none_or(Vec::is_empty)
    }
}

impl StringMatch {
    fn read(value: &Reader<'_>) -> Self {
        Self {
            exact: value.get("exact").string().unwrap_or_default(),
            regex: value.get("regex").string().unwrap_or_default(),
            prefix: value.get("prefix").string().unwrap_or_default(),
        }
    }

    /// How many of `exact`, `regex` and `prefix` are not empty.
    pub fn set_fields(&self) -> usize {
        [&self.exact, &self.regex, &self.prefix]
            .iter()
            .filter(|value| !value.is_empty())
            .count()
    }
}
