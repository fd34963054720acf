//! A network namespace with one interface, the files that name its name server, and the processes in it.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tempfile::TempDir;

use super::orders::{HOST, NAME, PLAIN, RESOLVER, TLS};
use super::subject::Side;
use crate::bench::rig::Rig;
use crate::checkout::Checkout;
use crate::step;

/// A user who has no rights at all; nobody else has this number.
const USER: u32 = 47_110;

/// See the module. It is gone when this is dropped.
pub(super) struct World<'a> {
    rig: &'a Rig,
    /// Its first process, which lives as long as its pipe is open.
    holder: Child,
    far: Option<Child>,
    place: TempDir,
}

impl<'a> World<'a> {
    /// Makes the namespaces, and begins the far side.
    pub(super) fn raise(checkout: &Checkout, rig: &'a Rig) -> Result<Self> {
        let place = tempfile::Builder::new().prefix("mcpguard-bench-network-").tempdir()?;
        let mut command = Command::new("unshare");
        command.args([
            "--net",
            "--mount",
            "--propagation",
            "private",
            "--",
            "sh",
            "-c",
            "echo ready; read line",
        ]);
        let mut holder =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("no unshare")?;
        ready(&mut holder).context("no namespaces can be made")?;
        let mut world = Self { rig, holder, far: None, place };
        world.furnish(checkout)?;
        let mut far = world.within(false, Path::new("/"));
        far.arg(world.program()).args(["bench-network", "far"]).stdout(Stdio::piped());
        let mut far = far.spawn().context("the far side cannot be started")?;
        ready(&mut far).context("the far side does not begin")?;
        world.far = Some(far);
        Ok(world)
    }

    /// This program, where everybody may execute it.
    fn program(&self) -> PathBuf {
        self.place.path().join("near")
    }

    fn furnish(&self, checkout: &Checkout) -> Result<()> {
        let place = self.place.path();
        fs::set_permissions(place, fs::Permissions::from_mode(0o755))?;
        fs::copy(std::env::current_exe()?, self.program()).context("this program cannot be copied")?;
        fs::copy(self.rig.mcpguard(), place.join("mcpguard")).context("mcpguard cannot be copied")?;
        let resolver = std::net::Ipv4Addr::from(RESOLVER.0);
        fs::write(place.join("resolv.conf"), format!("nameserver {resolver}\n"))?;
        fs::write(place.join("hosts"), "127.0.0.1 localhost\n")?;
        self.policies()?;
        for file in ["resolv.conf", "hosts"] {
            let words =
                ["mount".into(), "--bind".into(), place.join(file).into(), format!("/etc/{file}").into()];
            self.run(&words)?;
        }
        let debian = checkout.root().join("target/internet/debian");
        let libraries = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"].map(|path| debian.join(path));
        let libraries = libraries.map(|path| path.display().to_string()).join(":");
        let loader = debian.join("lib64/ld-linux-x86-64.so.2");
        let ip: [OsString; 4] =
            [loader.into(), "--library-path".into(), libraries.into(), debian.join("bin/ip").into()];
        let host = std::net::Ipv4Addr::from(HOST);
        // Not an address of the interface: the sandbox runtime refuses those, whatever name they have.
        for line in ["link set lo up", &format!("route add local {host}/32 dev lo")] {
            self.run(&[&ip[..], &line.split(' ').map(OsString::from).collect::<Vec<_>>()].concat())?;
        }
        Ok(())
    }

    /// A directory for each side, its policy, and a place to write.
    fn policies(&self) -> Result<()> {
        for side in [Side::Bare, Side::Ebpf, Side::EbpfWithout, Side::Gate, Side::GateWithout, Side::Srt] {
            let own = self.directory(side);
            fs::create_dir_all(own.join("workspace"))?;
            fs::write(own.join("policy.yaml"), policy(side))?;
            let settings = json!({
                "network": { "allowedDomains": [NAME], "deniedDomains": [] },
                "filesystem": { "denyRead": [], "allowWrite": [own.join("workspace")], "denyWrite": [] },
            });
            fs::write(own.join("srt.json"), settings.to_string())?;
            if side.is_user() {
                for path in [own.clone(), own.join("workspace"), own.join("policy.yaml")] {
                    chown(path, Some(USER), Some(USER))?;
                }
            }
        }
        Ok(())
    }

    fn directory(&self, side: Side) -> PathBuf {
        self.place.path().join(side.name().replace(' ', "-"))
    }

    /// Where the near side tells what it found.
    pub(super) fn result(&self, side: Side) -> PathBuf {
        self.directory(side).join("workspace/found.json")
    }

    /// What a side has said beside that.
    pub(super) fn said(&self, side: Side) -> String {
        fs::read_to_string(self.directory(side).join("said")).unwrap_or_default().trim().to_owned()
    }

    /// Orders to measure.
    pub(super) fn near(&self) -> Vec<OsString> {
        ["bench-network".into(), "near".into()].to_vec()
    }

    /// Orders to do nothing, after the network was used once if there is one.
    pub(super) fn idle(&self, side: Side) -> Vec<OsString> {
        let mut words = self.near();
        words.extend(["--idle".into(), "4".into()]);
        words.extend(side.is_online().then(|| OsString::from("--online")));
        words
    }

    /// Starts the near side with these orders, under whoever guards it. The process is the guard itself.
    pub(super) fn spawn(&self, side: Side, orders: Vec<OsString>) -> Result<Child> {
        let workspace = self.directory(side).join("workspace");
        let mut inner = vec![self.program().into()];
        inner.extend(orders);
        inner.extend(["--into".into(), self.result(side).into()]);
        let mut command = self.within(side.is_user(), &workspace);
        command.args(self.guard(side, &workspace)).args(inner).env_clear();
        command.env("PATH", self.rig.path()).env("HOME", &workspace).env("LANG", "C.UTF-8");
        let said = fs::File::create(self.directory(side).join("said"))?;
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(said);
        command.spawn().with_context(|| format!("cannot start {command:?}"))
    }

    /// The words before a command that guard it.
    fn guard(&self, side: Side, workspace: &Path) -> Vec<OsString> {
        let own = self.directory(side);
        match side {
            Side::Bare => Vec::new(),
            Side::Srt => self.rig.srt(&own.join("srt.json")),
            _ => vec![
                self.place.path().join("mcpguard").into(),
                "exec".into(),
                "--policy".into(),
                own.join("policy.yaml").into(),
                "--workspace".into(),
                workspace.into(),
                "--audit".into(),
                own.join("audit.jsonl").into(),
                "--".into(),
            ],
        }
    }

    /// A command in the namespaces, to which its own words are added.
    fn within(&self, is_user: bool, directory: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.holder.id().to_string(), "--net", "--mount", "--"]);
        command.arg("env").arg("--chdir").arg(directory);
        if is_user {
            let user = USER.to_string();
            command.args(["setpriv", "--reuid", &user, "--regid", &user, "--clear-groups"]);
            command.args(["--inh-caps=-all", "--bounding-set=-all", "--"]);
        }
        command
    }

    fn run(&self, words: &[OsString]) -> Result<()> {
        step::read("the network of the bench", self.within(false, Path::new("/")).args(words)).map(drop)
    }
}

fn policy(side: Side) -> String {
    let mut text = "version: 1\nname: bench\nextends: [runtime/native, runtime/network]\n".to_owned();
    text.push_str("filesystem: { write: [\"${workspace}\"] }\n");
    if side.is_online() {
        text.push_str(&format!(
            "network: {{ allowed_domains: [{NAME}], allowed_ports: [{TLS}, {PLAIN}] }}\n"
        ));
    }
    text
}

fn ready(child: &mut Child) -> Result<()> {
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no stdout")?).read_line(&mut line)?;
    ensure!(line == "ready\n", "it says {line:?}");
    Ok(())
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        for child in self.far.iter_mut().chain([&mut self.holder]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
