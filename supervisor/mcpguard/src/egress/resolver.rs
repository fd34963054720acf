//! The resolver's sockets: questions come in, answers go out when the addresses in them are open.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use names::{Answered, Asked, Ticket, Transport};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::spawn_local;
use tokio::time::timeout;

use super::clock::now_ns;
use super::doors::{Served, accept};
use super::room::Room;
use super::upstream::{Judged, read_message, write_message};

/// Questions that are with the host's servers at once; beyond it the client is to ask again.
const AT_ONCE: usize = 256;
/// Connections with questions at once.
const STREAMS: usize = 128;
/// How long a connection may say nothing (RFC 7766 section 6.2.3 leaves it to the server).
const SILENCE: Duration = Duration::from_secs(10);
/// The longest question by UDP: a name, a type, a class and an OPT record are far shorter.
const QUESTION: usize = 1500;

/// Serves all of the resolver's sockets; returns only a failure.
pub(super) async fn serve(room: &Room, doors: &Served) -> io::Error {
    let desk = Desk { room: room.clone(), upstream: Arc::new(Semaphore::new(AT_ONCE)) };
    let streams = Arc::new(Semaphore::new(STREAMS));
    let [first, second] = [doors.datagrams.first(), doors.datagrams.get(1)];
    let [third, fourth] = [doors.questions.first(), doors.questions.get(1)];
    tokio::select! {
        error = datagrams(&desk, first) => error,
        error = datagrams(&desk, second) => error,
        error = connections(&desk, third, &streams) => error,
        error = connections(&desk, fourth, &streams) => error,
    }
}

/// Where questions are answered.
#[derive(Clone)]
struct Desk {
    room: Room,
    upstream: Arc<Semaphore>,
}

async fn datagrams(desk: &Desk, socket: Option<&UdpSocket>) -> io::Error {
    let Some(socket) = socket else { return pending().await };
    let (send, mut answers) = tokio::sync::mpsc::channel::<(Vec<u8>, std::net::SocketAddr)>(AT_ONCE);
    let mut buffer = [0; QUESTION];
    loop {
        tokio::select! {
            received = socket.recv_from(&mut buffer) => match received {
                Ok((count, client)) => match desk.at_once(&buffer[..count], Transport::Udp) {
                    AtOnce::Answer(answer) => {
                        let _ = socket.send_to(&answer, client).await;
                    }
                    AtOnce::Later(ticket, message) => {
                        let (desk, send) = (desk.clone(), send.clone());
                        spawn_local(async move {
                            if let Some(answer) = desk.later(ticket, message).await {
                                let _ = send.send((answer, client)).await;
                            }
                        });
                    }
                    AtOnce::Nothing => {}
                },
                // What an earlier answer met at its client (ICMP) is told to the socket; the socket goes on.
                Err(error) if is_the_clients(&error) => {}
                Err(error) => return error,
            },
            Some((answer, client)) = answers.recv() => {
                let _ = socket.send_to(&answer, client).await;
            }
        }
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset)
}

async fn connections(desk: &Desk, listener: Option<&TcpListener>, room: &Arc<Semaphore>) -> io::Error {
    let Some(listener) = listener else { return pending().await };
    loop {
        let stream = match accept(listener).await {
            Ok((stream, _)) => stream,
            Err(error) => return error,
        };
        let Ok(place) = Arc::clone(room).try_acquire_owned() else { continue };
        let desk = desk.clone();
        spawn_local(async move {
            let _ = desk.converse(stream).await;
            drop(place);
        });
    }
}

enum AtOnce {
    Answer(Vec<u8>),
    Later(Ticket, Vec<u8>),
    Nothing,
}

impl Desk {
    /// One question, as far as it can be answered from what is known.
    fn at_once(&self, message: &[u8], transport: Transport) -> AtOnce {
        // Without randomness nothing is asked: answers could be forged.
        let Ok(id) = getrandom::u32() else { return AtOnce::Nothing };
        let active = self.room.active();
        let asked = self.room.names.borrow_mut().ask(message, transport, active, id as u16, now_ns());
        self.room.tell_facts();
        match asked {
            Asked::Answer(answer, changes) => match self.room.make_known(changes) {
                Ok(()) => AtOnce::Answer(answer),
                Err(_) => AtOnce::Nothing,
            },
            Asked::Forward { ticket, message } => AtOnce::Later(ticket, message),
            Asked::Ignore => AtOnce::Nothing,
        }
    }

    /// The answer of the host's servers, given out when its addresses are open.
    async fn later(&self, ticket: Ticket, message: Vec<u8>) -> Option<Vec<u8>> {
        let place = self.upstream.try_acquire();
        let answered = match &place {
            Ok(_) => self.room.upstreams.ask(&message, |answer| self.judge(ticket, answer)).await,
            Err(_) => None,
        };
        let Some((message, withheld, changes)) = answered else {
            return Some(self.room.names.borrow_mut().abandoned(ticket));
        };
        self.room.tell_facts();
        match self.room.make_known(changes) {
            Ok(()) => Some(message),
            Err(_) => Some(withheld),
        }
    }

    fn judge(&self, ticket: Ticket, answer: &[u8]) -> Judged<(Vec<u8>, Vec<u8>, Vec<names::Change>)> {
        match self.room.names.borrow_mut().answered(ticket, answer, now_ns()) {
            Answered::Answer { message, withheld, changes } => Judged::Done((message, withheld, changes)),
            Answered::AgainByTcp => Judged::TooLong,
            Answered::Unable => Judged::Unable,
            Answered::Ignored => Judged::NotIt,
        }
    }

    /// Questions over one connection, one after the other.
    async fn converse(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        while let Ok(message) = timeout(SILENCE, read_message(&mut stream)).await {
            let Some(message) = message? else { break };
            let answer = match self.at_once(&message, Transport::Tcp) {
                AtOnce::Answer(answer) => Some(answer),
                AtOnce::Later(ticket, message) => self.later(ticket, message).await,
                AtOnce::Nothing => None,
            };
            let Some(answer) = answer else { break };
            timeout(SILENCE, write_message(&mut stream, &answer)).await??;
        }
        Ok(())
    }
}
