//! Kernels: from a pattern to a file. The newest match is taken, and printed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::apt::{self, Suite};
use super::cache::Cache;
use super::matrix;

/// Modules that the guest loads, in this order. A kernel that has one built in, or not at all, does without.
const MODULES: &[&str] = &["overlay", "veth", "llc", "stp", "bridge", "loop"];

/// A kernel that can be started.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    /// Its name in the matrix.
    pub(super) name: String,
    /// The package that it came from; holds the exact version.
    pub(super) package: String,
    /// Its directory in the cache: `vmlinuz`, `modules/`.
    directory: PathBuf,
}

impl Kernel {
    /// What QEMU starts.
    pub(super) fn image(&self) -> PathBuf {
        self.directory.join("vmlinuz")
    }

    /// Uncompressed modules, named in the order in which they are loaded.
    pub(super) fn modules(&self) -> PathBuf {
        self.directory.join("modules")
    }
}

/// Every kernel that can be had; a required one that cannot is an error.
pub(super) fn all(wanted: &[matrix::Kernel], cache: &Cache) -> Result<Vec<Kernel>> {
    let mut found = Vec::new();
    for entry in wanted {
        match one(entry, cache) {
            Ok(kernel) => {
                eprintln!("kernel {}: {}", kernel.name, kernel.package);
                found.push(kernel);
            }
            Err(error) if entry.required => return Err(error),
            Err(error) => eprintln!("NOT RUN: kernel {}, which is optional: {error:#}", entry.name),
        }
    }
    Ok(found)
}

/// The names of the kernels that could not be had.
pub(super) fn not_run(wanted: &[matrix::Kernel], found: &[Kernel]) -> Vec<String> {
    let missing = |entry: &&matrix::Kernel| !found.iter().any(|kernel| kernel.name == entry.name);
    wanted.iter().filter(missing).map(|entry| entry.name.clone()).collect()
}

fn one(entry: &matrix::Kernel, cache: &Cache) -> Result<Kernel> {
    if cache.is_offline() {
        return cached(entry, cache);
    }
    for suite in &entry.suites {
        let suite = Suite::open(suite, cache)?;
        for pattern in &entry.packages {
            if let Some(package) = suite.newest(pattern)? {
                return kernel(entry, &package, &suite, cache);
            }
        }
    }
    bail!("no package {} in {}", entry.packages.join(", "), entry.suites.join(", "))
}

/// The newest kernel of the cache.
fn cached(entry: &matrix::Kernel, cache: &Cache) -> Result<Kernel> {
    let names: Vec<String> = fs::read_dir(cache.directory("kernels")?)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let fitting = names
        .iter()
        .map(String::as_str)
        .filter(|name| entry.packages.iter().any(|pattern| apt::matches(pattern, name)));
    let package = apt::newest(fitting)
        .with_context(|| format!("kernel {} is not in the cache; run `cargo xtask vm-fetch`", entry.name))?;
    Ok(Kernel { name: entry.name.clone(), package: package.to_owned(), directory: place(package, cache) })
}

fn place(package: &str, cache: &Cache) -> PathBuf {
    cache.place(format!("kernels/{package}"))
}

fn kernel(entry: &matrix::Kernel, package: &str, suite: &Suite, cache: &Cache) -> Result<Kernel> {
    let directory = place(package, cache);
    if !directory.is_dir() {
        fetch(package, suite, cache)?;
    }
    Ok(Kernel { name: entry.name.clone(), package: package.to_owned(), directory })
}

fn fetch(package: &str, suite: &Suite, cache: &Cache) -> Result<()> {
    eprintln!("fetching {package} …");
    let mut packages = vec![package.to_owned()];
    // From 6.19 on the image is split: linux-binary-* holds it, linux-modules-* the modules.
    let modules = package.replacen("linux-binary-", "linux-modules-", 1);
    if modules != package && suite.has(&modules)? {
        packages.push(modules);
    }
    let temporary = cache.temporary()?;
    let unpacked = temporary.path().join("unpacked");
    suite.unpack(&packages, &unpacked)?;
    let fresh = temporary.path().join("kernel");
    fs::create_dir_all(fresh.join("modules"))?;
    let files = files_beneath(&unpacked)?;
    let image = files.iter().find(|path| named(path).starts_with("vmlinuz"));
    let image = image.with_context(|| format!("{package} holds no vmlinuz"))?;
    fs::copy(image, fresh.join("vmlinuz"))?;
    for (number, module) in MODULES.iter().enumerate() {
        let there = files
            .iter()
            .find(|path| named(path).split(".ko").next() == Some(module) && named(path).contains(".ko"));
        if let Some(path) = there {
            fs::write(fresh.join(format!("modules/{number}-{module}.ko")), uncompressed(path)?)?;
        }
    }
    cache.keep(&fresh, format!("kernels/{package}"))?;
    Ok(())
}

fn named(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn uncompressed(module: &Path) -> Result<Vec<u8>> {
    if module.extension().is_some_and(|extension| extension == "ko") {
        return Ok(fs::read(module)?);
    }
    let program = if module.extension().is_some_and(|extension| extension == "xz") { "xz" } else { "zstd" };
    let output = Command::new(program).arg("-dc").arg(module).output();
    let output = output.with_context(|| format!("{program} is needed to uncompress {}", module.display()))?;
    anyhow::ensure!(output.status.success(), "{program} cannot uncompress {}", module.display());
    Ok(output.stdout)
}

/// Every regular file beneath a directory.
pub(super) fn files_beneath(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).with_context(|| format!("{}", directory.display()))? {
        let entry = entry?;
        match entry.file_type()? {
            kind if kind.is_dir() => found.extend(files_beneath(&entry.path())?),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    Ok(found)
}
