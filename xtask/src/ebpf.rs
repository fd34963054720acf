//! `cargo xtask ebpf`: builds the BPF programs into `ebpf/mcpguard.bpf.o`, which is under version control with its hash, so
//! that whoever builds mcpguard needs no BPF tool chain. `--check` builds and compares.
//!
//! The same sources give the same bytes in every directory: the tool chain is pinned (`rust-toolchain.toml`, [`LINKER`],
//! `ebpf/programs/Cargo.lock`), and paths are replaced. `bpf-linker` goes into `target/tools`, where it is missing.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::checkout::Checkout;
use crate::step;

/// Options of `cargo xtask ebpf`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Change nothing; fail if the built programs are not those in `ebpf/`
    #[arg(long)]
    check: bool,
}

/// The linker of BPF objects and its one version. It uses the LLVM of the pinned rustc.
const LINKER: &str = "bpf-linker";
const LINKER_VERSION: &str = "0.10.3";
const TARGET: &str = "bpfel-unknown-none";
/// The object file in `ebpf/`, and the file with its hash next to it, as `sha256sum --check` reads it.
const OBJECT: &str = "mcpguard.bpf.o";
const HASH: &str = "mcpguard.bpf.o.sha256";

/// Builds, then writes or compares.
pub(crate) fn run(checkout: &Checkout, options: &Options) -> Result<()> {
    let built = build(checkout)?;
    let place = checkout.root().join("ebpf");
    if options.check {
        return compare(&built, &place);
    }
    std::fs::copy(&built, place.join(OBJECT)).context("cannot write the object")?;
    let hash = hash(&place)?;
    std::fs::write(place.join(HASH), &hash).context("cannot write the hash")?;
    print!("{hash}");
    Ok(())
}

/// That the built object and the one under version control are the same, and that the hash is its hash.
fn compare(built: &Path, place: &Path) -> Result<()> {
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let again = "run `cargo xtask ebpf` and commit what it writes";
    let (fresh, kept) = (read(built)?, read(&place.join(OBJECT))?);
    ensure!(fresh == kept, "ebpf/{OBJECT} is not what the sources give: {again}");
    let told = std::fs::read_to_string(place.join(HASH)).unwrap_or_default();
    let actual = hash(place)?;
    ensure!(told == actual, "ebpf/{HASH} says {told:?}, but the hash is {actual:?}: {again}");
    print!("the same: {actual}");
    Ok(())
}

/// The line of `sha256sum`.
fn hash(place: &Path) -> Result<String> {
    step::read("hash of the programs", Command::new("sha256sum").arg(OBJECT).current_dir(place))
}

/// Compiles, links and strips; returns the object's path.
fn build(checkout: &Checkout) -> Result<PathBuf> {
    let programs = checkout.root().join("ebpf/programs");
    let sysroot = sysroot(&programs)?;
    sources(&programs, &sysroot)?;
    let linker = linker(checkout)?;
    let target = checkout.root().join("target/ebpf");
    let mut command = inner_cargo(checkout);
    command.current_dir(&programs).env("CARGO_TARGET_DIR", &target).env("PATH", path_with(&linker)?);
    // The unstable `-Z build-std` on a pinned stable compiler: there is no core library for BPF to download.
    command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_ENCODED_RUSTFLAGS", flags(checkout, &sysroot)?);
    command.args(["build", "--release", "--locked", "--target", TARGET, "-Z", "build-std=core"]);
    step::shown("programs", &mut command)?;
    let linked = target.join(TARGET).join("release/mcpguard");
    let object = target.join(OBJECT);
    strip(&sysroot, &linked, &object)?;
    unmangled(&object)?;
    Ok(object)
}

/// No function has a name that the compiler made: it has the checkout's path in it, as a hash, so that the bytes would
/// differ from one directory to the next.
fn unmangled(object: &Path) -> Result<()> {
    let bytes = std::fs::read(object).context("cannot read the object")?;
    let names = bytes.split(|byte| *byte == 0).filter(|name| name.starts_with(b"_RN"));
    let names: Vec<_> = names.map(String::from_utf8_lossy).collect();
    ensure!(names.is_empty(), "functions were not inlined, and have names that the compiler made: {names:?}");
    Ok(())
}

/// A cargo command that this task's own surroundings do not reach.
fn inner_cargo(checkout: &Checkout) -> Command {
    let mut command = checkout.cargo();
    for (name, _) in env::vars_os() {
        let told = name.to_string_lossy();
        // Cargo's own flags, profiles and wrappers would change the bytes.
        if told.starts_with("CARGO_PROFILE_") || told.starts_with("CARGO_BUILD_") || told.starts_with("RUSTC")
        {
            command.env_remove(&name);
        }
    }
    command.env_remove("RUSTFLAGS");
    command
}

/// The compiler's flags, one between two unit separators.
fn flags(checkout: &Checkout, sysroot: &Path) -> Result<OsString> {
    let registry = cargo_home()?.join("registry");
    // `debuginfo` is what the type information is made from. Version 3 of the instruction set (every kernel from 5.1 on
    // reads it) has 32-bit comparisons, which keep the verifier's bounds.
    let fixed = ["--cfg=bpf_target_arch=\"x86_64\"", "-Cdebuginfo=2", "-Ctarget-cpu=v3", "-Clink-arg=--btf"];
    let mut flags: Vec<OsString> = fixed.map(OsString::from).to_vec();
    for (from, to) in [(checkout.root(), "/mcpguard"), (&registry, "/registry"), (sysroot, "/rust")] {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(from);
        flag.push("=");
        flag.push(to);
        flags.push(flag);
    }
    Ok(flags.join(OsStr::new("\x1f")))
}

fn cargo_home() -> Result<PathBuf> {
    if let Some(home) = env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    let home = env::var_os("HOME").context("neither CARGO_HOME nor HOME is set")?;
    Ok(Path::new(&home).join(".cargo"))
}

/// Where the pinned tool chain lies: asked for in the directory that pins it.
fn sysroot(programs: &Path) -> Result<PathBuf> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "sysroot"]).current_dir(programs).env_remove("RUSTUP_TOOLCHAIN");
    Ok(step::read("tool chain", &mut rustc)?.trim().into())
}

/// The sources of the core library, which is compiled for BPF.
fn sources(programs: &Path, sysroot: &Path) -> Result<()> {
    if sysroot.join("lib/rustlib/src/rust/library/core").is_dir() {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup.args(["component", "add", "rust-src"]).current_dir(programs).env_remove("RUSTUP_TOOLCHAIN");
    step::shown("sources of the core library", &mut rustup)
}

/// The directory of the linker: that of `target/tools` or of `PATH`, if it is of the right version; else it is installed.
fn linker(checkout: &Checkout) -> Result<PathBuf> {
    let tools = checkout.root().join("target/tools");
    let own = tools.join("bin");
    let path = env::var_os("PATH").unwrap_or_default();
    let known = env::split_paths(&path).filter(|directory| directory.is_absolute());
    if let Some(found) = std::iter::once(own.clone()).chain(known).find(|directory| is_linker(directory)) {
        return Ok(found);
    }
    let mut command = checkout.cargo();
    command.args(["install", LINKER, "--version", LINKER_VERSION, "--locked", "--root"]).arg(&tools);
    command.env("CARGO_TARGET_DIR", tools.join("target"));
    step::shown("linker of BPF objects", &mut command)?;
    if !is_linker(&own) {
        bail!("{LINKER} {LINKER_VERSION} was installed into {} but does not run", own.display());
    }
    Ok(own)
}

fn is_linker(directory: &Path) -> bool {
    let output = Command::new(directory.join(LINKER)).arg("--version").output();
    output.is_ok_and(|told| told.stdout.trim_ascii() == format!("{LINKER} {LINKER_VERSION}").as_bytes())
}

fn path_with(directory: &Path) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(directory.to_path_buf()).chain(env::split_paths(&path));
    env::join_paths(all).context("the linker's path has a colon in it")
}

/// Leaves the debugging information away but not the type information, with the tool that comes with rustc.
fn strip(sysroot: &Path, linked: &Path, object: &Path) -> Result<()> {
    let hosts = sysroot.join("lib/rustlib");
    let tools = std::fs::read_dir(&hosts).with_context(|| format!("cannot list {}", hosts.display()))?;
    let tool = tools.flatten().map(|host| host.path().join("bin/rust-objcopy")).find(|tool| tool.is_file());
    let mut command = Command::new(tool.context("the tool chain has no rust-objcopy")?);
    command.env("LD_LIBRARY_PATH", sysroot.join("lib"));
    command.arg("--strip-debug").arg(linked).arg(object);
    step::read("strip", &mut command).map(|_| ())
}
