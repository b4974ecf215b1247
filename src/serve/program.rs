//! The process of `serve`: starts its parts, waits for a signal, and ends the parts in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tokio_rustls::TlsAcceptor;

use super::announcement::announce;
use super::answers::Answers;
use super::error::Error;
use super::http::{Port, Server, bind};
use super::options::{Options, ReplicaOptions};
use super::signals::Signals;
use super::webhook::Webhook;
use super::{admin, log, manifests};
use crate::api::{client, events::Events};
use crate::audit::{Audit, Publisher};
use crate::health::Readiness;
use crate::lease::{self, Leadership, Lease};
use crate::live;
use crate::metrics::Metrics;
use crate::pki::{self, CertificateResolver, Replica};
use crate::record::{self, Recorder};
use crate::settings::Settings;

/// Of probes and Prometheus.
const MAX_ADMIN_CONNECTIONS: usize = 64;
const MAX_REVIEW_THREADS: usize = 512;
/// For the requests that came before the end of the drain time.
const LAST_ANSWERS_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves until SIGTERM or SIGINT, and for the drain time after it.
///
/// # Errors
/// A flag, a file or an address that cannot be used.
pub fn run(options: Options) -> Result<(), Error> {
    log::start(&options.log);
    // Small reviews are decided on the threads of the webhook: one more is left for the network.
    let threads = options.limits.parallel_reviews.min(MAX_REVIEW_THREADS) + 1;
    let (runtime, webhook) = (runtime("main", None)?, runtime("webhook", Some(threads))?);
    let ended = runtime.block_on(serve(options, webhook.handle().clone()));
    // Does not wait for a reload of files that is still running.
    runtime.shutdown_background();
    webhook.shutdown_background();
    ended
}

/// Threads of their own: what comes to the webhook delays neither the admin port nor the Lease nor a watch.
fn runtime(name: &str, threads: Option<usize>) -> Result<Runtime, Error> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = threads {
        runtime.worker_threads(threads);
    }
    let built = runtime.thread_name(name).enable_all().build();
    built.map_err(Error::Runtime)
}

async fn serve(options: Options, webhook: Handle) -> Result<(), Error> {
    options.check()?;
    let clients = connect(&options).await?;
    let mut signals = Signals::listen().map_err(Error::Runtime)?;
    let starting = Starting::begin(options, clients).await?;
    let certificates = tokio::select! {
        certificates = starting.certificates() => certificates?,
        () = signals.next() => {
            resign(starting.leadership).await;
            return Ok(());
        }
    };
    let running = starting.finish(certificates, &webhook)?;
    signals.next().await;
    running.end(&mut signals).await;
    Ok(())
}

/// Clients of the live cluster, which share no connection.
struct Clients {
    /// For watches, the Lease and Events.
    main: Client,
    /// For what reviews read.
    reviews: Client,
}

/// `None` where manifests take the place of a live cluster.
async fn connect(options: &Options) -> Result<Option<Clients>, Error> {
    if !options.manifests.is_empty() {
        return Ok(None);
    }
    let kubeconfig = options.kubeconfig.as_deref();
    Ok(Some(Clients {
        main: client::connect(kubeconfig).await?,
        reviews: client::connect(kubeconfig).await?,
    }))
}

async fn resign(leadership: Option<Leadership>) {
    if let Some(leadership) = leadership {
        leadership.resign().await;
    }
}

/// The parts that work before there is a certificate: the admin port, and the election of a leader, which makes
/// the certificate where replicas share one.
struct Starting {
    options: Options,
    settings: Settings,
    metrics: Arc<Metrics>,
    readiness: Arc<Readiness>,
    /// `None` where manifests take the place of a live cluster.
    clients: Option<Clients>,
    leadership: Option<Leadership>,
    admin: Server,
    admin_address: SocketAddr,
    webhook_listener: TcpListener,
    webhook_address: SocketAddr,
}

impl Starting {
    async fn begin(options: Options, clients: Option<Clients>) -> Result<Self, Error> {
        let settings = options.settings.settings()?;
        let metrics = Arc::new(Metrics::default());
        let readiness = Arc::new(Readiness::default());
        let (webhook_listener, webhook_address) = bind(&options.listen).await?;
        let (admin_listener, admin_address) = bind(&options.admin).await?;
        let router = admin::router(Arc::clone(&readiness), Arc::clone(&metrics));
        let main = clients.as_ref().map(|clients| clients.main.clone());
        let leadership = main.map(|client| campaign(client, &options.replica, &metrics));
        let admin = Port {
            name: "admin",
            tls: None,
            router,
            max_connections: MAX_ADMIN_CONNECTIONS,
            metrics: Arc::clone(&metrics),
        };
        Ok(Self {
            options,
            settings,
            metrics,
            readiness,
            clients,
            leadership,
            admin: Server::start(admin_listener, admin),
            admin_address,
            webhook_listener,
            webhook_address,
        })
    }

    /// Waits, where the certificate is in a Secret, until some replica has written it.
    async fn certificates(&self) -> Result<CertificateResolver, Error> {
        let live = self.clients.as_ref().zip(self.leadership.as_ref());
        let replica = live.map(|(clients, leadership)| Replica {
            client: &clients.main,
            namespace: &self.options.replica.pod_namespace,
            leading: leadership.watch(),
        });
        Ok(pki::start(&self.options.tls, replica, &self.metrics).await?)
    }

    /// Starts the webhook on its own threads.
    fn finish(self, certificates: CertificateResolver, on: &Handle) -> Result<Running, Error> {
        self.readiness.certificate_loaded();
        let answers = self.answers()?;
        let recorder = recorder(&self.options, &answers)?;
        let mut webhook = Webhook::new(answers, &self.options.limits);
        webhook.recorder = recorder;
        let tls = certificates.tls_config(&self.options.tls)?;
        let port = Port {
            name: "webhook",
            tls: Some(TlsAcceptor::from(Arc::new(tls))),
            router: webhook.router(),
            max_connections: self.options.limits.max_connections,
            metrics: Arc::clone(&self.metrics),
        };
        let within = on.enter();
        let webhook = Server::start(self.webhook_listener, port);
        drop(within);
        announce(&self.options, self.webhook_address, self.admin_address);
        Ok(Running {
            drain: self.options.drain,
            readiness: self.readiness,
            leadership: self.leadership,
            admin: self.admin,
            webhook,
        })
    }

    fn answers(&self) -> Result<Answers, Error> {
        let settings = self.settings.clone();
        let metrics = Arc::clone(&self.metrics);
        if let Some(clients) = &self.clients {
            return Ok(self.live_answers(clients, Arc::new(settings), metrics));
        }
        let cluster = manifests::watch(&self.options, &settings.mesh, &metrics)?;
        self.readiness.cluster_read();
        Ok(Answers::of_manifests(cluster, settings, metrics))
    }

    /// Starts the watches of the live cluster, and the audit.
    fn live_answers(
        &self,
        clients: &Clients,
        settings: Arc<Settings>,
        metrics: Arc<Metrics>,
    ) -> Answers {
        let (main, reviews) = (&clients.main, &clients.reviews);
        let mesh = settings.mesh.clone();
        let live = live::start(main, reviews, mesh, &metrics, &self.readiness);
        let (replica, groups) = (&self.options.replica.pod_name, &self.options.policy_reports);
        let publisher = Publisher::to(groups, main, &live.discovery, &metrics);
        let events = Events::new(main.clone(), live.discovery, replica, Arc::clone(&metrics));
        let audit = Audit {
            cluster: Arc::clone(&live.cluster),
            steps: live.steps,
            settings: Arc::clone(&settings),
            metrics: Arc::clone(&metrics),
            events: events.clone(),
            publisher,
        };
        if let Some(leadership) = &self.leadership {
            tokio::spawn(audit.run(leadership.watch(), Arc::clone(&self.readiness)));
        }
        Answers {
            cluster: live.cluster,
            settings,
            reader: Some(live.reader),
            events: Some(events),
            metrics,
        }
    }
}

/// Takes part in the election of the replica that writes what the replicas share.
fn campaign(client: Client, replica: &ReplicaOptions, metrics: &Arc<Metrics>) -> Leadership {
    let lease = Lease {
        client,
        namespace: replica.pod_namespace.clone(),
        name: replica.lease.clone(),
    };
    lease.campaign(lease::identity(&replica.pod_name), Arc::clone(metrics))
}

fn recorder(options: &Options, answers: &Answers) -> Result<Option<Recorder>, Error> {
    let source = match &answers.reader {
        Some(reader) => record::Source::Live(reader.clone()),
        None => record::Source::Files {
            paths: options.manifests.clone(),
            namespace: options.settings.namespace().to_owned(),
        },
    };
    Recorder::start(&options.record, source, &answers.metrics).map_err(|source| Error::Record {
        folder: options.record.record.clone().unwrap_or_default(),
        source,
    })
}

/// The parts that end when the process does.
struct Running {
    drain: Duration,
    readiness: Arc<Readiness>,
    leadership: Option<Leadership>,
    admin: Server,
    webhook: Server,
}

impl Running {
    async fn end(self, signals: &mut Signals) {
        tokio::join!(
            drain(self.drain, &self.readiness, &self.webhook, signals),
            resign(self.leadership)
        );
        self.webhook.finish(LAST_ANSWERS_TIMEOUT).await;
        self.admin.finish(Duration::ZERO).await;
        tracing::info!("ended");
    }
}

/// Reports that this replica is not ready, and goes on answering until the API servers have noticed. They have
/// after half the time: then the connections that they keep open are asked to end, so that none is closed while
/// it carries a review. A second signal ends the wait.
async fn drain(time: Duration, readiness: &Readiness, webhook: &Server, signals: &mut Signals) {
    readiness.drain();
    tracing::info!(
        drain_seconds = time.as_secs_f64(),
        "ending: not ready any more, but answering for the drain time"
    );
    let answering = async {
        tokio::time::sleep(time / 2).await;
        webhook.close_connections();
        tokio::time::sleep(time / 2).await;
    };
    tokio::select! {
        () = answering => {}
        () = signals.next() => {}
    }
}
