//! From a plan to the tables of the BPF programs: plain data, made without looking at anything but its arguments.
//!
//! ```text
//! Plan ─┐                ┌─ Places: what holds at which path ──► objects ─┐
//! Implied ├─ RealPaths ──┤     └─ Ways: names that lead to denied paths ──┼► Tables ─ registered by inode ─► maps
//! look_up ┘              └─ names, addresses, ports, flags, rates ────────┘
//! ```
//! It never grants what the plan does not: what it cannot say is an error, and a name only ever closes. Grants are known
//! by inode alone; a denied path is known by its inode, if it exists, and by its names from every directory above it
//! that lies in a grant, so that it stays closed when it is made later or replaced.
//! [`look_up`] alone asks the file system, before: where the plan's paths really are.

mod names;
mod network;
mod path;
mod places;
mod real;
mod session;
mod ways;

use abi::{
    Address, AddressKey, BUCKETS, Entry, NameKey, NameRule, NamedKey, Names, Port, PortKey, Rate, SPENDINGS,
    Spending,
};
use policy::Plan;
use policy::plan::AbsolutePath;
use serde::{Deserialize, Serialize};

use places::Places;
pub use real::{LookUpError, RealPaths, look_up};
use ways::Ways;

/// Programs that no rule names: they run because the user asked for the command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Implied {
    /// The command and the interpreters: they may be executed.
    pub programs: Vec<AbsolutePath>,
    /// The dynamic loaders of programs: the kernel may load them, nobody may start them.
    pub loaders: Vec<AbsolutePath>,
}

/// What the maps of one session hold. Slots are 0: whoever writes the maps knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tables {
    /// What is known by inode, ascending by path.
    pub objects: Vec<Object>,
    /// What is denied by name beneath an object.
    pub named: Vec<(NamedKey, Entry)>,
    /// Names that are denied everywhere.
    pub names: Vec<(NameKey, NameRule)>,
    /// What to look for in a name before `names` is asked.
    pub summary: Names,
    /// Address ranges: how many bits of the address count (0 to 128), and what may reach it.
    pub addresses: Vec<(u8, AddressKey, Address)>,
    /// Ports.
    pub ports: Vec<(PortKey, Port)>,
    /// See [`abi::session_flags`]; `LIVE` is for whoever writes the maps.
    pub flags: u32,
    /// By [`abi::Bucket`].
    pub rates: [Rate; BUCKETS],
    /// Budgets of calls.
    pub budgets: Vec<BudgetRule>,
}

/// That the calls of a class may spend so much only, which the doorman grants call by call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetRule {
    /// What is spent.
    pub what: Spending,
    /// The number of the class, 1 to 63.
    pub class: u8,
    /// The policy rule.
    pub rule: u32,
}

impl Tables {
    /// Gives every rule's number its policy's revision: see [`abi::stamped`].
    pub fn stamp(&mut self, revision: u32) {
        let entries = self.objects.iter_mut().map(|object| &mut object.entry.rule);
        let named = self.named.iter_mut().map(|(_, entry)| &mut entry.rule);
        let names = self.names.iter_mut().map(|(_, name)| &mut name.rule);
        let addresses = self.addresses.iter_mut().map(|(.., address)| &mut address.rule);
        let ports = self.ports.iter_mut().map(|(_, port)| &mut port.rule);
        let budgets = self.budgets.iter_mut().map(|budget| &mut budget.rule);
        let all = entries.chain(named).chain(names).chain(addresses).chain(ports).chain(budgets);
        all.for_each(|rule| *rule = abi::stamped(*rule, revision));
    }

    /// The classes that have budgets, by [`Spending`].
    pub fn budgeted(&self) -> [u64; SPENDINGS] {
        self.budgets.iter().fold([0; SPENDINGS], |mut masks, budget| {
            masks[budget.what as usize] |= 1 << budget.class;
            masks
        })
    }
}

/// Something that is known by its inode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Where it really is: no component is a symbolic link, as far as [`RealPaths`] told.
    #[serde(with = "path")]
    pub path: AbsolutePath,
    /// What holds for it.
    pub entry: Entry,
    /// What it is there for.
    pub purpose: Purpose,
}

/// What an object is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// A grant; if it is not there, nothing is granted.
    Grant,
    /// A denied path; if it is not there, its name is denied all the same.
    Deny,
    /// A directory on the way to a denied path.
    Way,
}

/// Why a plan cannot be said in tables.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// Prefixes or suffixes of too many different lengths.
    #[error(
        "the denied {kind} have {} different lengths ({}); eBPF compares at most {}: say some of them in one, or name files whole",
        .lengths.len(), list(.lengths), abi::MAX_LENGTHS
    )]
    TooManyLengths {
        /// `name starts (**/x*)` or `name ends (**/*x)`.
        kind: &'static str,
        /// The lengths in bytes, ascending.
        lengths: Vec<u8>,
    },
    /// Two names with the same hash.
    #[error(
        "the names {0:?} and {1:?} beneath one directory have the same hash; one of the denied paths must be left out"
    )]
    Collision(String, String),
}

fn list(lengths: &[u8]) -> String {
    lengths.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}

/// Makes the tables of a session.
///
/// # Errors
/// If the plan has more than the tables can say.
pub fn encode(plan: &Plan, implied: &Implied, real: &RealPaths) -> Result<Tables, EncodeError> {
    let places = Places::of(plan, implied, real);
    let ways = Ways::to_denied(&places);
    let (summary, names) = names::encode(&plan.files.names)?;
    Ok(Tables {
        objects: ways.objects(&places),
        named: ways.named(&places)?,
        flags: session::flags(plan, &places, &summary),
        names,
        summary,
        addresses: network::addresses(&plan.network),
        ports: network::ports(&plan.network),
        rates: session::rates(plan),
        budgets: session::budgets(plan),
    })
}
