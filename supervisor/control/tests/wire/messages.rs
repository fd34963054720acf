//! Each message, from one end to the other, and as it stands between them.

use control::message::{
    Acted, Action, Actor, Arrived, Because, Code, Companions, Doors, Dropped, End, EventKind, Filter,
    Followed, Forget, Hooks, Implied, KernelEvent, Limit, Limits, LimitsOf, Link, NetworkPeer, NotActed,
    NotReloaded, NumberedClass, Offered, Prepare, Prepared, Program, RealPath, Reason, Refusal, Release,
    Reloaded, Resources, Resume, Revised, SeenPath, SessionLimits, Sessions, Skipped, Source, Sources, State,
    Status, Summary, Topic, Used, Variable, Wanted,
};
use control::{Answer, Event, FromDaemon, HEAD, OsBytes, Request, RequestId, Selector};

use crate::support::{Pair, build, ended, learn, name, open, opened, path, session, summary, told};

fn refusal() -> Refusal {
    Refusal { code: Code::Policy, sentence: "it has errors".to_owned(), details: vec!["p:1:1".to_owned()] }
}

fn learn_next() -> Request {
    let Request::Learn(learn) = learn() else { panic!("learn learns") };
    Request::LearnNext(learn)
}

fn limits() -> Limits {
    Limits { memory_bytes: Some(1 << 20), max_processes: Some(8), cpu_millis: Some(500) }
}

/// An `open` with everything that it can have.
fn full_open() -> Request {
    let Request::Open(mut open) = open() else { panic!("open opens") };
    let text = |name: &str| Source { name: name.to_owned(), text: "a: \"b\"\n".to_owned() };
    let link = Link { from: "p".to_owned(), reference: "./q".to_owned(), to: "q".to_owned() };
    open.policy = Sources::new(vec![text("p"), text("q")], vec![link]).unwrap();
    open.place.runtime_dir = Some(path("/run/user/1000"));
    open.place.server = vec![path("/opt/a")];
    open.environment = vec![Variable { name: "N".to_owned(), value: "v".to_owned() }];
    open.programs = vec![Program { name: "git".to_owned(), path: path("/usr/bin/git") }];
    open.companions = vec![Companions { program: path("/s"), are: vec![path("/bin/sh")] }];
    open.real = vec![RealPath { path: path("/lib"), real: path("/usr/lib") }];
    open.implied = Implied { programs: vec![path("/usr/bin/node")], loaders: vec![path("/lib64/ld.so")] };
    open.command.argv.push(OsBytes::new(&b"\xff\xfe"[..]).unwrap());
    open.doors = Some(Doors { resolver: 53.try_into().unwrap(), proxy: 65535.try_into().unwrap() });
    Request::Open(open)
}

const FULL_OPEN: &str = concat!(
    r#"{"open":{"name":"github","policy":{"texts":[{"name":"p","text":"a: \"b\"\n"},{"name":"q","text":"a: \"b\"\n"}],"#,
    r#""links":[{"from":"p","reference":"./q","to":"q"}]},"#,
    r#""place":{"workspace":"/w","home":"/h","config_home":"/h/.config","cache_home":"/h/.cache","#,
    r#""runtime_dir":"/run/user/1000","server":["/opt/a"],"current_directory":"/w"},"#,
    r#""environment":[{"name":"N","value":"v"}],"programs":[{"name":"git","path":"/usr/bin/git"}],"#,
    r#""companions":[{"program":"/s","are":["/bin/sh"]}],"real":[{"path":"/lib","real":"/usr/lib"}],"#,
    r#""implied":{"programs":["/usr/bin/node"],"loaders":["/lib64/ld.so"]},"#,
    r#""command":{"program":"/usr/bin/node","argv":["node",{"base64":"//4="}]},"doors":{"resolver":53,"proxy":65535}}}"#,
);

#[test]
fn a_session_is_asked_for_with_everything() {
    let (id, payload) = Pair::new().ask(full_open());
    assert_eq!((id, payload), (RequestId::FIRST, format!(r#"{{"id":1,"request":{FULL_OPEN}}}"#)));
}

fn prepare() -> Request {
    let Request::Open(open) = full_open() else { panic!("open opens") };
    Request::Prepare(Box::new(Prepare {
        session: session(),
        revision: 255,
        classes: vec![NumberedClass { grants: u64::MAX, number: 63 }],
        open: *open,
    }))
}

#[test]
fn another_policy_is_asked_for_on_a_connection_of_its_own() {
    let (id, payload) = Pair::new().ask(prepare());
    let inner = FULL_OPEN.strip_prefix(r#"{"open":"#).and_then(|text| text.strip_suffix('}')).unwrap();
    let told = format!(
        r#"{{"id":1,"request":{{"prepare":{{"session":"00000000000000aa","revision":255,"classes":[{{"grants":18446744073709551615,"number":63}}],"open":{inner}}}}}}}"#
    );
    assert_eq!((id, payload), (RequestId::FIRST, told));
}

#[test]
fn requests_of_a_session_arrive_as_they_are() {
    for (request, text) in [
        (
            learn(),
            r#"{"learn":{"address":"203.0.113.7","grants":[{"classes":18446744073709551615,"until_ns":18446744073709551614,"rule":7,"checked":true}]}}"#,
        ),
        (
            Request::Forget(Forget { address: "2001:db8::1".parse().unwrap() }),
            r#"{"forget":{"address":"2001:db8::1"}}"#,
        ),
        (Request::Arrived(Arrived { peer: "[::1]:9".parse().unwrap() }), r#"{"arrived":{"peer":"[::1]:9"}}"#),
        (Request::Sync, r#""sync""#),
        (
            learn_next(),
            r#"{"learn_next":{"address":"203.0.113.7","grants":[{"classes":18446744073709551615,"until_ns":18446744073709551614,"rule":7,"checked":true}]}}"#,
        ),
        (Request::Commit, r#""commit""#),
        (Request::End(End { why: "it exited".to_owned() }), r#"{"end":{"why":"it exited"}}"#),
    ] {
        let (id, payload) = Pair::with_session().ask(request);
        assert_eq!((id.number(), payload), (2, format!(r#"{{"id":2,"request":{text}}}"#)));
    }
}

#[test]
fn first_requests_arrive_as_they_are() {
    let filter = Filter {
        session: Some(session()),
        name: Some(name()),
        user: Some(0),
        topics: Some(vec![Topic::Denied, Topic::Ended]),
        denials: Some(vec![EventKind::MapCode]),
    };
    for (request, text) in [
        (Request::List, r#""list""#),
        (Request::Follow(Filter::default()), r#"{"follow":{}}"#),
        (
            Request::Follow(filter),
            r#"{"follow":{"session":"00000000000000aa","name":"github","user":0,"topics":["denied","ended"],"denials":["map_code"]}}"#,
        ),
        (Request::Kill(Selector::All), r#"{"kill":"all"}"#),
        (Request::Freeze(Selector::User(u32::MAX)), r#"{"freeze":{"user":4294967295}}"#),
        (Request::Thaw(Selector::Session("git".parse().unwrap())), r#"{"thaw":{"session":"git"}}"#),
        (Request::Reload, r#""reload""#),
        (Request::Status, r#""status""#),
        (Request::Offer, r#""offer""#),
        (Request::Quarantine(Selector::All), r#"{"quarantine":"all"}"#),
        (
            Request::Limits(Limit { sessions: Selector::All, to: Limits::default() }),
            r#"{"limits":{"sessions":"all"}}"#,
        ),
        (
            Request::Limits(Limit { sessions: Selector::User(7), to: limits() }),
            r#"{"limits":{"sessions":{"user":7},"to":{"memory_bytes":1048576,"max_processes":8,"cpu_millis":500}}}"#,
        ),
        (Request::Release(Release { revision: "00".to_owned() }), r#"{"release":{"revision":"00"}}"#),
        (
            Request::Resume(Resume { session: session(), heard: 7 }),
            r#"{"resume":{"session":"00000000000000aa","heard":7}}"#,
        ),
    ] {
        let (_, payload) = Pair::new().ask(request);
        assert_eq!(payload, format!(r#"{{"id":1,"request":{text}}}"#));
    }
}

#[test]
fn answers_arrive_as_they_are() {
    let skipped = vec![Skipped { path: path("/nope"), reason: "it is not there".to_owned() }];
    let Answer::Opened(mut full) = opened() else { panic!("opened is opened") };
    full.skipped = skipped;
    let failed = NotActed { session: session(), refusal: Refusal { details: vec![], ..refusal() } };
    let kept = NotReloaded { session: session(), reason: "Landlock only narrows".to_owned() };
    let status = Status {
        build: build(),
        process: 1,
        age_ms: 2,
        sessions: 3,
        connections: 4,
        dropped: 5,
        hooks: Hooks::FmodRet,
        network: true,
    };
    let offered = Offered {
        hooks: Hooks::Lsm,
        hooks_missing: None,
        network: false,
        network_missing: Some("a kernel before 5.17".to_owned()),
        group: true,
        memory: true,
        cpu: false,
        processes: true,
        group_missing: Some("no controller `cpu`".to_owned()),
    };
    let (list, kill, status_of) = (Request::List, Request::Kill(Selector::All), Request::Status);
    let sessions = Sessions { sessions: vec![summary()], more: false };
    let used = Used { memory_bytes: Some(0), processes: None, cpu_millis: Some(20) };
    let limited = LimitsOf {
        sessions: vec![
            SessionLimits { session: session(), limits: limits(), used },
            SessionLimits { session: session(), limits: Limits::default(), used: Used::default() },
        ],
        failed: vec![failed.clone()],
        more: false,
    };
    let acted = Acted { done: vec![session()], failed: vec![failed] };
    let reloaded = Reloaded { sessions: 9, kept: vec![kept] };
    let (refused, refused_text) = (
        Answer::Refused(refusal()),
        r#"{"refused":{"code":"policy","sentence":"it has errors","details":["p:1:1"]}}"#,
    );
    for (request, answer, text) in [
        (
            Request::Offer,
            Answer::Offered(offered),
            r#"{"offered":{"hooks":"lsm","network":false,"network_missing":"a kernel before 5.17","group":true,"memory":true,"cpu":false,"processes":true,"group_missing":"no controller `cpu`"}}"#,
        ),
        (
            open(),
            Answer::Opened(full),
            r#"{"opened":{"session":"00000000000000aa","slot":3,"revision":"ab12","skipped":[{"path":"/nope","reason":"it is not there"}]}}"#,
        ),
        (open(), refused.clone(), refused_text),
        (
            prepare(),
            Answer::Prepared(Prepared {
                revision: "ab12".to_owned(),
                classes: vec![NumberedClass { grants: 1, number: 2 }],
                skipped: vec![],
            }),
            r#"{"prepared":{"revision":"ab12","classes":[{"grants":1,"number":2}],"skipped":[]}}"#,
        ),
        (prepare(), refused.clone(), refused_text),
        (
            list,
            Answer::Sessions(sessions),
            r#"{"sessions":{"sessions":[{"session":"00000000000000aa","name":"github","uid":1000,"supervisor":42,"policy":"github","revision":"ab12","state":"running","age_ms":1,"calls":2,"denials":3,"memory":18446744073709551615,"processes":5}],"more":false}}"#,
        ),
        (
            kill,
            Answer::Acted(acted),
            r#"{"acted":{"done":["00000000000000aa"],"failed":[{"session":"00000000000000aa","refusal":{"code":"policy","sentence":"it has errors"}}]}}"#,
        ),
        (
            Request::Limits(Limit { sessions: Selector::All, to: Limits::default() }),
            Answer::Limits(limited),
            r#"{"limits":{"sessions":[{"session":"00000000000000aa","limits":{"memory_bytes":1048576,"max_processes":8,"cpu_millis":500},"used":{"memory_bytes":0,"cpu_millis":20}},{"session":"00000000000000aa","limits":{},"used":{}}],"failed":[{"session":"00000000000000aa","refusal":{"code":"policy","sentence":"it has errors"}}],"more":false}}"#,
        ),
        (
            Request::Reload,
            Answer::Reloaded(reloaded),
            r#"{"reloaded":{"sessions":9,"kept":[{"session":"00000000000000aa","reason":"Landlock only narrows"}]}}"#,
        ),
        (
            status_of,
            Answer::Status(status),
            r#"{"status":{"build":"0.1.0","process":1,"age_ms":2,"sessions":3,"connections":4,"dropped":5,"hooks":"fmod_ret","network":true}}"#,
        ),
        (Request::Follow(Filter::default()), Answer::Done, r#""done""#),
    ] {
        let mut pair = Pair::new();
        let (id, _) = pair.ask(request);
        assert_eq!(pair.answer(id, answer), format!(r#"{{"answer":{{"id":1,"answer":{text}}}}}"#));
    }
}

#[test]
fn answers_to_a_session_arrive_as_they_are() {
    let wanted =
        |address: Option<&str>| Answer::Wanted(Wanted { address: address.map(|a| a.parse().unwrap()) });
    let arrived = || Request::Arrived(Arrived { peer: "127.0.0.1:9".parse().unwrap() });
    for (request, answer, text) in [
        (learn(), Answer::Done, r#""done""#),
        (arrived(), wanted(Some("1.2.3.4:443")), r#"{"wanted":{"address":"1.2.3.4:443"}}"#),
        (arrived(), wanted(None), r#"{"wanted":{}}"#),
        (Request::End(End { why: String::new() }), Answer::Done, r#""done""#),
    ] {
        let mut pair = Pair::with_session();
        let (id, _) = pair.ask(request);
        assert_eq!(pair.answer(id, answer), format!(r#"{{"answer":{{"id":2,"answer":{text}}}}}"#));
    }
}

#[test]
fn late_answers_belong_to_their_requests() {
    let mut pair = Pair::with_session();
    let arrived = |port: u16| Request::Arrived(Arrived { peer: ([127, 0, 0, 1], port).into() });
    let ids: Vec<RequestId> = (1..4).map(|port| pair.ask(arrived(port)).0).collect();
    for id in [ids[2], ids[0], ids[1]] {
        let address = Some(([10, 0, 0, 1], u16::try_from(id.number()).unwrap()).into());
        pair.answer(id, Answer::Wanted(Wanted { address }));
    }
}

fn denial() -> KernelEvent {
    KernelEvent {
        sequence: u64::MAX,
        at_ns: 9_007_199_254_740_993,
        active: 1,
        call: 2,
        process: 3,
        thread: 4,
        name: OsBytes::new(&b"no\xc3de"[..]).unwrap(),
        kind: EventKind::Connect,
        action: Action::Killed,
        reason: Reason::NotGranted,
        rule: Some(0),
        access: 5,
        path: Some(SeenPath { path: OsBytes::new("b/c").unwrap(), complete: false }),
        peer: Some(NetworkPeer { address: "10.0.0.5:22".parse().unwrap(), protocol: 6 }),
    }
}

const DENIAL: &str = r#"{"denied":{"sequence":18446744073709551615,"at_ns":9007199254740993,"active":1,"call":2,"process":3,"thread":4,"name":{"base64":"bm/DZGU="},"kind":"connect","action":"killed","reason":"not_granted","rule":0,"access":5,"path":{"path":"b/c","complete":false},"peer":{"address":"10.0.0.5:22","protocol":6}}}"#;

fn events() -> Vec<(Event, &'static str)> {
    let because = |who| Because { who, why: String::new() };
    let resources = Resources { oom_kills: Some(1), cpu_throttled_us: Some(2), ..Resources::default() };
    let dropped = Dropped { kinds: vec![(EventKind::Open, 7), (EventKind::Uring, u64::MAX)] };
    vec![
        (Event::Denied(Box::new(denial())), DENIAL),
        (Event::Dropped(dropped), r#"{"dropped":{"kinds":[["open",7],["uring",18446744073709551615]]}}"#),
        (Event::Resources(resources), r#"{"resources":{"oom_kills":1,"cpu_throttled_us":2}}"#),
        (ended(), r#"{"ended":{"who":{"operator":0},"why":"maintenance"}}"#),
        (Event::Frozen(because(Actor::Policy)), r#"{"frozen":{"who":"policy","why":""}}"#),
        (Event::Frozen(because(Actor::Daemon)), r#"{"frozen":{"who":"daemon","why":""}}"#),
        (Event::Thawed(because(Actor::Owner(7))), r#"{"thawed":{"who":{"owner":7},"why":""}}"#),
        (
            Event::Revised(Revised {
                policy: "p".to_owned(),
                revision: "02".to_owned(),
                before: "01".to_owned(),
            }),
            r#"{"revised":{"policy":"p","revision":"02","before":"01"}}"#,
        ),
        (Event::Limited(because(Actor::Operator(0))), r#"{"limited":{"who":{"operator":0},"why":""}}"#),
    ]
}

#[test]
fn events_arrive_as_they_are() {
    for (event, text) in events() {
        let mut pair = Pair::with_session();
        let out = pair.server.tell(event.clone()).unwrap();
        let payload = String::from_utf8(out.bytes[HEAD..].to_vec()).unwrap();
        assert_eq!(payload, format!(r#"{{"event":{text}}}"#));
        assert_eq!(told(&mut pair.client, &out.bytes, 0), (vec![FromDaemon::Happened(event)], None));
    }
}

#[test]
fn followed_events_arrive_as_they_are() {
    let mut pair = Pair::new();
    let (follow, _) = pair.ask(Request::Follow(Filter::default()));
    pair.answer(follow, Answer::Done);
    let frozen = Summary { state: State::Frozen(Actor::Operator(1)), memory: None, ..summary() };
    let opened = (
        Event::Opened(Box::new(frozen)),
        r#"{"opened":{"session":"00000000000000aa","name":"github","uid":1000,"supervisor":42,"policy":"github","revision":"ab12","state":{"frozen":{"operator":1}},"age_ms":1,"calls":2,"denials":3,"processes":5}}"#,
    );
    for (event, text) in events().into_iter().chain([opened]) {
        let followed = Followed { follow, missed: 3, session: session(), name: name(), uid: 1000, event };
        let out = pair.server.followed(followed.clone()).unwrap();
        let payload = format!(
            r#"{{"followed":{{"follow":1,"missed":3,"session":"00000000000000aa","name":"github","uid":1000,"event":{text}}}}}"#
        );
        assert_eq!(String::from_utf8(out.bytes[HEAD..].to_vec()).unwrap(), payload);
        assert_eq!(told(&mut pair.client, &out.bytes, 0), (vec![FromDaemon::Followed(followed)], None));
    }
}

#[test]
fn the_last_message_says_why() {
    let mut pair = Pair::new();
    let out = pair.server.closing(refusal()).unwrap();
    assert_eq!(told(&mut pair.client, &out.bytes, 0), (vec![FromDaemon::Closing(refusal())], None));
    assert_eq!(pair.client.ask(Request::List), Err(control::Misuse::NotSpeaking));
    let again = pair.server.closing(refusal()).unwrap();
    assert_eq!(told(&mut pair.client, &again.bytes, 0), (vec![], Some(control::Fault::AfterClosing)));
}
