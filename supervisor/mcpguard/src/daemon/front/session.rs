//! What a session's client asks for.

use std::rc::Rc;

use control::message::{Actor, Arrived, Because, Code, End, Forget, Learn, Refusal, Resume, Wanted};
use control::{Answer, RequestId};
use enforce::keeper::Key;

use super::line::Standing;
use super::log::Fact;
use super::refusal::{Wrapped, refusal};
use super::sessions::Stage;
use super::words;
use super::worker::Client;
use crate::daemon::wire::{self, Ask};

/// The session of a process whose connection was lost.
pub(super) async fn resume(client: &Rc<Client>, id: RequestId, resume: &Resume) -> Result<(), Wrapped> {
    let Resume { session, heard } = resume;
    let none =
        || refusal(Code::NoSuchSession, format!("you have no session {session} that could be resumed"));
    let key = words::key(session).ok_or_else(none)?;
    let is_own = |client: &Client| {
        let sessions = client.hub.sessions.borrow();
        let found = sessions.get(key).filter(|found| found.stage != Stage::Opening);
        found.is_some_and(|found| found.uid == client.peer.identity.uid)
    };
    // A stranger's session is not to be told of.
    if !is_own(client) {
        return Err(none().into());
    }
    client.ask(&Ask::Resume(client.line.number, key)).await?;
    if !is_own(client) {
        return Err(none().into());
    }
    client.session.set(Some(key));
    client.line.answer(id, Answer::Done, Vec::new());
    let mut sessions = client.hub.sessions.borrow_mut();
    if let Some(session) = sessions.get_mut(key) {
        client.hub.record(None, &Fact::Resumed(session.about()));
        if let Some(lost) = session.attach(&client.line, *heard) {
            client.hub.lost(session, lost);
        }
    }
    Ok(())
}

/// The connection's session, while it is there.
fn live(client: &Client) -> Result<Key, Refusal> {
    let key = client.session.get().filter(|key| client.hub.sessions.borrow().get(*key).is_some());
    key.ok_or_else(|| refusal(Code::Ending, "the session has ended; nothing can be asked for it any more"))
}

/// An address is known from now on.
pub(super) async fn learn(client: &Client, id: RequestId, learn: &Learn) -> Result<(), Wrapped> {
    live(client)?;
    let ask = Ask::Learn(client.line.number, learn.address, words::learned(&learn.grants));
    teach(client, id, &ask).await
}

/// Has the keeper learn an address, under the policy that holds or the one that is prepared.
pub(super) async fn teach(client: &Client, id: RequestId, ask: &Ask) -> Result<(), Wrapped> {
    match client.ask(ask).await? {
        wire::Answer::Full => {
            let sentence = "the session knows as many addresses as it may; what it knows ends by itself";
            return Err(refusal(Code::Full, sentence).into());
        }
        wire::Answer::Done => client.line.answer(id, Answer::Done, Vec::new()),
        other => return Err(odd(&other)),
    }
    Ok(())
}

/// It is not known any more.
pub(super) async fn forget(client: &Client, id: RequestId, forget: Forget) -> Result<(), Wrapped> {
    live(client)?;
    client.ask(&Ask::Forget(client.line.number, forget.address)).await?;
    client.line.answer(id, Answer::Done, Vec::new());
    Ok(())
}

/// What the keeper has told until it answers is on its way to the client by then.
pub(super) async fn sync(client: &Client, id: RequestId) -> Result<(), Wrapped> {
    let key = live(client)?;
    let answer = match client.ask(&Ask::Sync(client.line.number)).await {
        Ok(_) => {
            catch_up(client, key).await;
            Answer::Done
        }
        // No news for the log: it comes by itself.
        Err(Wrapped(refused)) if refused.code == Code::Behind => Answer::Refused(refused),
        Err(refused) => return Err(refused),
    };
    client.line.answer(id, answer, Vec::new());
    Ok(())
}

/// What had no room until now is told first, as far as it is kept; not what comes meanwhile.
async fn catch_up(client: &Client, key: Key) {
    let mut last = None;
    loop {
        client.room().await;
        let mut sessions = client.hub.sessions.borrow_mut();
        let Some(session) = sessions.get_mut(key) else { return };
        let Some((_, newest)) = session.events.waiting() else { return };
        let last = *last.get_or_insert(newest);
        session.catch_up();
        let waits = session.events.waiting().is_some_and(|(first, _)| first <= last);
        if !waits || client.line.standing() != Standing::Open {
            return;
        }
    }
}

/// Where a connection wanted to go.
pub(super) async fn arrived(client: &Client, id: RequestId, arrived: Arrived) -> Result<(), Wrapped> {
    live(client)?;
    match client.ask(&Ask::Arrived(client.line.number, arrived.peer)).await? {
        wire::Answer::Wanted(address) => {
            client.line.answer(id, Answer::Wanted(Wanted { address }), Vec::new());
            Ok(())
        }
        other => Err(odd(&other)),
    }
}

/// The session ends. Once nothing is left of it, however that came, this is done.
pub(super) async fn end(client: &Client, id: RequestId, End { why }: End) -> Result<(), Wrapped> {
    if let Ok(key) = live(client) {
        stage(client, key, Stage::Ending);
        match client.ask(&Ask::End(client.line.number)).await {
            Ok(_) => {}
            Err(Wrapped(Refusal { code: Code::NoSuchSession, .. })) => {}
            Err(refused) => {
                stage(client, key, Stage::Running);
                return Err(refused);
            }
        }
        // The answer tells the client.
        if let Some(session) = client.hub.sessions.borrow_mut().get_mut(key) {
            session.line = None;
        }
        let who = Actor::Owner(client.peer.identity.uid);
        client.hub.ended(key, Because { who, why }, None);
    }
    client.line.answer(id, Answer::Done, Vec::new());
    Ok(())
}

fn stage(client: &Client, key: Key, stage: Stage) {
    if let Some(session) = client.hub.sessions.borrow_mut().get_mut(key) {
        session.stage = stage;
    }
}

/// An answer that belongs to another question: a mistake of the daemon's own.
pub(super) fn odd(answer: &wire::Answer) -> Wrapped {
    refusal(Code::Internal, format!("the daemon's privileged process answers oddly: {answer:?}")).into()
}
