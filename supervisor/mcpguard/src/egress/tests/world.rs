//! A backend that remembers, an upstream that answers, and a client's first words.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use abi::Learned;
use enforce::{Doors, Egress, LearnError};
use nix::sys::socket::{Shutdown, shutdown};
use policy::plan::{CidrRule, ClassMask, DomainRule, NetworkPlan, Records, RuleId, Verify};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use crate::egress::descriptors::Shares;
use crate::egress::doors::DoorsOpen;
use crate::egress::hosts::{Host, Upstreams};
use crate::egress::revise::{self, Revision};
use crate::egress::room::Room;
use crate::egress::{Told, serve_again, teller};

/// Who decides about addresses.
#[derive(Debug, Default)]
pub(super) struct Backend {
    pub(super) learned: Mutex<HashMap<IpAddr, Learned>>,
    /// What was made known under the policy that is prepared.
    pub(super) next: Mutex<HashMap<IpAddr, Learned>>,
    pub(super) arrivals: Mutex<HashMap<SocketAddr, SocketAddr>>,
    active: AtomicU64,
    /// No address more can be made known.
    pub(super) full: Mutex<bool>,
}

impl Egress for Backend {
    fn learn(&self, address: IpAddr, learned: &Learned) -> Result<(), LearnError> {
        if *self.full.lock().expect("no panic") {
            return Err(LearnError::Full);
        }
        self.learned.lock().expect("no panic").insert(address, *learned);
        Ok(())
    }

    fn learn_next(&self, address: IpAddr, learned: &Learned) -> Result<(), LearnError> {
        self.next.lock().expect("no panic").insert(address, *learned);
        Ok(())
    }

    fn forget(&self, address: IpAddr) {
        self.learned.lock().expect("no panic").remove(&address);
    }

    fn arrived(&self, peer: SocketAddr) -> Option<SocketAddr> {
        // The kernel's programs know a connection before its door does; these tests may be a moment late.
        for _ in 0..100 {
            if let Some(wanted) = self.arrivals.lock().expect("no panic").remove(&peer) {
                return Some(wanted);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }

    fn moment(&self) -> (u64, u64) {
        (self.active.load(Ordering::SeqCst), 0)
    }

    fn follow(&self, active: u64, _: u64) {
        self.active.store(active, Ordering::SeqCst);
    }

    fn grant(&self, _: abi::Spending, _: u8, _: u64) {}

    fn spent(&self, _: abi::Spending, _: u8) -> u64 {
        0
    }
}

/// Doors that are served, until it is dropped.
pub(super) struct World {
    pub(super) backend: Arc<Backend>,
    pub(super) told: Told,
    pub(super) doors: Doors,
    pub(super) revisions: UnboundedSender<Revision>,
    sockets: Vec<(&'static str, OwnedFd)>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// The class of the rule for `tool.example`.
pub(super) const TOOL: u64 = 2;

pub(super) fn plan() -> NetworkPlan {
    let rule = |name: &str, classes, from| DomainRule {
        name: name.to_owned(),
        subdomains_only: false,
        classes,
        verify: Verify::Name,
        records: Records::default(),
        from: RuleId(from),
    };
    let tool = policy::plan::ClassId::new(1).map(ClassMask::only).expect("a class");
    // The hosts of these tests are on loopback, which no name may stand for otherwise.
    let loopback =
        CidrRule { address: [127, 0, 0, 0].into(), prefix: 8, classes: ClassMask::ALWAYS, from: RuleId(9) };
    NetworkPlan {
        domains: vec![rule("api.example", ClassMask::ALWAYS, 0), rule("tool.example", tool, 1)],
        cidrs: vec![loopback],
        ports: vec![443],
        ..NetworkPlan::default()
    }
}

impl World {
    /// Serves doors whose upstream answers every name with 127.0.0.1.
    pub(super) fn new() -> Self {
        Self::sharing(Shares { connections: 1_000, pipes: 100 })
    }

    /// The same with so many connections and pipes.
    pub(super) fn sharing(shares: Shares) -> Self {
        let doors = DoorsOpen::open().expect("ports are free");
        let sockets = doors.sockets();
        let ports = doors.ports();
        let backend = Arc::new(Backend::default());
        backend.follow(1, 0);
        let (teller, told) = teller::pair();
        let (stop, stopped) = oneshot::channel::<()>();
        let (revisions, mut revised) = unbounded_channel();
        let shared: Arc<dyn Egress> = Arc::<Backend>::clone(&backend);
        let upstreams = Upstreams {
            servers: vec![upstream()],
            search: Vec::new(),
            patience: Duration::from_secs(2),
            attempts: 1,
        };
        let thread = std::thread::spawn(move || {
            let events =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
            let host = Host { names: Vec::new(), upstreams };
            let work = async {
                let room = Room::new(plan(), shared, teller, host, shares).expect("a room");
                tokio::select! {
                    failed = serve_again(&room, doors) => failed,
                    failed = revise::follow(&room, &mut revised) => failed,
                }
            };
            events.block_on(LocalSet::new().run_until(async {
                tokio::select! {
                    failed = work => panic!("{failed}"),
                    _ = stopped => {}
                }
            }));
        });
        Self { backend, told, doors: ports, revisions, sockets, stop: Some(stop), thread: Some(thread) }
    }

    /// Asks the resolver for addresses of a name; the answer's code and addresses.
    pub(super) fn look_up(&self, name: &str) -> (u8, Vec<IpAddr>) {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        socket.send_to(&question(name), ("127.0.0.1", self.doors.resolver)).expect("sent");
        let mut buffer = [0; 2048];
        let count = socket.recv(&mut buffer).expect("an answer");
        read_answer(&buffer[..count])
    }

    /// A connection to the proxy that was led there on its way to `wanted`.
    pub(super) fn connect(&self, wanted: SocketAddr) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.doors.proxy)).expect("the door is open");
        let near = stream.local_addr().expect("bound");
        self.backend.arrivals.lock().expect("no panic").insert(near, wanted);
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        stream
    }

    /// Breaks the listening sockets of a kind, as if the kernel had given them up, and lets go of all of them.
    pub(super) fn break_sockets(&mut self, kind: &str) {
        for (_, socket) in self.sockets.iter().filter(|(its, _)| *its == kind) {
            shutdown(socket.as_raw_fd(), Shutdown::Both).expect("it listens");
        }
        self.sockets.clear();
    }

    /// The next refusal.
    pub(super) fn refused(&mut self) -> crate::egress::Refused {
        for _ in 0..500 {
            if let Some(refused) = self.told.now() {
                return refused;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("nothing was told");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.take();
        self.thread.take().map(std::thread::JoinHandle::join);
    }
}

/// A name server that says 127.0.0.1 for every name.
fn upstream() -> SocketAddr {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("a socket");
    let address = socket.local_addr().expect("bound");
    std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((count, client)) = socket.recv_from(&mut buffer) {
            let end = 12 + buffer[12..count].iter().position(|byte| *byte == 0).expect("a name") + 5;
            let mut answer = buffer[..2].to_vec();
            answer.extend([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
            answer.extend(&buffer[12..end]);
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
            let _ = socket.send_to(&answer, client);
        }
    });
    address
}

/// A question for the IPv4 addresses of a name.
pub(super) fn question(name: &str) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).expect("short"));
        message.extend(label.bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

/// The response code, and the addresses of an answer whose records name the question's name.
pub(super) fn read_answer(message: &[u8]) -> (u8, Vec<IpAddr>) {
    assert_eq!(message[..2], [0x12, 0x34], "it is the question's");
    let addresses = message.windows(6).filter(|part| part[..2] == [0, 4]).map(|part| {
        let octets: [u8; 4] = part[2..].try_into().expect("four");
        IpAddr::from(octets)
    });
    let count = usize::from(message[7]);
    (message[3] & 15, addresses.take(count).collect())
}

/// A ClientHello of TLS 1.2 for a server, in one record.
pub(super) fn hello(name: &str) -> Vec<u8> {
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).expect("short").to_be_bytes();
    let counted = |bytes: Vec<u8>| [length(&bytes).to_vec(), bytes].concat();
    let host = [vec![0], counted(name.as_bytes().to_vec())].concat();
    let extension = [vec![0, 0], counted(counted(host))].concat();
    let body =
        [vec![3, 3], vec![7; 32], vec![0], counted(vec![0x13, 1]), vec![1, 0], counted(extension)].concat();
    let message = [vec![1, 0], counted(body)].concat();
    [vec![22, 3, 1], counted(message)].concat()
}

/// A host that sends back what it hears, and nothing more once its peer says nothing more.
pub(super) fn echo() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a listener");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut stream = stream;
                let mut buffer = vec![0; 64 * 1024];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    if stream.write_all(&buffer[..count]).is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}
