//! journald and syslog, with a real socket at the other end.

use std::io::Read as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use telemetry::{JournaldSection, SinksSection, SyslogSection};

use super::room::{Room, kernel, noise};

fn receiver(room: &Room, name: &str) -> UnixDatagram {
    let socket = UnixDatagram::bind(room.at(name)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket
}

fn received(socket: &UnixDatagram) -> String {
    let mut bytes = vec![0; 1 << 20];
    let count = socket.recv(&mut bytes).unwrap();
    String::from_utf8(bytes[..count].to_vec()).unwrap()
}

#[test]
fn the_journal_gets_each_record_with_its_fields() {
    let room = Room::new();
    let socket = receiver(&room, "journal");
    let journald = Some(JournaldSection { socket: room.at("journal") });
    let mut log = room.log_to(&SinksSection { journald, ..SinksSection::default() });
    log.append_all(vec![noise("s1", "x\nPRIORITY=0"), kernel("s1", 9)]).unwrap();
    log.close().unwrap();

    let (first, second) = (received(&socket), received(&socket));
    let field = |entry: &str, name: &str| {
        let line = entry.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.map(str::to_owned)
    };
    assert_eq!(field(&first, "PRIORITY").as_deref(), Some("6"));
    assert_eq!(field(&first, "MCPGUARD_EVENT").as_deref(), Some("noise"));
    assert_eq!(field(&second, "MCPGUARD_SESSION").as_deref(), Some("s1"));
    assert_eq!(field(&second, "MCPGUARD_SEQ").as_deref(), Some("2"));
    assert_eq!(field(&second, "MCPGUARD_REVISION").as_deref(), Some("abababababab"));
    assert_eq!(field(&second, "MCPGUARD_KERNEL_SEQUENCE").as_deref(), Some("9"));
    assert_eq!(field(&second, "SYSLOG_IDENTIFIER").as_deref(), Some("mcpguard"));
    assert_eq!(field(&second, "PRIORITY").as_deref(), Some("4"));
    let line = String::from_utf8(room.bytes()).unwrap().lines().nth(1).unwrap().to_owned();
    assert_eq!(field(&second, "MCPGUARD_RECORD"), Some(line));
    assert!(field(&second, "MESSAGE").unwrap().contains("/etc/shadow"));
    assert_eq!(room.metric("mcpguard_sink_records_total{sink=\"journald\"}"), Some(2.0));
}

/// What is too long for a datagram comes as a sealed file, whose descriptor alone is sent.
#[test]
fn the_journal_gets_long_records_as_a_file() {
    use nix::cmsg_space;
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

    let room = Room::new();
    let socket = receiver(&room, "journal");
    let journald = Some(JournaldSection { socket: room.at("journal") });
    let mut log = room.log_to(&SinksSection { journald, ..SinksSection::default() });
    let mut entry = kernel("s1", 1);
    let audit::Body::KernelDenial(denial) = &mut entry.body else { panic!("a denial") };
    denial.denial.calls =
        (0..20_000).map(|call| audit::CallRef { call, tool: "a_tool_with_a_name".to_owned() }).collect();
    log.append(entry).unwrap();
    log.close().unwrap();

    let (mut bytes, mut space) = ([0; 16], cmsg_space!([i32; 1]));
    let mut slices = [std::io::IoSliceMut::new(&mut bytes)];
    let message =
        recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut space), MsgFlags::empty()).unwrap();
    let Some(ControlMessageOwned::ScmRights(descriptors)) = message.cmsgs().unwrap().next() else {
        panic!("a descriptor");
    };
    let path = format!("/proc/self/fd/{}", descriptors[0]);
    let mut text = String::new();
    std::fs::File::open(path).unwrap().read_to_string(&mut text).unwrap();
    assert!(text.len() > 1 << 20 && text.contains("\nMCPGUARD_EVENT=kernel_denial\n"));
    assert_eq!(room.metric("mcpguard_sink_dropped_records_total{sink=\"journald\"}"), Some(0.0));
}

#[test]
fn syslog_gets_each_line_in_the_form_of_rfc_5424() {
    let room = Room::new();
    let socket = receiver(&room, "log.sock");
    let syslog = Some(SyslogSection { socket: room.at("log.sock"), ..SyslogSection::default() });
    let mut log = room.log_to(&SinksSection { syslog, ..SinksSection::default() });
    log.append(kernel("s1", 1)).unwrap();
    log.close().unwrap();

    let text = received(&socket);
    let parts: Vec<&str> = text.splitn(8, ' ').collect();
    // authpriv is 10, warning is 4.
    assert_eq!(parts[0], "<84>1");
    assert!(parts[1].parse::<jiff::Timestamp>().is_ok(), "{}", parts[1]);
    assert_eq!(parts[3..7], ["mcpguard", &std::process::id().to_string(), "kernel_denial", "-"]);
    let line = String::from_utf8(room.bytes()).unwrap();
    assert_eq!(parts[7].strip_prefix('\u{feff}'), Some(line.trim_end()));
}

#[test]
fn a_sink_that_comes_back_gets_what_waited_in_order() {
    let room = Room::new();
    let journald = Some(JournaldSection { socket: room.at("journal") });
    let mut log = room.log_to(&SinksSection { journald, ..SinksSection::default() });
    log.append_all((1..=50).map(|number| kernel("s1", number)).collect()).unwrap();
    room.reaches("mcpguard_sink_failures_total{sink=\"journald\"}", 1.0);
    let socket = receiver(&room, "journal");
    for number in 1..=50 {
        assert!(received(&socket).contains(&format!("MCPGUARD_KERNEL_SEQUENCE={number}\n")));
    }
    log.close().unwrap();
    assert_eq!(room.metric("mcpguard_sink_dropped_records_total{sink=\"journald\"}"), Some(0.0));
}
