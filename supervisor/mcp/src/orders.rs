//! What the engine is given: the policy's orders, and what only the shell can know.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ::arguments::{Tree, TreeError};
use content::Day;
use policy::plan::{
    AccessPlan, ApprovalsPlan, ContentPlan, OnViolation, PinsPlan, ResponsesPlan, SessionPlan, ToolsPlan,
};

use crate::engine::Pinning;

/// The parts of a plan that the doorman enforces.
#[derive(Clone, Debug)]
pub struct Orders {
    /// Which tools may be called, and how.
    pub tools: ToolsPlan,
    /// Which prompts and resources are open, and to whom.
    pub access: AccessPlan,
    /// How held calls are approved.
    pub approvals: ApprovalsPlan,
    /// What holds for all calls together.
    pub session: SessionPlan,
    /// What answers must be.
    pub responses: ResponsesPlan,
    /// What texts may hold.
    pub content: ContentPlan,
    /// Whether the server is compared with what it was; wants [`Surroundings::pinning`].
    pub pins: Option<PinsPlan>,
    /// The policy's `on_violation: { tool }`.
    pub on_refusal: OnViolation,
}

/// What the engine asks for, because it touches no file, no clock and no secret.
#[derive(Clone)]
pub struct Surroundings {
    /// The real tree of files, for arguments that are paths.
    pub tree: Rc<dyn Tree>,
    /// The session's own secrets.
    pub secrets: Rc<dyn Secrets>,
    /// The present day in UTC; allowed findings end on one.
    pub today: fn() -> Day,
    /// What the server was.
    pub pinning: Option<Pinning>,
}

/// Values that a session was given to keep.
pub trait Secrets {
    /// Where they stand in a text, in whatever form, each with its name. On character boundaries.
    fn find(&self, text: &str) -> Vec<(Range<usize>, String)>;
}

impl Surroundings {
    /// Without links and secrets, on the first day of 1970: for judging what is not at the server.
    pub fn none() -> Self {
        Self { tree: Rc::new(Nothing), secrets: Rc::new(Nothing), today: || Day::EPOCH, pinning: None }
    }
}

/// No links, no secrets.
struct Nothing;

impl Tree for Nothing {
    fn real(&self, path: &Path) -> Result<PathBuf, TreeError> {
        Ok(path.to_owned())
    }

    fn current_directory(&self) -> &Path {
        Path::new("/")
    }
}

impl Secrets for Nothing {
    fn find(&self, _: &str) -> Vec<(Range<usize>, String)> {
        Vec::new()
    }
}
