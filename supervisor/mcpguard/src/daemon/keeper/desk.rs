//! What the front asks for, judged by what the kernel says of the peer, and done.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};

use control::rights::{self, Kinship, Place};
use enforce::Pid;
use enforce::keeper::{self, Brought, Facts, HostError, Keeper, Key, Notice, Order, Outcome, Revision};

use super::answers::{Answers, Given, Ticket};
use super::pipe::Pipe;
use crate::daemon::wire::{Act, Answer, Ask, Connection, Peer, Refused, Told, Why};

/// The answer to whoever asks for everything while there is too much.
const BEHIND: &str =
    "more was denied than could be told until now; what is left is told as soon as it can be";

/// A peer that is connected.
struct Client {
    peer: keeper::Peer,
    guarded: bool,
    session: Option<Key>,
    /// The session that another policy was prepared for here.
    revising: Option<Key>,
}

/// The keeper's side of every connection.
#[derive(Default)]
pub(super) struct Desk {
    clients: BTreeMap<Connection, Client>,
    answers: Answers,
    /// Who waits for a session to be opened.
    opening: BTreeMap<Key, (Connection, Ticket)>,
    /// Who waits for a session's end.
    ending: BTreeMap<Key, Vec<(Connection, Ticket)>>,
    /// What goes with the next answer.
    with: Vec<OwnedFd>,
}

impl Desk {
    /// Does what is asked; an error is a front that is not to be listened to.
    pub(super) fn hear(
        &mut self,
        ask: Ask,
        descriptor: Option<OwnedFd>,
        keeper: &mut Keeper,
        pipe: &mut Pipe,
    ) -> anyhow::Result<()> {
        let connection = match &ask {
            Ask::Heard(number) => {
                keeper.acknowledge(*number);
                return Ok(());
            }
            Ask::Alive => return Ok(()),
            Ask::Leave(connection) => {
                let gone = self.clients.remove(connection);
                if let Some(key) = gone.and_then(|client| client.revising) {
                    keeper.abandon(key);
                }
                self.answers.forget(*connection);
                return Ok(());
            }
            Ask::Admit(it) | Ask::Open(it, _) | Ask::Resume(it, _) | Ask::Learn(it, ..) => *it,
            Ask::Forget(it, _) | Ask::Arrived(it, _) | Ask::End(it) | Ask::Act(it, ..) => *it,
            Ask::Prepare(it, ..) | Ask::LearnNext(it, ..) | Ask::Commit(it) => *it,
            Ask::Limits(it, _) | Ask::Limit(it, ..) | Ask::Usage(it) | Ask::Sync(it) => *it,
        };
        let ticket = self.answers.asked(connection);
        match self.answer(connection, ticket, ask, descriptor, keeper) {
            Some(answer) => {
                let with = std::mem::take(&mut self.with);
                self.known(connection, ticket, (answer, with), pipe)
            }
            // It comes later.
            None => Ok(()),
        }
    }

    fn answer(
        &mut self,
        connection: Connection,
        ticket: Ticket,
        ask: Ask,
        descriptor: Option<OwnedFd>,
        keeper: &mut Keeper,
    ) -> Option<Answer> {
        let session = self.clients.get(&connection).and_then(|client| client.session);
        let own = session.ok_or(HostError::NoSession);
        match ask {
            Ask::Admit(_) => Some(self.admit(connection, descriptor, keeper)),
            Ask::Open(_, order) => {
                let key = order.key;
                match self.open(connection, *order, descriptor, keeper) {
                    Ok(()) => {
                        self.opening.insert(key, (connection, ticket));
                        None
                    }
                    Err(refused) => Some(Answer::Refused(refused)),
                }
            }
            Ask::Resume(_, key) => Some(self.resume(connection, key, keeper)),
            Ask::Learn(_, address, learned) => {
                Some(learned_or_not(own.map(|key| keeper.learn(key, address, &learned))))
            }
            Ask::Prepare(_, key, revision) => {
                Some(match self.prepare(connection, key, *revision, descriptor, keeper) {
                    Ok(answer) => answer,
                    Err(refused) => Answer::Refused(refused),
                })
            }
            Ask::LearnNext(_, address, learned) => {
                let key = self.revised(connection);
                Some(learned_or_not(key.map(|key| keeper.learn_next(key, address, &learned))))
            }
            Ask::Commit(_) => Some(self.commit(connection, keeper)),
            Ask::Forget(_, address) => Some(done(own.map(|key| keeper.forget(key, address)))),
            Ask::Arrived(_, peer) => Some(match own {
                Ok(key) => Answer::Wanted(keeper.arrived(key, peer)),
                Err(error) => Answer::Refused(why(&error)),
            }),
            // The ring was read before this was.
            Ask::Sync(_) if keeper.has_told_all() => Some(Answer::Done),
            Ask::Sync(_) => Some(Answer::Refused(refused(Why::Behind, BEHIND.to_owned()))),
            Ask::End(_) => self.end(connection, ticket, own, keeper),
            Ask::Act(_, key, Act::Kill) => self.end(connection, ticket, Ok(key), keeper),
            Ask::Act(_, key, Act::Freeze) => Some(done(keeper.freeze(key))),
            Ask::Act(_, key, Act::Thaw) => Some(done(keeper.thaw(key))),
            Ask::Limits(_, key) => Some(held(keeper.limits(key))),
            Ask::Limit(_, key, from, to) => Some(held(keeper.limit(key, from, to))),
            Ask::Usage(_) => Some(Answer::Usage(keeper.usage())),
            Ask::Leave(_) | Ask::Heard(_) | Ask::Alive => None,
        }
    }

    fn admit(&mut self, connection: Connection, socket: Option<OwnedFd>, keeper: &Keeper) -> Answer {
        let peer = socket.ok_or(nix::errno::Errno::EBADF).and_then(|socket| keeper::Peer::of(socket.as_fd()));
        match peer {
            Err(errno) => Answer::Refused(refused(
                Why::Process,
                format!("who connected cannot be told: {}", errno.desc()),
            )),
            Ok(peer) => {
                let guarded = keeper.is_guarded(peer.handle.as_fd()) || keeper::sits_in_a_group(peer.process);
                let told = Peer { identity: peer.identity.clone(), process: peer.process.as_raw(), guarded };
                self.clients.insert(connection, Client { peer, guarded, session: None, revising: None });
                Answer::Peer(told)
            }
        }
    }

    fn open(
        &mut self,
        connection: Connection,
        order: Order,
        process: Option<OwnedFd>,
        keeper: &mut Keeper,
    ) -> Result<(), Refused> {
        let gone = |text: &str| refused(Why::Process, format!("the process that was brought {text}"));
        let client = self.clients.get(&connection).ok_or_else(|| why(&HostError::NoSession))?;
        if client.session.is_some() || order.memo.len() > Order::MEMO {
            return Err(refused(Why::Limit, "one connection has one session, with a short memo".to_owned()));
        }
        let process = process.ok_or_else(|| gone("is none"))?;
        let number = keeper::number_of(process.as_fd()).map_err(|_| gone("has ended, or is no process"))?;
        let facts = Facts::of(process.as_fd(), number).map_err(|_| gone("has ended"))?;
        client.may_guard(&facts, number, keeper.is_guarded(process.as_fd()))?;
        if facts.threads != 1 {
            return Err(gone("has several threads; a session is opened for one that has one"));
        }
        let brought = Brought {
            process: process.as_fd(),
            number,
            supervisor: client.peer.process,
            handle: client.peer.handle.try_clone().map_err(|_| gone("cannot be watched"))?,
            identity: &client.peer.identity,
        };
        keeper.open(order, brought).map_err(|error| why(&error))
    }

    fn resume(&mut self, connection: Connection, key: Key, keeper: &Keeper) -> Answer {
        let Some(client) = self.clients.get_mut(&connection) else {
            return Answer::Refused(why(&HostError::NoSession));
        };
        if client.guarded || client.session.is_some() || !keeper.is_of(key, client.peer.process) {
            return Answer::Refused(why(&HostError::NoSession));
        }
        client.session = Some(key);
        Answer::Done
    }

    /// Only for the session of the peer's own process, and one policy at a time.
    fn prepare(
        &mut self,
        connection: Connection,
        key: Key,
        revision: Revision,
        process: Option<OwnedFd>,
        keeper: &mut Keeper,
    ) -> Result<Answer, Refused> {
        let taken = self.clients.values().any(|client| client.revising == Some(key));
        let none = || why(&HostError::NoSession);
        let client = self.clients.get_mut(&connection).ok_or_else(none)?;
        if client.guarded || client.session.is_some() || !keeper.is_of(key, client.peer.process) {
            return Err(none());
        }
        if taken || revision.memo.len() > Order::MEMO {
            let sentence = "another policy is being prepared for this session, or its memo is too long";
            return Err(refused(Why::Limit, sentence.to_owned()));
        }
        let process = process.as_ref().map(AsFd::as_fd);
        let prepared = keeper.prepare(key, revision, &client.peer.identity, process);
        let (skipped, bundle) = prepared.map_err(|error| why(&error))?;
        client.revising = Some(key);
        self.with = vec![bundle];
        Ok(Answer::Prepared(skipped))
    }

    fn revised(&self, connection: Connection) -> Result<Key, HostError> {
        let client = self.clients.get(&connection);
        client.and_then(|client| client.revising).ok_or(HostError::NothingPrepared)
    }

    fn commit(&mut self, connection: Connection, keeper: &mut Keeper) -> Answer {
        let committed = self.revised(connection).and_then(|key| keeper.commit(key));
        if let (Ok(()), Some(client)) = (&committed, self.clients.get_mut(&connection)) {
            client.revising = None;
        }
        done(committed)
    }

    fn end(
        &mut self,
        connection: Connection,
        ticket: Ticket,
        key: Result<Key, HostError>,
        keeper: &mut Keeper,
    ) -> Option<Answer> {
        match key.and_then(|key| keeper.end(key).map(|()| key)) {
            Ok(key) => {
                self.ending.entry(key).or_default().push((connection, ticket));
                None
            }
            Err(error) => Some(Answer::Refused(why(&error))),
        }
    }

    /// The front is gone: what it asked for and was not answered is taken back.
    pub(super) fn abandon(&mut self, keeper: &mut Keeper) {
        let Self { clients, opening, .. } = std::mem::take(self);
        for key in opening.into_keys() {
            // It may have failed by itself.
            let _ = keeper.end(key);
        }
        clients.values().filter_map(|client| client.revising).for_each(|key| keeper.abandon(key));
    }

    /// What became of something.
    pub(super) fn tell(
        &mut self,
        outcome: Outcome,
        keeper: &mut Keeper,
        pipe: &mut Pipe,
    ) -> anyhow::Result<()> {
        match outcome {
            Outcome::Opened { key, opened, page, bundle } => {
                let waits = self.opening.remove(&key);
                let client = waits.and_then(|(connection, _)| self.clients.get_mut(&connection));
                match (waits, client) {
                    (Some((connection, ticket)), Some(client)) => {
                        client.session = Some(key);
                        self.known(connection, ticket, (Answer::Opened(opened), vec![page, bundle]), pipe)
                    }
                    // Nobody is left to be told.
                    _ => {
                        let _ = keeper.end(key);
                        Ok(())
                    }
                }
            }
            Outcome::Failed { key, error } => match self.opening.remove(&key) {
                Some((connection, ticket)) => {
                    self.known(connection, ticket, (Answer::Refused(why(&error)), Vec::new()), pipe)
                }
                None => Ok(()),
            },
            Outcome::Ended(key) => {
                let waiting = self.ending.remove(&key).unwrap_or_default();
                waiting.into_iter().try_for_each(|(connection, ticket)| {
                    self.known(connection, ticket, (Answer::Done, Vec::new()), pipe)
                })
            }
            Outcome::Notice(number, notice) => {
                if let Notice::Unproven(key, reason) = &notice {
                    tracing::error!("session {key}: the guard was not seen to deny what it must: {reason}");
                }
                pipe.tell(&Told::Notice(number, notice), Vec::new())
            }
        }
    }

    fn known(
        &mut self,
        connection: Connection,
        ticket: Ticket,
        given: Given,
        pipe: &mut Pipe,
    ) -> anyhow::Result<()> {
        let told = self.answers.known(connection, ticket, given);
        told.into_iter().try_for_each(|(answer, with)| pipe.tell(&Told::Answer(connection, answer), with))
    }
}

impl Client {
    fn may_guard(&self, facts: &Facts, number: Pid, is_guarded: bool) -> Result<(), Refused> {
        let identity = &self.peer.identity;
        let place = |inside: bool| if inside { Place::Guarded } else { Place::Free };
        let peer = rights::Peer {
            uid: identity.uid,
            gid: identity.gid,
            groups: &identity.groups,
            place: place(self.guarded),
        };
        let kinship = match () {
            () if number == self.peer.process => Kinship::Itself,
            () if facts.parent == self.peer.process => Kinship::Child,
            () => Kinship::Stranger,
        };
        let inside = is_guarded || keeper::sits_in_a_group(number);
        let brought = rights::Brought { uids: facts.uids, kinship, place: place(inside) };
        rights::admit(&peer)
            .and_then(|()| rights::may_guard(&peer, Some(&brought)))
            .map_err(|denied| refused(Why::NotAllowed, denied.to_string()))
    }
}

fn refused(why: Why, sentence: String) -> Refused {
    Refused { why, sentence }
}

fn learned_or_not(outcome: Result<Result<(), enforce::LearnError>, HostError>) -> Answer {
    match outcome {
        Ok(Ok(())) => Answer::Done,
        Ok(Err(enforce::LearnError::Full)) => Answer::Full,
        Ok(Err(error)) => Answer::Refused(refused(Why::Kernel, error.to_string())),
        Err(error) => Answer::Refused(why(&error)),
    }
}

fn done(outcome: Result<(), HostError>) -> Answer {
    match outcome {
        Ok(()) => Answer::Done,
        Err(error) => Answer::Refused(why(&error)),
    }
}

fn held(outcome: Result<keeper::Limits, HostError>) -> Answer {
    match outcome {
        Ok(limits) => Answer::Limits(limits),
        Err(error) => Answer::Refused(why(&error)),
    }
}

fn why(error: &HostError) -> Refused {
    let kind = match error {
        HostError::Limit(_) => Why::Limit,
        HostError::NoSession => Why::NoSuchSession,
        HostError::Process(_) => Why::Process,
        _ => Why::Kernel,
    };
    refused(kind, error.to_string())
}
