//! The wire: the only module that knows `admission.k8s.io/v1`. Bytes in, bytes out, no network.

mod denial;
mod request;
mod response;
mod warnings;

pub use request::BadRequest;

use crate::cluster::Cluster;
use crate::decide::{self, Evidence, Mutated, admit, mutate};
use crate::request::Request;
use crate::settings::Settings;
use crate::verdict::{Exempt, Verdict};

/// Which question is asked of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/validate`: judge the object as it was sent, which the API server has mutated already.
    Validate,
    /// `/mutate`: the patch that keeps what the controller owns.
    Mutate,
    /// Both in the API server's order, answered as `/validate` would: for recordings of raw writes.
    MutateThenValidate,
}

/// The answer to one AdmissionReview.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The AdmissionReview with the response, and a line end.
    pub body: Vec<u8>,
    pub outcome: Outcome,
}

/// What was decided, for metrics and logs.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub request: Request,
    /// Empty at `/mutate`.
    pub verdict: Verdict,
    /// `None` at `/validate`.
    pub mutated: Option<Mutated>,
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
    let mut request = request::parse(body)?;
    let mutated = (endpoint != Endpoint::Validate).then(|| mutate(&request, cluster, settings));
    if let (Endpoint::Mutate, Some(mutated)) = (endpoint, &mutated) {
        let body = response::write_patch(&request, mutated);
        let verdict = Verdict::default();
        return Ok(Answer::of(body, request, verdict, Some(mutated.clone())));
    }
    if let Some(mutated) = &mutated {
        request.object = mutated.object(&request);
    }
    let verdict = admit(&request, cluster, settings);
    let body = response::write(&request, &verdict);
    Ok(Answer::of(body, request, verdict, mutated))
}

/// Why a write is allowed without a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// The caller gives up before.
    OutOfTime,
    /// What a refusal would rest on cannot be read from the API server.
    Unreadable,
    /// What a refusal would rest on is another each time it is read.
    Changing,
}

/// The answer to a write that cannot be decided: allowed, with a warning.
///
/// # Errors
/// As [`answer`].
pub fn undecided(body: &[u8], why: Undecided) -> Result<Answer, BadRequest> {
    let request = request::parse(body)?;
    let mut verdict = Verdict::exempt(why.exempt());
    verdict.notes.push(why.note().to_owned());
    let body = response::write(&request, &verdict);
    Ok(Answer::of(body, request, verdict, None))
}

impl Undecided {
    fn exempt(self) -> Exempt {
        match self {
            Undecided::OutOfTime => Exempt::OutOfTime,
            Undecided::Unreadable | Undecided::Changing => Exempt::Unverified,
        }
    }

    fn note(self) -> &'static str {
        match self {
            Undecided::OutOfTime => {
                "this write could not be checked in time and is allowed unchecked"
            }
            Undecided::Unreadable => {
                "this write looks wrong, but the cluster could not be read to be sure: it is allowed"
            }
            Undecided::Changing => {
                "this write looks wrong, but what it refers to is changing: it is allowed"
            }
        }
    }
}

impl Outcome {
    /// Why the write was not judged, at either endpoint.
    pub fn exempt(&self) -> Option<Exempt> {
        let mutated = self.mutated.as_ref();
        self.verdict.exempt.or_else(|| mutated?.exempt)
    }

    /// The remembered objects that the answer rests on where a wrong one would do harm: a denial's, and
    /// the Rollouts by whose status a write is patched.
    pub fn evidence(&self, cluster: &Cluster) -> Evidence {
        let mut evidence = decide::evidence(&self.request, &self.verdict, cluster);
        let mutated = self.mutated.iter();
        let rollouts = mutated.flat_map(|mutated| mutated.rollouts(cluster));
        evidence.keys.extend(rollouts.cloned());
        evidence
    }

    /// `allow`, `warn`, `deny`, `patch` or `exempt`.
    pub fn decision(&self) -> &'static str {
        match &self.mutated {
            Some(mutated) if mutated.exempt.is_some() => "exempt",
            Some(mutated) if !mutated.by.is_empty() && !mutated.observed => "patch",
            _ => response::decision(&self.verdict),
        }
    }
}

impl Endpoint {
    /// The word for it in paths, labels and log lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Endpoint::Validate | Endpoint::MutateThenValidate => "validate",
            Endpoint::Mutate => "mutate",
        }
    }
}

impl Answer {
    fn of(body: Vec<u8>, request: Request, verdict: Verdict, mutated: Option<Mutated>) -> Self {
        let outcome = Outcome {
            request,
            verdict,
            mutated,
        };
        Self { body, outcome }
    }
}
