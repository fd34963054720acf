//! A client: the protocol's own end, on a blocking socket.

use std::collections::VecDeque;
use std::io::{ErrorKind, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use control::message::{Code, Command, Implied, Open, Place, Refusal, Source, Sources};
use control::{
    Answer, Build, ClientSide, Event, FromDaemon, OsBytes, Outgoing, PathBytes, Request, RequestId,
    SessionName,
};
use enforce::keeper::channel;
use nix::sys::socket::{getsockopt, sockopt::PeerPidfd};

/// Far longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Client {
    pub(super) socket: UnixStream,
    pub(super) side: ClientSide,
    pub(super) descriptors: VecDeque<OwnedFd>,
    told: VecDeque<FromDaemon>,
}

impl Client {
    /// Connects and says nothing.
    pub(super) fn silent(path: &Path) -> Self {
        let socket = UnixStream::connect(path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let side = ClientSide::new(Build::new("0.1.0").unwrap());
        Self { socket, side, descriptors: VecDeque::new(), told: VecDeque::new() }
    }

    /// Connects and greets.
    pub(super) fn new(path: &Path) -> Self {
        let mut client = Self::silent(path);
        client.greet();
        assert!(matches!(client.next(), Some(FromDaemon::Greeted(..))));
        client
    }

    pub(super) fn greet(&mut self) {
        let hello = self.side.hello().unwrap();
        let _ = self.socket.write_all(&hello.bytes);
    }

    /// What the daemon says next; `None`: it has closed the connection.
    pub(super) fn next(&mut self) -> Option<FromDaemon> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            if let Some(told) = self.told.pop_front() {
                return Some(told);
            }
            let (count, descriptors) = match channel::receive(self.socket.as_fd(), &mut buffer, 2) {
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("nothing comes: {error}"),
            };
            if count == 0 {
                return None;
            }
            self.side.arrived(descriptors.len());
            self.descriptors.extend(descriptors);
            let mut bytes = &buffer[..count];
            while let Some(told) = self.side.next(&mut bytes).unwrap() {
                self.told.push_back(told);
            }
        }
    }

    /// Asks and does not wait.
    pub(super) fn send(&mut self, request: Request) -> RequestId {
        let own = (request.kind().descriptors() == 1).then(pidfd);
        let with: Vec<BorrowedFd<'_>> = own.iter().map(AsFd::as_fd).collect();
        let (id, Outgoing { bytes, .. }) = self.side.ask(request).unwrap();
        self.write(&bytes, &with);
        id
    }

    /// Writes bytes whatever they are; whether all were taken.
    pub(super) fn write(&mut self, bytes: &[u8], with: &[BorrowedFd<'_>]) -> bool {
        let Ok(sent) = channel::send(self.socket.as_fd(), bytes, with) else { return false };
        self.socket.write_all(&bytes[sent..]).is_ok()
    }

    /// The answer to a request; whatever else comes before it is given too.
    pub(super) fn answer(&mut self, id: RequestId) -> (Answer, Vec<FromDaemon>) {
        let mut before = Vec::new();
        loop {
            match self.next() {
                Some(FromDaemon::Answered(of, answer)) if of == id => return (answer, before),
                Some(other) => before.push(other),
                None => panic!("the connection ended before the answer; {before:?} came"),
            }
        }
    }

    /// Asks, and waits for the answer, before which nothing else comes.
    pub(super) fn ask(&mut self, request: Request) -> Answer {
        let id = self.send(request);
        let (answer, before) = self.answer(id);
        assert_eq!(before, [], "before {answer:?}");
        answer
    }

    /// Asks for what is refused.
    pub(super) fn refused(&mut self, request: Request) -> Refusal {
        match self.ask(request) {
            Answer::Refused(refusal) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// An event of the session.
    pub(super) fn event(&mut self) -> Event {
        match self.next() {
            Some(FromDaemon::Happened(event)) => event,
            other => panic!("no event: {other:?}"),
        }
    }

    /// Reads to the end; the last words.
    pub(super) fn last_words(&mut self) -> Option<Refusal> {
        let mut last = None;
        while let Some(told) = self.next() {
            last = if let FromDaemon::Closing(refusal) = told { Some(refusal) } else { last };
        }
        last
    }

    /// The code of the last words.
    pub(super) fn last_code(&mut self) -> Option<Code> {
        self.last_words().map(|refusal| refusal.code)
    }
}

/// A handle of this very process, as the kernel gives it for a socket whose other end it has.
pub(super) fn pidfd() -> OwnedFd {
    let (near, _far) = UnixStream::pair().unwrap();
    getsockopt(&near, PeerPidfd).unwrap()
}

pub(super) fn path(text: &str) -> PathBytes {
    PathBytes::new(text).unwrap()
}

/// A session under one text.
pub(super) fn open_with(name: &str, text: &str) -> Open {
    let source = Source { name: name.to_owned(), text: text.to_owned() };
    Open {
        name: SessionName::new("files").unwrap(),
        policy: Sources::new(vec![source], vec![]).unwrap(),
        place: Place {
            workspace: path("/srv/w"),
            home: path("/home/u"),
            config_home: path("/home/u/.config"),
            cache_home: path("/home/u/.cache"),
            runtime_dir: None,
            server: vec![],
            current_directory: path("/srv/w"),
        },
        environment: vec![],
        programs: vec![],
        companions: vec![],
        real: vec![],
        implied: Implied::default(),
        command: Command { program: path("/usr/bin/node"), argv: vec![OsBytes::new("node").unwrap()] },
        doors: None,
    }
}

pub(super) const POLICY: &str = "version: 1\nname: notes\nfilesystem: { read: [\"${workspace}\"] }\n";

/// A session.
pub(super) fn open() -> Request {
    Request::Open(Box::new(open_with("p.yaml", POLICY)))
}
