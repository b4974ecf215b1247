//! A host as Istio resolves it, and how hosts and wildcards compare.

use std::fmt;

/// A resolved host, exact (`app.ns.svc.cluster.local`) or a wildcard (`*.example.org`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(String);

impl Host {
    /// Completes a host without a dot to the name of a Service in `namespace`. A host with a dot, `*` and an IP
    /// address are already complete (Istio's `ResolveShortnameToFQDN`).
    pub fn resolve(host: &str, namespace: &str, domain: &str) -> Host {
        let complete = host.is_empty()
            || host == "*"
            || host.contains('.')
            || host.parse::<std::net::IpAddr>().is_ok();
        if complete {
            Host(host.to_owned())
        } else {
            Host(format!("{host}.{namespace}.svc.{domain}"))
        }
    }

    /// The complete name, in the case in which it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the field was absent or empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it begins with `*`, so that it covers others.
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with('*')
    }

    /// Whether this host includes all names of `other` (Istio's `other.SubsetOf(self)`).
    pub fn covers(&self, other: &Host) -> bool {
        match (self.suffix(), other.suffix()) {
            (Some(suffix), Some(narrower)) => {
                other.0.len() >= self.0.len() && narrower.ends_with(suffix)
            }
            (Some(suffix), None) => other.0.ends_with(suffix),
            (None, Some(_)) => false,
            (None, None) => self == other,
        }
    }

    /// The namespace and name of the host's Service, if the host has the form of a Service's.
    pub fn service(&self, domain: &str) -> Option<(&str, &str)> {
        let local = self.0.strip_suffix(domain)?.strip_suffix(".svc.")?;
        let (name, namespace) = local.split_once('.')?;
        let plain = !name.is_empty() && !namespace.is_empty() && !namespace.contains('.');
        (plain && !self.is_wildcard()).then_some((namespace, name))
    }

    /// The part of a wildcard after the `*`.
    fn suffix(&self) -> Option<&str> {
        self.0.strip_prefix('*')
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        Host::resolve(text, "ns", "cluster.local")
    }

    #[test]
    fn completes_short_names_only() {
        assert_eq!(host("app").as_str(), "app.ns.svc.cluster.local");
        assert_eq!(host("reviews.prod").as_str(), "reviews.prod");
        assert_eq!(host("*").as_str(), "*");
        assert_eq!(host("10.0.0.1").as_str(), "10.0.0.1");
    }

    #[test]
    fn compares_wildcards_as_istio_does() {
        assert!(host("*.com").covers(&host("foo.com")));
        assert!(!host("*.foo.com").covers(&host("foo.com")));
        assert!(host("*").covers(&host("*.com")));
        assert!(!host("*.a.com").covers(&host("*.com")));
        assert!(host("*.com").covers(&host("*.a.com")));
    }

    #[test]
    fn knows_a_service_by_its_name() {
        let app = host("app");
        assert_eq!(app.service("cluster.local"), Some(("ns", "app")));
        assert_eq!(host("reviews.prod").service("cluster.local"), None);
        assert_eq!(
            host("*.ns.svc.cluster.local").service("cluster.local"),
            None
        );
    }
}
