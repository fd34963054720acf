//! What `/proc/TID/status` tells of a caller. Source: `proc_pid_status(5)`.

use nix::errno::Errno;

/// The fields that matter here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// The process that the thread belongs to.
    pub(super) process: i32,
    /// The bits that are taken from the mode of what it makes.
    pub(super) umask: u32,
    threads: u64,
    own_pending: u64,
    shared_pending: u64,
    blocked: u64,
    caught: u64,
}

/// A signal waits that the caller has a handler for: the kernel would end a waiting call for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    /// It is this thread that will handle it.
    Certain,
    /// It may be another thread of the process.
    Perhaps,
}

/// Reads the status of a thread. Only while it waits for an answer is its number its own.
pub(super) fn of(thread: i32) -> Result<Status, Errno> {
    let text = std::fs::read_to_string(format!("/proc/{thread}/status"));
    let text = text.map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))?;
    Ok(parse(&text))
}

fn parse(text: &str) -> Status {
    let mut status = Status { umask: 0o777, ..Status::default() };
    for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        let set = || u64::from_str_radix(value, 16).unwrap_or(0);
        match name {
            "Tgid" => status.process = value.parse().unwrap_or(0),
            "Umask" => status.umask = u32::from_str_radix(value, 8).unwrap_or(0o777),
            "Threads" => status.threads = value.parse().unwrap_or(0),
            "SigPnd" => status.own_pending = set(),
            "ShdPnd" => status.shared_pending = set(),
            "SigBlk" => status.blocked = set(),
            "SigCgt" => status.caught = set(),
            _ => {}
        }
    }
    status
}

impl Status {
    /// Whether a signal waits for it to come back.
    pub(super) fn pending(&self) -> Option<Pending> {
        let heard = self.caught & !self.blocked;
        if self.own_pending & heard != 0 || (self.shared_pending & heard != 0 && self.threads == 1) {
            return Some(Pending::Certain);
        }
        (self.shared_pending & heard != 0).then_some(Pending::Perhaps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_own_status() {
        let status = of(std::process::id().cast_signed()).expect("this process");
        assert_eq!(status.process, std::process::id().cast_signed());
        assert!(status.threads >= 1 && status.umask <= 0o777);
    }

    #[test]
    fn only_signals_that_are_heard_count() {
        let status = |own, shared, blocked, threads| Status {
            own_pending: own,
            shared_pending: shared,
            blocked,
            threads,
            caught: 0b110,
            ..Status::default()
        };
        assert_eq!(status(0, 0, 0, 1).pending(), None);
        assert_eq!(status(0b10, 0, 0, 2).pending(), Some(Pending::Certain));
        assert_eq!(status(0b10, 0, 0b10, 2).pending(), None);
        assert_eq!(status(0b1000, 0b1000, 0, 2).pending(), None, "it has no handler");
        assert_eq!(status(0, 0b100, 0, 1).pending(), Some(Pending::Certain));
        assert_eq!(status(0, 0b100, 0, 2).pending(), Some(Pending::Perhaps));
    }
}
