//! Command lines of Node.js.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::{Script, is_option};
use crate::trust;

/// The longest `package.json` that is read.
const PACKAGE_BYTES: u64 = 1 << 20;

/// Options of Node.js that load code before the script.
const NODE_PRELOADS: [&str; 5] = ["-r", "--require", "--import", "--loader", "--experimental-loader"];

/// Options of Node.js that take a value, which may be the next word (Node.js 24, "Command-line API").
const NODE_VALUES: &str = "-C --conditions --allow-fs-read --allow-fs-write --cpu-prof-dir --cpu-prof-interval --cpu-prof-name \
    --debug-port --diagnostic-dir --disable-proto --disable-warning --dns-result-order --env-file --env-file-if-exists \
    --experimental-default-type --experimental-policy --heap-prof-dir \
    --heap-prof-interval --heap-prof-name --heapsnapshot-near-heap-limit --heapsnapshot-signal --icu-data-dir --input-type \
    --inspect-port --inspect-publish-uid --localstorage-file --max-http-header-size \
    --network-family-autoselection-attempt-timeout --openssl-config --policy-integrity --redirect-warnings --report-dir \
    --report-directory --report-filename --report-signal --secure-heap --secure-heap-min --title --tls-cipher-list \
    --tls-keylog --trace-event-categories --trace-event-file-pattern --unhandled-rejections --use-largepages \
    --v8-pool-size --watch-path";

/// Options of Node.js and V8 that take none. One that starts with `--no-` takes none either.
const NODE_FLAGS: &str = "--abort-on-uncaught-exception --allow-addons --allow-child-process --allow-wasi --allow-worker \
    --cpu-prof --disable-wasm-trap-handler --disallow-code-generation-from-strings --enable-fips \
    --enable-network-family-autoselection --enable-source-maps --experimental-detect-module --experimental-eventsource \
    --experimental-fetch --experimental-global-customevent --experimental-global-webcrypto \
    --experimental-import-meta-resolve --experimental-json-modules --experimental-network-imports \
    --experimental-permission --experimental-require-module --experimental-sqlite --experimental-strip-types \
    --experimental-transform-types --experimental-vm-modules --experimental-wasm-modules --experimental-websocket \
    --experimental-webstorage --experimental-worker --expose-gc --force-context-aware --force-fips --frozen-intrinsics \
    --harmony --heap-prof --insecure-http-parser --inspect --inspect-brk --inspect-wait --jitless \
    --node-memory-debug --openssl-legacy-provider --openssl-shared-config --pending-deprecation --permission \
    --preserve-symlinks --preserve-symlinks-main --prof --report-compact --report-exclude-network --report-on-fatalerror \
    --report-on-signal --report-uncaught-exception --throw-deprecation --tls-max-v1.2 --tls-max-v1.3 --tls-min-v1.0 \
    --tls-min-v1.1 --tls-min-v1.2 --tls-min-v1.3 --trace-deprecation --trace-exit --trace-promises --trace-sigint \
    --trace-sync-io --trace-tls --trace-uncaught --trace-warnings --track-heap-objects --use-bundled-ca --use-openssl-ca \
    --use-system-ca --watch --watch-preserve-output --zero-fill-buffers";

/// Options of Node.js that run something else than the script, with `=` too.
const NODE_ELSEWHERE: &str = "--build-sea --build-snapshot --build-snapshot-config --experimental-config-file \
    --experimental-default-config-file --experimental-entry-url --experimental-sea-config --run --snapshot-blob";

fn is_in(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == name)
}

/// Reads the words behind `node`; nothing if an option is unknown, since its value could be taken for the script.
pub(super) fn line(words: &[OsString]) -> Option<Script> {
    let mut script = Script::default();
    let mut has_code = false;
    let mut words = words.iter();
    let file = loop {
        match words.next() {
            Some(word) if word == "--" => break words.next(),
            Some(word) if is_option(word) && word != "-" => {
                let (name, value) = node_option(word.to_str()?);
                let mut value = || value.map(OsStr::new).or_else(|| words.next().map(OsString::as_os_str));
                match name.as_str() {
                    name if NODE_PRELOADS.contains(&name) => script.preloads.extend(preload(value()?)?),
                    "-e" | "--eval" | "-p" | "--print" | "-pe" => {
                        has_code = true;
                        value().filter(|code| !is_option(code))?;
                    }
                    name if is_in(NODE_VALUES, name) => drop(value().filter(|value| !is_option(value))?),
                    name if is_node_flag(name, word) => {}
                    _ => return None,
                }
            }
            word => break word,
        }
    };
    match file {
        Some(word) if !has_code && word != "-" => script.file = Some(node_file(word)?),
        _ => {}
    }
    Some(script)
}

/// The name as Node.js understands it, and the value behind `=`.
fn node_option(word: &str) -> (String, Option<&str>) {
    match word.strip_prefix("--") {
        None => (word.to_owned(), None),
        Some(long) => {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            (format!("--{}", name.replace('_', "-")), value)
        }
    }
}

/// Whether the next word is none of this option's: it takes no value, or has it behind `=`.
fn is_node_flag(name: &str, word: &OsStr) -> bool {
    let is_elsewhere = is_in(NODE_ELSEWHERE, name) || name.starts_with("--test");
    let has_value = name.starts_with("--") && word.as_encoded_bytes().contains(&b'=');
    !is_elsewhere && (has_value || name.starts_with("--no-") || is_in(NODE_FLAGS, name))
}

/// The file of a preload. A package's name is not followed: `Some(None)`; a path that leads nowhere is an error: `None`.
#[expect(clippy::option_option, reason = "not understood is not the same as understood and without a file")]
fn preload(value: &OsStr) -> Option<Option<PathBuf>> {
    let text = value.to_str()?;
    let path = text.strip_prefix("file://").unwrap_or(text);
    let is_path = path.starts_with(['/', '.']);
    if is_path { Some(Some(node_file(OsStr::new(path))?)) } else { Some(None) }
}

/// The file that Node.js takes for a path: itself, with an ending, or the main file of a directory.
fn node_file(word: &OsStr) -> Option<PathBuf> {
    let path = std::path::absolute(word).ok()?;
    // `node inspect FILE` debugs another file.
    if word == "inspect" {
        return None;
    }
    with_ending(&path).or_else(|| {
        let main = main_file(&path).map(|main| path.join(main));
        let main = main.and_then(|main| with_ending(&main).or_else(|| with_ending(&main.join("index"))));
        main.or_else(|| with_ending(&path.join("index")))
    })
}

fn with_ending(path: &Path) -> Option<PathBuf> {
    let candidates = ["", ".js", ".json", ".node"].map(|ending| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    });
    candidates.into_iter().find(|candidate| candidate.is_file())
}

/// `main` in the `package.json` of a directory.
fn main_file(directory: &Path) -> Option<String> {
    let text = trust::start_of(&directory.join("package.json"), PACKAGE_BYTES)?;
    let package: serde_json::Value = serde_json::from_slice(&text).ok()?;
    package["main"].as_str().map(str::to_owned)
}
