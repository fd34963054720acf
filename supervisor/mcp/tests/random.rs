//! Random sessions: what holds whatever the client and the server do.
//!
//! A slow and obvious witness stands on both pipes. It sees only what the peers see, and derives from that which calls
//! are at the server, which classes must be active and which answers may come.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use mcp::{Decision, Engine, Fact, Forward, Frame, Frames, Judgement, Orders, Surroundings};
use policy::plan::{
    Approval, ApprovalsPlan, ClassId, ClassMask, ContentPlan, OnViolation, ResponsesPlan, RuleId,
    SessionPlan, ToolRule, ToolsPlan,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Tool, class, timeout in seconds; `off` is disabled, `alone` is exclusive, `held` waits for an approval.
const TOOLS: [(&str, usize, Option<u64>); 6] = [
    ("plain", 0, None),
    ("one", 1, Some(5)),
    ("two", 2, None),
    ("alone", 3, Some(7)),
    ("off", 4, None),
    ("held", 5, Some(6)),
];

fn engine() -> Engine {
    let rule = |(name, class, timeout): (&str, usize, Option<u64>)| ToolRule {
        key: name.to_owned(),
        enabled: name != "off",
        scope: None,
        approval: (name == "held").then_some(Approval { approvers: 1, from: RuleId(0) }),
        arguments: Vec::new(),
        unknown_arguments: None,
        schema: policy::plan::SchemaCheck::Known,
        max_requests_per_minute: (name == "two").then_some(6),
        throttle: true,
        timeout: timeout.map(Duration::from_secs),
        exclusive: name == "alone",
        max_request_bytes: None,
        max_response_bytes: Some(400),
        class: ClassId::new(class).unwrap(),
        reason: None,
        from: RuleId(0),
    };
    let exact = TOOLS.into_iter().map(|tool| (tool.0.to_owned(), rule(tool))).collect();
    let tools = ToolsPlan { default: rule(("off", 0, None)), exact, globs: Vec::new(), roles: None };
    let session = SessionPlan {
        max_requests_per_minute: Some(30),
        throttle: true,
        max_message_bytes: 1000,
        max_concurrent_calls: 6,
        extra_methods: Vec::new(),
        sampling: false,
        elicitation: true,
        roots: true,
    };
    let approvals = ApprovalsPlan { timeout: Duration::from_secs(9), command: None, ask_client: true };
    let orders = Orders {
        tools,
        access: policy::plan::AccessPlan::default(),
        approvals,
        session,
        responses: ResponsesPlan::default(),
        content: ContentPlan::default(),
        pins: None,
        on_refusal: OnViolation::Deny,
    };
    Engine::new(orders, &[], mcp::Caller::default(), &Surroundings::none())
}

#[derive(Clone, Debug)]
enum Step {
    Call {
        id: u8,
        tool: usize,
    },
    /// A call of a client of the stateless era, whose person can be asked; with a state it comes again.
    Modern {
        id: u8,
        tool: usize,
        again: Option<(u64, &'static str)>,
    },
    Decide {
        call: u64,
        approve: bool,
    },
    List {
        id: u8,
    },
    Cancel {
        id: u8,
    },
    ClientAnswers {
        id: u8,
    },
    Answer {
        id: u8,
        kind: u8,
    },
    Ask {
        id: u8,
        method: usize,
    },
    Noise {
        client: bool,
        kind: u8,
    },
    Wait {
        milliseconds: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let id = 0..6u8;
    prop_oneof![
        5 => (id.clone(), 0..TOOLS.len()).prop_map(|(id, tool)| Step::Call { id, tool }),
        3 => (id.clone(), 0..TOOLS.len()).prop_map(|(id, tool)| Step::Modern { id, tool, again: None }),
        3 => (id.clone(), 1..12u64, 0..3usize).prop_map(|(id, call, said)| {
            Step::Modern { id, tool: 5, again: Some((call, ["accept", "decline", "cancel"][said])) }
        }),
        2 => (1..12u64, any::<bool>()).prop_map(|(call, approve)| Step::Decide { call, approve }),
        1 => id.clone().prop_map(|id| Step::List { id }),
        1 => id.clone().prop_map(|id| Step::Cancel { id }),
        1 => id.clone().prop_map(|id| Step::ClientAnswers { id }),
        5 => (id.clone(), 0..7u8).prop_map(|(id, kind)| Step::Answer { id, kind }),
        1 => (id, 0..4usize).prop_map(|(id, method)| Step::Ask { id, method }),
        1 => (any::<bool>(), 0..4u8).prop_map(|(client, kind)| Step::Noise { client, kind }),
        2 => (0..4000u64).prop_map(|milliseconds| Step::Wait { milliseconds }),
    ]
}

fn client_line(step: &Step) -> Option<String> {
    Some(match step {
        Step::Call { id, tool } => {
            let name = TOOLS[*tool].0;
            json!({"jsonrpc":"2.0","id":id,"method":"tools/call","params":{"name":name}}).to_string()
        }
        Step::Modern { id, tool, again } => {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
            });
            let mut params = json!({ "name": TOOLS[*tool].0, "_meta": meta });
            if let Some((call, action)) = again {
                params["requestState"] = json!(format!("mcpguard/{call}"));
                let said = json!({ "action": action, "content": { "approve": true } });
                params["inputResponses"] = json!({ "mcpguard": said });
            }
            json!({"jsonrpc":"2.0","id":id,"method":"tools/call","params":params}).to_string()
        }
        Step::List { id } => json!({"jsonrpc":"2.0","id":id,"method":"tools/list"}).to_string(),
        Step::Cancel { id } => {
            json!({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":id}}).to_string()
        }
        Step::ClientAnswers { id } => json!({"jsonrpc":"2.0","id":id,"result":{}}).to_string(),
        Step::Noise { client: true, kind } => noise(*kind),
        _ => return None,
    })
}

fn server_line(step: &Step) -> Option<String> {
    Some(match step {
        Step::Answer { id, kind } => answer(*id, *kind),
        Step::Ask { id, method } => {
            let method = ["roots/list", "sampling/createMessage", "ping", "tools/call"][*method];
            json!({"jsonrpc":"2.0","id":id,"method":method}).to_string()
        }
        Step::Noise { client: false, kind } => noise(*kind),
        _ => return None,
    })
}

fn answer(id: u8, kind: u8) -> String {
    match kind {
        0 => json!({"jsonrpc":"2.0","id":id,"error":{"code":-1,"message":"no"}}).to_string(),
        1 => json!({"jsonrpc":"2.0","id":id,"result":{"content":"x".repeat(600)}}).to_string(),
        2 => json!({"jsonrpc":"2.0","id":id,"result":{"content":"x".repeat(2000)}}).to_string(),
        3 => json!({"jsonrpc":"2.0","id":id,"result":{"tools":[{"name":"off"},{"name":"one"}]}}).to_string(),
        4 => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"a":1,"a":2}}}}"#),
        _ => json!({"jsonrpc":"2.0","id":id,"result":{"content":[]}}).to_string(),
    }
}

fn noise(kind: u8) -> String {
    match kind {
        0 => "Listening on stdio".to_owned(),
        1 => "{\"jsonrpc\":\"2.0\",\"id\":1".to_owned(),
        2 => "[]".to_owned(),
        _ => "x".repeat(1500),
    }
}

/// Whether the id of a request was open already.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    New,
    Open,
}

/// What the peers can know.
#[derive(Default)]
struct Witness {
    /// Calls at the server: id and tool.
    at_server: BTreeMap<u64, String>,
    /// Requests of the client that may still be answered, and whether they ask for the list of tools.
    open: BTreeMap<u64, bool>,
    admitted: BTreeSet<u64>,
    ended: BTreeSet<u64>,
    approved: BTreeSet<u64>,
    denied: BTreeSet<u64>,
}

impl Witness {
    fn client_asks(&mut self, id: u64, list: bool) -> (u64, Known) {
        match self.open.entry(id) {
            Entry::Occupied(_) => (id, Known::Open),
            Entry::Vacant(place) => {
                place.insert(list);
                (id, Known::New)
            }
        }
    }

    fn server_receives(&mut self, line: &[u8]) {
        let message: Value = serde_json::from_slice(line).unwrap();
        let method = message["method"].as_str().unwrap_or_default();
        if method == "tools/call" {
            let tool = message["params"]["name"].as_str().unwrap().to_owned();
            assert_ne!(tool, "off", "a disabled tool reached the server");
            assert!(
                !message.to_string().contains("mcpguard"),
                "the server sees the doorman's question: {message}"
            );
            let alone = tool == "alone" || self.at_server.values().any(|tool| tool == "alone");
            assert!(!alone || self.at_server.is_empty(), "{tool} beside {:?}", self.at_server);
            let before = self.at_server.insert(message["id"].as_u64().unwrap(), tool);
            assert_eq!(before, None, "an open id was used again");
        }
        if method == "notifications/cancelled" {
            self.at_server.remove(&message["params"]["requestId"].as_u64().unwrap());
        }
    }

    fn client_receives(&mut self, line: &[u8], asked: Option<(u64, Known)>) {
        let message: Value = serde_json::from_slice(line).unwrap();
        if let Some(method) = message["method"].as_str() {
            assert!(matches!(method, "roots/list" | "ping"), "{method} reached the client");
            return;
        }
        if let Some(id) = message["id"].as_u64() {
            let list = self.open.get(&id).copied();
            assert!(list.is_some(), "an answer to {id}, which is not open: {message}");
            let hidden = list == Some(false) || !message["result"]["tools"].to_string().contains("off");
            assert!(hidden, "a disabled tool was listed");
            // The second request with an open id is refused; the first one stays open.
            if asked != Some((id, Known::Open)) || !message["error"]["message"].to_string().contains("in use")
            {
                self.open.remove(&id);
                self.at_server.remove(&id);
            }
        }
    }

    fn told(&mut self, facts: &[Fact]) {
        for fact in facts {
            match fact {
                Fact::CallAdmitted { seq, tool, .. } if tool == "held" => {
                    let approved = self.approved.contains(seq) && !self.denied.contains(seq);
                    assert!(approved, "{seq} was not approved, or denied");
                    assert!(self.admitted.insert(*seq), "{seq} admitted twice");
                }
                Fact::CallDecided { seq, decision, .. } => {
                    assert!(!self.admitted.contains(seq), "{seq} is decided about after it was admitted");
                    match decision {
                        Decision::Approve => drop(self.approved.insert(*seq)),
                        Decision::Deny => drop(self.denied.insert(*seq)),
                    }
                }
                Fact::CallAdmitted { seq, .. } => assert!(self.admitted.insert(*seq), "{seq} admitted twice"),
                Fact::CallEnded { seq, .. } => {
                    assert!(self.admitted.contains(seq) && self.ended.insert(*seq), "{seq} ended twice");
                }
                _ => {}
            }
        }
    }

    fn active(&self) -> ClassMask {
        let class = |tool: &String| {
            TOOLS.iter().find(|entry| entry.0 == tool).and_then(|entry| ClassId::new(entry.1))
        };
        self.at_server
            .values()
            .filter_map(class)
            .fold(ClassMask::ALWAYS, |mask, c| mask.union(ClassMask::only(c)))
    }
}

fn read(
    frames: &mut Frames,
    line: &str,
    mut judge: impl FnMut(&Frame<'_>) -> Judgement,
) -> Option<(Judgement, Vec<u8>)> {
    let bytes = format!("{line}\n").into_bytes();
    frames.space()[..bytes.len()].copy_from_slice(&bytes);
    frames.filled(bytes.len());
    let frame = frames.next()?;
    let judgement = judge(&frame);
    let line = if let Frame::Message(message) = &frame { message.line().to_vec() } else { Vec::new() };
    Some((judgement, line))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_always_holds(steps in prop::collection::vec(step(), 0..80)) {
        let mut engine = engine();
        let (mut client, mut server) = (Frames::new(1000), Frames::new(1000));
        let mut witness = Witness::default();
        let mut now = Instant::now();
        for step in &steps {
            let mut asked = None;
            let (judged, from_client) = if let Some(line) = client_line(step) {
                if let Step::Call { id, .. } | Step::Modern { id, .. } | Step::List { id } = step {
                    asked = Some(witness.client_asks(u64::from(*id), matches!(step, Step::List { .. })));
                }
                (read(&mut client, &line, |frame| engine.from_client(frame, now)), true)
            } else if let Some(line) = server_line(step) {
                (read(&mut server, &line, |frame| engine.from_server(frame, now)), false)
            } else if let Step::Decide { call, approve } = step {
                let held = engine.held(now).into_iter().find(|held| held.seq == *call);
                let decision = if *approve { Decision::Approve } else { Decision::Deny };
                let decided = held.map(|held| engine.decide(*call, &held.digest, "someone", decision, now).unwrap());
                (decided.map(|judgement| (judgement, Vec::new())), true)
            } else {
                if let Step::Wait { milliseconds } = step {
                    now += Duration::from_millis(*milliseconds);
                }
                (Some((engine.expire(now), Vec::new())), true)
            };
            let Some((Judgement { forward, to_client, to_server, facts, end }, line)) = judged else { continue };
            prop_assert_eq!(end, None);
            witness.told(&facts);
            let forwarded = match forward {
                Forward::Unchanged => vec![line],
                Forward::Rewritten(line) => vec![line],
                Forward::Nothing => Vec::new(),
            };
            let (mut for_server, mut for_client) = if from_client { (forwarded, vec![]) } else { (vec![], forwarded) };
            for_server.extend(to_server);
            for_client.extend(to_client);
            if let Step::Cancel { id } = step && !for_server.is_empty() {
                // Forwarded: nobody may answer it any more.
                witness.open.remove(&u64::from(*id));
            }
            // What ends a call is seen before what starts the next one, so that `exclusive` is judged fairly.
            for_client.iter().for_each(|line| witness.client_receives(line, asked));
            for_server.iter().for_each(|line| witness.server_receives(line));
            prop_assert_eq!(engine.active(), witness.active());
            let overdue = matches!(step, Step::Wait { .. }) && engine.deadline().is_some_and(|deadline| deadline <= now);
            prop_assert!(!overdue, "a call is left whose time is up");
        }
        let facts = engine.finish(mcp::Ending::ClientClosed, now);
        witness.told(&facts);
        prop_assert_eq!(engine.active(), ClassMask::ALWAYS);
        prop_assert_eq!(witness.admitted, witness.ended, "every admitted call has ended");
    }
}
