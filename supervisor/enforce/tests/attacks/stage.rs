//! The last mile itself: what it leaves of the process, and how it fails.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use enforce::{Encloser, Outer, Status, Stdio3};
use policy::Plan;

use crate::sandbox::*;
use crate::{Named, Test};

pub(crate) fn tests() -> Vec<Test> {
    let tests: [Named; 19] = [
        ("exit codes and output pass unchanged", exit_codes),
        ("a missing command is 127", || fails("/nonexistent/server", 127)),
        ("a command without execute permission is 126", || fails_with("echo\n", 0o644, 126)),
        ("a directory is 126", || fails("/usr", 126)),
        ("a missing interpreter is 127", || fails_with("#!/nonexistent/interpreter\n", 0o755, 127)),
        ("a file that is no program is 126", || fails_with("no program\n", 0o755, 126)),
        ("a missing directory is 125", missing_directory),
        ("no privilege, no terminal, no ignored signal is left", bare_process),
        ("the umask lets nobody else write", umask),
        ("a script runs through env although the policy names no program", script),
        ("nothing but the command may be executed", only_the_command),
        ("a planted symlink stops the start", planted_symlink),
        ("a missing path stays closed and is told", missing_path),
        ("a host without reports refuses the same", without_reports),
        ("every older Landlock refuses what it knows", older_landlock),
        ("a fork bomb is bounded for anybody but root", bounded_forks),
        ("within another sandbox that receives reports nothing is open", within_a_sandbox),
        ("whoever encloses the server has it while it waits, and may refuse it", enclosed_by_another),
        ("orders for one encloser are not carried out under another", only_its_encloser),
    ];
    tests.map(|(name, test)| -> Test { (format!("stage: {name}"), Box::new(test)) }).into()
}

fn hold(condition: bool, seen: &dyn std::fmt::Debug) -> Result<(), String> {
    if condition { Ok(()) } else { Err(format!("{seen:#?}")) }
}

fn exit_codes() -> Result<(), String> {
    let ran = run(&runtime(), &command("/bin/sh", &["-c", "echo out; echo err >&2; exit 7"]))?;
    hold(ran.code() == Some(7) && ran.stdout == "out\n" && ran.stderr == "err\n", &ran)?;
    let ran = run(&runtime(), &command("/bin/sh", &["-c", "kill -TERM $$"]))?;
    hold(ran.status.map(Status::exit_code) == Some(143), &ran)
}

/// Prepares and spawns; the exit code that mcpguard would end with.
fn failure(plan: &Plan, command: &enforce::Command) -> Result<(u8, String), String> {
    let ready = match enforce::prepare(plan, &enforce::probe(), command, Encloser::Own) {
        Ok(ready) => ready,
        Err(error) => return Ok((error.exit_code(), error.to_string())),
    };
    match ready.spawn(Stdio3 { stdin: nothing(), stdout: nothing(), stderr: nothing() }) {
        Ok(_) => Err("it runs".to_owned()),
        Err(error) => Ok((error.exit_code(), error.to_string())),
    }
}

fn fails(program: &str, code: u8) -> Result<(), String> {
    let seen = failure(&runtime(), &command(program, &[]))?;
    hold(seen.0 == code && seen.1.contains(program), &seen)
}

fn fails_with(text: &str, mode: u32, code: u8) -> Result<(), String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = program(directory.path(), "server", text, mode);
    fails(&path, code)
}

fn program(directory: &Path, name: &str, text: &str, mode: u32) -> String {
    let path = directory.join(name);
    fs::write(&path, text).expect("writable");
    fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("own file");
    path.display().to_string()
}

fn missing_directory() -> Result<(), String> {
    let mut command = command("/usr/bin/true", &[]);
    command.directory = "/nonexistent".into();
    let seen = failure(&runtime(), &command)?;
    hold(seen.0 == 125 && seen.1.contains("/nonexistent"), &seen)
}

fn bare_process() -> Result<(), String> {
    let ran = run(&runtime(), &command("/usr/bin/cat", &["/proc/self/status"]))?;
    let zeroes = ["SigBlk", "SigIgn", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]
        .map(|name| (name, "0000000000000000"));
    for (name, value) in zeroes.into_iter().chain([("NoNewPrivs", "1"), ("Seccomp", "2"), ("Groups", "")]) {
        let field = ran.stdout.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        // Only root can drop its bounding set and groups; without capabilities they give nothing.
        let rootless = !enforce::probe().server_is_root && ["CapBnd", "Groups"].contains(&name);
        hold(rootless || field.map(str::trim) == Some(value), &(name, field))?;
    }
    // Without a controlling terminal the device cannot be opened, whatever Landlock grants.
    let mut plan = runtime();
    grant(&mut plan, Path::new("/dev/tty"), Right::Write);
    let ran = run(&plan, &command(own_program(), &["attack", "open", "/dev/tty"]))?;
    hold(ran.stdout == libc::ENXIO.to_string(), &ran)
}

fn umask() -> Result<(), String> {
    let ran = run(&runtime(), &command("/bin/sh", &["-c", "umask"]))?;
    let mask = u32::from_str_radix(ran.stdout.trim(), 8).map_err(|error| format!("{error}: {ran:?}"))?;
    hold(mask & 0o022 == 0o022, &ran)
}

/// A policy that lets the runtime be read and executes nothing.
fn reading_only() -> Plan {
    let mut plan = runtime();
    for rule in &mut plan.files.rules {
        rule.execute = policy::plan::ClassMask::NONE;
    }
    plan
}

fn script() -> Result<(), String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let script = program(directory.path(), "server", "#!/usr/bin/env sh\necho started\n", 0o755);
    let ran = run(&reading_only(), &command(script, &[]))?;
    hold(ran.stdout == "started\n", &ran)
}

fn only_the_command() -> Result<(), String> {
    let ran = run(&reading_only(), &command("/bin/sh", &["-c", "/usr/bin/id || echo refused"]))?;
    hold(ran.stdout == "refused\n" && ran.stderr.contains("Permission denied"), &ran)
}

fn planted_symlink() -> Result<(), String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    fs::create_dir(directory.path().join("workspace")).map_err(|error| error.to_string())?;
    let link = directory.path().join("workspace/downloads");
    symlink("/", &link).map_err(|error| error.to_string())?;
    let mut plan = runtime();
    grant(&mut plan, &directory.path().join("workspace"), Right::Write);
    grant(&mut plan, &link, Right::Write);
    let seen = failure(&plan, &command("/usr/bin/true", &[]))?;
    hold(seen.0 == 125 && seen.1.contains("symbolic link") && seen.1.contains("downloads"), &seen)
}

fn missing_path() -> Result<(), String> {
    let mut plan = runtime();
    grant(&mut plan, Path::new("/nonexistent/workspace"), Right::Write);
    let (guard, _pipes) = start(&plan, &command("/usr/bin/true", &[]))?;
    let skipped = &guard.sealed().skipped;
    hold(skipped.len() == 1 && skipped[0].path == Path::new("/nonexistent/workspace"), skipped)
}

fn without_reports() -> Result<(), String> {
    let mut support = enforce::probe();
    support.seccomp_notify = false;
    let udp = command(own_program(), &["attack", "send-udp", "1"]);
    let ran = run_with(&runtime(), &support, &udp, nothing())?;
    hold(ran.stdout == libc::EPERM.to_string() && ran.denials.is_empty(), &ran)
}

fn older_landlock() -> Result<(), String> {
    let mut support = enforce::probe();
    for abi in 1..=support.landlock_abi {
        support.landlock_abi = abi;
        let read = command(own_program(), &["attack", "read", "/etc/shadow"]);
        let ran = run_with(&runtime(), &support, &read, nothing())?;
        hold(ran.stdout == libc::EACCES.to_string(), &(abi, ran))?;
    }
    Ok(())
}

/// The supervisor itself runs in a sandbox whose reports somebody receives: the kernel allows no second receiver.
fn within_a_sandbox() -> Result<(), String> {
    let output = std::process::Command::new(own_program()).args(["supervise", "boxed"]).output();
    let output = output.map_err(|error| error.to_string())?;
    hold(output.status.success() && output.stdout == b"unreported, refused\n", &output)
}

fn streams() -> Stdio3 {
    Stdio3 { stdin: nothing(), stdout: nothing(), stderr: nothing() }
}

fn enclosed_by_another() -> Result<(), String> {
    let (plan, command, support) = (runtime(), command("/usr/bin/true", &[]), enforce::probe_without_root());
    let ready =
        || enforce::prepare(&plan, &support, &command, Encloser::Daemon).map_err(|error| error.to_string());
    let program = |process: enforce::Pid| fs::read_link(format!("/proc/{process}/exe"));
    let mut seen = None;
    let guard = ready()?.spawn_under(streams(), |last_mile, _| {
        seen = program(last_mile).ok();
        Ok(Outer::default())
    });
    let own = fs::read_link("/proc/self/exe").map_err(|error| error.to_string())?;
    hold(guard.is_ok() && seen.as_ref() == Some(&own), &(guard, &seen))?;
    let mut refused = None;
    let error = ready()?.spawn_under(streams(), |last_mile, _| {
        refused = Some(last_mile);
        Err("not today".to_owned())
    });
    let gone = refused.is_some_and(|process| program(process).is_err());
    hold(gone && error.as_ref().is_err_and(|error| error.to_string() == "not today"), &error)
}

fn only_its_encloser() -> Result<(), String> {
    let (plan, command, support) = (runtime(), command("/usr/bin/true", &[]), enforce::probe_without_root());
    let ready =
        |encloser| enforce::prepare(&plan, &support, &command, encloser).map_err(|error| error.to_string());
    let own = ready(Encloser::Daemon)?.spawn(streams()).map(drop);
    let another = ready(Encloser::Own)?.spawn_under(streams(), |_, _| Ok(Outer::default())).map(drop);
    hold(own.is_err() && another.is_err(), &(own, another))
}

/// As a user who is not root, because the kernel does not hold root to a number of processes.
fn bounded_forks() -> Result<(), String> {
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65534;
    // The program itself may lie where another user may not go.
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755))
        .map_err(|error| error.to_string())?;
    let copy = directory.path().join("attacks");
    fs::copy(own_program(), &copy).map_err(|error| error.to_string())?;
    let mut supervisor = std::process::Command::new(copy);
    supervisor.args(["supervise", "bounded"]);
    if enforce::probe().server_is_root {
        supervisor.uid(NOBODY).gid(NOBODY);
    }
    let output = supervisor.output().map_err(|error| error.to_string())?;
    hold(output.status.success() && output.stdout == b"few through, many refused\n", &output)
}

/// The supervisor of [`bounded_forks`].
pub(crate) fn supervise_bounded() -> std::process::ExitCode {
    enforce::become_subreaper().expect("Linux 3.4");
    enforce::harden_supervisor().expect("Linux 2.4");
    let mut plan = runtime();
    plan.limits.max_processes = Some(8);
    let fork =
        |count: &str| run(&plan, &command(own_program(), &["attack", "fork-many", count])).expect("runs");
    let (few, many) = (fork("3"), fork("20"));
    let through = few.code() == Some(crate::attacker::THROUGH);
    let refused = many.code() == Some(crate::attacker::REFUSED) && many.stdout == libc::EAGAIN.to_string();
    println!(
        "few {}, many {}",
        if through { "through" } else { "refused" },
        if refused { "refused" } else { "through" }
    );
    std::process::ExitCode::SUCCESS
}
