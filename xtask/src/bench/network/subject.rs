//! Who guards the near side.

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Nobody.
    Bare,
    /// `mcpguard exec` as root: eBPF.
    Ebpf,
    /// The same with a policy that has no network.
    EbpfWithout,
    /// `mcpguard exec` as a user without any capability: user notification.
    Gate,
    /// The same with a policy that has no network.
    GateWithout,
    /// Anthropic's sandbox runtime, which goes out by a proxy that the program must ask.
    Srt,
}

impl Side {
    /// Those that are compared.
    pub(super) const ALL: [Self; 4] = [Self::Bare, Self::Ebpf, Self::Gate, Self::Srt];

    /// As it stands in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Ebpf => "eBPF",
            Self::EbpfWithout => "eBPF alone",
            Self::Gate => "no root",
            Self::GateWithout => "none",
            Self::Srt => "srt",
        }
    }

    /// Whether it runs as a user without any capability.
    pub(super) fn is_user(self) -> bool {
        matches!(self, Self::Gate | Self::GateWithout)
    }

    /// Whether its policy opens a network.
    pub(super) fn is_online(self) -> bool {
        !matches!(self, Self::EbpfWithout | Self::GateWithout)
    }
}
