//! The process of `serve`: starts its parts, waits for a signal, and ends the parts in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::announcement::announce;
use super::answers::Answers;
use super::error::Error;
use super::http::{Server, bind};
use super::options::{Options, ReplicaOptions};
use super::signals::Signals;
use super::webhook::Webhook;
use super::{admin, log, manifests};
use crate::api::{client, events::Events};
use crate::audit::Audit;
use crate::health::Readiness;
use crate::lease::{self, Leadership, Lease};
use crate::live;
use crate::metrics::Metrics;
use crate::pki::{self, CertificateResolver, Replica};
use crate::record::{self, Recorder};
use crate::settings::Settings;

/// For the requests that came before the end of the drain time.
const LAST_ANSWERS_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves until SIGTERM or SIGINT, and for the drain time after it.
///
/// # Errors
/// A flag, a file or an address that cannot be used.
pub fn run(options: Options) -> Result<(), Error> {
    log::start(&options.log);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.enable_all().build().map_err(Error::Runtime)?;
    let ended = runtime.block_on(serve(options));
    // Does not wait for a reload of files that is still running.
    runtime.shutdown_background();
    ended
}

async fn serve(options: Options) -> Result<(), Error> {
    options.check()?;
    let client = connect(&options).await?;
    let mut signals = Signals::listen().map_err(Error::Runtime)?;
    let starting = Starting::begin(options, client).await?;
    let certificates = tokio::select! {
        certificates = starting.certificates() => certificates?,
        () = signals.next() => {
            resign(starting.leadership).await;
            return Ok(());
        }
    };
    let running = starting.finish(certificates)?;
    signals.next().await;
    running.end(&mut signals).await;
    Ok(())
}

/// `None` where manifests take the place of a live cluster.
async fn connect(options: &Options) -> Result<Option<Client>, Error> {
    if !options.manifests.is_empty() {
        return Ok(None);
    }
    Ok(Some(client::connect(options.kubeconfig.as_deref()).await?))
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
    client: Option<Client>,
    leadership: Option<Leadership>,
    admin: Server,
    admin_address: SocketAddr,
    webhook_listener: TcpListener,
    webhook_address: SocketAddr,
}

impl Starting {
    async fn begin(options: Options, client: Option<Client>) -> Result<Self, Error> {
        let settings = options.settings.settings()?;
        let metrics = Arc::new(Metrics::default());
        let readiness = Arc::new(Readiness::default());
        let (webhook_listener, webhook_address) = bind(&options.listen).await?;
        let (admin_listener, admin_address) = bind(&options.admin).await?;
        let router = admin::router(Arc::clone(&readiness), Arc::clone(&metrics));
        let election = client.clone();
        let leadership = election.map(|client| campaign(client, &options.replica, &metrics));
        Ok(Self {
            options,
            settings,
            metrics,
            readiness,
            client,
            leadership,
            admin: Server::start(admin_listener, None, router),
            admin_address,
            webhook_listener,
            webhook_address,
        })
    }

    /// Waits, where the certificate is in a Secret, until some replica has written it.
    async fn certificates(&self) -> Result<CertificateResolver, Error> {
        let live = self.client.as_ref().zip(self.leadership.as_ref());
        let replica = live.map(|(client, leadership)| Replica {
            client,
            namespace: &self.options.replica.pod_namespace,
            leading: leadership.watch(),
        });
        Ok(pki::start(&self.options.tls, replica, &self.metrics).await?)
    }

    /// Starts the webhook.
    fn finish(self, certificates: CertificateResolver) -> Result<Running, Error> {
        self.readiness.certificate_loaded();
        let answers = self.answers()?;
        let recorder = recorder(&self.options, &answers)?;
        let mut webhook = Webhook::new(answers);
        webhook.recorder = recorder;
        webhook.body_limit = self.options.body_limit;
        let tls = certificates.tls_config().map_err(pki::Error::Tls)?;
        let tls = TlsAcceptor::from(Arc::new(tls));
        let webhook = Server::start(self.webhook_listener, Some(tls), webhook.router());
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
        if let Some(client) = &self.client {
            return Ok(self.live_answers(client, Arc::new(settings), metrics));
        }
        let cluster = manifests::watch(&self.options, &settings.mesh, &metrics)?;
        self.readiness.cluster_read();
        Ok(Answers::of_manifests(cluster, settings, metrics))
    }

    /// Starts the watches of the live cluster, and the audit.
    fn live_answers(
        &self,
        client: &Client,
        settings: Arc<Settings>,
        metrics: Arc<Metrics>,
    ) -> Answers {
        let live = live::start(client, settings.mesh.clone(), &metrics, &self.readiness);
        let replica = &self.options.replica.pod_name;
        let events = Events::new(
            client.clone(),
            live.discovery,
            replica,
            Arc::clone(&metrics),
        );
        let audit = Audit {
            cluster: Arc::clone(&live.cluster),
            steps: live.steps,
            settings: Arc::clone(&settings),
            metrics: Arc::clone(&metrics),
            events: events.clone(),
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
    Recorder::start(&options.record, source).map_err(|source| Error::Record {
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
