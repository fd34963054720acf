//! The attacks on files as a table.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::scene::{POLICY, SECRET, Scene};
use crate::actor::Outcome;
use crate::case::Case;
use crate::client::Client;
use crate::ground::Ground;
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
    read("open", &["read", "@secret/file"], "/secret/file"),
    read("open_a_denied_name", &["read", "@.env"], "/.env"),
    read("open_a_denied_name_deeper", &["read", "@deep/.env"], "/deep/.env"),
    act("list", &["list", "@secret"], "/secret"),
    read("dots", &["read", "@empty/../secret/./file"], "/secret/file"),
    read("own_root", &["read", "/proc/self/root@secret/file"], "/secret/file"),
    read(
        "own_directory",
        &["sequence", "chdir", "@secret", "--", "read", "/proc/self/cwd/file"],
        "/secret/file",
    ),
    read("relative", &["sequence", "chdir", "@secret", "--", "read", "file"], "/secret/file"),
    read("path_descriptor", &["read_reopened", "@secret/file"], "/secret/file"),
    read("directory_descriptor", &["read_beneath", "@secret", "file"], "/secret/file"),
    read("symlink", &["sequence", "symlink", "@secret/file", "@link", "--", "read", "@link"], "/secret/file"),
    read(
        "symlink_to_directory",
        &["sequence", "symlink", "@secret", "@way", "--", "read", "@way/file"],
        "/secret/file",
    ),
    read("over_255_bytes", &["read_deep", "@secret", "2", "250", "file"], "/file"),
    read("over_4096_bytes", &["read_deep", "@deep", "25", "200", ".env"], "/.env"),
    read("over_64_components", &["read_deep", "@secret", "80", "3", "file"], "/file"),
    closed("handle", &["read_by_handle", "@secret/file", "@empty"], Goal::Read),
    closed("ring_inline", &["ring_read", "inline", "@secret/file"], Goal::Read),
    closed("ring_async", &["ring_read", "async", "@secret/file"], Goal::Read),
    closed("ring_sqpoll", &["ring_read", "sqpoll", "@secret/file"], Goal::Read),
    // As another process, in another place.
    read("child", &["child", "read", "@secret/file"], "/secret/file"),
    read("daemon", &["daemon", "read", "@secret/file"], "/secret/file"),
    read("thread", &["thread", "read", "@secret/file"], "/secret/file"),
    read("daemon_s_thread", &["daemon", "thread", "read", "@secret/file"], "/secret/file"),
    read(
        "root_cgroup",
        &["sequence", "join", "/sys/fs/cgroup", "--", "read", "@secret/file"],
        "/secret/file",
    ),
    read(
        "child_cgroup",
        &["sequence", "leaf", "/sys/fs/cgroup", "--", "read", "@secret/file"],
        "/secret/file",
    ),
    closed("born_in_the_root_cgroup", &["born_in", "/sys/fs/cgroup", "read", "@secret/file"], Goal::Read),
    read("user_namespace", &["sequence", "unshare", "user", "--", "read", "@secret/file"], "/secret/file"),
    read("mount_namespace", &["sequence", "unshare", "mount", "--", "read", "@secret/file"], "/secret/file"),
    read(
        "process_namespace",
        &["sequence", "unshare", "process", "--", "child", "read", "@secret/file"],
        "/secret/file",
    ),
    read(
        "cgroup_namespace",
        &["sequence", "unshare", "cgroup", "--", "read", "@secret/file"],
        "/secret/file",
    ),
    // By changing what the names mean.
    act("hard_link", &["link", "@secret/file", "@stolen"], "/secret/file"),
    act("hard_link_of_a_denied_name", &["link", "@.env", "@stolen"], "/.env"),
    act("rename_away", &["rename", "@secret/file", "@stolen"], "/secret/file"),
    act("rename_the_denied", &["rename", "@secret", "@stolen"], "/secret"),
    act("rename_a_parent", &["rename", "@box", "@stolen"], "/box"),
    act("rename_the_inner_parent", &["rename", "@box/inner", "@stolen"], "/box/inner"),
    act("rename_a_denied_name", &["rename", "@.env", "@stolen"], "/.env"),
    act("rename_onto", &["rename", "@open", "@secret/file"], "/secret/file"),
    act("rename_onto_a_denied_name", &["rename", "@open", "@.env"], "/.env"),
    act("rename_into_being", &["rename", "@open", "@absent"], "/absent"),
    act("exchange", &["exchange", "@open", "@secret/file"], "/secret/file"),
    act("exchange_a_parent", &["exchange", "@empty", "@box"], "/box"),
    closed(
        "bind_mount",
        &["sequence", "bind_mount", "@secret", "@empty", "--", "read", "@empty/file"],
        Goal::Read,
    ),
    closed(
        "mount_copy",
        &["sequence", "move_mount", "@secret", "@empty", "--", "read", "@empty/file"],
        Goal::Read,
    ),
    // By changing what is there.
    act("write", &["append", "@secret/file"], "/secret/file"),
    act("truncate", &["truncate", "@secret/file"], "/secret/file"),
    act("open_truncate", &["open_truncate", "@secret/file"], "/secret/file"),
    act("create_inside", &["create", "@secret/new"], "/secret/new"),
    act("create_a_denied_name", &["create", "@empty/.env"], "/empty/.env"),
    act("create_the_absent", &["create", "@absent"], "/absent"),
    act("pipe", &["mknod", "@absent", "pipe"], "/absent"),
    act("directory", &["mkdir", "@absent"], "/absent"),
    act("directory_beneath", &["mkdir", "@secret/new"], "/secret/new"),
    act("symlink_at", &["symlink", "@open", "@absent"], "/absent"),
    act("link_at", &["link", "@open", "@absent"], "/absent"),
    act("file_without_a_name", &["tmpfile_link", "@empty", "@absent"], "/absent"),
    act("socket", &["unix_listen", "@secret/new"], "/secret/new"),
    act("unlink", &["unlink", "@secret/file"], "/secret/file"),
    act("unlink_a_denied_name", &["unlink", "@.env"], "/.env"),
    act("rmdir", &["rmdir", "@secret/hollow"], "/secret/hollow"),
    closed("chmod", &["chmod", "@secret/file", "0x1ff"], Goal::Do),
    closed("chown", &["chown", "@secret/file", "1000"], Goal::Do),
    // By its code.
    act("map", &["map_code", "@secret/code"], "/secret/code"),
    closed("execute", &["spawn", "@secret/program"], Goal::Do),
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

    /// Without a guard, in a scene of its own: the attack may destroy it.
    fn succeeds_bare(&self, ground: &Ground) -> Result<()> {
        let words = self.words(&Scene::set(ground)?);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let bare = ground.act(words[0], &words[1..])?;
        ensure!(self.attained(&bare), "it does not succeed without a guard: {bare:?}");
        Ok(())
    }

    /// Whether it was the eBPF layer that it came to.
    fn fails_guarded(&self, scene: &Scene, client: &mut Client) -> Result<bool> {
        let words = self.words(scene);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        // In a child of the server, so that one attack does not stand in the way of the next one.
        let outcome = client.act("act", "child", &words)?;
        ensure!(!self.attained(&outcome), "it comes through: {outcome:?}");
        ensure!(!outcome.value.to_string().contains(SECRET), "the secret is told: {outcome:?}");
        // EXDEV is Landlock's answer, which comes first where it comes, to what changes the directory (ABI 2).
        let denied = ["EPERM", "EXDEV"].iter().any(|errno| outcome.errno() == Some(errno));
        ensure!(self.by == By::Earlier || denied, "another errno: {outcome:?}");
        scene.intact()?;
        Ok(outcome.errno() == Some("EPERM"))
    }

    /// The log names the path, the rule and the tool call.
    fn is_told(&self, records: &[Value]) -> Result<()> {
        let By::Ebpf(path) = self.by else { return Ok(()) };
        let told = records.iter().filter(|r| r["event"] == "denial" && r["layer"] == "ebpf");
        let mut fitting = told.filter(|r| r["what"].as_str().is_some_and(|what| what.ends_with(path)));
        let whole = |record: &Value| record["rule"] != Value::Null && record["calls"][0]["tool"] == "act";
        ensure!(fitting.any(whole), "no record of `{path}` with a rule and a call");
        Ok(())
    }
}

pub(crate) const CASES: &[Case] = &[Case::new("escapes/files", files).needs(&[Need::Hooks]).seconds(90)];

/// What the kernel denied stands in the answer of the call that failed.
fn the_answer_tells(scene: &Scene, client: &mut Client) -> Result<()> {
    let secret = scene.expand("@secret/file");
    let answer = client.call("act", json!({ "act": "read", "arguments": [secret] }))?;
    let told = answer["result"]["content"][1]["text"].as_str().unwrap_or_default();
    let whole = told.contains("blocked, while `act` ran") && told.contains(&secret) && told.contains("deny");
    ensure!(whole, "the answer does not tell what was denied by which rule: {answer}");
    Ok(())
}

/// One session for all: to start a guard is by far the longest part of it.
fn files(ground: &Ground) -> Result<()> {
    let mut wrong = String::new();
    let mut note = |attack: &Attack, result: Result<()>| {
        let told = result.err().map(|error| format!("  {} {:?}: {error:#}\n", attack.name, attack.words));
        wrong.extend(told);
    };
    for attack in ATTACKS {
        note(attack, attack.succeeds_bare(ground));
    }
    let scene = Scene::set(ground)?;
    let guarded = ground.guarded(POLICY)?;
    let mut client = guarded.session()?;
    the_answer_tells(&scene, &mut client)?;
    let mut denied_by_ebpf = Vec::new();
    for attack in ATTACKS {
        let denied = attack.fails_guarded(&scene, &mut client);
        denied_by_ebpf.extend(denied.as_ref().is_ok_and(|by_ebpf| *by_ebpf).then_some(attack));
        note(attack, denied.map(drop));
    }
    let status = client.finish()?;
    let records = guarded.records()?;
    for attack in denied_by_ebpf {
        note(attack, attack.is_told(&records));
    }
    ensure!(wrong.is_empty(), "of {} attacks:\n{wrong}", ATTACKS.len());
    ensure!(status.success(), "the session ended with {status}");
    Ok(())
}
