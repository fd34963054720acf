//! The `mcpguard` command.

fn main() {}
