//! What is measured, one function a figure.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::line_client::LineClient;
use super::report::{Memory, Table};
use super::rig::{Rig, Subject};

const ECHO: &str = "{\"name\":\"echo\",\"arguments\":{\"message\":\"hello\"}}";

/// Calls before the first that counts: compilers of the server warm up.
const WARM_UP: usize = 300;

/// `/bin/true` from spawn to reaped.
pub(super) fn start_of_true(rig: &Rig, rounds: usize) -> Result<Table> {
    let subjects = rig.present(&[Subject::Bare, Subject::Guarded, Subject::Bubblewrap, Subject::Srt]);
    let mut table = Table::new("start of /bin/true", &subjects);
    for round in 0..rounds + 3 {
        for (index, &subject) in subjects.iter().enumerate() {
            // The slow peer needs fewer rounds to be seen to be slow.
            if subject == Subject::Srt && round % 10 != 0 {
                continue;
            }
            let mut command = rig.nothing(subject);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let begun = Instant::now();
            let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
            let took = begun.elapsed();
            ensure!(status.success(), "{}: /bin/true ended with {status}", subject.name());
            if round >= 3 {
                table.rows[index].samples.push(took.as_nanos() as f64 / 1000.0);
            }
        }
    }
    Ok(table)
}

/// From spawn to the answer to `initialize`, with server-everything.
pub(super) fn start_to_initialize(rig: &Rig, rounds: usize) -> Result<Table> {
    let subjects = rig.present(&[Subject::Bare, Subject::Guarded, Subject::Bubblewrap, Subject::Srt]);
    let mut table = Table::new("spawn → initialize (server-everything)", &subjects);
    for round in 0..=rounds {
        for (index, &subject) in subjects.iter().enumerate() {
            let begun = Instant::now();
            let mut client = LineClient::spawn(rig.everything(subject))?;
            client.handshake().with_context(|| subject.name())?;
            let took = begun.elapsed();
            drop(client);
            if round > 0 {
                table.rows[index].samples.push(took.as_nanos() as f64 / 1000.0);
            }
        }
    }
    Ok(table)
}

/// Sequential calls of the echo tool, in blocks that take turns.
pub(super) fn round_trips(rig: &Rig, calls: usize) -> Result<Table> {
    let subjects = rig.present(&[Subject::Bare, Subject::Guarded, Subject::Socat, Subject::Bubblewrap]);
    let mut table = Table::new("round trip of server-everything's echo", &subjects);
    let mut clients = open(rig, &subjects, Rig::everything)?;
    for client in &mut clients {
        for _ in 0..WARM_UP {
            client.call(ECHO)?;
        }
        let answer = String::from_utf8_lossy(client.call(ECHO)?).into_owned();
        ensure!(answer.contains("Echo: hello"), "no echo: {answer}");
    }
    let blocks = 20.min(calls.max(1));
    for block in 0..blocks {
        for turn in 0..clients.len() {
            // Each block begins with another subject: nobody always runs after the same one.
            let index = (block + turn) % clients.len();
            for _ in 0..calls / blocks {
                table.rows[index].samples.push(clients[index].timed(ECHO)?);
            }
        }
    }
    Ok(table)
}

/// One file read through server-filesystem; the line that comes back is 2.3 times its size.
pub(super) fn payload(rig: &Rig, name: &str, bytes: usize, rounds: usize) -> Result<Table> {
    let subjects = rig.present(&[Subject::Bare, Subject::Guarded, Subject::Socat]);
    let mut table = Table::new(name, &subjects);
    let mut clients = open(rig, &subjects, Rig::filesystem)?;
    let path = rig.workspace().join(format!("{bytes}.txt"));
    let call = format!("{{\"name\":\"read_text_file\",\"arguments\":{{\"path\":\"{}\"}}}}", path.display());
    for round in 0..rounds + 2 {
        for turn in 0..clients.len() {
            let index = (round + turn) % clients.len();
            let took = clients[index].timed(&call)?;
            if round >= 2 {
                table.rows[index].samples.push(took);
            } else {
                let length = clients[index].call(&call)?.len();
                ensure!(length > bytes, "{}: only {length} bytes came back", subjects[index].name());
            }
        }
    }
    Ok(table)
}

fn open(
    rig: &Rig,
    subjects: &[Subject],
    server: fn(&Rig, Subject) -> std::process::Command,
) -> Result<Vec<LineClient>> {
    let start = |&subject: &Subject| {
        let mut client = LineClient::spawn(server(rig, subject))?;
        client.handshake().with_context(|| subject.name())?;
        Ok(client)
    };
    subjects.iter().map(start).collect()
}

/// What the supervisor keeps resident after the handshake, and after a call.
pub(super) fn memory(rig: &Rig) -> Result<Memory> {
    let mut client = LineClient::spawn(rig.everything(Subject::Guarded))?;
    client.handshake()?;
    std::thread::sleep(Duration::from_millis(300));
    let after_handshake = kilobytes(client.pid(), "status", "VmRSS:")?;
    for _ in 0..100 {
        client.call(ECHO)?;
    }
    let pid = client.pid();
    Ok(Memory {
        after_handshake,
        after_calls: kilobytes(pid, "status", "VmRSS:")?,
        peak: kilobytes(pid, "status", "VmHWM:")?,
        proportional: kilobytes(pid, "smaps_rollup", "Pss:")?,
    })
}

/// A figure of a process that is told in KiB.
pub(super) fn kilobytes(pid: u32, file: &str, field: &str) -> Result<u64> {
    let text =
        fs::read_to_string(format!("/proc/{pid}/{file}")).with_context(|| format!("/proc/{pid}/{file}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)).with_context(|| field.to_owned())?;
    line.trim().trim_end_matches(" kB").parse().with_context(|| format!("{field}{line}"))
}
