//! A sink that takes nothing holds up nobody, and what it missed is counted and told.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use audit::{Body, LostKind};
use telemetry::{JournaldSection, OtlpSection, SinksSection, SyslogSection};

use super::room::{Room, kernel};

/// Sinks of each kind: one where nobody is, one that never reads, a collector that never answers.
#[test]
fn sinks_that_take_nothing_hold_up_nobody_and_what_they_missed_is_told() {
    let room = Room::new();
    let _deaf = UnixDatagram::bind(room.at("deaf")).unwrap();
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", mute.local_addr().unwrap());
    let sinks = SinksSection {
        journald: Some(JournaldSection { socket: room.at("nobody") }),
        syslog: Some(SyslogSection { socket: room.at("deaf"), ..SyslogSection::default() }),
        otlp: Some(
            serde_json::from_value::<OtlpSection>(serde_json::json!({ "endpoint": endpoint })).unwrap(),
        ),
    };
    let mut log = room.log_to(&sinks);
    let started = Instant::now();
    let total = 30_000;
    for number in 0..total / 1000 {
        let numbers = number * 1000 + 1..=(number + 1) * 1000;
        log.append_all(numbers.map(|number| kernel("s1", number)).collect()).unwrap();
    }
    // Each of the sinks alone would have cost seconds a record.
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    for sink in ["journald", "syslog", "otlp"] {
        room.reaches(&format!("mcpguard_sink_dropped_records_total{{sink=\"{sink}\"}}"), 20_000.0);
    }
    log.tick().unwrap();
    drop(log);

    let mut told: Vec<String> = Vec::new();
    for record in room.records() {
        if let Body::Lost(lost) = record.body {
            assert!(lost.kind == LostKind::SinkRecords && lost.count >= 20_000, "{lost:?}");
            told.push(lost.reason.unwrap());
        }
    }
    told.sort();
    let words = |sink: &str| format!("{sink} was slow or away; the records are in this log");
    assert_eq!(told, ["journald", "otlp", "syslog"].map(words));
    let records = room.verified().records;
    assert_eq!(records, total + 3);
}

/// Stopping waits for a sink that is away, but not for long.
#[test]
fn a_sink_that_is_away_does_not_keep_the_daemon_from_stopping() {
    let room = Room::new();
    let journald = Some(JournaldSection { socket: room.at("nobody") });
    let mut log = room.log_to(&SinksSection { journald, ..SinksSection::default() });
    log.append(kernel("s1", 1)).unwrap();
    let started = Instant::now();
    log.close().unwrap();
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert_eq!(room.metric("mcpguard_sink_dropped_records_total{sink=\"journald\"}"), Some(1.0));
}
