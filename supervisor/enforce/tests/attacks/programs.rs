//! The programs that servers are made of run under the profiles, and ask for nothing that is refused.

use std::path::Path;

use policy::plan::SyscallProfile;

use crate::Test;
use crate::sandbox::*;

/// A program, what it is given, what it must say, and under which profile.
struct Program {
    name: &'static str,
    path: &'static str,
    words: &'static [&'static str],
    says: &'static str,
    profile: SyscallProfile,
    /// Calls that may be refused without harm.
    refused: &'static [&'static str],
}

const PYTHON: &str = "python";

const PROGRAMS: &[Program] = &[
    Program {
        name: "sh",
        path: "/bin/sh",
        words: &["-c", "set -e; cd $0; for i in 1 2 3; do echo $i | cat; done >list; sort -r list | tr -d '\\n'; rm list"],
        says: "321",
        profile: SyscallProfile::Default,
        refused: &[],
    },
    Program {
        name: "node",
        path: "/usr/bin/node",
        words: &[
            "-e",
            "const fs = require('fs'), cp = require('child_process'), { Worker } = require('worker_threads');
             process.chdir(process.argv[1]); require('os').networkInterfaces();
             fs.writeFileSync('a.tmp', 'x'); fs.chmodSync('a.tmp', 0o600); fs.renameSync('a.tmp', 'a'); fs.utimesSync('a', 1, 1);
             const text = cp.execFileSync('/bin/sh', ['-c', 'echo $((40+2))']).toString().trim();
             const worker = new Worker('require(\"worker_threads\").parentPort.postMessage(1)', { eval: true });
             worker.on('message', (one) => { crypto.randomUUID(); setTimeout(() => console.log(text, one, fs.statSync('a').size), 5); });",
        ],
        says: "42 1 1\n",
        profile: SyscallProfile::Default,
        refused: &[],
    },
    Program {
        name: "node without a network gives up at once",
        path: "/usr/bin/node",
        words: &["-e", "require('net').connect(80, '127.0.0.1').on('error', (e) => console.log(e.code))"],
        says: "EPERM\n",
        profile: SyscallProfile::Default,
        refused: &["socket"],
    },
    Program {
        name: "node under strict",
        path: "/usr/bin/node",
        words: &["-e", "require('fs').readFile('/dev/null', () => console.log('read'))"],
        says: "read\n",
        profile: SyscallProfile::Strict,
        refused: &[],
    },
    Program {
        name: "node under strict starts nothing",
        path: "/usr/bin/node",
        words: &["-e", "console.log(require('child_process').spawnSync('/bin/true').error.code)"],
        says: "EPERM\n",
        profile: SyscallProfile::Strict,
        refused: &["clone", "fork", "vfork"],
    },
    Program {
        name: "python",
        path: PYTHON,
        words: &[
            "-c",
            "import asyncio, os, shutil, sqlite3, subprocess, sys, tempfile, threading
os.chdir(sys.argv[1])
base = sqlite3.connect('base.db'); base.execute('create table t (n)'); base.execute('insert into t values (42)'); base.commit()
thread = threading.Thread(target=lambda: None); thread.start(); thread.join()
shutil.copy2('base.db', 'copy.db')
async def main():
    child = await asyncio.create_subprocess_exec('/bin/echo', 'child', stdout=subprocess.PIPE)
    return (await child.communicate())[0].decode().strip()
print(base.execute('select n from t').fetchone()[0], asyncio.run(main()), subprocess.run(['/bin/sh', '-c', 'exit 3']).returncode)",
        ],
        says: "42 child 3\n",
        profile: SyscallProfile::Default,
        refused: &[],
    },
    Program {
        name: "python under strict",
        path: PYTHON,
        words: &["-c", "import json, threading; t = threading.Thread(target=print, args=(json.dumps(1),)); t.start(); t.join()"],
        says: "1\n",
        profile: SyscallProfile::Strict,
        refused: &[],
    },
    Program {
        name: "python resolves no name without a network, at once",
        path: PYTHON,
        words: &["-c", "import socket\ntry: socket.getaddrinfo('example.org', 80)\nexcept OSError as e: print(type(e).__name__)"],
        says: "gaierror\n",
        profile: SyscallProfile::Default,
        refused: &["socket"],
    },
    Program {
        name: "git",
        path: "/bin/sh",
        words: &[
            "-ec",
            "cd $0; export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
             git init -q -b main repo; cd repo; echo text >file; git add file; git commit -qm first; git branch other
             echo more >>file; git stash -q; git log --format=%s; git gc -q; git status --short; git diff HEAD --stat",
        ],
        says: "first\n",
        profile: SyscallProfile::Default,
        refused: &[],
    },
    Program {
        name: "npm",
        path: "/usr/bin/npm",
        words: &["--version"],
        says: ".",
        profile: SyscallProfile::Default,
        refused: &[],
    },
];

pub(crate) fn tests() -> Vec<Test> {
    let test = |program: &'static Program| -> Test {
        (format!("program: {}", program.name), Box::new(move || check(program)))
    };
    PROGRAMS.iter().map(test).collect()
}

fn check(program: &Program) -> Result<(), String> {
    let Some(path) = resolve(program.path) else {
        // Which programs a machine has is its own business; said aloud, so that nobody takes it for a pass.
        println!("    {} is not installed here: not tested", program.path);
        return Ok(());
    };
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut plan = runtime();
    plan.syscalls = program.profile;
    // What presets give: runtimes reserve far more address space than they use, and must still fit.
    plan.limits.memory_bytes = Some(512 << 20);
    grant(&mut plan, directory.path(), Right::Write);
    let at = directory.path().display().to_string();
    let words: Vec<&str> = program.words.iter().copied().chain([at.as_str()]).collect();
    let mut command = command(path, &words);
    command.environment.push(("HOME".into(), directory.path().into()));
    let ran = run(&plan, &command)?;
    let expected = if program.says == "." { ran.stdout.contains('.') } else { ran.stdout == program.says };
    let unexpected: Vec<_> =
        ran.denials.iter().filter(|denial| !program.refused.contains(&denial.name.unwrap_or("?"))).collect();
    let reported = program.refused.is_empty() == ran.denials.is_empty();
    if expected && reported && unexpected.is_empty() && ran.code() == Some(0) {
        Ok(())
    } else {
        Err(format!("{ran:#?}"))
    }
}

fn resolve(path: &str) -> Option<std::path::PathBuf> {
    if path == PYTHON {
        return python();
    }
    Some(Path::new(path).to_owned()).filter(|path| path.exists())
}
