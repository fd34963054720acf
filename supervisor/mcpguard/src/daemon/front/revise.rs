//! Another policy for a session that runs: compiled here, written down by the keeper, in force with a commit.

use std::os::fd::OwnedFd;
use std::rc::Rc;

use control::message::{Code, Learn, NumberedClass, Prepare, Prepared, Revised};
use control::{Answer, Event, RequestId};
use enforce::keeper::{Key, Revision};
use policy::plan::Numbering;

use super::compile::{Compiled, Wanted};
use super::log::Fact;
use super::memo::Memo;
use super::opening::{quarantined, skipped};
use super::refusal::{Wrapped, refusal};
use super::session::{odd, teach};
use super::sessions::Stage;
use super::words;
use super::worker::Client;
use crate::daemon::wire::{self, Ask};

/// What is prepared on a connection, and for which session.
pub(super) struct Pending {
    key: Key,
    memo: Memo,
}

/// Has it compiled and written down.
pub(super) async fn prepare(
    client: &Rc<Client>,
    id: RequestId,
    asked: Prepare,
    process: OwnedFd,
) -> Result<(), Wrapped> {
    let Prepare { session, revision: stamp, classes, open } = asked;
    let none = || refusal(Code::NoSuchSession, format!("you have no session {session} that runs"));
    let key = words::key(&session).ok_or_else(none)?;
    let old = own(client, key).ok_or_else(none)?;
    if stamp == 0 {
        return Err(refusal(Code::Protocol, "a policy that follows another has a number from 1 on").into());
    }
    let numbering = Numbering::from_pairs(classes.iter().map(|class| (class.grants, class.number)));
    let numbering = numbering.ok_or_else(|| {
        refusal(Code::Protocol, "the numbers of the grant classes are none: 1 to 63, each once")
    })?;
    let hub = &client.hub;
    let (uid, rules) = (client.peer.identity.uid, hub.rules.borrow().now()?);
    let place = hub.compilers.place(uid)?;
    let wanted = Wanted { open, uid, rules, offer: hub.offer.clone(), numbering, stamp };
    let compiled = hub.compilers.compile(&place, wanted).await?;
    quarantined(client, &compiled.revision)?;
    let memo = old.followed_by(&compiled);
    let Compiled { tables, unreachable, revision, numbering, .. } = compiled;
    let order = Box::new(Revision { tables, unreachable, memo: memo.to_bytes() });
    let ask = Ask::Prepare(client.line.number, key, order);
    let (answer, descriptors) = hub.keeper.ask(client.line.number, &ask, Some(process)).await?;
    let missing = match answer {
        wire::Answer::Prepared(missing) => missing,
        wire::Answer::Refused(refused) => return Err(refused.into()),
        other => return Err(odd(&other)),
    };
    client.pending.replace(Some(Pending { key, memo }));
    let classes = numbering.pairs().map(|(grants, number)| NumberedClass { grants, number }).collect();
    let answer = Answer::Prepared(Prepared { revision, classes, skipped: skipped(&missing) });
    client.line.answer(id, answer, descriptors);
    Ok(())
}

/// The session of this client's own process, while it runs: what is known of its policy.
fn own(client: &Client, key: Key) -> Option<Rc<Memo>> {
    let sessions = client.hub.sessions.borrow();
    let found = sessions.get(key).filter(|found| found.stage == Stage::Running)?;
    let is_own = found.uid == client.peer.identity.uid && found.supervisor == client.peer.process;
    is_own.then(|| Rc::clone(&found.memo))
}

/// An address is known under it.
pub(super) async fn learn(client: &Client, id: RequestId, learn: &Learn) -> Result<(), Wrapped> {
    let ask = Ask::LearnNext(client.line.number, learn.address, words::learned(&learn.grants));
    teach(client, id, &ask).await
}

/// It holds from now on. An operator may have put it into quarantine meanwhile.
pub(super) async fn commit(client: &Client, id: RequestId) -> Result<(), Wrapped> {
    let hub = &client.hub;
    let none = || refusal(Code::NoSuchSession, "no policy was prepared on this connection");
    let Some(Pending { key, memo }) = client.pending.take() else { return Err(none().into()) };
    quarantined(client, &memo.revision)?;
    client.ask(&Ask::Commit(client.line.number)).await?;
    if let Some(session) = hub.sessions.borrow_mut().get_mut(key) {
        let old = std::mem::replace(&mut session.memo, Rc::new(memo));
        hub.record(None, &Fact::Revised(session.about(), &old.revision));
        let Memo { policy, revision, .. } = &*session.memo;
        let (policy, revision) = (policy.clone(), revision.clone());
        let event = Event::Revised(Revised { policy, revision, before: old.revision.clone() });
        hub.publish(session, &event);
        session.tell(event);
    }
    client.line.answer(id, Answer::Done, Vec::new());
    Ok(())
}
