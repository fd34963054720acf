//! A simulated client and server around the doorman, driven by scripts.
//!
//! A script is a text file. Set-up lines come first, then inputs, each followed by everything that must come of it:
//!
//! ```text
//! tool delete_* disabled            set-up: defaults/tool/session/answers/kill, see `plan.rs`
//! client> {"jsonrpc":"2.0",…}       the client sends this line
//! server> {"jsonrpc":"2.0",…}       the server sends this line; <0d> stands for the byte 0x0d
//! wait 30s                          time passes, the engine expires what is due
//! kernel connect to 10.0.0.5:22     the kernel denied this
//! next tool b class=5               a set-up line of another policy
//! revise                            that policy holds from now on
//! approve 3 alice                   alice approves call 3 (`deny`: does not), by the digest that is shown for it
//! approve 3 alice digest            the same, by another digest
//! accept tool {"name":"add"}        somebody has accepted this, and nothing else (`&` between several)
//! finish                            the session ends
//! >server same                      the server receives the very line that was sent
//! >client {"jsonrpc":"2.0",…}       the client receives this JSON value
//! >client ~ isError ~ delete_repo   the client receives a line with all of these fragments
//! fact CallRefused Disabled         a fact whose debug text has all of these words
//! active 0x3                        the active grant classes now
//! end                               the session has to be ended
//! ```
//!
//! Received lines have to be told completely and in order: forwarded first, then to the server, then to the client.
//! Facts are told in order but may be left out.

mod plan;

use std::time::{Duration, Instant};

use mcp::{Decision, Ending, Engine, Fact, Forward, Frame, Frames, Judgement};

/// Runs one script; panics with the script's name and line where it does not hold.
pub(crate) fn run(name: &str, script: &str) {
    let mut setup = plan::Setup::default();
    let mut lines =
        script.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let mut rest = Vec::new();
    for (number, line) in lines.by_ref() {
        if !setup.read(line) {
            rest.push((number, line));
            break;
        }
    }
    rest.extend(lines);
    let mut pair = Pair::new(setup);
    for (number, line) in rest {
        if let Err(fault) = pair.step(line) {
            panic!("{name}:{}: {line}\n{fault}", number + 1);
        }
    }
    if let Err(fault) = pair.nothing_left() {
        panic!("{name}: at the end: {fault}");
    }
}

/// What one side receives.
#[derive(Debug)]
enum Received {
    Server(Vec<u8>),
    Client(Vec<u8>),
}

struct Pair {
    engine: Engine,
    client: Frames,
    server: Frames,
    now: Instant,
    sent: Vec<u8>,
    received: Vec<Received>,
    facts: Vec<Fact>,
    /// Facts that the script has passed.
    told: usize,
    ended: bool,
    /// The policy that would hold next.
    next: Option<plan::Setup>,
}

impl Pair {
    fn new(setup: plan::Setup) -> Self {
        let limit = setup.session.max_message_bytes;
        Self {
            engine: setup.engine(),
            client: Frames::new(limit),
            server: Frames::new(limit),
            now: Instant::now(),
            sent: Vec::new(),
            received: Vec::new(),
            facts: Vec::new(),
            told: 0,
            ended: false,
            next: None,
        }
    }

    fn step(&mut self, line: &str) -> Result<(), String> {
        let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        match word {
            "client>" | "server>" => self.send(word == "client>", rest),
            "wait" => self.wait(rest),
            "kernel" => {
                self.engine.blocked(rest);
                Ok(())
            }
            "next" => match self.next.get_or_insert_default().read(rest) {
                true => Ok(()),
                false => Err("no set-up line".to_owned()),
            },
            "revise" => {
                self.nothing_left()?;
                let next = self.next.take().unwrap_or_default();
                let judgement = next.revise(&mut self.engine, self.now)?;
                self.carry_out(judgement, true, Vec::new());
                Ok(())
            }
            "finish" => {
                self.nothing_left()?;
                let facts = self.engine.finish(Ending::ServerClosed, self.now);
                self.facts.extend(facts);
                Ok(())
            }
            ">server" | ">client" => self.expect(word == ">server", rest),
            "fact" => self.expect_fact(rest),
            "accept" => {
                let mut shown = plan::Setup::default();
                rest.split(" & ").for_each(|line| assert!(shown.read(&format!("pinned {line}"))));
                let judgement = self.engine.repin(shown.lock());
                self.carry_out(judgement, true, Vec::new());
                Ok(())
            }
            "approve" | "deny" => self.decide(word == "approve", rest),
            "active" => {
                let active = format!("{:#x}", self.engine.active().bits());
                if active == rest { Ok(()) } else { Err(format!("active is {active}")) }
            }
            "end" => {
                std::mem::take(&mut self.ended).then_some(()).ok_or("the session does not end".to_owned())
            }
            _ => Err("no such step".to_owned()),
        }
    }

    fn send(&mut self, from_client: bool, text: &str) -> Result<(), String> {
        self.nothing_left()?;
        self.sent = bytes(text);
        let frames = if from_client { &mut self.client } else { &mut self.server };
        let wire = [&self.sent[..], b"\n"].concat();
        for chunk in wire.chunks(1000) {
            frames.space()[..chunk.len()].copy_from_slice(chunk);
            frames.filled(chunk.len());
        }
        let mut judged = Vec::new();
        while let Some(frame) = frames.next() {
            let judgement = match from_client {
                true => self.engine.from_client(&frame, self.now),
                false => self.engine.from_server(&frame, self.now),
            };
            let line =
                if let Frame::Message(message) = &frame { message.line().to_vec() } else { Vec::new() };
            judged.push((judgement, line));
        }
        judged.into_iter().for_each(|(judgement, line)| self.carry_out(judgement, from_client, line));
        Ok(())
    }

    fn decide(&mut self, approve: bool, words: &str) -> Result<(), String> {
        self.nothing_left()?;
        let words: Vec<&str> = words.split(' ').collect();
        let seq = words[0].parse().unwrap();
        let shown = self.engine.held(self.now).into_iter().find(|call| call.seq == seq);
        let digest = words.get(2).map(|word| (*word).to_owned()).or(shown.map(|call| call.digest));
        let decision = if approve { Decision::Approve } else { Decision::Deny };
        let decided = self.engine.decide(seq, &digest.unwrap_or_default(), words[1], decision, self.now);
        match decided {
            Ok(judgement) => self.carry_out(judgement, true, Vec::new()),
            Err(why) => self.received.push(Received::Client(format!("{why:?}").into_bytes())),
        }
        Ok(())
    }

    fn wait(&mut self, time: &str) -> Result<(), String> {
        self.nothing_left()?;
        self.now += duration(time);
        if self.engine.deadline().is_some_and(|deadline| deadline <= self.now) {
            let judgement = self.engine.expire(self.now);
            self.carry_out(judgement, true, Vec::new());
        }
        Ok(())
    }

    fn carry_out(&mut self, judgement: Judgement, from_client: bool, line: Vec<u8>) {
        let Judgement { forward, to_client, to_server, facts, end } = judgement;
        let other = if from_client { Received::Server } else { Received::Client };
        match forward {
            Forward::Unchanged => self.received.push(other(line)),
            Forward::Rewritten(line) => self.received.push(other(line)),
            Forward::Nothing => {}
        }
        self.received.extend(to_server.into_iter().map(Received::Server));
        self.received.extend(to_client.into_iter().map(Received::Client));
        self.facts.extend(facts);
        self.ended |= end.is_some();
    }

    fn expect(&mut self, server: bool, wanted: &str) -> Result<(), String> {
        if self.received.is_empty() {
            return Err(format!("nothing more was received; facts: {:#?}", &self.facts[self.told..]));
        }
        let line = match (self.received.remove(0), server) {
            (Received::Server(line), true) | (Received::Client(line), false) => line,
            (other, _) => return Err(format!("received instead: {}", shown(&other))),
        };
        let text = String::from_utf8_lossy(&line).into_owned();
        assert!(!line.contains(&b'\n'), "a line has no newline: {text}");
        let holds = match wanted.strip_prefix("~ ") {
            _ if wanted == "same" => line == self.sent,
            _ if wanted.chars().all(char::is_alphanumeric) => text == wanted,
            Some(fragments) => {
                valid(&line) && fragments.split(" ~ ").all(|fragment| text.contains(fragment.trim()))
            }
            None => value(&line) == value(wanted.as_bytes()),
        };
        if holds { Ok(()) } else { Err(format!("received: {text}")) }
    }

    fn expect_fact(&mut self, words: &str) -> Result<(), String> {
        let rest = &self.facts[self.told..];
        let fits = |fact: &Fact| words.split_whitespace().all(|word| format!("{fact:?}").contains(word));
        match rest.iter().position(fits) {
            Some(at) => {
                self.told += at + 1;
                Ok(())
            }
            None => Err(format!("facts: {rest:#?}")),
        }
    }

    fn nothing_left(&mut self) -> Result<(), String> {
        self.told = self.facts.len();
        match self.received.first() {
            _ if self.ended => Err("the session ends, and the script did not say so".to_owned()),
            Some(line) => Err(format!("also received: {}", shown(line))),
            None => Ok(()),
        }
    }
}

fn shown(received: &Received) -> String {
    match received {
        Received::Server(line) => format!(">server {}", String::from_utf8_lossy(line)),
        Received::Client(line) => format!(">client {}", String::from_utf8_lossy(line)),
    }
}

fn value(line: &[u8]) -> serde_json::Value {
    serde_json::from_slice(line).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(line)))
}

fn valid(line: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(line).is_ok()
}

pub(crate) fn duration(text: &str) -> Duration {
    match text.strip_suffix("ms") {
        Some(number) => Duration::from_millis(number.parse().unwrap()),
        None => Duration::from_secs(text.strip_suffix('s').unwrap().parse().unwrap()),
    }
}

/// The script's text as bytes; `<0d>` stands for a byte, `<x*500>` for so many letters.
fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.extend_from_slice(before.as_bytes());
        let (code, after) = after.split_once('>').unwrap();
        match code.strip_prefix("x*") {
            Some(count) => out.extend(std::iter::repeat_n(b'x', count.parse().unwrap())),
            None => out.push(u8::from_str_radix(code, 16).unwrap()),
        }
        rest = after;
    }
    out.extend_from_slice(rest.as_bytes());
    out
}
