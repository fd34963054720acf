//! The attacks on files as a table.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::scene::{POLICY, SECRET, Scene};
use crate::actor::Outcome;
use crate::case::Case;
use crate::ground::Ground;
use crate::guarded::Ended;
use crate::need::Need;

/// What the attacker wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    /// To learn the secret.
    Read,
    /// To have it done: the act succeeds.
    Do,
}

/// Who denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The eBPF layer, by `EPERM`; its record names the path that ends with this.
    Ebpf(&'static str),
    /// An earlier layer, with any errno: it never comes to the eBPF layer under the whole product.
    Earlier,
}

/// One way.
struct Attack {
    name: &'static str,
    words: &'static [&'static str],
    goal: Goal,
    by: By,
}

const fn read(name: &'static str, words: &'static [&'static str], what: &'static str) -> Attack {
    Attack { name, words, goal: Goal::Read, by: By::Ebpf(what) }
}

const fn act(name: &'static str, words: &'static [&'static str], what: &'static str) -> Attack {
    Attack { name, words, goal: Goal::Do, by: By::Ebpf(what) }
}

const fn closed(name: &'static str, words: &'static [&'static str], goal: Goal) -> Attack {
    Attack { name, words, goal, by: By::Earlier }
}

const ATTACKS: &[Attack] = &[
    // Plainly, and every other way to say the path.
    read("escapes/open", &["read", "@secret/file"], "/secret/file"),
    read("escapes/open_a_denied_name", &["read", "@.env"], "/.env"),
    read("escapes/open_a_denied_name_deeper", &["read", "@deep/.env"], "/deep/.env"),
    act("escapes/list", &["list", "@secret"], "/secret"),
    read("escapes/dots", &["read", "@empty/../secret/./file"], "/secret/file"),
    read("escapes/own_root", &["read", "/proc/self/root@secret/file"], "/secret/file"),
    read(
        "escapes/own_directory",
        &["sequence", "chdir", "@secret", "--", "read", "/proc/self/cwd/file"],
        "/secret/file",
    ),
    read("escapes/relative", &["sequence", "chdir", "@secret", "--", "read", "file"], "/secret/file"),
    read("escapes/path_descriptor", &["read_reopened", "@secret/file"], "/secret/file"),
    read("escapes/directory_descriptor", &["read_beneath", "@secret", "file"], "/secret/file"),
    read(
        "escapes/symlink",
        &["sequence", "symlink", "@secret/file", "@link", "--", "read", "@link"],
        "/secret/file",
    ),
    read(
        "escapes/symlink_to_directory",
        &["sequence", "symlink", "@secret", "@link", "--", "read", "@link/file"],
        "/secret/file",
    ),
    read("escapes/over_255_bytes", &["read_deep", "@secret", "2", "250", "file"], "/file"),
    read("escapes/over_4096_bytes", &["read_deep", "@deep", "25", "200", ".env"], "/.env"),
    read("escapes/over_64_components", &["read_deep", "@secret", "80", "3", "file"], "/file"),
    closed("escapes/handle", &["read_by_handle", "@secret/file", "@empty"], Goal::Read),
    closed("escapes/ring_inline", &["ring_read", "inline", "@secret/file"], Goal::Read),
    closed("escapes/ring_async", &["ring_read", "async", "@secret/file"], Goal::Read),
    closed("escapes/ring_sqpoll", &["ring_read", "sqpoll", "@secret/file"], Goal::Read),
    // As another process, in another place.
    read("escapes/child", &["child", "read", "@secret/file"], "/secret/file"),
    read("escapes/daemon", &["daemon", "read", "@secret/file"], "/secret/file"),
    read("escapes/thread", &["thread", "read", "@secret/file"], "/secret/file"),
    read("escapes/daemon_s_thread", &["daemon", "thread", "read", "@secret/file"], "/secret/file"),
    read(
        "escapes/root_cgroup",
        &["sequence", "join", "/sys/fs/cgroup", "--", "read", "@secret/file"],
        "/secret/file",
    ),
    read(
        "escapes/child_cgroup",
        &["sequence", "leaf", "/sys/fs/cgroup", "--", "read", "@secret/file"],
        "/secret/file",
    ),
    closed(
        "escapes/born_in_the_root_cgroup",
        &["born_in", "/sys/fs/cgroup", "read", "@secret/file"],
        Goal::Read,
    ),
    read(
        "escapes/user_namespace",
        &["sequence", "unshare", "user", "--", "read", "@secret/file"],
        "/secret/file",
    ),
    read(
        "escapes/mount_namespace",
        &["sequence", "unshare", "mount", "--", "read", "@secret/file"],
        "/secret/file",
    ),
    read(
        "escapes/process_namespace",
        &["sequence", "unshare", "process", "--", "child", "read", "@secret/file"],
        "/secret/file",
    ),
    read(
        "escapes/cgroup_namespace",
        &["sequence", "unshare", "cgroup", "--", "read", "@secret/file"],
        "/secret/file",
    ),
    // By changing what the names mean.
    act("escapes/hard_link", &["link", "@secret/file", "@stolen"], "/secret/file"),
    act("escapes/hard_link_of_a_denied_name", &["link", "@.env", "@stolen"], "/.env"),
    act("escapes/rename_away", &["rename", "@secret/file", "@stolen"], "/secret/file"),
    act("escapes/rename_the_denied", &["rename", "@secret", "@stolen"], "/secret"),
    act("escapes/rename_a_parent", &["rename", "@box", "@stolen"], "/box"),
    act("escapes/rename_the_inner_parent", &["rename", "@box/inner", "@stolen"], "/box/inner"),
    act("escapes/rename_a_denied_name", &["rename", "@.env", "@stolen"], "/.env"),
    act("escapes/rename_onto", &["rename", "@open", "@secret/file"], "/secret/file"),
    act("escapes/rename_onto_a_denied_name", &["rename", "@open", "@.env"], "/.env"),
    act("escapes/rename_into_being", &["rename", "@open", "@absent"], "/absent"),
    act("escapes/exchange", &["exchange", "@open", "@secret/file"], "/secret/file"),
    act("escapes/exchange_a_parent", &["exchange", "@empty", "@box"], "/box"),
    closed(
        "escapes/bind_mount",
        &["sequence", "bind_mount", "@secret", "@empty", "--", "read", "@empty/file"],
        Goal::Read,
    ),
    closed(
        "escapes/mount_copy",
        &["sequence", "move_mount", "@secret", "@empty", "--", "read", "@empty/file"],
        Goal::Read,
    ),
    // By changing what is there.
    act("escapes/write", &["append", "@secret/file"], "/secret/file"),
    act("escapes/truncate", &["truncate", "@secret/file"], "/secret/file"),
    act("escapes/open_truncate", &["open_truncate", "@secret/file"], "/secret/file"),
    act("escapes/create_inside", &["create", "@secret/new"], "/secret/new"),
    act("escapes/create_a_denied_name", &["create", "@empty/.env"], "/empty/.env"),
    act("escapes/create_the_absent", &["create", "@absent"], "/absent"),
    act("escapes/pipe", &["mknod", "@absent", "pipe"], "/absent"),
    act("escapes/directory", &["mkdir", "@absent"], "/absent"),
    act("escapes/directory_beneath", &["mkdir", "@secret/new"], "/secret/new"),
    act("escapes/symlink_at", &["symlink", "@open", "@absent"], "/absent"),
    act("escapes/link_at", &["link", "@open", "@absent"], "/absent"),
    act("escapes/file_without_a_name", &["tmpfile_link", "@empty", "@absent"], "/absent"),
    act("escapes/socket", &["unix_listen", "@secret/new"], "/secret/new"),
    act("escapes/unlink", &["unlink", "@secret/file"], "/secret/file"),
    act("escapes/unlink_a_denied_name", &["unlink", "@.env"], "/.env"),
    act("escapes/rmdir", &["rmdir", "@secret/hollow"], "/secret/hollow"),
    closed("escapes/chmod", &["chmod", "@secret/file", "0x1ff"], Goal::Do),
    closed("escapes/chown", &["chown", "@secret/file", "1000"], Goal::Do),
    // By its code.
    act("escapes/map", &["map_code", "@secret/code"], "/secret/code"),
    closed("escapes/execute", &["spawn", "@secret/program"], Goal::Do),
];

impl Attack {
    fn words(&self, scene: &Scene) -> Vec<String> {
        self.words.iter().map(|word| scene.expand(word)).collect()
    }

    /// Whether the attacker has what it wants.
    fn attained(&self, outcome: &Outcome) -> bool {
        match self.goal {
            Goal::Read => outcome.is_ok() && outcome.value.to_string().contains(SECRET),
            Goal::Do => outcome.is_ok(),
        }
    }

    fn holds(&self, ground: &Ground) -> Result<()> {
        let words = self.words(&Scene::set(ground)?);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let bare = ground.act(words[0], &words[1..])?;
        ensure!(self.attained(&bare), "it does not succeed without a guard: {bare:?}");

        let scene = Scene::set(ground)?;
        let ended = ground.guarded(POLICY)?.act(words[0], &words[1..])?;
        scene.intact()?;
        self.denied(&ended)
    }

    fn denied(&self, ended: &Ended) -> Result<()> {
        let outcome = ended.outcome()?;
        ensure!(!self.attained(outcome), "it comes through: {ended:#?}");
        ensure!(!ended.stderr.contains(SECRET), "the secret is told: {ended:#?}");
        let By::Ebpf(path) = self.by else { return Ok(()) };
        ensure!(outcome.errno() == Some("EPERM"), "another errno: {ended:#?}");
        let record = ended.record("denial", path)?;
        ensure!(record["layer"] == "ebpf", "another layer denied it: {record}");
        ensure!(record["rule"] != Value::Null, "the record names no rule: {record}");
        Ok(())
    }
}

/// The cases, one for each attack.
pub(crate) const CASES: &[Case] = &cases();

const fn cases() -> [Case; ATTACKS.len()] {
    let mut all = [const { Case::new("", run).needs(&[Need::TaskStorage]).seconds(2) }; ATTACKS.len()];
    let mut at = 0;
    while at < ATTACKS.len() {
        all[at].name = ATTACKS[at].name;
        at += 1;
    }
    all
}

fn run(ground: &Ground) -> Result<()> {
    let attack = ATTACKS.iter().find(|attack| ground.is_of(attack.name));
    attack.context("no attack of this name")?.holds(ground)
}
