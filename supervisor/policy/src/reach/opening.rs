//! One thing that can be reached or offered.

use std::fmt;

use super::numbers;
use crate::plan::{ClassId, ClassMask, Plan, Records, RuleId};

/// One thing that can be reached or offered. Displayed without its name: `always; port 443, checked by name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// A domain, a range, a port or a path, as the policy names it.
    pub what: String,
    /// What it is.
    pub kind: Kind,
    /// When it is open.
    pub when: When,
    /// Ports on which the name that is spoken must be the domain's, ascending.
    pub checked: Vec<u16>,
    /// Ports on which the address is enough, ascending.
    pub unchecked: Vec<u16>,
    /// Records beyond addresses that may be looked up.
    pub records: Records,
    /// The rule that opens it.
    pub rule: RuleId,
}

/// What can be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A domain or every name beneath one.
    Domain,
    /// Every public address, and with it every name.
    Public,
    /// An address range.
    Range,
    /// A port to listen on.
    Listen,
    /// A unix socket.
    UnixSocket,
}

impl Kind {
    /// One word for machines.
    pub fn word(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::Public => "public",
            Self::Range => "range",
            Self::Listen => "listen",
            Self::UnixSocket => "unix_socket",
        }
    }
}

/// When something is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// At all times.
    Always,
    /// While a call of a tool with one of these keys is in flight.
    Calls(Vec<String>),
}

impl When {
    pub(super) fn of(plan: &Plan, classes: ClassMask) -> Self {
        if classes.contains(ClassId::ALWAYS) {
            return Self::Always;
        }
        let active = |number: &usize| ClassId::new(*number).is_some_and(|class| classes.contains(class));
        let keys = (0..plan.classes.len()).filter(active).flat_map(|number| plan.classes[number].clone());
        Self::Calls(keys.collect())
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Calls(keys) = self else { return f.write_str("always") };
        let name = |key: &String| match &key[..] {
            "defaults" => "a tool that no entry names".to_owned(),
            key => format!("`{key}`"),
        };
        write!(
            f,
            "only while a call of {} is in flight",
            keys.iter().map(name).collect::<Vec<_>>().join(" or ")
        )
    }
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.when)?;
        match self.kind {
            Kind::Domain => self.how(f),
            Kind::Range => {
                write!(f, "; port {} of each address in it, TCP and UDP", numbers(&self.unchecked))
            }
            Kind::Public => write!(
                f,
                "; port {} of every public address, TCP and UDP, and any name may be looked up",
                numbers(&self.unchecked)
            ),
            Kind::Listen => f.write_str(match &self.what[..] {
                "0" => "; the server may listen on any TCP port",
                _ => "; the server may listen on this TCP port",
            }),
            Kind::UnixSocket => f.write_str("; unix socket, with everything beneath"),
        }
    }
}

impl Opening {
    fn how(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.checked.is_empty() {
            write!(f, "; port {}, checked by name", numbers(&self.checked))?;
        }
        if !self.unchecked.is_empty() {
            write!(f, "; port {}, by address only", numbers(&self.unchecked))?;
        }
        let Records { srv, txt } = self.records;
        let types: Vec<&str> =
            [(srv, "SRV"), (txt, "TXT")].iter().filter(|(has, _)| *has).map(|(_, it)| *it).collect();
        if types.is_empty() {
            Ok(())
        } else {
            write!(f, "; {} may be looked up as well", types.join(" and "))
        }
    }
}
