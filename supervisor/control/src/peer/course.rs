//! The order of messages on one connection, kept by both sides in the same way.
//!
//! ```text
//!            ┌─ open, resume, prepare ─► Opening ─ opened ─► Open ─ end ─► Ending ─ done ─► Over
//! Fresh ─────┤              └── refused ──────────────────────────────────► Over
//!            └─ list, follow, kill, … ─► Host
//! ```

use std::collections::BTreeMap;

use crate::message::{Answer, Event, RequestId, RequestKind};

/// Requests that may be unanswered at once on one connection.
pub const MAX_IN_FLIGHT: usize = 64;

/// A message at the wrong time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disorder {
    /// Not the next number.
    #[error("request {number} came where {} must come: they are numbered from 1 without gaps", .expected.map_or("none".to_owned(), |next| next.to_string()))]
    Number {
        /// What came.
        number: u64,
        /// What must come; `None` after the last number there is.
        expected: Option<u64>,
    },
    /// Too many.
    #[error("more than {MAX_IN_FLIGHT} requests are unanswered; wait for answers")]
    TooMany,
    /// A second session.
    #[error("a session was asked for on this connection already; one connection is for one session")]
    SecondOpen,
    /// A request of a session that is not there.
    #[error("there is no session on this connection yet; open one, and wait for the answer")]
    NotOpen,
    /// A request of a session that has ended.
    #[error("the session of this connection has ended, or was never opened")]
    Ended,
    /// Both kinds of requests.
    #[error("one connection is either for a session or for commands of an operator; make another one")]
    Mixed,
    /// A second filter.
    #[error("events are followed on this connection already; make another one")]
    SecondFollow,
    /// An answer to a request that was never made, or is answered.
    #[error("request {0} is answered, and waits for no answer")]
    NeverAsked(u64),
    /// An answer of the wrong kind.
    #[error("request {0} is answered with what answers another kind of request")]
    OtherKind(u64),
    /// An event of a session that is not there.
    #[error("there is news of a session where none is open")]
    NoSession,
    /// An event of a kind that a session is not told.
    #[error("a session is told that it was opened by the answer to its request, not by an event")]
    OpenedTwice,
    /// An event that nobody follows.
    #[error("there is news for request {0}, which follows nothing")]
    NotFollowed(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Fresh,
    Opening,
    Open,
    Ending,
    Over,
    Host,
}

/// Where a connection stands.
#[derive(Debug)]
pub(super) struct Course {
    stage: Stage,
    /// The number that comes next.
    next: Option<RequestId>,
    unanswered: BTreeMap<RequestId, RequestKind>,
    follow: Option<RequestId>,
}

impl Course {
    pub(super) fn new() -> Self {
        Self { stage: Stage::Fresh, next: Some(RequestId::FIRST), unanswered: BTreeMap::new(), follow: None }
    }

    /// Whether nothing was asked for yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.stage == Stage::Fresh
    }

    pub(super) fn next(&self) -> Option<RequestId> {
        self.next
    }

    /// A request is made.
    pub(super) fn ask(&mut self, id: RequestId, kind: RequestKind) -> Result<(), Disorder> {
        if Some(id) != self.next {
            let expected = self.next.map(RequestId::number);
            return Err(Disorder::Number { number: id.number(), expected });
        }
        if self.unanswered.len() >= MAX_IN_FLIGHT {
            return Err(Disorder::TooMany);
        }
        let stage = self.after(kind)?;
        if kind == RequestKind::Follow {
            self.follow = Some(id);
        }
        self.stage = stage;
        self.next = id.next();
        self.unanswered.insert(id, kind);
        Ok(())
    }

    fn after(&self, kind: RequestKind) -> Result<Stage, Disorder> {
        use RequestKind as Kind;
        match (self.stage, kind) {
            (Stage::Fresh, Kind::Open | Kind::Resume | Kind::Prepare) => Ok(Stage::Opening),
            (
                Stage::Opening | Stage::Open | Stage::Ending | Stage::Over,
                Kind::Open | Kind::Resume | Kind::Prepare,
            ) => Err(Disorder::SecondOpen),
            (Stage::Host, kind) if kind.is_of_a_session() => Err(Disorder::Mixed),
            (Stage::Host, Kind::Follow) if self.follow.is_some() => Err(Disorder::SecondFollow),
            (Stage::Fresh | Stage::Host, kind) if !kind.is_of_a_session() => Ok(Stage::Host),
            (_, kind) if !kind.is_of_a_session() => Err(Disorder::Mixed),
            (Stage::Open, Kind::End) => Ok(Stage::Ending),
            (Stage::Open, _) => Ok(Stage::Open),
            (Stage::Ending | Stage::Over, _) => Err(Disorder::Ended),
            (Stage::Fresh | Stage::Opening | Stage::Host, _) => Err(Disorder::NotOpen),
        }
    }

    /// Whether an answer is in order.
    pub(super) fn may_answer(&self, id: RequestId, answer: &Answer) -> Result<(), Disorder> {
        let kind = *self.unanswered.get(&id).ok_or(Disorder::NeverAsked(id.number()))?;
        if answer.suits(kind) { Ok(()) } else { Err(Disorder::OtherKind(id.number())) }
    }

    /// An answer is given that is in order.
    pub(super) fn answered(&mut self, id: RequestId, answer: &Answer) {
        if answer.is_part() {
            return;
        }
        let refused = matches!(answer, Answer::Refused(_));
        match self.unanswered.remove(&id) {
            Some(RequestKind::Open | RequestKind::Resume | RequestKind::Prepare) => {
                self.stage = if refused { Stage::Over } else { Stage::Open }
            }
            Some(RequestKind::End) => self.stage = if refused { Stage::Open } else { Stage::Over },
            Some(RequestKind::Follow) if refused => self.follow = None,
            _ => {}
        }
    }

    /// Whether an event of the session is in order. While it ends it may still have some.
    pub(super) fn may_tell(&self, event: &Event) -> Result<(), Disorder> {
        match (self.stage, event) {
            (_, Event::Opened(_)) => Err(Disorder::OpenedTwice),
            (Stage::Open | Stage::Ending, _) => Ok(()),
            _ => Err(Disorder::NoSession),
        }
    }

    /// Whether an event for a follower is in order: after the answer to its request.
    pub(super) fn may_follow(&self, follow: RequestId) -> Result<(), Disorder> {
        let follows = self.follow == Some(follow) && !self.unanswered.contains_key(&follow);
        if follows { Ok(()) } else { Err(Disorder::NotFollowed(follow.number())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Because, Sessions};

    fn id(number: u64) -> RequestId {
        let mut id = RequestId::FIRST;
        (1..number).for_each(|_| id = id.next().unwrap());
        id
    }

    fn answer(text: &str) -> Answer {
        serde_json::from_str(text).unwrap()
    }

    fn opened() -> Answer {
        answer(r#"{"opened":{"session":"00000000000000aa","slot":3,"revision":"","skipped":[]}}"#)
    }

    fn refused() -> Answer {
        answer(r#"{"refused":{"code":"limit","sentence":""}}"#)
    }

    fn frozen() -> Event {
        Event::Frozen(Because { who: crate::message::Actor::Policy, why: String::new() })
    }

    /// Asks, and gives the answer if there is one.
    fn go(course: &mut Course, kind: RequestKind, answer: Option<&Answer>) -> Result<(), Disorder> {
        let id = course.next().unwrap();
        course.ask(id, kind)?;
        if let Some(answer) = answer {
            course.may_answer(id, answer)?;
            course.answered(id, answer);
        }
        Ok(())
    }

    #[test]
    fn a_session_goes_its_way() {
        use RequestKind::{Arrived, End, Forget, Learn, List, Open};
        let mut course = Course::new();
        assert_eq!(go(&mut course, Learn, None), Err(Disorder::NotOpen));
        assert_eq!(go(&mut course, Open, None), Ok(()));
        assert_eq!(go(&mut course, Open, None), Err(Disorder::SecondOpen));
        assert_eq!(go(&mut course, Learn, None), Err(Disorder::NotOpen));
        assert_eq!(course.may_tell(&frozen()), Err(Disorder::NoSession));
        course.answered(id(1), &opened());
        assert_eq!(course.may_tell(&frozen()), Ok(()));
        for kind in [Learn, Forget, Arrived] {
            assert_eq!(go(&mut course, kind, None), Ok(()));
        }
        assert_eq!(go(&mut course, List, None), Err(Disorder::Mixed));
        assert_eq!(go(&mut course, Open, None), Err(Disorder::SecondOpen));
        assert_eq!(go(&mut course, End, None), Ok(()));
        assert_eq!(go(&mut course, Learn, None), Err(Disorder::Ended));
        assert_eq!(go(&mut course, End, None), Err(Disorder::Ended));
        assert_eq!(course.may_answer(id(2), &Answer::Done), Ok(()), "asked before the end");
        assert_eq!(course.may_tell(&frozen()), Ok(()));
        course.answered(id(5), &Answer::Done);
        assert_eq!(course.may_tell(&frozen()), Err(Disorder::NoSession));
        assert_eq!(go(&mut course, End, None), Err(Disorder::Ended));
    }

    #[test]
    fn a_refused_session_is_none() {
        let mut course = Course::new();
        assert_eq!(go(&mut course, RequestKind::Open, Some(&refused())), Ok(()));
        assert_eq!(go(&mut course, RequestKind::Learn, None), Err(Disorder::Ended));
        assert_eq!(go(&mut course, RequestKind::Open, None), Err(Disorder::SecondOpen));
        assert_eq!(go(&mut course, RequestKind::Status, None), Err(Disorder::Mixed));
        assert_eq!(course.may_tell(&frozen()), Err(Disorder::NoSession));
    }

    #[test]
    fn an_end_that_is_refused_is_none() {
        let mut course = Course::new();
        assert_eq!(go(&mut course, RequestKind::Open, Some(&opened())), Ok(()));
        assert_eq!(go(&mut course, RequestKind::End, Some(&refused())), Ok(()));
        assert_eq!(go(&mut course, RequestKind::Learn, None), Ok(()));
    }

    #[test]
    fn an_operator_goes_another_way() {
        use RequestKind::{Follow, Learn, List, Open};
        let mut course = Course::new();
        assert_eq!(go(&mut course, List, None), Ok(()));
        assert_eq!(go(&mut course, Open, None), Err(Disorder::Mixed));
        assert_eq!(go(&mut course, Learn, None), Err(Disorder::Mixed));
        assert_eq!(course.may_follow(id(1)), Err(Disorder::NotFollowed(1)));
        assert_eq!(go(&mut course, Follow, Some(&refused())), Ok(()));
        assert_eq!(course.may_follow(id(2)), Err(Disorder::NotFollowed(2)));
        assert_eq!(go(&mut course, Follow, None), Ok(()));
        assert_eq!(course.may_follow(id(3)), Err(Disorder::NotFollowed(3)), "before the answer");
        course.answered(id(3), &Answer::Done);
        assert_eq!(course.may_follow(id(3)), Ok(()));
        assert_eq!(go(&mut course, Follow, None), Err(Disorder::SecondFollow));
    }

    #[test]
    fn numbers_come_in_order_and_once() {
        let mut course = Course::new();
        let wrong = |number, expected| Err(Disorder::Number { number, expected: Some(expected) });
        assert_eq!(course.ask(id(2), RequestKind::List), wrong(2, 1));
        assert_eq!(course.ask(id(1), RequestKind::List), Ok(()));
        assert_eq!(course.ask(id(1), RequestKind::List), wrong(1, 2));
        course.answered(id(1), &refused());
        assert_eq!(course.ask(id(1), RequestKind::List), wrong(1, 2));
        let sentence = Disorder::Number { number: 9, expected: Some(2) }.to_string();
        assert_eq!(sentence, "request 9 came where 2 must come: they are numbered from 1 without gaps");
    }

    #[test]
    fn answers_belong_to_requests() {
        let mut course = Course::new();
        assert_eq!(course.may_answer(id(1), &refused()), Err(Disorder::NeverAsked(1)));
        assert_eq!(go(&mut course, RequestKind::List, None), Ok(()));
        assert_eq!(course.may_answer(id(1), &Answer::Done), Err(Disorder::OtherKind(1)));
        let part = |more| Answer::Sessions(Sessions { sessions: vec![], more });
        for more in [true, true, false] {
            assert_eq!(course.may_answer(id(1), &part(more)), Ok(()));
            course.answered(id(1), &part(more));
        }
        assert_eq!(course.may_answer(id(1), &part(false)), Err(Disorder::NeverAsked(1)));
    }

    #[test]
    fn requests_in_flight_are_bounded() {
        let mut course = Course::new();
        for _ in 0..MAX_IN_FLIGHT {
            assert_eq!(go(&mut course, RequestKind::Status, None), Ok(()));
        }
        assert_eq!(go(&mut course, RequestKind::Status, None), Err(Disorder::TooMany));
        course.answered(id(7), &refused());
        assert_eq!(go(&mut course, RequestKind::Status, None), Ok(()));
    }
}
