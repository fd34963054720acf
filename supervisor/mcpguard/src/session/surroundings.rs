//! What the engine asks for, because it touches no file, no clock and no secret.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use audit::Redactor;
use content::{Day, Scanner};
use mcp::{Pinning, Secrets, Surroundings};
use policy::plan::ContentPlan;

use super::tree::HostTree;

/// This host, and the session's secrets.
///
/// # Errors
/// There is no current directory.
pub(super) fn here(redactor: Arc<Redactor>, pinning: Option<Pinning>) -> io::Result<Surroundings> {
    Ok(Surroundings { tree: Rc::new(HostTree::here()?), secrets: Rc::new(Own(redactor)), today, pinning })
}

/// This host's files as they are now, seen from a directory, and no secrets: for judging what was recorded.
pub(crate) fn surroundings_in(directory: &Path) -> Surroundings {
    Surroundings {
        tree: Rc::new(HostTree::at(directory)),
        secrets: Surroundings::none().secrets,
        today,
        pinning: None,
    }
}

/// The secrets that the server was given, as the log's redaction knows them.
struct Own(Arc<Redactor>);

impl Secrets for Own {
    fn find(&self, text: &str) -> Vec<(Range<usize>, String)> {
        self.0.places(text).map(|(range, name)| (range, name.to_owned())).collect()
    }
}

/// The present day in UTC. A clock that says what is no date says that every allowance has ended.
fn today() -> Day {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string().parse().unwrap_or(Day::LAST)
}

/// Makes the scanner beside the start of the server, if one is wanted: it takes some milliseconds.
pub(super) fn warm(plan: &ContentPlan, pins: bool) {
    if *plan == ContentPlan::default() && !pins {
        return;
    }
    let warming = std::thread::Builder::new().name("rules".to_owned()).spawn(|| Scanner::shipped().is_ok());
    // Without a thread the first message waits for it.
    if let Err(error) = warming {
        tracing::debug!("the rules are made ready with the first message: {error}");
    }
}
