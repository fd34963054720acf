"""TLS: a ClientHello written by hand (RFC 5246), and whole connections that say one name and mean another.

A server of TLS 1.2 answers a ClientHello with its certificate in clear text, so that a name check which let it through
is seen without any cryptography: the certificate carries the host's secret.
"""

import os
import socket
import struct
import time

from streams import _open, _place

SERVER_NAME, ENCRYPTED_HELLO, PADDING = 0, 0xFE0D, 21
ANCHOR = "/etc/ssl/certs/ca-certificates.crt"


def _vector(width, text):
    return len(text).to_bytes(width, "big") + text


def _extension(number, text):
    return struct.pack("!H", number) + _vector(2, text)


def _name_entry(name):
    return b"\0" + _vector(2, name.encode())


def _names(*names):
    return _extension(SERVER_NAME, _vector(2, b"".join(_name_entry(name) for name in names)))


def _ordinary():
    """Groups, point formats, signature algorithms: what a server of TLS 1.2 with elliptic curves wants."""
    groups = _extension(10, _vector(2, struct.pack("!2H", 23, 24)))
    formats = _extension(11, _vector(1, b"\0"))
    algorithms = _extension(13, _vector(2, struct.pack("!3H", 0x0403, 0x0804, 0x0401)))
    return groups + formats + algorithms


def _hello(extensions):
    suites = struct.pack("!3H", 0xC02B, 0xC02F, 0xC009)
    body = b"\x03\x03" + os.urandom(32) + _vector(1, b"") + _vector(2, suites) + _vector(1, b"\0") + _vector(2, extensions)
    return b"\x01" + _vector(3, body)


def _records(message, *cuts):
    parts, start = [], 0
    for end in [*cuts, len(message)]:
        parts.append(message[start:end])
        start = end
    return [b"\x16\x03\x01" + _vector(2, part) for part in parts if part]


def _ask(host, port, pieces, pause=0.0):
    with _open(host) as peer:
        peer.connect(_place(host, port)[1])
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            peer.sendall(piece)
            time.sleep(pause)
        peer.settimeout(1)
        answer = b""
        try:
            while b"\x0e\x00\x00\x00" not in answer and (chunk := peer.recv(65536)):
                answer += chunk
        except OSError as error:
            yield f"{error}"
        yield answer


def hello(host, port, *names):
    """A ClientHello with one server name, several of them in one list, or none."""
    return _ask(host, port, _records(_hello((_names(*names) if names else b"") + _ordinary())))


def twice(host, port, first, second):
    """Two extensions of server names."""
    return _ask(host, port, _records(_hello(_names(first) + _ordinary() + _names(second))))


def last(host, port, name):
    """The server name behind 12 kilobytes of padding."""
    padding = _extension(PADDING, bytes(12000))
    return _ask(host, port, _records(_hello(_ordinary() + padding + _names(name))))


def records(host, port, name):
    """Split over records in the middle of the name; the pieces leave in one write."""
    message = _hello(_ordinary() + _names(name))
    at = message.find(name.encode()) + len(name) // 2
    return _ask(host, port, [b"".join(_records(message, 3, at))])


def segments(host, port, name):
    """Split over segments, inside of the record's head and inside of the name."""
    text = b"".join(_records(_hello(_ordinary() + _names(name))))
    at = text.find(name.encode()) + len(name) // 2
    return _ask(host, port, [text[:2], text[2:at], text[at:]], pause=0.05)


def slowly(host, port, name):
    """One byte in a segment."""
    text = b"".join(_records(_hello(_ordinary() + _names(name))))
    return _ask(host, port, [bytes([byte]) for byte in text], pause=0.002)


def encrypted(host, port, outer):
    """With an extension of ECH (draft-ietf-tls-esni): the outer name is in clear text."""
    inner = b"\0" + struct.pack("!2H", 1, 1) + b"\x2a" + _vector(2, os.urandom(32)) + _vector(2, os.urandom(160))
    return _ask(host, port, _records(_hello(_names(outer) + _ordinary() + _extension(ENCRYPTED_HELLO, inner))))


def odd(host, port, name):
    """Another spelling of the same name: upper case."""
    return hello(host, port, name.upper())


def crowd(name, count, patience):
    """So many connections at once: each says its hello by hand, hears the certificate, and stays."""
    import resource
    import selectors

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    text = b"".join(_records(_hello(_names(name) + _ordinary())))
    waiting, answered, failed = selectors.DefaultSelector(), [], []
    for number in range(int(count)):
        if number % 256 == 0:
            # On a slow machine a name ends before its last connection.
            found = socket.getaddrinfo(name, 443, socket.AF_INET, socket.SOCK_STREAM)
            addresses = [entry[4] for entry in found]
        peer = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            peer.connect(addresses[number % len(addresses)])
            peer.sendall(text)
        except OSError as error:
            failed.append(str(error))
            continue
        waiting.register(peer, selectors.EVENT_READ, [b""])
        if number % 64 == 0:
            _collect(waiting, name, answered, failed, 0)
    until = time.monotonic() + float(patience)
    while waiting.get_map() and time.monotonic() < until:
        _collect(waiting, name, answered, failed, 1)
    yield f"at once: {len(answered)} failed: {len(failed)} {failed[:1]} silent: {len(waiting.get_map())}"
    with socket.create_connection((name, 443), timeout=float(patience) / 4) as one_more:
        one_more.sendall(text)
        yield f"one more: {len(one_more.recv(65536)) > 500}"


def _collect(waiting, name, answered, failed, patience):
    for key, _ in waiting.select(patience):
        try:
            chunk = key.fileobj.recv(65536)
        except OSError as error:
            chunk, key.data[0] = b"", str(error).encode()
        key.data[0] += chunk
        if f"secret-of-{name}".encode() in key.data[0]:
            answered.append(waiting.unregister(key.fileobj).fileobj)
        elif not chunk:
            waiting.unregister(key.fileobj)
            failed.append(f"closed: {key.data[0][:40]}")


def bulk(name, path):
    """A long page over a whole connection to a name: how much of it came, and its end."""
    import ssl

    context = ssl.create_default_context(cafile=ANCHOR)
    with socket.create_connection((name, 443), timeout=5) as plain:
        with context.wrap_socket(plain, server_hostname=name) as peer:
            peer.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            count, end = 0, b""
            while chunk := peer.recv(65536):
                count += len(chunk)
                end = (end + chunk)[-100:]
    yield f"{count} bytes"
    yield end


def page(host, port, sni, name):
    """A whole connection: to an address, with a server name (`-`: none), and a Host inside."""
    import ssl

    context = ssl.create_default_context(cafile=ANCHOR)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with _open(host) as plain:
        plain.connect(_place(host, port)[1])
        with context.wrap_socket(plain, server_hostname=None if sni == "-" else sni) as peer:
            peer.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            while chunk := peer.recv(65536):
                yield chunk
