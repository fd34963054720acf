//! What only root has: the eBPF programs and the control group. Each is really loaded or made, and taken away again.

use policy::Support;

use super::{Finding, Outcome};
use crate::probe;

const AS_ROOT: &str = "start the host daemon (`systemctl start mcpguard`), or run mcpguard as root; on a kernel that refuses the programs although it has them, nothing helps but another kernel";

pub(super) fn examine(of: Option<&Support>) -> Vec<Finding> {
    let support = of.cloned().unwrap_or_else(probe);
    let (ebpf, cgroup) = (&support.ebpf, &support.cgroup);
    let way = ebpf.hooks.map(|way| format!("a program was seen to deny, as {way}"));
    let limits = [(cgroup.memory, "memory"), (cgroup.cpu, "cpu"), (cgroup.processes, "processes")];
    let limits: Vec<&str> = limits.iter().filter(|(there, _)| *there).map(|(_, name)| *name).collect();
    let group = cgroup.identity.then(|| format!("version 2; limits: {}", limits.join(", ")));
    let network =
        ebpf.network.then(|| "programs for connections, datagrams and packets can be loaded".to_owned());
    vec![
        finding(
            "ebpf-hooks",
            way.ok_or(ebpf.hooks_missing.as_deref()),
            "no deny inside a grant, no grants that follow the tool call, no kill at once",
        ),
        finding(
            "ebpf-network",
            network.ok_or(ebpf.network_missing.as_deref()),
            "no address rules, no rates of connections and bytes",
        ),
        finding(
            "control-group",
            group.ok_or(cgroup.missing.as_deref()),
            "limits hold for single processes, and a session cannot be frozen",
        ),
    ]
}

fn finding(name: &'static str, found: Result<String, Option<&str>>, cost: &'static str) -> Finding {
    let (outcome, detail) = match found {
        Ok(seen) => (Outcome::Works, seen),
        Err(missing) => (Outcome::Missing, missing.unwrap_or("mcpguard does not run as root").to_owned()),
    };
    Finding { name, outcome, detail, cost, remedy: AS_ROOT }
}
