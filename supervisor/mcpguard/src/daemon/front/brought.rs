//! The process that a client has brought, as far as this process can see: the keeper asks the kernel again.

use std::fs::read_to_string;
use std::os::fd::{AsRawFd, OwnedFd};

use control::message::{Code, Refusal};
use control::rights::{Brought, Kinship, Place};

use super::refusal::refusal;

/// What can be seen of the process behind a handle; `None`: nothing, because `/proc` does not show it here.
///
/// # Errors
/// The descriptor is no handle of a process, or the process is gone.
pub(super) fn facts(process: &OwnedFd, peer: i32) -> Result<Option<Brought>, Refusal> {
    let Ok(about) = read_to_string(format!("/proc/self/fdinfo/{}", process.as_raw_fd())) else {
        return Ok(None);
    };
    let number: i32 = field(&about, "Pid:").and_then(|text| text.trim().parse().ok()).ok_or_else(|| {
        refusal(Code::Process, "what was brought is no handle of a process; send its pidfd with the request")
    })?;
    if number <= 0 {
        return Err(refusal(Code::Process, "the process that was brought is gone"));
    }
    let Ok(status) = read_to_string(format!("/proc/{number}/status")) else { return Ok(None) };
    Ok(read(&status, number, peer))
}

fn read(status: &str, number: i32, peer: i32) -> Option<Brought> {
    let mut uids = field(status, "Uid:")?.split_whitespace().map(str::parse);
    let mut next = || uids.next()?.ok();
    let uids = [next()?, next()?, next()?];
    let parent: i32 = field(status, "PPid:")?.trim().parse().ok()?;
    let kinship = match () {
        () if number == peer => Kinship::Itself,
        () if parent == peer => Kinship::Child,
        () => Kinship::Stranger,
    };
    // Its mark is the keeper's to look at.
    Some(Brought { uids, kinship, place: Place::Free })
}

/// The rest of the line that begins so.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proc_says_is_read() {
        let status = "Name:\tx\nPid:\t7\nPPid:\t5\nUid:\t1000\t1001\t1002\t1003\n";
        let brought = |kinship| Some(Brought { uids: [1000, 1001, 1002], kinship, place: Place::Free });
        assert_eq!(read(status, 7, 5), brought(Kinship::Child));
        assert_eq!(read(status, 7, 7), brought(Kinship::Itself));
        assert_eq!(read(status, 7, 6), brought(Kinship::Stranger));
        assert_eq!(read("Uid:\t1\t2\n", 7, 5), None);
    }

    #[test]
    fn a_file_is_no_process() {
        let file = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(facts(&file.into(), 1).unwrap_err().code, Code::Process);
    }
}
