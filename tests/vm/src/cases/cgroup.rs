//! Control groups of version 2: each limit holds and is counted, and nothing of a tree outlives its group.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use enforce::Pid;
use enforce::cgroup::{Controller, Group, GroupError, GroupId, Hierarchy, leftovers, probe};
use policy::plan::LimitsPlan;

use crate::case::Case;
use crate::ground::{Ground, INIT};
use crate::need::Need;

pub(super) const CASES: &[Case] = &[
    Case::new("cgroup/the_probe_agrees_with_the_matrix", the_probe_agrees_with_the_matrix),
    Case::new("cgroup/memory_ends_in_a_counted_kill", memory_ends_in_a_counted_kill)
        .needs(&[Need::Controller("memory")])
        .seconds(2),
    Case::new("cgroup/processes_are_refused_and_counted", processes_are_refused_and_counted)
        .needs(&[Need::Controller("pids")])
        .seconds(2),
    Case::new("cgroup/processor_time_is_withheld_and_counted", processor_time_is_withheld_and_counted)
        .needs(&[Need::Controller("cpu")])
        .seconds(4),
    Case::new("cgroup/a_later_group_leaves_the_first_its_limits", a_later_group_leaves_the_first_its_limits)
        .needs(&[Need::Controller("memory"), Need::Controller("pids")]),
    Case::new("cgroup/a_daemon_dies_with_its_group", a_daemon_dies_with_its_group).seconds(2),
    Case::new("cgroup/a_fork_bomb_dies", a_fork_bomb_dies).needs(&[Need::Controller("pids")]).seconds(4),
    Case::new("cgroup/a_frozen_tree_stands_still", a_frozen_tree_stands_still).seconds(2),
    Case::new("cgroup/a_user_cannot_leave", a_user_cannot_leave).seconds(2),
    Case::new("cgroup/no_group_can_be_made_beneath", no_group_can_be_made_beneath),
    Case::new(
        "cgroup/a_killed_supervisor_leaves_nothing_for_long",
        a_killed_supervisor_leaves_nothing_for_long,
    )
    .seconds(2),
    Case::new(
        "degraded/a_limit_without_its_controller_is_refused",
        a_limit_without_its_controller_is_refused,
    )
    .needs(&[Need::NoController("memory")]),
];

fn the_probe_agrees_with_the_matrix(ground: &Ground) -> Result<()> {
    let (survey, facts) = (probe(), ground.facts());
    ensure!(survey.hierarchy == Hierarchy::Unified && survey.because.is_none(), "{survey:?}");
    ensure!(survey.unified.as_deref() == Some(Path::new("/sys/fs/cgroup")), "{survey:?}");
    ensure!(survey.kill == facts.cgroup_kill && survey.freeze, "{survey:?}");
    for controller in Controller::ALL {
        let expected = facts.controllers.iter().any(|name| name == controller.name());
        ensure!(survey.has(controller) == expected, "{controller}: {survey:?}");
    }
    ensure!(!Path::new("/sys/fs/cgroup/mcpguard").exists(), "the probe left something behind");
    let group = group(&LimitsPlan::default())?;
    let inode = std::fs::metadata(directory(&group))?.ino();
    ensure!(group.id() == Some(inode) && group.v2_directory_fd().is_some(), "the id is {:?}", group.id());
    Ok(())
}

fn memory_ends_in_a_counted_kill(_ground: &Ground) -> Result<()> {
    let group = group(&LimitsPlan { memory_bytes: Some(24 << 20), ..LimitsPlan::default() })?;
    let within = ended(started(&group, &["tree_memory", "4"])?)?;
    ensure!(within.status.success(), "4 MiB of 24: {within:?}");
    ensure!(group.events()?.oom_kills == Some(0), "{:?}", group.events());
    let beyond = ended(started(&group, &["tree_memory", "64"])?)?;
    ensure!(beyond.status.signal() == Some(9), "64 MiB of 24: {beyond:?}");
    let events = group.events()?;
    ensure!(events.oom_kills >= Some(1) && events.oom >= Some(1), "{events:?}");
    Ok(())
}

fn processes_are_refused_and_counted(_ground: &Ground) -> Result<()> {
    let group = group(&LimitsPlan { max_processes: Some(8), ..LimitsPlan::default() })?;
    let output = ended(started(&group, &["tree_many", "12"])?)?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(told.contains("EAGAIN"), "{told}");
    ensure!(group.members()?.len() == 7, "{:?} of 8, the first of which has ended", group.members());
    ensure!(group.events()?.pids_max_hits >= Some(1), "{:?}", group.events());
    Ok(())
}

fn processor_time_is_withheld_and_counted(ground: &Ground) -> Result<()> {
    let group = group(&LimitsPlan { cpu_millis: Some(100), ..LimitsPlan::default() })?;
    let tree = started(&group, &["tree_spin"])?;
    let stat = PathBuf::from(format!("/proc/{}/stat", tree.0.id()));
    let (begun, before) = (Instant::now(), hundredths(&stat)?);
    std::thread::sleep(ground.slow(Duration::from_millis(300)).min(Duration::from_secs(3)));
    let (elapsed, used) = (begun.elapsed().as_millis(), u128::from(hundredths(&stat)? - before) * 10);
    ensure!(used > 0 && used * 100 < elapsed * 25, "{used} ms of {elapsed} with a share of a tenth");
    let events = group.events()?;
    ensure!(events.cpu_throttled_periods >= Some(3), "{events:?}");
    ensure!(events.cpu_throttled > Some(Duration::ZERO), "{events:?}");
    Ok(())
}

/// Controllers are switched on for the groups beneath `mcpguard` while a session stands there already.
fn a_later_group_leaves_the_first_its_limits(_ground: &Ground) -> Result<()> {
    let first = group(&LimitsPlan { memory_bytes: Some(64 << 20), ..LimitsPlan::default() })?;
    let second = Group::create(
        &id()?.labelled("second")?,
        &LimitsPlan { max_processes: Some(5), ..LimitsPlan::default() },
    )?;
    let read = |group: &Group, file: &str| std::fs::read_to_string(directory(group).join(file));
    ensure!(read(&first, "memory.max")?.trim() == "67108864");
    ensure!(read(&first, "memory.oom.group")?.trim() == "1");
    ensure!(read(&second, "pids.max")?.trim() == "5");
    ensure!(read(&first, "pids.max")?.trim() == "max", "a limit that nobody asked for");
    drop(second);
    ensure!(read(&first, "memory.max")?.trim() == "67108864", "another session's end took the limit away");
    Ok(())
}

fn a_daemon_dies_with_its_group(ground: &Ground) -> Result<()> {
    let group = group(&LimitsPlan::default())?;
    let tree = started(&group, &["tree_daemon"])?;
    let members = grown(&group, 4, ground)?;
    let own = nix::unistd::getsid(Some(tree.pid()))?;
    let daemons =
        members.iter().filter(|member| nix::unistd::getsid(Some(**member)).is_ok_and(|it| it != own));
    ensure!(daemons.count() > 0, "nobody got a session of its own");
    group.kill()?;
    ensure!(group.is_empty()? && group.members()?.is_empty(), "{:?}", group.members());
    ensure!(ended(tree)?.status.signal() == Some(9));
    let path = directory(&group);
    group.remove()?;
    ensure!(!path.exists() && !Path::new("/sys/fs/cgroup/mcpguard").exists());
    Ok(())
}

fn a_fork_bomb_dies(ground: &Ground) -> Result<()> {
    let group = group(&LimitsPlan { max_processes: Some(48), ..LimitsPlan::default() })?;
    let _tree = started(&group, &["tree_bomb"])?;
    grown(&group, 30, ground)?;
    group.kill()?;
    ensure!(group.is_empty()?, "{:?}", group.members());
    Ok(())
}

fn a_frozen_tree_stands_still(ground: &Ground) -> Result<()> {
    let group = group(&LimitsPlan::default())?;
    let tree = started(&group, &["tree_spin"])?;
    let stat = PathBuf::from(format!("/proc/{}/stat", tree.0.id()));
    group.freeze()?;
    let frozen = hundredths(&stat)?;
    std::thread::sleep(Duration::from_millis(500));
    ensure!(hundredths(&stat)? == frozen, "it ran while it was frozen");
    group.thaw()?;
    within(ground, || Ok((hundredths(&stat)? > frozen).then_some(())))?;
    group.freeze()?;
    group.kill()?;
    ensure!(group.is_empty()? && ended(tree)?.status.signal() == Some(9));
    Ok(())
}

/// Root can: that is what Landlock and the programs on `file_open` are for.
fn a_user_cannot_leave(_ground: &Ground) -> Result<()> {
    let group = group(&LimitsPlan::default())?;
    let (outside, inside) = (PathBuf::from("/sys/fs/cgroup"), directory(&group));
    let attempt = |path: &Path, user: u32| -> Result<String> {
        let path = path.join("cgroup.procs").to_string_lossy().into_owned();
        let mut command = waiting(&["tree_migrate", &path]);
        command.uid(user).gid(user);
        let tree = Tree(command.spawn()?);
        group.join(tree.pid())?;
        Ok(String::from_utf8_lossy(&ended(tree.go()?)?.stderr).into_owned())
    };
    ensure!(attempt(&outside, 0)?.contains("\"ok\":true"), "the attack is none: root cannot do it either");
    for path in [&outside, &inside] {
        let told = attempt(path, 65534)?;
        ensure!(told.contains("EACCES"), "{}: {told}", path.display());
    }
    Ok(())
}

fn no_group_can_be_made_beneath(_ground: &Ground) -> Result<()> {
    let group = group(&LimitsPlan::default())?;
    let refused = std::fs::create_dir(directory(&group).join("child"));
    let errno = refused.err().and_then(|error| error.raw_os_error());
    ensure!(errno == Some(nix::libc::EAGAIN), "{errno:?}");
    Ok(())
}

fn a_killed_supervisor_leaves_nothing_for_long(ground: &Ground) -> Result<()> {
    let mut supervisor = waiting(&["tree_supervise"]).spawn()?;
    let id = GroupId::of(pid(&supervisor)).context("it runs")?;
    let path = Path::new("/sys/fs/cgroup/mcpguard").join(id.to_string());
    let members =
        || std::fs::read_to_string(path.join("cgroup.procs")).map_or(0, |text| text.lines().count());
    Tree::tell(&mut supervisor)?;
    within(ground, || Ok((members() == 1).then_some(())))?;
    ensure!(leftovers().is_empty() && members() == 1, "a living session was ended");
    supervisor.kill()?;
    supervisor.wait()?;
    ensure!(members() == 1, "it left nothing: the case shows nothing");
    let found = leftovers();
    let ended = found.iter().all(|one| one.id == id && one.processes == 1 && one.outcome.is_ok());
    ensure!(found.len() == 1 && ended && !path.exists(), "{found:?}");
    Ok(())
}

fn a_limit_without_its_controller_is_refused(_ground: &Ground) -> Result<()> {
    let survey = probe();
    ensure!(!survey.has(Controller::Memory) && survey.has(Controller::Pids), "{survey:?}");
    let limits = LimitsPlan { memory_bytes: Some(1 << 24), ..LimitsPlan::default() };
    match Group::create(&id()?, &limits) {
        Err(error @ GroupError::Missing { controller: Controller::Memory, .. }) => {
            ensure!(error.to_string().contains("cgroup_disable=memory"), "{error}");
        }
        other => bail!("it was not refused: {other:?}"),
    }
    ensure!(!Path::new("/sys/fs/cgroup/mcpguard").exists(), "the refusal left something behind");
    Ok(())
}

fn id() -> Result<GroupId> {
    GroupId::own().context("/proc cannot be read")
}

fn group(limits: &LimitsPlan) -> Result<Group> {
    Ok(Group::create(&id()?, limits)?)
}

fn directory(group: &Group) -> PathBuf {
    Path::new("/sys/fs/cgroup/mcpguard").join(group.name().to_string())
}

/// A process that waits for a line before it acts.
struct Tree(Child);

impl Tree {
    fn pid(&self) -> Pid {
        pid(&self.0)
    }

    fn go(mut self) -> Result<Self> {
        Self::tell(&mut self.0).map(|()| self)
    }

    fn tell(child: &mut Child) -> Result<()> {
        Ok(child.stdin.take().context("it was told before")?.write_all(b"go\n")?)
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

fn waiting(act: &[&str]) -> Command {
    let mut command = Command::new(INIT);
    command.args(["--act", "tree"]).args(act);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn started(group: &Group, act: &[&str]) -> Result<Tree> {
    let tree = Tree(waiting(act).spawn()?);
    group.join(tree.pid())?;
    tree.go()
}

fn ended(tree: Tree) -> Result<Output> {
    Ok(tree.0.wait_with_output()?)
}

fn grown(group: &Group, count: usize, ground: &Ground) -> Result<Vec<Pid>> {
    within(ground, || Ok(Some(group.members()?).filter(|members| members.len() >= count)))
}

fn within<T>(ground: &Ground, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + ground.slow(Duration::from_secs(3));
    loop {
        if let Some(seen) = look()? {
            return Ok(seen);
        }
        ensure!(Instant::now() < deadline, "it did not come to pass in time");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// User and system time of a process in hundredths of a second.
fn hundredths(stat: &Path) -> Result<u64> {
    let text = std::fs::read_to_string(stat)?;
    let (_, fields) = text.rsplit_once(") ").context("a process without a name")?;
    fields.split(' ').skip(11).take(2).map(|field| Ok(field.parse::<u64>()?)).sum()
}
