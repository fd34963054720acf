//! The gate: receives the reports of calls about addresses, and carries out what the policy lets be done.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use abi::Reason;
use nix::errno::Errno;

use super::batch::Batch;
use super::bind;
use super::caller::{Caller, Stretch};
use super::connect::Connect;
use super::denial::{Attempt, NetworkDenial, Refusal};
use super::desk::Desk;
use super::job::Job;
use super::message::Message;
use super::names::{self, read_address};
use super::parked::{Occasion, Parked, Waiting};
use super::prepared::Prepared;
use super::receive::Receive;
use super::send::Send;
use super::socket::Socket;
use super::status::{self, Pending};
use super::step::{Progress, Stop};
use crate::egress::Egress;
use crate::seccomp::Modes;
use crate::sys::{self, End, Notification, Unprivileged};

/// `ERESTARTSYS` of the kernel: after the handler has run, the call is made again or ends with `EINTR`, as the handler was
/// installed (`SA_RESTART`). It is never seen by a program for which a signal waits.
const RESTART: i32 = 512;

/// Everything about addresses, for one session.
#[derive(Debug)]
pub(crate) struct Gate {
    desk: Desk,
    parked: Parked,
}

/// A call that is begun.
enum Begun {
    /// It is over.
    Over(i64),
    /// It may have to wait.
    Job(Socket, Job),
}

impl Gate {
    /// Answers the reports of this listener.
    pub(crate) fn new(prepared: Prepared, listener: Arc<OwnedFd>, modes: Arc<Modes>) -> Result<Self, Errno> {
        let Prepared { session, unix } = prepared;
        Ok(Self { desk: Desk::new(listener, session, modes, unix), parked: Parked::new()? })
    }

    /// Carries out the reported call, or parks it, or refuses it: then it says why.
    pub(crate) fn begin(&mut self, name: &str, report: &Notification) -> Option<NetworkDenial> {
        let listener = Arc::clone(&self.desk.listener);
        let caller = Caller { listener: listener.as_fd(), thread: report.thread, id: report.id };
        let unprivileged = Unprivileged::begin();
        let begun = match unprivileged {
            Ok(_) => self.take_up(name, &caller, &report.arguments),
            Err(error) => Err(error.into()),
        };
        match begun {
            // Its socket is let go after the answer: nobody needs to wait for that.
            Ok(Begun::Job(socket, mut job)) => match job.step(&mut self.desk, &caller, &socket) {
                Ok(Progress::Waits(interest)) => {
                    let parked = self.park(Waiting::new(&caller, socket, job, interest));
                    parked.err().and_then(|stop| self.settle(&caller, Err(stop)))
                }
                over => self.settle(&caller, over),
            },
            Ok(Begun::Over(result)) => self.settle(&caller, Ok(Progress::Done(result))),
            Err(stop) => self.settle(&caller, Err(stop)),
        }
    }

    fn take_up(&mut self, name: &str, caller: &Caller<'_>, arguments: &[u64; 6]) -> Result<Begun, Stop> {
        // The kernel reads 32 bits of a descriptor.
        let number = (arguments[0] as u32).cast_signed();
        let duplicate =
            self.desk.handles.duplicate(caller, number).map_err(|error| unreadable(name, error))?;
        let socket = Socket::of(duplicate)?;
        let [_, second, third, fourth, fifth, sixth] = *arguments;
        let int = |argument: u64| (argument as u32).cast_signed();
        let desk = &mut self.desk;
        let job = match name {
            "connect" => {
                let address = read_address(caller, second, third)?;
                Job::Connect(Connect::new(desk, caller, &socket, address)?)
            }
            "sendto" => {
                let to = (fifth != 0).then(|| read_address(caller, fifth, sixth)).transpose()?;
                let message = Message::of(to, second, third);
                Job::Send(Send::new(desk, caller, &socket, message, int(fourth))?)
            }
            "sendmsg" => {
                let message = Message::read(caller, second)?;
                Job::Send(Send::new(desk, caller, &socket, message, int(third))?)
            }
            "sendmmsg" => Job::Batch(Batch::new(second, third, int(fourth))),
            "recvfrom" => {
                let into = Stretch { at: second, length: third };
                Job::Receive(Receive { into, flags: int(fourth), source: (fifth, sixth) })
            }
            _ => return self.at_once(name, caller, &socket, arguments).map(Begun::Over),
        };
        Ok(Begun::Job(socket, job))
    }

    /// The calls that never wait.
    fn at_once(
        &mut self,
        name: &str,
        caller: &Caller<'_>,
        socket: &Socket,
        &[_, second, third, ..]: &[u64; 6],
    ) -> Result<i64, Stop> {
        let desk = &mut self.desk;
        match name {
            "bind" => {
                let address = read_address(caller, second, third)?;
                bind::bind(desk, caller, socket, &address)
            }
            "listen" => bind::listen(desk, socket, (second as u32).cast_signed()),
            "getpeername" => names::tell(desk, caller, socket, End::Far, (second, third)),
            "getsockname" => names::tell(desk, caller, socket, End::Near, (second, third)),
            _ => Err(Refusal::new(Attempt::Send, verdict::Denial::of(Reason::Internal)).into()),
        }
    }

    fn park(&mut self, waiting: Waiting) -> Result<(), Stop> {
        self.parked.park(waiting).map_err(|waiting| match waiting.job.given_up(libc::ENOBUFS) {
            Ok(_) => Stop::Failed(Errno::EAGAIN),
            Err(error) => Stop::Failed(Errno::from_raw(error)),
        })
    }

    /// Goes on with the calls that can, each by one step, so that none holds the others up. What one of them is denied now
    /// is returned at once.
    pub(crate) fn resume(&mut self) -> Option<NetworkDenial> {
        self.parked.look();
        while let Some((waiting, occasion)) = self.parked.next() {
            if let Some(denial) = self.look_at(waiting, occasion) {
                return Some(denial);
            }
        }
        None
    }

    fn look_at(&mut self, mut waiting: Waiting, occasion: Occasion) -> Option<NetworkDenial> {
        let listener = Arc::clone(&self.desk.listener);
        let caller = Caller { listener: listener.as_fd(), thread: waiting.thread, id: waiting.id };
        if caller.waits().is_err() {
            // It has died; its socket is let go.
            return None;
        }
        let given_up = match occasion {
            Occasion::Ready => None,
            Occasion::Late => Some(waiting.job.given_up(waiting.job.timed_out())),
            Occasion::Round => interrupted(&caller).map(|error| waiting.job.given_up(error)),
        };
        if let Some(result) = given_up {
            answer(&caller, result);
            return None;
        }
        if occasion == Occasion::Round {
            return self.wait_again(&caller, waiting);
        }
        let progress = Unprivileged::begin()
            .map_err(Stop::from)
            .and_then(|_unprivileged| waiting.job.step(&mut self.desk, &caller, &waiting.socket));
        match progress {
            Ok(Progress::Waits(interest)) => {
                waiting.interest = interest;
                self.wait_again(&caller, waiting)
            }
            over => self.settle(&caller, over),
        }
    }

    fn wait_again(&mut self, caller: &Caller<'_>, waiting: Waiting) -> Option<NetworkDenial> {
        match self.park(waiting) {
            Ok(()) => None,
            Err(stop) => self.settle(caller, Err(stop)),
        }
    }

    /// Tells the caller what came of its call, unless it waits.
    fn settle(&self, caller: &Caller<'_>, progress: Result<Progress, Stop>) -> Option<NetworkDenial> {
        match progress {
            Ok(Progress::Waits(_)) => None,
            Ok(Progress::Done(result)) => {
                answer(caller, Ok(result));
                None
            }
            Err(Stop::Failed(error)) => {
                answer(caller, Err(error as i32));
                None
            }
            Err(Stop::Denied(refusal, done)) => {
                answer(caller, done.ok_or(libc::EPERM));
                Some(refusal.of(caller.thread, self.desk.session.moment()))
            }
        }
    }

    /// Readable when a call that waits can go on.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.parked.descriptor()
    }

    /// How long [`Self::resume`] has nothing to do unless [`Self::descriptor`] is readable; `None`: for ever.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.parked.patience()
    }

    /// Whether calls wait.
    pub(crate) fn waits(&self) -> bool {
        !self.parked.is_empty()
    }
}

/// A caller that closes itself to the supervisor (`PR_SET_DUMPABLE`) cannot be helped, and is not let through.
fn unreadable(name: &str, error: Errno) -> Stop {
    let kind = match name {
        "connect" => Attempt::Connect,
        "bind" | "listen" => Attempt::Bind,
        _ => Attempt::Send,
    };
    match error {
        Errno::EPERM | Errno::EACCES => Refusal::new(kind, verdict::Denial::of(Reason::Internal)).into(),
        other => other.into(),
    }
}

/// The errno for a caller for which a signal waits.
fn interrupted(caller: &Caller<'_>) -> Option<i32> {
    let status = status::of(caller.thread).ok()?;
    caller.waits().ok()?;
    status.pending().map(|pending| match pending {
        Pending::Certain => RESTART,
        Pending::Perhaps => libc::EINTR,
    })
}

/// The caller may have died meanwhile; then there is nobody to answer.
fn answer(caller: &Caller<'_>, result: Result<i64, i32>) {
    let _ = match result {
        Ok(result) => sys::answer_with(caller.listener, caller.id, result),
        Err(errno) => sys::answer_notification(caller.listener, caller.id, errno),
    };
}
