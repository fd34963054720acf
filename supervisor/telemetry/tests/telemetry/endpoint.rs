//! The endpoint for Prometheus, asked well, badly and slowly.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::{Actor, EndReason, SessionId};
use telemetry::*;

use super::room::Room;

/// Serves for as long as it is kept.
struct Served {
    room: Room,
    address: Option<SocketAddr>,
    _runtime: tokio::runtime::Runtime,
}

fn served(listen: impl FnOnce(&Room) -> MetricsAddress) -> Served {
    let room = Room::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(async { MetricsListener::bind(&listen(&room)) }).unwrap();
    let address = listener.local_address();
    let metrics = Arc::clone(&room.metrics);
    runtime.spawn(async { serve_metrics(listener, metrics).await });
    Served { room, address, _runtime: runtime }
}

fn loopback(_: &Room) -> MetricsAddress {
    "127.0.0.1:0".parse().unwrap()
}

fn unix(room: &Room) -> MetricsAddress {
    MetricsAddress::Unix(room.at("metrics.sock"))
}

fn spoken(mut stream: impl Read + Write, request: &[u8]) -> String {
    // The other end may have had enough before everything is said.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

impl Served {
    fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address.unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    fn unix(&self) -> UnixStream {
        UnixStream::connect(self.room.at("metrics.sock")).unwrap()
    }

    fn ask(&self, request: &str) -> String {
        spoken(self.tcp(), request.as_bytes())
    }
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

#[test]
fn everything_that_is_counted_is_shown() {
    let served = served(unix);
    let metrics = &served.room.metrics;
    metrics.sessions(SessionCounts { running: 3, frozen: 1, ..SessionCounts::default() });
    metrics.opened();
    metrics.refused("host_rules");
    metrics.ended(EndReason::Violation);
    metrics.denied("open", "not_granted", 4);
    metrics.denied("open", "not_granted", 1);
    metrics.events_dropped(9);
    metrics.killed(Actor::Operator);
    metrics.frozen(Actor::Policy);
    metrics.proved(Proof::Ok);
    metrics.proved(Proof::Failed);
    metrics.front_restarts(2);
    let usage = |session: &str, cpu_us| SessionUsage {
        session: SessionId::new(session).unwrap(),
        policy: "git\"hub\n".to_owned(),
        user: "1000".to_owned(),
        memory_bytes: 1 << 20,
        cpu_us,
    };
    metrics.usage(&[usage("a", 1_500_000), usage("b", 500_000)]);
    metrics.usage(&[usage("b", 750_000)]);

    let answer = spoken(served.unix(), b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
    let text = body(&answer);
    let policy = "policy=\"git\\\"hub\\n\",user=\"1000\"";
    for line in [
        "mcpguard_build_info{version=\"1.2.3\"} 1.0".to_owned(),
        "mcpguard_sessions{state=\"running\"} 3.0".to_owned(),
        "mcpguard_sessions{state=\"orphaned\"} 0.0".to_owned(),
        "mcpguard_sessions_opened_total 1.0".to_owned(),
        "mcpguard_opens_refused_total{code=\"host_rules\"} 1.0".to_owned(),
        "mcpguard_sessions_ended_total{reason=\"violation\"} 1.0".to_owned(),
        "mcpguard_denials_total{kind=\"open\",reason=\"not_granted\"} 5.0".to_owned(),
        "mcpguard_kernel_events_dropped_total 9.0".to_owned(),
        "mcpguard_kills_total{by=\"operator\"} 1.0".to_owned(),
        "mcpguard_kills_total{by=\"daemon\"} 0.0".to_owned(),
        "mcpguard_freezes_total{by=\"policy\"} 1.0".to_owned(),
        "mcpguard_canary_proofs_total{result=\"failed\"} 1.0".to_owned(),
        "mcpguard_front_restarts_total 2.0".to_owned(),
        format!("mcpguard_policy_sessions{{{policy}}} 1.0"),
        format!("mcpguard_session_memory_bytes{{{policy}}} 1048576.0"),
        // Two seconds at the first look, a quarter more at the second.
        format!("mcpguard_session_cpu_seconds_total{{{policy}}} 2.25"),
        "# TYPE mcpguard_denials counter".to_owned(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn other_questions_have_other_answers() {
    let served = served(loopback);
    for (request, status) in [
        ("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9464\r\n\r\n", "200"),
        ("GET /metrics?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n", "200"),
        ("HEAD /metrics HTTP/1.1\r\nHost: [::1]:1\r\n\r\n", "200"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"),
        ("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\nx", "405"),
        // A name that somebody pointed here.
        ("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", "403"),
        ("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n", "403"),
        ("GET /metrics HTTP/1.0\r\n\r\n", "403"),
        ("GET /metrics HTTP/9.9\r\n\r\n", "400"),
        ("\x16\x03\x01\x02\n\r\n\r\n", "400"),
        ("GET  /metrics HTTP/1.1\r\n\r\n", "400"),
    ] {
        let answer = served.ask(request);
        assert_eq!(answer.split(' ').nth(1), Some(status), "{request:?}: {answer:?}");
    }
    assert_eq!(body(&served.ask("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")), "");
    let long = format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    assert!(served.ask(&long).is_empty() || served.ask(&long).contains(" 431 "));
    let many = format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "a: b\r\n".repeat(500));
    assert!(served.ask(&many).contains(" 431 "));
}

#[test]
fn who_is_slow_is_cut_off_and_does_not_keep_others_out() {
    let served = served(loopback);
    // More than there is room for, and none says a whole word.
    let slow: Vec<TcpStream> = (0..20).map(|_| served.tcp()).collect();
    slow.iter().for_each(|mut stream| stream.write_all(b"GET /met").unwrap());
    let started = Instant::now();
    let answer = served.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    for mut stream in slow {
        let mut rest = Vec::new();
        match stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        }
    }
    assert!(started.elapsed() < Duration::from_secs(40), "{:?}", started.elapsed());
}

#[test]
fn only_this_host_is_served() {
    let room = Room::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9464"] {
        let error = MetricsListener::bind(&address.parse().unwrap()).unwrap_err();
        assert!(
            matches!(error, ListenError::NotLoopback(_)) && error.to_string().contains("no loopback"),
            "{error}"
        );
    }
    let everywhere = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    assert!(matches!(MetricsListener::tcp(everywhere), Err(ListenError::NotLoopback(_))));
    assert!(MetricsListener::bind(&"[::ffff:127.0.0.1]:0".parse().unwrap()).is_ok());

    std::fs::write(room.at("metrics.sock"), "somebody's file").unwrap();
    assert!(matches!(MetricsListener::bind(&unix(&room)), Err(ListenError::Occupied(_))));
    std::fs::remove_file(room.at("metrics.sock")).unwrap();
    // A socket that a former daemon left is replaced.
    drop(std::os::unix::net::UnixListener::bind(room.at("metrics.sock")).unwrap());
    let listener = MetricsListener::bind(&unix(&room)).unwrap();
    assert_eq!(std::fs::metadata(room.at("metrics.sock")).unwrap().permissions().mode() & 0o777, 0o660);
    assert!(listener.local_address().is_none());
}
