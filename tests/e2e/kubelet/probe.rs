//! `httpGet` probes, as a Pod's spec defines them.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

pub struct Probing {
    /// Address and path; `None` without a probe, which always passes.
    target: Option<(String, String)>,
    period: Duration,
    within: Duration,
    threshold: u32,
    failures: u32,
    /// Before the first response.
    initially: bool,
    passes: bool,
    next: Instant,
}

impl Probing {
    pub fn new(
        probe: Option<&Probe>,
        container: &Container,
        address: &str,
        initially: bool,
    ) -> Self {
        let seconds = |number: Option<i32>, default: u32| {
            let number = number.and_then(|number| u32::try_from(number).ok());
            number.filter(|number| *number > 0).unwrap_or(default)
        };
        let delay = probe.and_then(|probe| probe.initial_delay_seconds);
        let duration = |number, default| Duration::from_secs(seconds(number, default).into());
        Self {
            target: probe.map(|probe| target(probe, container, address)),
            period: duration(probe.and_then(|probe| probe.period_seconds), 10),
            within: duration(probe.and_then(|probe| probe.timeout_seconds), 1),
            threshold: seconds(probe.and_then(|probe| probe.failure_threshold), 3),
            failures: 0,
            initially: initially || probe.is_none(),
            passes: initially || probe.is_none(),
            next: Instant::now() + Duration::from_secs(seconds(delay, 0).into()),
        }
    }

    /// The result of the probes so far; sends a probe when it is due.
    pub async fn passes(&mut self) -> bool {
        let Some((address, path)) = &self.target else {
            return true;
        };
        if Instant::now() < self.next {
            return self.passes;
        }
        if ask(address, path, self.within).await {
            (self.failures, self.passes) = (0, true);
        } else {
            self.failures += 1;
            self.passes &= self.failures < self.threshold;
        }
        self.next = Instant::now()
            + if self.passes {
                self.period
            } else {
                NOT_READY_PERIOD
            };
        self.passes
    }

    /// For a process that starts again.
    pub fn reset(&mut self) {
        (self.failures, self.passes) = (0, self.initially);
    }
}

fn target(probe: &Probe, container: &Container, address: &str) -> (String, String) {
    let get = probe
        .http_get
        .as_ref()
        .expect("the test bed supports only httpGet probes");
    let port = match &get.port {
        IntOrString::Int(port) => *port,
        IntOrString::String(name) => {
            let ports = container.ports.iter().flatten();
            let found = ports
                .into_iter()
                .find(|port| port.name.as_ref() == Some(name));
            found
                .expect("the probe names a port of the container")
                .container_port
        }
    };
    let host = get.host.as_deref().unwrap_or(address);
    (
        format!("{host}:{port}"),
        get.path.clone().unwrap_or_else(|| "/".into()),
    )
}

/// Whether the response is a success or a redirection.
async fn ask(address: &str, path: &str, within: Duration) -> bool {
    let answer = timeout(within, get(address, path)).await;
    let answer = answer.ok().and_then(Result::ok).unwrap_or_default();
    let status = answer.split_whitespace().nth(1);
    status.is_some_and(|status| status.starts_with('2') || status.starts_with('3'))
}

/// A plain HTTP response, head and body.
pub async fn get(address: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

const NOT_READY_PERIOD: Duration = Duration::from_millis(200);
