//! QEMU: the host's own where it is new enough, else Debian's, unpacked and run by its own loader.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::apt::Suite;
use super::cache::Cache;
use super::child;
use super::matrix::{Emulator, MachineKind};
use crate::step;

/// The first version that all of this was proved with.
const OLDEST: (u32, u32) = (10, 0);
const PROGRAM: &str = "qemu-system-x86_64";
const UNPACKED: &str = "qemu";

/// How QEMU is started.
pub(super) struct Qemu {
    program: PathBuf,
    arguments: Vec<String>,
    /// Where its loadable parts are, if not where it was built for.
    modules: Option<PathBuf>,
}

/// How a guest's instructions are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accelerator {
    /// Emulation.
    Tcg,
    /// Hardware.
    Kvm,
}

impl Accelerator {
    /// How much slower than a processor a guest is.
    pub(super) fn slow(self) -> u32 {
        match self {
            Self::Tcg => 10,
            Self::Kvm => 1,
        }
    }
}

/// One machine's hardware.
pub(super) struct Hardware<'a> {
    pub(super) kind: MachineKind,
    pub(super) accelerator: Accelerator,
    pub(super) kernel: &'a Path,
    pub(super) initrd: &'a Path,
    pub(super) cmdline: &'a str,
    /// The disk, of which the machine gets a private, writable copy.
    pub(super) disk: &'a Path,
}

/// Where the serial ports go.
pub(super) enum Ports<'a> {
    /// To files: the console and the results.
    Files(&'a Path, &'a Path),
    /// The console to this terminal; nothing on the second port.
    Terminal,
}

impl Qemu {
    /// Finds QEMU or unpacks it into the cache.
    pub(super) fn find(from: &Emulator, cache: &Cache) -> Result<Self> {
        let own = std::env::var_os("QEMU").map_or_else(|| PathBuf::from(PROGRAM), PathBuf::from);
        let own = Self { program: own, arguments: Vec::new(), modules: None };
        match own.version() {
            Some(version) if version >= OLDEST => return Ok(own),
            _ => {}
        }
        let root = cache.place(UNPACKED);
        if !root.is_dir() {
            anyhow::ensure!(!cache.is_offline(), "there is no {PROGRAM}, and --offline forbids to fetch it");
            eprintln!("fetching {} …", from.packages.join(", "));
            let temporary = cache.temporary()?;
            let fresh = temporary.path().join(UNPACKED);
            Suite::open(&from.suite, cache)?.unpack_closure(&from.packages, &fresh)?;
            cache.keep(&fresh, UNPACKED)?;
        }
        let unpacked = Self::unpacked(&root);
        unpacked.version().with_context(|| format!("{} cannot be started", root.display()))?;
        Ok(unpacked)
    }

    /// Run by the loader and the libraries that it was packed with, so that this host's do not matter.
    fn unpacked(root: &Path) -> Self {
        let within = |path: &str| root.join(path).display().to_string();
        let libraries = [within("lib/x86_64-linux-gnu"), within("usr/lib/x86_64-linux-gnu")].join(":");
        let mut arguments =
            vec!["--library-path".to_owned(), libraries, within(&format!("usr/bin/{PROGRAM}"))];
        for firmware in ["usr/share/qemu", "usr/share/seabios"] {
            arguments.extend(["-L".to_owned(), within(firmware)]);
        }
        let modules = Some(root.join("usr/lib/x86_64-linux-gnu/qemu"));
        // Before and after the merge of /lib64 into /usr/lib64.
        let loaders = ["lib64", "usr/lib64"].map(|place| root.join(place).join("ld-linux-x86-64.so.2"));
        let program = loaders.iter().find(|path| path.is_file()).unwrap_or(&loaders[0]).clone();
        Self { program, arguments, modules }
    }

    fn version(&self) -> Option<(u32, u32)> {
        let mut command = Command::new(&self.program);
        version(&step::read("version of QEMU", command.args(&self.arguments).arg("--version")).ok()?)
    }

    /// The command that starts one machine, bound to the life of the thread that starts it.
    pub(super) fn command(&self, hardware: &Hardware<'_>, ports: &Ports<'_>) -> Result<Command> {
        let mut command = child::bound(&self.command_line(hardware, ports))?;
        command.envs(self.modules.iter().map(|place| ("QEMU_MODULE_DIR", place)));
        Ok(command)
    }

    fn command_line(&self, hardware: &Hardware<'_>, ports: &Ports<'_>) -> Vec<String> {
        let mut line = vec![self.program.display().to_string()];
        line.extend(self.arguments.iter().cloned());
        let mut add = |words: &[&str]| line.extend(words.iter().map(|word| (*word).to_owned()));
        add(&["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]);
        match (hardware.accelerator, hardware.kind) {
            (Accelerator::Kvm, kind) if kind != MachineKind::Icount => {
                add(&["-accel", "kvm", "-cpu", "host"])
            }
            // Counting is exact with one thread and one nanosecond an instruction.
            (_, MachineKind::Icount) => {
                add(&["-accel", "tcg,thread=single", "-cpu", "max", "-icount", "shift=0,sleep=off"]);
            }
            _ => add(&["-accel", "tcg,thread=multi", "-cpu", "max"]),
        }
        add(&["-smp", if hardware.kind == MachineKind::Smp { "2" } else { "1" }]);
        add(&["-m", if hardware.kind.has_a_full_disk() { "2048" } else { "1024" }]);
        match ports {
            Ports::Files(console, results) => {
                add(&["-serial", &format!("file:{}", console.display())]);
                add(&["-serial", &format!("file:{}", results.display())]);
            }
            Ports::Terminal => add(&["-serial", "mon:stdio"]),
        }
        add(&["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
        add(&[
            "-kernel",
            &hardware.kernel.display().to_string(),
            "-initrd",
            &hardware.initrd.display().to_string(),
        ]);
        add(&["-append", hardware.cmdline]);
        let drive = format!("file={},format=raw,if=none,id=d0,snapshot=on", hardware.disk.display());
        // One disk: with several the numbering is not stable.
        add(&["-drive", &drive, "-device", "nvme,drive=d0,serial=disk"]);
        line
    }
}

/// The shell that came with QEMU.
pub(super) fn busybox(cache: &Cache) -> Option<PathBuf> {
    let unpacked = ["bin/busybox", "usr/bin/busybox"].map(|path| cache.place(UNPACKED).join(path));
    unpacked.into_iter().find(|path| path.is_file())
}

fn version(told: &str) -> Option<(u32, u32)> {
    let mut numbers = told.split("version ").nth(1)?.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(version("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\n"), Some((7, 2)));
        assert_eq!(version("QEMU emulator version 10.0.2"), Some((10, 0)));
        assert_eq!(version("no such thing"), None);
    }

    fn line(kind: MachineKind) -> String {
        let qemu = Qemu { program: "qemu".into(), arguments: vec![], modules: None };
        let path = Path::new("f");
        let hardware = Hardware {
            kind,
            accelerator: Accelerator::Kvm,
            kernel: path,
            initrd: path,
            cmdline: "c",
            disk: path,
        };
        qemu.command_line(&hardware, &Ports::Files(path, path)).join(" ")
    }

    #[test]
    fn the_hardware_follows_the_kind() {
        assert!(
            line(MachineKind::Plain).contains("-accel kvm") && line(MachineKind::Plain).contains("-smp 1")
        );
        assert!(line(MachineKind::Smp).contains("-smp 2"));
        assert!(
            line(MachineKind::Tricks).contains("-m 2048") && line(MachineKind::Plain).contains("-m 1024")
        );
        // Instructions can only be counted under emulation.
        assert!(
            line(MachineKind::Icount).contains("-accel tcg,thread=single")
                && line(MachineKind::Icount).contains("-icount")
        );
    }
}
