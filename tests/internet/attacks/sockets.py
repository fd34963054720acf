"""Sockets that are no streams and no datagrams of IP: raw ones, packets, the kernel's own protocols, hypervisors."""

import os
import socket
import struct

PATIENCE = 1
ROUTE, SOCK_DIAG = 0, 4  # NETLINK_ROUTE, NETLINK_SOCK_DIAG
DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
GET_LINK, DIAG_BY_FAMILY = 18, 20  # RTM_GETLINK, SOCK_DIAG_BY_FAMILY


def _checksum(text):
    total = sum(struct.unpack(f"!{(len(text) + 1) // 2}H", text + bytes(len(text) % 2)))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def _echo(text):
    body = text.encode()
    head = struct.pack("!BBHHH", 8, 0, 0, 1, 1)
    return struct.pack("!BBHHH", 8, 0, _checksum(head + body), 1, 1) + body


def _echoed(kind, host, text):
    with socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP) as peer:
        peer.settimeout(PATIENCE)
        peer.sendto(_echo(text), (host, 0))
        yield peer.recv(65535)


def ping(host, text):
    """A datagram socket of ICMP (icmp(7))."""
    return _echoed(socket.SOCK_DGRAM, host, text)


def ping6(host, text):
    """The same for IPv6."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6) as peer:
        peer.settimeout(PATIENCE)
        peer.sendto(struct.pack("!BBHHH", 128, 0, 0, 1, 1) + text.encode(), (host, 0, 0, 0))
        yield peer.recv(65535)


def icmp(host, text):
    """A raw socket of ICMP."""
    return _echoed(socket.SOCK_RAW, host, text)


def raw(host, text):
    """A raw socket whose packets carry a head of our own: a UDP packet that no UDP socket has sent."""
    body = text.encode()
    packet = struct.pack("!4H", 4000, 4444, 8 + len(body), 0) + body
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, 17, 0, bytes(4), socket.inet_aton(host))
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as peer:
        peer.sendto(head + packet, (host, 0))


def packet(interface, host, text):
    """A frame, written to the wire itself (packet(7))."""
    body = text.encode()
    udp = struct.pack("!4H", 4000, 4444, 8 + len(body), 0) + body
    # The source is nobody: who answers does not matter.
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, bytes(4), socket.inet_aton(host))
    head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
    frame = b"\xff" * 6 + b"\x02\0\0\0\0\1" + struct.pack("!H", 0x0800) + head + udp
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as peer:
        peer.bind((interface, 0x0800))
        peer.send(frame)


def _dumped(protocol, message):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as kernel:
        kernel.settimeout(PATIENCE)
        kernel.sendto(message, (0, 0))
        while chunk := kernel.recv(65535):
            yield chunk
            # NLMSG_DONE ends a dump, NLMSG_ERROR too; a kernel without the module in question says so by ENOENT.
            told = struct.unpack_from("=H", chunk, 4)[0]
            if told == 2 and (error := -struct.unpack_from("=i", chunk, 16)[0]):
                raise OSError(error, os.strerror(error))
            if told in (2, 3):
                return


def links(_text):
    """What the kernel tells of its interfaces by netlink, alias and all."""
    body = struct.pack("=BxHiII", 0, 0, 0, 0, 0)
    return _dumped(ROUTE, struct.pack("=IHHII", 16 + len(body), GET_LINK, DUMP, 1, 0) + body)


def diagnosis(port):
    """Who listens on this machine, by NETLINK_SOCK_DIAG (sock_diag(7)): looks for one port."""
    body = struct.pack("=BBBxI48x", socket.AF_INET, socket.IPPROTO_TCP, 0, 1 << 10)
    for chunk in _dumped(SOCK_DIAG, struct.pack("=IHHII", 16 + len(body), DIAG_BY_FAMILY, DUMP, 1, 0) + body):
        if struct.pack("!H", int(port)) in chunk:
            yield f"listens: {port}"


def kind(family, sort, protocol):
    """A socket of three numbers: the kernel makes it, or says what it lacks."""
    with socket.socket(int(family), int(sort), int(protocol)) as made:
        yield f"made: {os.readlink(f'/proc/self/fd/{made.fileno()}').split(':')[0]} {made.family} {made.type}"
