//! The doorman: a sans-IO MCP engine. Bytes and the time go in, bytes to forward and facts come out.

#![forbid(unsafe_code)]
