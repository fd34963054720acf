//! What happens to a system call, as data: decided once here, then said in BPF by `compile`.

/// `EPERM` as the kernel writes it; the answer to whatever no other errno fits better.
pub(crate) const EPERM: i32 = libc::EPERM;

/// What the kernel does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It runs.
    Allow,
    /// It fails with this errno, and the supervisor is told where the kernel can tell it.
    Refuse(i32),
    /// It fails with this errno and nobody is told: the ordinary way in which a C library asks for a feature.
    Lack(i32),
    /// The supervisor carries it out, if the policy lets it; where nobody can be asked it fails.
    Mediate,
    /// The process dies at once with `SIGSYS`.
    Kill,
}

/// One comparison of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Test {
    /// Which argument, from 0 to 5.
    pub(crate) argument: u8,
    /// How much of it is looked at.
    pub(crate) width: Width,
    /// The bits that are looked at.
    pub(crate) mask: u32,
    /// What they must be.
    pub(crate) value: u32,
}

/// How much of an argument is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// The low 32 bits, which is all the kernel reads of an `int`.
    Low,
    /// All 64 bits: a pointer.
    Whole,
}

impl Test {
    /// The argument is this value.
    pub(crate) const fn is(argument: u8, value: u32) -> Self {
        Self { argument, width: Width::Low, mask: u32::MAX, value }
    }

    /// The argument is a pointer to nothing.
    pub(crate) const fn null(argument: u8) -> Self {
        Self { argument, width: Width::Whole, mask: u32::MAX, value: 0 }
    }

    /// The argument has this value in the bits of the mask.
    pub(crate) const fn masked(argument: u8, mask: u32, value: u32) -> Self {
        Self { argument, width: Width::Low, mask, value }
    }

    fn holds(self, arguments: &[u64; 6]) -> bool {
        let argument = arguments[usize::from(self.argument)];
        match self.width {
            Width::Low => argument & u64::from(self.mask) == u64::from(self.value),
            Width::Whole => argument == u64::from(self.value),
        }
    }
}

/// If every test holds, this is what happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    /// The tests; never empty.
    pub(crate) tests: Vec<Test>,
    /// What happens then.
    pub(crate) then: Action,
}

/// A call's clauses in order, the first that holds decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The clauses; empty for a call that is always treated alike.
    pub(crate) clauses: Vec<Clause>,
    /// What happens if no clause holds.
    pub(crate) otherwise: Action,
}

impl Decision {
    /// The same for all arguments.
    pub(crate) fn always(action: Action) -> Self {
        Self { clauses: Vec::new(), otherwise: action }
    }

    /// What happens to the call with these arguments.
    pub(crate) fn decide(&self, arguments: &[u64; 6]) -> Action {
        let met = self.clauses.iter().find(|clause| clause.tests.iter().all(|test| test.holds(arguments)));
        met.map_or(self.otherwise, |clause| clause.then)
    }
}
