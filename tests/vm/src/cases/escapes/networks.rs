//! Ways to a peer that the policy does not grant, beside one that it does. Landlock knows ports alone, and no datagrams
//! before ABI 10, so that the address is the eBPF layer's to see. Each way arrives bare first.

use std::fs;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::case::Case;
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
    stream("network/address", &["connect", OTHER], OTHER),
    closed("network/port", &["connect", OTHER_PORT], Goal::Stream(OTHER_PORT)),
    stream("network/ipv6", &["connect", SIX], SIX),
    stream("network/mapped", &["connect", MAPPED], OTHER),
    stream("network/daemon", &["daemon", "connect", OTHER], OTHER),
    stream("network/thread", &["thread", "connect", OTHER], OTHER),
    stream("network/unspecified", &["tcp_reconnected", GRANTED, OTHER], OTHER),
    closed("network/fast_open", &["fast_open", OTHER], Goal::Stream(OTHER)),
    closed("network/multipath", &["connect_with", OTHER, STREAM, MPTCP], Goal::Stream(OTHER)),
    closed("network/ring_connect", &["ring_connect", "inline", OTHER], Goal::Stream(OTHER)),
    closed("network/ring_connect_async", &["ring_connect", "async", OTHER], Goal::Stream(OTHER)),
    closed("network/ring_connect_sqpoll", &["ring_connect", "sqpoll", OTHER], Goal::Stream(OTHER)),
    datagram("network/datagram", &["udp", OTHER], OTHER),
    datagram("network/datagram_port", &["udp", OTHER_PORT], OTHER_PORT),
    datagram("network/datagram_ipv6", &["udp", SIX], SIX),
    datagram("network/datagram_mapped", &["udp", MAPPED], OTHER),
    datagram("network/datagram_connected", &["udp_connected", OTHER], OTHER),
    datagram("network/datagrams", &["udp_many", OTHER], OTHER),
    datagram("network/datagram_of_no_family", &["udp_as", OTHER, DATAGRAM, "0"], OTHER),
    datagram("network/datagram_of_another_family", &["udp_as", OTHER, INET6, "2"], OTHER),
    datagram("network/datagram_connected_of_another_family", &["connect_as", OTHER, INET6, DATAGRAM], OTHER),
    datagram("network/datagram_unspecified", &["udp_reconnected", GRANTED, OTHER], OTHER),
    closed("network/ring_send", &["ring_send", "inline", OTHER], Goal::Datagram(OTHER)),
    closed("network/ring_send_async", &["ring_send", "async", OTHER], Goal::Datagram(OTHER)),
    closed("network/raw_socket", &["socket", "2", "3", "1"], Goal::Socket),
    closed("network/raw_socket_ipv6", &["socket", "10", "3", "58"], Goal::Socket),
    closed("network/packet_socket", &["socket", "17", "3", "0"], Goal::Socket),
    closed("network/netlink_socket", &["socket", "16", "3", "16"], Goal::Socket),
    closed("network/express_data_path", &["socket", "44", "3", "0"], Goal::Socket),
    closed("network/ping", &["ping", "127.0.0.2:0"], Goal::Socket),
    closed("network/listen", &["listen", "127.0.0.1:4002"], Goal::Socket),
    closed("network/bind_datagrams", &["bind", "127.0.0.1:4002", "udp"], Goal::Socket),
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

/// The cases, one for each attack, and what must still work.
pub(crate) const CASES: &[Case] = &cases();

const fn cases() -> [Case; ATTACKS.len()] {
    let mut all = [const { Case::new("", run).needs(&[Need::TaskStorage]).seconds(2) }; ATTACKS.len()];
    let mut at = 0;
    while at < ATTACKS.len() {
        all[at].name = ATTACKS[at].name;
        at += 1;
    }
    all
}

fn run(ground: &Ground) -> Result<()> {
    let attack = ATTACKS.iter().find(|attack| ground.is_of(attack.name)).context("no attack of this name")?;
    let peers = Peers::listen()?;
    // Datagram sockets of ICMP are for the groups in this range (icmp(7)); by default for none.
    fs::write("/proc/sys/net/ipv4/ping_group_range", "0 0")?;
    let (act, rest) = (attack.words[0], &attack.words[1..]);
    let bare = ground.act(act, rest)?;
    bare.succeeded().context("without a guard")?;
    ensure!(attack.goal == Goal::Socket || peers.heard(attack.goal)?, "bare, nothing arrives: {bare:?}");

    let ended = ground.guarded(POLICY)?.act(act, rest)?;
    ensure!(!peers.heard(attack.goal)?, "it arrives: {ended:#?}");
    let outcome = ended.outcome()?;
    ensure!(!outcome.is_ok(), "it is not denied: {ended:#?}");
    let Some(told) = attack.told else { return Ok(()) };
    ensure!(outcome.errno() == Some("EPERM"), "another errno: {ended:#?}");
    let record = ended.record("denial", told)?;
    ensure!(record["layer"] == "ebpf", "another layer denied it: {record}");
    Ok(())
}
