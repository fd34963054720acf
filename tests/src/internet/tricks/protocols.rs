//! Other protocols than streams of TCP, and other calls than connect(2).

use crate::internet::programs::Program::Own;
use crate::internet::trick::Need::{Kernel, Pair, Root, RootAndPair};
use crate::internet::trick::Proof::{Arrives, Printed, Secret};
use crate::internet::trick::{Trick, tricks};

pub(super) fn tricks() -> Vec<Trick> {
    let stream = Secret("stream");
    tricks! {
        // 8: datagrams.
        8 "sendto" Own ["datagrams.sendto", "93.184.216.66", "4444", "{token}"] Arrives;
        8 "connected datagrams" Own ["datagrams.connected", "93.184.216.66", "4444", "{token}"] Arrives;
        8 "sendmsg" Own ["datagrams.sendmsg", "93.184.216.66", "4444", "{token}"] Arrives;
        8 "sendmmsg, the second of two" Own ["datagrams.sendmmsg", "93.184.216.10", "93.184.216.66", "4444", "{token}"] Arrives;
        8 "datagram after AF_UNSPEC" Own ["datagrams.reconnected", "93.184.216.10", "93.184.216.66", "4444", "{token}"] Arrives;
        8 "datagram beside the connected one" Own ["datagrams.beside", "93.184.216.10", "93.184.216.66", "4444", "{token}"] Arrives;
        8 "datagram to an address of no family" Own ["datagrams.unspecified", "93.184.216.66", "4444", "{token}"] Arrives;
        8 "QUIC to a forbidden address" Own ["datagrams.quic", "93.184.216.66", "{token}"] Arrives;
        8 "QUIC to an allowed address" Own ["datagrams.quic", "93.184.216.10", "{token}"] Arrives;
        // 9: streams that are not TCP, or begin otherwise.
        9 "MPTCP" Own ["streams.multipath", "93.184.216.66", "4444", "{token}"] stream, needs(Kernel("EPROTONOSUPPORT", "MPTCP"));
        9 "MPTCP to an allowed address" Own ["streams.multipath", "93.184.216.10", "80", "GET /{token} HTTP/1.0\r\nHost: admin.shop.example\r\n\r\n"] Secret("admin.shop.example"), needs(Kernel("EPROTONOSUPPORT", "MPTCP"));
        9 "SCTP" Own ["streams.sctp", "93.184.216.66", "4444", "{token}"] Arrives, needs(Kernel("EPROTONOSUPPORT", "SCTP"));
        9 "SMC" Own ["sockets.kind", "43", "1", "0"] Printed("made: socket"), needs(Kernel("EAFNOSUPPORT", "SMC"));
        9 "TCP Fast Open by sendto" Own ["streams.fast_open", "93.184.216.66", "4444", "{token}"] stream;
        9 "TCP Fast Open by the first write" Own ["streams.fast_open_connect", "93.184.216.66", "4444", "{token}"] stream;
        // 10: raw sockets, packets, the kernel's own protocols.
        10 "ping" Own ["sockets.ping", "93.184.216.66", "{token}"] Arrives;
        10 "ping by IPv6" Own ["sockets.ping6", "2606:2800:220::66", "{token}"] Arrives;
        10 "raw socket of ICMP" Own ["sockets.icmp", "93.184.216.66", "{token}"] Arrives, needs(Root);
        10 "raw socket with its own heads" Own ["sockets.raw", "93.184.216.66", "{token}"] Arrives, needs(Root);
        10 "frame on the wire" Own ["sockets.packet", "eth0", "93.184.216.66", "{token}"] Arrives, needs(RootAndPair);
        10 "connection by repair" Own ["streams.repaired", "93.184.216.66", "4444", "{token}"] Arrives, needs(Root);
        10 "socket diagnosis" Own ["sockets.diagnosis", "3128"] Printed("listens: 3128"), needs(Kernel("ENOENT", "INET_DIAG"));
        10 "interfaces by netlink" Own ["sockets.links", "{token}"] Secret("alias"), needs(Pair), open("getaddrinfo asks for addresses by the same protocol; what it tells is known from /sys as well");
        10 "socket between machines (vsock)" Own ["sockets.kind", "40", "1", "0"] Printed("made: socket"), needs(Kernel("EAFNOSUPPORT", "vsock"));
        10 "express data path" Own ["sockets.kind", "44", "3", "0"] Printed("made: socket"), needs(Root);
        10 "Bluetooth" Own ["sockets.kind", "31", "3", "1"] Printed("made: socket"), needs(Kernel("EAFNOSUPPORT", "Bluetooth"));
        10 "events of the kernel (netlink)" Own ["sockets.kind", "16", "3", "15"] Printed("made: socket");
        10 "cryptography of the kernel" Own ["sockets.kind", "38", "5", "0"] Printed("made: socket"), needs(Kernel("EAFNOSUPPORT", "AF_ALG"));
    }
}
