"""A puppet MCP server with a daemon that outlives it and goes on asking for pages, by every way that it has.

`survivor.py NOTES`; tools: `page` {"url"} asks for a page by its name; `leave` {"url"} starts the daemon. The daemon
writes a line before each attempt to the file NOTES: its word, its way, and when it began (nanoseconds of the clock of
the day). It ends when it cannot write, or after twenty seconds.

Ways: `name` looks the name up; `address` connects to where it was found before; `question` asks the resolver for a name
that nobody has; `kept` uses a connection that was made before, and `straight` one to a port where no names are checked.
"""

import json
import os
import socket
import struct
import sys
import time

LIFE = 20


def split(url):
    return url.removeprefix("http://").partition("/")[::2]


def head(name, path):
    return f"GET /{path} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()


def ask(peer, name, path):
    peer.sendall(head(name, path))
    if not (text := peer.recv(65536)):
        raise ConnectionError("closed")
    return text.decode("utf-8", "replace")


def echo(peer, word):
    # No call with an address: only programs that see packets see it.
    os.write(peer.fileno(), word.encode())
    if peer.recv(65536) != word.encode():
        raise ConnectionError("closed")


def page(url):
    name, path = split(url)
    try:
        with socket.create_connection((name, 80), timeout=2) as peer:
            return {"text": ask(peer, name, path)}
    except OSError as error:
        return {"error": str(error)}


def question(resolver, word):
    labels = [word.encode(), b"cdn", b"example"]
    name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(1)
        peer.sendto(struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + name + struct.pack("!2H", 1, 1), (resolver, 53))
        peer.recv(4096)


def survive(url, notes):
    name, _ = split(url)
    address = socket.gethostbyname(name)
    resolver = next(line.split()[1] for line in open("/etc/resolv.conf") if line.startswith("nameserver"))
    kept = socket.create_connection((name, 80), timeout=2)
    straight = socket.create_connection(("n0.crowd.example", 7000), timeout=2)
    straight.recv(65536)

    def by(where, word):
        with socket.create_connection((where, 80), timeout=2) as peer:
            ask(peer, name, word)

    ways = {
        "name": lambda word: by(name, word),
        "address": lambda word: by(address, word),
        "question": lambda word: question(resolver, word),
        "kept": lambda word: ask(kept, name, word),
        "straight": lambda word: echo(straight, word),
    }
    until = time.monotonic() + LIFE
    while time.monotonic() < until:
        for way, attempt in ways.items():
            word = f"token{os.urandom(6).hex()}"
            os.write(notes, f"{word} {way} {time.time_ns()}\n".encode())
            try:
                attempt(word)
            except OSError:
                # What has arrived is seen on the far side.
                pass
        time.sleep(0.03)


def leave(url):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        try:
            # Nobody waits for what it says on the session's pipes.
            quiet = os.open("/dev/null", os.O_RDWR)
            for stream in range(3):
                os.dup2(quiet, stream)
            survive(url, os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        finally:
            os._exit(0)
    return {}


TOOLS = {"page": page, "leave": leave}


def answer(method, params):
    if method == "initialize":
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "survivor", "version": "1"},
        }
    if method == "tools/list":
        return {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in TOOLS]}
    if method == "tools/call":
        told = TOOLS[params["name"]](**params.get("arguments", {}))
        return {"content": [{"type": "text", "text": json.dumps(told)}]}
    return {}


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        result = answer(message["method"], message.get("params", {}))
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}) + "\n")
        sys.stdout.flush()
