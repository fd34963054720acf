//! The BPF programs: thin hooks that ask who acts ([`scope`]), climb from the object towards the root ([`climb`]), ask what
//! the session's tables say of each component ([`rules`], by `verdict`), and deny, record and kill ([`denial`]).
//!
//! They never allow by mistake: whatever cannot be read, followed or found is denied inside of a session. They never
//! touch a task outside of one.
//!
//! ```text
//! hook ─► scope: whose task? ─► none: 0
//!           └► session ─► climb ⇄ rules, names: until a component decides ─► verdict ─► 0
//!                                                                              └► denial: record, kill, -EPERM
//! ```
//! One object serves every kernel: offsets come from the read-only globals of [`fields`], which the supervisor sets.
//! Functions that the verifier shall look at once and not along every path are global (`extern "C"`, not inlined), the
//! bodies of loops above all.

#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod arrivals;
mod climb;
mod denial;
mod fields;
mod flows;
mod hooks;
mod kernel;
mod maps;
mod member;
mod names;
mod rate;
mod reach;
mod rules;
mod scope;
mod spending;
mod told;
mod walk;

/// Nothing here panics; the compiler wants to know where it would go.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// The kernel gives the helpers of tracing to GPL-compatible programs only.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
