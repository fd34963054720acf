//! Groups of supervisors that were killed: what is in them is ended, and they are removed.

use std::collections::{BTreeMap, BTreeSet};

use super::directory::Directory;
use super::group::Group;
use super::layout::{Layout, Place};
use super::seat::Seat;
use super::{GroupError, GroupId, PARENT};

/// A group that its supervisor left behind, and what was done about it.
#[derive(Debug)]
pub struct Leftover {
    /// Its name.
    pub id: GroupId,
    /// How many processes were in it.
    pub processes: usize,
    /// Whether they were killed and the group is gone.
    pub outcome: Result<(), GroupError>,
}

/// Ends every group of mcpguard whose supervisor is no more. What could not be done is in the outcome of each.
///
/// A group is left alone if its supervisor lives, or if anybody holds its lock: a supervisor in another pid namespace
/// has a number that means nothing here.
pub fn leftovers() -> Vec<Leftover> {
    leftovers_in(&Layout::find(), |_| true)
}

pub(super) fn leftovers_in(layout: &Layout, of_interest: impl Fn(&GroupId) -> bool) -> Vec<Leftover> {
    let mut found: BTreeMap<GroupId, Vec<Seat>> = BTreeMap::new();
    for place in &layout.places {
        for (id, seat) in bases(place).iter().flat_map(|base| seats(place, base)) {
            found.entry(id).or_default().push(seat);
        }
    }
    let dead = found.into_iter().filter(|(id, _)| of_interest(id) && !id.is_alive());
    dead.filter_map(|(id, seats)| end(id, seats)).collect()
}

/// The group of a supervisor that lives; `None` if it has none here. It is that supervisor's: the caller must not drop it.
pub(crate) fn standing(layout: &Layout, id: &GroupId) -> Option<Group> {
    let at = |place: &Place| {
        let bases = bases(place);
        bases.iter().find_map(|base| seat(place, base, id).ok().flatten())
    };
    let mut seats: Vec<Seat> = layout.places.iter().filter_map(at).collect();
    sort(&mut seats);
    (!seats.is_empty()).then(|| Group::adopt(id.clone(), seats))
}

/// The supervisors that live and have a group here, whoever made it.
pub(crate) fn living(layout: &Layout) -> BTreeSet<GroupId> {
    let of = |place: &Place| bases(place).iter().flat_map(|base| seats(place, base)).collect::<Vec<_>>();
    let all = layout.places.iter().flat_map(of).map(|(id, _)| id);
    all.filter(|id| !id.is_labelled() && id.is_alive()).collect()
}

/// Version 2 first, then the freezer: there is the kill that nobody outruns.
fn sort(seats: &mut [Seat]) {
    seats.sort_by_key(|seat| (seat.version != super::mounts::Version::Unified, !seat.freezer));
}

/// Where groups may stand: the place of today's, and the top, where earlier starts may have made theirs.
fn bases(place: &Place) -> Vec<Directory> {
    let today = place.base().ok().map(|base| base.path().to_owned());
    let mut paths = vec![place.top.clone()];
    paths.extend(today.filter(|path| *path != place.top));
    paths.into_iter().filter_map(|path| Directory::open(&path).ok()).collect()
}

fn seats(place: &Place, base: &Directory) -> Vec<(GroupId, Seat)> {
    let Ok(Some(parent)) = base.child(PARENT) else { return Vec::new() };
    let names = parent.children().unwrap_or_default();
    let ids = names.iter().filter_map(|name| name.parse::<GroupId>().ok());
    ids.filter_map(|id| Some((id.clone(), seat(place, base, &id).ok().flatten()?))).collect()
}

fn seat(place: &Place, base: &Directory, id: &GroupId) -> Result<Option<Seat>, GroupError> {
    let base = Directory::open(base.path())?;
    let Some(parent) = base.child(PARENT)? else { return Ok(None) };
    let Some(directory) = parent.child(&id.to_string())? else { return Ok(None) };
    let freezer = place.has_option("freezer");
    Ok(Some(Seat { version: place.version, freezer, controllers: Vec::new(), base, parent, directory }))
}

/// `None` if somebody still holds the group.
fn end(id: GroupId, mut seats: Vec<Seat>) -> Option<Leftover> {
    let free = |seat: &Seat| seat.directory.lock().unwrap_or(false);
    if !seats.iter().all(free) {
        return None;
    }
    sort(&mut seats);
    let places: Vec<_> = seats.iter().map(|seat| seat.directory.path().to_owned()).collect();
    let group = Group::adopt(id.clone(), seats);
    let processes = group.members().map_or(0, |members| members.len());
    // Another start may be cleaning up at the same time.
    let gone = |error| if places.iter().any(|place| place.exists()) { Err(error) } else { Ok(()) };
    Some(Leftover { id, processes, outcome: group.remove().or_else(gone) })
}
