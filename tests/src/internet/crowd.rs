//! A crowd: thousands of hosts beneath one wildcard, each with an address of its own, all of them one process.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::raise::Internet;

/// Hosts that have a name: more than any session may know at once.
const NAMED: u32 = 17_000;
/// Where all of them listen.
pub(super) const PORT: u16 = 7000;
/// The addresses of the crowd. Those without a name answer as well.
pub(super) const RANGE: &str = "93.185.0.0/16";
/// What stands for their common secret.
const SECRET: &str = "crowd";
/// What has arrived.
pub(super) const LOG: &str = "crowd.log";

fn place(number: u32) -> Ipv4Addr {
    let [_, _, high, low] = ((number / 250) << 8 | (1 + number % 250)).to_be_bytes();
    Ipv4Addr::new(93, 185, high, low)
}

/// Their records. Each holds for a second.
pub(super) fn zone() -> String {
    (0..NAMED).fold(String::new(), |mut text, number| {
        let _ = writeln!(text, "n{number}.crowd.example. 1 A {}", place(number));
        text
    })
}

impl Internet {
    /// The settings of the process that they are.
    pub(super) fn crowd(&self) -> Value {
        json!({ "port": PORT, "log": self.place().join(LOG), "secret": self.secret(SECRET) })
    }

    /// What every host of the crowd says first.
    pub fn word_of_the_crowd(&self) -> String {
        self.secret(SECRET)
    }

    /// Whom of the crowd somebody has connected to.
    pub fn reached(&self) -> BTreeSet<u32> {
        let text = std::fs::read_to_string(self.place().join(LOG)).unwrap_or_default();
        let places = text.lines().filter_map(|line| line.strip_prefix("reached ")?.parse::<Ipv4Addr>().ok());
        places.map(|at| u32::from(at.octets()[2]) * 250 + u32::from(at.octets()[3]) - 1).collect()
    }
}
