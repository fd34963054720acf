//! The cases: one file an area. A new case is one function and one line in its file's `CASES`; a new area is a file and
//! a line here.

mod bpf_layer;
mod cgroup;
mod cost;
mod daemon;
mod doctor;
mod doors;
mod escapes;
mod exec;
mod facts;
mod hooks;
mod machine;
mod replay;
mod sabotage;
mod servers;
mod throng;
mod tricks;
mod windows;

use crate::case::Case;

pub(crate) use doors::alone as doors;
pub(crate) use throng::throng;
pub(crate) use tricks::table as tricks;

/// Every case, in the order in which they run.
pub(crate) const ALL: &[&[Case]] = &[
    facts::CASES,
    machine::CASES,
    doctor::CASES,
    exec::CASES,
    cgroup::CASES,
    servers::CASES,
    windows::CASES,
    tricks::CASES,
    throng::CASES,
    bpf_layer::CASES,
    doors::CASES,
    escapes::FILES,
    escapes::NETWORKS,
    escapes::OTHERS,
    escapes::ENDINGS,
    sabotage::CASES,
    hooks::CASES,
    daemon::CASES,
    replay::CASES,
    cost::CASES,
];
