//! Accepting connections, within limits in number and time.

mod body;
mod places;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use body::Timely;
pub(crate) use body::is_too_slow;
use places::{Place, Places};

/// Limits for a peer, and for what waits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections. Once there are so many, those without a request in progress make room for
    /// new ones; more wait to be accepted.
    pub connections: usize,
    /// The same for one address, except this machine's own, where a proxy may be: more are closed.
    pub connections_of_one: usize,
    /// How long a request's head may take, and a connection may be idle.
    pub head: Duration,
    /// How long a request's body may take.
    pub body: Duration,
    /// How long a peer may read nothing of a response.
    pub unread: Duration,
    /// How many bytes a body may have.
    pub longest_body: usize,
    /// Deliveries that wait to be committed; more are refused with 503.
    pub waiting: usize,
    /// Bytes of bodies that are being read or wait to be committed; more are refused with 503.
    pub waiting_bytes: usize,
    /// How long requests under way may take when the process ends.
    pub farewell: Duration,
}

/// How many bytes a body may have unless the settings say otherwise.
pub const LONGEST_BODY: usize = 2 * 1024 * 1024;

/// The address that a request came from: of a proxy, if there is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            connections_of_one: 2_048,
            head: Duration::from_secs(30),
            body: Duration::from_secs(20),
            unread: Duration::from_secs(30),
            longest_body: LONGEST_BODY,
            waiting: 8_192,
            waiting_bytes: 64 * 1024 * 1024,
            farewell: Duration::from_secs(10),
        }
    }
}

/// How long to wait after a failed accept (mostly because no file handles are left).
const PAUSE: Duration = Duration::from_millis(100);

/// The paths of webhooks, for which places are kept.
const HOOKS: &str = "/hooks/";

/// Serves until `stop` is cancelled; then finishes the requests in progress, within
/// [`Limits::farewell`].
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) {
    let tasks = TaskTracker::new();
    let places = Places::new(limits.connections, limits.connections_of_one);
    let cut = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let place = Arc::new(place);
        let connection = connection(
            stream,
            Peer(peer.ip()),
            router.clone(),
            limits,
            (Arc::clone(&place), stop.clone()),
        );
        let cut = cut.clone();
        tasks.spawn(async move {
            tokio::select! {
                biased;
                () = connection => {}
                () = place.closed() => {
                    metrics::counter!("leadsync_connections_closed_total").increment(1);
                }
                () = cut.cancelled() => {}
            }
        });
    }
    drop((listener, router));
    tasks.close();
    if tokio::time::timeout(limits.farewell, tasks.wait()).await.is_err() {
        tracing::warn!(connections = tasks.len(), "closed connections that were still at work");
        cut.cancel();
        tasks.wait().await;
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Places>,
) -> Option<(TcpStream, SocketAddr, Place)> {
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Responses are small, and senders wait for them.
            let _ = stream.set_nodelay(true);
            let place = places.take(peer.ip()).await;
            if place.is_none() {
                metrics::counter!("leadsync_connections_refused_total").increment(1);
            }
            Some((stream, peer, place?))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection was not accepted");
            tokio::time::sleep(PAUSE).await;
            None
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: Peer,
    router: Router,
    limits: Limits,
    (place, stop): (Arc<Place>, CancellationToken),
) {
    let mut builder = http1::Builder::new();
    // Otherwise, a peer that closes its side once its body is sent would cancel its own request
    // before it reaches the committer.
    builder.timer(TokioTimer::new()).header_read_timeout(limits.head).half_close(true);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let place = Arc::clone(&place);
        if request.uri().path().starts_with(HOOKS) {
            place.set_yielding(false);
        }
        let mut request = request.map(|body| Timely::new(body, limits.body, Arc::clone(&place)));
        request.extensions_mut().insert(peer);
        let response = router.call(request);
        async move {
            let response = response.await;
            place.set_yielding(true);
            response
        }
    });
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.unread));
    let connection = builder.serve_connection(TokioIo::new(Box::pin(stream)), service);
    tokio::pin!(connection);
    // A peer that disconnects is not our error.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
