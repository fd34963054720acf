//! Two ends without a socket between them.

use std::num::NonZeroU64;

use control::message::{Because, Command, Grant, Learn, Open, Opened, Place, Source, Sources, Summary};
use control::{
    Answer, Build, ClientSide, Event, Fault, FromClient, FromDaemon, HEAD, OsBytes, PathBytes, Request,
    RequestId, ServerSide, SessionId, SessionName,
};

pub(crate) const HELLO: &str = r#"{"magic":"mcpguard-control","oldest":1,"newest":1,"build":"0.1.0"}"#;

pub(crate) fn build() -> Build {
    Build::new("0.1.0").unwrap()
}

pub(crate) fn path(text: &str) -> PathBytes {
    PathBytes::new(text).unwrap()
}

pub(crate) fn session() -> SessionId {
    SessionId::new("00000000000000aa").unwrap()
}

pub(crate) fn name() -> SessionName {
    SessionName::new("github").unwrap()
}

/// A frame by hand, whatever stands in it.
pub(crate) fn frame(payload: impl AsRef<[u8]>, descriptors: u8) -> Vec<u8> {
    let payload = payload.as_ref();
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[..], &[descriptors], payload].concat()
}

/// The smallest `open` there is.
pub(crate) fn open() -> Request {
    let source = Source { name: "p.yaml".to_owned(), text: "version: 1\n".to_owned() };
    Request::Open(Box::new(Open {
        name: name(),
        policy: Sources::new(vec![source], vec![]).unwrap(),
        place: Place {
            workspace: path("/w"),
            home: path("/h"),
            config_home: path("/h/.config"),
            cache_home: path("/h/.cache"),
            runtime_dir: None,
            server: vec![],
            current_directory: path("/w"),
        },
        environment: vec![],
        programs: vec![],
        companions: vec![],
        real: vec![],
        implied: control::message::Implied::default(),
        command: Command { program: path("/usr/bin/node"), argv: vec![OsBytes::new("node").unwrap()] },
        doors: None,
    }))
}

pub(crate) fn learn() -> Request {
    let classes = NonZeroU64::new(u64::MAX).unwrap();
    let grant = Grant { classes, until_ns: u64::MAX - 1, rule: 7, checked: true };
    Request::Learn(Learn { address: [203, 0, 113, 7].into(), grants: vec![grant] })
}

pub(crate) fn opened() -> Answer {
    Answer::Opened(Opened { session: session(), slot: 3, revision: "ab12".to_owned(), skipped: vec![] })
}

pub(crate) fn summary() -> Summary {
    Summary {
        session: session(),
        name: name(),
        uid: 1000,
        supervisor: 42,
        policy: "github".to_owned(),
        revision: "ab12".to_owned(),
        state: control::message::State::Running,
        age_ms: 1,
        calls: 2,
        denials: 3,
        memory: Some(u64::MAX),
        cpu_us: None,
        processes: Some(5),
    }
}

pub(crate) fn ended() -> Event {
    Event::Ended(Because { who: control::message::Actor::Operator(0), why: "maintenance".to_owned() })
}

/// Everything that a server hears in one read, and the fault at the end if there is one.
pub(crate) fn hear(
    server: &mut ServerSide,
    mut bytes: &[u8],
    descriptors: usize,
) -> (Vec<FromClient>, Option<Fault>) {
    server.arrived(descriptors);
    let mut heard = Vec::new();
    loop {
        match server.next(&mut bytes) {
            Ok(Some(event)) => heard.push(event),
            Ok(None) => {
                assert!(bytes.is_empty(), "every byte of a read is taken");
                return (heard, None);
            }
            Err(fault) => return (heard, Some(fault)),
        }
    }
}

/// The same for a client.
pub(crate) fn told(
    client: &mut ClientSide,
    mut bytes: &[u8],
    descriptors: usize,
) -> (Vec<FromDaemon>, Option<Fault>) {
    client.arrived(descriptors);
    let mut told = Vec::new();
    loop {
        match client.next(&mut bytes) {
            Ok(Some(event)) => told.push(event),
            Ok(None) => return (told, None),
            Err(fault) => return (told, Some(fault)),
        }
    }
}

/// A server that has greeted.
pub(crate) fn server() -> ServerSide {
    let mut server = ServerSide::new(build());
    let (heard, fault) = hear(&mut server, &frame(HELLO, 0), 0);
    assert!(matches!(heard[..], [FromClient::Greeted(..)]) && fault.is_none());
    server
}

/// A client that has greeted.
pub(crate) fn client() -> ClientSide {
    let mut client = ClientSide::new(build());
    let (heard, fault) = told(&mut client, &frame(HELLO, 0), 0);
    assert!(matches!(heard[..], [FromDaemon::Greeted(..)]) && fault.is_none());
    client
}

/// Both ends of one connection.
pub(crate) struct Pair {
    pub(crate) client: ClientSide,
    pub(crate) server: ServerSide,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self { client: client(), server: server() }
    }

    /// With a session.
    pub(crate) fn with_session() -> Self {
        let mut pair = Self::new();
        let (id, _) = pair.ask(open());
        pair.answer(id, opened());
        pair
    }

    /// The client asks and the server hears it; the payload as it stood on the wire.
    pub(crate) fn ask(&mut self, request: Request) -> (RequestId, String) {
        let (id, out) = self.client.ask(request.clone()).unwrap();
        assert_eq!(out.descriptors, request.kind().descriptors());
        let (heard, fault) = hear(&mut self.server, &out.bytes, out.descriptors);
        assert_eq!((heard, fault), (vec![FromClient::Asked(id, request)], None));
        (id, String::from_utf8(out.bytes[HEAD..].to_vec()).unwrap())
    }

    /// The server answers and the client is told; the payload as it stood on the wire.
    pub(crate) fn answer(&mut self, id: RequestId, answer: Answer) -> String {
        let out = self.server.answer(id, answer.clone()).unwrap();
        assert_eq!(out.descriptors, answer.descriptors());
        let (heard, fault) = told(&mut self.client, &out.bytes, out.descriptors);
        assert_eq!((heard, fault), (vec![FromDaemon::Answered(id, answer)], None));
        String::from_utf8(out.bytes[HEAD..].to_vec()).unwrap()
    }
}
