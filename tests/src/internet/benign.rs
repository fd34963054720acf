//! What a policy allows, by every client: it must work with a guard as it does without.

use super::programs::Program::{Clone, Curl, Dig, Git, Go, Httpx, Node, Own, Psql, Requests};
use super::trick::Proof::{Arrives, ArrivesAfter, Printed, Secret};
use super::trick::{Trick, tricks};

pub(super) fn all() -> Vec<Trick> {
    let api = Secret("api.shop.example");
    let www = Secret("www.shop.example");
    tricks! {
        0 "allowed page" Curl ["https://api.shop.example/"] api;
        0 "allowed page by HTTP/1.1 on port 80" Curl ["http://api.shop.example/"] api;
        0 "allowed page on port 8080" Curl ["http://api.shop.example:8080/"] api;
        0 "allowed page by IPv6" Curl ["-6", "https://api.shop.example/"] api;
        0 "allowed page by IPv4" Curl ["-4", "https://api.shop.example/"] api;
        0 "allowed name behind aliases" Curl ["https://www.shop.example/"] www;
        0 "allowed name of many addresses" Curl ["https://many.shop.example/"] Secret("many.shop.example");
        0 "allowed name that lives a second" Curl ["https://short.shop.example/"] Secret("short.shop.example");
        0 "name beneath a wildcard" Curl ["https://img.cdn.example/"] Secret("img.cdn.example");
        0 "allowed name in upper case" Curl ["https://API.Shop.Example/"] api;
        0 "allowed name with a dot at its end" Curl ["https://api.shop.example./"] api;
        0 "allowed name from the file of hosts" Curl ["https://pinned.shop.example/"] Secret("pinned.shop.example");
        0 "eight megabytes" Own ["tls.bulk", "api.shop.example", "/bulk"] Secret("bulk");
        0 "TLS connection that outlives its name" Own ["streams.held_encrypted", "short.shop.example", "443", "{token}", "33"] ArrivesAfter(33);
        0 "connection that outlives its name" Own ["streams.held", "short.shop.example", "80", "{token}", "33"] ArrivesAfter(33);
        0 "two allowed names in one run" Curl ["https://api.shop.example/", "https://www.shop.example/"] www;
        0 "domain of a tool, in its call" Curl ["https://tool.shop.example/"] Secret("tool.shop.example"), in_call();
        0 "domain of a tool, in its call" Node ["get", "http://tool.shop.example/"] Secret("tool.shop.example"), in_call();
        0 "allowed page" Node ["get", "https://api.shop.example/"] api;
        0 "allowed name behind aliases" Node ["get", "https://www.shop.example/"] www;
        0 "allowed page by HTTP/1.1 on port 80" Node ["get", "http://api.shop.example/"] api;
        0 "addresses by c-ares" Node ["resolve", "A", "api.shop.example"] Printed("93.184.216.10");
        0 "IPv6 addresses by c-ares" Node ["resolve", "AAAA", "api.shop.example"] Printed("2606:2800:220::10");
        0 "allowed page" Requests ["https://api.shop.example/"] api;
        0 "allowed page" Httpx ["https://api.shop.example/"] api;
        0 "allowed page" Go ["https://api.shop.example/{token}"] Arrives;
        0 "refs" Git ["ls-remote", "https://git.shop.example/project.git"] Printed("refs/heads/main");
        0 "clone" Clone ["https://git.shop.example/project.git", "{workspace}/{token}"] Secret("git.shop.example");
        0 "question to an allowed database" Psql ["db.shop.example"] Secret("database");
        0 "addresses by a datagram" Dig ["api.shop.example"] Printed("93.184.216.10");
        0 "addresses by a stream" Dig ["+tcp", "api.shop.example"] Printed("93.184.216.10");
        0 "addresses from a resolver that was named" Dig ["@93.184.216.54", "api.shop.example"] Printed("93.184.216.10");
        0 "ClientHello over many segments" Own ["tls.slowly", "93.184.216.10", "443", "api.shop.example"] api;
        0 "ClientHello over records" Own ["tls.records", "93.184.216.10", "443", "api.shop.example"] api;
        0 "ClientHello of 12 kilobytes" Own ["tls.last", "93.184.216.10", "443", "api.shop.example"] api;
        0 "extension of ECH without a configuration (GREASE)" Own ["tls.encrypted", "93.184.216.10", "443", "api.shop.example"] api;
        0 "two requests for one host" Own ["http1.ask", "93.184.216.10", "80", "api.shop.example", "api.shop.example"] api;
    }
}
