//! Gateway: the hosts that its servers admit.

use super::reader::Reader;

/// A Gateway, of which only the hosts matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// The hosts of all servers, as they are written: `host`, `namespace/host`, `./host` or `*/host`.
    pub hosts: Vec<String>,
}

impl Gateway {
    pub(super) fn read(root: &Reader<'_>) -> Self {
        let spec = root.get("spec");
        let servers = spec.get("servers");
        let hosts = servers.objects(|server| server.get("hosts").strings().unwrap_or_default());
        Self {
            hosts: hosts.unwrap_or_default().concat(),
        }
    }
}
