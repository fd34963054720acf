//! The doors, tried by a client that was led to them; a backend and an upstream of the tests' own.

mod failures;
mod proxy;
mod resolver;
mod revise;
mod world;
