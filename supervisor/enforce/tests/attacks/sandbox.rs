//! Plans for tests, and a way to run a command under one.

use std::ffi::OsString;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use enforce::{
    Command, DenialListener, Guard, ListenError, NetworkDenial, Served, Status, Stdio3, SyscallDenial, Woken,
};
use policy::plan::*;
use policy::{Plan, Support};

/// A plan that grants nothing.
pub(crate) fn closed() -> Plan {
    let tool = ToolRule {
        key: "defaults".into(),
        enabled: true,
        scope: None,
        approval: None,
        arguments: Vec::new(),
        unknown_arguments: None,
        schema: policy::plan::SchemaCheck::Known,
        max_requests_per_minute: None,
        throttle: false,
        timeout: None,
        exclusive: false,
        max_request_bytes: None,
        max_response_bytes: None,
        class: ClassId::ALWAYS,
        reason: None,
        from: RuleId(0),
    };
    Plan {
        name: "test".into(),
        description: None,
        revision: String::new(),
        rules: Vec::new(),
        classes: vec![Vec::new()],
        numbering: policy::plan::Numbering::default(),
        budgets: Default::default(),
        environment: Vec::new(),
        files: FilesPlan::default(),
        network: NetworkPlan::default(),
        limits: LimitsPlan::default(),
        syscalls: SyscallProfile::Default,
        tools: ToolsPlan { default: tool, exact: Default::default(), globs: Vec::new(), roles: None },
        access: AccessPlan::default(),
        approvals: ApprovalsPlan {
            timeout: std::time::Duration::from_secs(1),
            command: None,
            ask_client: false,
        },
        session: SessionPlan {
            max_requests_per_minute: None,
            throttle: false,
            max_message_bytes: 1 << 20,
            max_concurrent_calls: 1,
            extra_methods: Vec::new(),
            sampling: false,
            elicitation: false,
            roots: false,
        },
        responses: ResponsesPlan::default(),
        content: ContentPlan::default(),
        pins: None,
        alerts: AlertsPlan::default(),
        audit: AuditPlan {
            arguments: ArgumentDetail::None,
            on_failure: AuditFailure::Stop,
            path: None,
            max_bytes: 0,
            keep: 0,
        },
        on_violation: Violations::default(),
        require: Vec::new(),
    }
}

/// Where programs of this machine keep what they need to start: all readable, nothing writable.
pub(crate) fn runtime() -> Plan {
    let mut plan = closed();
    let mut readable: Vec<PathBuf> = [
        "/usr",
        "/lib",
        "/lib64",
        "/bin",
        "/etc/ld.so.cache",
        "/etc/alternatives",
        "/proc/self",
        "/etc/ssl",
        "/dev/urandom",
    ]
    .map(PathBuf::from)
    .to_vec();
    readable.push(own_program().parent().expect("a directory").to_owned());
    readable.extend(python_home());
    for path in readable {
        grant(&mut plan, &path, Right::Read);
    }
    grant(&mut plan, Path::new("/dev/null"), Right::Write);
    for path in ["/usr/bin", "/usr/local/bin", "/usr/lib/git-core", "/usr/local/libexec"] {
        grant(&mut plan, Path::new(path), Right::Execute);
    }
    plan
}

/// The directory of the Python that really runs, past a version manager's shims.
fn python_home() -> Option<PathBuf> {
    python().and_then(|python| Some(python.parent()?.parent()?.to_owned()))
}

/// A real `python3`, not a shim.
pub(crate) fn python() -> Option<PathBuf> {
    let out = std::process::Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output()
        .ok()?;
    Some(PathBuf::from(String::from_utf8(out.stdout).ok()?.trim())).filter(|path| path.exists())
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    Read,
    Write,
    Execute,
}

/// Adds a grant that always holds.
pub(crate) fn grant(plan: &mut Plan, path: &Path, right: Right) {
    let path = AbsolutePath::new(path).expect("an absolute path");
    let at = match plan.files.rules.binary_search_by(|rule| rule.path.cmp(&path)) {
        Ok(at) => at,
        Err(at) => {
            let none = ClassMask::NONE;
            let rule = PathRule { path, read: none, write: none, execute: none, code: false, from: vec![] };
            plan.files.rules.insert(at, rule);
            at
        }
    };
    let rule = &mut plan.files.rules[at];
    match right {
        Right::Read => rule.read = ClassMask::ALWAYS,
        Right::Write => (rule.read, rule.write) = (ClassMask::ALWAYS, ClassMask::ALWAYS),
        Right::Execute => rule.execute = ClassMask::ALWAYS,
    }
}

/// Lets TCP out to these ports.
pub(crate) fn reach(plan: &mut Plan, ports: &[u16]) {
    let address = std::net::Ipv4Addr::LOCALHOST.into();
    plan.network.cidrs.push(CidrRule { address, prefix: 32, classes: ClassMask::ALWAYS, from: RuleId(0) });
    plan.network.ports = ports.to_vec();
}

pub(crate) fn own_program() -> PathBuf {
    std::env::current_exe().expect("/proc is mounted")
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<Status>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) denials: Vec<SyscallDenial>,
    /// Calls that were refused for their address, where the supervisor decides about them.
    pub(crate) network: Vec<NetworkDenial>,
}

impl Ran {
    /// The exit code, if the process ended by itself.
    pub(crate) fn code(&self) -> Option<i32> {
        match self.status? {
            Status::Code(code) => Some(code),
            Status::Signal(_) => None,
        }
    }
}

pub(crate) fn command(program: impl AsRef<Path>, arguments: &[&str]) -> Command {
    let program = program.as_ref().to_owned();
    let argv = std::iter::once(program.clone().into_os_string())
        .chain(arguments.iter().map(OsString::from))
        .collect();
    let environment =
        vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into()), ("HOME".into(), "/nonexistent".into())];
    Command { program, argv, environment, directory: "/".into(), doors: None }
}

/// Starts the command under the plan; its output goes to the returned pipes.
pub(crate) fn start(plan: &Plan, command: &Command) -> Result<(Guard, Pipes), String> {
    start_with(plan, &enforce::probe(), command, nothing())
}

pub(crate) fn start_with(
    plan: &Plan,
    support: &Support,
    command: &Command,
    stdin: OwnedFd,
) -> Result<(Guard, Pipes), String> {
    let (out, stdout) = std::io::pipe().expect("a pipe");
    let (err, stderr) = std::io::pipe().expect("a pipe");
    let ready = enforce::prepare(plan, support, command, enforce::Encloser::Own)
        .map_err(|error| error.to_string())?;
    let stdio = Stdio3 { stdin, stdout: stdout.into(), stderr: stderr.into() };
    let guard = ready.spawn(stdio).map_err(|error| error.to_string())?;
    Ok((guard, Pipes { out: out.into(), err: err.into() }))
}

/// Empty input.
pub(crate) fn nothing() -> OwnedFd {
    std::fs::File::open("/dev/null").expect("/dev/null exists").into()
}

pub(crate) struct Pipes {
    pub(crate) out: OwnedFd,
    pub(crate) err: OwnedFd,
}

/// Runs the command under the plan to its end, answering every report.
pub(crate) fn run(plan: &Plan, command: &Command) -> Result<Ran, String> {
    run_with(plan, &enforce::probe(), command, nothing())
}

/// The same on a host with less support, or with another input.
pub(crate) fn run_with(
    plan: &Plan,
    support: &Support,
    command: &Command,
    stdin: OwnedFd,
) -> Result<Ran, String> {
    let (guard, pipes) = start_with(plan, support, command, stdin)?;
    finish(guard, pipes, command)
}

/// Answers every report until the server has ended, and then ends what is left.
pub(crate) fn finish(mut guard: Guard, pipes: Pipes, command: &Command) -> Result<Ran, String> {
    let [out, err] = [pipes.out, pipes.err].map(|pipe| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            std::fs::File::from(pipe).read_to_end(&mut text).expect("a pipe");
            String::from_utf8_lossy(&text).into_owned()
        })
    });
    let mut listener = guard.denials();
    let mut ran =
        Ran { status: None, stdout: String::new(), stderr: String::new(), denials: vec![], network: vec![] };
    let deadline = Instant::now() + Duration::from_secs(30);
    while ran.status.is_none() {
        match &mut listener {
            Some(listener) => hear(listener, &mut ran),
            None => std::thread::sleep(Duration::from_micros(300)),
        }
        ran.status =
            guard.reap().into_iter().find(|exited| exited.pid == guard.pid()).map(|exited| exited.status);
        if Instant::now() > deadline {
            drop(guard);
            return Err(format!("{command:?} hangs; refused so far: {ran:?}"));
        }
    }
    drop(guard);
    [ran.stdout, ran.stderr] = [out, err].map(|thread| thread.join().expect("reads until the end"));
    Ok(ran)
}

/// Serves what there is, or waits a moment for it.
fn hear(listener: &mut DenialListener, ran: &mut Ran) {
    let moment = Some(Duration::from_millis(1));
    if listener.wait(moment, None).expect("reports can be waited for") != Woken::Work {
        return;
    }
    loop {
        let served = match listener.serve() {
            // The server is about to be reaped.
            Err(ListenError::Ended) => return std::thread::sleep(Duration::from_micros(300)),
            other => other.expect("reports can be read"),
        };
        match served {
            Some(Served::Denied(denial)) => ran.denials.push(denial),
            Some(Served::Network(denial)) => ran.network.push(denial),
            Some(Served::CarriedOut) => {}
            None => return,
        }
    }
}
