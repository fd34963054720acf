//! Sockets, connections, datagrams.

use abi::EventKind::{self, Bind, Connect, Packet, Send, Socket, Unix};

use super::rows::{Goal, Kills, Row};
use super::scene::{GRANTED, MAPPED, OTHER, OTHER_PORT, SIX};

const fn stream(hook: &'static str, words: &'static [&'static str], to: &'static str) -> Row {
    Row::new(hook, words, &[Connect]).goal(Goal::Stream(to)).kills(Kills::Network).what(to)
}

const fn connected(words: &'static [&'static str], to: &'static str) -> Row {
    Row::new("socket_connect", words, &[Connect]).goal(Goal::Datagram(to)).kills(Kills::Network).what(to)
}

const fn datagram(hook: &'static str, kills: Kills, words: &'static [&'static str], to: &'static str) -> Row {
    Row::new(hook, words, &[Send]).goal(Goal::Datagram(to)).kills(kills).what(to)
}

const fn socket(words: &'static [&'static str]) -> Row {
    Row::new("socket_create", words, &[Socket]).kills(Kills::Network)
}

const fn unix(hook: &'static str, words: &'static [&'static str], what: &'static str) -> Row {
    Row::new(hook, words, &[Unix]).kills(Kills::Network).what(what)
}

const BINDING: &[EventKind] = &[Bind];

/// `SOCK_STREAM`, `SOCK_DGRAM`, `IPPROTO_MPTCP`, `AF_INET6`.
const STREAM: &str = "1";
const DATAGRAM: &str = "2";
const MPTCP: &str = "262";
const INET6: &str = "10";
/// The first hop of a source route.
const HOP: &str = "127.0.0.3:0";

pub(super) const REACHING: &[Row] = &[
    stream("socket_connect", &["connect", OTHER], OTHER),
    stream("socket_connect", &["connect", OTHER_PORT], OTHER_PORT),
    stream("socket_connect", &["connect", SIX], SIX),
    stream("socket_connect", &["connect", MAPPED], OTHER),
    stream("socket_connect", &["daemon", "connect", OTHER], OTHER),
    stream("socket_connect", &["tcp_reconnected", GRANTED, OTHER], OTHER),
    stream("socket_connect", &["ring_connect", "inline", OTHER], OTHER),
    stream("socket_connect", &["ring_connect", "async", OTHER], OTHER),
    connected(&["udp_connected", OTHER], OTHER),
    connected(&["connect_as", OTHER, INET6, DATAGRAM], OTHER),
    connected(&["udp_reconnected", GRANTED, OTHER], OTHER),
    // Past the security hook (kernel-facts V11): the programs on the control group alone see these.
    stream("connect4", &["fast_open", OTHER], OTHER).kills(Kills::Never),
    stream("connect6", &["fast_open", SIX], SIX).kills(Kills::Never),
    datagram("sendmsg4", Kills::Never, &["udp", OTHER], OTHER),
    datagram("sendmsg4", Kills::Never, &["udp", OTHER_PORT], OTHER_PORT),
    datagram("sendmsg4", Kills::Never, &["udp_many", OTHER], OTHER),
    datagram("sendmsg4", Kills::Never, &["udp_as", OTHER, DATAGRAM, "0"], OTHER),
    datagram("sendmsg4", Kills::Never, &["udp_as", OTHER, INET6, "2"], OTHER),
    datagram("sendmsg4", Kills::Never, &["udp", MAPPED], OTHER),
    datagram("sendmsg4", Kills::Never, &["ring_send", "inline", OTHER], OTHER),
    datagram("sendmsg4", Kills::Never, &["ring_send", "async", OTHER], OTHER),
    datagram("sendmsg6", Kills::Never, &["udp", SIX], SIX),
    Row::new("egress", &["udp_routed", HOP, GRANTED], &[Packet]).goal(Goal::Route),
    Row::new("socket_bind", &["listen", "127.0.0.1:4002"], BINDING).kills(Kills::Network),
    Row::new("bind4", &["bind", "127.0.0.1:4002", "udp"], BINDING),
    Row::new("bind6", &["bind", "[::1]:4002", "udp"], BINDING),
    Row::new("socket_create", &["connect_with", GRANTED, STREAM, MPTCP], &[Socket])
        .goal(Goal::Stream(GRANTED))
        .kills(Kills::Network),
];

/// Sockets of kinds that no policy grants, and unix sockets.
pub(super) const SOCKETS: &[Row] = &[
    socket(&["socket", "2", "3", "1"]),
    socket(&["socket", "10", "3", "58"]),
    socket(&["socket", "17", "3", "0"]),
    socket(&["socket", "16", "3", "16"]),
    socket(&["socket", "44", "3", "0"]),
    socket(&["ping", "127.0.0.1:0"]),
    socket(&["ring_socket", "inline", "17", "3", "0"]).since((6, 1)),
    socket(&["ring_socket", "async", "2", "3", "1"]).since((6, 1)),
    unix("unix_stream_connect", &["unix_stream", "@stream"], "/stream"),
    unix("unix_stream_connect", &["daemon", "unix_stream", "@stream"], "/stream"),
    unix("unix_stream_connect", &["unix_stream", "%stream"], ""),
    unix("unix_may_send", &["unix_datagram", "@datagram"], "/datagram"),
    unix("unix_may_send", &["unix_datagram_connected", "@datagram"], "/datagram"),
    unix("unix_may_send", &["unix_pair_escape", "@datagram"], "/datagram"),
    unix("unix_may_send", &["unix_datagram", "%datagram"], ""),
];

/// With the program that judges every `sendmsg`, for policies that kill.
pub(super) const SENDING: &[Row] = &[
    datagram("socket_sendmsg", Kills::Network, &["udp", OTHER], OTHER),
    datagram("socket_sendmsg", Kills::Network, &["udp", SIX], SIX),
    datagram("socket_sendmsg", Kills::Network, &["udp", MAPPED], OTHER),
    datagram("socket_sendmsg", Kills::Network, &["udp_many", OTHER], OTHER),
    // An address of no family is told as none.
    datagram("socket_sendmsg", Kills::Network, &["udp_as", OTHER, DATAGRAM, "0"], OTHER).what(""),
    datagram("socket_sendmsg", Kills::Network, &["udp_as", OTHER, INET6, "2"], OTHER),
    datagram("socket_sendmsg", Kills::Network, &["ring_send", "async", OTHER], OTHER),
    Row::new("socket_sendmsg", &["fast_open", OTHER], &[Connect, Send])
        .goal(Goal::Stream(OTHER))
        .kills(Kills::Network)
        .what(OTHER),
];
