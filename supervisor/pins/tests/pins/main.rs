//! What the crate says about servers that change: attacks, honest updates, files, properties.

mod lock;
mod properties;
mod render;
mod server;
mod support;
mod surface;
mod tools;
