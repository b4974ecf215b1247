//! The fields by which a Rollout names Services.

use crate::field::Path;

/// The six fields by which a Rollout names Services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServiceRole {
    /// `canaryService`.
    Canary,
    /// `stableService`.
    Stable,
    /// `pingPong.pingService`.
    Ping,
    /// `pingPong.pongService`.
    Pong,
    /// `blueGreen.activeService`.
    Active,
    /// `blueGreen.previewService`.
    Preview,
}

impl ServiceRole {
    /// The field of the Rollout.
    pub fn path(self) -> Path {
        let strategy = Path::spec(["strategy"]);
        match self {
            ServiceRole::Canary => strategy.fields(["canary", "canaryService"]),
            ServiceRole::Stable => strategy.fields(["canary", "stableService"]),
            ServiceRole::Ping => strategy.fields(["canary", "pingPong", "pingService"]),
            ServiceRole::Pong => strategy.fields(["canary", "pingPong", "pongService"]),
            ServiceRole::Active => strategy.fields(["blueGreen", "activeService"]),
            ServiceRole::Preview => strategy.fields(["blueGreen", "previewService"]),
        }
    }

    /// The field's own name, `canaryService`.
    pub fn field(self) -> &'static str {
        match self {
            ServiceRole::Canary => "canaryService",
            ServiceRole::Stable => "stableService",
            ServiceRole::Ping => "pingService",
            ServiceRole::Pong => "pongService",
            ServiceRole::Active => "activeService",
            ServiceRole::Preview => "previewService",
        }
    }
}
