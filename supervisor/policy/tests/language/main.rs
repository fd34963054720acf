//! The policy language from text to plan, as a user of the crate sees it.

mod host;
mod mistakes;
mod properties;
