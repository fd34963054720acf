//! Actions on files. Each argument is a path.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};

use nix::fcntl::OFlag;
use serde_json::{Value, json};

use super::{Act, argument, number};

pub(super) const ACTS: &[(&str, Act)] = &[
    ("read", read),
    ("write", write),
    ("append", append),
    ("truncate", truncate),
    ("path", path),
    ("list", list),
    ("mkdir", |a| fs::create_dir(argument(a, 0)?).map(|()| Value::Null)),
    ("rmdir", |a| fs::remove_dir(argument(a, 0)?).map(|()| Value::Null)),
    ("unlink", |a| fs::remove_file(argument(a, 0)?).map(|()| Value::Null)),
    ("rename", |a| fs::rename(argument(a, 0)?, argument(a, 1)?).map(|()| Value::Null)),
    ("link", |a| fs::hard_link(argument(a, 0)?, argument(a, 1)?).map(|()| Value::Null)),
    ("symlink", |a| symlink(argument(a, 0)?, argument(a, 1)?).map(|()| Value::Null)),
    ("chmod", chmod),
];

/// Opens a file to read and tells its first bytes.
fn read(arguments: &[&str]) -> io::Result<Value> {
    let mut text = Vec::new();
    File::open(argument(arguments, 0)?)?.take(4096).read_to_end(&mut text)?;
    Ok(json!(String::from_utf8_lossy(&text)))
}

/// Creates or empties a file and writes the second argument into it.
fn write(arguments: &[&str]) -> io::Result<Value> {
    fs::write(argument(arguments, 0)?, argument(arguments, 1).unwrap_or("written")).map(|()| Value::Null)
}

/// Opens an existing file to append.
fn append(arguments: &[&str]) -> io::Result<Value> {
    OpenOptions::new().append(true).open(argument(arguments, 0)?).map(|_| Value::Null)
}

/// truncate(2) by path, without opening.
fn truncate(arguments: &[&str]) -> io::Result<Value> {
    nix::unistd::truncate(argument(arguments, 0)?, 0)?;
    Ok(Value::Null)
}

/// Opens with `O_PATH`.
fn path(arguments: &[&str]) -> io::Result<Value> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(OFlag::O_PATH.bits());
    options.open(argument(arguments, 0)?).map(|_| Value::Null)
}

fn list(arguments: &[&str]) -> io::Result<Value> {
    let names = fs::read_dir(argument(arguments, 0)?)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    Ok(json!(names.collect::<io::Result<Vec<_>>>()?))
}

/// Sets the mode in the second argument.
fn chmod(arguments: &[&str]) -> io::Result<Value> {
    let mode = u32::try_from(number(arguments, 1)?).map_err(io::Error::other)?;
    fs::set_permissions(argument(arguments, 0)?, fs::Permissions::from_mode(mode)).map(|()| Value::Null)
}
