//! The doorman's engine, asked at recorded times.

use std::time::Instant;

use jiff::Timestamp;
use mcp::{Caller, Engine, Frame, Frames, Judgement, Surroundings};
use serde_json::{Value, json};

use super::clock::Clock;
use super::judge::Judge;
use super::orders::orders;

/// An engine with the lines that it is asked by.
pub(super) struct Doorman {
    engine: Engine,
    from_client: Frames,
    from_server: Frames,
    clock: Clock,
    /// The id of the last request.
    last: i64,
}

/// The number of a request at the replay.
pub(super) type Number = i64;

impl Doorman {
    pub(super) fn hired(judge: &Judge, caller: Caller, around: &Surroundings, first: Timestamp) -> Self {
        Self {
            engine: Engine::new(orders(&judge.plan), &judge.plan.rules, caller, around),
            // Sizes are judged from the record: what is rebuilt here has another length than what was sent.
            from_client: Frames::new(u64::MAX),
            from_server: Frames::new(u64::MAX),
            clock: Clock::at(first),
            last: 0,
        }
    }

    /// The instant of a recorded time.
    pub(super) fn instant(&self, time: Timestamp) -> Instant {
        self.clock.instant(time)
    }

    /// The clock, which has shown `latest`, was set back to this time: it goes on from where it is.
    pub(super) fn turned_back(&mut self, latest: Timestamp, to: Timestamp) {
        self.clock.turned_back(latest, to);
    }

    /// A call is made at this instant. Its number is that of its facts.
    pub(super) fn ask(&mut self, tool: &str, arguments: Option<&Value>, at: Instant) -> (Number, Judgement) {
        self.last += 1;
        let mut params = json!({ "name": tool });
        if let Some(arguments) = arguments {
            params["arguments"] = arguments.clone();
        }
        let line = json!({ "jsonrpc": "2.0", "id": self.last, "method": "tools/call", "params": params });
        (self.last, self.client(&line.to_string(), at))
    }

    /// The server answers a call.
    pub(super) fn answer(&mut self, number: Number, at: Instant) -> Judgement {
        let line = json!({ "jsonrpc": "2.0", "id": number, "result": {} }).to_string();
        let (now, engine) = (self.clock.advance(at), &mut self.engine);
        fed(&mut self.from_server, &line, |frame| engine.from_server(frame, now))
    }

    /// The client takes a call back.
    pub(super) fn cancel(&mut self, number: Number, at: Instant) -> Judgement {
        let params = json!({ "requestId": number });
        let line = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
        self.client(&line.to_string(), at)
    }

    fn client(&mut self, line: &str, at: Instant) -> Judgement {
        let (now, engine) = (self.clock.advance(at), &mut self.engine);
        fed(&mut self.from_client, line, |frame| engine.from_client(frame, now))
    }

    /// When the next call's time is up, if it is by then.
    pub(super) fn next_end(&self, until: Instant) -> Option<Instant> {
        self.engine.deadline().filter(|deadline| *deadline <= until)
    }

    /// Ends the calls whose time is up at this instant.
    pub(super) fn expire(&mut self, at: Instant) -> Judgement {
        let now = self.clock.advance(at);
        self.engine.expire(now)
    }
}

/// One line through the framing, as it would come.
fn fed(frames: &mut Frames, line: &str, judge: impl FnOnce(&Frame<'_>) -> Judgement) -> Judgement {
    let mut rest: &[u8] = &[line.as_bytes(), b"\n"].concat();
    while !rest.is_empty() {
        let space = frames.space();
        let count = space.len().min(rest.len());
        space[..count].copy_from_slice(&rest[..count]);
        frames.filled(count);
        rest = &rest[count..];
    }
    frames.next().map_or_else(Judgement::default, |frame| judge(&frame))
}
