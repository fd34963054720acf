//! The hooks, one file a family.

mod change;
mod exec;
mod files;
mod gate;
mod register;
mod sockets;
mod system;
mod tasks;
mod unix;
