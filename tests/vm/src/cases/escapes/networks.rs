//! Ways to a peer that the policy does not grant, beside one that it does. Landlock knows ports alone, and no datagrams
//! before ABI 10, so that the address is the eBPF layer's to see. Each way arrives bare first.

use std::fs;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::case::Case;
use crate::client::Client;
use crate::ground::Ground;
use crate::need::Need;

/// One address and one port.
pub(crate) const POLICY: &str = "\
version: 1
name: escapes
extends: [runtime/native]
network:
  allowed_cidrs: [127.0.0.1/32]
  allowed_ports: [4000]
";

/// Whom the attacker wants to reach: a stream or datagrams arrive there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    Stream(&'static str),
    Datagram(&'static str),
    /// The act alone: a socket of a kind that no policy grants.
    Socket,
}

struct Attack {
    name: &'static str,
    words: &'static [&'static str],
    goal: Goal,
    /// What the eBPF layer's record holds; `None` where an earlier layer denies under the whole product.
    told: Option<&'static str>,
}

const fn stream(name: &'static str, words: &'static [&'static str], to: &'static str) -> Attack {
    Attack { name, words, goal: Goal::Stream(to), told: Some(to) }
}

const fn datagram(name: &'static str, words: &'static [&'static str], to: &'static str) -> Attack {
    Attack { name, words, goal: Goal::Datagram(to), told: Some(to) }
}

const fn closed(name: &'static str, words: &'static [&'static str], goal: Goal) -> Attack {
    Attack { name, words, goal, told: None }
}

/// What the policy grants.
const GRANTED: &str = "127.0.0.1:4000";
/// Another address, another port, and both families.
const OTHER: &str = "127.0.0.2:4000";
const OTHER_PORT: &str = "127.0.0.1:4001";
const SIX: &str = "[::1]:4000";
const MAPPED: &str = "[::ffff:127.0.0.2]:4000";
/// `SOCK_STREAM`, `SOCK_DGRAM`, `IPPROTO_MPTCP`, `AF_INET6`.
const STREAM: &str = "1";
const DATAGRAM: &str = "2";
const MPTCP: &str = "262";
const INET6: &str = "10";

const ATTACKS: &[Attack] = &[
    stream("address", &["connect", OTHER], OTHER),
    closed("port", &["connect", OTHER_PORT], Goal::Stream(OTHER_PORT)),
    stream("ipv6", &["connect", SIX], SIX),
    stream("mapped", &["connect", MAPPED], OTHER),
    stream("daemon", &["daemon", "connect", OTHER], OTHER),
    stream("thread", &["thread", "connect", OTHER], OTHER),
    stream("unspecified", &["tcp_reconnected", GRANTED, OTHER], OTHER),
    closed("fast_open", &["fast_open", OTHER], Goal::Stream(OTHER)),
    closed("multipath", &["connect_with", OTHER, STREAM, MPTCP], Goal::Stream(OTHER)),
    closed("ring_connect", &["ring_connect", "inline", OTHER], Goal::Stream(OTHER)),
    closed("ring_connect_async", &["ring_connect", "async", OTHER], Goal::Stream(OTHER)),
    closed("ring_connect_sqpoll", &["ring_connect", "sqpoll", OTHER], Goal::Stream(OTHER)),
    datagram("datagram", &["udp", OTHER], OTHER),
    datagram("datagram_port", &["udp", OTHER_PORT], OTHER_PORT),
    datagram("datagram_ipv6", &["udp", SIX], SIX),
    datagram("datagram_mapped", &["udp", MAPPED], OTHER),
    datagram("datagram_connected", &["udp_connected", OTHER], OTHER),
    datagram("datagrams", &["udp_many", OTHER], OTHER),
    datagram("datagram_of_no_family", &["udp_as", OTHER, DATAGRAM, "0"], OTHER),
    datagram("datagram_of_another_family", &["udp_as", OTHER, INET6, "2"], OTHER),
    datagram("datagram_connected_of_another_family", &["connect_as", OTHER, INET6, DATAGRAM], OTHER),
    datagram("datagram_unspecified", &["udp_reconnected", GRANTED, OTHER], OTHER),
    closed("ring_send", &["ring_send", "inline", OTHER], Goal::Datagram(OTHER)),
    closed("ring_send_async", &["ring_send", "async", OTHER], Goal::Datagram(OTHER)),
    closed("raw_socket", &["socket", "2", "3", "1"], Goal::Socket),
    closed("raw_socket_ipv6", &["socket", "10", "3", "58"], Goal::Socket),
    closed("packet_socket", &["socket", "17", "3", "0"], Goal::Socket),
    closed("netlink_socket", &["socket", "16", "3", "16"], Goal::Socket),
    closed("express_data_path", &["socket", "44", "3", "0"], Goal::Socket),
    closed("ping", &["ping", "127.0.0.2:0"], Goal::Socket),
    closed("listen", &["listen", "127.0.0.1:4002"], Goal::Socket),
    closed("bind_datagrams", &["bind", "127.0.0.1:4002", "udp"], Goal::Socket),
];

/// Who listens, outside.
struct Peers {
    streams: Vec<(&'static str, TcpListener)>,
    datagrams: Vec<(&'static str, UdpSocket)>,
}

impl Peers {
    fn listen() -> Result<Self> {
        let (mut streams, mut datagrams) = (Vec::new(), Vec::new());
        for address in [GRANTED, OTHER, OTHER_PORT, SIX] {
            let stream = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
            stream.set_nonblocking(true)?;
            streams.push((address, stream));
            let datagram = UdpSocket::bind(address)?;
            datagram.set_nonblocking(true)?;
            datagrams.push((address, datagram));
        }
        Ok(Self { streams, datagrams })
    }

    /// Takes away what arrived anywhere.
    fn forget(&self) {
        for (_, stream) in &self.streams {
            while stream.accept().is_ok() {}
        }
        for (_, datagram) in &self.datagrams {
            while datagram.recv(&mut [0; 64]).is_ok() {}
        }
    }

    /// Whether something arrived there; it is taken away.
    fn heard(&self, goal: Goal) -> Result<bool> {
        // What is sent over the loopback interface is there when the system call returns; a moment more does no harm.
        std::thread::sleep(Duration::from_millis(20));
        let seen = match goal {
            Goal::Stream(at) => {
                self.streams.iter().find(|(name, _)| *name == at).map(|(_, s)| s.accept().map(drop))
            }
            Goal::Datagram(at) => self
                .datagrams
                .iter()
                .find(|(name, _)| *name == at)
                .map(|(_, s)| s.recv(&mut [0; 64]).map(drop)),
            Goal::Socket => return Ok(false),
        };
        match seen.context("nobody listens there")? {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error).context("cannot listen"),
        }
    }
}

pub(crate) const CASES: &[Case] =
    &[Case::new("escapes/networks", networks).needs(&[Need::Hooks]).seconds(60)];

/// One session for all.
fn networks(ground: &Ground) -> Result<()> {
    let peers = Peers::listen()?;
    // Datagram sockets of ICMP are for the groups in this range (icmp(7)); by default for none.
    fs::write("/proc/sys/net/ipv4/ping_group_range", "0 0")?;
    let mut wrong = String::new();
    let mut note = |attack: &Attack, result: Result<()>| {
        let told = result.err().map(|error| format!("  {} {:?}: {error:#}\n", attack.name, attack.words));
        wrong.extend(told);
    };
    for attack in ATTACKS {
        note(attack, attack.succeeds_bare(ground, &peers));
    }
    let guarded = ground.guarded(POLICY)?;
    let mut client = guarded.session()?;
    let granted = client.act("act", "child", &["connect", GRANTED])?;
    let mut denied_by_ebpf = Vec::new();
    for attack in ATTACKS {
        let denied = attack.fails_guarded(&peers, &mut client);
        denied_by_ebpf.extend(denied.as_ref().is_ok_and(|by_ebpf| *by_ebpf).then_some(attack));
        note(attack, denied.map(drop));
    }
    client.finish()?;
    let records = guarded.records()?;
    for attack in denied_by_ebpf {
        note(attack, attack.is_told(&records));
    }
    ensure!(wrong.is_empty(), "of {} attacks:\n{wrong}", ATTACKS.len());
    granted.succeeded().context("what is granted")
}

impl Attack {
    fn succeeds_bare(&self, ground: &Ground, peers: &Peers) -> Result<()> {
        peers.forget();
        let bare = ground.act(self.words[0], &self.words[1..])?;
        bare.succeeded().context("without a guard")?;
        ensure!(self.goal == Goal::Socket || peers.heard(self.goal)?, "bare, nothing arrives: {bare:?}");
        Ok(())
    }

    /// Whether it was the eBPF layer that it came to.
    fn fails_guarded(&self, peers: &Peers, client: &mut Client) -> Result<bool> {
        peers.forget();
        let outcome = client.act("act", "child", self.words)?;
        ensure!(!peers.heard(self.goal)?, "it arrives: {outcome:?}");
        ensure!(!outcome.is_ok(), "it is not denied: {outcome:?}");
        // EACCES and EINVAL are Landlock's answers, which come first where they come (TCP from ABI 4 on, UDP from 10 on).
        let denied = ["EPERM", "EACCES", "EINVAL"].iter().any(|errno| outcome.errno() == Some(errno));
        ensure!(self.told.is_none() || denied, "another errno: {outcome:?}");
        Ok(outcome.errno() == Some("EPERM"))
    }

    fn is_told(&self, records: &[Value]) -> Result<()> {
        let Some(address) = self.told else { return Ok(()) };
        let mut told = records.iter().filter(|r| r["event"] == "denial" && r["layer"] == "ebpf");
        ensure!(told.any(|record| record["what"].to_string().contains(address)), "no record of {address}");
        Ok(())
    }
}
