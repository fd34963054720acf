//! Rules, queues and ways, without a session.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use audit::{Body, Redactor};
use policy::plan::{
    AbsolutePath, AlertEvent, AlertField, AlertGroup, AlertOutcome, AlertPack, AlertRule, AlertSeverity,
    AlertSubject, AlertWhen, AlertsPlan, RuleId,
};

use super::found::Message;
use super::outlet::{A_MINUTE, Outlet, ROOM};
use super::rules::{self, NOT_HERE};
use super::running::Running;
use super::ways::{HostSyslog, Program, Server, Way};

fn rule(name: &str, when: AlertWhen) -> AlertRule {
    AlertRule {
        name: name.to_owned(),
        reason: Some("the token is s3cr3t-t0ken".to_owned()),
        severity: AlertSeverity::Critical,
        events: vec![],
        outcomes: vec![],
        about: vec![],
        tools: vec!["*a*".to_owned()],
        hosts: vec!["x".repeat(256)],
        paths: AbsolutePath::new("/a").into_iter().collect(),
        when,
        by: AlertGroup::Tool,
        quiet: Duration::from_secs(5),
        from: RuleId(0),
    }
}

fn plan(rules: Vec<AlertRule>) -> AlertsPlan {
    AlertsPlan { packs: vec![(AlertPack::Baseline, RuleId(0))], rules, ..AlertsPlan::default() }
}

#[test]
fn whatever_the_policy_language_can_say_is_a_rule_without_secrets() {
    use AlertEvent::*;
    let mut first = rule("first", AlertWhen::MoreThan { count: 4096, within: Duration::from_secs(86_400) });
    first.events = vec![
        SessionStart,
        Handshake,
        ToolCall,
        ToolResult,
        Denial,
        Connection,
        Findings,
        Approval,
        Pins,
        ToolQuarantine,
        Degraded,
        Noise,
        Lost,
        PolicyChanged,
        SessionEnd,
    ];
    first.outcomes = vec![AlertOutcome::Allowed, AlertOutcome::Denied, AlertOutcome::Failed];
    first.about = vec![
        AlertSubject::Tool,
        AlertSubject::File,
        AlertSubject::Network,
        AlertSubject::Exec,
        AlertSubject::System,
    ];
    let seen = [AlertField::Host, AlertField::Tool, AlertField::Program].map(AlertWhen::FirstSeen);
    let others = [AlertWhen::Any].into_iter().chain(seen).enumerate();
    let all = [first].into_iter().chain(others.map(|(at, when)| rule(&at.to_string(), when)));
    let redactor = Redactor::new([("TOKEN", "s3cr3t-t0ken")]);
    let made = rules::of(&AlertsPlan { packs: vec![], ..plan(all.collect()) }, &redactor);
    assert_eq!(made.len(), 5);
    assert_eq!((made[0].filter.kinds.len(), made[0].filter.layers.len()), (15, 5));
    assert!(made.iter().all(|rule| rule.reason.as_deref() == Some("the token is [redacted:TOKEN]")));
}

#[test]
fn shipped_rules_that_can_find_nothing_are_left_out_and_own_ones_hold_in_their_place() {
    let all: Vec<String> =
        ::alerts::Pack::baseline().unwrap().into_rules().into_iter().map(|rule| rule.name).collect();
    assert!(NOT_HERE.iter().all(|name| all.iter().any(|other| other == name)), "{all:?}");
    let made = rules::of(&plan(vec![rule("shell-tool", AlertWhen::Any)]), &Redactor::none());
    assert_eq!(made.len(), all.len() - NOT_HERE.len());
    let shell: Vec<_> = made.iter().filter(|rule| rule.name == "shell-tool").collect();
    assert_eq!((shell.len(), shell[0].severity), (1, ::alerts::Severity::Critical));
}

#[test]
fn the_manual_lists_the_shipped_rules() {
    let manual = include_str!("../../../../../docs/alerts.md");
    for rule in rules::shipped(AlertPack::Baseline) {
        let row = format!("| `{}` | {} | {} |", rule.name, rule.severity.as_str(), rule.reason.unwrap());
        assert!(manual.contains(&row), "docs/alerts.md lacks {row}");
    }
    let rows = manual.lines().filter(|line| line.starts_with("| `") && line.ends_with("| left out |"));
    assert_eq!(rows.count(), NOT_HERE.len());
    assert!(NOT_HERE.iter().all(|name| manual.contains(&format!("| `{name}` |"))));
}

/// `/home` may be a link, and no text.
#[test]
fn a_directory_is_known_by_where_it_really_is() {
    use std::os::unix::ffi::OsStrExt;
    let room = tempfile::tempdir().unwrap();
    let home = room.path().join(std::ffi::OsStr::from_bytes(b"h\xffome"));
    std::fs::create_dir(room.path().join("real")).unwrap();
    std::os::unix::fs::symlink("real", &home).unwrap();
    let real = room.path().canonicalize().unwrap().join("real/.ssh/id");
    let path = AbsolutePath::new(home.join(".ssh"));
    let only = AlertRule {
        paths: path.into_iter().collect(),
        tools: vec![],
        hosts: vec![],
        ..rule("r", AlertWhen::Any)
    };
    let rules = rules::of(&AlertsPlan { rules: vec![only], ..AlertsPlan::default() }, &Redactor::none());
    let told = |path: &std::path::Path| {
        let path = path.to_string_lossy();
        let event = ::alerts::Event { path: Some(&path), ..::alerts::Event::new(::alerts::Kind::Denial) };
        rules[0].filter.admits(&event)
    };
    assert!(told(&real) && told(&home.join(".ssh/id")) && !told(&home.join(".sshx/id")));
}

fn message(subject: &str) -> Arc<Message> {
    of_severity(audit::Severity::Warning, subject)
}

fn of_severity(severity: audit::Severity, subject: &str) -> Arc<Message> {
    let body = Body::Alert(audit::Alert {
        name: "r".to_owned(),
        severity,
        occasion: audit::Occasion::Matched,
        reason: None,
        tool: None,
        subject: Some(subject.to_owned()),
        count: 1,
        within_seconds: None,
        over_ms: 0,
        records: vec![7],
        suppressed: 0,
        rule: None,
    });
    let (session, policy, line) = ("5f3c".to_owned(), "p".to_owned(), "[warning] r: once".to_owned());
    Arc::new(Message { time: jiff::Timestamp::UNIX_EPOCH, session, policy, seq: Some(8), body, line })
}

#[test]
fn what_is_sent_is_one_line() {
    let line = String::from_utf8(message("a\nb").json(3).unwrap()).unwrap();
    let wanted = r#"{"v":1,"time":"1970-01-01T00:00:00Z","session":"5f3c","policy":"p","seq":8,"event":"alert","name":"r","severity":"warning","occasion":"matched","subject":"a\nb","count":1,"over_ms":0,"records":[7],"suppressed":0,"text":"[warning] r: once","missed":3}"#;
    assert_eq!(line, wanted);
}

/// Tells when it is asked, and answers what it is told to.
struct Puppet(Sender<u64>, Receiver<bool>);

impl Way for Puppet {
    fn tell(&mut self, _: &Message, missed: u64) -> anyhow::Result<()> {
        let _ = self.0.send(missed);
        anyhow::ensure!(self.1.recv().unwrap_or(true), "it is away");
        Ok(())
    }
}

fn puppet() -> (Outlet, Receiver<u64>, Sender<bool>) {
    let (asked, hears) = channel();
    let (answer, answers) = channel();
    (Outlet::new("command", Puppet(asked, answers)), hears, answer)
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn who_hangs_holds_up_nobody_and_what_is_dropped_is_counted() {
    let (mut outlet, asked, _answer) = puppet();
    outlet.open();
    let start = Instant::now();
    (0..1000).for_each(|at| outlet.offer(&message("x"), start + Duration::from_secs(at)));
    assert_eq!(asked.recv_timeout(LONG), Ok(0));
    assert_eq!(outlet.end(Instant::now() + Duration::from_millis(50)), 1000);
    assert!(start.elapsed() < LONG);
    const { assert!(ROOM < 1000) };
}

#[test]
fn who_was_away_is_told_how_much_was_missed() {
    let (mut outlet, asked, answer) = puppet();
    outlet.open();
    let now = Instant::now();
    for (answered, missed) in [(true, 0), (false, 0), (false, 1), (true, 2), (true, 0)] {
        outlet.offer(&message("x"), now);
        assert_eq!(asked.recv_timeout(LONG), Ok(missed));
        answer.send(answered).unwrap();
    }
    assert_eq!(outlet.end(Instant::now() + LONG), 2);
}

#[test]
fn a_minute_has_room_for_so_many_and_the_next_one_tells_of_the_others() {
    let (mut outlet, asked, answer) = puppet();
    outlet.open();
    let now = Instant::now();
    for _ in 0..A_MINUTE {
        outlet.offer(&message("x"), now);
        answer.send(true).unwrap();
        assert_eq!(asked.recv_timeout(LONG), Ok(0));
    }
    outlet.offer(&message("x"), now);
    outlet.offer(&message("x"), now + Duration::from_secs(59));
    outlet.offer(&message("x"), now + Duration::from_secs(60));
    answer.send(true).unwrap();
    assert_eq!(asked.recv_timeout(LONG), Ok(2));
    assert_eq!(outlet.end(Instant::now() + LONG), 2);
}

/// A server brings about what is not critical at will, such as names that it speaks to.
#[test]
fn what_is_critical_has_room_whatever_else_is_told() {
    let (mut outlet, asked, answer) = puppet();
    outlet.open();
    let now = Instant::now();
    for _ in 0..A_MINUTE {
        outlet.offer(&message("x"), now);
        answer.send(true).unwrap();
        assert_eq!(asked.recv_timeout(LONG), Ok(0));
    }
    outlet.offer(&of_severity(audit::Severity::Critical, "x"), now);
    answer.send(true).unwrap();
    assert_eq!(asked.recv_timeout(LONG), Ok(0));
    assert_eq!(outlet.end(Instant::now() + LONG), 0);
    // Who hangs: others do not fill the queue.
    let (mut outlet, _asked, answer) = puppet();
    outlet.open();
    (0..1000).for_each(|at| outlet.offer(&message("x"), now + Duration::from_secs(60 * at)));
    outlet.offer(&of_severity(audit::Severity::Critical, "x"), now);
    (0..ROOM).for_each(|_| answer.send(true).unwrap());
    assert_eq!(outlet.missed(), 0, "the critical one was dropped");
    drop(outlet);
}

#[test]
fn what_waits_before_anybody_listens_is_told_later() {
    let (mut outlet, asked, answer) = puppet();
    outlet.offer(&message("x"), Instant::now());
    assert!(asked.recv_timeout(Duration::from_millis(50)).is_err());
    outlet.open();
    assert_eq!(asked.recv_timeout(LONG), Ok(0));
    answer.send(true).unwrap();
    assert_eq!(outlet.end(Instant::now() + LONG), 0);
}

fn program(script: &str) -> Program {
    with(script, &Arc::default())
}

fn with(script: &str, running: &Arc<Mutex<Running>>) -> Program {
    Program::new(["sh", "-c", script].map(str::to_owned).to_vec(), Arc::clone(running))
}

#[test]
fn a_program_reads_the_alert_and_says_how_it_ended() {
    let told = |script: &str| program(script).tell(&message("x"), 0).map_err(|error| error.to_string());
    assert_eq!(told(r#"grep -q '"subject":"x"'"#), Ok(()));
    assert_eq!(told("echo 1"), Ok(()), "what it prints is no status");
    assert!(told("exit 3").unwrap_err().contains("ended with status 3"));
    assert!(told("kill -9 $PPID; sleep 0.1").unwrap_err().contains("was killed"));
    let mut absent = Program::new(vec!["/no/such/program".to_owned()], Arc::default());
    assert!(absent.tell(&message("x"), 0).unwrap_err().to_string().contains("status 127"));
}

#[test]
fn programs_that_hang_are_left_alone_not_more_than_a_few_and_ended_with_the_session() {
    let directory = tempfile::tempdir().unwrap();
    let pids = directory.path().join("pids");
    let running = Arc::default();
    let mut program = with(&format!("echo $$ >> {}; exec sleep 600", pids.display()), &running).hasty();
    let mut told = || program.tell(&message("x"), 0).map_err(|error| error.to_string());
    for _ in 0..4 {
        assert!(told().unwrap_err().contains("still runs"));
    }
    assert!(told().unwrap_err().contains("4 of its kind still run"));
    let pids: Vec<i32> =
        std::fs::read_to_string(pids).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(pids.len(), 4);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pids[0]), nix::sys::signal::Signal::SIGKILL).unwrap();
    let until = Instant::now() + LONG;
    while told().unwrap_err().contains("of its kind") {
        assert!(Instant::now() < until, "there is no room again");
        std::thread::sleep(Duration::from_millis(20));
    }
    running.lock().unwrap().close();
    assert!(told().unwrap_err().contains("the session has ended"));
    for pid in pids {
        let command = || std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        while command().contains("sleep") {
            assert!(Instant::now() < until, "{pid} still runs");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A rule's reason may be as long as a policy, and a pipe has room for 64 KiB.
#[test]
fn a_program_that_reads_nothing_holds_up_neither_others_nor_the_end() {
    let running: Arc<Mutex<Running>> = Arc::default();
    let mut program = with("sleep 600", &running).hasty();
    let telling = std::thread::spawn(move || program.tell(&message(&"x".repeat(1 << 20)), 0));
    let until = Instant::now() + LONG;
    while !telling.is_finished() {
        assert!(Instant::now() < until, "the program is waited for");
        drop(running.lock().unwrap());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(telling.join().unwrap().unwrap_err().to_string().contains("still runs"));
    running.lock().unwrap().close();
}

#[test]
fn syslog_gets_the_same_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let mut syslog = HostSyslog::at(path.clone());
    assert!(syslog.tell(&message("x"), 0).is_err(), "nobody is there");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    syslog.tell(&message("x"), 1).unwrap();
    let mut datagram = [0; 4096];
    let count = socket.recv(&mut datagram).unwrap();
    let text = String::from_utf8_lossy(&datagram[..count]);
    // authpriv (10) and warning (4): RFC 5424, section 6.2.1.
    assert!(text.starts_with("<84>1 1970-01-01T00:00:00.000000Z "), "{text}");
    assert!(text.contains(" alert - \u{feff}{\"v\":1,") && text.ends_with("\"missed\":1}"), "{text}");
}

/// A server that answers one request with this.
fn server(answer: &'static str) -> Server {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(answer.as_bytes());
    });
    let (authority, host) = (format!("127.0.0.1:{port}"), "127.0.0.1".to_owned());
    Server::new(policy::plan::Webhook { authority, host, port, path: "/k3y".to_owned() })
}

#[test]
fn a_server_must_say_that_it_was_told() {
    let told = |answer| server(answer).tell(&message("x"), 0).map_err(|error| format!("{error:#}"));
    assert_eq!(told("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"), Ok(()));
    // What else it says is of no interest, were it cut off.
    assert_eq!(told("HTTP/1.1 200 OK\r\ncontent-length: 70000\r\n\r\nx"), Ok(()));
    for (answer, says) in [
        ("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", "status 302"),
        ("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n", "status 500"),
        ("SSH-2.0-x\r\n", ""),
        ("", ""),
    ] {
        let error = told(answer).expect_err(answer);
        assert!(error.contains(says) && !error.contains("k3y"), "{error}");
    }
}
