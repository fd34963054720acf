//! Ten thousand connections at once through the name check, on a kernel where a process may have as many open files as that
//! takes. Only on the machine with the disk that has the test internet.

use anyhow::{Context, Result, ensure};
use harness::internet::{Internet, Stood, Who};
use nix::sys::resource::{Resource, setrlimit};
use serde_json::{Map, Value, json};

use super::tricks::in_a_process;
use crate::case::{Case, On};
use crate::ground::Ground;
use crate::job::Machine;
use crate::need::Need;

pub(super) const CASES: &[Case] = &[Case::new("throng/ten_thousand_at_once", in_a_machine)
    .on(On::Only(Machine::Tricks))
    .needs(&[Need::Hooks, Need::BpfLsm])
    .seconds(300)
    .on_request()];

const AT_ONCE: usize = 10_000;
/// Two for each connection, and some more.
const OPEN_FILES: u64 = 24_000;

fn in_a_machine(ground: &Ground) -> Result<()> {
    // Everything here is computing.
    in_a_process(ground, "--throng", 1)
}

/// `init --throng`: with a guard and without; what was measured on stdout.
pub(crate) fn throng() -> Result<()> {
    setrlimit(Resource::RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES).context("no limit of open files")?;
    let internet = Internet::raise()?;
    let mut figures = Map::new();
    for who in [None, Some(Who::User), Some(Who::Root)] {
        let name = who.map_or("bare".to_owned(), |who| format!("{who:?}"));
        let stood = internet.throng(who, AT_ONCE)?;
        let Stood { took, bytes } = stood.with_context(|| format!("{name}: the rules cannot be enforced"))?;
        figures.insert(format!("{name}: milliseconds for {AT_ONCE}"), json!(took.as_millis() as u64));
        figures.insert(format!("{name}: bytes each in the supervisor"), json!(bytes));
        ensure!(bytes <= 16 * 1024, "{name}: {bytes} bytes a connection");
    }
    println!("{}", Value::from(figures));
    Ok(())
}
