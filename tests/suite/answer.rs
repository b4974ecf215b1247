//! An AdmissionReview answered as the webhook answers it: parsed, decided, rendered.

use rollout_guard::cluster::Cluster;
use rollout_guard::decide::{Decision, decide};
use rollout_guard::request::Phase;
use rollout_guard::review::{BadRequest, parse, render};
use rollout_guard::settings::Settings;

pub struct Answer {
    pub body: Vec<u8>,
    pub decision: Decision,
}

pub fn answer(
    body: &[u8],
    phase: Phase,
    cluster: &Cluster,
    settings: &Settings,
) -> Result<Answer, BadRequest> {
    let decision = decide(parse(body, phase)?, cluster, settings);
    let body = render(&decision).expect("an answer is written");
    Ok(Answer { body, decision })
}
