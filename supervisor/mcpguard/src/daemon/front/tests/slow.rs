//! Clients that say nothing, or everything very slowly; and that the others do not notice.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use control::message::{Code, End};
use control::{Answer, Request};

use super::client::{Client, open, pidfd};
use super::world::{World, offer};
use crate::daemon::front::settings::Settings;
use crate::daemon::wire::Standing;

const SHORT: Duration = Duration::from_millis(300);
/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(30);

fn world(change: impl FnOnce(&mut Settings)) -> World {
    let change = |settings: &mut Settings| {
        settings.deadlines.last_words = Duration::from_millis(100);
        change(settings);
    };
    World::with(change, Standing { offer: offer(), sessions: vec![], ..Standing::default() })
}

/// Feeds bytes one by one until the daemon has had enough; the last words.
fn drip(client: &mut Client, bytes: &[u8]) -> Option<Code> {
    let began = Instant::now();
    for byte in bytes {
        if !client.write(&[*byte], &[]) {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
        assert!(began.elapsed() < LONG, "it is still listened to");
    }
    client.last_code()
}

#[test]
fn a_client_without_a_hello_is_sent_away() {
    let world = world(|settings| settings.deadlines.hello = SHORT);
    let mut silent = Client::silent(&world.path);
    let mut dripping = Client::silent(&world.path);
    let (mut client, ..) = world.session();
    assert_eq!(silent.last_code(), Some(Code::Protocol));
    let hello = dripping.side.hello().unwrap().bytes;
    let many: Vec<u8> = hello.iter().copied().cycle().take(3000).collect();
    assert_eq!(drip(&mut dripping, &many), Some(Code::Protocol));
    assert_eq!(client.ask(Request::End(End { why: String::new() })), Answer::Done);
}

#[test]
fn a_message_that_does_not_end_is_not_waited_for() {
    let world = world(|settings| settings.deadlines.message = SHORT);
    let mut client = world.client();
    let (_, out) = client.side.ask(open()).unwrap();
    let own = pidfd();
    assert!(client.write(&out.bytes[..1], &[own.as_fd()]));
    assert_eq!(drip(&mut client, &out.bytes[1..]), Some(Code::Protocol));
    let (mut other, ..) = world.session();
    assert_eq!(other.ask(Request::End(End { why: String::new() })), Answer::Done);
}

#[test]
fn an_idle_operator_is_sent_away_and_a_session_and_a_follower_are_not() {
    let world = world(|settings| settings.deadlines.idle = SHORT);
    let (mut session, ..) = world.session();
    let mut follower = world.operator();
    let filter = control::message::Filter::default();
    assert_eq!(follower.ask(Request::Follow(filter)), Answer::Done);
    let mut idle = world.operator();
    let mut fresh = world.client();
    assert_eq!(idle.last_code(), Some(Code::Limit));
    assert_eq!(fresh.last_code(), Some(Code::Limit));
    std::thread::sleep(3 * SHORT);
    assert!(matches!(follower.ask(Request::Status), Answer::Status(_)));
    assert_eq!(session.ask(Request::End(End { why: String::new() })), Answer::Done);
}

#[test]
fn who_has_said_everything_still_hears_the_answers() {
    let world = world(|_| {});
    let mut operator = world.operator();
    let (first, second) = (operator.send(Request::List), operator.send(Request::Status));
    operator.socket.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(matches!(operator.answer(first).0, Answer::Sessions(_)));
    assert!(matches!(operator.answer(second).0, Answer::Status(_)));
    assert!(operator.next().is_none());
}

#[test]
fn a_client_whose_session_is_over_does_not_stay_for_ever() {
    let world = world(|settings| settings.deadlines.idle = SHORT);
    let (mut client, _, key) = world.session();
    std::thread::sleep(2 * SHORT);
    world.keeper.notice(enforce::keeper::Notice::Gone(key));
    assert!(matches!(client.event(), control::Event::Ended(_)));
    assert_eq!(client.ask(Request::End(End { why: String::new() })), Answer::Done);
    assert_eq!(client.last_code(), Some(Code::Limit));
}
