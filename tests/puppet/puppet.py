"""A puppet MCP server in plain Python: it does what the test tells it, attacks included, and reports errno.

It never decides whether an attack should succeed; the test does, once without a guard and once with it.
Every tool answers with one text item that holds JSON: {"ok": true, ...} or {"ok": false, "errno": "EACCES"}.
"""

import ctypes
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
received = []
next_request = 1000


def out(line):
    if isinstance(line, str):
        line = line.encode("utf-8", "surrogateescape")
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def failed(error):
    return {"ok": False, "errno": errno.errorcode.get(error.errno, str(error.errno)), "text": str(error)}


# ---- attacks by the language itself

def read(path):
    with open(path, "rb") as file:
        return {"text": file.read(65536).decode("utf-8", "replace")}


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return {}


def connect(host, port):
    with socket.create_connection((host, port), timeout=3) as peer:
        peer.sendall(b"stolen")
    return {}


def udp(host, port, text):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.sendto(text.encode(), (host, port))
    return {}


def udp_often(host, port, ms):
    """Datagrams one after another for so long: how many, what came of them, nanoseconds of each."""
    came = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        begun = time.monotonic_ns()
        until = begun + ms * 1_000_000
        while (now := time.monotonic_ns()) < until:
            for _ in range(64):
                try:
                    peer.sendto(b"x", (host, port))
                    what = "sent"
                except OSError as error:
                    what = errno.errorcode[error.errno]
                came[what] = came.get(what, 0) + 1
    return {"came": came, "each": (now - begun) // max(1, sum(came.values()))}


def unix(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.connect(path)
    return {}


def unix_datagram(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
        peer.sendto(b"stolen", path)
    return {}


def abstract(name):
    return unix("\0" + name)


def kill(pid, number):
    os.kill(pid, number)
    return {}


def spawn(argv, patience=20):
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=patience)
    except subprocess.TimeoutExpired as late:
        raise OSError(errno.ETIMEDOUT, f"{argv[0]} ran too long: {late.stdout}") from late
    told = {"stdout": done.stdout, "stderr": done.stderr}
    return {"status": done.returncode, **{name: text.decode("utf-8", "replace") for name, text in told.items()}}


def descriptors():
    found = []
    for number in range(256):
        try:
            facts = os.fstat(number)
            found.append({"number": number, "device": facts.st_dev, "inode": facts.st_ino})
        except OSError:
            pass
    return {"open": found}


def daemonise(path):
    """Double fork and setsid: the classic way to outlive whoever started you."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        daemon = os.fork()
        if daemon:
            os.write(writer, str(daemon).encode())
            os._exit(0)
        for number in range(600):
            try:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(str(number))
            except OSError:
                pass
            time.sleep(0.1)
        os._exit(0)
    os.wait()
    return {"pid": int(os.read(reader, 32))}


# ---- attacks by raw system calls, each in a child of its own: some are answered by a signal

def in_child(attack):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = {"ok": True, **(attack() or {})}
        except OSError as error:
            answer = failed(error)
        os.write(writer, json.dumps(answer).encode())
        os._exit(0)
    os.close(writer)
    answer = b""
    while chunk := os.read(reader, 65536):
        answer += chunk
    os.close(reader)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return {"ok": False, "errno": signal.Signals(os.WTERMSIG(status)).name}
    return json.loads(answer)


CALLS_THAT_FORK = {56, 57, 58, 435}


def call(number, *arguments):
    """A raw system call; a number is passed as it is, {"bytes": hex} and {"text": s} by address."""
    kept, words = [], []
    for argument in arguments:
        if isinstance(argument, dict):
            content = bytes.fromhex(argument["bytes"]) if "bytes" in argument else argument["text"].encode() + b"\0"
            buffer = ctypes.create_string_buffer(content, len(content))
            kept.append(buffer)
            words.append(ctypes.c_void_p(ctypes.addressof(buffer)))
        else:
            words.append(ctypes.c_ulong(argument & 0xFFFFFFFFFFFFFFFF))
    libc.syscall.restype = ctypes.c_long
    result = libc.syscall(ctypes.c_long(number), *words)
    if result == 0 and number in CALLS_THAT_FORK:
        os._exit(0)
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def memfd_exec(by):
    # /bin/true, copied into memory and executed from there: no file that a rule could name.
    memory = call(319, {"text": "payload"}, 0)
    with open("/bin/true", "rb") as file:
        os.write(memory, file.read())
    child = os.fork()
    if child == 0:
        try:
            if by == "execveat":
                argv = (ctypes.c_char_p * 2)(b"true", None)
                libc.syscall(ctypes.c_long(322), ctypes.c_long(memory), b"", argv, None, ctypes.c_long(0x1000))
                os._exit(ctypes.get_errno())
            os.execv(f"/proc/self/fd/{memory}", ["true"])
        except OSError as error:
            os._exit(error.errno)
    status = os.waitpid(child, 0)[1]
    if status:
        code = os.waitstatus_to_exitcode(status)
        raise OSError(code, os.strerror(code)) if code > 0 else OSError(errno.EPERM, f"signal {-code}")


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def process_vm_readv(pid):
    with open(f"/proc/{pid}/maps", encoding="ascii") as file:
        address = int(file.readline().split("-")[0], 16)
    page = ctypes.create_string_buffer(64)
    local, remote = Vector(ctypes.addressof(page), 64), Vector(address, 64)
    if libc.process_vm_readv(pid, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return {"elf": page.raw[1:4].decode("ascii", "replace")}


def pidfd_getfd(pid):
    process = call(434, pid, 0)
    call(438, process, 0, 0)


def tiocsti(high):
    """Pushes a character into a terminal as if it had been typed."""
    # Without a terminal the kernel must already refuse the request itself: EPERM, and not ENOTTY.
    request = 0x5412 | (high << 32)
    probe = ctypes.c_char(b"x")
    libc.syscall.restype = ctypes.c_long

    def ioctl(descriptor):
        arguments = (ctypes.c_long(16), ctypes.c_long(descriptor), ctypes.c_ulong(request))
        return libc.syscall(*arguments, ctypes.byref(probe))

    try:
        os.setsid()
        master = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
        libc.unlockpt(master)
        name = os.ptsname(master) if hasattr(os, "ptsname") else _ptsname(master)
        slave = os.open(name, os.O_RDWR)
    except OSError:
        slave = 0
    if ioctl(slave) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _ptsname(master):
    libc.ptsname.restype = ctypes.c_char_p
    name = libc.ptsname(master)
    if name is None:
        raise OSError(ctypes.get_errno(), "ptsname")
    return name.decode()


RAW = {
    "memfd_exec": memfd_exec,
    "process_vm_readv": process_vm_readv,
    "pidfd_getfd": pidfd_getfd,
    "tiocsti": tiocsti,
    "syscall": lambda number, arguments: {"result": call(number, *arguments)},
}


def raw(name, arguments):
    return in_child(lambda: RAW[name](**arguments))


# ---- what a test needs beside attacks

def noise(lines):
    for line in lines:
        out(line)
    return {}


def ask(method, params):
    """Sends a request of the server's own to the client; the answer shows up in `received`."""
    global next_request
    next_request += 1
    out(json.dumps({"jsonrpc": "2.0", "id": next_request, "method": method, "params": params}))
    return {"id": next_request}


def die(number):
    os.kill(os.getpid(), number)
    time.sleep(5)
    return {}


def stderr(text):
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
    return {}


TOOLS = {
    "echo": lambda text: {"text": text},
    "env": lambda: {"env": dict(os.environ)},
    "pids": lambda: {"pid": os.getpid(), "parent": os.getppid()},
    "received": lambda: {"lines": received},
    "sleep": lambda ms: time.sleep(ms / 1000) or {},
    "big": lambda bytes: {"text": "x" * bytes},
    "exit": lambda code: os._exit(code),
    "die": die,
    "noise": noise,
    "ask": ask,
    "stderr": stderr,
    "fail": lambda text: {"ok": False, "errno": "EIO", "text": text},
    "read": read,
    "write": write,
    "connect": connect,
    "udp": udp,
    "udp_often": udp_often,
    "unix": unix,
    "unix_datagram": unix_datagram,
    "abstract": abstract,
    "kill": kill,
    "spawn": spawn,
    "fetch": spawn,
    "descriptors": descriptors,
    "daemonise": daemonise,
    "raw": raw,
}


def run(name, arguments):
    try:
        return {"ok": True, **TOOLS[name](**arguments)}
    except OSError as error:
        return failed(error)


def answer(message):
    method, params = message.get("method"), message.get("params") or {}
    if method == "initialize":
        return {
            "protocolVersion": params.get("protocolVersion"),
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "puppet", "version": "1"},
        }
    if method == "ping":
        return {}
    if method == "tools/list":
        schema = {"type": "object"}
        return {"tools": [{"name": name, "description": name, "inputSchema": schema} for name in TOOLS]}
    if method == "tools/call" and params.get("name") == "content":
        return {"content": (params.get("arguments") or {})["items"]}
    if method == "tools/call" and params.get("name") in TOOLS:
        done = run(params["name"], params.get("arguments") or {})
        text = json.dumps(done)
        return {"content": [{"type": "text", "text": text}], "isError": params["name"] == "fail"}
    return None


for line in sys.stdin.buffer:
    received.append(line.decode("utf-8", "replace").rstrip("\n"))
    try:
        message = json.loads(line)
    except ValueError:
        continue
    if not isinstance(message, dict) or "id" not in message or "method" not in message:
        continue
    result = answer(message)
    reply = {"jsonrpc": "2.0", "id": message["id"]}
    if result is None:
        reply["error"] = {"code": -32601, "message": "no such method or tool"}
    else:
        reply["result"] = result
    out(json.dumps(reply))
