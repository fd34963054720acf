//! The endpoint that Prometheus asks: `GET /metrics` on a unix socket or a loopback address, and nothing else.
//!
//! Whoever can reach it may be hostile: connections, heads and times are bounded, and a request's body is never read.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::header::{ALLOW, CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Metrics;
use super::text::MEDIA_TYPE;
use crate::config::MetricsAddress;

/// Connections at a time. Others wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 16;
/// Bytes of a request's head.
const MAX_HEAD: usize = 8 * 1024;
/// Headers of a request.
const MAX_HEADERS: usize = 64;
/// How long one connection may take, from the first byte of the request to the last one of the answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long to wait when the kernel has no descriptor left for a connection.
const BREATH: Duration = Duration::from_millis(100);

/// Why metrics cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Everybody on the network could read them.
    #[error(
        "metrics cannot be served on {0}: it is no loopback address; use 127.0.0.1, [::1] or a unix socket, and let a proxy that asks who comes stand before it"
    )]
    NotLoopback(SocketAddr),
    /// Something that is no socket stands where the socket should be.
    #[error("metrics cannot be served on {}: something that is no socket stands there; remove it or choose another path", .0.display())]
    Occupied(PathBuf),
    /// The system refused.
    #[error("metrics cannot be served on {address}: {source}")]
    System {
        /// Where.
        address: String,
        /// Why.
        source: io::Error,
    },
}

/// Where metrics are served.
#[derive(Debug)]
pub struct MetricsListener(Listener);

#[derive(Debug)]
enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl MetricsListener {
    /// Listens at the address. A socket that a former daemon left is replaced; the new one has mode 0660. Must be called
    /// within a tokio runtime.
    ///
    /// # Errors
    /// The address is not loopback, something else stands at the path, or the system refuses.
    pub fn bind(address: &MetricsAddress) -> Result<Self, ListenError> {
        let failed = |source| ListenError::System { address: address.to_string(), source };
        match address {
            MetricsAddress::Unix(path) => {
                remove_stale(path)?;
                let listener = UnixListener::bind(path).map_err(failed)?;
                fs::set_permissions(path, fs::Permissions::from_mode(0o660)).map_err(failed)?;
                Ok(Self(Listener::Unix(listener)))
            }
            MetricsAddress::Tcp(address) => {
                loopback(*address)?;
                Self::tcp(std::net::TcpListener::bind(address).map_err(failed)?)
            }
        }
    }

    /// Takes a unix socket that somebody else opened: systemd, or the keeper. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The system refuses.
    pub fn unix(listener: std::os::unix::net::UnixListener) -> Result<Self, ListenError> {
        let failed = |source| ListenError::System { address: "the given unix socket".to_owned(), source };
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self(Listener::Unix(UnixListener::from_std(listener).map_err(failed)?)))
    }

    /// Takes a TCP socket that somebody else opened. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Its address is not loopback, or the system refuses.
    pub fn tcp(listener: std::net::TcpListener) -> Result<Self, ListenError> {
        let failed = |source| ListenError::System { address: "the given TCP socket".to_owned(), source };
        loopback(listener.local_addr().map_err(failed)?)?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self(Listener::Tcp(TcpListener::from_std(listener).map_err(failed)?)))
    }

    /// The TCP address, if it is one: the port that was chosen where 0 was asked for.
    pub fn local_address(&self) -> Option<SocketAddr> {
        match &self.0 {
            Listener::Tcp(listener) => listener.local_addr().ok(),
            Listener::Unix(_) => None,
        }
    }
}

fn loopback(address: SocketAddr) -> Result<(), ListenError> {
    if address.ip().to_canonical().is_loopback() { Ok(()) } else { Err(ListenError::NotLoopback(address)) }
}

fn remove_stale(path: &Path) -> Result<(), ListenError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => fs::remove_file(path)
            .map_err(|source| ListenError::System { address: path.display().to_string(), source }),
        Ok(_) => Err(ListenError::Occupied(path.to_owned())),
        Err(_) => Ok(()),
    }
}

/// Serves metrics for as long as the future is polled; drop it to stop. Connections that are open then are finished by
/// the runtime, within ten seconds.
pub async fn serve_metrics(listener: MetricsListener, metrics: Arc<Metrics>) -> Infallible {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { std::future::pending().await };
        let accepted = match &listener.0 {
            Listener::Unix(listener) => listener.accept().await.map(|(stream, _)| {
                tokio::spawn(converse(stream, Arc::clone(&metrics), Callers::Local, permit));
            }),
            Listener::Tcp(listener) => listener.accept().await.map(|(stream, _)| {
                tokio::spawn(converse(stream, Arc::clone(&metrics), Callers::Browsers, permit));
            }),
        };
        if accepted.is_err() {
            tokio::time::sleep(BREATH).await;
        }
    }
}

/// Who can be made to call.
#[derive(Clone, Copy)]
enum Callers {
    /// Programs that open the socket.
    Local,
    /// Browsers too, by a web page whose name points to this host.
    Browsers,
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    metrics: Arc<Metrics>,
    callers: Callers,
    _permit: OwnedSemaphorePermit,
) {
    let service = service_fn(|request| {
        let answer = answer(&request, &metrics, callers);
        async { Ok::<_, Infallible>(answer) }
    });
    let mut server = http1::Builder::new();
    server.keep_alive(false).max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS);
    server.timer(TokioTimer::new()).header_read_timeout(DEADLINE / 2);
    // Whoever speaks no HTTP, or slowly, is answered by hyper or not at all.
    let _ = tokio::time::timeout(DEADLINE, server.serve_connection(TokioIo::new(stream), service)).await;
}

fn answer(request: &Request<Incoming>, metrics: &Arc<Metrics>, callers: Callers) -> Response<Full<Bytes>> {
    if matches!(callers, Callers::Browsers) && !names_this_host(request.headers().get(HOST)) {
        return plain(StatusCode::FORBIDDEN, "ask by address or as localhost\n");
    }
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "only /metrics is here\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    let mut answer = Response::new(Full::from(metrics.render()));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    answer
}

/// Whether the host that is asked for is a number or `localhost`: names can be pointed here by others (DNS rebinding).
fn names_this_host(host: Option<&HeaderValue>) -> bool {
    let Some(host) = host.and_then(|host| host.to_str().ok()) else { return false };
    let Ok(authority) = host.parse::<http::uri::Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::from(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}
