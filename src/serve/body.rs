//! Reads the body of a request into memory that was reserved for it.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tokio::time::timeout;

use super::answer::START_BYTES;
use super::deadline::Deadline;
use super::pool::{Lane, Memory, Pool};
use super::refusal::Refusal;

/// How much of a body that is too large is read and thrown away.
const MAX_DISCARDED_BYTES: usize = 64 << 20;
/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

/// The body of a review.
pub(super) enum ReviewBody {
    Whole(Reserved),
    /// There was no memory in time: the bytes with which it begins.
    Start(Bytes),
}

/// A body, and what it may use while it is kept.
pub(super) struct Reserved {
    pub bytes: Bytes,
    pub lane: Lane,
    _memory: Memory,
}

/// How bodies are read.
pub(super) struct BodyReader {
    /// In bytes.
    pub limit: usize,
    pub pool: Pool,
}

impl BodyReader {
    /// Waits for memory until the deadline. A body whose length is not known gets as much as the largest.
    pub async fn read(&self, body: Body, deadline: Deadline) -> Result<ReviewBody, Refusal> {
        let length = body.size_hint().exact();
        let length = length.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        if length.is_some_and(|length| length > self.limit) {
            return Err(self.too_large(body).await);
        }
        let length = length.unwrap_or(self.limit);
        let lane = self.pool.lane(length);
        let Some(Some(mut memory)) = deadline.bound(lane.memory(length)).await else {
            return Ok(ReviewBody::Start(in_time(start(body)).await?));
        };
        let bytes = in_time(self.whole(body, length)).await?;
        memory.shrink(bytes.len());
        Ok(ReviewBody::Whole(Reserved {
            bytes,
            lane: lane.clone(),
            _memory: memory,
        }))
    }

    async fn whole(&self, mut body: Body, length: usize) -> Result<Bytes, Refusal> {
        let mut bytes = Vec::with_capacity(length);
        while let Some(data) = next(&mut body).await? {
            if bytes.len() + data.len() > self.limit {
                drop((bytes, data));
                return Err(self.too_large(body).await);
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes.into())
    }

    async fn too_large(&self, body: Body) -> Refusal {
        discard(body).await;
        let reason = format!("the body is larger than {} bytes", self.limit);
        Refusal(StatusCode::PAYLOAD_TOO_LARGE, reason)
    }
}

async fn in_time(read: impl Future<Output = Result<Bytes, Refusal>>) -> Result<Bytes, Refusal> {
    let read = timeout(BODY_TIMEOUT, read).await;
    read.unwrap_or_else(|_| {
        let reason = format!("the body took longer than {} s", BODY_TIMEOUT.as_secs());
        Err(Refusal(StatusCode::REQUEST_TIMEOUT, reason))
    })
}

async fn start(mut body: Body) -> Result<Bytes, Refusal> {
    let mut bytes = Vec::new();
    while bytes.len() < START_BYTES
        && let Some(data) = next(&mut body).await?
    {
        let room = START_BYTES - bytes.len();
        bytes.extend_from_slice(data.get(..room).unwrap_or(&data));
    }
    // The answer does not wait for it.
    tokio::spawn(discard(body));
    Ok(bytes.into())
}

async fn next(body: &mut Body) -> Result<Option<Bytes>, Refusal> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let reason = format!("the body cannot be read: {error}");
            Refusal(StatusCode::BAD_REQUEST, reason)
        })?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Reads the rest of the body for a while: most clients read the answer only after they have sent everything.
async fn discard(mut body: Body) {
    let rest = async {
        let mut left = MAX_DISCARDED_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            left = match left.checked_sub(length) {
                None => return,
                Some(left) => left,
            };
        }
    };
    // The answer is the same if the body is not read to its end.
    let _ = timeout(DISCARD_TIMEOUT, rest).await;
}
