//! What supervisors that were killed left behind: processes, groups, pinned programs.

use crate::{bpf, cgroup};

/// Ends and removes what dead supervisors left; one sentence for each thing that was found. Needs root, else it does nothing.
///
/// Groups first: the programs go on denying their processes until the last one is gone.
pub fn clean_up() -> Vec<String> {
    if !nix::unistd::geteuid().is_root() {
        return Vec::new();
    }
    let groups = cgroup::leftovers();
    let is_gone = |id: &cgroup::GroupId| groups.iter().all(|left| left.id != *id || left.outcome.is_ok());
    let programs = bpf::clean_leftovers(is_gone);
    let of_groups = groups.iter().map(|left| match &left.outcome {
        Ok(()) => format!("{} process(es) of the dead session {} were ended", left.processes, left.id),
        Err(error) => format!("the group of the dead session {} stays: {error}", left.id),
    });
    let of_programs = programs.iter().map(|left| match &left.outcome {
        bpf::Outcome::Removed => format!("the eBPF programs of the dead session {} were removed", left.id),
        bpf::Outcome::Kept(why) => {
            format!("the eBPF programs of the dead session {} go on denying: {why}", left.id)
        }
    });
    of_groups.chain(of_programs).collect()
}
