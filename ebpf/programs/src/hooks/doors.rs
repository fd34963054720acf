//! What a process sees of a door: it believes to talk to whom it wanted. Nothing is decided here.

use aya_ebpf::macros::cgroup_sock_addr;
use aya_ebpf::programs::SockAddrContext;

use crate::flows;

/// The only answer that the kernel takes from these programs.
const GO_ON: i32 = 1;

#[cgroup_sock_addr(recvmsg4)]
pub(crate) fn recvmsg4(ctx: SockAddrContext) -> i32 {
    flows::disguise::<false>(ctx.sock_addr);
    GO_ON
}

#[cgroup_sock_addr(recvmsg6)]
pub(crate) fn recvmsg6(ctx: SockAddrContext) -> i32 {
    flows::disguise::<true>(ctx.sock_addr);
    GO_ON
}

#[cgroup_sock_addr(getpeername4)]
pub(crate) fn getpeername4(ctx: SockAddrContext) -> i32 {
    flows::disguise::<false>(ctx.sock_addr);
    GO_ON
}

#[cgroup_sock_addr(getpeername6)]
pub(crate) fn getpeername6(ctx: SockAddrContext) -> i32 {
    flows::disguise::<true>(ctx.sock_addr);
    GO_ON
}
