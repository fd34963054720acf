//! The request with which a program on a security hook is seen to deny.

use nix::errno::Errno;

use super::check;

/// `prctl(request, number, 0, 0, 0)`, for a request that no kernel knows: it changes nothing and always fails.
pub(crate) fn process_request(request: i32, number: u64) -> Result<(), Errno> {
    // SAFETY: the arguments are numbers; a kernel that does not know the request refuses it before it reads them.
    check(unsafe { libc::prctl(request, number, 0, 0, 0) }.into()).map(|_| ())
}
