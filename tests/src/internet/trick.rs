//! A trick as data: what is tried, by which program, and what proves that it has worked.

use super::programs::Program;

/// One way out, or one use that must go on working.
#[derive(Clone, Debug)]
pub struct Trick {
    /// What it is called.
    pub name: &'static str,
    /// Which class of escapes it belongs to; 0: it is no escape, and must work with a guard as well.
    pub class: u8,
    /// Who carries it out.
    pub program: Program,
    /// The puppet's tool that is called.
    pub tool: &'static str,
    /// The words after the program. `{token}` is a new word each time, `{friend}` and `{workspace}` are paths.
    pub words: Vec<&'static str>,
    /// What proves that it has worked.
    pub proof: Proof,
    /// What it cannot do without.
    pub needs: Need,
    /// Whether no other trick may be tried in its session.
    alone: bool,
    /// Why a guard lets it through, where it does so knowingly.
    pub open: Option<&'static str>,
}

/// The puppet's tool that runs a program, and that no rule names.
const SPAWN: &str = "spawn";
/// The same tool under another name, which has a domain of its own.
const FETCH: &str = "fetch";

/// What proves that a trick has worked. That a program says so is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The secret of this host is among what was printed: the host was reached, and has answered.
    Secret(&'static str),
    /// Somebody on the far side has seen the token.
    Arrives,
    /// The same, but so many seconds after the call.
    ArrivesAfter(u64),
    /// The name server was asked for at least so many different names with the token.
    Names(usize),
    /// The kernel has answered this: for sockets that carry nothing, and for what names resolve to.
    Printed(&'static str),
}

/// What a trick cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Nothing,
    /// A capability: it works for root alone.
    Root,
    /// Something that not every kernel has: the error that tells so, and what it is.
    Kernel(&'static str, &'static str),
    /// Interfaces that are connected.
    Pair,
    /// Both: a capability, and interfaces.
    RootAndPair,
}

/// Tricks, one a line: class, name, program, words, proof, and what else is to be said of it.
macro_rules! tricks {
    ($($class:literal $name:literal $program:ident [$($word:expr),*] $proof:expr $(, $more:ident($($what:expr)?))*;)*) => {
        vec![$(
            $crate::internet::trick::trick($class, $name, $program, &[$($word),*], $proof)$(.$more($($what)?))*
        ),*]
    };
}
pub(super) use tricks;

/// A trick of a class.
pub(super) fn trick(
    class: u8,
    name: &'static str,
    program: Program,
    words: &[&'static str],
    proof: Proof,
) -> Trick {
    Trick {
        name,
        class,
        program,
        tool: SPAWN,
        words: words.to_vec(),
        proof,
        needs: Need::Nothing,
        alone: false,
        open: None,
    }
}

impl Trick {
    /// Carried out in a call of the tool that has a domain of its own.
    pub(super) fn in_call(mut self) -> Self {
        self.tool = FETCH;
        self
    }

    /// In a session of its own: it uses up what others live from, or is about calls that no other one may stand beside.
    pub(super) fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// Whether no other trick may be tried in its session.
    pub(super) fn has_a_session_of_its_own(&self) -> bool {
        self.alone
    }

    /// What it cannot do without.
    pub(super) fn needs(mut self, need: Need) -> Self {
        self.needs = need;
        self
    }

    /// A guard lets it through, and says so: why.
    pub(super) fn open(mut self, why: &'static str) -> Self {
        self.open = Some(why);
        self
    }

    /// Whether it is a use that must go on working.
    pub fn is_benign(&self) -> bool {
        self.class == 0
    }
}
