//! The files of a team: four ways to set up a flow, in versions and with the faults that people make.

use rollout_guard::model::{Key, Kind, Labels, Object};
use serde_json::{Value, json};

pub const NAMESPACE: &str = "shop";

/// How the flow splits its traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    Subsets,
    Services,
    /// By Services, with a step that inserts a route.
    Header,
    PingPong,
}

pub const SETUPS: [Setup; 4] = [
    Setup::Subsets,
    Setup::Services,
    Setup::Header,
    Setup::PingPong,
];

/// What is in the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Files {
    /// The version of the image.
    pub image: u8,
    pub content: Content,
}

/// How the files differ from the plain ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Plain,
    // Right ones.
    Timeout,
    ExtraRoute,
    SecondVersion,
    Weights(u8),
    // Wrong ones.
    RouteRenamed,
    RoleDropped,
    UnknownSubset,
    WrongHost,
    VersionLabels,
    SubsetDropped,
    WrongSelector,
    UnknownVirtualService,
    RolesSwapped,
    /// A new label of the template, by which Services and subsets select at once.
    LabelSelected,
}

/// What sequences draw from.
pub const CONTENTS: [Content; 15] = [
    Content::Plain,
    Content::Timeout,
    Content::ExtraRoute,
    Content::SecondVersion,
    Content::Weights(37),
    Content::RouteRenamed,
    Content::RoleDropped,
    Content::UnknownSubset,
    Content::WrongHost,
    Content::VersionLabels,
    Content::SubsetDropped,
    Content::WrongSelector,
    Content::UnknownVirtualService,
    Content::RolesSwapped,
    Content::LabelSelected,
];

pub fn key(value: &Value) -> Key {
    let object = Object::parse(value, NAMESPACE).expect("a known kind");
    object.key().clone()
}

pub fn rollout_key() -> Key {
    Key::new(Kind::Rollout, NAMESPACE, "app")
}

/// The objects in the order in which people write them down: Services, DestinationRule, VirtualService, Rollout.
pub fn files(setup: Setup, files: Files) -> Vec<Value> {
    let mut objects = services(setup, files.content);
    if setup == Setup::Subsets {
        objects.push(destination_rule(files.content));
    }
    objects.push(virtual_service(setup, files.content));
    objects.push(rollout(setup, files));
    objects
}

fn services(setup: Setup, content: Content) -> Vec<Value> {
    let names: &[&str] = match setup {
        Setup::Subsets => &["app"],
        Setup::Services | Setup::Header => &["app-stable", "app-canary"],
        Setup::PingPong => &["app-ping", "app-pong"],
    };
    let selector = match content {
        Content::WrongSelector => json!({"app": "apq"}),
        Content::LabelSelected => json!({"app": "app", "team": "web"}),
        _ => json!({"app": "app"}),
    };
    let service = |name: &&str| {
        object(
            ("v1", "Service", name),
            json!({"selector": selector, "ports": [{"name": "http", "port": 80}]}),
        )
    };
    names.iter().map(service).collect()
}

fn destination_rule(content: Content) -> Value {
    let labels = |version: &str| match content {
        Content::VersionLabels => json!({"version": version}),
        Content::LabelSelected => json!({"team": "web"}),
        _ => json!({}),
    };
    let mut subsets = vec![
        json!({"name": "stable", "labels": labels("v1")}),
        json!({"name": "canary", "labels": labels("v2")}),
    ];
    if content == Content::SubsetDropped {
        subsets.pop();
    }
    object(
        ("networking.istio.io/v1", "DestinationRule", "app"),
        json!({"host": "app", "subsets": subsets}),
    )
}

/// The stable and the canary destination.
fn roles(setup: Setup) -> [Value; 2] {
    match setup {
        Setup::Subsets => {
            ["stable", "canary"].map(|subset| json!({"host": "app", "subset": subset}))
        }
        Setup::Services | Setup::Header => {
            ["app-stable", "app-canary"].map(|host| json!({"host": host}))
        }
        Setup::PingPong => ["app-ping", "app-pong"].map(|host| json!({"host": host})),
    }
}

fn virtual_service(setup: Setup, content: Content) -> Value {
    let [mut stable, canary] = roles(setup);
    let weight = match content {
        Content::Weights(weight) => weight,
        _ => 0,
    };
    let elsewhere = stable.clone();
    match content {
        Content::UnknownSubset => stable["subset"] = "nowhere".into(),
        Content::WrongHost => stable["host"] = "apq".into(),
        _ => {}
    }
    let mut split = vec![
        json!({"destination": stable, "weight": 100 - weight}),
        json!({"destination": canary, "weight": weight}),
    ];
    if content == Content::RoleDropped {
        split.pop();
    }
    let name = match content {
        Content::RouteRenamed => "first",
        _ => "primary",
    };
    let mut routes = vec![json!({"name": name, "route": split})];
    match content {
        Content::Timeout => routes[0]["timeout"] = "3s".into(),
        Content::ExtraRoute => routes.insert(
            0,
            json!({
                "name": "legacy",
                "match": [{"uri": {"prefix": "/legacy"}}],
                "route": [{"destination": &elsewhere}],
            }),
        ),
        _ => {}
    }
    object(
        ("networking.istio.io/v1", "VirtualService", "app"),
        json!({"hosts": [elsewhere["host"]], "http": routes}),
    )
}

fn rollout(setup: Setup, files: Files) -> Value {
    let service = match files.content {
        Content::UnknownVirtualService => "apq",
        _ => "app",
    };
    let mut istio = json!({"virtualService": {"name": service, "routes": ["primary"]}});
    let mut steps = vec![json!({"setWeight": 20}), json!({"pause": {}})];
    let mut canary = json!({});
    let mut routing = json!({});
    let swapped = files.content == Content::RolesSwapped;
    let order = |pair: [&'static str; 2]| if swapped { [pair[1], pair[0]] } else { pair };
    match setup {
        Setup::Subsets => {
            let [stable, canary] = order(["stable", "canary"]);
            istio["destinationRule"] =
                json!({"name": "app", "stableSubsetName": stable, "canarySubsetName": canary});
        }
        Setup::Services | Setup::Header => {
            let [stable, other] = order(["app-stable", "app-canary"]);
            canary = json!({"stableService": stable, "canaryService": other});
        }
        Setup::PingPong => {
            let [ping, pong] = order(["app-ping", "app-pong"]);
            canary = json!({"pingPong": {"pingService": ping, "pongService": pong}});
        }
    }
    if setup == Setup::Header {
        let condition = json!([{"headerName": "x-tester", "headerValue": {"exact": "yes"}}]);
        steps.push(json!({"setHeaderRoute": {"name": "testers", "match": condition}}));
        routing["managedRoutes"] = json!([{"name": "testers"}]);
    }
    steps.extend([json!({"setWeight": 60}), json!({"pause": {}})]);
    routing["istio"] = istio;
    canary["trafficRouting"] = routing;
    canary["steps"] = steps.into();
    let mut labels = json!({"app": "app"});
    match files.content {
        Content::SecondVersion => labels["version"] = "v2".into(),
        Content::LabelSelected => labels["team"] = "web".into(),
        _ => {}
    }
    let image = format!("registry.example/app:v{}", files.image);
    object(
        ("argoproj.io/v1alpha1", "Rollout", "app"),
        json!({
            "replicas": 2,
            "selector": {"matchLabels": {"app": "app"}},
            "strategy": {"canary": canary},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": image}]},
            },
        }),
    )
}

/// The ReplicaSet of a revision.
pub fn revision(hash: &str, labels: &Labels) -> Value {
    let name = format!("app-{hash}");
    let template = json!({"metadata": {"labels": labels}});
    let mut revision = object(
        ("apps/v1", "ReplicaSet", &name),
        json!({"template": template}),
    );
    revision["metadata"]["labels"] = json!(labels);
    revision
}

fn object((version, kind, name): (&str, &str, &str), spec: Value) -> Value {
    let metadata = json!({"name": name, "namespace": NAMESPACE});
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": metadata});
    object["spec"] = spec;
    object
}

/// Somebody else's Rollout that claims the VirtualService, though its controller could not act: its DestinationRule does
/// not exist. Its author has written a status into it.
pub fn stranger() -> Value {
    let mut rollout = object(
        ("argoproj.io/v1alpha1", "Rollout", "app"),
        json!({
            "selector": {"matchLabels": {"app": "app"}},
            "strategy": {"canary": {"steps": [{"setWeight": 1}], "trafficRouting": {"istio": {
                "virtualService": {"name": "app.shop", "routes": ["primary"]},
                "destinationRule": {"name": "nowhere", "canarySubsetName": "canary", "stableSubsetName": "stable"},
            }}}},
            "template": {"metadata": {"labels": {"app": "app"}}, "spec": {"containers": []}},
        }),
    );
    rollout["metadata"]["namespace"] = "other".into();
    rollout["status"] = json!({
        "stableRS": "bad", "currentPodHash": "evil", "currentStepIndex": 0,
        "canary": {"weights": {
            "canary": {"weight": 100, "podTemplateHash": "evil"},
            "stable": {"weight": 0, "podTemplateHash": "bad"},
        }},
    });
    rollout
}
