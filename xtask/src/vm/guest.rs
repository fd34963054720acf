//! What is inside: two static programs of this checkout, and the archive that a kernel starts from.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::cache::Cache;
use super::cpio::Archive;
use super::kernels::Kernel;
use super::verdict::Listed;
use crate::checkout::Checkout;
use crate::{dist, step};

/// Directories of every root.
pub(super) const DIRECTORIES: &[&str] = &[
    "dev",
    "proc",
    "sys",
    "tmp",
    "run",
    "etc",
    "root",
    "mnt",
    "mnt/disk",
    "opt",
    "opt/vm",
    "opt/vm/modules",
    "usr",
    "usr/bin",
    "usr/lib",
    "usr/local",
    "usr/local/bin",
    "bin",
    "lib",
    "lib64",
    "home",
    "home/user",
    "newroot",
    "var",
    "var/lib",
];

/// Small files of every root.
pub(super) const FILES: &[(&str, &str)] = &[
    (
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    ),
    ("etc/group", "root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n"),
    ("etc/hosts", "127.0.0.1 localhost guest\n::1 localhost\n"),
    ("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
];

/// How many random policies are replayed, and what they are made from. Equal numbers make equal cases.
const REPLAYED: [&str; 2] = ["520", "1"];

/// The programs that were built.
pub(super) struct Guest {
    checkout: Checkout,
    /// The cases to replay, made when a machine wants them.
    replayed: OnceCell<String>,
    init: PathBuf,
    mcpguard: PathBuf,
    /// A shell for people, where there is one.
    busybox: Option<PathBuf>,
}

impl Guest {
    /// Builds both programs, statically: the guest has no libraries.
    pub(super) fn build(checkout: &Checkout, cache: &Cache) -> Result<Self> {
        eprintln!("building what runs inside …");
        let host = dist::host()?;
        let flags = format!("target.{host}.rustflags=[\"-Ctarget-feature=+crt-static\"]");
        let mut command = checkout.cargo();
        command.args([
            "build",
            "--quiet",
            "--profile",
            "vm",
            "--package",
            "mcpguard",
            "--package",
            "mcpguard-vm",
        ]);
        command.args(["--target", &host, "--config", &flags, "--message-format", "json-render-diagnostics"]);
        let told = step::read("build of what runs inside", &mut command)?;
        let executable = |name: &str| {
            let messages = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let mut own = messages.filter(|message| message["target"]["name"] == name);
            own.find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
                .with_context(|| format!("cargo named no executable for {name}"))
        };
        let busybox = super::qemu::busybox(cache);
        Ok(Self {
            checkout: checkout.clone(),
            replayed: OnceCell::new(),
            init: executable("init")?,
            mcpguard: executable("mcpguard")?,
            busybox,
        })
    }

    /// The cases of a job, as the guest's own program computes them from the job alone.
    pub(super) fn list(&self, job: &Path) -> Result<Vec<Listed>> {
        let told = step::read("list of cases", Command::new(&self.init).arg("--list").arg(job))?;
        serde_json::from_str(&told).context("init --list tells no list")
    }

    /// The first root of a machine.
    pub(super) fn archive(
        &self,
        kernel: &Kernel,
        job: &str,
        with_shell: bool,
        cases: &[Listed],
    ) -> Result<Vec<u8>> {
        let mut archive = Archive::new();
        DIRECTORIES.iter().for_each(|path| archive.directory(path, 0o755));
        // The kernel opens it for process 1 before anything is mounted.
        archive.device("dev/console", 0o600, (5, 1));
        archive.device("dev/null", 0o666, (1, 3));
        FILES.iter().for_each(|(path, text)| archive.file(path, 0o644, text.as_bytes()));
        archive.file("opt/vm/init", 0o755, &program(&self.init)?);
        archive.file("opt/vm/mcpguard", 0o755, &program(&self.mcpguard)?);
        archive.file("opt/vm/job.json", 0o644, job.as_bytes());
        if cases.iter().any(|case| case.skip.is_none() && case.case.starts_with("replay/")) {
            archive.file("opt/vm/replay.json", 0o644, self.replayed()?.as_bytes());
        }
        if with_shell {
            let busybox = self.busybox.as_deref().context("no busybox: run once without --offline")?;
            archive.file("opt/vm/busybox", 0o755, &program(busybox)?);
        }
        let mut modules = super::kernels::files_beneath(&kernel.modules())?;
        modules.sort();
        for path in modules {
            let name =
                path.file_name().and_then(|name| name.to_str()).context("a module's name is not UTF-8")?;
            archive.file(&format!("opt/vm/modules/{name}"), 0o644, &program(&path)?);
        }
        Ok(archive.finish())
    }

    /// Random policies, and what is meant by them: from the meaning of a policy, which the guest's programs do not know.
    fn replayed(&self) -> Result<&str> {
        if let Some(known) = self.replayed.get() {
            return Ok(known);
        }
        eprintln!("making random policies to replay …");
        let mut command = self.checkout.cargo();
        command.args(["run", "--quiet", "--package", "mcpguard-enforce", "--example", "cases", "--"]);
        let made = step::read("cases to replay", command.args(REPLAYED))?;
        Ok(self.replayed.get_or_init(|| made))
    }
}

fn program(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(bytes.len() < 1 << 28, "{} is too large for a first root", path.display());
    Ok(bytes)
}
