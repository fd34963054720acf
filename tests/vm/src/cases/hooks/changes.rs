//! Changing what is denied, and what lies on the way to it.

use abi::EventKind::{self, Attributes, Create, Link, Open, Remove, Rename, Truncate};

use super::rows::{Kills, Row};

const fn row(
    hook: &'static str,
    words: &'static [&'static str],
    kinds: &'static [EventKind],
    what: &'static str,
) -> Row {
    Row::new(hook, words, kinds).kills(Kills::File).what(what)
}

pub(super) const CHANGING: &[Row] = &[
    row("path_mknod", &["create", "@secret/new"], &[Create], "/secret/new"),
    row("path_mknod", &["create", "@empty/.env"], &[Create], "/empty/.env"),
    row("path_mknod", &["mknod", "@absent", "pipe"], &[Create], "/absent"),
    row("path_mknod", &["unix_listen", "@secret/new"], &[Create], "/secret/new"),
    row("path_mkdir", &["mkdir", "@absent"], &[Create], "/absent"),
    row("path_mkdir", &["mkdir", "@empty/.env"], &[Create], "/empty/.env"),
    row("path_symlink", &["symlink", "@open", "@absent"], &[Create], "/absent"),
    row("path_link", &["link", "@open", "@absent"], &[Create, Link], "/absent"),
    row("path_link", &["link", "@secret/file", "@stolen"], &[Link], "/secret/file"),
    row("path_link", &["link", "@.env", "@stolen"], &[Link], "/.env"),
    row("path_link", &["link_at", "@secret/file", "@stolen"], &[Link], "/secret/file"),
    row("path_link", &["tmpfile_link", "@empty", "@absent"], &[Create, Link], "/absent"),
    row("path_unlink", &["unlink", "@secret/file"], &[Remove], "/secret/file"),
    row("path_unlink", &["unlink", "@.env"], &[Remove], "/.env"),
    row("path_unlink", &["ring_unlink", "async", "@secret/file"], &[Remove], "/secret/file"),
    row("path_rmdir", &["rmdir", "@secret/hollow"], &[Remove], "/secret/hollow"),
    row("path_rename", &["rename", "@secret/file", "@stolen"], &[Rename], "/secret/file"),
    row("path_rename", &["rename", "@secret", "@stolen"], &[Rename], "/secret"),
    row("path_rename", &["rename", "@box", "@stolen"], &[Rename], "/box"),
    row("path_rename", &["rename", "@box/inner", "@stolen"], &[Rename], "/box/inner"),
    row("path_rename", &["rename", "@open", "@secret/file"], &[Rename], "/secret/file"),
    row("path_rename", &["rename", "@open", "@.env"], &[Rename], "/.env"),
    row("path_rename", &["rename", "@open", "@absent"], &[Rename], "/absent"),
    row("path_rename", &["exchange", "@open", "@secret/file"], &[Rename], "/secret/file"),
    row("path_rename", &["exchange", "@empty", "@box"], &[Rename], "/box"),
    row("path_rename", &["exchange", "@box", "@empty"], &[Rename], "/box"),
    row("path_truncate", &["truncate", "@secret/file"], &[Truncate], "/secret/file"),
    row("path_truncate", &["open_truncate", "@secret/file"], &[Truncate, Open], "/secret/file"),
    // Opened to read, and emptied: where it may be read and not be written.
    row("path_truncate", &["open_truncate", "~bin/code"], &[Truncate, Open], "/bin/code"),
    row("path_chmod", &["chmod", "@secret/file", "0x1ff"], &[Attributes], "/secret/file"),
    row("path_chown", &["chown", "@secret/file", "1000"], &[Attributes], "/secret/file"),
];
