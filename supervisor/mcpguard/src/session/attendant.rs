//! A thread that carries out the server's calls about sockets, where no eBPF program judges addresses: each call of the
//! server waits for it, so that it may not wait for the doorman's messages.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use enforce::{Attempt, DenialListener, ListenError, NetworkDenial, Served, SyscallDenial, Woken};
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::egress::{By, Refused, Teller};

/// Denied system calls that wait to be written down.
const WAITING: usize = 4096;

/// How long the thread may take to end.
const PATIENCE: Duration = Duration::from_secs(1);

/// The thread, and what it tells.
pub(super) struct Attendant {
    denials: Receiver<SyscallDenial>,
    lost: Arc<AtomicU64>,
    /// Its end stops the thread.
    stop: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Attendant {
    /// Lets a thread serve the listener from now on. What is refused for its address goes to the teller.
    pub(super) fn start(listener: DenialListener, teller: Teller) -> io::Result<Self> {
        let (stopped, stop) = pipe2(OFlag::O_CLOEXEC)?;
        let (sender, denials) = channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let desk = Desk { listener, teller, sender, lost: Arc::clone(&lost) };
        let thread = Builder::new().name("gate".to_owned()).spawn(move || desk.attend(&stopped))?;
        Ok(Self { denials, lost, stop: Some(stop), thread: Some(thread) })
    }

    /// The next denied call; for ever nothing once no process is left.
    pub(super) async fn next(&mut self) -> SyscallDenial {
        match self.denials.recv().await {
            Some(denial) => denial,
            None => std::future::pending().await,
        }
    }

    /// A denied call that was heard already. Never waits.
    pub(super) fn now(&mut self) -> Option<SyscallDenial> {
        self.denials.try_recv().ok()
    }

    /// Denied calls that are only known by number, since this was last asked.
    pub(super) fn lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Attendant {
    fn drop(&mut self) {
        self.stop.take();
        // A server can make its own thread wait by what it does to its sockets; nobody else waits for that.
        let until = Instant::now() + PATIENCE;
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

struct Desk {
    listener: DenialListener,
    teller: Teller,
    sender: Sender<SyscallDenial>,
    lost: Arc<AtomicU64>,
}

impl Desk {
    /// Serves until nobody is left to be served, or until it is stopped; then the kernel lets calls fail.
    fn attend(mut self, stopped: &OwnedFd) {
        loop {
            match self.listener.wait(None, Some(stopped.as_fd())) {
                Ok(Woken::Stopped) => return,
                Ok(Woken::Work | Woken::Idle) => {}
                Err(error) => return give_up(&error),
            }
            match self.listener.serve() {
                Ok(Some(served)) => self.tell(served),
                Ok(None) => {}
                Err(ListenError::Ended) => return,
                Err(error) => return give_up(&error),
            }
        }
    }

    fn tell(&self, served: Served) {
        match served {
            Served::CarriedOut => {}
            Served::Network(denial) => self.teller.tell(refused(&denial)),
            Served::Denied(denial) => {
                if self.sender.try_send(denial).is_err() {
                    self.lost.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

fn give_up(error: &ListenError) {
    tracing::error!("{error}: the server's calls about sockets fail from now on");
}

/// A denial in words, as the eBPF programs' denials are told.
fn refused(denial: &NetworkDenial) -> Refused {
    let object = match (&denial.address, &denial.path) {
        (Some(address), _) => address.to_string(),
        (None, Some(path)) => path.display().to_string(),
        (None, None) => format!("protocol {}", denial.protocol),
    };
    let attempt = match denial.kind {
        Attempt::Connect => "connect to",
        Attempt::Send => "send to",
        Attempt::Bind => "listen on",
        Attempt::Unix => "connect to the unix socket",
    };
    Refused {
        by: By::Gate,
        detail: format!("{attempt} {object}"),
        what: object,
        reason: super::kernel::because(denial.reason).to_owned(),
        rule: denial.rule,
        over_limit: denial.reason == abi::Reason::Rate,
        process: Some(denial.thread),
    }
}
