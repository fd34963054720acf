//! A TLS connection after its first ClientHello: the server may ask for a second one, which must name the same server.
//!
//! Both directions go on by themselves, so that neither waits for the other one's peer to read.

use std::cell::RefCell;
use std::io;

use peek::{Fed, Handshake, Hello};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::held::Held;
use super::relay::{Relay, shut};

/// Carries a connection whose first ClientHello is at the beginning of what is held, and was judged.
///
/// # Errors
/// One of the sides failed, or the client said another name.
pub(super) async fn carry(
    relay: &Relay<'_>,
    (near, far): (&TcpStream, &TcpStream),
    hello: &Hello,
    mut held: Held,
) -> io::Result<()> {
    held.pass(hello.bytes, far).await?;
    let shake = Shake { handshake: RefCell::new(Handshake::new(hello)), answered: Notify::new() };
    tokio::try_join!(shake.asked(relay, (near, far), held), shake.heard(relay, (near, far))).map(|_| ())
}

struct Shake {
    handshake: RefCell<Handshake>,
    /// The server has said something.
    answered: Notify,
}

impl Shake {
    /// What the client says, as far as it may be passed on.
    async fn asked(
        &self,
        relay: &Relay<'_>,
        (near, far): (&TcpStream, &TcpStream),
        mut held: Held,
    ) -> io::Result<()> {
        loop {
            if self.handshake.borrow().is_settled() {
                held.pass_all(far).await?;
                return relay.one(near, far).await;
            }
            relay.allowed().await;
            let fed = self.handshake.borrow_mut().from_client(held.bytes()).map_err(io::Error::other)?;
            if let Fed::Pass(count) = fed {
                held.pass(count, far).await?;
                continue;
            }
            tokio::select! {
                count = held.more(near) => if count? == 0 {
                    return shut(far);
                },
                () = self.answered.notified() => {}
            }
        }
    }

    /// What the server says; its first words tell whether it asks again.
    async fn heard(&self, relay: &Relay<'_>, (near, far): (&TcpStream, &TcpStream)) -> io::Result<()> {
        let mut said = Held::new();
        while self.handshake.borrow().awaits_server() {
            if said.more(far).await? == 0 {
                break;
            }
            self.handshake.borrow_mut().from_server(said.bytes());
        }
        // Passed on only now: the client cannot answer what it has not heard.
        self.answered.notify_one();
        relay.allowed().await;
        said.pass_all(near).await?;
        relay.one(far, near).await
    }
}
