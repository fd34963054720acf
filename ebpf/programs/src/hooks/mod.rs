//! The hooks, one file a family.

mod change;
mod doors;
mod exec;
mod files;
mod gate;
mod packets;
mod register;
mod sockets;
mod system;
mod tasks;
mod unix;
