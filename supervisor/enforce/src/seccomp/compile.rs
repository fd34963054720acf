//! From a profile to the kernel's filter program (classic BPF).
//!
//! seccompiler turns the conditions of one clause into checked instructions. The dispatch by call number is our own:
//! a binary search over ranges of numbers instead of one comparison a call, because the kernel runs the whole program
//! once for each call number when a filter is installed (`seccomp_cache_prepare`, Linux 5.11), so that its length is
//! start-up time; and because a leaf may end in an action that seccompiler does not know (user notification).
//!
//! ```text
//! foreign architecture? kill ─► x32 number? kill ─► binary search ─► allow | refuse | lack | clause, clause, … , otherwise
//! ```

use seccompiler::{
    BackendError, BpfProgram, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule, TargetArch,
    sock_filter,
};
use serde::{Deserialize, Serialize};

use super::profile::{DEFAULT, Profile};
use super::verdict::{Action, Clause, Decision, EPERM, Test, Width};

/// One instruction of classic BPF, laid out as the kernel's `struct sock_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)]
pub struct Instruction {
    /// The operation.
    pub code: u16,
    /// How many instructions are skipped if a comparison holds.
    pub jump_true: u8,
    /// How many are skipped if it does not.
    pub jump_false: u8,
    /// The operand.
    pub operand: u32,
}

/// The highest number of instructions that the kernel takes (`BPF_MAXINSNS`).
const MAX_LENGTH: usize = 4096;
/// From this number on a call of x86-64 is one of the x32 ABI (`__X32_SYSCALL_BIT`).
const X32: u32 = 0x4000_0000;
/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;

const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

/// Whether refused calls are reported to the supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reporting {
    /// By user notification: the call waits until the supervisor has answered that it fails.
    Notify,
    /// Not at all: the kernel lets the call fail by itself.
    Silent,
}

/// Why a profile could not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// seccompiler refused a condition.
    #[error("a condition of the system call filter is invalid: {0}")]
    Condition(#[from] BackendError),
    /// More instructions than the kernel takes.
    #[error("the system call filter has {0} instructions; the kernel takes {MAX_LENGTH}")]
    TooLong(usize),
    /// Not an architecture that the profile knows.
    #[error("no system call profile exists for the architecture {}", std::env::consts::ARCH)]
    Architecture,
}

/// Compiles the profile for this architecture.
pub fn compile(profile: &Profile, reporting: Reporting) -> Result<Vec<Instruction>, CompileError> {
    let compiler = Compiler { reporting };
    let mut program = compiler.prelude()?;
    program.extend(compiler.search(&ranges(profile))?);
    if program.len() > MAX_LENGTH {
        return Err(CompileError::TooLong(program.len()));
    }
    Ok(program)
}

/// The same program without reports: for a process that already has somebody who receives them, because the kernel
/// allows one receiver only (`EBUSY`).
pub(crate) fn silence(program: &mut [Instruction]) {
    for instruction in program {
        if instruction.code == RETURN && instruction.operand == libc::SECCOMP_RET_USER_NOTIF {
            instruction.operand = failure(EPERM);
        }
    }
}

/// All call numbers from `first` up to the next range.
struct Range<'a> {
    first: u32,
    leaf: Leaf<'a>,
}

#[derive(Clone, Copy, PartialEq)]
enum Leaf<'a> {
    Always(Action),
    ByArguments(&'a Decision),
}

fn ranges(profile: &Profile) -> Vec<Range<'_>> {
    let last = profile.decisions().keys().next_back().map_or(0, |number| number + 1);
    let mut ranges: Vec<Range<'_>> = Vec::new();
    for number in 0..=last {
        let leaf = match profile.decisions().get(&number) {
            None => Leaf::Always(DEFAULT),
            Some(decision) if decision.clauses.is_empty() => Leaf::Always(decision.otherwise),
            Some(decision) => Leaf::ByArguments(decision),
        };
        if ranges.last().is_none_or(|previous| previous.leaf != leaf) {
            ranges.push(Range { first: number, leaf });
        }
    }
    ranges
}

struct Compiler {
    reporting: Reporting,
}

impl Compiler {
    fn prelude(&self) -> Result<Vec<Instruction>, CompileError> {
        let mut prelude = vec![
            load(ARCHITECTURE),
            jump(JUMP_EQUAL, audit_architecture()?, 1, 0),
            self.leave(Action::Kill),
            load(NUMBER),
        ];
        if cfg!(target_arch = "x86_64") {
            prelude.extend([jump(JUMP_AT_LEAST, X32, 0, 1), self.leave(Action::Kill)]);
        }
        Ok(prelude)
    }

    /// Halves the ranges until one is left. Jumps reach 255 instructions; a longer left half is jumped over in two steps.
    fn search(&self, ranges: &[Range<'_>]) -> Result<Vec<Instruction>, CompileError> {
        if let [range] = ranges {
            return self.leaf(range.leaf);
        }
        let (left, right) = ranges.split_at(ranges.len() / 2);
        let pivot = right[0].first;
        let (left, right) = (self.search(left)?, self.search(right)?);
        let mut program = match u8::try_from(left.len()) {
            Ok(distance) => vec![jump(JUMP_AT_LEAST, pivot, distance, 0)],
            Err(_) => vec![jump(JUMP_AT_LEAST, pivot, 0, 1), far_jump(left.len())],
        };
        program.extend(left);
        program.extend(right);
        Ok(program)
    }

    fn leaf(&self, leaf: Leaf<'_>) -> Result<Vec<Instruction>, CompileError> {
        match leaf {
            Leaf::Always(action) => Ok(vec![self.leave(action)]),
            Leaf::ByArguments(decision) => self.clauses(decision),
        }
    }

    fn clauses(&self, decision: &Decision) -> Result<Vec<Instruction>, CompileError> {
        let mut program = Vec::new();
        for clause in &decision.clauses {
            program.extend(conditions(clause)?);
            program.push(self.leave(clause.then));
        }
        program.push(self.leave(decision.otherwise));
        Ok(program)
    }

    fn leave(&self, action: Action) -> Instruction {
        let value = match action {
            Action::Allow => libc::SECCOMP_RET_ALLOW,
            Action::Kill => libc::SECCOMP_RET_KILL_PROCESS,
            Action::Lack(errno) => failure(errno),
            Action::Mediate => return self.leave(Action::Refuse(EPERM)),
            Action::Refuse(errno) => match self.reporting {
                Reporting::Notify => libc::SECCOMP_RET_USER_NOTIF,
                Reporting::Silent => failure(errno),
            },
        };
        Instruction { code: RETURN, jump_true: 0, jump_false: 0, operand: value }
    }
}

/// The instructions that fall through if the clause holds and jump one past its end, over its action, if not.
fn conditions(clause: &Clause) -> Result<Vec<Instruction>, CompileError> {
    let conditions = clause.tests.iter().map(condition).collect::<Result<_, _>>()?;
    let program: BpfProgram = SeccompRule::new(conditions)?.into();
    Ok(program.into_iter().map(Instruction::from).collect())
}

fn condition(test: &Test) -> Result<SeccompCondition, BackendError> {
    let operator = match test.mask {
        u32::MAX => SeccompCmpOp::Eq,
        mask => SeccompCmpOp::MaskedEq(u64::from(mask)),
    };
    let length = match test.width {
        Width::Low => SeccompCmpArgLen::Dword,
        Width::Whole => SeccompCmpArgLen::Qword,
    };
    SeccompCondition::new(test.argument, length, operator, u64::from(test.value))
}

impl From<sock_filter> for Instruction {
    fn from(from: sock_filter) -> Self {
        Self { code: from.code, jump_true: from.jt, jump_false: from.jf, operand: from.k }
    }
}

fn load(offset: u32) -> Instruction {
    Instruction { code: LOAD, jump_true: 0, jump_false: 0, operand: offset }
}

fn jump(code: u16, operand: u32, jump_true: u8, jump_false: u8) -> Instruction {
    Instruction { code, jump_true, jump_false, operand }
}

fn far_jump(distance: usize) -> Instruction {
    // A program is at most 4096 instructions long, so the distance always fits.
    Instruction {
        code: JUMP,
        jump_true: 0,
        jump_false: 0,
        operand: u32::try_from(distance).unwrap_or(u32::MAX),
    }
}

fn failure(errno: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | (errno.cast_unsigned() & libc::SECCOMP_RET_DATA)
}

/// The architecture as `struct seccomp_data` names it (`AUDIT_ARCH_*`): ELF machine, 64 bits, little endian.
fn audit_architecture() -> Result<u32, CompileError> {
    const LITTLE_ENDIAN_64: u32 = 0xc000_0000;
    match TargetArch::try_from(std::env::consts::ARCH) {
        Ok(TargetArch::x86_64) => Ok(LITTLE_ENDIAN_64 | 62),
        Ok(TargetArch::aarch64) => Ok(LITTLE_ENDIAN_64 | 183),
        Ok(TargetArch::riscv64) => Ok(LITTLE_ENDIAN_64 | 243),
        Err(_) => Err(CompileError::Architecture),
    }
}
