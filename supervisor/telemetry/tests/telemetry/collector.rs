//! A small OTLP collector: it takes requests over HTTP, decodes their protobuf, and keeps what they say.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// One request: its path, its headers, its body.
pub(crate) type Received = (String, HashMap<String, String>, Vec<u8>);

/// Listens until the process ends.
#[derive(Clone)]
pub(crate) struct Collector {
    pub(crate) endpoint: String,
    received: Arc<Mutex<Vec<Received>>>,
    status: Arc<Mutex<&'static str>>,
    /// Bytes of the largest request that it takes.
    most: Arc<Mutex<usize>>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let collector = Self {
            endpoint,
            received: Arc::default(),
            status: Arc::new(Mutex::new("200 OK")),
            most: Arc::new(Mutex::new(usize::MAX)),
        };
        let own = collector.clone();
        std::thread::spawn(move || listener.incoming().for_each(|stream| own.answer(stream.unwrap())));
        collector
    }

    /// What it answers from now on.
    pub(crate) fn answers(&self, status: &'static str) {
        *self.status.lock().unwrap() = status;
    }

    /// The largest request that it takes from now on, in bytes.
    pub(crate) fn takes(&self, bytes: usize) {
        *self.most.lock().unwrap() = bytes;
    }

    /// Requests to this path so far.
    pub(crate) fn at(&self, path: &str) -> Vec<Received> {
        self.received.lock().unwrap().iter().filter(|(at, ..)| at == path).cloned().collect()
    }

    fn answer(&self, stream: TcpStream) {
        let mut reader = BufReader::new(&stream);
        let mut line = || {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        };
        let request = line();
        let mut headers = HashMap::new();
        while let Some((name, value)) = line().split_once(": ") {
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let mut body = vec![0; headers["content-length"].parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        let fits = body.len() <= *self.most.lock().unwrap();
        let status = if fits { *self.status.lock().unwrap() } else { "413 Content Too Large" };
        let path = request.strip_prefix("POST ").unwrap().strip_suffix(" HTTP/1.1").unwrap().to_owned();
        self.received.lock().unwrap().push((path, headers, body));
        (&stream).write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).unwrap();
    }
}
