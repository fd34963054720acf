//! Plain HTTP/1.1 by hyper, one connection a request.
//!
//! What is sent comes once in a while and in batches; a connection that is kept would have to be watched for its end.

use std::error::Error;
use std::io;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Builder;

/// Bytes of an answer; a collector's has a few.
const MAX_ANSWER: usize = 64 * 1024;

/// Whatever went wrong.
type Failure = Box<dyn Error + Send + Sync>;

/// Posts JSON to `http://authority/path` and gives the status of the answer, whatever else the answer says. Blocks for `within` at most. No redirection is
/// followed: nobody but the host that was named gets to know what is told.
///
/// # Errors
/// The address is none, nobody is there, or no answer came in time.
pub fn post_json(authority: &str, path: &str, json: Vec<u8>, within: Duration) -> io::Result<u16> {
    let request = Request::post(format!("http://{authority}{path}"))
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .body(Bytes::from(json))
        .map_err(io::Error::other)?;
    let events = Builder::new_current_thread().enable_io().enable_time().build()?;
    let answered = events.block_on(async { tokio::time::timeout(within, ask(request)).await });
    // A name that is still being looked up is not waited for.
    events.shutdown_background();
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no answer came in time");
    let status = answered.map_err(late)?.map_err(io::Error::other)?.status();
    Ok(StatusCode::as_u16(&status))
}

/// Sends a request and reads the whole answer. Whoever asks sets the time for it.
pub(crate) async fn send(request: Request<Bytes>) -> Result<Response<Bytes>, Failure> {
    let (head, body) = ask(request).await?.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
    Ok(Response::from_parts(head, body))
}

/// Sends a request and reads the head of the answer.
async fn ask(request: Request<Bytes>) -> Result<Response<Incoming>, Failure> {
    let (mut head, body) = request.into_parts();
    let authority = head.uri.authority().cloned().ok_or("the address names no host")?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    head.headers.insert(HOST, HeaderValue::from_str(authority.as_str())?);
    head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    // To a server a path is said, not a whole address (RFC 9112, section 3.2.1).
    head.uri = head.uri.path_and_query().map_or("/", |path| path.as_str()).parse()?;
    Ok(sender.send_request(Request::from_parts(head, Full::new(body))).await?)
}
