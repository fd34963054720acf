//! Host rules in `/etc/mcpguard`: what no policy exceeds. Each test has an `/etc` of its own, in a mount namespace.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::{Finished, Runtime, Scene, Start, mcpguard, records, run, skip};
use serde_json::{Value, json};

/// Lays a copy of `/etc` with the rules over the real one, then runs what follows. `$0` is the scene.
const LAY: &str = r#"set -e
mkdir -p "$0/etc"; mount -t tmpfs none "$0/etc"; cp -a /etc/. "$0/etc/"
rm -rf "$0/etc/mcpguard"; cp -a "$0/rules" "$0/etc/mcpguard"; mount --bind "$0/etc" /etc; exec "$@""#;

/// A scene with host rules; `None` where there is no root to lay them.
struct Host {
    scene: Scene,
}

impl Host {
    /// `SCENE` in the rules is the scene's directory.
    fn new(rules: &str) -> Result<Option<Self>> {
        if fs::metadata("/proc/self")?.uid() != 0 {
            let made = run(Command::new("unshare").args(["--mount", "true"]))?;
            ensure!(made.status != Some(0), "a mount namespace without root: these tests could run");
            skip("root, which alone can lay host rules over /etc");
            return Ok(None);
        }
        let host = Self { scene: Scene::new()? };
        fs::create_dir(host.rules())?;
        fs::set_permissions(host.rules(), Permissions::from_mode(0o755))?;
        host.file("host.yaml", &rules.replace("SCENE", &host.scene.root().display().to_string()), 0o644)?;
        Ok(Some(host))
    }

    fn rules(&self) -> PathBuf {
        self.scene.root().join("rules")
    }

    fn file(&self, name: &str, text: &str, mode: u32) -> Result<()> {
        let path = self.rules().join(name);
        fs::write(&path, text)?;
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        Ok(())
    }

    /// The words that lay the rules.
    fn within(&self) -> Vec<OsString> {
        let words = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", LAY];
        words.map(OsString::from).into_iter().chain([self.scene.root().into()]).collect()
    }

    /// The puppet's policy, with more at the top level.
    fn policy(&self, more: &str) -> Result<PathBuf> {
        self.scene.policy("p", &Runtime::Python.policy(more)?)
    }

    /// The puppet under `mcpguard exec`.
    fn start(&self, more: &str) -> Result<Start<'_>> {
        Ok(Start::guarded(&self.scene, self.policy(more)?, Runtime::Python.puppet()?).within(self.within()))
    }

    /// `mcpguard` with these words.
    fn mcpguard(&self, words: &[&str]) -> Result<Finished> {
        let line = self.within();
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).arg(mcpguard()?).args(words).current_dir(self.scene.workspace());
        run(command.env("HOME", self.scene.home()))
    }

    /// `mcpguard check` of the puppet's policy.
    fn check(&self, more: &str, words: &[&str]) -> Result<Finished> {
        let policy = self.policy(more)?;
        let policy = policy.to_str().context("UTF-8")?;
        self.mcpguard(&[&["check", policy], words].concat())
    }

    /// Neither `exec` nor `check` goes on, and both say why.
    fn refuses(&self, more: &str, why: &str) -> Result<()> {
        let mark = self.scene.workspace().join("started");
        let server = vec!["/usr/bin/touch".into(), mark.clone().into()];
        let start = Start::guarded(&self.scene, self.policy(more)?, server).within(self.within());
        for finished in [run(&mut start.command()?)?, self.check(more, &[])?] {
            ensure!(finished.status == Some(125), "{finished:?}");
            ensure!(finished.stderr.contains(why), "{why}\n{finished:?}");
            ensure!(finished.stdout.is_empty(), "{finished:?}");
        }
        ensure!(!mark.exists(), "something was started");
        Ok(())
    }
}

#[test]
fn a_policy_within_good_rules_runs_and_check_lists_them() -> Result<()> {
    let rules = "version: 1\nmaximum: { filesystem: { read: [/], write: [/dev, { path: /var/tmp, reason: scratch }, \"SCENE\"] } }\n";
    let Some(host) = Host::new(rules)? else { return Ok(()) };
    let mut client = host.start("")?.session()?;
    let file = host.scene.workspace().join("inside.txt");
    let answer = client.call("read", json!({ "path": file }))?;
    ensure!(answer.text()?.contains("inside"), "{answer:?}");
    drop(client);
    let told = host.check("", &[])?;
    ensure!(told.status.is_some_and(|status| status <= 1), "{told:?}");
    for line in [
        "rules of this host, which no policy exceeds: /etc/mcpguard/host.yaml",
        "  maximum.filesystem.read: /  /etc/mcpguard/host.yaml:2:33",
        "  maximum.filesystem.write: /var/tmp  /etc/mcpguard/host.yaml:2:59; because: scratch",
    ] {
        ensure!(told.stdout.lines().any(|it| it == line), "{line}\n{}", told.stdout);
    }
    Ok(())
}

#[test]
fn numbers_are_narrowed_and_exec_and_check_say_so() -> Result<()> {
    let Some(host) = Host::new("version: 1\nmaximum: { execution: { max_open_files: 64 } }\n")? else {
        return Ok(());
    };
    let own = "  max_open_files: 1024\n";
    let mut client = host.start(own)?.session()?;
    let limits = client.call("read", json!({ "path": "/proc/self/limits" }))?.0.to_string();
    let line = limits
        .split("Max open files")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next().map(str::to_owned));
    ensure!(line.as_deref() == Some("64"), "{line:?}: {limits}");
    let narrowed = "`maximum.execution.max_open_files: 64` (/etc/mcpguard/host.yaml:2:41) holds in place of \
                    `execution.max_open_files: 1024`";
    ensure!(client.stderr().contains(narrowed), "{}", client.stderr());
    drop(client);
    let told = host.check(own, &["--json"])?;
    let told: Value = serde_json::from_str(&told.stdout).with_context(|| format!("{told:?}"))?;
    let rules = &told["host_rules"];
    ensure!(
        rules["sources"] == json!(["/etc/mcpguard/host.yaml"]) && rules["allow_degraded"] == true,
        "{rules}"
    );
    ensure!(rules["narrowed"][0]["rule"] == "maximum.execution.max_open_files: 64", "{rules}");
    ensure!(rules["narrowed"][0]["in_place_of"]["rule"] == "execution.max_open_files: 1024", "{rules}");
    Ok(())
}

#[test]
fn a_grant_beyond_the_maximum_is_refused_with_both_places() -> Result<()> {
    let rules = "version: 1\nmaximum: { filesystem: { write: [/dev/null, /var/tmp] } }\n";
    let Some(host) = Host::new(rules)? else { return Ok(()) };
    host.refuses("", "p.yaml:6:11: error: `filesystem.write: ${workspace}`: `")?;
    let why = "is not within what this host allows: `maximum.filesystem.write` (/etc/mcpguard/host.yaml:2:33) is `/dev/null`, \
               `/var/tmp`; ask for something within it, or have the administrator add to it";
    host.refuses("", why)?;
    let told = host.check("", &["--json"])?;
    let told: Value = serde_json::from_str(&told.stdout).with_context(|| format!("{told:?}"))?;
    ensure!(told["valid"] == false && told["problems"][0]["line"] == 6, "{told}");
    Ok(())
}

#[test]
fn a_link_is_judged_by_where_it_leads() -> Result<()> {
    let rules = "version: 1\nmaximum: { filesystem: { write: [/dev/null, \"SCENE\"] } }\n";
    let Some(host) = Host::new(rules)? else { return Ok(()) };
    let link = host.scene.outside().join("link");
    std::os::unix::fs::symlink("/opt", &link)?;
    let more = format!("tools: {{ x: {{ allowed_paths: [\"{}\"] }} }}\n", link.display());
    host.refuses(&more, "/outside/link → /opt`, to be written, is not within what this host allows")
}

#[test]
fn the_servers_own_program_is_bounded() -> Result<()> {
    let Some(host) =
        Host::new("version: 1\nmaximum: { execution: { allowed_programs: [/bin/true, /opt] } }\n")?
    else {
        return Ok(());
    };
    let finished = run(&mut host.start("")?.command()?)?;
    let why = "command line: error: `the server's own program /usr/bin/python3";
    ensure!(finished.status == Some(125) && finished.stderr.contains(why), "{finished:?}");
    Ok(())
}

/// `#!/usr/bin/env true` means what the server's PATH says, which the policy sets.
#[test]
fn a_program_that_env_finds_is_bounded() -> Result<()> {
    let rules =
        "version: 1\nmaximum: { execution: { allowed_programs: [/bin, /usr/bin, \"SCENE/workspace\"] } }\n";
    let Some(host) = Host::new(rules)? else { return Ok(()) };
    let (script, found) = (host.scene.workspace().join("run"), host.scene.outside().join("true"));
    fs::copy("/bin/true", &found)?;
    fs::write(&script, "#!/usr/bin/env true\n")?;
    fs::set_permissions(&script, Permissions::from_mode(0o755))?;
    let start = |more: &str| -> Result<Finished> {
        let policy = host.scene.policy("p", &format!("version: 1\nextends: [runtime/native]\n{more}"))?;
        run(&mut Start::guarded(&host.scene, policy, vec![script.clone().into()])
            .within(host.within())
            .command()?)
    };
    let finished = start("")?;
    ensure!(finished.status == Some(0), "{finished:?}");
    let finished =
        start(&format!("environment: {{ set: {{ PATH: \"{}\" }} }}\n", host.scene.outside().display()))?;
    let why = format!("`the server's own program {}`: it, to be executed, is not within", found.display());
    ensure!(finished.status == Some(125) && finished.stderr.contains(&why), "{finished:?}");
    Ok(())
}

#[test]
fn broken_rules_refuse_every_start_and_doctor_says_so() -> Result<()> {
    let Some(host) = Host::new("version: 1\nmaximun: {}\n")? else { return Ok(()) };
    let why = "/etc/mcpguard/host.yaml:2:1: error: `maximun` is not a key that may stand here; did you mean `maximum`?";
    host.refuses("", why)?;
    let told = host.mcpguard(&["doctor"])?;
    ensure!(told.status == Some(1), "{told:?}");
    ensure!(
        told.stdout.lines().any(|it| it.starts_with("ABSENT  host-rules") && it.ends_with(why)),
        "{}",
        told.stdout
    );
    Ok(())
}

#[test]
fn rules_that_others_could_have_written_refuse_every_start() -> Result<()> {
    let good = "version: 1\nmaximum: { execution: { max_open_files: 64 } }\n";
    let Some(host) = Host::new(good)? else { return Ok(()) };
    host.file("host.yaml", good, 0o666)?;
    let why = "others than its owner may write the host rules in `/etc/mcpguard/host.yaml`; `chmod go-w` it";
    host.refuses("", why)?;
    host.file("host.yaml", good, 0o644)?;
    std::os::unix::fs::chown(host.rules().join("host.yaml"), Some(65534), None)?;
    host.refuses("", "belongs to user 65534, who could change it; it must belong to user 0")?;
    std::os::unix::fs::chown(host.rules().join("host.yaml"), Some(0), None)?;
    let told = host.mcpguard(&["doctor"])?;
    let line = "works   host-rules               1 rules in /etc/mcpguard/host.yaml, revision ";
    ensure!(told.stdout.lines().any(|it| it.starts_with(line)), "{}", told.stdout);
    Ok(())
}

#[test]
fn a_file_beside_narrows_further() -> Result<()> {
    let Some(host) = Host::new("version: 1\nmaximum: { execution: { max_open_files: 128 } }\n")? else {
        return Ok(());
    };
    fs::create_dir(host.rules().join("host.d"))?;
    fs::set_permissions(host.rules().join("host.d"), Permissions::from_mode(0o755))?;
    host.file(
        "host.d/10-wider.yaml",
        "version: 1\nmaximum: { execution: { max_open_files: 4096 } }\n",
        0o644,
    )?;
    host.file("host.d/20-narrower.yaml", "version: 1\npresets: { allow: [\"runtime/node\"] }\n", 0o644)?;
    host.refuses("", "the preset `runtime/python` may not be used on this host: `presets.allow` (/etc/mcpguard/host.d/20-narrower.yaml:2:19)")?;
    fs::remove_file(host.rules().join("host.d/20-narrower.yaml"))?;
    let told = host.check("", &["--json"])?;
    let told: Value = serde_json::from_str(&told.stdout).with_context(|| format!("{told:?}"))?;
    let narrowed = told["host_rules"]["narrowed"].as_array().context("narrowed")?;
    ensure!(
        narrowed.len() == 1 && narrowed[0]["rule"] == "maximum.execution.max_open_files: 128",
        "{told:#}"
    );
    Ok(())
}

#[test]
fn a_denied_tool_is_refused_and_recorded_with_the_hosts_rule() -> Result<()> {
    let rules = "version: 1\npolicies: { deny_tools: [{ tool: \"re?d\", reason: not here }] }\n";
    let Some(host) = Host::new(rules)? else { return Ok(()) };
    let mut client = host.start("tools: { read: { enabled: true } }\n")?.session()?;
    let answer =
        client.call("read", json!({ "path": host.scene.workspace().join("inside.txt") }))?.0.to_string();
    ensure!(answer.contains("not here") && !answer.contains("\"inside"), "{answer}");
    drop(client);
    let records = records(&host.scene.audit())?;
    let told = |text: &str| records.iter().any(|record| record.mentions(text));
    ensure!(told("policies.deny_tools: re?d") && told("/etc/mcpguard/host.yaml"), "{records:?}");
    let audit = host.scene.audit();
    let told = host.mcpguard(&["why", "last", "--log", audit.to_str().context("UTF-8")?])?;
    let note = "its administrator can change it at /etc/mcpguard/host.yaml:2:34";
    ensure!(told.stdout.contains(note) && told.stdout.contains("no line of a policy allows it"), "{told:?}");
    Ok(())
}

#[test]
fn logs_lie_where_the_host_says() -> Result<()> {
    let scene_of = |host: &Host| host.scene.root().join("logs");
    let Some(host) = Host::new("version: 1\n")? else { return Ok(()) };
    let logs = scene_of(&host);
    host.file("host.yaml", &format!("version: 1\naudit: {{ directory: \"{}\" }}\n", logs.display()), 0o644)?;
    let start = host.start("")?;
    let finished = run(&mut start.command()?)?;
    ensure!(finished.status == Some(125) && finished.stderr.contains("install -d -m 1733"), "{finished:?}");
    fs::create_dir(&logs)?;
    let finished = run(&mut start.command()?)?;
    ensure!(finished.status == Some(125) && finished.stderr.contains("leave out --audit"), "{finished:?}");
    let inside = logs.join("own.jsonl");
    let client = host.start("")?.audit(&inside).session()?;
    drop(client);
    ensure!(inside.is_file(), "no log in {}", logs.display());
    Ok(())
}

/// The command as nobody, who has no eBPF, under this policy: of a copy of the binary where nobody can reach it.
fn as_nobody(host: &Host, verb: &[&str], own: &str) -> Result<Command> {
    let open = host.scene.root();
    fs::set_permissions(open, Permissions::from_mode(0o755))?;
    fs::copy(mcpguard()?, open.join("mcpguard"))?;
    let policy = host.scene.policy("own", &format!("version: 1\nextends: [runtime/native]\n{own}"))?;
    let line = host.within();
    let mut command = Command::new(&line[0]);
    command.args(&line[1..]).args(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]);
    command.arg(open.join("mcpguard")).args(verb).arg(&policy);
    command.args(["--workspace", "/usr/share", "--", "/bin/true"]).env("HOME", "/nonexistent");
    command.current_dir("/");
    Ok(command)
}

#[test]
fn what_the_host_wants_enforced_is_not_let_go() -> Result<()> {
    let Some(host) = Host::new("version: 1\nallow_degraded: false\n")? else { return Ok(()) };
    // What only eBPF enforces.
    let own = "filesystem: { read: [/usr/share], deny: [/usr/share/doc] }\n";
    let finished = run(&mut as_nobody(&host, &["exec", "--allow-degraded", "--policy"], own)?)?;
    let why = "its rules forbid --allow-degraded (`allow_degraded: false`, /etc/mcpguard/host.yaml:2:17)";
    ensure!(finished.status == Some(125) && finished.stderr.contains(why), "{finished:?}");
    let told = run(&mut as_nobody(&host, &["check"], own)?)?;
    let why = "`exec` refuses even with --allow-degraded, because of this host's rules";
    ensure!(told.status == Some(1) && told.stdout.contains(why), "{told:?}");
    Ok(())
}

#[test]
fn a_layer_that_the_host_requires_and_a_user_has_not_got_is_not_let_go() -> Result<()> {
    let Some(host) = Host::new("version: 1\nrequire: [ebpf]\n")? else { return Ok(()) };
    let mut command = as_nobody(&host, &["exec", "--allow-degraded", "--policy"], "")?;
    let finished = run(&mut command)?;
    let why = "1 rule(s) that this host's rules want enforced cannot be enforced here, and --allow-degraded does not let them go";
    ensure!(finished.status == Some(125) && finished.stderr.contains(why), "{finished:?}");
    host.file("host.yaml", "version: 1\n", 0o600)?;
    let finished = run(&mut command)?;
    let why = "cannot read the host rules in `/etc/mcpguard/host.yaml`; nothing is started without them";
    ensure!(finished.status == Some(125) && finished.stderr.contains(why), "{finished:?}");
    Ok(())
}
