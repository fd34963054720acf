//! What an MCP server showed when a person accepted it, and how what it shows now differs. Pure: texts and JSON go in,
//! decisions and texts come out.
//!
//! A server may show harmless tools until it is trusted and others afterwards. So everything that it shows is pinned in a
//! lock file: who it is, its instructions, its tools, prompts, resources. What differs is weighed and shown word by word, and
//! is accepted only by a person.
//!
//! ```text
//!  mcpguard.lock ── Lock::parse ──► Lock ─► Pinned ── matches ──► yes | no        cheap: one digest a tool
//!                                    ▲        │
//!                                    │        ├─ compare ────────► Changes         one tool
//!                                    │        └─ compare_server ─► Report ──► render | JSON
//!                                    │                ▲      ▲
//!  tools/list, page by page ─► Tool ─┼─► Surface ─────┘      └── Suspicion: the caller's scanner for hidden instructions
//!                                    │      │ ▲
//!                                    │      ▼ │ to_json, from_json: what a session saw, for whoever accepts it later
//!  mcpguard.lock ◄── to_text ────────┴── accept, accept_tool, forget
//! ```
//!
//! What it guarantees
//! - **Another digest is never without a change.** Digests are over every member of a tool in canonical form: sorted members,
//!   numbers as they are spelled. The order of members is no change; everything else is at least shown.
//! - **One reading.** What two JSON parsers could read differently (a member twice, half of a surrogate pair) is refused.
//! - **Bounds.** Sizes, depth (128 levels), the number of changes and the length of each are bounded, and so is the work:
//!   linear, times a constant for long texts that differ in many places.
//! - **Nothing hides.** Neither the lock file nor a rendered report holds a character that a terminal obeys or a reader
//!   overlooks; such characters are escaped.
//!
//! What it never does: read or write a file, ask for the time, decide what is to be done about a change, or judge by itself
//! whether a text is an attack. It only sees that characters hide something; the rest is the caller's [`Suspicion`].
//!
//! What it cannot see: whether a change of words is honest (each one is [`Weight::Meaningful`]), what of a member changed of
//! which only the digest is remembered (`icons`, `_meta`, a prompt's `arguments`), and what a tool does.
//!
//! ```
//! use pins::{Lock, Paint, Surface, Tool, Weight, compare_server};
//!
//! let tool = |text: &str| Tool::read(serde_json::from_str(text).expect("JSON")).expect("a tool");
//! let mut seen = Surface::default();
//! seen.add_tool(tool(r#"{"name":"read","description":"Read a file."}"#))?;
//! let mut lock = Lock::default();
//! lock.accept("files", &seen)?;
//! let lock = Lock::parse(&lock.to_text())?;
//!
//! let mut now = Surface::default();
//! now.add_tool(tool(r#"{"name":"read","description":"Read any file."}"#))?;
//! let pinned = lock.server("files").expect("accepted");
//! let report = compare_server(pinned, &now, &|_| None);
//! assert_eq!(report.weight(), Some(Weight::Meaningful));
//! assert_eq!(
//!     report.render(100, Paint::Plain),
//!     "1 meaningful\n~ meaningful  read  description: Read \"a\" → \"any\" file.  (now says any)\n"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod compare;
mod identity;
mod item;
mod json;
mod list;
mod lock;
mod report;
mod sha256;
mod surface;
mod tool;
mod visible;

pub use compare::change::{Change, Edit, Weight, What};
pub use compare::{Suspicion, compare, compare_item, compare_server};
pub use identity::{Identity, Told};
pub use item::{Item, PinnedItem};
pub use json::JsonError;
pub use list::{List, MAX_ITEM, ReadError};
pub use lock::{Lock, LockError, MAX_LOCK, Pinned};
pub use report::{Entry, Fate, Paint, Report};
pub use sha256::{Sha256, Sha256Error};
pub use surface::{MAX_SURFACE, MAX_SURFACE_FILE, Surface, SurfaceError, SurfaceFileError};
pub use tool::{PinnedTool, Tool};
