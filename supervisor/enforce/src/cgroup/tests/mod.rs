//! Against the real kernel, as root. Every process here is started by these tests and ended with its own group.

mod ends;
mod leftovers;
mod limits;
mod names;
mod versions;

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use policy::plan::LimitsPlan;

use super::layout::Layout;
use super::{Controller, Group, GroupError, GroupId};

/// No limit at all.
fn free() -> LimitsPlan {
    LimitsPlan::default()
}

/// Enough for every script here, and little enough that a bug does not take the machine.
fn bounded() -> LimitsPlan {
    LimitsPlan { max_processes: Some(256), memory_bytes: Some(256 << 20), ..LimitsPlan::default() }
}

fn id(label: &str) -> GroupId {
    GroupId::own().expect("/proc").labelled(label).expect("a label")
}

/// Says aloud that a test cannot be done here. `cargo xtask test` counts these lines.
fn skip(missing: &str) {
    let name = std::thread::current().name().unwrap_or("unnamed").to_owned();
    // Written to the descriptor: libtest swallows what the print macros of a passing test say.
    let line = format!("SKIP: {name}: {missing}\n");
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

/// The hierarchies of this host; `None`, said aloud, if no group can be made or a controller is missing.
fn layout(needed: &[Controller]) -> Option<Layout> {
    let layout = Layout::find();
    if let Some(missing) = layout.nowhere() {
        assert!(matches!(Group::create(&id("none"), &free()), Err(GroupError::NoHierarchy { .. })));
        skip(&missing.reason);
        return None;
    }
    for controller in needed {
        if let Err(missing) = layout.place(*controller) {
            skip(&format!("no {controller} controller: {}", missing.reason));
            return None;
        }
    }
    Some(layout)
}

/// A group with these limits; `None`, said aloud, where there can be none.
fn group(label: &str, plan: &LimitsPlan) -> Option<Group> {
    let layout = layout(&super::settings::needed(plan))?;
    Some(Group::create_in(&layout, &id(label), plan).expect("a group"))
}

/// A shell that waits for a line before it runs its script, as a server waits for its sandbox.
struct Shell(Child);

impl Shell {
    fn new(script: &str) -> Self {
        Self::with(script, |_| {})
    }

    fn with(script: &str, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("read go; {script}")]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        change(&mut command);
        Self(command.spawn().expect("a shell"))
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().cast_signed())
    }

    fn go(&mut self) {
        self.0.stdin.take().expect("started once").write_all(b"go\n").expect("it reads");
    }

    fn ended(&mut self) -> ExitStatus {
        within("the shell ends", Duration::from_secs(20), || self.0.try_wait().expect("own child"))
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // Its children are the group's.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A shell in the group that runs its script now.
fn started(group: &Group, script: &str) -> Shell {
    let mut shell = Shell::new(script);
    group.join(shell.pid()).expect("it joins");
    shell.go();
    shell
}

/// Looks until there is something.
fn within<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "not within {patience:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until the group has at least this many members.
fn grown(group: &Group, count: usize) -> Vec<Pid> {
    within("the group grows", Duration::from_secs(20), || {
        let members = group.members().expect("members");
        (members.len() >= count).then_some(members)
    })
}

fn as_nobody(command: &mut Command) {
    command.uid(65534).gid(65534);
}
