//! Argo's Rollout: strategy, traffic routing, selector and pod labels. Steps and status have their own files.

use super::analysis::{Analysis, TemplateRef};
use super::reader::{IntOrString, Labels, Reader};
use super::selector::Selector;
use super::status::Status;
use super::steps::Step;
use super::traffic_routing::{Istio, TrafficRouting};
use crate::field::Path;

/// A Rollout's spec and status. A field that is absent and one that has its type's zero are told apart where the
/// controller does.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    /// `None` if absent, as with a `workloadRef`.
    pub selector: Option<Selector>,
    /// The template's own labels; empty with a `workloadRef`.
    pub template_labels: Labels,
    /// The template has labels or annotations. The controller tests this beside a `workloadRef`.
    pub template_set: bool,
    /// The workload that has the template in place of the Rollout.
    pub workload_ref: Option<WorkloadRef>,
    /// `None`: 1.
    pub replicas: Option<i64>,
    /// `None`: 0.
    pub min_ready_seconds: Option<i64>,
    /// `None`: 600. It must be greater than `minReadySeconds` (`ValidateRolloutSpec`).
    pub progress_deadline_seconds: Option<i64>,
    /// `None`: 10.
    pub revision_history_limit: Option<i64>,
    /// `None` if absent; the controller wants one of this and `blueGreen`.
    pub canary: Option<Canary>,
    /// `None` if absent.
    pub blue_green: Option<BlueGreen>,
    /// What the controller wrote; all empty in a manifest.
    pub status: Status,
    /// A digest of `spec.template`, to detect that a write changes it.
    pub template_digest: u64,
}

/// A reference to a Deployment, ReplicaSet or PodTemplate of the Rollout's namespace (`templateref`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkloadRef {
    /// Group and version, `apps/v1`.
    pub api_version: String,
    /// As it is written.
    pub kind: String,
    /// Empty if absent.
    pub name: String,
}

/// `strategy.canary`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Canary {
    /// Empty if absent, as the other names of Services.
    pub canary_service: String,
    /// Without it and `pingPong`, a flow splits by subsets or not at all.
    pub stable_service: String,
    /// Two Services that change roles at each promotion.
    pub ping_pong: Option<PingPong>,
    /// `None`: only replica counts split the traffic.
    pub traffic_routing: Option<TrafficRouting>,
    /// Empty: a new revision is promoted at once.
    pub steps: Vec<Step>,
    /// A digest of `steps`, to detect that a write changes them.
    pub steps_digest: u64,
    /// The analysis in the background of a release.
    pub analysis: Option<Analysis>,
    /// Pods above `replicas`, or per cent; `None`: 25%.
    pub max_surge: Option<IntOrString>,
    /// Pods below `replicas`, or per cent; `None`: 25%.
    pub max_unavailable: Option<IntOrString>,
    /// How long the old pods stay; only with traffic routing.
    pub scale_down_delay_seconds: Option<i64>,
    /// The stable pods shrink with their share of the traffic.
    pub dynamic_stable_scale: bool,
    /// Between pods of the two revisions.
    pub anti_affinity: Option<AntiAffinity>,
    /// Labels that the controller adds to the canary's pods.
    pub canary_labels: Labels,
    /// Labels that the controller adds to the stable pods.
    pub stable_labels: Labels,
}

/// `strategy.blueGreen`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BlueGreen {
    /// The Service of the users; empty if absent.
    pub active_service: String,
    /// The Service of the revision that waits; empty if absent.
    pub preview_service: String,
    /// Runs before the active Service switches.
    pub pre_promotion_analysis: Option<Analysis>,
    /// Runs after it; the old pods stay until it ends.
    pub post_promotion_analysis: Option<Analysis>,
    /// How many old revisions keep their pods meanwhile.
    pub scale_down_delay_revision_limit: Option<i64>,
    /// Between pods of the two revisions.
    pub anti_affinity: Option<AntiAffinity>,
}

/// Which of the two is stable, [`Status::stable_is_ping`] says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PingPong {
    /// Empty if absent, which the controller refuses.
    pub ping_service: String,
    /// Empty if absent, which the controller refuses.
    pub pong_service: String,
}

/// `antiAffinity`, of which the controller wants one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AntiAffinity {
    /// The weight of the preferred anti-affinity, if it is set.
    pub preferred: Option<i64>,
    /// The required anti-affinity is set.
    pub required: bool,
}

impl Rollout {
    pub(super) fn read(root: &Reader<'_>) -> Self {
        let spec = root.get("spec");
        let strategy = spec.get("strategy");
        let template = spec.get("template");
        let template_meta = template.get("metadata");
        Self {
            selector: spec.get("selector").object_as(Selector::read),
            template_labels: template_meta.get("labels").labels().unwrap_or_default(),
            template_set: ["labels", "annotations"]
                .iter()
                .any(|field| template_meta.get(field).has_fields()),
            workload_ref: spec.get("workloadRef").object_as(WorkloadRef::read),
            replicas: spec.get("replicas").int(),
            min_ready_seconds: spec.get("minReadySeconds").int(),
            progress_deadline_seconds: spec.get("progressDeadlineSeconds").int(),
            revision_history_limit: spec.get("revisionHistoryLimit").int(),
            canary: strategy.get("canary").object_as(Canary::read),
            blue_green: strategy.get("blueGreen").object_as(BlueGreen::read),
            status: Status::read(&root.get("status")),
            template_digest: template.digest(),
        }
    }

    /// The canary's steps, with their paths.
    pub fn steps(&self) -> impl Iterator<Item = (Path, &Step)> {
        let steps = self.canary.iter().flat_map(|canary| &canary.steps);
        let list = Path::spec(["strategy", "canary", "steps"]);
        steps
            .enumerate()
            .map(move |(index, step)| (list.index(index), step))
    }

    /// The paths of the `setHeaderRoute` and `setMirrorRoute` that insert a route.
    pub fn inserting_steps(&self) -> impl Iterator<Item = Path> {
        self.steps().flat_map(|(path, step)| {
            let routes = step.route_step().filter(|(_, route)| !route.removes());
            let paths: Vec<Path> = routes.map(|(field, _)| path.field(field)).collect();
            paths
        })
    }

    /// The paths of the experiments that get traffic of the VirtualServices.
    pub fn weighted_experiments(&self) -> impl Iterator<Item = Path> {
        self.steps().filter_map(|(path, step)| {
            let mut templates = step.experiment.iter().flat_map(|step| &step.templates);
            let weighted = templates.any(|template| template.weight.is_some());
            weighted.then(|| path.field("experiment"))
        })
    }

    /// The references to analysis templates, with their paths: of the background, of steps and their experiments, and
    /// before and after a promotion.
    pub fn analysis_templates(&self) -> impl Iterator<Item = (Path, &TemplateRef)> {
        let canary = Path::spec(["strategy", "canary"]);
        let background = self
            .canary
            .iter()
            .filter_map(|canary| canary.analysis.as_ref());
        let background = background.map(move |analysis| (canary.field("analysis"), analysis));
        let of_steps = self
            .steps()
            .filter_map(|(path, step)| Some((path.field("analysis"), step.analysis.as_ref()?)));
        let experiments = self.steps().filter_map(|(path, step)| {
            let analyses = &step.experiment.as_ref()?.analyses;
            Some((path.fields(["experiment", "analyses"]), analyses))
        });
        let promotion = self.blue_green.iter().flat_map(BlueGreen::analyses);
        let templates = background.chain(of_steps).chain(promotion);
        let templates = templates.map(|(path, one)| (path.field("templates"), &one.templates));
        templates.chain(experiments).flat_map(|(path, list)| {
            let list = list.iter().enumerate();
            list.map(move |(index, template)| (path.index(index), template))
        })
    }

    /// That of the canary; blue-green has none.
    pub fn traffic_routing(&self) -> Option<&TrafficRouting> {
        self.canary.as_ref()?.traffic_routing.as_ref()
    }

    /// `trafficRouting.istio` of the canary.
    pub fn istio(&self) -> Option<&Istio> {
        self.traffic_routing()?.istio.as_ref()
    }

    /// The names in `managedRoutes`: the routes that the controller inserts.
    pub fn managed_routes(&self) -> &[String] {
        self.traffic_routing()
            .and_then(|routing| routing.managed_routes.as_deref())
            .unwrap_or_default()
    }
}

impl WorkloadRef {
    fn read(reference: &Reader<'_>) -> Self {
        Self {
            api_version: reference.get("apiVersion").string().unwrap_or_default(),
            kind: reference.get("kind").string().unwrap_or_default(),
            name: reference.get("name").string().unwrap_or_default(),
        }
    }
}

impl Canary {
    fn read(canary: &Reader<'_>) -> Self {
        let added_labels = |name| {
            let metadata = canary.get(name);
            metadata.get("labels").labels().unwrap_or_default()
        };
        Self {
            canary_service: canary.get("canaryService").string().unwrap_or_default(),
            stable_service: canary.get("stableService").string().unwrap_or_default(),
            ping_pong: canary.get("pingPong").object_as(PingPong::read),
            traffic_routing: canary.get("trafficRouting").object_as(TrafficRouting::read),
            steps: canary.get("steps").objects(Step::read).unwrap_or_default(),
            steps_digest: canary.get("steps").digest(),
            analysis: canary.get("analysis").object_as(Analysis::read),
            max_surge: canary.get("maxSurge").int_or_string(),
            max_unavailable: canary.get("maxUnavailable").int_or_string(),
            scale_down_delay_seconds: canary.get("scaleDownDelaySeconds").int(),
            dynamic_stable_scale: canary.get("dynamicStableScale").boolean(),
            anti_affinity: canary.get("antiAffinity").object_as(AntiAffinity::read),
            canary_labels: added_labels("canaryMetadata"),
            stable_labels: added_labels("stableMetadata"),
        }
    }
}

impl BlueGreen {
    fn read(blue_green: &Reader<'_>) -> Self {
        let analysis = |name| blue_green.get(name).object_as(Analysis::read);
        let text = |name| blue_green.get(name).string().unwrap_or_default();
        Self {
            active_service: text("activeService"),
            preview_service: text("previewService"),
            pre_promotion_analysis: analysis("prePromotionAnalysis"),
            post_promotion_analysis: analysis("postPromotionAnalysis"),
            scale_down_delay_revision_limit: blue_green.get("scaleDownDelayRevisionLimit").int(),
            anti_affinity: blue_green.get("antiAffinity").object_as(AntiAffinity::read),
        }
    }
}

impl BlueGreen {
    fn analyses(&self) -> impl Iterator<Item = (Path, &Analysis)> {
        let fields = [
            ("prePromotionAnalysis", &self.pre_promotion_analysis),
            ("postPromotionAnalysis", &self.post_promotion_analysis),
        ];
        let fields = fields.into_iter();
        fields.filter_map(|(name, analysis)| {
            Some((
                Path::spec(["strategy", "blueGreen", name]),
                analysis.as_ref()?,
            ))
        })
    }
}

impl PingPong {
    fn read(ping_pong: &Reader<'_>) -> Self {
        Self {
            ping_service: ping_pong.get("pingService").string().unwrap_or_default(),
            pong_service: ping_pong.get("pongService").string().unwrap_or_default(),
        }
    }
}

impl AntiAffinity {
    fn read(affinity: &Reader<'_>) -> Self {
        let preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution");
        let required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution");
        Self {
            preferred: preferred
                .object()
                .then(|| preferred.get("weight").int().unwrap_or_default()),
            required: required.object(),
        }
    }
}
