//! Which of Landlock's rights a grant means, for each ABI.

use landlock::{ABI, Access, AccessFs, AccessNet, BitFlags, Scope, make_bitflags};

/// The newest ABI of the crate that the kernel has.
pub(crate) fn known(abi: u32) -> ABI {
    ABI::from(i32::try_from(abi).unwrap_or(i32::MAX))
}

/// Reading files and listing directories.
pub(crate) fn reading() -> BitFlags<AccessFs> {
    AccessFs::ReadFile | AccessFs::ReadDir
}

/// Everything that changes files, but no devices: those are made by nobody, and no `ioctl` reaches those that exist.
pub(crate) fn writing(abi: ABI) -> BitFlags<AccessFs> {
    let all = make_bitflags!(AccessFs::{
        WriteFile | Truncate | MakeReg | MakeDir | MakeSym | MakeFifo | MakeSock | RemoveFile | RemoveDir | Refer
    });
    all & AccessFs::from_all(abi)
}

/// Executing; the kernel reads what it executes.
pub(crate) fn executing() -> BitFlags<AccessFs> {
    AccessFs::Execute | AccessFs::ReadFile
}

/// Connecting to a unix socket by its path (ABI 9).
pub(crate) fn reaching(abi: ABI) -> BitFlags<AccessFs> {
    BitFlags::from(AccessFs::ResolveUnix) & AccessFs::from_all(abi)
}

/// What is denied unless granted, in words, for reports.
pub(crate) fn handled_names(abi: u32) -> Vec<String> {
    let known = known(abi);
    let mut names: Vec<String> =
        AccessFs::from_all(known).iter().map(|right| format!("fs.{right:?}")).collect();
    names.extend(AccessNet::from_all(known).iter().map(|right| format!("net.{right:?}")));
    names.extend(Scope::from_all(known).iter().map(|scope| format!("scope.{scope:?}")));
    if abi >= UDP_ABI {
        names.extend(["net.BindUdp", "net.ConnectSendUdp"].map(String::from));
    }
    names
}

/// The first ABI with rights for UDP (Linux 7.2); the crate does not know it yet.
pub(crate) const UDP_ABI: u32 = 10;
/// The first ABI with rights for TCP ports (Linux 6.7).
pub(crate) const TCP_ABI: u32 = 4;
/// The first ABI with scopes (Linux 6.12).
pub(crate) const SCOPE_ABI: u32 = 6;
