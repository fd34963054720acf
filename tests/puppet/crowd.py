"""A puppet MCP server that looks up thousands of names and tries their addresses. Its calls run side by side.

Host number N of the crowd is nN.crowd.example at 93.185.(N / 250).(1 + N % 250), port 7000.

`learn` {"first", "count"} asks for addresses; `reach` {"numbers"} connects to addresses; `edges` {"numbers", "life",
"margin"} connects to each a little before and a little after its end, which is `life` seconds after its answer; `hold`
{"number"} opens a connection, and `held` {"text"} says something on it; `limit` {} tells how many files may be open.
"""

import collections
import errno
import json
import resource
import socket
import struct
import sys
import threading
import time

PORT = 7000
WINDOW = 48
PATIENCE = 3

lock = threading.Lock()
asked = {}
kept = {}


def place(number):
    return f"93.185.{number // 250}.{1 + number % 250}"


def question(number):
    labels = [f"n{number}", "crowd", "example"]
    name = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + name + struct.pack("!2H", 1, 1)


def resolver():
    for line in open("/etc/resolv.conf"):
        if line.startswith("nameserver"):
            return line.split()[1]


def learn(first, count):
    """Asks for each name, a few at a time; what is lost is asked for again."""
    begun, told = time.monotonic(), collections.Counter()
    wrong, waiting, next_one = [], {}, first
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.connect((resolver(), 53))
        peer.settimeout(1)
        while waiting or next_one < first + count:
            while len(waiting) < WINDOW and next_one < first + count:
                waiting[next_one] = time.monotonic()
                peer.send(question(next_one))
                next_one += 1
            try:
                answer = peer.recv(4096)
            except TimeoutError:
                for number in list(waiting):
                    peer.send(question(number))
                continue
            number, flags, _, answers = struct.unpack_from("!4H", answer)
            if number not in waiting:
                continue
            asked[number] = (waiting.pop(number), time.monotonic())
            told["refused" if flags & 15 else "answered"] += 1
            if not flags & 15 and (answers != 1 or socket.inet_ntoa(answer[-4:]) != place(number)):
                wrong.append(number)
    return {**told, "wrong": wrong, "seconds": time.monotonic() - begun}


def attempt(number):
    """`ok` with the host's own word, or the name of the error."""
    try:
        with socket.create_connection((place(number), PORT), timeout=PATIENCE) as peer:
            return "ok", peer.recv(1024).decode()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error)), ""


def reach(numbers):
    tried = [(number, *attempt(number)) for number in numbers]
    outcomes = collections.Counter(outcome for _, outcome, _ in tried)
    return {"outcomes": outcomes, "words": sorted({word for _, _, word in tried if word})}


def edges(numbers, life, margin):
    """Each attempt with the time that was left to its end when it began and when it was over, in seconds."""
    events = []
    for number in numbers:
        sent, received = asked[number]
        events.append((sent + life - margin, number, "before", sent + life))
        events.append((received + life + margin / 4, number, "after", received + life))
    told = []
    for at, number, side, end in sorted(events):
        time.sleep(max(0, at - time.monotonic()))
        began = end - time.monotonic()
        outcome, _ = attempt(number)
        told.append({"side": side, "outcome": outcome, "began": began, "over": end - time.monotonic()})
    return {"attempts": told}


def hold(number):
    kept["peer"] = socket.create_connection((place(number), PORT), timeout=PATIENCE)
    return {"word": kept["peer"].recv(1024).decode()}


def held(text):
    kept["peer"].sendall(text.encode())
    return {"heard": kept["peer"].recv(1024).decode()}


def limit():
    return {"soft": resource.getrlimit(resource.RLIMIT_NOFILE)[0]}


TOOLS = {"limit": limit, "learn": learn, "reach": reach, "edges": edges, "hold": hold, "held": held}


def out(message):
    with lock:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def call(number, params):
    try:
        told = TOOLS[params["name"]](**params.get("arguments", {}))
    except Exception as error:
        told = {"error": repr(error)}
    out({"jsonrpc": "2.0", "id": number, "result": {"content": [{"type": "text", "text": json.dumps(told)}]}})


def answer(method, params):
    if method == "initialize":
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "crowd", "version": "1"},
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
