//! The policy language from text to plan, as a user of the crate sees it.

mod host;
mod hosts;
mod mistakes;
mod plans;
mod presets;
mod properties;
mod schema;
