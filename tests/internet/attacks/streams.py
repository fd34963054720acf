"""Streams: to an address as it is written, by other protocols, by other calls, through others."""

import array
import errno
import os
import select
import socket
import struct
import time

PATIENCE = 3
MPTCP = 262
SCTP = 132
FAST_OPEN_CONNECT = 30  # TCP_FASTOPEN_CONNECT of tcp(7)
FAST_OPEN = 0x20000000  # MSG_FASTOPEN
TCP_REPAIR, TCP_REPAIR_WINDOW = 19, 29


def _place(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return family, socket.getaddrinfo(host, int(port), family, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)[0][4]


def _open(host, kind=socket.SOCK_STREAM, protocol=0):
    peer = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind, protocol)
    peer.settimeout(PATIENCE)
    return peer


def _talk(peer, text):
    """Says something, and listens until the other side has nothing more to say."""
    if text:
        peer.sendall(text.encode())
    yield from _listen(peer)


def _listen(peer):
    peer.settimeout(1)
    try:
        while chunk := peer.recv(65536):
            yield chunk
            peer.settimeout(0.3)
    except TimeoutError:
        pass


def connect(host, port, text):
    """By connect(2), to the address exactly as it is written."""
    with _open(host) as peer:
        peer.connect(_place(host, port)[1])
        yield from _talk(peer, text)


def _by(protocol, host, port, text):
    with _open(host, protocol=protocol) as peer:
        peer.connect(_place(host, port)[1])
        yield from _talk(peer, text)


def multipath(host, port, text):
    """MPTCP."""
    return _by(MPTCP, host, port, text)


def sctp(host, port, text):
    """SCTP, one to one."""
    return _by(SCTP, host, port, text)


def fast_open(host, port, text):
    """Connects by sending: MSG_FASTOPEN."""
    with _open(host) as peer:
        # A socket that may not wait would be told EINPROGRESS, and the text would stay here.
        peer.setblocking(True)
        peer.sendto(text.encode(), FAST_OPEN, _place(host, port)[1])
        yield from _listen(peer)


def fast_open_connect(host, port, text):
    """TCP_FASTOPEN_CONNECT: connect(2) sends nothing, the first write does."""
    with _open(host) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, FAST_OPEN_CONNECT, 1)
        peer.connect(_place(host, port)[1])
        yield from _talk(peer, text)


def _dissolve(peer):
    """connect(2) with AF_UNSPEC: the socket forgets its peer."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.connect(peer.fileno(), struct.pack("16x"), 16) < 0:
        raise OSError(ctypes.get_errno(), "connect AF_UNSPEC")


def reconnect(first, host, port, text):
    """Connects to one who may be reached, dissolves that, and connects the same socket to another."""
    with _open(first) as peer:
        peer.connect(_place(first, port)[1])
        _dissolve(peer)
        peer.connect(_place(host, port)[1])
        yield from _talk(peer, text)


def nonblocking(host, port, text):
    """A connect that does not wait, and a write when the kernel says that it is done."""
    with _open(host) as peer:
        peer.setblocking(False)
        number = peer.connect_ex(_place(host, port)[1])
        if number not in (0, errno.EINPROGRESS):
            raise OSError(number, "connect")
        select.select([], [peer], [], PATIENCE)
        number = peer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise OSError(number, "connect")
        peer.setblocking(True)
        yield from _talk(peer, text)


def bound(device, host, port, text):
    """From a socket that is bound to the wire's interface, so that no route is asked."""
    with _open(host) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        peer.connect(_place(host, port)[1])
        yield from _talk(peer, text)


def switched(first, host, port, text):
    """Two threads: one changes the address in memory while the other is in connect(2)."""
    import ctypes
    import threading

    libc = ctypes.CDLL(None, use_errno=True)
    addresses = [struct.pack("!2sH4s8x", struct.pack("=H", 2), int(port), socket.inet_aton(h)) for h in (first, host)]
    memory = ctypes.create_string_buffer(addresses[0], 16)
    until = time.monotonic() + 1.5
    done = threading.Event()

    def flip():
        turn = 0
        while not done.is_set():
            turn ^= 1
            ctypes.memmove(memory, addresses[turn], 16)

    threading.Thread(target=flip, daemon=True).start()
    try:
        while time.monotonic() < until:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as peer:
                if libc.connect(peer.fileno(), memory, 16) == 0 and peer.getpeername()[0] == host:
                    yield from _talk(peer, text)
                    return
    finally:
        done.set()


def passed(path, text):
    """A connection that a friend outside has made, received as a descriptor (SCM_RIGHTS)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(PATIENCE)
        peer.connect(path)
        _, ancillary, _, _ = peer.recvmsg(1, socket.CMSG_SPACE(4))
        number = array.array("i", ancillary[0][2])[0]
    with socket.socket(fileno=number) as far:
        yield from _talk(far, text)


def offer(port, text):
    """Listens on every address, and gives the text to the first who comes."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("0.0.0.0", int(port)))
        listener.listen(1)
        listener.settimeout(PATIENCE)
        peer, _ = listener.accept()
        with peer:
            peer.sendall(text.encode())


def relay(host, port, target, field=None):
    """CONNECT through a relay, and a page through that; the relay may be told another Host."""
    name, _ = target.rsplit(":", 1)
    with _open(host) as peer:
        peer.connect(_place(host, port)[1])
        peer.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {field or target}\r\n\r\n".encode())
        if b" 200" not in peer.recv(4096):
            return
        peer.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        yield from _listen(peer)


def _behind(seconds, act):
    """Does something so much later in a process that nobody waits for; the call is over by then."""
    if os.fork():
        return
    os.setsid()
    for number in range(3):
        os.close(number)
    time.sleep(seconds)
    try:
        act()
    finally:
        os._exit(0)


def _asked(peer, name, text):
    peer.sendall(f"GET /{text} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    peer.recv(4096)


def later(name, port, text, seconds):
    """Looks a name up now, and connects to its address when so much time has passed."""
    address = socket.getaddrinfo(name, int(port), socket.AF_INET, socket.SOCK_STREAM)[0][4]
    peer = _open(address[0])

    def act():
        peer.connect(address)
        _asked(peer, name, text)

    _behind(float(seconds), act)


def held(name, port, text, seconds):
    """Connects now, and asks for another page on that connection when so much time has passed."""
    peer = socket.create_connection((name, int(port)), timeout=PATIENCE)
    _asked(peer, name, "first")
    _behind(float(seconds), lambda: _asked(peer, name, text))


def held_encrypted(name, port, text, seconds):
    """The same within TLS."""
    import ssl

    context = ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt")
    plain = socket.create_connection((name, int(port)), timeout=PATIENCE)
    peer = context.wrap_socket(plain, server_hostname=name)
    _asked(peer, name, "first")
    _behind(float(seconds), lambda: _asked(peer, name, text))


def repaired(host, port, text):
    """A socket in repair is connected without a word to the other side (TCP_REPAIR, CAP_NET_ADMIN); then it speaks."""
    with _open(host) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        peer.connect(_place(host, port)[1])
        # Nobody has told of a window: where it begins, how wide it is, how wide it was, and the same for the other way.
        peer.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_WINDOW, struct.pack("=5I", 0, 65535, 65535, 65535, 0))
        # TCP_REPAIR_OFF_NO_WP: a probe would be answered by a reset before anything is said.
        peer.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, -1)
        peer.sendall(text.encode())
        time.sleep(0.1)


def scan(first, last, host):
    """Every port of loopback, both families: says at each open one what a relay of a name check might fall for."""
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    for loopback in ("127.0.0.1", "::1"):
        peer = _open(loopback)
        for port in range(int(first), int(last)):
            # A socket that was refused may try again, which is much quicker than another one. What was refused later
            # than asked is told once more before that.
            while (told := peer.connect_ex((loopback, port))) == errno.ECONNABORTED:
                pass
            if told in (errno.ECONNREFUSED, errno.EPERM, errno.EACCES):
                continue
            if told == 0:
                yield f"open: {loopback} {port}"
                try:
                    yield from _talk(peer, request)
                except OSError as error:
                    yield f"{error}"
            peer.close()
            peer = _open(loopback)
        peer.close()
