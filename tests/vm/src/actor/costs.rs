//! What a system call costs the process that makes it.

use std::ffi::CString;
use std::io;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use serde_json::{Value, json};

use super::{Act, argument, number};
use crate::ground;

pub(super) const ACTS: &[(&str, Act)] = &[("open_close_ticks", open_close_ticks)];

/// `PATH ROUNDS`: opens the file to read and closes it, so many times, and tells the ticks of the cheapest time.
fn open_close_ticks(arguments: &[&str]) -> io::Result<Value> {
    let path = CString::new(argument(arguments, 0)?).map_err(io::Error::other)?;
    let rounds = u32::try_from(number(arguments, 1)?).map_err(io::Error::other)?;
    let ticks = ground::ticks(rounds, || {
        let opened = open(path.as_c_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty());
        opened.map(drop).map_err(io::Error::from)
    })?;
    Ok(json!(ticks))
}
