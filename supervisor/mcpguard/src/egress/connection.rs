//! One connection through the proxy: it says a name, the name is judged, and then bytes flow.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use names::Unspeakable;
use peek::{Expect, Fault, Head, Hello, Host, Peek, Peeking};
use policy::plan::{RuleId, Speech};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::clock::now_ns;
use super::held::Held;
use super::relay::Relay;
use super::room::Room;
use super::teller::{By, Refused};
use super::{handshake, requests};

/// How long a client may take to say whom it wants to talk to.
const SAY: Duration = Duration::from_secs(5);
/// How long the address may take to answer: as long as Linux itself tries by default (`tcp_syn_retries` 6).
const REACH: Duration = Duration::from_secs(127);

/// A connection that was led here.
pub(super) struct Connection {
    room: Room,
    wanted: SocketAddr,
    /// When it was let through.
    began_ns: u64,
    /// Names that it was let through for: it goes on with them when what was learned has ended.
    spoken: RefCell<BTreeSet<String>>,
}

/// Why a connection is not carried, in words, and the name that it said.
struct Refusal {
    name: Option<String>,
    why: String,
    rule: Option<RuleId>,
}

impl Refusal {
    fn nameless(why: impl ToString) -> Self {
        Self { name: None, why: why.to_string(), rule: None }
    }
}

/// What the client has said first.
enum Said {
    Tls(Hello, String),
    Http(Head),
}

impl Connection {
    /// A connection to this address.
    pub(super) fn new(room: Room, wanted: SocketAddr) -> Self {
        let wanted = SocketAddr::new(wanted.ip().to_canonical(), wanted.port());
        Self { room, wanted, began_ns: now_ns(), spoken: RefCell::default() }
    }

    /// From the first byte to the last.
    pub(super) async fn carry(&self, near: TcpStream) {
        let _ = near.set_nodelay(true);
        let mut held = Held::new();
        let carried = match self.listen(&near, &mut held).await {
            Ok(Some(said)) => self.connect(&near, said, held).await,
            // It ended before it said anything.
            Ok(None) => Ok(()),
            Err(refusal) => {
                self.tell(refusal);
                Err(io::ErrorKind::PermissionDenied.into())
            }
        };
        if carried.is_err() {
            reset(&near);
        }
    }

    /// Hears whom the client wants to talk to, and judges that.
    async fn listen(&self, near: &TcpStream, held: &mut Held) -> Result<Option<Said>, Refusal> {
        let late = || Refusal::nameless(format!("no name was said within {} seconds", SAY.as_secs()));
        let Some(said) = timeout(SAY, self.hear(near, held)).await.map_err(|_| late())?? else {
            return Ok(None);
        };
        match &said {
            Said::Tls(_, name) => self.judge(name)?,
            Said::Http(head) => self.judge_head(head)?,
        }
        Ok(Some(said))
    }

    async fn hear(&self, near: &TcpStream, held: &mut Held) -> Result<Option<Said>, Refusal> {
        let expect = match Speech::expected_at(self.wanted.port()) {
            Some(Speech::Http) => Expect::Http,
            _ => Expect::Tls,
        };
        let mut peeking = Peeking::new(expect);
        loop {
            match held.more(near).await {
                Ok(0) if held.bytes().is_empty() => return Ok(None),
                Ok(0) => return Err(Refusal::nameless("it ended before it had said a name")),
                Ok(_) => {}
                Err(_) => return Ok(None),
            }
            match peeking.look(held.bytes()) {
                Peek::More => {}
                Peek::Tls(hello) => return named(hello).map(Some),
                Peek::Http(head) => return Ok(Some(Said::Http(head))),
                Peek::Fault(fault) => return Err(Refusal::nameless(fault)),
            }
        }
    }

    fn judge(&self, name: &str) -> Result<(), Refusal> {
        let active = self.room.active();
        let judged = self.room.names.borrow().may_speak(name, self.wanted.ip(), active, self.began_ns);
        let known = || self.spoken.borrow().contains(name);
        if judged.is_ok() || (matches!(judged, Err(Unspeakable::NotLearned { .. })) && known()) {
            if self.spoken.borrow_mut().insert(name.to_owned()) {
                self.room.teller.reached(name);
            }
            return Ok(());
        }
        judged.map(|_| ()).map_err(|why| Refusal {
            name: Some(name.to_owned()),
            rule: match why {
                Unspeakable::Unnamed => None,
                Unspeakable::Inactive { rule } | Unspeakable::NotLearned { rule } => Some(rule),
            },
            why: why.to_string(),
        })
    }

    fn judge_head(&self, head: &Head) -> Result<(), Refusal> {
        if head.port.is_some_and(|port| port != self.wanted.port()) {
            return Err(Refusal::nameless("its request names another port than it is sent to"));
        }
        match &head.host {
            Host::Name(name) => self.judge(name),
            Host::Address(address) => Err(Refusal::nameless(format!(
                "its request is for the address {address}; addresses stand in `allowed_cidrs`"
            ))),
        }
    }

    /// Connects to the address that was wanted (not to what the name stands for by now), and carries.
    async fn connect(&self, near: &TcpStream, said: Said, held: Held) -> io::Result<()> {
        let name = match &said {
            Said::Tls(_, name) => name,
            Said::Http(Head { host: Host::Name(name), .. }) => name,
            Said::Http(_) => return Err(io::ErrorKind::PermissionDenied.into()),
        };
        // As they were when it was judged: another policy may hold before it is connected.
        let classes = self.room.classes_of(name);
        let cut = || Err(io::ErrorKind::ConnectionAborted.into());
        let far = tokio::select! {
            far = timeout(REACH, TcpStream::connect(self.wanted)) => far??,
            () = self.room.is_cut(name, classes) => return cut(),
        };
        far.set_nodelay(true)?;
        let relay = Relay { room: &self.room, pipes: &self.room.pipes, classes };
        let carry = async {
            match &said {
                Said::Tls(hello, _) => handshake::carry(&relay, (near, &far), hello, held).await,
                Said::Http(_) => {
                    let judge = |head: &Head| self.judge_head(head).map_err(|refusal| self.refused(refusal));
                    requests::carry(&relay, (near, &far), held, judge).await
                }
            }
        };
        let carried = tokio::select! {
            carried = carry => carried,
            () = self.room.is_cut(name, classes) => cut(),
        };
        carried.inspect_err(|error| {
            // What breaks on one side breaks on the other: a half of a download must not look like all of it.
            reset(&far);
            if let Some(fault) = error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>()) {
                self.tell(Refusal { name: Some(name.clone()), why: fault.to_string(), rule: None });
            }
        })
    }

    fn refused(&self, refusal: Refusal) -> io::Error {
        self.tell(refusal);
        io::ErrorKind::PermissionDenied.into()
    }

    fn tell(&self, Refusal { name, why, rule }: Refusal) {
        let wanted = self.wanted;
        self.room.teller.tell(Refused {
            by: By::Proxy,
            detail: format!("connect to {wanted}"),
            what: name.unwrap_or_else(|| wanted.to_string()),
            reason: why,
            rule,
            over_limit: false,
            process: None,
        });
    }
}

fn named(hello: Hello) -> Result<Said, Refusal> {
    match hello.server_name.clone() {
        Some(name) => Ok(Said::Tls(hello, name)),
        None => Err(Refusal::nameless(
            "its ClientHello names no server (SNI), so that nobody can tell whom it is for",
        )),
    }
}

/// Ends a connection so that the other side sees that something was wrong.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}
