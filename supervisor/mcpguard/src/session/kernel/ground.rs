//! Who has the kernel's part of a session: this process, which is root, or the host daemon.

use std::os::fd::BorrowedFd;

use audit::{Actor, Body, Lost, LostKind, Operation, OperationKind};
use enforce::cgroup::GroupEvents;
use enforce::{Enclosure, KernelEvent};

use super::tell;
use crate::hosted::{Hosted, News};

/// Who has it.
pub(super) enum Ground {
    /// This process.
    Own(Box<Enclosure>),
    /// The daemon.
    Hosted(Box<Hosted>),
}

/// What was heard.
pub(super) enum Heard {
    /// The kernel denied something.
    Event(KernelEvent),
    /// Something else that is to be written down.
    Told(Body),
    /// The session is over; why.
    Over(String),
}

impl Ground {
    /// Readable when there is something to hear.
    pub(super) fn bell(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Own(enclosure) => enclosure.bell(),
            Self::Hosted(hosted) => Some(hosted.bell()),
        }
    }

    /// From now on these classes hold.
    pub(super) fn follow(&self, active: u64, call: u64) {
        match self {
            Self::Own(enclosure) => enclosure.follow(active, call),
            Self::Hosted(hosted) => hosted.follow(active, call),
        }
    }

    /// What the kernel told until now can be heard from now on.
    pub(super) fn catch_up(&self) {
        if let Self::Hosted(hosted) = self {
            hosted.catch_up();
        }
    }

    /// The next of what was heard.
    pub(super) fn hear(&mut self) -> Option<Heard> {
        match self {
            Self::Own(enclosure) => enclosure.event().map(Heard::Event),
            Self::Hosted(hosted) => hosted.news().map(heard),
        }
    }

    /// Events that the ring had no room for. The daemon tells of them by itself.
    pub(super) fn dropped(&mut self) -> Option<Body> {
        match self {
            Self::Own(enclosure) => tell::dropped(&enclosure.dropped()),
            Self::Hosted(_) => None,
        }
    }

    /// What the control group's limits have done.
    pub(super) fn resources(&self) -> GroupEvents {
        match self {
            Self::Own(enclosure) => enclosure.resources(),
            Self::Hosted(hosted) => hosted.resources(),
        }
    }

    /// What is proved by this process; the daemon proves its sessions by itself.
    pub(super) fn own(&self) -> Option<&Enclosure> {
        match self {
            Self::Own(enclosure) => Some(enclosure),
            Self::Hosted(_) => None,
        }
    }

    /// The same, to be proved.
    pub(super) fn own_mut(&mut self) -> Option<&mut Enclosure> {
        match self {
            Self::Own(enclosure) => Some(enclosure),
            Self::Hosted(_) => None,
        }
    }

    /// Stops every process of the session where it stands.
    pub(super) fn freeze(&self) -> Result<(), String> {
        match self {
            Self::Own(enclosure) => enclosure.freeze().map_err(|error| error.to_string()),
            Self::Hosted(hosted) => hosted.freeze().map_err(|error| format!("{error:#}")),
        }
    }

    /// Ends every process of the session.
    pub(super) fn kill(&self) -> Result<(), String> {
        match self {
            Self::Own(enclosure) => enclosure.kill().map_err(|error| error.to_string()),
            Self::Hosted(hosted) => {
                hosted.end("the session has ended");
                Ok(())
            }
        }
    }
}

fn heard(news: News) -> Heard {
    match news {
        News::Denied(event) => Heard::Event(*event),
        News::Missed(count) => Heard::Told(Body::Lost(Lost {
            count,
            kind: LostKind::KernelEvents,
            reason: Some(
                "denials that the host daemon did not tell of: the kernel's ring of events was full, or there was no daemon; \
                 those that it read are in its own log"
                    .to_owned(),
            ),
        })),
        News::Ended(why) => Heard::Over(why),
        News::Frozen(why) => Heard::Told(operation(OperationKind::Freeze, why)),
        News::Thawed(why) => Heard::Told(operation(OperationKind::Thaw, why)),
        News::Limited(why) => Heard::Told(operation(OperationKind::Limits, why)),
        News::Lost(why) => Heard::Told(operation(
            OperationKind::Stop,
            format!(
                "the host daemon is gone ({why}); the session goes on under its rules, and learns no addresses"
            ),
        )),
        News::Regained => Heard::Told(operation(OperationKind::Start, "the host daemon is back".to_owned())),
    }
}

fn operation(operation: OperationKind, detail: String) -> Body {
    Body::Operation(Operation { operation, by: Actor::Daemon, uid: None, detail: Some(detail) })
}
