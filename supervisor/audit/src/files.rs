//! Where logs are: one file a session by default, and rotated files beside the one that is written.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::record::SessionId;

const SUFFIX: &str = ".jsonl";

/// The file of a new session: `<state>/mcpguard/audit/20261121T021903Z-<policy>-<session>.jsonl`.
/// `state` is `$XDG_STATE_HOME`; characters of the policy's name that have no place in a file name become `_`.
pub fn session_path(state: &Path, policy: &str, session: &SessionId, start: Timestamp) -> PathBuf {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let policy: String = policy.chars().take(64).map(|c| if fits(c) { c } else { '_' }).collect();
    directory(state).join(format!("{}-{policy}-{session}{SUFFIX}", start.strftime("%Y%m%dT%H%M%SZ")))
}

/// Logs of sessions in the state directory, oldest first by name, without their rotated files. Empty if there are none.
///
/// # Errors
/// The directory exists and cannot be read.
pub fn session_logs(state: &Path) -> io::Result<Vec<PathBuf>> {
    let names = names(&directory(state))?;
    let logs = names.into_iter().filter(|name| name.as_encoded_bytes().ends_with(SUFFIX.as_bytes()));
    let mut logs: Vec<_> = logs.map(|name| directory(state).join(name)).collect();
    logs.sort();
    Ok(logs)
}

/// The log of the session that started last.
///
/// # Errors
/// The directory exists and cannot be read.
pub fn newest_log(state: &Path) -> io::Result<Option<PathBuf>> {
    Ok(session_logs(state)?.pop())
}

/// The files of a log in the order in which they were written: rotated ones (`NAME.1`, `NAME.2` …), then `NAME` itself.
///
/// # Errors
/// The directory cannot be read.
pub fn log_files(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = rotated(path)?.into_iter().map(|(_, file)| file).collect();
    if fs::symlink_metadata(path).is_ok() || files.is_empty() {
        files.push(path.to_owned());
    }
    Ok(files)
}

/// Rotated files with their numbers, ascending. A file that has two names (a rotation was cut off between its two
/// steps) is listed once, under the name that is still being written.
///
/// # Errors
/// The directory cannot be read.
pub fn rotated(path: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = numbered(path)?;
    let mut seen: Vec<_> = identity(path).into_iter().collect();
    found.retain(|(_, file)| match identity(file) {
        Some(identity) if !seen.contains(&identity) => {
            seen.push(identity);
            true
        }
        _ => false,
    });
    Ok(found)
}

/// Every `NAME.<number>` beside `NAME`, ascending.
pub(crate) fn numbered(path: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let (Some(parent), Some(name)) = (parent(path), path.file_name()) else { return Ok(Vec::new()) };
    let number = |other: &OsStr| -> Option<u64> {
        let digits = other.as_encoded_bytes().strip_prefix(name.as_encoded_bytes())?.strip_prefix(b".")?;
        let text = std::str::from_utf8(digits).ok()?;
        let number: u64 = text.parse().ok()?;
        // `+1` and `007` are not our names.
        (number.to_string() == text).then_some(number)
    };
    let others = names(&parent)?.into_iter();
    let mut found: Vec<_> = others.filter_map(|other| Some((number(&other)?, parent.join(other)))).collect();
    found.sort();
    Ok(found)
}

/// `NAME.<number>`.
pub(crate) fn with_number(path: &Path, number: u64) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

/// The name of the next file that is rotated: the number after the highest one, or the highest one itself if it already
/// is the present file's second name.
///
/// # Errors
/// The directory cannot be read.
pub fn free_name(path: &Path) -> io::Result<PathBuf> {
    Ok(match numbered(path)?.pop() {
        Some((_, file)) if identity(&file) == identity(path) => file,
        Some((number, _)) => with_number(path, number + 1),
        None => with_number(path, 1),
    })
}

/// The directory of a file; `.` for a bare name.
pub(crate) fn parent(path: &Path) -> Option<PathBuf> {
    path.parent()
        .map(|parent| if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.to_owned() })
}

/// Device and inode of what stands at the path, symlinks not followed.
pub(crate) fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

fn directory(state: &Path) -> PathBuf {
    state.join("mcpguard").join("audit")
}

/// Names in a directory, in no order; none if it does not exist.
fn names(directory: &Path) -> io::Result<Vec<OsString>> {
    match fs::read_dir(directory) {
        Ok(entries) => entries.map(|entry| Ok(entry?.file_name())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_name_cannot_leave_the_directory() {
        let session = SessionId::new("0123abcd").unwrap();
        let start = "2026-11-21T02:19:03.5Z".parse().unwrap();
        assert_eq!(
            session_path(Path::new("/s"), "../../etc/pass\nwd", &session, start),
            Path::new("/s/mcpguard/audit/20261121T021903Z-.._.._etc_pass_wd-0123abcd.jsonl")
        );
    }

    #[test]
    fn rotated_files_are_in_numeric_order_and_foreign_ones_are_not_ours() {
        let room = tempfile::tempdir().unwrap();
        let log = room.path().join("x.jsonl");
        for name in
            ["x.jsonl", "x.jsonl.10", "x.jsonl.9", "x.jsonl.09", "x.jsonl.a", "y.jsonl.1", "x.jsonl.+1"]
        {
            fs::write(room.path().join(name), name).unwrap();
        }
        fs::hard_link(&log, room.path().join("x.jsonl.11")).unwrap();
        let names: Vec<_> =
            log_files(&log).unwrap().iter().map(|f| f.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["x.jsonl.9", "x.jsonl.10", "x.jsonl"]);
    }
}
