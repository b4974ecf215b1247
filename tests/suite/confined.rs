//! Which differences of a write the Rollouts controller could have made. Each line is a patch of the stored object.

use rollout_guard::cluster::Cluster;
use rollout_guard::decide::{Exempt, NameUse, decide};
use rollout_guard::model::{Key, Kind, Object, Operation};
use rollout_guard::settings::Settings;
use rollout_guard::source::{self, Limits, Node};
use serde_json::{Value, json};

use crate::fixture::request_of;

#[test]
fn the_controller_writes_this() {
    check(&CONTROLLERS, Some(Exempt::ControllerByFields));
}

#[test]
fn the_controller_never_writes_that() {
    check(&OTHERS, None);
}

/// A Rollout with all that its controller can write, and objects that it names.
const FLOW: &str = r"
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: app}
spec:
  selector: {matchLabels: {app: app}}
  template: {metadata: {labels: {app: app}}}
  strategy:
    canary:
      canaryService: app-canary
      stableService: app-stable
      trafficRouting:
        managedRoutes: [{name: testers}]
        istio:
          virtualServices:
          - {name: app, routes: [primary]}
          - {name: l4, tlsRoutes: [{port: 443, sniHosts: [a.b]}], tcpRoutes: [{port: 9000}]}
          destinationRule: {name: app, canarySubsetName: canary, stableSubsetName: stable, additionalSubsetNames: [extra]}
      steps:
      - setHeaderRoute: {name: testers, match: [{headerName: x, headerValue: {exact: y}}]}
      - setMirrorRoute: {name: shadow, match: [{path: {prefix: /}}]}
      - experiment: {templates: [{name: try, specRef: canary, weight: 5}]}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: plain}
spec:
  strategy: {canary: {canaryService: app-canary, stableService: app-stable, trafficRouting: {istio: {virtualService: {name: plain}}}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: app}
spec:
  hosts: [app]
  http:
  - {name: testers, match: [{headers: {x: {exact: y}}}], route: [{destination: {host: app, subset: canary}, weight: 100}]}
  - {name: other, route: [{destination: {host: other}, weight: 100}]}
  - name: primary
    timeout: 3s
    route:
    - {destination: {host: app, subset: canary}, weight: 5}
    - {destination: {host: app, subset: stable}, weight: 70}
    - {destination: {host: app, subset: extra}, weight: 20}
    - {destination: {host: app-abc-1-0-try}, weight: 5}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: l4}
spec:
  hosts: [a.b]
  tls:
  - {match: [{port: 8443, sniHosts: [a.b]}], route: [{destination: {host: other}}]}
  - {match: [{port: 443, sniHosts: [a.b]}], route: [{destination: {host: app, subset: canary}, weight: 5}, {destination: {host: app, subset: stable}, weight: 95}]}
  tcp:
  - {match: [{port: 9000}], route: [{destination: {host: app, subset: canary}, weight: 5}, {destination: {host: app, subset: stable}, weight: 95}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: plain}
spec:
  hosts: [app]
  http:
  - {route: [{destination: {host: app-canary}, weight: 5}, {destination: {host: app-stable}, weight: 95}]}
  - {match: [{uri: {prefix: /x}}], route: [{destination: {host: other}}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: app, annotations: {argo-rollouts.argoproj.io/managed-by-rollouts: app}}
spec:
  host: app
  subsets:
  - {name: canary, labels: {app: app, rollouts-pod-template-hash: abc}}
  - {name: left, labels: {app: app}}
  - {name: stable, labels: {app: app}, trafficPolicy: {loadBalancer: {simple: RANDOM}}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: gone, annotations: {argo-rollouts.argoproj.io/managed-by-rollouts: deleted}}
spec:
  host: gone
  subsets: [{name: canary, labels: {rollouts-pod-template-hash: abc}}, {name: left, labels: {app: app}}]
---
apiVersion: v1
kind: Service
metadata: {name: app-canary}
spec: {selector: {app: app, rollouts-pod-template-hash: abc}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: gone, annotations: {argo-rollouts.argoproj.io/managed-by-rollouts: deleted}}
spec: {selector: {app: app, rollouts-pod-template-hash: abc}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: other}
spec: {selector: {app: other}, ports: [{port: 80}]}
";

type Row = (&'static str, Kind, &'static str, &'static str);

use Kind::{DestinationRule as DR, Rollout as RO, Service as SVC, VirtualService as VS};

const ROUTE: &str = "/spec/http/2/route";
const SUBSETS: &str = "/spec/subsets";
const MARK: &str = "/metadata/annotations/argo-rollouts.argoproj.io~1managed-by-rollouts";
const HASH: &str = "rollouts-pod-template-hash";

/// What it is, the object, and the operations on it: `path = value`, `path +` value, `path -`.
const CONTROLLERS: [Row; 22] = [
    (
        "weights",
        VS,
        "app",
        "ROUTE/0/weight = 10; ROUTE/1/weight = 65",
    ),
    ("an experiment that ends", VS, "app", "ROUTE/3 -"),
    (
        "an experiment that begins",
        VS,
        "app",
        r#"ROUTE/- + {"destination": {"host": "chosen"}, "weight": 5}"#,
    ),
    ("a header route that goes", VS, "app", "/spec/http/0 -"),
    (
        "a header route that changes",
        VS,
        "app",
        r#"/spec/http/0/match = [{"headers": {"x": {"regex": "z"}}}]"#,
    ),
    (
        "a mirror route that comes",
        VS,
        "app",
        r#"/spec/http/0 + {"name": "shadow", "match": [{"uri": {"prefix": "/"}}], "mirrorPercentage": {"value": 100.0},
           "mirror": {"host": "app", "subset": "canary"}, "route": [{"destination": {"host": "app", "subset": "stable"}}]}"#,
    ),
    (
        "tls and tcp",
        VS,
        "l4",
        "/spec/tls/1/route/0/weight = 10; /spec/tcp/0/route/1/weight = 90",
    ),
    (
        "the first unnamed route",
        VS,
        "plain",
        "/spec/http/0/route/0/weight = 10; /spec/http/0/route/1/weight = 90",
    ),
    (
        "hashes",
        DR,
        "app",
        r#"SUBSETS/0/labels/HASH = "def"; SUBSETS/2/labels/HASH + "abc"; SUBSETS/1 -"#,
    ),
    ("a hash that goes", DR, "app", "SUBSETS/0/labels/HASH -"),
    (
        "an experiment's subset",
        DR,
        "app",
        r#"SUBSETS/- + {"name": "chosen", "labels": {"HASH": "abc"}}"#,
    ),
    (
        "the mark comes",
        SVC,
        "app-canary",
        r#"/metadata/annotations + {"argo-rollouts.argoproj.io/managed-by-rollouts": "app"}; /spec/selector/HASH = "x""#,
    ),
    (
        "the Service's hash",
        SVC,
        "app-canary",
        r#"/spec/selector/HASH = "def""#,
    ),
    (
        "the last hash goes",
        SVC,
        "app-canary",
        "/spec/selector/HASH -",
    ),
    (
        "a Service without a Rollout is cleaned",
        SVC,
        "gone",
        "/spec/selector/HASH -; MARK -",
    ),
    (
        "a DestinationRule without one",
        DR,
        "gone",
        "SUBSETS/0/labels/HASH -; MARK -",
    ),
    (
        "the revision",
        RO,
        "app",
        r#"/metadata/annotations + {"rollout.argoproj.io/revision": "2"}"#,
    ),
    (
        "a workload's generation",
        RO,
        "app",
        r#"/metadata/annotations + {"rollout.argoproj.io/workload-generation": "2"}"#,
    ),
    (
        "zero values",
        RO,
        "app",
        r#"/spec/template/spec + {"containers": []}; /spec/minReadySeconds + 0"#,
    ),
    ("the default of replicas", RO, "app", "/spec/replicas + 1"),
    (
        "unnamed routes are multiplied",
        VS,
        "plain",
        r#"/spec/http/- + {"route": [{"destination": {"host": "app-canary"}, "weight": 5}, {"destination": {"host": "app-stable"}, "weight": 95}]}; /spec/http/- + {"match": [{"uri": {"prefix": "/x"}}], "route": [{"destination": {"host": "other"}}]}"#,
    ),
    (
        "a deletion moves another to the end",
        VS,
        "app",
        r#"ROUTE/3 -; ROUTE/- + {"destination": {"host": "app"}, "weight": 5}"#,
    ),
];

const OTHERS: [Row; 32] = [
    (
        "a timeout",
        VS,
        "app",
        r#"/spec/http/2/timeout = "5s"; ROUTE/0/weight = 10"#,
    ),
    (
        "a host",
        VS,
        "app",
        r#"/spec/hosts = ["b"]; ROUTE/0/weight = 10"#,
    ),
    (
        "the weights of another route",
        VS,
        "app",
        "/spec/http/1/route/0/weight = 50",
    ),
    ("a route's name", VS, "app", r#"/spec/http/2/name = "main""#),
    (
        "a new route",
        VS,
        "app",
        r#"/spec/http/- + {"name": "new", "route": [{"destination": {"host": "app"}}]}"#,
    ),
    ("a route that goes", VS, "app", "/spec/http/1 -"),
    (
        "an unknown subset",
        VS,
        "app",
        r#"ROUTE/0/destination/subset = "v9""#,
    ),
    ("the stable destination goes", VS, "app", "ROUTE/1 -"),
    ("an additional one goes", VS, "app", "ROUTE/2 -"),
    (
        "another's host",
        VS,
        "app",
        r#"ROUTE/- + {"destination": {"host": "evil.other.svc"}, "weight": 5}"#,
    ),
    (
        "a destination with headers",
        VS,
        "app",
        r#"ROUTE/- + {"destination": {"host": "x"}, "weight": 5, "headers": {}}"#,
    ),
    (
        "a new host without an experiment",
        VS,
        "plain",
        r#"/spec/http/0/route/- + {"destination": {"host": "evil"}, "weight": 5}"#,
    ),
    (
        "a header route for everybody",
        VS,
        "app",
        "/spec/http/0/match = [{}]",
    ),
    (
        "a header route without a match",
        VS,
        "app",
        "/spec/http/0/match -",
    ),
    (
        "a header route to another Service",
        VS,
        "app",
        r#"/spec/http/0/route/0/destination = {"host": "other"}"#,
    ),
    (
        "a header route that rewrites",
        VS,
        "app",
        r#"/spec/http/0/rewrite + {"uri": "/"}"#,
    ),
    (
        "an order of routes",
        VS,
        "l4",
        r#"/spec/tls = [{"match": [{"port": 443, "sniHosts": ["a.b"]}]}]"#,
    ),
    (
        "another tls route",
        VS,
        "l4",
        "/spec/tls/0/route/0/weight + 5",
    ),
    ("no list", VS, "app", r#"/spec/tls + {"a": 1}"#),
    (
        "a label",
        VS,
        "app",
        r#"/metadata/labels + {"a": "b"}; ROUTE/0/weight = 10"#,
    ),
    (
        "allow",
        VS,
        "app",
        r#"/metadata/annotations + {"rollout-guard.io/allow": "*"}; ROUTE/0/weight = 10"#,
    ),
    ("a subset's name", DR, "app", r#"SUBSETS/0/name = "next""#),
    (
        "a subset's label",
        DR,
        "app",
        r#"SUBSETS/0/labels/app = "x""#,
    ),
    ("a traffic policy", DR, "app", "SUBSETS/2/trafficPolicy -"),
    ("a rule's host", DR, "app", r#"/spec/host = "x""#),
    (
        "a subset with labels",
        DR,
        "app",
        r#"SUBSETS/- + {"name": "new", "labels": {"HASH": "abc", "app": "x"}}"#,
    ),
    ("another's mark", DR, "app", r#"MARK = "thief""#),
    (
        "a hash in a rule of nobody",
        DR,
        "gone",
        r#"SUBSETS/1/labels/HASH + "abc""#,
    ),
    (
        "a Service's label",
        SVC,
        "app-canary",
        r#"/spec/selector/app = "x""#,
    ),
    (
        "a hash in a Service of nobody",
        SVC,
        "other",
        r#"/spec/selector/HASH + "abc""#,
    ),
    (
        "a Service's port",
        SVC,
        "app-canary",
        "/spec/ports/0/port = 81",
    ),
    (
        "a Rollout's route",
        RO,
        "app",
        r#"/spec/strategy/canary/trafficRouting/istio/virtualServices/0/routes = ["x"]"#,
    ),
];

fn check(rows: &[Row], expected: Option<Exempt>) {
    let mut cluster = Cluster::new(Settings::default().mesh);
    let objects: Vec<Value> = source::parse(FLOW, Limits::default())
        .expect("YAML")
        .iter()
        .map(Node::to_value)
        .collect();
    for object in &objects {
        cluster.apply(Object::parse(object, "ns").expect("a known kind"));
    }
    for (what, kind, name, operations) in rows {
        let named = |object: &&Value| {
            object["kind"] == kind.as_str() && object["metadata"]["name"] == *name
        };
        let old = objects.iter().find(named).expect("an object").clone();
        let mut new = old.clone();
        json_patch::patch(&mut new, &patch(operations))
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let owned = json!({"f:metadata": {"f:annotations": {}, "f:labels": {}}, "f:spec": fields(&new["spec"])});
        let owned =
            json!([{"manager": "rollouts-controller", "operation": "Update", "fieldsV1": owned}]);
        new["metadata"]["managedFields"] = owned;
        let mut request = request_of(&Key::new(*kind, "ns", name), Operation::Update, new, old);
        request.user = "system:serviceaccount:elsewhere:argo".into();
        let decision = decide(request.clone(), &cluster, &Settings::default());
        assert_eq!(decision.exempt, expected, "{what}");
        request.user = "alice".into();
        let decision = decide(request, &cluster, &Settings::default());
        assert_eq!(
            (decision.exempt, decision.name_use),
            (None, Some(NameUse::Other)),
            "{what}"
        );
    }
}

/// Each field of the spec with all that is below it.
fn fields(spec: &Value) -> Value {
    let fields = spec.as_object().expect("a spec").keys();
    fields
        .map(|field| (format!("f:{field}"), json!({})))
        .collect()
}

fn patch(operations: &str) -> json_patch::Patch {
    let operations = operations
        .replace("ROUTE", ROUTE)
        .replace("SUBSETS", SUBSETS)
        .replace("MARK", MARK)
        .replace("HASH", HASH);
    let operations = operations.split("; ").map(|operation| {
        let (path, rest) = operation
            .trim()
            .split_once(' ')
            .expect("a path and an operation");
        match rest.split_once(' ') {
            Some((sign, value)) => {
                let op = if sign == "=" { "replace" } else { "add" };
                let value: Value =
                    serde_json::from_str(value).unwrap_or_else(|error| panic!("{value}: {error}"));
                json!({"op": op, "path": path, "value": value})
            }
            None => json!({"op": "remove", "path": path}),
        }
    });
    serde_json::from_value(operations.collect()).expect("operations")
}
