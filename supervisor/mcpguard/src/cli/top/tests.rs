//! Samples made up, frames as a person sees them, keys as a person presses them.

mod frames;
mod keys;
mod logs;
mod made;
mod panics;
mod rates;
