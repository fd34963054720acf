//! The host daemon, for real: `mcpguard daemon` as root, and `mcpguard exec` of a user without any privilege.

mod all_layers;
mod deaths;
mod flood;
mod host;
mod reload;

use crate::case::Case;
use crate::need::Need;

/// The programs on the hooks, by the module or before it, and what they need of the rest.
const NEEDS: &[Need] = &[Need::Hooks, Need::Landlock(1)];

/// The user of all sessions.
const USER: u32 = 1000;

pub(super) const CASES: &[Case] = &[
    Case::new("daemon/all_layers", all_layers::all_layers).needs(NEEDS).seconds(60),
    Case::new("daemon/reload", reload::by_the_daemon).needs(NEEDS).seconds(60),
    Case::new("daemon/reload_by_root", reload::by_root).needs(NEEDS).seconds(60),
    Case::new("daemon/deaths", |ground| deaths::deaths(ground, 10, "4000"))
        .needs(NEEDS)
        .seconds(150)
        .on_request(),
    Case::new("daemon/hundred_deaths", |ground| deaths::deaths(ground, 100, "20000"))
        .needs(NEEDS)
        .seconds(1500)
        .on_request(),
    Case::new("daemon/flood", flood::flood).needs(NEEDS).seconds(90).on_request(),
];
