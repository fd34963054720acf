"""Who listens beside the web: a tap on the wire, streams and datagrams on odd ports, a database, a relay.

`collector.py SETTINGS` reads JSON: {"interface", "wire", "log", "streams", "datagrams", "databases", "relays",
"callers", "secrets"}.
Whatever arrives is written down; every stream and every datagram is answered with the secret of its place.
"""

import json
import re
import socket
import struct
import sys
import threading
import time

TOKEN = re.compile(rb"token[0-9a-f]{12}", re.IGNORECASE)
OUTGOING = 4  # PACKET_OUTGOING of packet(7)
EVERYTHING = 3  # ETH_P_ALL


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def place(address):
    """A socket address; a link-local one is written ADDRESS%INTERFACE."""
    host, port = address
    return socket.getaddrinfo(host, port, family(host))[0][4]


def log(file, line):
    file.write(line + "\n")
    file.flush()


# ---- the wire

def destination(frame):
    """Where a frame goes, by its own headers: address, protocol, port."""
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == 0x0800 and len(frame) >= 34:
        start = 14 + (frame[14] & 15) * 4
        return socket.inet_ntop(socket.AF_INET, frame[30:34]), frame[23], port(frame, start, frame[23])
    if kind == 0x86DD and len(frame) >= 54:
        return socket.inet_ntop(socket.AF_INET6, frame[38:54]), frame[20], port(frame, 54, frame[20])
    return f"ethertype-{kind:04x}", 0, 0


def port(frame, start, protocol):
    has_ports = protocol in (6, 17, 132) and len(frame) >= start + 4
    return struct.unpack_from("!H", frame, start + 2)[0] if has_ports else 0


def tap(interface, file):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERYTHING)) as wire:
        wire.bind((interface, EVERYTHING))
        log(file, "tapped")
        while True:
            frame, (_, _, direction, _, _) = wire.recvfrom(65535)
            tokens = set(TOKEN.findall(frame))
            if direction == OUTGOING or not tokens:
                continue
            address, protocol, number = destination(frame)
            # What stays on loopback is no wire.
            if not address.startswith("127.") and address != "::1":
                for token in tokens:
                    log(file, f"{token.decode().lower()} to {address} protocol {protocol} port {number}")


# ---- streams and datagrams

def listen(address, serve):
    listener = socket.socket(family(address[0]), socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
    listener.bind(place(address))
    listener.listen(64)

    def accept():
        while True:
            peer, _ = listener.accept()
            threading.Thread(target=guarded, args=(serve, peer), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def guarded(serve, peer):
    with peer:
        peer.settimeout(10)
        try:
            serve(peer)
        except OSError:
            pass


def stream(file, address, secret):
    def serve(peer):
        peer.sendall(secret)
        while chunk := peer.recv(65536):
            for token in TOKEN.findall(chunk):
                log(file, f"{token.decode().lower()} by a stream to {address[0]} port {address[1]}")

    listen(address, serve)


def datagrams(file, address, secret):
    peer = socket.socket(family(address[0]), socket.SOCK_DGRAM)
    peer.bind(place(address))

    def echo():
        while True:
            text, sender = peer.recvfrom(65535)
            for token in TOKEN.findall(text):
                log(file, f"{token.decode().lower()} by a datagram to {address[0]} port {address[1]}")
            peer.sendto(secret, sender)

    threading.Thread(target=echo, daemon=True).start()


def caller(file, address, source):
    """Tries again and again to reach somebody who should not be there to be reached, and writes down what they say."""
    def call():
        while True:
            try:
                with socket.create_connection(tuple(address), timeout=1, source_address=(source, 0)) as peer:
                    for token in TOKEN.findall(peer.recv(4096)):
                        log(file, f"{token.decode().lower()} by a listener at {address[0]} port {address[1]}")
            except OSError:
                pass
            time.sleep(0.1)

    threading.Thread(target=call, daemon=True).start()


# ---- a database: as much of PostgreSQL's protocol (version 3.0) as one question needs

def exactly(peer, length):
    text = b""
    while len(text) < length:
        chunk = peer.recv(length - len(text))
        if not chunk:
            raise OSError("the peer has gone")
        text += chunk
    return text


def message(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


READY = message(b"Z", b"I")
REFUSED_ENCRYPTION = {80877103, 80877104}


def database(address, secret):
    column = b"answer\0" + struct.pack("!IHIhih", 0, 0, 25, -1, -1, 0)
    row = message(b"D", struct.pack("!HI", 1, len(secret)) + secret)
    answer = message(b"T", struct.pack("!H", 1) + column) + row + message(b"C", b"SELECT 1\0") + READY

    def serve(peer):
        while True:
            length, code = struct.unpack("!II", exactly(peer, 8))
            exactly(peer, length - 8)
            if code not in REFUSED_ENCRYPTION:
                break
            peer.sendall(b"N")
        peer.sendall(message(b"R", struct.pack("!I", 0)) + message(b"S", b"server_version\00015.0\0") + READY)
        while (kind := exactly(peer, 1)) != b"X":
            exactly(peer, struct.unpack("!I", exactly(peer, 4))[0] - 4)
            if kind == b"Q":
                peer.sendall(answer)

    listen(address, serve)


# ---- a relay: CONNECT of RFC 9110, to whomever

def relay(address):
    def serve(peer):
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = peer.recv(4096)
            if not chunk:
                return
            head += chunk
        first, rest = head.split(b"\r\n\r\n", 1)
        words = first.split(b"\r\n")[0].decode().split()
        if words[0] != "CONNECT":
            peer.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return
        host, number = words[1].rsplit(":", 1)
        with socket.create_connection((host.strip("[]"), int(number)), timeout=5) as far:
            peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            far.sendall(rest)
            back = threading.Thread(target=pour, args=(far, peer), daemon=True)
            back.start()
            pour(peer, far)
            back.join()

    listen(address, serve)


def pour(source, target):
    try:
        while chunk := source.recv(65536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        settings = json.load(file)
    arrived = open(settings["log"], "a", encoding="utf-8")
    secrets = {name: text.encode() for name, text in settings["secrets"].items()}
    for address in settings["streams"]:
        stream(arrived, address, secrets["stream"])
    for address in settings["datagrams"]:
        datagrams(arrived, address, secrets["datagram"])
    for address, name in settings["databases"]:
        database(address, secrets[name])
    for address in settings["relays"]:
        relay(address)
    for address, source in settings["callers"]:
        caller(arrived, address, source)
    log(arrived, "listening")
    if settings["interface"]:
        tap(settings["interface"], open(settings["wire"], "a", encoding="utf-8"))
    threading.Event().wait()


main()
