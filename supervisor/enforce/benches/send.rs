//! What the programs on control groups cost a process outside of every session: a datagram over the loopback interface,
//! with nothing attached, with nothing attached once more (the control), and with a session's group elsewhere that has
//! the programs. Root only. Tells one line of JSON: for each of both, the ratios to nothing attached, round by round.
#![expect(clippy::print_stdout, reason = "a benchmark tells by itself")]

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use enforce::Pid;
use enforce::bpf::{Cgroup, Layer, Opening, Options, Session, Sizes, probe};
use enforce::cgroup::{Group, GroupId};
use enforce::encode::Tables;
use policy::plan::LimitsPlan;

/// Windows of a round, of which the fastest counts: a busy machine makes the others longer.
const WINDOWS: usize = 40;
/// Datagrams of a window; the receiver has room for all of them.
const DATAGRAMS: usize = 100;

fn main() {
    let rounds = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(15);
    let options = Options { sizes: Sizes::of(&[], 1, 1 << 16), kills_senders: false };
    let mut layer = Layer::load(&probe(), &options).expect("root loads the programs");
    let line = Line::new();
    line.fastest();
    let (mut control, mut attached) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // Each comes first in turn.
        let mut measured = [0.0; 3];
        for turn in 0..3 {
            let what = (round + turn) % 3;
            let other = (what == 2).then(|| Other::begin(&mut layer));
            measured[what] = line.fastest();
            if let Some(other) = other {
                other.end(&mut layer);
            }
        }
        control.push(measured[1] / measured[0]);
        attached.push(measured[2] / measured[0]);
    }
    let hooks = layer.way().map(|way| format!("{way:?}"));
    println!("{}", serde_json::json!({ "control": control, "attached": attached, "hooks": hooks }));
}

/// Somebody else's session.
struct Other {
    session: Session,
    group: Group,
}

impl Other {
    fn begin(layer: &mut Layer) -> Self {
        let id = GroupId::own().and_then(|id| id.labelled("bench").ok()).expect("a name");
        let group = Group::create(&id, &LimitsPlan::default()).expect("root makes groups");
        let directory = group.v2_directory_fd().expect("control groups of version 2");
        let cgroup = Cgroup { directory, id: group.id().expect("it has an id") };
        let tables = Tables::default();
        let opening = Opening {
            tables: &tables,
            server: Some(Pid::this()),
            supervisor: Pid::this(),
            identity: None,
            doors: None,
            cgroup: Some(cgroup),
        };
        let session = layer.open(&opening).expect("a session opens");
        Self { session, group }
    }

    fn end(self, layer: &mut Layer) {
        self.group.remove().expect("it is empty");
        layer.close(self.session).expect("it closes");
    }
}

/// A sender and a receiver.
struct Line {
    sender: UdpSocket,
    receiver: UdpSocket,
}

impl Line {
    fn new() -> Self {
        let socket = || UdpSocket::bind("127.0.0.1:0").expect("a port of the loopback interface");
        let (sender, receiver) = (socket(), socket());
        receiver.set_nonblocking(true).expect("a socket can");
        Self { sender, receiver }
    }

    /// Nanoseconds of the fastest window.
    fn fastest(&self) -> f64 {
        let windows = (0..WINDOWS).map(|_| self.window());
        windows.min().unwrap_or_default().as_nanos() as f64
    }

    fn window(&self) -> Duration {
        let to = self.receiver.local_addr().expect("it is bound");
        let begun = Instant::now();
        for _ in 0..DATAGRAMS {
            self.sender.send_to(b"datagram", to).expect("it is sent");
        }
        let took = begun.elapsed();
        let mut bytes = [0; 16];
        let received = std::iter::from_fn(|| self.receiver.recv(&mut bytes).ok()).count();
        assert_eq!(received, DATAGRAMS, "what is dropped costs less");
        took
    }
}
