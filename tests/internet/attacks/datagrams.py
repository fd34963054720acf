"""Datagrams: every call that sends one, every way to write an address."""

import ctypes
import os
import socket
import struct

from streams import _dissolve, _place

PATIENCE = 1.0


def _open(host):
    peer = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    peer.settimeout(PATIENCE)
    return peer


def _answer(peer):
    try:
        yield peer.recv(65535)
    except TimeoutError:
        yield "no answer"


def sendto(host, port, text):
    """sendto(2)."""
    with _open(host) as peer:
        peer.sendto(text.encode(), _place(host, port)[1])
        yield from _answer(peer)


def connected(host, port, text):
    """connect(2), then write(2)."""
    with _open(host) as peer:
        peer.connect(_place(host, port)[1])
        os.write(peer.fileno(), text.encode())
        yield from _answer(peer)


def sendmsg(host, port, text):
    """sendmsg(2)."""
    with _open(host) as peer:
        peer.sendmsg([text.encode()], [], 0, _place(host, port)[1])
        yield from _answer(peer)


class _Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("length", ctypes.c_size_t)]


class _Message(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p), ("name_length", ctypes.c_uint32), ("vectors", ctypes.POINTER(_Vector)),
        ("count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    ]


class _Counted(ctypes.Structure):
    _fields_ = [("message", _Message), ("sent", ctypes.c_uint)]


def _raw(host, port, family=socket.AF_INET):
    return struct.pack("=H", family) + struct.pack("!H4s8x", int(port), socket.inet_aton(host))


def sendmmsg(first, host, port, text):
    """sendmmsg(2): two messages in one call, the first to one who may be reached."""
    libc = ctypes.CDLL(None, use_errno=True)
    with _open(host) as peer:
        messages = (_Counted * 2)()
        kept = []
        for index, to in enumerate((first, host)):
            body = text.encode() if to == host else b"nothing"
            name, vector = _raw(to, port), _Vector(body, len(body))
            kept += [name, body, vector]
            messages[index].message = _Message(name, len(name), ctypes.pointer(vector), 1, None, 0, 0)
        if libc.sendmmsg(peer.fileno(), messages, 2, 0) < 0:
            raise OSError(ctypes.get_errno(), "sendmmsg")
        yield from _answer(peer)


def reconnected(first, host, port, text):
    """Connected to one, dissolved, and sent to another."""
    with _open(host) as peer:
        peer.connect(_place(first, port)[1])
        _dissolve(peer)
        peer.sendto(text.encode(), _place(host, port)[1])
        yield from _answer(peer)


def beside(first, host, port, text):
    """Connected to one, and sent to another by sendto(2), which does not care."""
    with _open(host) as peer:
        peer.connect(_place(first, port)[1])
        peer.sendto(text.encode(), _place(host, port)[1])


def unspecified(host, port, text):
    """An address that says to be of no family (AF_UNSPEC), which counts as IPv4."""
    libc = ctypes.CDLL(None, use_errno=True)
    with _open(host) as peer:
        name, body = _raw(host, port, socket.AF_UNSPEC), text.encode()
        if libc.sendto(peer.fileno(), body, len(body), 0, name, len(name)) < 0:
            raise OSError(ctypes.get_errno(), "sendto")
        yield from _answer(peer)


LOOSE = 131  # the loose source route of RFC 791


def routed(name, hop, port, text):
    """To an allowed name by a loose source route, so that the packet itself is addressed to the first hop."""
    address = socket.getaddrinfo(name, int(port), socket.AF_INET, socket.SOCK_DGRAM)[0][4]
    with _open(hop) as peer:
        option = bytes([LOOSE, 7, 4]) + socket.inet_aton(hop) + b"\0"
        peer.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, option)
        peer.sendto(text.encode(), address)


def routed_once(name, hop, port, text):
    """The same, with the route in an ancillary message of sendmsg (IP_RETOPTS)."""
    address = socket.getaddrinfo(name, int(port), socket.AF_INET, socket.SOCK_DGRAM)[0][4]
    with _open(hop) as peer:
        option = bytes([LOOSE, 7, 4]) + socket.inet_aton(hop) + b"\0"
        peer.sendmsg([text.encode()], [(socket.IPPROTO_IP, socket.IP_RETOPTS, option)], 0, address)


def segments(name, hop, port, text):
    """The same by IPv6: a segment routing header (RFC 8754), whose first segment is the hop."""
    address = socket.getaddrinfo(name, int(port), socket.AF_INET6, socket.SOCK_DGRAM)[0][4]
    # Next header, length, type 4, segments left, last entry, flags, tag; then the last segment first.
    head = struct.pack("!6BH", 0, 4, 4, 1, 1, 0, 0)
    final, first = socket.inet_pton(socket.AF_INET6, address[0]), socket.inet_pton(socket.AF_INET6, hop)
    with _open(hop) as peer:
        peer.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RTHDR, head + final + first)
        peer.sendto(text.encode(), address)


def quic(host, text):
    """The first packet of a QUIC connection (RFC 9000, long header); the text is its connection id."""
    name = text.encode()
    head = b"\xc3" + struct.pack("!I", 1) + bytes([len(name)]) + name + b"\0" + b"\0" + struct.pack("!H", 0x4000 | 1150)
    with _open(host) as peer:
        peer.sendto(head + bytes(1150), _place(host, 443)[1])
        yield from _answer(peer)
