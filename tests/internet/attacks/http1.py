"""Plain HTTP: requests whose host is read in one way by one reader, and in another way by the next."""

from streams import _listen, _open, _place


def _send(host, port, parts):
    with _open(host) as peer:
        peer.connect(_place(host, port)[1])
        for part in parts:
            peer.sendall(part.encode("latin-1"))
            yield from _listen(peer)


def _get(name, path="/", more=""):
    return f"GET {path} HTTP/1.1\r\nHost: {name}\r\n{more}\r\n"


def ask(host, port, *names):
    """One request after another on one connection, each to another host."""
    return _send(host, port, [_get(name) for name in names])


def pipelined(host, port, *names):
    """All requests in one segment."""
    return _send(host, port, ["".join(_get(name) for name in names)])


def absolute(host, port, name, other):
    """The target names one host, the field another (RFC 9112: the target counts)."""
    return _send(host, port, [f"GET http://{other}/ HTTP/1.1\r\nHost: {name}\r\n\r\n"])


def nameless(host, port):
    """HTTP/1.0, which needs no Host."""
    return _send(host, port, ["GET / HTTP/1.0\r\n\r\n"])


def old(host, port, name):
    """HTTP/1.0 with a Host."""
    return _send(host, port, [f"GET / HTTP/1.0\r\nHost: {name}\r\n\r\n"])


def body(host, port, name, other):
    """A second request behind the body of the first."""
    first = f"POST / HTTP/1.1\r\nHost: {name}\r\nContent-Length: 5\r\n\r\nhello"
    return _send(host, port, [first + _get(other)])


def chunked(host, port, name, other):
    """A second request behind a chunked body."""
    first = f"POST / HTTP/1.1\r\nHost: {name}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    return _send(host, port, [first + _get(other)])


def blank(host, port, name, other):
    """An empty line before the request (RFC 9112 section 2.2), and the field with spaces around its value."""
    return _send(host, port, [f"\r\nGET / HTTP/1.1\r\nhOsT:   {other}  \r\nX-Host: {name}\r\n\r\n"])


def unixy(host, port, name):
    """Lines that end as on Unix."""
    return _send(host, port, [f"GET / HTTP/1.1\nHost: {name}\n\n"])


def forwarded(host, port, other):
    """The target names a host, and there is no field (HTTP/1.0)."""
    return _send(host, port, [f"GET http://{other}/ HTTP/1.0\r\n\r\n"])


def slowly(host, port, name):
    """One byte in a segment."""
    import socket
    import time

    with _open(host) as peer:
        peer.connect(_place(host, port)[1])
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in _get(name).encode():
            peer.sendall(bytes([byte]))
            time.sleep(0.002)
        yield from _listen(peer)
