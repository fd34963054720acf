//! A keeper that enforces nothing: it answers as the real one would, and remembers what it was asked.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Write;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use enforce::keeper::{Identity, Key, Limits, Notice, Opened, Revision, Usage, channel};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use crate::daemon::wire::{Act, Answer, Ask, Connection, Peer, Refused, Standing, Told, Why};

/// What is told, and the descriptors that go with it.
type Said = (Told, Vec<OwnedFd>);

/// How the keeper behaves from now on, and what it was asked.
#[derive(Default)]
pub(super) struct Script {
    pub(super) asks: Vec<Ask>,
    /// Who every peer is that is admitted from now on, where it is not who it really is.
    pub(super) peer: Option<Peer>,
    /// Answers to these wait for [`Keeper::release`].
    pub(super) hold_opens: bool,
    pub(super) hold_kills: bool,
    pub(super) refuses: Option<Refused>,
    pub(super) is_full: bool,
    pub(super) usage: Vec<(Key, Usage)>,
    /// What control groups are held to.
    pub(super) limits: BTreeMap<Key, Limits>,
    /// Sessions that are there.
    pub(super) keys: BTreeSet<Key>,
    /// Whose they are.
    own: BTreeMap<Connection, Key>,
    prepared: BTreeMap<Connection, Revision>,
    /// Policies that were put in force.
    pub(super) committed: Vec<Revision>,
    held: VecDeque<Said>,
    notices: u64,
}

#[derive(Clone)]
pub(super) struct Keeper {
    script: Arc<(Mutex<Script>, Condvar)>,
    out: Arc<Mutex<UnixStream>>,
}

impl Keeper {
    /// Serves at this end of the socket pair, on a thread of its own, until the other end is closed.
    pub(super) fn start(socket: UnixStream, standing: Standing, with: Vec<OwnedFd>) -> Self {
        let out = Arc::new(Mutex::new(socket.try_clone().unwrap()));
        let keys = standing.sessions.iter().map(|kept| kept.key).collect();
        let script = Script { keys, ..Script::default() };
        let keeper = Self { script: Arc::new((Mutex::new(script), Condvar::new())), out };
        keeper.say((Told::Ready(Box::new(standing)), with));
        let own = keeper.clone();
        std::thread::spawn(move || own.serve(&socket));
        keeper
    }

    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.0.lock().unwrap()
    }

    /// Waits until the script is so.
    pub(super) fn until(&self, what: impl Fn(&Script) -> bool) {
        let (script, changed) = &*self.script;
        let waited =
            changed.wait_timeout_while(script.lock().unwrap(), Duration::from_secs(60), |it| !what(it));
        let (script, timeout) = waited.unwrap();
        assert!(
            !timeout.timed_out(),
            "it never came to that; asked: {:?}",
            script.asks.iter().rev().take(9).collect::<Vec<_>>()
        );
    }

    /// Waits until it was asked so.
    pub(super) fn until_asked(&self, what: impl Fn(&Ask) -> bool) {
        self.until(|script| script.asks.iter().any(&what));
    }

    /// Tells of something by itself; its number.
    pub(super) fn notice(&self, notice: Notice) -> u64 {
        let number = {
            let mut script = self.script();
            script.notices += 1;
            script.notices
        };
        self.say((Told::Notice(number, notice), vec![]));
        number
    }

    /// Gives the last answer that is held, or the first one.
    pub(super) fn release(&self, last: bool) {
        let mut script = self.script();
        let said = if last { script.held.pop_back() } else { script.held.pop_front() };
        drop(script);
        self.say(said.unwrap());
    }

    /// It dies.
    pub(super) fn die(&self) {
        self.out.lock().unwrap().shutdown(Shutdown::Both).unwrap();
    }

    /// Says what is no message.
    pub(super) fn babble(&self) {
        self.out.lock().unwrap().write_all(&[3, 0, 0, 0, 0xff, 0xff, 0xff]).unwrap();
    }

    fn say(&self, (told, descriptors): Said) {
        let body = postcard::to_stdvec(&told).unwrap();
        let mut bytes = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend(body);
        let mut out = self.out.lock().unwrap();
        let with: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
        // The front may have gone.
        if let Ok(sent) = channel::send(out.as_fd(), &bytes, &with) {
            let _ = out.write_all(&bytes[sent..]);
        }
    }

    fn serve(&self, socket: &UnixStream) {
        let (mut bytes, mut descriptors) = (Vec::new(), VecDeque::new());
        let mut chunk = vec![0; 64 << 10];
        while let Ok((count @ 1.., more)) = channel::receive(socket.as_fd(), &mut chunk, 4) {
            bytes.extend(&chunk[..count]);
            descriptors.extend(more);
            while let Some((head, rest)) = bytes.split_first_chunk::<4>() {
                let length = u32::from_le_bytes(*head) as usize;
                let Some(body) = rest.get(..length) else { break };
                let ask: Ask = postcard::from_bytes(body).unwrap();
                bytes.drain(..4 + length);
                self.asked(ask, &mut descriptors);
            }
        }
    }

    fn asked(&self, ask: Ask, descriptors: &mut VecDeque<OwnedFd>) {
        let mut script = self.script();
        let held = match &ask {
            Ask::Open(..) => script.hold_opens,
            Ask::Act(_, _, Act::Kill) => script.hold_kills,
            _ => false,
        };
        let said = script.answer(&ask, descriptors);
        script.asks.push(ask);
        if held {
            script.held.extend(said);
            self.script.1.notify_all();
            return;
        }
        self.script.1.notify_all();
        drop(script);
        said.into_iter().for_each(|said| self.say(said));
    }
}

impl Script {
    fn answer(&mut self, ask: &Ask, descriptors: &mut VecDeque<OwnedFd>) -> Option<Said> {
        let refused = |why| Answer::Refused(Refused { why, sentence: "no".to_owned() });
        let mut with = vec![];
        let (connection, answer) = match ask {
            Ask::Admit(connection) => (connection, Answer::Peer(self.who(&descriptors.pop_front().unwrap()))),
            Ask::Leave(_) | Ask::Heard(_) | Ask::Alive => return None,
            Ask::Open(connection, order) => {
                drop(descriptors.pop_front().unwrap());
                match &self.refuses {
                    Some(refused) => (connection, Answer::Refused(refused.clone())),
                    None => {
                        self.keys.insert(order.key);
                        self.own.insert(*connection, order.key);
                        with = [(); 2].map(|()| std::fs::File::open("/dev/null").unwrap().into()).into();
                        (connection, Answer::Opened(Opened { slot: 7, skipped: vec![] }))
                    }
                }
            }
            Ask::Resume(connection, key) => match &self.refuses {
                Some(refused) => (connection, Answer::Refused(refused.clone())),
                None => {
                    self.own.insert(*connection, *key);
                    (connection, Answer::Done)
                }
            },
            Ask::Learn(connection, ..) if self.is_full => (connection, Answer::Full),
            Ask::Learn(connection, ..) | Ask::Forget(connection, _) | Ask::Sync(connection) => {
                (connection, Answer::Done)
            }
            Ask::Prepare(connection, key, revision) => {
                drop(descriptors.pop_front().unwrap());
                match self.keys.contains(key) {
                    true => {
                        self.prepared.insert(*connection, (**revision).clone());
                        with = vec![std::fs::File::open("/dev/null").unwrap().into()];
                        (connection, Answer::Prepared(vec![]))
                    }
                    false => (connection, refused(Why::NoSuchSession)),
                }
            }
            Ask::LearnNext(connection, ..) => match self.prepared.contains_key(connection) {
                true => (connection, Answer::Done),
                false => (connection, refused(Why::NoSuchSession)),
            },
            Ask::Commit(connection) => match self.prepared.remove(connection) {
                Some(revision) => {
                    self.committed.push(revision);
                    (connection, Answer::Done)
                }
                None => (connection, refused(Why::NoSuchSession)),
            },
            Ask::End(connection) => match self.own.remove(connection).filter(|key| self.keys.remove(key)) {
                Some(_) => (connection, Answer::Done),
                None => (connection, refused(Why::NoSuchSession)),
            },
            Ask::Arrived(connection, from) => {
                (connection, Answer::Wanted((from.port() == 9).then(|| "203.0.113.7:443".parse().unwrap())))
            }
            Ask::Act(connection, key, act) => (
                connection,
                match self.keys.contains(key) {
                    true => {
                        if *act == Act::Kill {
                            self.keys.remove(key);
                        }
                        Answer::Done
                    }
                    false => refused(Why::NoSuchSession),
                },
            ),
            Ask::Limits(connection, key) => (
                connection,
                match self.keys.contains(key) {
                    true => Answer::Limits(self.limits.get(key).copied().unwrap_or_default()),
                    false => refused(Why::NoSuchSession),
                },
            ),
            Ask::Limit(connection, key, from, to) => (connection, self.limit(*key, *from, *to)),
            Ask::Usage(connection) => (connection, Answer::Usage(self.usage.clone())),
        };
        Some((Told::Answer(*connection, answer), with))
    }

    fn limit(&mut self, key: Key, from: Limits, to: Limits) -> Answer {
        if let Some(refused) = &self.refuses {
            return Answer::Refused(refused.clone());
        }
        let held = self.limits.entry(key).or_default();
        assert_eq!(*held, from, "the front judges what holds");
        held.memory_bytes = to.memory_bytes.or(held.memory_bytes);
        held.max_processes = to.max_processes.or(held.max_processes);
        held.cpu_millis = to.cpu_millis.or(held.cpu_millis);
        Answer::Limits(*held)
    }

    fn who(&self, socket: &OwnedFd) -> Peer {
        let credentials = getsockopt(socket, PeerCredentials).unwrap();
        let identity = Identity { uid: credentials.uid(), gid: credentials.gid(), groups: vec![] };
        let real = Peer { identity, process: credentials.pid(), guarded: false };
        self.peer.clone().unwrap_or(real)
    }

    /// How often it was asked so.
    pub(super) fn count(&self, what: impl Fn(&Ask) -> bool) -> usize {
        self.asks.iter().filter(|ask| what(ask)).count()
    }
}

/// The connection that an ask is about is over.
pub(super) fn is_leave(ask: &Ask) -> bool {
    matches!(ask, Ask::Leave(Connection(_)))
}
