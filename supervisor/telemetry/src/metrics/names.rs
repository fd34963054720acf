//! Every metric there is.

use super::family::{Description, Kind};

macro_rules! families {
    ($($field:ident: $kind:ident $name:literal [$($label:literal),*] $(/ $scale:literal)? $help:literal;)*) => {
        /// Every metric there is, by what it counts.
        #[derive(Debug)]
        pub(super) struct Families {
            $(pub(super) $field: super::family::Family,)*
        }

        impl Families {
            /// All of them, with nothing counted yet.
            pub(super) fn new() -> Self {
                let described = |name, kind, labels, scale, help| {
                    super::family::Family::new(Description { name, help, kind, labels, scale })
                };
                Self { $($field: described($name, Kind::$kind, &[$($label),*], scale!($($scale)?), $help),)* }
            }

            /// All of them, in the order in which they are shown.
            pub(super) fn all(&self) -> Vec<&super::family::Family> {
                vec![$(&self.$field),*]
            }
        }
    };
}

macro_rules! scale {
    () => {
        1
    };
    ($scale:literal) => {
        $scale
    };
}

families! {
    build: Gauge "mcpguard_build_info" ["version"]
        "The build that runs, as a label; always 1.";
    started: Gauge "mcpguard_start_time_seconds" [] / 1_000_000
        "When the front of the daemon started, in seconds since 1970.";
    front_restarts: Counter "mcpguard_front_restarts" []
        "How often the front of the daemon was started again after a crash.";
    sessions: Gauge "mcpguard_sessions" ["state"]
        "Sessions by state.";
    opened: Counter "mcpguard_sessions_opened" []
        "Sessions that were opened.";
    refused: Counter "mcpguard_opens_refused" ["code"]
        "Sessions and other requests of clients that were refused, by the refusal's code.";
    ended: Counter "mcpguard_sessions_ended" ["reason"]
        "Sessions that ended, by reason.";
    denials: Counter "mcpguard_denials" ["kind", "reason"]
        "What the kernel denied, by what was attempted and why.";
    dropped: Counter "mcpguard_kernel_events_dropped" []
        "Events that the kernel had no room for; what they were about was denied all the same.";
    kills: Counter "mcpguard_kills" ["by"]
        "Sessions killed, by whom.";
    freezes: Counter "mcpguard_freezes" ["by"]
        "Sessions frozen, by whom.";
    canary: Counter "mcpguard_canary_proofs" ["result"]
        "Proofs that a guard denies: ok, or failed.";
    policy_sessions: Gauge "mcpguard_policy_sessions" ["policy", "user"]
        "Sessions that run, by policy and user.";
    memory: Gauge "mcpguard_session_memory_bytes" ["policy", "user"]
        "Memory of the sessions that run, by policy and user.";
    cpu: Counter "mcpguard_session_cpu_seconds" ["policy", "user"] / 1_000_000
        "Processor time of sessions, by policy and user.";
    log_records: Counter "mcpguard_log_records" []
        "Records written to the host's log.";
    log_bytes: Counter "mcpguard_log_bytes" []
        "Bytes written to the host's log.";
    log_lost: Counter "mcpguard_log_lost_records" []
        "Records that could not be written to the host's log.";
    log_rotations: Counter "mcpguard_log_rotations" []
        "Files of the host's log that were rotated.";
    sink_records: Counter "mcpguard_sink_records" ["sink"]
        "Records handed to a sink.";
    sink_dropped: Counter "mcpguard_sink_dropped_records" ["sink"]
        "Records that did not reach a sink: it was slow or away. The host's log has them.";
    sink_failures: Counter "mcpguard_sink_failures" ["sink"]
        "Attempts to reach a sink that failed.";
}
