//! How the official exporter reaches the collector: by our own HTTP client.
//!
//! A thread of its own drives the sockets, because exporters are called from threads without a tokio runtime.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::{Request, Response, StatusCode};
use hyper::body::Bytes;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::http_client::send;

/// From the first packet to the last byte of the answer.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

/// The thread that drives the sockets. Ends when this is dropped.
#[derive(Debug)]
pub(super) struct Driver {
    handle: Handle,
    _end: oneshot::Sender<()>,
}

impl Driver {
    pub(super) fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        std::thread::Builder::new().name("otlp-http".to_owned()).spawn(move || {
            // An error says that the other half was dropped, which is the end as well.
            let _ = runtime.block_on(ended);
        })?;
        Ok(Self { handle, _end: end })
    }

    /// A client; each exporter has its own.
    pub(super) fn client(&self) -> Client {
        Client { handle: self.handle.clone(), status: Arc::default() }
    }
}

/// Sends requests of an exporter.
#[derive(Clone, Debug)]
pub(super) struct Client {
    handle: Handle,
    /// The last answer's status; 0 if there was none.
    status: Arc<AtomicU16>,
}

impl Client {
    /// Whether the collector said that the last request was larger than it takes (RFC 9110, section 15.5.14).
    pub(super) fn was_too_large(&self) -> bool {
        self.status.load(Ordering::Relaxed) == StatusCode::PAYLOAD_TOO_LARGE.as_u16()
    }

    /// Whether the collector said that it will never take the last request (RFC 9110, section 15.5).
    pub(super) fn was_refused(&self) -> bool {
        match StatusCode::from_u16(self.status.load(Ordering::Relaxed)) {
            Ok(StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) | Err(_) => false,
            Ok(status) => status.is_client_error(),
        }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.status.store(0, Ordering::Relaxed);
        // The timer is the driver's as well: who polls this has no runtime.
        let sent = self.handle.spawn(async { tokio::time::timeout(DEADLINE, send(request)).await });
        let answer = sent.await?.map_err(|_| "the collector did not answer within five seconds")??;
        self.status.store(answer.status().as_u16(), Ordering::Relaxed);
        Ok(answer)
    }
}
