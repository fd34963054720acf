//! The front between real clients on a real socket and a keeper that is made up.

mod alone;
mod client;
mod crowds;
mod figures;
mod hostile;
mod keeper;
mod limits;
mod operators;
mod policies;
mod revise;
mod sessions;
mod slow;
pub(in crate::daemon) mod world;
