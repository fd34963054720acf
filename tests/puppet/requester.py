"""A puppet MCP server whose calls run side by side, and which goes on asking for pages while nobody has called it.

Tools: `http_request` and `search` {"url", "known"} ask for a page; `watch_begin` {"urls", "pause"} and `watch_end` {}
surround a time in which a thread asks for the pages in turn. Every attempt is told with its word, and with the
nanoseconds of the clock of the day at which it began and ended.

A page is asked for by its name, or (`known`, and every second attempt of the thread) without a look-up at the address
where it was found before.
"""

import json
import os
import socket
import sys
import threading
import time

lock = threading.Lock()
watching = threading.Event()
attempts = []
watchers = []
places = {}


# A packet of a connection whose time is over gets no answer. A call waits so long that it is told as wrong; the thread
# would spend all of its time on a few such attempts, and not make the many that are wanted.
PATIENCE, IMPATIENCE = 3, 0.1


def page(url, known, timeout):
    """One page over plain HTTP, on a connection of its own, which waits `timeout` seconds at most for each step."""
    name, _, path = url.removeprefix("http://").partition("/")
    with socket.create_connection((places.get(name, name) if known else name, 80), timeout=timeout) as peer:
        places[name] = peer.getpeername()[0]
        peer.sendall(f"GET /{path} HTTP/1.0\r\nHost: {name}\r\n\r\n".encode())
        text = b""
        while chunk := peer.recv(65536):
            text += chunk
    return text.decode("utf-8", "replace")


def attempt(url, known, timeout=PATIENCE):
    began = time.time_ns()
    try:
        text, error = page(url, known, timeout), None
    except OSError as failed:
        text, error = "", str(failed)
    return {"url": url, "known": known, "began": began, "ended": time.time_ns(), "text": text, "error": error}


def request(url, known=False):
    return attempt(url, known)


def watch(urls, pause):
    number = 0
    while watching.is_set():
        word = f"token{os.urandom(6).hex()}"
        # By turns: each page by its name, and then each at its address.
        known = number // len(urls) % 2 == 1
        told = attempt(urls[number % len(urls)] + word, known, IMPATIENCE)
        attempts.append({"word": word, **told})
        number += 1
        time.sleep(pause)


def watch_begin(urls, pause):
    watching.set()
    watchers.append(threading.Thread(target=watch, args=(urls, pause), daemon=True))
    watchers[-1].start()
    return {}


def watch_end():
    watching.clear()
    for watcher in watchers:
        watcher.join()
    return {"attempts": attempts}


TOOLS = {"http_request": request, "search": request, "watch_begin": watch_begin, "watch_end": watch_end}


def out(message):
    with lock:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def call(number, params):
    told = TOOLS[params["name"]](**params.get("arguments", {}))
    out({"jsonrpc": "2.0", "id": number, "result": {"content": [{"type": "text", "text": json.dumps(told)}]}})


def answer(method, params):
    if method == "initialize":
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "requester", "version": "1"},
        }
    if method == "tools/list":
        return {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in TOOLS]}
    return {}


for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    if message["method"] == "tools/call":
        threading.Thread(target=call, args=(message["id"], message["params"]), daemon=True).start()
    else:
        result = answer(message["method"], message.get("params", {}))
        out({"jsonrpc": "2.0", "id": message["id"], "result": result})
