//! The file systems of the guest. They stand where a distribution has them, so that the product finds what it knows.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::kmod::{ModuleInitFlags, finit_module};
use nix::mount::{MsFlags, mount};

/// The disk of the machine.
const DISK: &str = "/dev/nvme0n1";
/// Where the scratch disk is mounted.
pub(crate) const SCRATCH: &str = "/mnt/disk";
/// Where the root disk waits until it becomes the root.
const NEW_ROOT: &str = "/newroot";
/// What the initramfs brings.
const PACK: &str = "/opt/vm";

const PLAIN: MsFlags = MsFlags::empty();
const CLOSED: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV).union(MsFlags::MS_NOEXEC);

/// Devices, and what is needed to read the job.
pub(crate) fn first() -> Result<()> {
    fs::create_dir_all("/dev")?;
    attach("devtmpfs", "/dev", MsFlags::MS_NOSUID, "mode=0755")
}

/// The ext4 scratch disk at [`SCRATCH`].
pub(crate) fn scratch() -> Result<()> {
    disk(SCRATCH)
}

/// Makes the disk with the real servers the root. Not by `chroot` alone: in a changed root the kernel refuses user
/// namespaces (`current_chrooted`, kernel/user_namespace.c); a root that is moved over `/` counts as the first one.
pub(crate) fn servers() -> Result<()> {
    disk(NEW_ROOT)?;
    let pack = format!("{NEW_ROOT}{PACK}");
    fs::create_dir_all(&pack)?;
    mount(Some("tmpfs"), pack.as_str(), Some("tmpfs"), PLAIN, Some("mode=0755"))?;
    copy(Path::new(PACK), Path::new(&pack))?;
    let devices = format!("{NEW_ROOT}/dev");
    fs::create_dir_all(&devices)?;
    mount(Some("/dev"), devices.as_str(), None::<&str>, MsFlags::MS_MOVE, None::<&str>)?;
    nix::unistd::chdir(NEW_ROOT)?;
    mount(Some("."), "/", None::<&str>, MsFlags::MS_MOVE, None::<&str>).context("cannot move the root")?;
    nix::unistd::chroot(".")?;
    nix::unistd::chdir("/")?;
    fs::create_dir_all(SCRATCH).context("no scratch directory on the root disk")
}

/// Everything else.
pub(crate) fn rest() -> Result<()> {
    attach("proc", "/proc", CLOSED, "")?;
    attach("sysfs", "/sys", CLOSED, "")?;
    attach("cgroup2", "/sys/fs/cgroup", CLOSED, "")?;
    attach("bpf", "/sys/fs/bpf", CLOSED, "mode=0700")?;
    attach("securityfs", "/sys/kernel/security", CLOSED, "")?;
    attach("tracefs", "/sys/kernel/tracing", CLOSED, "")?;
    // Locked down kernels may refuse it.
    let _ = attach("debugfs", "/sys/kernel/debug", CLOSED, "");
    attach("devpts", "/dev/pts", MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, "mode=0620,ptmxmode=0666")?;
    attach("tmpfs", "/dev/shm", MsFlags::MS_NOSUID | MsFlags::MS_NODEV, "mode=1777")?;
    attach("tmpfs", "/tmp", MsFlags::MS_NOSUID | MsFlags::MS_NODEV, "mode=1777")?;
    attach("tmpfs", "/run", MsFlags::MS_NOSUID | MsFlags::MS_NODEV, "mode=0755")?;
    for (name, target) in [("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")] {
        let link = symlink(format!("/proc/self/{target}"), format!("/dev/{name}"));
        link.or_else(|error| if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) })?;
    }
    Ok(())
}

/// Loads the modules of the initramfs, in the order of their names.
pub(crate) fn modules() -> Result<()> {
    let Ok(entries) = fs::read_dir(format!("{PACK}/modules")) else { return Ok(()) };
    let mut paths: Vec<_> = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.sort();
    for path in paths {
        let file = fs::File::open(&path)?;
        finit_module(&file, c"", ModuleInitFlags::empty()).with_context(|| format!("{}", path.display()))?;
    }
    Ok(())
}

/// Mounts the disk; the kernel finds it a moment after it has started process 1.
fn disk(at: &str) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(60);
    while OpenOptions::new().read(true).open(DISK).is_err() {
        ensure!(Instant::now() < until, "{DISK} did not appear within a minute");
        std::thread::sleep(Duration::from_millis(10));
    }
    fs::create_dir_all(at)?;
    mount(Some(DISK), at, Some("ext4"), PLAIN, None::<&str>)
        .with_context(|| format!("cannot mount {DISK}"))?;
    fs::set_permissions(at, fs::Permissions::from_mode(0o755))
        .context("cannot open the root of the disk to all")
}

fn attach(kind: &str, at: &str, flags: MsFlags, options: &str) -> Result<()> {
    // In sysfs and securityfs the directory is the kernel's; where it cannot be made, the mount says what is wrong.
    let _ = fs::create_dir_all(at);
    mount(Some(kind), at, Some(kind), flags, Some(options))
        .with_context(|| format!("cannot mount {kind} at {at}"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&target)?;
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
