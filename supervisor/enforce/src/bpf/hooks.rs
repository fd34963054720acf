//! The programs on the security hooks, loaded one way or the other and attached.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use abi::{Hook, Need};
use nix::errno::Errno;
use policy::HookWay;

use super::at_once::at_once;
use super::object::ProgramText;
use super::program::{self, Context, ProgramError, hook_function};
use crate::sys;

/// One attached program. Dropping it detaches it, unless the link is pinned.
#[derive(Debug)]
pub(super) struct Attached {
    pub(super) name: &'static str,
    program: OwnedFd,
    link: OwnedFd,
}

impl Attached {
    /// One that an earlier process has attached.
    pub(super) fn found(name: &'static str, program: OwnedFd, link: OwnedFd) -> Self {
        Self { name, program, link }
    }

    pub(super) fn program(&self) -> BorrowedFd<'_> {
        self.program.as_fd()
    }

    pub(super) fn link(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }

    /// Calls that the kernel skipped, because the program was already running on that processor.
    pub(super) fn recursion_misses(&self) -> Result<u64, Errno> {
        sys::program_info(self.program.as_fd()).map(|info| info.recursion_misses)
    }
}

/// Whether a hook is wanted in this layer.
fn is_wanted(hook: &Hook, kills_senders: bool) -> bool {
    match hook.need {
        Need::Always | Need::WhereItExists => true,
        Need::ToKillSenders => kills_senders,
    }
}

/// Loads all, then attaches all: a program that the kernel refuses leaves nothing attached.
pub(super) fn attach(
    context: &Context<'_>,
    texts: &[ProgramText],
    way: HookWay,
    kills_senders: bool,
) -> Result<Vec<Attached>, ProgramError> {
    let lacks = |hook: &Hook| context.btf.function(&hook_function(way, hook.name)).is_err();
    let wanted = abi::HOOKS.iter().filter(|hook| is_wanted(hook, kills_senders));
    let wanted = wanted.filter(|hook| hook.need != Need::WhereItExists || !lacks(hook));
    let names: Vec<&'static str> = wanted.map(|hook| hook.name).collect();
    let loaded = at_once(&names, |name| load(context, texts, way, name, name));
    let mut programs = Vec::new();
    for (name, program) in names.into_iter().zip(loaded) {
        programs.push((name, program?));
    }
    let mut attached = Vec::new();
    for (name, program) in programs {
        let link = program::attach_hook(name, program.as_fd())?;
        attached.push(Attached { name, program, link });
    }
    Ok(attached)
}

/// Loads the program of this name for this hook.
pub(super) fn load(
    context: &Context<'_>,
    texts: &[ProgramText],
    way: HookWay,
    program: &'static str,
    hook: &'static str,
) -> Result<OwnedFd, ProgramError> {
    let text = texts.iter().find(|text| text.name == program);
    let text = text.ok_or(ProgramError::Missing(program))?;
    context.load_hook(text, way, hook)
}
