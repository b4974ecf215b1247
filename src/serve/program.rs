//! The program: starts what `serve` is made of, and ends it in good order.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio_rustls::TlsAcceptor;

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
use crate::pki::{Certificates, Replica};
use crate::record::{self, Recorder};
use crate::settings::Settings;

/// Serves until SIGTERM or SIGINT, and for the drain time after it.
///
/// # Errors
/// What keeps it from starting: a flag, a file, an address in use.
pub fn run(options: Options) -> Result<(), Error> {
    log::start();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.enable_all().build().map_err(Error::Runtime)?;
    let ended = runtime.block_on(serve(options));
    // A reload that is under way holds nothing up.
    runtime.shutdown_background();
    ended
}

async fn serve(options: Options) -> Result<(), Error> {
    options.check()?;
    let client = if options.manifests.is_empty() {
        let connected = client::connect(options.kubeconfig.as_deref()).await;
        Some(connected.map_err(Error::NoCluster)?)
    } else {
        None
    };
    let mut signals = Signals::listen().map_err(Error::Runtime)?;
    let settings = options.settings.settings().map_err(Error::Settings)?;
    let metrics = Arc::new(Metrics::default());
    let readiness = Arc::new(Readiness::default());
    let (webhook_port, webhook_at) = bind(&options.listen).await?;
    let (admin_port, admin_at) = bind(&options.admin).await?;
    let router = admin::router(Arc::clone(&readiness), Arc::clone(&metrics));
    let admin = Server::start(admin_port, None, router);

    let leadership = client.clone();
    let leadership = leadership.map(|client| campaign(client, &options.own, &metrics));
    let replica = replica(client.as_ref(), leadership.as_ref(), &options.own);
    let certificates = tokio::select! {
        certificates = Certificates::start(&options.tls, replica, &metrics) => {
            certificates.map_err(Error::Certificate)?
        },
        () = signals.next() => {
            resign(leadership).await;
            return Ok(());
        }
    };
    readiness.certificate_loaded();
    let answers = match &client {
        None => by_manifests(&options, settings, &metrics, &readiness)?,
        Some(client) => {
            let leadership = leadership.as_ref();
            by_cluster(client, &options, settings, leadership, &metrics, &readiness)
        }
    };
    let recorder = recorder(&options, &answers)?;
    let mut service = Webhook::new(answers);
    service.recorder = recorder;
    service.body_limit = options.body_limit;
    let tls = TlsAcceptor::from(Arc::new(
        certificates.tls_config().map_err(Error::Certificate)?,
    ));
    let webhook = Server::start(webhook_port, Some(tls), service.router());
    announce(&options, webhook_at, admin_at);

    signals.next().await;
    tokio::join!(
        drain(&options, &readiness, &webhook, &mut signals),
        resign(leadership)
    );
    webhook.finish(LAST_ANSWERS).await;
    admin.finish(Duration::ZERO).await;
    tracing::info!("ended");
    Ok(())
}

/// Takes part in choosing which replica writes what they share.
fn campaign(client: Client, own: &ReplicaOptions, metrics: &Arc<Metrics>) -> Leadership {
    let lease = Lease {
        client,
        namespace: own.pod_namespace.clone(),
        name: own.lease.clone(),
    };
    lease.campaign(lease::identity(&own.pod_name), Arc::clone(metrics))
}

fn replica<'a>(
    client: Option<&'a Client>,
    leadership: Option<&Leadership>,
    own: &'a ReplicaOptions,
) -> Option<Replica<'a>> {
    let (client, leadership) = client.zip(leadership)?;
    Some(Replica {
        client,
        namespace: &own.pod_namespace,
        leading: leadership.watch(),
    })
}

async fn resign(leadership: Option<Leadership>) {
    if let Some(leadership) = leadership {
        leadership.resign().await;
    }
}

fn by_manifests(
    options: &Options,
    settings: Settings,
    metrics: &Arc<Metrics>,
    readiness: &Readiness,
) -> Result<Answers, Error> {
    let cluster = manifests::watch(options, &settings.mesh, metrics)?;
    readiness.cluster_read();
    Ok(Answers::of_manifests(
        cluster,
        settings,
        Arc::clone(metrics),
    ))
}

fn by_cluster(
    client: &Client,
    options: &Options,
    settings: Settings,
    leadership: Option<&Leadership>,
    metrics: &Arc<Metrics>,
    readiness: &Arc<Readiness>,
) -> Answers {
    let live = live::start(client, settings.mesh.clone(), metrics, readiness);
    let (name, discovery) = (&options.own.pod_name, live.discovery.clone());
    let events = Events::new(client.clone(), discovery, name, Arc::clone(metrics));
    let settings = Arc::new(settings);
    let audit = Audit {
        cluster: Arc::clone(&live.cluster),
        changes: live.changes,
        settings: Arc::clone(&settings),
        metrics: Arc::clone(metrics),
        events: events.clone(),
    };
    if let Some(leadership) = leadership {
        tokio::spawn(audit.run(leadership.watch(), Arc::clone(readiness)));
    }
    Answers {
        cluster: live.cluster,
        settings,
        reader: Some(live.reader),
        events: Some(events),
        metrics: Arc::clone(metrics),
    }
}

fn recorder(options: &Options, answers: &Answers) -> Result<Option<Recorder>, Error> {
    let source = match &answers.reader {
        Some(reader) => record::Source::Live(reader.clone()),
        None => record::Source::Files {
            paths: options.manifests.clone(),
            namespace: options.settings.namespace().to_owned(),
        },
    };
    Recorder::start(&options.record, source).map_err(|error| {
        let folder = options.record.record.clone();
        Error::Record(folder.unwrap_or_default(), error)
    })
}

/// Not ready any more, but still answering, until those who send have noticed. Half way they have: the
/// connections that an API server keeps open are asked to end then, so that none is cut with a review on its
/// way. A second signal ends the wait.
async fn drain(options: &Options, readiness: &Readiness, webhook: &Server, signals: &mut Signals) {
    readiness.drain();
    let seconds = options.drain.as_secs_f64();
    tracing::info!("ending: not ready any more, requests are answered for another {seconds} s");
    let answering = async {
        tokio::time::sleep(options.drain / 2).await;
        webhook.renew();
        tokio::time::sleep(options.drain / 2).await;
    };
    tokio::select! {
        () = answering => {}
        () = signals.next() => {}
    }
}

/// One line: where it listens, whom to trust, how to try it.
fn announce(options: &Options, webhook: SocketAddr, admin: SocketAddr) {
    let host = match webhook.ip() {
        ip if ip.is_unspecified() => "localhost".to_owned(),
        ip if ip.is_ipv6() => format!("[{ip}]"),
        ip => ip.to_string(),
    };
    let port = webhook.port();
    let file = options.tls.ca_file.display();
    let (trust, flag) = match (&options.tls.tls_cert, &options.tls.tls_secret) {
        (Some(file), _) => (format!("certificate {}", file.display()), String::new()),
        (_, Some(secret)) => (
            format!("CA in Secret {secret}"),
            " --cacert ca.crt".to_owned(),
        ),
        _ => (format!("CA {file}"), format!(" --cacert {file}")),
    };
    // That nobody reads it is no fault.
    let _ = writeln!(
        std::io::stderr(),
        "rollout-guard serves https://{webhook} and http://{admin} (admin), {trust}; \
         try: curl{flag} --data-binary @review.json https://{host}:{port}/validate"
    );
}

/// How long requests that came within the drain time may take to end.
const LAST_ANSWERS: Duration = Duration::from_secs(10);
