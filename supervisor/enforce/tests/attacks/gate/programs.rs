//! Real programs find a host by its name and talk to it, through the gate: C libraries, node and curl each ask and connect in
//! their own way. They know nothing of doors, and `other.example`, which has the same address and another port, stays shut.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use enforce::{Attempt, Doors};

use super::SUPPORT;
use super::doors::{learned_directly, plan};
use crate::Test;
use crate::sandbox::*;

/// A program that says what `$URL` says; `%` stands for the port.
struct Program {
    name: &'static str,
    path: fn() -> Option<PathBuf>,
    words: &'static [&'static str],
}

fn installed(path: &str) -> Option<PathBuf> {
    Some(Path::new(path).to_owned()).filter(|path| path.exists())
}

const PROGRAMS: [Program; 4] = [
    Program {
        name: "curl",
        path: || installed("/usr/bin/curl"),
        words: &["-s", "--max-time", "10", "http://site.example:%/"],
    },
    Program {
        name: "node",
        path: || installed("/usr/bin/node"),
        words: &[
            "-e",
            "fetch('http://site.example:%/').then((r) => r.text()).then((t) => process.stdout.write(t))",
        ],
    },
    Program {
        name: "python",
        path: python,
        words: &[
            "-c",
            "import urllib.request as r; print(r.urlopen('http://site.example:%/', timeout=10).read().decode(), end='')",
        ],
    },
    Program {
        name: "python's event loop",
        path: python,
        words: &[
            "-c",
            "import asyncio
async def main():
    reader, writer = await asyncio.open_connection('site.example', %)
    writer.write(b'GET / HTTP/1.0\\r\\n\\r\\n')
    print((await reader.read()).decode().split('\\r\\n\\r\\n')[1], end='')
asyncio.run(main())",
        ],
    },
];

pub(super) fn tests() -> Vec<Test> {
    let test = |program: Program| -> Test {
        (format!("gate: {} finds a host by its name", program.name), Box::new(move || check(&program)))
    };
    PROGRAMS.into_iter().map(test).collect()
}

/// The ports of a web server, which is allowed, of another, and of a name server.
static PORTS: LazyLock<[u16; 3]> = LazyLock::new(|| {
    let web = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
    let (site, other) = (web(), web());
    let names = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
    let ports = [site.local_addr(), other.local_addr(), names.local_addr()];
    let ports = ports.map(|address| address.expect("bound").port());
    for listener in [site, other] {
        std::thread::spawn(move || listener.incoming().flatten().for_each(answer));
    }
    std::thread::spawn(move || resolve(&names));
    ports
});

/// One request, one answer.
fn answer(mut stream: std::net::TcpStream) {
    let mut request = [0; 4096];
    // Who has gone is not answered.
    let _ = stream.read(&mut request);
    let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello");
}

/// Every name has the address 127.0.0.1, and no other record (RFC 1035 section 4.1).
fn resolve(socket: &UdpSocket) {
    let mut question = [0; 512];
    while let Ok((count, from)) = socket.recv_from(&mut question) {
        let end = 12 + question[12..count].iter().position(|byte| *byte == 0).unwrap_or(0) + 5;
        let address = question[end - 4..end - 2] == [0, 1];
        let mut reply = [&question[..2], &[0x81, 0x80, 0, 1, 0, u8::from(address), 0, 0, 0, 0]].concat();
        reply.extend(&question[12..end]);
        if address {
            reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
        }
        let _ = socket.send_to(&reply, from);
    }
}

fn check(program: &Program) -> Result<(), String> {
    let Some(path) = (program.path)() else {
        // Which programs a machine has is its own business; said aloud, so that nobody takes it for a pass.
        println!("    {} is not installed here: not tested", program.name);
        return Ok(());
    };
    let [site, other, _] = *PORTS;
    let ran = run_program(program, &path, site)?;
    if ran.stdout != "hello" || ran.code() != Some(0) || !ran.network.is_empty() {
        return Err(format!("{ran:#?}"));
    }
    let ran = run_program(program, &path, other)?;
    let denied = ran.network.iter().any(|denial| denial.kind == Attempt::Connect);
    if denied && !ran.stdout.contains("hello") { Ok(()) } else { Err(format!("{ran:#?}")) }
}

fn run_program(program: &Program, path: &Path, port: u16) -> Result<Ran, String> {
    let [site, _, resolver] = *PORTS;
    let words: Vec<String> = program.words.iter().map(|word| word.replace('%', &port.to_string())).collect();
    let mut command = command(path, &words.iter().map(String::as_str).collect::<Vec<_>>());
    command.doors = Some(Doors { resolver, proxy: 1 });
    let mut plan = plan();
    plan.network.ports = vec![site];
    let (guard, pipes) = start_with(&plan, &SUPPORT, &command, nothing())?;
    let egress = guard.egress().ok_or("the supervisor decides")?;
    egress.learn(Ipv4Addr::LOCALHOST.into(), &learned_directly()).map_err(|error| error.to_string())?;
    finish(guard, pipes, &command)
}
