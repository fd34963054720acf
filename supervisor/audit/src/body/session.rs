//! The start and the end of a session.

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use super::{CoverageEntry, Process};
use crate::redact::redact_fields;

/// A session starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionStart {
    /// The version of mcpguard.
    pub mcpguard: String,
    /// The policy.
    pub policy: Policy,
    /// The server's command line.
    pub command: Vec<String>,
    /// The directory of the call.
    pub workspace: String,
    /// The user who started mcpguard.
    pub uid: u32,
    /// mcpguard's own process.
    pub pid: u32,
    /// The process that started mcpguard; usually the MCP client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Process>,
    /// The scopes that the caller holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// What the kernel offers.
    pub kernel: Kernel,
    /// Who enforces each rule of the policy.
    pub coverage: Vec<CoverageEntry>,
    /// The texts of the rules that are not enforced; each has a `degraded` record too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub degraded: Vec<String>,
    /// Secrets too short to be searched for in texts ([`crate::MIN_SECRET_BYTES`]), by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unredacted: Vec<String>,
}

redact_fields!(SessionStart {
    text: [mcpguard, policy, command, workspace, client, scopes, kernel, coverage, degraded, unredacted],
    plain: [uid, pid]
});

/// Which policy holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// SHA-256 in hex over every source text.
    pub revision: String,
    /// Its files and presets in the order of merging.
    pub sources: Vec<String>,
}

// A revision is a hash: nothing in it can be a secret, and it must stay comparable.
redact_fields!(Policy { text: [name, sources], plain: [revision] });

/// What the kernel offers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kernel {
    /// `uname -r`.
    pub release: String,
    /// Landlock ABI; 0 where it is absent.
    pub landlock_abi: u32,
    /// seccomp filters can be installed.
    pub seccomp_filter: bool,
    /// Denied system calls are reported to the supervisor.
    pub seccomp_notify: bool,
    /// How eBPF programs stand on the kernel's security hooks; null where they do not.
    #[serde(default, deserialize_with = "hooks")]
    pub ebpf: Option<Hooks>,
    /// eBPF programs decide about the session's packets.
    #[serde(default)]
    pub ebpf_network: bool,
    /// The session has a control group of its own.
    pub cgroup: bool,
    /// What that group limits: `memory`, `cpu`, `processes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cgroup_limits: Vec<String>,
    /// The server runs with uid 0.
    pub server_is_root: bool,
}

redact_fields!(Kernel {
    text: [release],
    plain: [
        landlock_abi,
        seccomp_filter,
        seccomp_notify,
        ebpf,
        ebpf_network,
        cgroup,
        cgroup_limits,
        server_is_root
    ]
});

/// How eBPF programs stand on the kernel's security hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hooks {
    /// As a security module of their own.
    Lsm,
    /// Before the security modules.
    FmodRet,
}

/// Logs of the first version have `false` here.
fn hooks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Hooks>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Way(Hooks),
        Flag(bool),
    }
    match Option::deserialize(deserializer)? {
        Some(Written::Way(hooks)) => Ok(Some(hooks)),
        None | Some(Written::Flag(false)) => Ok(None),
        Some(Written::Flag(true)) => {
            Err(D::Error::custom("`ebpf` is `lsm`, `fmod_ret`, null or false, not true"))
        }
    }
}

/// Who speaks with whom, as they say themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handshake {
    /// The protocol revision: `2025-11-25`.
    pub protocol: String,
    /// `clientInfo.name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// `clientInfo.version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_version: Option<String>,
    /// `serverInfo.name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// `serverInfo.version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
}

redact_fields!(Handshake { text: [protocol, client, client_version, server, server_version], plain: [] });

/// A session ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionEnd {
    /// Why.
    pub reason: EndReason,
    /// Why, in words, where there is more to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The server's exit code, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended the server, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Tool calls, refused ones included.
    pub calls: u64,
    /// Everything refused, repetitions included.
    pub denials: u64,
    /// Microseconds since the session's start.
    pub duration_us: u64,
    /// Processes of the session that had to be killed.
    pub processes_killed: u64,
}

redact_fields!(SessionEnd {
    text: [detail],
    plain: [reason, exit_code, signal, calls, denials, duration_us, processes_killed]
});

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The server could not be started.
    NotStarted,
    /// The server ended by itself.
    ServerExited,
    /// The client closed the pipe.
    ClientGone,
    /// mcpguard was told to stop.
    Signal,
    /// A violation that the policy answers with `kill`.
    Violation,
    /// A record could not be written.
    AuditFailed,
    /// An error of mcpguard's own.
    Failed,
    /// Its supervisor ended it, as the host's daemon was told; the session's own log says more.
    Supervisor,
    /// Its supervisor was gone, as the host's daemon saw.
    SupervisorGone,
    /// Its owner or an operator killed it.
    Killed,
    /// It ended while the host's daemon was not there to see why.
    Unseen,
}

#[cfg(test)]
mod tests {
    use super::{Hooks, Kernel};

    #[test]
    fn logs_of_the_first_version_can_be_read() {
        let old = r#"{"release":"6.18","landlock_abi":7,"seccomp_filter":true,"seccomp_notify":true,"ebpf":false,"cgroup":false,"server_is_root":false}"#;
        let kernel: Kernel = serde_json::from_str(old).expect("the first version's own record");
        assert_eq!((kernel.ebpf, kernel.ebpf_network, kernel.cgroup_limits.len()), (None, false, 0));
        let text = |ebpf| serde_json::to_string(&Kernel { ebpf, ..kernel.clone() }).expect("plain data");
        assert!(text(None).contains(r#""ebpf":null,"ebpf_network":false,"cgroup":false,"server_is_root""#));
        for (hooks, word) in [(Hooks::Lsm, "lsm"), (Hooks::FmodRet, "fmod_ret")] {
            let written = text(Some(hooks));
            assert!(written.contains(&format!(r#""ebpf":"{word}""#)), "{written}");
            assert_eq!(serde_json::from_str::<Kernel>(&written).expect("own record").ebpf, Some(hooks));
        }
        assert!(serde_json::from_str::<Kernel>(&old.replace(r#""ebpf":false"#, r#""ebpf":true"#)).is_err());
    }
}
