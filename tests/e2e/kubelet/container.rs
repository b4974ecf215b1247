//! The command line of a container: entrypoint, arguments, environment, user.

use std::process::Command;

use k8s_openapi::api::core::v1::{Container, EnvVar, Pod};
use kube::ResourceExt;

use super::sandbox::Sandbox;
use super::{NODE, NODE_ADDRESS};

/// The binary in its root folder and network, without the machine's environment.
pub fn command(sandbox: &Sandbox, pod: &Pod, container: &Container) -> Command {
    let environment = environment(sandbox, pod, container);
    let entrypoint = vec![ENTRYPOINT.to_owned()];
    let words = container.command.clone().unwrap_or(entrypoint);
    let words = words
        .into_iter()
        .chain(container.args.clone().unwrap_or_default());
    let mut command = sandbox.enter();
    command
        .arg(format!("--userspec={}", user(pod, container)))
        .arg(&sandbox.root)
        .args(words.map(|word| expand(&word, &environment)))
        .env_clear()
        .envs(environment);
    command
}

fn environment(sandbox: &Sandbox, pod: &Pod, container: &Container) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = vec![
        ("HOSTNAME".into(), pod.name_any()),
        ("KUBERNETES_SERVICE_HOST".into(), "10.96.0.1".into()),
        ("KUBERNETES_SERVICE_PORT".into(), "443".into()),
        ("KUBERNETES_SERVICE_PORT_HTTPS".into(), "443".into()),
    ];
    for variable in container.env.iter().flatten() {
        let value = value(sandbox, pod, variable);
        let value = expand(&value, &all);
        all.push((variable.name.clone(), value));
    }
    all
}

fn value(sandbox: &Sandbox, pod: &Pod, variable: &EnvVar) -> String {
    let Some(from) = &variable.value_from else {
        return variable.value.clone().unwrap_or_default();
    };
    let field = from
        .field_ref
        .as_ref()
        .map(|field| field.field_path.as_str());
    match field {
        Some("metadata.name") => pod.name_any(),
        Some("metadata.namespace") => pod.namespace().unwrap_or_default(),
        Some("metadata.uid") => pod.uid().unwrap_or_default(),
        Some("spec.nodeName") => NODE.to_owned(),
        Some("spec.serviceAccountName") => {
            let spec = pod.spec.as_ref();
            spec.and_then(|spec| spec.service_account_name.clone())
                .unwrap_or_default()
        }
        Some("status.podIP" | "status.podIPs") => sandbox.address.clone(),
        Some("status.hostIP" | "status.hostIPs") => NODE_ADDRESS.to_owned(),
        _ => panic!(
            "{}: the test bed does not support this source",
            variable.name
        ),
    }
}

/// Expands `$(NAME)`, as the API defines it.
fn expand(word: &str, environment: &[(String, String)]) -> String {
    environment
        .iter()
        .fold(word.to_owned(), |word, (name, value)| {
            word.replace(&format!("$({name})"), value)
        })
}

/// The container's security context overrides the Pod's, and both override the image's user.
fn user(pod: &Pod, container: &Container) -> String {
    let of_pod = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.security_context.as_ref());
    let of_container = container.security_context.as_ref();
    let user = of_container.and_then(|context| context.run_as_user);
    let user = user
        .or(of_pod.and_then(|context| context.run_as_user))
        .unwrap_or(IMAGE_USER);
    let group = of_container.and_then(|context| context.run_as_group);
    let group = group
        .or(of_pod.and_then(|context| context.run_as_group))
        .unwrap_or(user);
    format!("{user}:{group}")
}

/// As in the Dockerfile.
const ENTRYPOINT: &str = "/rollout-guard";
const IMAGE_USER: i64 = 65532;
