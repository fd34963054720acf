//! Attempts without pause beside the calls: a server that never gives up, and says what came of it.

use std::collections::BTreeMap;
use std::io;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::chains::told;
use super::{Act, Finished, argument, number, perform};
use crate::ground::INIT;

pub(super) const ACTS: &[(&str, Act)] = &[
    ("tries_begin", begin),
    ("tries_told", |_| Ok(tally())),
    ("tries_end", end),
    ("tries_for", tries_for),
    ("flood", flood),
];

static OVER: AtomicBool = AtomicBool::new(false);
static TALLY: Mutex<BTreeMap<String, BTreeMap<String, u64>>> = Mutex::new(BTreeMap::new());
static THREADS: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// `PAUSE ACT …`: another thread performs the act again and again from now on, with so many microseconds between.
fn begin(arguments: &[&str]) -> io::Result<Value> {
    let pause = Duration::from_micros(number(arguments, 0)?);
    let words: Vec<String> = arguments.iter().skip(1).map(|word| (*word).to_owned()).collect();
    argument(arguments, 1)?;
    let thread = std::thread::Builder::new().spawn(move || {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        while !OVER.load(Ordering::Relaxed) {
            let came = told(&perform(words[0], &words[1..]));
            if let Ok(mut tally) = TALLY.lock() {
                *tally.entry(words[0].to_owned()).or_default().entry(came).or_default() += 1;
            }
            std::thread::sleep(pause);
        }
    })?;
    THREADS.lock().map_err(|_| io::Error::other("a thread panicked"))?.push(thread);
    Ok(Value::Null)
}

/// What came of it so far: by act, then by errno, `ok` for success.
fn tally() -> Value {
    TALLY.lock().map_or(Value::Null, |tally| json!(*tally))
}

/// Ends all threads, and tells the last word.
fn end(_: &[&str]) -> io::Result<Value> {
    OVER.store(true, Ordering::Relaxed);
    let threads = std::mem::take(&mut *THREADS.lock().map_err(|_| io::Error::other("a thread panicked"))?);
    for thread in threads {
        thread.join().map_err(|_| io::Error::other("a thread panicked"))?;
    }
    Ok(tally())
}

/// What came of many attempts.
#[derive(Default, Serialize, Deserialize)]
struct Many {
    /// How many, by errno; `ok` for success.
    came: BTreeMap<String, u64>,
    /// Processor time of all of them.
    nanoseconds: u64,
}

/// `MILLISECONDS ACT …`: performs the act without any pause for so long.
fn tries_for(arguments: &[&str]) -> io::Result<Value> {
    let until = Instant::now() + Duration::from_millis(number(arguments, 0)?);
    let act = argument(arguments, 1)?;
    let mut many = Many::default();
    let before = processor_time()?;
    while Instant::now() < until {
        *many.came.entry(told(&perform(act, &arguments[2..]))).or_default() += 1;
    }
    many.nanoseconds = processor_time()? - before;
    Ok(json!(many))
}

fn processor_time() -> io::Result<u64> {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?;
    Ok((time.tv_sec() * 1_000_000_000 + time.tv_nsec()).cast_unsigned())
}

/// `PROCESSES MILLISECONDS ACT …`: so many processes of this program do so at once.
fn flood(arguments: &[&str]) -> io::Result<Value> {
    let one = || {
        let mut command = Command::new(INIT);
        command.args(["--act", "tries_for"]).args(&arguments[1..]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()
    };
    let children = (0..number(arguments, 0)?).map(|_| one()).collect::<io::Result<Vec<_>>>()?;
    let mut sum = Many::default();
    for child in children {
        let Finished { outcome, stderr, .. } = Finished::of(child.wait_with_output()?);
        let outcome = outcome.ok_or_else(|| io::Error::other(stderr))?;
        let many: Many = serde_json::from_value(outcome.value)?;
        many.came.into_iter().for_each(|(came, count)| *sum.came.entry(came).or_default() += count);
        sum.nanoseconds += many.nanoseconds;
    }
    Ok(json!(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attempt_is_told_until_the_end() {
        begin(&["0", "read", "/no/such"]).unwrap();
        while tally()["read"]["ENOENT"].as_u64().unwrap_or(0) < 3 {
            std::thread::yield_now();
        }
        let last = end(&[]).unwrap();
        assert_eq!(last, tally());
        assert!(tries_for(&["1", "nothing"]).unwrap()["came"]["ok"].as_u64() > Some(0));
    }
}
