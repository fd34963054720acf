//! The machine is what the cases take it for.

use std::fs;
use std::net::{TcpListener, TcpStream};

use anyhow::{Context, Result, ensure};

use crate::case::{Case, On};
use crate::ground::Ground;
use crate::job::Machine;

pub(super) const CASES: &[Case] = &[
    Case::new("machine/has_two_file_systems", has_two_file_systems),
    Case::new("machine/reaches_itself", reaches_itself),
    Case::new("machine/has_two_processors", has_two_processors).on(On::Only(Machine::Smp)),
    Case::new("machine/counts_instructions", counts_instructions).on(On::Only(Machine::Icount)),
];

/// Files behave differently on a memory file system and on a disk; a case can have both.
fn has_two_file_systems(ground: &Ground) -> Result<()> {
    let kind = |path: &std::path::Path| nix::sys::statfs::statfs(path).map(|facts| facts.filesystem_type());
    ensure!(kind(ground.directory())? == nix::sys::statfs::TMPFS_MAGIC, "the directory is not on a tmpfs");
    ensure!(kind(&ground.disk()?)? == nix::sys::statfs::EXT4_SUPER_MAGIC, "the disk is not ext4");
    Ok(())
}

fn reaches_itself(_ground: &Ground) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    TcpStream::connect(listener.local_addr()?).context("the loopback interface is down")?;
    Ok(())
}

fn has_two_processors(_ground: &Ground) -> Result<()> {
    let online = fs::read_to_string("/sys/devices/system/cpu/online")?;
    ensure!(online.trim() == "0-1", "the processors are {online}");
    Ok(())
}

/// A hundred times as many turns cost about a hundred times as many ticks, and every time the same but for a few.
fn counts_instructions(ground: &Ground) -> Result<()> {
    let count = |turns: u64| {
        ground.ticks(20, || {
            (0..turns).for_each(|turn| {
                std::hint::black_box(turn);
            });
            Ok(())
        })
    };
    let (few, many, again) = (count(1000)?, count(100_000)?, count(100_000)?);
    ground.figure("instructions of 100000 turns", many)?;
    ensure!((few * 90..=few * 110).contains(&many), "{few} ticks for 1000 turns, {many} for 100000");
    ensure!(many.abs_diff(again) <= many / 1000, "{many} ticks, and the second time {again}");
    Ok(())
}
