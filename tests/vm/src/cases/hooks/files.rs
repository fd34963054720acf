//! Opening, executing, and mapping.

use abi::EventKind::{Exec, MapCode, Open};

use super::rows::{Goal, Kills, Row};

/// Row of a secret that is read.
const fn read(hook: &'static str, words: &'static [&'static str], what: &'static str) -> Row {
    Row::new(hook, words, &[Open]).goal(Goal::Read).kills(Kills::File).what(what)
}

/// Row of code that is run.
const fn code(hook: &'static str, words: &'static [&'static str], what: &'static str) -> Row {
    Row::new(hook, words, &[MapCode]).goal(Goal::Run(42)).kills(Kills::Exec).what(what)
}

/// Row of a program that is run. The kernel opens it for that first.
const fn program(hook: &'static str, words: &'static [&'static str], what: &'static str) -> Row {
    Row::new(hook, words, &[Exec, Open]).goal(Goal::Run(42)).kills(Kills::Exec).what(what)
}

pub(super) const OPENING: &[Row] = &[
    read("file_open", &["read", "@secret/file"], "/secret/file"),
    read("file_open", &["read", "@.env"], "/.env"),
    read("file_open", &["read", "@deep/.env"], "/deep/.env"),
    read("file_open", &["read", "@box/inner/denied"], "/box/inner/denied"),
    read("file_open", &["read_deep", "@secret", "80", "3", "file"], "/file"),
    read("file_open", &["read", "/proc/self/root@secret/file"], "/secret/file"),
    read("file_open", &["read_reopened", "@secret/file"], "/secret/file"),
    read("file_open", &["read_beneath", "@secret", "file"], "/secret/file"),
    read("file_open", &["read_by_handle", "@secret/file", "@empty"], "/secret/file"),
    read("file_open", &["ring_read", "inline", "@secret/file"], "/secret/file"),
    read("file_open", &["ring_read", "async", "@secret/file"], "/secret/file"),
    // Opened for nothing, a descriptor still takes every ioctl(2).
    Row::new("file_open", &["open_for_nothing", "@secret/file"], &[Open])
        .kills(Kills::File)
        .what("/secret/file"),
    Row::new("file_open", &["append", "@secret/file"], &[Open]).kills(Kills::File).what("/secret/file"),
    Row::new("file_open", &["append", "/dev/urandom"], &[Open]).kills(Kills::File).what("/dev/urandom"),
    Row::new("file_open", &["list", "@secret"], &[Open]).kills(Kills::File).what("/secret"),
    read("task_alloc", &["child", "read", "@secret/file"], "/secret/file"),
    read("task_alloc", &["daemon", "read", "@secret/file"], "/secret/file"),
    read("task_alloc", &["thread", "read", "@secret/file"], "/secret/file"),
    read("task_alloc", &["daemon", "thread", "read", "@secret/file"], "/secret/file"),
];

pub(super) const RUNNING: &[Row] = &[
    program("bprm_check_security", &["spawn", "@program"], "/program"),
    program("bprm_check_security", &["exec_descriptor", "@program"], "/program"),
    program("bprm_check_security", &["exec_memory", "42"], ""),
    program("bprm_check_security", &["exec_deleted", "@program", "@copy"], ""),
    code("mmap_file", &["map_code", "@code"], "/code"),
    code("mmap_file", &["map_shared_code", "@code"], "/code"),
    code("mmap_file", &["implied_code", "@code"], "/code"),
    code("mmap_file", &["map_memory_code"], ""),
    code("mmap_file", &["map_deleted_code", "~bin/code", "@copy"], ""),
    code("mmap_file", &["segment_code"], ""),
    code("file_mprotect", &["protect_code", "@code"], "/code"),
];
