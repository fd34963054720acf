//! Plain HTTP: every request of a connection names its host, and every one is judged before it is passed on.

use std::cell::RefCell;
use std::io;

use peek::{Answer, Fed, Head, Requests, answer};
use tokio::net::TcpStream;

use super::held::Held;
use super::relay::{Relay, shut};

/// Carries a connection whose first request is at the beginning of what is held. `judge` is asked for every head.
///
/// # Errors
/// One of the sides failed, or the client said something that is refused.
pub(super) async fn carry(
    relay: &Relay<'_>,
    (near, far): (&TcpStream, &TcpStream),
    held: Held,
    judge: impl Fn(&Head) -> io::Result<()>,
) -> io::Result<()> {
    let requests = RefCell::new(Requests::new());
    tokio::try_join!(
        asked(relay, (near, far), held, &requests, judge),
        answered(relay, (near, far), &requests)
    )
    .map(|_| ())
}

/// What the client says, head by head.
async fn asked(
    relay: &Relay<'_>,
    (near, far): (&TcpStream, &TcpStream),
    mut held: Held,
    requests: &RefCell<Requests>,
    judge: impl Fn(&Head) -> io::Result<()>,
) -> io::Result<()> {
    loop {
        if requests.borrow().unseen() == u64::MAX {
            held.pass_all(far).await?;
            return relay.one(near, far).await;
        }
        relay.allowed().await;
        let fed = requests.borrow_mut().feed(held.bytes()).map_err(io::Error::other)?;
        match fed {
            Fed::Pass(count) => held.pass(count, far).await?,
            Fed::Head(head) => {
                judge(&head)?;
                held.pass(head.bytes, far).await?;
            }
            Fed::More => {
                if held.more(near).await? == 0 {
                    return shut(far);
                }
            }
        }
    }
}

/// What the server says; only whether its first answer changes the protocol is looked at.
async fn answered(
    relay: &Relay<'_>,
    (near, far): (&TcpStream, &TcpStream),
    requests: &RefCell<Requests>,
) -> io::Result<()> {
    let mut held = Held::new();
    while answer(held.bytes()) == Answer::More {
        if held.more(far).await? == 0 {
            break;
        }
    }
    if answer(held.bytes()) == Answer::Switches {
        requests.borrow_mut().switched().map_err(io::Error::other)?;
    }
    relay.allowed().await;
    held.pass_all(near).await?;
    relay.one(far, near).await
}
