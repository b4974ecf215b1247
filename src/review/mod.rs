//! The wire: the only module that knows `admission.k8s.io/v1`. Bytes in, bytes out, no network.

mod denial;
mod request;
mod response;
mod warnings;

pub use request::BadRequest;

use crate::admit::admit;
use crate::cluster::Cluster;
use crate::settings::Settings;
use crate::verdict::Verdict;

/// Which of the two webhooks is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Validate,
    Mutate,
}

/// The answer to one AdmissionReview.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The AdmissionReview with the response, and a line end.
    pub body: Vec<u8>,
    pub verdict: Verdict,
}

/// Answers the bytes of an AdmissionReview.
///
/// # Errors
/// [`BadRequest`] for what is no AdmissionReview with a request: the caller answers HTTP 400.
pub fn answer(
    body: &[u8],
    endpoint: Endpoint,
    cluster: &Cluster,
    settings: &Settings,
) -> Result<Answer, BadRequest> {
    let request = request::parse(body)?;
    let verdict = match endpoint {
        Endpoint::Validate => admit(&request, cluster, settings),
        Endpoint::Mutate => Verdict::default(),
    };
    let body = response::write(&request, &verdict);
    Ok(Answer { body, verdict })
}
