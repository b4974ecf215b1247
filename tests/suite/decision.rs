//! The decision: one line for each row of the table, each exemption, each step of the precedence.

use rollout_guard::cluster::Cluster;
use rollout_guard::decide::{Action, Decision, decide};
use rollout_guard::model::{Kind, Object, Operation};
use rollout_guard::request::{AllowRight, Phase, Request};
use rollout_guard::settings;
use rollout_guard::source::{self, Limits, Node};
use serde_json::{Value, json};

/// A write over the cluster [`FLOW`], and what becomes of it.
struct Case {
    name: &'static str,
    /// More manifests, laid over the flow.
    cluster: &'static str,
    operation: Operation,
    /// The written object; on DELETE the one that goes.
    object: String,
    /// `deny RG202`, `warn RG202`, `allow`, or `exempt <reason>`.
    outcome: &'static str,
    settings: &'static str,
    user: &'static str,
    subresource: &'static str,
}

#[test]
fn every_row_exemption_and_precedence_holds() {
    let cases = [table(), profiles(), precedence(), exemptions()].concat();
    let faults: Vec<String> = cases.iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_allow_annotation_is_told_while_it_stands() {
    let broken = vs("main", "app-stable", "");
    let notes = |words: &str| judge(&update("", annotated(&broken, words), "")).notes;
    let on = "annotation rollout-guard.io/allow lets `weights`, `RG202` pass: remove it afterwards";
    assert_eq!(notes("weights, RG202"), [on]);
    let unknown =
        "annotation rollout-guard.io/allow names `wieghts`, which is no rule and no mutation";
    assert_eq!(notes("wieghts"), [unknown]);
    let going = Case {
        operation: Operation::Delete,
        ..update("", annotated(&broken, "RG701"), "")
    };
    assert!(judge(&going).notes.is_empty());
}

fn table() -> Vec<Case> {
    vec![
        update(
            "an error inside the object, new",
            vs("primary", "app-stable", "weight: -1"),
            "deny RG504",
        ),
        create(
            "the same by CREATE",
            renamed(&vs("x", "app-stable", "weight: -1"), "other"),
            "deny RG504",
        ),
        create(
            "an error that harms another flow, by CREATE",
            second_rollout(),
            "deny RG603",
        ),
        update(
            "an error between objects that all existed",
            vs("main", "app-stable", ""),
            "deny RG202",
        ),
        Case {
            cluster: "delete VirtualService app",
            ..create(
                "the same, one object born by the write",
                vs("main", "app-stable", ""),
                "warn RG202",
            )
        },
        Case {
            cluster: "delete VirtualService app",
            ..update(
                "a reference to an object that does not exist",
                rollout("primary"),
                "warn RG201",
            )
        },
        Case {
            cluster: VS_MAIN,
            ..update(
                "an error that was there before",
                vs("main", "app-stable", "weight: 7"),
                "warn RG202",
            )
        },
        update("a warning, new", vs_twice(), "warn RG207"),
        Case {
            cluster: RULE_HIDDEN,
            ..update(
                "an error where a warning was",
                rule("[{name: v2}]", ""),
                "deny RG501",
            )
        },
        Case {
            operation: Operation::Delete,
            ..update(
                "a DELETE in progress",
                vs("primary", "app-stable", ""),
                "deny RG701",
            )
        },
        Case {
            cluster: ROLLOUT_IDLE,
            operation: Operation::Delete,
            ..update(
                "a DELETE while idle",
                vs("primary", "app-stable", ""),
                "warn RG701",
            )
        },
        update(
            "nothing wrong",
            vs("primary", "app-stable", "weight: 9"),
            "allow",
        ),
    ]
}

fn profiles() -> Vec<Case> {
    let old = || vs("main", "app-stable", "weight: 7");
    vec![
        Case {
            cluster: VS_MAIN,
            settings: "profile: strict",
            ..update("strict denies an old error", old(), "deny RG202")
        },
        Case {
            cluster: "delete VirtualService app",
            settings: "profile: strict",
            ..update(
                "strict denies a missing object",
                rollout("primary"),
                "deny RG201",
            )
        },
        Case {
            settings: "profile: strict",
            ..update("strict lets a warning be", vs_twice(), "warn RG207")
        },
        Case {
            settings: "profile: observe",
            ..update(
                "observe denies nothing",
                vs("main", "app-stable", ""),
                "warn RG202",
            )
        },
    ]
}

fn precedence() -> Vec<Case> {
    let broken = || vs("main", "app-stable", "");
    let allowing = |words: &str| annotated(&broken(), words);
    vec![
        Case {
            settings: "actions: {RG202: warn}",
            ..update(
                "a rule's action `warn` beats the profile",
                broken(),
                "warn RG202",
            )
        },
        Case {
            settings: "{profile: strict, actions: {route-not-found: warn}}",
            ..update("also profile strict", broken(), "warn RG202")
        },
        Case {
            settings: "actions: {route-not-found: off}",
            ..update("a rule's action `off`", broken(), "allow")
        },
        Case {
            settings: "actions: {RG207: deny}",
            ..update(
                "a rule's action `deny` makes a new warning deny",
                vs_twice(),
                "deny RG207",
            )
        },
        Case {
            cluster: VS_TWICE,
            settings: "actions: {RG207: deny}",
            ..update("not an old one", vs_twice(), "warn RG207")
        },
        update("`allow` by code", allowing("RG202"), "warn RG202"),
        update(
            "`allow` by name among others",
            allowing("x, route-not-found"),
            "warn RG202",
        ),
        update("`allow` for everything", allowing("*"), "warn RG202"),
        update("`allow` for another rule", allowing("RG501"), "deny RG202"),
        Case {
            settings: "{profile: strict, actions: {RG202: deny}}",
            ..update(
                "`allow` beats action and profile",
                allowing("RG202"),
                "warn RG202",
            )
        },
        Case {
            cluster: VS_ALLOWS,
            operation: Operation::Delete,
            ..update(
                "`allow` of the old object counts on DELETE",
                annotated(&vs("primary", "app-stable", ""), "RG701"),
                "warn RG701",
            )
        },
        Case {
            cluster: VS_ALLOWS,
            ..update(
                "`allow` of the old object does not on UPDATE",
                broken(),
                "deny RG202",
            )
        },
        Case {
            cluster: "namespace strict",
            settings: "profile: observe",
            ..update(
                "the namespace's label overrides the profile",
                broken(),
                "deny RG202",
            )
        },
        Case {
            cluster: "namespace observe",
            settings: "{profile: strict, actions: {RG202: deny}}",
            ..update("and the rule's action", broken(), "warn RG202")
        },
        Case {
            cluster: "namespace guard",
            settings: "profile: strict",
            ..update(
                "label guard under profile strict",
                vs("primary", "app-stable", "weight: 7"),
                "allow",
            )
        },
        Case {
            cluster: "namespace strict",
            ..update(
                "break-glass works under label strict",
                allowing("RG202"),
                "warn RG202",
            )
        },
        Case {
            cluster: "namespace off",
            ..update("label off", broken(), "exempt namespace-off")
        },
        Case {
            cluster: "namespace off",
            user: CONTROLLER,
            ..update(
                "an exemption comes before the label",
                broken(),
                "exempt controller",
            )
        },
    ]
}

fn exemptions() -> Vec<Case> {
    let broken = || vs("main", "app-stable", "");
    let deleting = || {
        broken().replace(
            "metadata: {",
            "metadata: {deletionTimestamp: \"2026-01-01T00:00:00Z\", ",
        )
    };
    let delete = |user| Case {
        operation: Operation::Delete,
        user,
        ..update(
            "deletes by the system",
            vs("primary", "app-stable", ""),
            "exempt system",
        )
    };
    vec![
        Case {
            user: CONTROLLER,
            ..update("the controller by its user", broken(), "exempt controller")
        },
        Case {
            user: "custom",
            settings: "controllerUsers: [custom]",
            ..update("by a configured user", broken(), "exempt controller")
        },
        Case {
            settings: "controllerUsers: [custom]",
            user: CONTROLLER,
            ..update(
                "the default user no more when others are configured",
                broken(),
                "deny RG202",
            )
        },
        Case {
            user: ACCOUNT,
            ..update(
                "a service account with the controller's manager, weights",
                by_manager("rollouts-controller", "primary"),
                "exempt controller-by-managed-fields",
            )
        },
        Case {
            user: ACCOUNT,
            ..update(
                "the same, a route's name",
                by_manager("rollouts-controller", "main"),
                "deny RG202",
            )
        },
        update(
            "a person with the controller's manager",
            by_manager("rollouts-controller", "main"),
            "deny RG202",
        ),
        update(
            "a person with it, weights",
            by_manager("rollouts-controller", "primary"),
            "allow",
        ),
        Case {
            user: ACCOUNT,
            settings: "exemptByFieldManager: never",
            ..update(
                "a service account where it never counts",
                by_manager("rollouts-controller", "primary"),
                "allow",
            )
        },
        Case {
            user: ACCOUNT,
            settings: "controllerManager: mine",
            ..update(
                "a configured manager",
                by_manager("mine", "primary"),
                "exempt controller-by-managed-fields",
            )
        },
        Case {
            subresource: "status",
            ..update("a subresource", broken(), "exempt subresource")
        },
        update(
            "an object that is being deleted",
            deleting(),
            "exempt object-deleting",
        ),
        Case {
            cluster: "namespace deleting",
            ..update(
                "a namespace that is being deleted",
                broken(),
                "exempt namespace-deleting",
            )
        },
        delete("system:serviceaccount:kube-system:generic-garbage-collector"),
        delete("system:serviceaccount:kube-system:namespace-controller"),
        delete("system:kube-controller-manager"),
        Case {
            user: "system:kube-controller-manager",
            ..update(
                "the system's other writes are judged",
                broken(),
                "deny RG202",
            )
        },
        update(
            "a kind that is not ours",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n".into(),
            "exempt unknown-kind",
        ),
        update(
            "a kind that is only read",
            "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: a}\n".into(),
            "exempt unknown-kind",
        ),
    ]
}

fn fault(case: &Case) -> Option<String> {
    let verdict = judge(case);
    let outcome = match verdict.exempt {
        Some(reason) => format!("exempt {}", reason.as_str()),
        None => said(&verdict),
    };
    let holds = match case.outcome.split_once(' ') {
        Some((_, code)) if code.starts_with("RG") => {
            let mut words = outcome.split(' ');
            words.next() == case.outcome.split(' ').next() && words.any(|word| word == code)
        }
        _ => outcome == case.outcome,
    };
    (!holds).then(|| format!("{}: {outcome}, not {}", case.name, case.outcome))
}

/// `deny` with the codes that deny, else `warn` with those that warn, else `allow`.
fn said(verdict: &Decision) -> String {
    let codes = |action: Action| {
        let judged = verdict
            .judged
            .iter()
            .filter(move |judged| judged.action == action);
        judged
            .map(|judged| format!(" {}", judged.finding.rule.code))
            .collect::<String>()
    };
    match (codes(Action::Deny), codes(Action::Warn)) {
        (denied, _) if !denied.is_empty() => format!("deny{denied}"),
        (_, warned) if !warned.is_empty() => format!("warn{warned}"),
        _ => "allow".into(),
    }
}

fn judge(case: &Case) -> Decision {
    let settings = settings::parse(case.settings).expect("settings");
    let mut cluster = Cluster::new(settings.mesh.clone());
    for value in values(FLOW) {
        cluster.apply(Object::parse(&value, "ns").expect("a known kind"));
    }
    change(&mut cluster, case.cluster);
    let object = values(&case.object).remove(0);
    let parsed = Object::parse(&object, "ns");
    let key = parsed.as_ref().map(|object| object.key().clone());
    let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
    let (group, kind) = (text("apiVersion"), text("kind"));
    let group = group.split_once('/').map_or("", |(group, _)| group);
    let old = match case.operation {
        Operation::Create => Value::Null,
        Operation::Delete => object.clone(),
        Operation::Update => stored(case, key.as_ref().map(|key| (key.kind, &*key.name))),
    };
    let request = Request {
        phase: Phase::Validate,
        uid: "u".into(),
        kind: Kind::in_group(group, &kind),
        group: group.into(),
        kind_name: kind,
        operation: case.operation,
        subresource: case.subresource.into(),
        namespace: "ns".into(),
        name: String::new(),
        user: case.user.into(),
        object: if case.operation == Operation::Delete {
            Value::Null
        } else {
            object
        },
        old_object: old,
        dry_run: false,
        controller_seen: false,
        allow_right: AllowRight::Unknown,
        trace: false,
    };
    decide(request, &cluster, &settings)
}

/// The object as it stands before an UPDATE: of the case's manifests, else of the flow.
fn stored(case: &Case, key: Option<(Kind, &str)>) -> Value {
    let texts = [case.cluster, FLOW];
    let manifests = texts.iter().filter(|text| text.contains("kind:"));
    let all = manifests.flat_map(|text| values(text));
    let mut matching = all.filter(|value| {
        let object = Object::parse(value, "ns").expect("a known kind");
        Some((object.key().kind, &*object.key().name)) == key
    });
    matching.next().unwrap_or(json!({}))
}

/// `delete <Kind> <name>`, `namespace <label>`, `namespace deleting`, or manifests.
fn change(cluster: &mut Cluster, what: &str) {
    let words: Vec<&str> = what.split(' ').collect();
    match words.as_slice() {
        ["delete", "VirtualService", name] => {
            cluster.delete(&rollout_guard::model::Key::new(
                Kind::VirtualService,
                "ns",
                name,
            ));
        }
        ["namespace", "deleting"] => namespace(cluster, json!({"deletionTimestamp": "2026-01-01"})),
        ["namespace", label] => {
            namespace(
                cluster,
                json!({"labels": {"rollout-guard.io/enforce": label}}),
            );
        }
        _ => {
            for value in values(what) {
                cluster.apply(Object::parse(&value, "ns").expect("a known kind"));
            }
        }
    }
}

fn namespace(cluster: &mut Cluster, mut metadata: Value) {
    metadata["name"] = "ns".into();
    let value = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
    cluster.apply(Object::parse(&value, "").expect("a Namespace"));
}

fn update(name: &'static str, object: String, outcome: &'static str) -> Case {
    Case {
        name,
        cluster: "",
        operation: Operation::Update,
        object,
        outcome,
        settings: "",
        user: "developer",
        subresource: "",
    }
}

fn create(name: &'static str, object: String, outcome: &'static str) -> Case {
    Case {
        operation: Operation::Create,
        ..update(name, object, outcome)
    }
}

fn values(text: &str) -> Vec<Value> {
    let nodes = source::parse(text, Limits::default()).expect("YAML");
    nodes.iter().map(Node::to_value).collect()
}

fn vs(route: &str, stable: &str, weight: &str) -> String {
    let weight = if weight.is_empty() {
        "weight: 100"
    } else {
        weight
    };
    format!(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: app}}\nspec:\n  \
         hosts: [app]\n  http:\n  - name: {route}\n    route:\n    - destination: {{host: {stable}}}\n      \
         {weight}\n    - destination: {{host: app-canary}}\n      weight: 3\n"
    )
}

fn vs_twice() -> String {
    VS_TWICE.to_owned()
}

fn rollout(route: &str) -> String {
    let flow = FLOW.split("---\n").next().unwrap_or_default();
    flow.replace("[primary]", &format!("[{route}]"))
}

fn second_rollout() -> String {
    rollout("primary").replace("metadata: {name: app}", "metadata: {name: second}")
}

fn rule(subsets: &str, more: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: plain}}\nspec:\n  \
         host: plain\n  subsets: {subsets}\n{more}"
    )
}

fn renamed(text: &str, name: &str) -> String {
    text.replace(
        "metadata: {name: app}",
        &format!("metadata: {{name: {name}}}"),
    )
}

fn annotated(text: &str, words: &str) -> String {
    let annotations = format!("annotations: {{rollout-guard.io/allow: \"{words}\"}}, ");
    text.replace("metadata: {", &format!("metadata: {{{annotations}"))
}

/// A write whose change managedFields give to one manager.
fn by_manager(manager: &str, route: &str) -> String {
    let entry = format!(
        "managedFields: [{{manager: {manager}, fieldsV1: {{f:spec: {{f:http: {{}}}}}}}}], "
    );
    let written = vs(route, "app-stable", "").replace("weight: 3", "weight: 10");
    written.replace("metadata: {", &format!("metadata: {{{entry}"))
}

const ACCOUNT: &str = "system:serviceaccount:elsewhere:argo";
impl Clone for Case {
    fn clone(&self) -> Self {
        Self {
            object: self.object.clone(),
            ..*self
        }
    }
}

const CONTROLLER: &str = "system:serviceaccount:argo-rollouts:argo-rollouts";

/// A host-level flow in mid-release, and a VirtualService without a Rollout.
const FLOW: &str = "\
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
        istio:
          virtualService: {name: app, routes: [primary]}
status:
  stableRS: aaa
  currentPodHash: bbb
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: app}
spec:
  hosts: [app]
  http:
  - name: primary
    route:
    - destination: {host: app-stable}
      weight: 100
    - destination: {host: app-canary}
      weight: 0
---
apiVersion: v1
kind: Service
metadata: {name: app-stable}
spec: {selector: {app: app}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: app-canary}
spec: {selector: {app: app}, ports: [{port: 80}]}
";

const VS_MAIN: &str = "\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: app}
spec:
  hosts: [app]
  http:
  - name: main
    route:
    - destination: {host: app-stable}
      weight: 100
    - destination: {host: app-canary}
      weight: 0
";

const VS_ALLOWS: &str = "\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: app, annotations: {rollout-guard.io/allow: \"RG202,RG701\"}}
spec:
  hosts: [app]
  http:
  - name: primary
    route:
    - destination: {host: app-stable}
      weight: 100
    - destination: {host: app-canary}
      weight: 0
";

const VS_TWICE: &str = "\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: app}
spec:
  hosts: [app]
  http:
  - name: primary
    route:
    - destination: {host: app-stable}
      weight: 100
    - destination: {host: app-canary}
      weight: 0
  - name: primary
    route:
    - destination: {host: app-stable}
";

const ROLLOUT_IDLE: &str = "\
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
        istio:
          virtualService: {name: app, routes: [primary]}
status:
  stableRS: aaa
  currentPodHash: aaa
";

/// A subset that is defined, but not for the VirtualService's namespace.
const RULE_HIDDEN: &str = "\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: plain}
spec:
  hosts: [plain]
  http:
  - route:
    - destination: {host: plain, subset: v1}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: plain}
spec:
  host: plain
  exportTo: [elsewhere]
  subsets: [{name: v1}]
";
