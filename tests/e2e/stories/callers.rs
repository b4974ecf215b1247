//! Who may call the webhook: the API server, by a client certificate that its admission configuration names.

use crate::alone;
use crate::api::text;
use crate::bed::{Bed, CALLER, poll};
use crate::command::Run;
use crate::release::SUBSET_LEVEL;
use crate::story::Story;
use crate::world::{DEADLINE, World};

pub const STORIES: &[Story] = &[alone!(only_the_api_server_is_answered)];

fn only_the_api_server_is_answered(bed: &Bed) {
    let world = World::new(bed, "callers");
    let folder = world.start_canary(&SUBSET_LEVEL);
    call(bed, None).says(LET_IN);

    let ca = std::fs::read_to_string(bed.layout.state("callers.crt")).expect("the CA");
    let (ca, names) = (
        format!("tls.clientCA={ca}"),
        format!("tls.clientNames={{{CALLER}}}"),
    );
    bed.guard()
        .install(&["profile=guard", &ca, &names, "tls.minVersion=1.3"]);
    // The API server's calls arrive at both webhooks.
    folder
        .kubectl("apply", "virtual-service.yaml")
        .ok()
        .says("kept weights");
    world
        .kubectl("delete virtualservice virtservice-app07")
        .fails()
        .says("[rollout-guard RG701]");
    call(bed, Some("caller")).says(LET_IN);
    refused(bed, Some("other"));
    refused(bed, None);
}

/// The handshake fails with an alert. A client that still writes then can lose it with the connection, and calls again.
fn refused(bed: &Bed, certificate: Option<&str>) {
    poll("an alert", DEADLINE, &mut || {
        let ran = call(bed, certificate).never_says(LET_IN);
        if ran.stderr.contains("tls: ") {
            Ok(())
        } else {
            Err(ran.to_string())
        }
    });
}

/// Calls a Pod of the guard with `kubectl` as the client. A webhook that lets it in takes no GET.
fn call(bed: &Bed, certificate: Option<&str>) -> crate::command::Ran {
    let pods = bed.guard().pods();
    let address = text(pods.first().expect("a Pod"), "/status/podIP");
    let words = format!(
        "--server=https://{address}:8443 --insecure-skip-tls-verify --token=x get --raw /validate"
    );
    let run: Run = bed.guard().kubectl(&words);
    let run = match certificate {
        Some(name) => run
            .arg(format!(
                "--client-certificate={}",
                bed.layout.state(&format!("{name}.crt"))
            ))
            .arg(format!(
                "--client-key={}",
                bed.layout.state(&format!("{name}.key"))
            )),
        None => run,
    };
    run.fails()
}

const LET_IN: &str = "(MethodNotAllowed)";
