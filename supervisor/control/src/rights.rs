//! Who may ask for what: facts about the peer and the request in, a reach or a reason out.
//!
//! - A peer inside of a guarded session gets nothing, whoever it is.
//! - A user guards processes of their own only, and lists, kills and freezes sessions of their own only.
//! - An operator is uid 0, or a member of one configured group: every session, and the daemon itself.
//! - What an operator or a policy has frozen, its user cannot thaw.
//! - A user makes the limits of their own sessions smaller only.

use crate::message::{Actor, Limit, Limits, Request};
use crate::selector::Selector;

/// Who is at the other end of a connection, as the kernel says (`SO_PEERCRED`, `SO_PEERGROUPS`, its control group).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer<'a> {
    /// Its effective uid.
    pub uid: u32,
    /// Its effective gid.
    pub gid: u32,
    /// Its supplementary groups.
    pub groups: &'a [u32],
    /// Where it sits.
    pub place: Place,
}

/// Where a process sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Inside of a guarded session, by its mark or by its control group.
    Guarded,
    /// In none.
    Free,
}

/// The process that a peer has brought, as the kernel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brought {
    /// Its real, effective and saved uid.
    pub uids: [u32; 3],
    /// What it is to the peer.
    pub kinship: Kinship,
    /// Where it sits.
    pub place: Place,
}

/// What a process is to the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinship {
    /// The peer's own process.
    Itself,
    /// Its direct child.
    Child,
    /// Anything else.
    Stranger,
}

/// Who the operators are beside uid 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operators {
    /// The members of this group; `None`: nobody.
    pub group: Option<u32>,
}

/// How far a request that is allowed reaches.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To the sessions of this user.
    Own(u32),
    /// To everything on the host; asked by this user.
    Host(u32),
}

/// What is done to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It is ended.
    Kill,
    /// It is stopped.
    Freeze,
    /// It goes on.
    Thaw,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The peer is guarded.
    #[error("a process inside of a guarded session may ask the daemon for nothing")]
    Guarded,
    /// Nothing was brought.
    #[error("a session is opened for a process, and none was brought; send its pidfd with the request")]
    NothingBrought,
    /// Another user's process.
    #[error("the process has uids {uids:?} and you are {uid}; a user can guard processes of their own only")]
    NotYours {
        /// Its real, effective and saved uid.
        uids: [u32; 3],
        /// The peer's.
        uid: u32,
    },
    /// A process of the user's that somebody else has started.
    #[error(
        "the process is not a child of the one that asks; a session is opened by whoever starts its server"
    )]
    Stranger,
    /// It belongs to a session.
    #[error("the process is in a guarded session already, and is in one only")]
    AlreadyGuarded,
    /// Operators only.
    #[error("that takes an operator: root, or a member of the group that is configured for the daemon")]
    OperatorsOnly,
    /// Every session of the host.
    #[error("every session of the host takes an operator; your own are `--user {uid}`")]
    All {
        /// The peer's.
        uid: u32,
    },
    /// Another user's sessions.
    #[error("the sessions of user {theirs} take an operator; your own are `--user {uid}`")]
    OtherUser {
        /// Whose sessions were asked for.
        theirs: u32,
        /// The peer's.
        uid: u32,
    },
    /// Frozen by somebody else.
    #[error("the session was frozen by an operator, its policy or the daemon, and takes an operator to thaw")]
    FrozenByOthers,
    /// A limit would become larger.
    #[error(
        "a session's own user can make its limits smaller only: {limit} is {present} now, {wanted} takes an operator"
    )]
    Wider {
        /// Which: `memory_bytes`, `max_processes`, `cpu_millis`.
        limit: &'static str,
        /// What it is now.
        present: u64,
        /// What was asked for.
        wanted: u64,
    },
}

/// Whether a peer is listened to at all. Asked as soon as it has connected.
///
/// # Errors
/// [`Denied::Guarded`].
pub fn admit(peer: &Peer<'_>) -> Result<(), Denied> {
    if peer.place == Place::Guarded { Err(Denied::Guarded) } else { Ok(()) }
}

/// Whether a peer may ask for that, and how far it reaches. What the peer has brought with it is asked about in `open`
/// only. Whether it comes in order is for [`crate::ServerSide`].
///
/// # Errors
/// See [`Denied`].
pub fn decide(
    operators: Operators,
    peer: &Peer<'_>,
    request: &Request,
    brought: Option<&Brought>,
) -> Result<Reach, Denied> {
    admit(peer)?;
    let reach = operators.reach(peer);
    match request {
        Request::Open(_) => may_guard(peer, brought).map(|()| Reach::Own(peer.uid)),
        Request::Resume(_)
        | Request::Learn(_)
        | Request::Forget(_)
        | Request::Arrived(_)
        | Request::Sync
        | Request::Prepare(_)
        | Request::LearnNext(_)
        | Request::Commit
        | Request::End(_)
        | Request::Offer => Ok(Reach::Own(peer.uid)),
        Request::List => Ok(reach),
        Request::Kill(selector)
        | Request::Freeze(selector)
        | Request::Thaw(selector)
        | Request::Limits(Limit { sessions: selector, .. }) => may_select(reach, selector).map(|()| reach),
        Request::Follow(_)
        | Request::Quarantine(_)
        | Request::Release(_)
        | Request::Reload
        | Request::Status => match reach {
            Reach::Host(_) => Ok(reach),
            Reach::Own(_) => Err(Denied::OperatorsOnly),
        },
    }
}

impl Operators {
    fn reach(self, peer: &Peer<'_>) -> Reach {
        let member = |group| peer.gid == group || peer.groups.contains(&group);
        let is_operator = peer.uid == 0 || self.group.is_some_and(member);
        if is_operator { Reach::Host(peer.uid) } else { Reach::Own(peer.uid) }
    }
}

/// Whether a peer may guard the process that it brought.
///
/// # Errors
/// See [`Denied`].
pub fn may_guard(peer: &Peer<'_>, brought: Option<&Brought>) -> Result<(), Denied> {
    let Brought { uids, kinship, place } = *brought.ok_or(Denied::NothingBrought)?;
    if uids.iter().any(|uid| *uid != peer.uid) {
        return Err(Denied::NotYours { uids, uid: peer.uid });
    }
    if kinship == Kinship::Stranger {
        return Err(Denied::Stranger);
    }
    if place == Place::Guarded { Err(Denied::AlreadyGuarded) } else { Ok(()) }
}

fn may_select(reach: Reach, selector: &Selector) -> Result<(), Denied> {
    match (reach, selector) {
        (Reach::Host(_), _) | (Reach::Own(_), Selector::Session(_)) => Ok(()),
        (Reach::Own(uid), Selector::All) => Err(Denied::All { uid }),
        (Reach::Own(uid), Selector::User(theirs)) if *theirs != uid => {
            Err(Denied::OtherUser { theirs: *theirs, uid })
        }
        (Reach::Own(_), Selector::User(_)) => Ok(()),
    }
}

impl Reach {
    /// Whether the sessions of a user lie within it. Others are not to be listed, matched or told of.
    pub fn covers(self, uid: u32) -> bool {
        match self {
            Self::Host(_) => true,
            Self::Own(own) => own == uid,
        }
    }

    /// Who acts on whatever sessions there are.
    pub fn who(self) -> Actor {
        match self {
            Self::Host(uid) => Actor::Operator(uid),
            Self::Own(uid) => Actor::Owner(uid),
        }
    }

    /// Who acts on the session of a user, for records and for those who are told.
    pub fn actor(self, owner: u32) -> Actor {
        match self {
            Self::Host(uid) if uid != owner => Actor::Operator(uid),
            Self::Host(uid) | Self::Own(uid) => Actor::Owner(uid),
        }
    }

    /// Whether this may be done to one session of `owner`, frozen by `frozen` if it is.
    ///
    /// # Errors
    /// It is not covered, or somebody else's freezing would be undone or taken over.
    pub fn may(self, act: Act, owner: u32, frozen: Option<Actor>) -> Result<(), Denied> {
        let Self::Own(uid) = self else { return Ok(()) };
        if uid != owner {
            return Err(Denied::OtherUser { theirs: owner, uid });
        }
        let by_others = frozen.is_some_and(|actor| actor != Actor::Owner(uid));
        if by_others && act != Act::Kill { Err(Denied::FrozenByOthers) } else { Ok(()) }
    }

    /// Whether one session of `owner`, which is held to `present`, may be held to `wanted`. What is absent there stays as
    /// it is. How much the host's rules allow is for the caller.
    ///
    /// # Errors
    /// It is not covered, or its own user asks for more than there is.
    pub fn may_limit(self, owner: u32, present: &Limits, wanted: &Limits) -> Result<(), Denied> {
        let Self::Own(uid) = self else { return Ok(()) };
        if uid != owner {
            return Err(Denied::OtherUser { theirs: owner, uid });
        }
        let wider =
            present.each().into_iter().zip(wanted.each()).find_map(|((limit, present), (_, wanted))| {
                // Where there is no limit, every one is less.
                let (present, wanted) = (present?, wanted?);
                (wanted > present).then_some(Denied::Wider { limit, present, wanted })
            });
        wider.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Filter;

    const GROUP: u32 = 27;
    const OPERATORS: Operators = Operators { group: Some(GROUP) };
    const USER: Peer<'_> = Peer { uid: 1000, gid: 1000, groups: &[4, 1000], place: Place::Free };
    const CHILD: Brought = Brought { uids: [1000; 3], kinship: Kinship::Child, place: Place::Free };

    fn request(text: &str) -> Request {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn open() -> Request {
        let place = r#"{"workspace":"/w","home":"/h","config_home":"/c","cache_home":"/x","server":[],"current_directory":"/"}"#;
        request(&format!(
            r#"{{"open":{{"name":"a","policy":{{"texts":[{{"name":"p","text":""}}],"links":[]}},"place":{place},"environment":[],"programs":[],"companions":[],"real":[],"implied":{{"programs":[],"loaders":[]}},"command":{{"program":"/p","argv":["p"]}}}}}}"#
        ))
    }

    fn all() -> Vec<Request> {
        let mut all: Vec<Request> = [
            r#"{"learn":{"address":"1.2.3.4","grants":[{"classes":1,"until_ns":5,"rule":1,"checked":true}]}}"#,
            r#"{"forget":{"address":"1.2.3.4"}}"#,
            r#"{"arrived":{"peer":"127.0.0.1:9"}}"#,
            r#"{"end":{"why":""}}"#,
            r#""list""#,
            r#"{"kill":{"session":"a"}}"#,
            r#"{"freeze":{"user":1000}}"#,
            r#"{"thaw":"all"}"#,
            r#""reload""#,
            r#""status""#,
            r#""offer""#,
            r#""sync""#,
            r#"{"resume":{"session":"00000000000000aa","heard":7}}"#,
            r#"{"quarantine":{"session":"a"}}"#,
            r#"{"release":{"revision":"00"}}"#,
            r#"{"limits":{"sessions":"all","to":{"max_processes":1}}}"#,
        ]
        .map(request)
        .into();
        all.extend([open(), Request::Follow(Filter::default())]);
        all
    }

    #[test]
    fn a_guarded_peer_gets_nothing_whoever_it_is() {
        for uid in [0, 1000] {
            let peer = Peer { uid, gid: GROUP, groups: &[GROUP], place: Place::Guarded };
            assert_eq!(admit(&peer), Err(Denied::Guarded));
            let brought = Brought { uids: [uid; 3], ..CHILD };
            for request in all() {
                assert_eq!(
                    decide(OPERATORS, &peer, &request, Some(&brought)),
                    Err(Denied::Guarded),
                    "{request:?}"
                );
            }
        }
        assert_eq!(admit(&USER), Ok(()));
    }

    #[test]
    fn processes_of_ones_own_are_guarded_only() {
        let root = Peer { uid: 0, gid: 0, groups: &[], place: Place::Free };
        let not = |uids: [u32; 3], uid| Err(Denied::NotYours { uids, uid });
        for (peer, brought, expected) in [
            (USER, Some(CHILD), Ok(Reach::Own(1000))),
            (USER, Some(Brought { kinship: Kinship::Itself, ..CHILD }), Ok(Reach::Own(1000))),
            (USER, Some(Brought { kinship: Kinship::Stranger, ..CHILD }), Err(Denied::Stranger)),
            (USER, Some(Brought { place: Place::Guarded, ..CHILD }), Err(Denied::AlreadyGuarded)),
            (USER, Some(Brought { uids: [1000, 0, 0], ..CHILD }), not([1000, 0, 0], 1000)),
            (USER, Some(Brought { uids: [1000, 1000, 0], ..CHILD }), not([1000, 1000, 0], 1000)),
            (USER, Some(Brought { uids: [1001; 3], ..CHILD }), not([1001; 3], 1000)),
            (USER, None, Err(Denied::NothingBrought)),
            (root, Some(CHILD), not([1000; 3], 0)),
            (root, Some(Brought { uids: [0; 3], ..CHILD }), Ok(Reach::Own(0))),
        ] {
            assert_eq!(decide(OPERATORS, &peer, &open(), brought.as_ref()), expected, "{brought:?}");
        }
    }

    #[test]
    fn operators_are_root_and_one_group() {
        for (operators, uid, gid, groups, is_operator) in [
            (OPERATORS, 0, 0, &[][..], true),
            (OPERATORS, 1000, GROUP, &[], true),
            (OPERATORS, 1000, 1000, &[1, GROUP], true),
            (OPERATORS, 1000, 1000, &[1, 0], false),
            (OPERATORS, 1000, 0, &[], false),
            (Operators::default(), 0, 0, &[], true),
            (Operators::default(), 1000, GROUP, &[GROUP, 0], false),
        ] {
            let peer = Peer { uid, gid, groups, place: Place::Free };
            let reach = if is_operator { Reach::Host(uid) } else { Reach::Own(uid) };
            assert_eq!(decide(operators, &peer, &Request::List, None), Ok(reach));
            for text in [r#""reload""#, r#""status""#, r#"{"follow":{}}"#, r#"{"quarantine":"all"}"#] {
                let expected = if is_operator { Ok(reach) } else { Err(Denied::OperatorsOnly) };
                assert_eq!(decide(operators, &peer, &request(text), None), expected, "{text} {peer:?}");
            }
        }
    }

    #[test]
    fn users_select_their_own_sessions_only() {
        for (selector, expected) in [
            (r#"{"session":"a"}"#, Ok(Reach::Own(1000))),
            (r#"{"user":1000}"#, Ok(Reach::Own(1000))),
            (r#"{"user":1001}"#, Err(Denied::OtherUser { theirs: 1001, uid: 1000 })),
            (r#""all""#, Err(Denied::All { uid: 1000 })),
        ] {
            let acts = ["kill", "freeze", "thaw"].map(|act| format!(r#"{{"{act}":{selector}}}"#));
            let shown = format!(r#"{{"limits":{{"sessions":{selector}}}}}"#);
            let set = format!(r#"{{"limits":{{"sessions":{selector},"to":{{"cpu_millis":1}}}}}}"#);
            for act in acts.into_iter().chain([shown, set]) {
                let request = request(&act);
                assert_eq!(decide(OPERATORS, &USER, &request, None), expected, "{act} {selector}");
                let operator = Peer { groups: &[GROUP], ..USER };
                assert_eq!(decide(OPERATORS, &operator, &request, None), Ok(Reach::Host(1000)));
            }
        }
    }

    #[test]
    fn what_others_have_frozen_stays_frozen() {
        let own = Reach::Own(1000);
        for frozen in [Actor::Operator(0), Actor::Policy, Actor::Daemon, Actor::Owner(1001)] {
            assert_eq!(own.may(Act::Thaw, 1000, Some(frozen)), Err(Denied::FrozenByOthers));
            assert_eq!(own.may(Act::Freeze, 1000, Some(frozen)), Err(Denied::FrozenByOthers));
            assert_eq!(own.may(Act::Kill, 1000, Some(frozen)), Ok(()));
            assert_eq!(Reach::Host(0).may(Act::Thaw, 1000, Some(frozen)), Ok(()));
        }
        assert_eq!(own.may(Act::Thaw, 1000, Some(Actor::Owner(1000))), Ok(()));
        assert_eq!(own.may(Act::Freeze, 1000, None), Ok(()));
        assert_eq!(own.may(Act::Kill, 1001, None), Err(Denied::OtherUser { theirs: 1001, uid: 1000 }));
    }

    #[test]
    fn users_make_limits_smaller_and_operators_make_them_any() {
        let limits =
            |memory_bytes, max_processes, cpu_millis| Limits { memory_bytes, max_processes, cpu_millis };
        let present = limits(Some(100), Some(10), None);
        let own = Reach::Own(1000);
        let wider = |limit, present, wanted| Err(Denied::Wider { limit, present, wanted });
        for (wanted, expected) in [
            (limits(Some(99), None, None), Ok(())),
            (limits(Some(100), Some(10), None), Ok(())),
            (limits(None, None, Some(u32::MAX)), Ok(())),
            (limits(Some(101), None, None), wider("memory_bytes", 100, 101)),
            (limits(Some(1), Some(11), None), wider("max_processes", 10, 11)),
        ] {
            assert_eq!(own.may_limit(1000, &present, &wanted), expected, "{wanted:?}");
            assert_eq!(Reach::Host(1000).may_limit(1000, &present, &wanted), Ok(()));
            let theirs = Err(Denied::OtherUser { theirs: 1001, uid: 1000 });
            assert_eq!(own.may_limit(1001, &present, &wanted), theirs);
        }
        let share = limits(None, None, Some(500));
        assert_eq!(
            own.may_limit(1000, &share, &limits(None, None, Some(501))),
            wider("cpu_millis", 500, 501)
        );
    }

    #[test]
    fn a_reach_covers_and_names() {
        assert!(Reach::Host(0).covers(7) && Reach::Own(7).covers(7) && !Reach::Own(7).covers(0));
        assert_eq!(Reach::Own(7).actor(7), Actor::Owner(7));
        assert_eq!(Reach::Host(7).actor(7), Actor::Owner(7));
        assert_eq!(Reach::Host(0).actor(7), Actor::Operator(0));
    }
}
