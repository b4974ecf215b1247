//! Replaces kube-proxy: a connection to a Service's ClusterIP reaches one of its ready endpoints, in turn. The API
//! server reaches rollout-guard this way, and rollout-guard the API server. Only port 443. Without an endpoint the
//! connection is reset (kube-proxy refuses it).

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use kube::runtime::reflector::{Store, store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::{AbortHandle, JoinHandle};

pub struct Services {
    tasks: Vec<JoinHandle<()>>,
    connections: Connections,
}

/// Open connections by the Service's `namespace/name`.
type Connections = Arc<Mutex<Vec<(String, AbortHandle)>>>;

struct Table {
    services: Store<Service>,
    slices: Store<EndpointSlice>,
    turn: AtomicUsize,
}

impl Services {
    pub fn start(runtime: &Runtime, client: &Client) -> Self {
        let (services, services_writer) = store();
        let (slices, slices_writer) = store();
        let table = Table {
            services,
            slices,
            turn: AtomicUsize::new(0),
        };
        let connections = Connections::default();
        let listener = runtime.block_on(TcpListener::bind("0.0.0.0:443"));
        let listener = listener.expect("port 443 of a network namespace of our own");
        let every = watcher::Config::default;
        let services = watcher(Api::<Service>::all(client.clone()), every());
        let slices = watcher(Api::<EndpointSlice>::all(client.clone()), every());
        let tasks = vec![
            runtime.spawn(
                services
                    .default_backoff()
                    .reflect(services_writer)
                    .for_each(|_| async {}),
            ),
            runtime.spawn(
                slices
                    .default_backoff()
                    .reflect(slices_writer)
                    .for_each(|_| async {}),
            ),
            runtime.spawn(accept(listener, Arc::new(table), Arc::clone(&connections))),
        ];
        Self { tasks, connections }
    }

    /// The number of open connections to a Service.
    pub fn open(&self, namespace: &str, name: &str) -> usize {
        self.with(namespace, name, |_| ())
    }

    /// Breaks every connection to a Service, as a network failure does. Returns their number.
    pub fn cut(&self, namespace: &str, name: &str) -> usize {
        self.with(namespace, name, AbortHandle::abort)
    }

    fn with(&self, namespace: &str, name: &str, action: impl Fn(&AbortHandle)) -> usize {
        let service = format!("{namespace}/{name}");
        let mut all = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.retain(|(_, task)| !task.is_finished());
        let open = all.iter().filter(|(to, _)| *to == service);
        open.map(|(_, task)| action(task)).count()
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn accept(listener: TcpListener, table: Arc<Table>, connections: Connections) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let Ok(address) = stream.local_addr() else {
            continue;
        };
        let Some(service) = table.service(address.ip()) else {
            continue;
        };
        let name = format!(
            "{}/{}",
            service.namespace().unwrap_or_default(),
            service.name_any()
        );
        let table = Arc::clone(&table);
        let task = tokio::spawn(async move { forward(stream, table.endpoint(&service)).await });
        let mut all = connections.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(_, task)| !task.is_finished());
        all.push((name, task.abort_handle()));
    }
}

async fn forward(mut stream: TcpStream, endpoint: Option<String>) {
    // A connection that ends without a response is reset, so that the caller does not take it for a response.
    stream.set_zero_linger().ok();
    let Some(endpoint) = endpoint else { return };
    let Ok(mut inner) = TcpStream::connect(endpoint).await else {
        return;
    };
    stream.set_nodelay(true).ok();
    inner.set_nodelay(true).ok();
    tokio::io::copy_bidirectional(&mut stream, &mut inner)
        .await
        .ok();
}

impl Table {
    fn service(&self, address: IpAddr) -> Option<Arc<Service>> {
        let address = address.to_string();
        self.services.find(|service| {
            let spec = service.spec.as_ref();
            spec.and_then(|spec| spec.cluster_ip.as_deref()) == Some(address.as_str())
        })
    }

    /// Address and port of the next endpoint: a ready one, otherwise one that is terminating but still answers.
    fn endpoint(&self, service: &Service) -> Option<String> {
        let ports = service
            .spec
            .iter()
            .flat_map(|spec| spec.ports.iter().flatten());
        let port = ports.into_iter().find(|port| port.port == 443)?;
        let name = port.name.clone().unwrap_or_default();
        let of_service = self.slices.state().into_iter().filter(|slice| {
            let owner = slice.labels().get("kubernetes.io/service-name");
            slice.namespace() == service.namespace() && owner == Some(&service.name_any())
        });
        let (mut ready, mut ending) = (Vec::new(), Vec::new());
        for slice in of_service {
            let ports = slice.ports.iter().flatten();
            let mut ports = ports.filter(|port| port.name.clone().unwrap_or_default() == name);
            let Some(port) = ports.find_map(|port| port.port) else {
                continue;
            };
            for endpoint in &slice.endpoints {
                let address = endpoint
                    .addresses
                    .first()
                    .map(|address| format!("{address}:{port}"));
                let list = if is_ready(endpoint) {
                    &mut ready
                } else {
                    &mut ending
                };
                list.extend(address.filter(|_| is_ready(endpoint) || is_ending(endpoint)));
            }
        }
        let mut chosen = if ready.is_empty() { ending } else { ready };
        chosen.sort();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        (!chosen.is_empty()).then(|| chosen.swap_remove(turn % chosen.len()))
    }
}

/// An endpoint without `ready` counts as ready.
fn is_ready(endpoint: &Endpoint) -> bool {
    endpoint
        .conditions
        .as_ref()
        .and_then(|conditions| conditions.ready)
        != Some(false)
}

fn is_ending(endpoint: &Endpoint) -> bool {
    let conditions = endpoint.conditions.as_ref();
    conditions.is_some_and(|conditions| {
        conditions.serving == Some(true) && conditions.terminating == Some(true)
    })
}
