//! A destination has a port that its host does not have, or none although the host has several.
//!
//! ## What
//! The `port` of a destination or mirror is not declared by any known Service or ServiceEntry of its host, or there
//! is no `port` and each of them declares several. The latter is valid if only sidecars apply the VirtualService and
//! the destination has all ports of the `hosts`: the proxy then sends to the port that the client called.
//!
//! ## Why
//! The proxy has no cluster for the port and answers 503 (`istioctl analyze`: IST0101, IST0112).
//!
//! ## Example
//! ```yaml
//! # VirtualService; the Service app has only port 80
//! destination: {host: app, port: {number: 8080}}
//! ```
//!
//! ## Fix
//! Write a `port` of the Service, not a `targetPort`.

use std::cell::LazyCell;
use std::collections::{BTreeSet, HashMap};

use crate::cluster::{View, provided_ports, visible_providers};
use crate::field::Path;
use crate::model::{Host, Object, Typed, VirtualService};
use crate::text::first_of;
use crate::verdict::{Cause, Finding, Findings, Message, message};

rule!(
    RG511,
    Warning,
    VirtualService(check),
    reads = [Service, ServiceEntry]
);

fn check(service: Typed<'_, VirtualService>, view: &View<'_>, found: &mut Findings<'_>) {
    let called = LazyCell::new(|| Called::of(service, view));
    let mut targets: HashMap<&str, Option<Target<'_>>> = HashMap::new();
    for (path, destination) in service.body.destinations() {
        let number = path.fields(["port", "number"]);
        if service.is_malformed(&number) {
            continue;
        }
        let target = targets.entry(&destination.host).or_insert_with(|| {
            let host = view.resolve(&destination.host, service.meta.namespace());
            Target::of(service, view, host)
        });
        let Some(target) = target else {
            continue;
        };
        match destination.port {
            Some(port) if !target.ports.contains(&port) => {
                target.report_unknown_port(number, port, found);
            }
            None if target.has_several() && !called.are_in(&target.ports) => {
                target.report_no_port(path, found);
            }
            _ => {}
        }
    }
}

/// The ports that a client can call, of all hosts; `None` if they are not known.
struct Called(Option<BTreeSet<i64>>);

impl Called {
    fn of(service: Typed<'_, VirtualService>, view: &View<'_>) -> Self {
        let sidecars_only = service.gateways.iter().all(|gateway| gateway == "mesh");
        if !sidecars_only || service.is_delegate() {
            return Self(None);
        }
        let mut called = BTreeSet::new();
        for host in &service.hosts {
            let host = view.resolve(host, service.meta.namespace());
            let Some(ports) = ports_of(service, view, &host) else {
                return Self(None);
            };
            called.extend(ports);
        }
        Self(Some(called))
    }

    /// Whether a destination has all of them: without a port in the destination, a sidecar sends to the port that
    /// was called.
    fn are_in(&self, ports: &BTreeSet<i64>) -> bool {
        self.0
            .as_ref()
            .is_some_and(|called| called.is_subset(ports))
    }
}

/// What a destination's host provides.
struct Target<'a> {
    service: Typed<'a, VirtualService>,
    host: Host,
    providers: Vec<&'a Object>,
    ports: BTreeSet<i64>,
}

impl<'a> Target<'a> {
    /// `None` if the ports are not known: no provider, or one that declares none, such as an ExternalName.
    fn of(service: Typed<'a, VirtualService>, view: &View<'a>, host: Host) -> Option<Self> {
        let ports = ports_of(service, view, &host)?;
        Some(Self {
            service,
            providers: visible_providers(view, &host, service),
            host,
            ports,
        })
    }

    fn has_several(&self) -> bool {
        let mut providers = self.providers.iter();
        providers.all(|provider| provided_ports(provider).len() > 1)
    }

    fn report_unknown_port(&self, path: Path, port: i64, found: &mut Findings<'_>) {
        let message = message!(
            "{} sends to port {port} of `{}`",
            self.service.meta.key,
            self.host
        )
        .in_field(&path)
        .text(format!(
            ", where {} has only {} (IST0101)",
            self.names(),
            self.numbers()
        ));
        self.warn(path, message, found)
            .subject(format!("{} {port}", self.host))
            .help("write a port that the Service declares: its `port`, not the `targetPort`")
            .cause(Cause::NotFound);
    }

    fn report_no_port(&self, path: Path, found: &mut Findings<'_>) {
        let message = message!("{} sends to `{}`", self.service.meta.key, self.host)
            .in_field(&path)
            .text(format!(
                " without a port, where {} has {} (IST0112)",
                self.names(),
                self.numbers()
            ));
        self.warn(path, message, found)
            .subject(self.host.as_str())
            .help("write the port: without one, the proxy sends to the port that the client called")
            .cause(Cause::Required);
    }

    fn warn<'f>(
        &self,
        path: Path,
        message: Message,
        found: &'f mut Findings<'_>,
    ) -> &'f mut Finding {
        let finding = found.warning(&self.service.meta.key, path, message);
        for provider in &self.providers {
            finding.with(provider.key(), Path::spec(["ports"]));
        }
        finding
    }

    fn names(&self) -> String {
        let names = self.providers.iter().map(|p| p.key().to_string());
        names.collect::<Vec<_>>().join(" and ")
    }

    fn numbers(&self) -> String {
        let numbers: Vec<String> = self.ports.iter().map(ToString::to_string).collect();
        match numbers.as_slice() {
            [number] => format!("port {number}"),
            _ => format!("the ports {}", first_of(&numbers, MAX_PORTS)),
        }
    }
}

/// All ports that the providers of a host declare; `None` if one of them declares none, or there is none.
fn ports_of(
    service: Typed<'_, VirtualService>,
    view: &View<'_>,
    host: &Host,
) -> Option<BTreeSet<i64>> {
    let providers = visible_providers(view, host, service);
    let known = !providers.is_empty() && providers.iter().all(|p| !provided_ports(p).is_empty());
    let ports = providers.iter().flat_map(|p| provided_ports(p));
    known.then(|| ports.copied().collect())
}

/// How many ports a message lists.
const MAX_PORTS: usize = 12;
