//! What a guarded connection costs: `socket`, `connect` and `close` over the loopback interface, by a process in a session
//! against one in none, by turns, while the session is there. Root only. Tells one line of JSON: for each way, the ratios to
//! that one, round by round; the control is a second process that nobody guards, and the group a third one in a control group
//! of its own without programs.
#![expect(clippy::print_stdout, reason = "a benchmark tells by itself")]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use abi::{Address, AddressKey, Learned, Learning, PORT_CHECKED, Port, PortKey, PortUse, session_flags};
use enforce::bpf::{Cgroup, Layer, Opening, Options, Session, Sizes, probe};
use enforce::cgroup::{Group, GroupId};
use enforce::encode::Tables;
use enforce::{Doors, Pid};
use nix::sys::socket::{setsockopt, sockopt::Linger};
use policy::plan::LimitsPlan;

/// Connections of a window; the listener's queue has room for them.
const CONNECTIONS: usize = 50;
/// Windows of a round, of which the fastest counts: a busy machine makes the others longer.
const WINDOWS: usize = 20;
/// By its address, as one of a learned name, and to the proxy. All of 127.0.0.0/8 is this host.
const WAYS: [(&str, &str); 3] = [("range", "127.0.0.2"), ("learned", "127.0.0.3"), ("proxy", "127.0.0.4")];
const CHECKED: u16 = 4443;
const PLAIN: u16 = 4000;
const PROXY: u16 = 4001;

fn main() {
    let mut words = std::env::args().skip(1);
    if words.next().is_some_and(|word| word == "worker") {
        return work();
    }
    let rounds = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(15);
    let listen = |address: &str, port| TcpListener::bind((address, port)).expect("a free port");
    let hosts = [listen("127.0.0.2", PLAIN), listen("127.0.0.3", PLAIN), listen("127.0.0.1", PROXY)];
    hosts.iter().for_each(|host| host.set_nonblocking(true).expect("a socket can"));
    let mut workers: [Worker; 4] = std::array::from_fn(|_| Worker::start());
    let alone = group("alone", &workers[2]);
    let guarded = Guarded::begin(&workers[3]);
    let mut told = serde_json::Map::new();
    for (index, (way, address)) in WAYS.iter().enumerate() {
        let host = &hosts[index];
        let real = host.local_addr().expect("it is bound");
        let wanted = SocketAddr::new(address.parse().expect("an address"), [PLAIN, PLAIN, CHECKED][index]);
        let mut samples: [Vec<f64>; 4] = Default::default();
        for _ in 0..rounds {
            let [bare, rest @ ..] = fastest(&mut workers, [real, real, real, wanted], host);
            samples[0].push(bare / CONNECTIONS as f64);
            samples[1..].iter_mut().zip(rest).for_each(|(samples, took)| samples.push(took / bare));
        }
        let [bare_ns, control, group, guarded] = samples;
        let ratios =
            serde_json::json!({ "bare_ns": bare_ns, "control": control, "group": group, "guarded": guarded });
        told.insert((*way).to_owned(), ratios);
    }
    drop(workers);
    alone.remove().expect("it is empty");
    guarded.end();
    println!("{}", serde_json::Value::Object(told));
}

/// Nanoseconds of each worker's fastest window. The windows take turns, so that all have the same fast moments.
fn fastest(workers: &mut [Worker; 4], to: [SocketAddr; 4], host: &TcpListener) -> [f64; 4] {
    let mut best = [f64::INFINITY; 4];
    for window in 0..WINDOWS {
        for turn in 0..4 {
            let one = (window + turn) % 4;
            best[one] = best[one].min(workers[one].window(to[one], host));
        }
    }
    best
}

const AT_ONCE: nix::libc::linger = nix::libc::linger { l_onoff: 1, l_linger: 0 };

/// For each line with an address: one window, and its nanoseconds.
fn work() {
    for line in std::io::stdin().lines() {
        let to: SocketAddr = line.expect("a pipe").parse().expect("an address");
        let begun = Instant::now();
        for _ in 0..CONNECTIONS {
            let stream = TcpStream::connect(to).expect("somebody listens");
            // It ends at once: connections that wait for stray packets would take up ports, and to look for free ones
            // would be most of what is measured.
            setsockopt(&stream, Linger, &AT_ONCE).expect("a socket can");
        }
        println!("{}", begun.elapsed().as_nanos());
    }
}

struct Worker {
    child: Child,
    pipes: Option<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Worker {
    fn start() -> Self {
        let own = std::env::current_exe().expect("/proc is mounted");
        let mut command = Command::new(own);
        command.arg("worker").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let pipes = child.stdin.take().zip(child.stdout.take().map(BufReader::new));
        Self { child, pipes }
    }

    /// Nanoseconds of one window.
    fn window(&mut self, to: SocketAddr, host: &TcpListener) -> f64 {
        let (stdin, stdout) = self.pipes.as_mut().expect("until its drop");
        writeln!(stdin, "{to}").expect("it reads");
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it tells");
        let came = std::iter::from_fn(|| host.accept().ok()).count();
        assert_eq!(came, CONNECTIONS, "what does not come costs less");
        line.trim().parse().expect("a number")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.pipes = None;
        let _ = self.child.wait();
    }
}

/// The layer, and the session of one worker.
struct Guarded {
    layer: Layer,
    session: Session,
    group: Group,
}

impl Guarded {
    fn begin(worker: &Worker) -> Self {
        let tables = tables();
        let options = Options { sizes: Sizes::of(&[&tables], 1, 1 << 16), kills_senders: false };
        let mut layer = Layer::load(&probe(), &options).expect("root loads the programs");
        let group = group("connect", worker);
        let directory = group.v2_directory_fd().expect("control groups of version 2");
        let cgroup = Some(Cgroup { directory, id: group.id().expect("it has an id") });
        let doors = Some(Doors { resolver: PROXY, proxy: PROXY });
        let opening =
            Opening { tables: &tables, server: None, supervisor: Pid::this(), identity: None, doors, cgroup };
        let session = layer.open(&opening).expect("a session opens");
        for (address, checked) in [(WAYS[1].1, 0), (WAYS[2].1, 1)] {
            let mut learned = Learned::default();
            learned.grants[0] = Learning { classes: 1, until_ns: u64::MAX, rule: 0, checked };
            session.egress().learn(address.parse().expect("an address"), &learned).expect("there is room");
        }
        // Nobody has to be marked where no program stands on a security hook; where they do there is more to pay for.
        assert!(
            layer.way().is_none(),
            "with security hooks the process must be marked: not measured by this bench"
        );
        Self { layer, session, group }
    }

    fn end(mut self) {
        self.group.remove().expect("it is empty");
        self.layer.close(self.session).expect("it closes");
    }
}

/// A group of its own for a worker.
fn group(label: &str, worker: &Worker) -> Group {
    let id = GroupId::own().and_then(|id| id.labelled(label).ok()).expect("a name");
    let group = Group::create(&id, &LimitsPlan::default()).expect("root makes groups");
    group.join(Pid::from_raw(worker.child.id().cast_signed())).expect("root moves");
    group
}

fn tables() -> Tables {
    let port = |port, flags| {
        (PortKey { port, usage: PortUse::Connect as u16, rules: 0 }, Port { rule: abi::NO_RULE, flags })
    };
    let range: std::net::Ipv4Addr = WAYS[0].1.parse().expect("an address");
    let key = AddressKey { address: range.to_ipv6_mapped().octets(), ..AddressKey::default() };
    Tables {
        ports: vec![port(PLAIN, 0), port(CHECKED, PORT_CHECKED)],
        addresses: vec![(128, key, Address { classes: 1, rule: 0, padding: 0 })],
        flags: session_flags::NETWORK | session_flags::DOORS,
        ..Tables::default()
    }
}
