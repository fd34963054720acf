//! Any bytes of a client, whole and in pieces, while the daemon answers and tells: the same messages come out, what is held
//! stays within what has come, a fault is the end, and what was read is what a client could have sent.
//!
//! The input is a byte that says how large the pieces are, then pieces of one byte of what to do, one byte of length and
//! so many bytes: 0: they are sent as they are; 1: as a frame; 2: as the request of the next number, with the descriptors
//! that it needs; 3: the oldest request is answered; 4: so many descriptors come; 5: an event is told; others: a hello.

#![no_main]

use std::collections::VecDeque;

use control::message::{
    Acted, Actor, Because, Code, LimitsOf, Opened, Prepared, Refusal, Reloaded, RequestKind, Sessions,
};
use control::{
    Answer, Build, Event, Fault, FromClient, MAX_IN_FLIGHT, MAX_OPEN, RequestId, ServerSide, SessionId,
};
use libfuzzer_sys::fuzz_target;

const HELLO: &[u8] = br#"{"magic":"mcpguard-control","oldest":1,"newest":1,"build":"0.1.0"}"#;

fn server() -> ServerSide {
    ServerSide::new(Build::new("0.1.0").expect("a build"))
}

struct World {
    whole: ServerSide,
    pieces: ServerSide,
    piece: usize,
    sent: usize,
    next: u64,
    unanswered: VecDeque<(RequestId, RequestKind)>,
    with_descriptors: bool,
    is_over: bool,
}

impl World {
    /// One read. The descriptors come with its first byte, so that the reads of both servers differ only behind it.
    fn send(&mut self, bytes: &[u8], descriptors: usize) {
        self.sent += bytes.len();
        let (heard, fault) = hear(&mut self.whole, bytes, descriptors);
        let again = hear_in_pieces(&mut self.pieces, bytes, self.piece, descriptors);
        self.with_descriptors |= descriptors > 0;
        if self.with_descriptors {
            // Descriptors that nobody wants are found when a read ends: no later where the reads are smaller.
            assert!(heard.starts_with(&again.0) && (fault.is_none() || again.1.is_some()));
            assert!(again.1.is_some() || heard.len() == again.0.len());
        } else {
            assert_eq!((&heard, &fault), (&again.0, &again.1));
        }
        for server in [&self.whole, &self.pieces] {
            assert!(server.held() <= MAX_OPEN.min(2 * self.sent));
        }
        heard.iter().for_each(|event| self.heard(event));
        stays(&mut self.whole, &fault);
        stays(&mut self.pieces, &again.1);
        self.is_over = fault.is_some() || again.1.is_some();
    }

    fn heard(&mut self, event: &FromClient) {
        let FromClient::Asked(id, request) = event else { return };
        assert_eq!(id.number(), self.next);
        self.next += 1;
        self.unanswered.push_back((*id, request.kind()));
        assert!(self.unanswered.len() <= MAX_IN_FLIGHT);
        let text = serde_json::to_string(request).expect("what was read can be written");
        assert_eq!(serde_json::from_str::<control::Request>(&text).expect("and read again"), *request);
    }

    fn answer(&mut self, refuse: bool) {
        let Some((id, kind)) = self.unanswered.pop_front() else { return };
        let answer = if refuse { refused() } else { answer_to(kind) };
        for server in [&mut self.whole, &mut self.pieces] {
            let answered = server.answer(id, answer.clone());
            assert!(answered.is_ok(), "{answered:?}");
            assert!(server.answer(id, answer.clone()).is_err(), "twice");
        }
    }

    fn tell(&mut self) {
        let event = Event::Frozen(Because { who: Actor::Policy, why: "x".to_owned() });
        let told = self.whole.tell(event.clone()).is_ok();
        assert_eq!(told, self.pieces.tell(event).is_ok());
    }

    fn piece(&mut self, what: u8, bytes: &[u8]) {
        match what {
            0 => self.send(bytes, 0),
            1 => self.send(&frame(bytes, 0), 0),
            2 => {
                let descriptors =
                    [&b"{\"open\""[..], b"{\"prepare\""].iter().any(|begin| bytes.starts_with(begin));
                let descriptors = u8::from(descriptors);
                let begin = format!("{{\"id\":{},\"request\":", self.next);
                let payload = [begin.as_bytes(), bytes, b"}"].concat();
                self.send(&frame(&payload, descriptors), descriptors.into());
            }
            3 => self.answer(bytes.len() % 2 == 1),
            4 => self.send(&[], bytes.len()),
            5 => self.tell(),
            _ => self.send(&frame(HELLO, 0), 0),
        }
    }
}

fn hear(server: &mut ServerSide, mut bytes: &[u8], descriptors: usize) -> (Vec<FromClient>, Option<Fault>) {
    server.arrived(descriptors);
    let mut heard = Vec::new();
    loop {
        match server.next(&mut bytes) {
            Ok(Some(event)) => heard.push(event),
            Ok(None) => {
                assert!(bytes.is_empty());
                return (heard, None);
            }
            Err(fault) => {
                assert!(fault.to_string().len() < 1024);
                return (heard, Some(fault));
            }
        }
    }
}

fn hear_in_pieces(
    server: &mut ServerSide,
    bytes: &[u8],
    piece: usize,
    descriptors: usize,
) -> (Vec<FromClient>, Option<Fault>) {
    let (first, rest) = bytes.split_at(piece.min(bytes.len()));
    let (mut heard, mut fault) = hear(server, first, descriptors);
    for part in rest.chunks(piece) {
        if fault.is_none() {
            let (some, now) = hear(server, part, 0);
            heard.extend(some);
            fault = now;
        }
    }
    (heard, fault)
}

/// A fault is the end: whatever comes, nothing is heard and the same is said.
fn stays(server: &mut ServerSide, fault: &Option<Fault>) {
    if fault.is_some() {
        assert_eq!(hear(server, &frame(HELLO, 0), 1), (Vec::new(), fault.clone()));
        assert_eq!(server.held(), 0);
    }
}

fn frame(payload: &[u8], descriptors: u8) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short one").to_be_bytes();
    [&length[..], &[descriptors], payload].concat()
}

fn refused() -> Answer {
    Answer::Refused(Refusal { code: Code::Limit, sentence: "x".to_owned(), details: Vec::new() })
}

fn answer_to(kind: RequestKind) -> Answer {
    let session = SessionId::new("00000000000000aa").expect("an id");
    match kind {
        RequestKind::Open => {
            Answer::Opened(Opened { session, slot: 1, revision: String::new(), skipped: Vec::new() })
        }
        RequestKind::Prepare => {
            Answer::Prepared(Prepared { revision: String::new(), classes: Vec::new(), skipped: Vec::new() })
        }
        RequestKind::List => Answer::Sessions(Sessions { sessions: Vec::new(), more: false }),
        RequestKind::Limits => Answer::Limits(LimitsOf::default()),
        RequestKind::Kill | RequestKind::Freeze | RequestKind::Thaw | RequestKind::Quarantine => {
            Answer::Acted(Acted::default())
        }
        RequestKind::Reload => Answer::Reloaded(Reloaded::default()),
        RequestKind::Status | RequestKind::Offer | RequestKind::Arrived => refused(),
        _ => Answer::Done,
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((piece, mut rest)) = data.split_first() else { return };
    let mut world = World {
        whole: server(),
        pieces: server(),
        piece: usize::from(*piece) + 1,
        sent: 0,
        next: 1,
        unanswered: VecDeque::new(),
        with_descriptors: false,
        is_over: false,
    };
    while let [what, length, after @ ..] = rest {
        let (bytes, next) = after.split_at(usize::from(*length).min(after.len()));
        world.piece(*what, bytes);
        if world.is_over {
            return;
        }
        rest = next;
    }
});
