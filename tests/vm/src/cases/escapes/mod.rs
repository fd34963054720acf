//! Ways around the policy through the whole product: a denied path inside of a grant, an address beside a granted one.
//! Landlock lets most of them pass, so that only the eBPF layer can deny. Each way succeeds bare first.

mod endings;
mod files;
mod networks;
mod others;
mod scene;

pub(super) use endings::CASES as ENDINGS;
pub(super) use files::CASES as FILES;
pub(super) use networks::CASES as NETWORKS;
pub(super) use networks::POLICY as NETWORKS_POLICY;
pub(super) use others::CASES as OTHERS;
pub(super) use scene::{POLICY as FILES_POLICY, Scene};
