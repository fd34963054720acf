"""An MCP server on the official Python SDK whose background thread tries all the time what only its tools may do.

`read_file` may read one path while it runs, `fetch` may connect to one port while it runs. The thread tries both in
turn, for ever, and writes down when each attempt began and ended and whether it succeeded; the tools write down when
they ran. The test compares the two: it decides, this program only reports.

usage: windows.py PATH PORT REPORT
"""

import errno
import json
import socket
import sys
import threading
import time

from mcp.server import MCPServer

# What the machine's own file of hosts says of the name that `fetch` may reach.
ADDRESS = "93.184.216.34"

path, port, report = sys.argv[1], int(sys.argv[2]), sys.argv[3]
server = MCPServer("windows")
attempts = []
windows = []
going = True


def read():
    with open(path, encoding="utf-8") as file:
        return file.read()


def connect():
    # The kernel judges the call; whether anybody answers does not matter, and is not waited for.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as peer:
        peer.setblocking(False)
        error = peer.connect_ex((ADDRESS, port))
    if error not in (0, errno.EINPROGRESS, errno.ECONNREFUSED):
        raise OSError(error, "connect")


def attempt(kind, action):
    began = time.monotonic_ns()
    try:
        action()
        error = 0
    except OSError as failed:
        error = failed.errno
    attempts.append((kind, began, time.monotonic_ns(), error))


def background():
    while going:
        attempt("read", read)
        attempt("connect", connect)
        time.sleep(0)


def during(kind, seconds, action):
    """Does the tool's own work, then stays for a while so that the thread gets its chance."""
    began = time.monotonic_ns()
    action()
    time.sleep(seconds)
    windows.append((kind, began, time.monotonic_ns()))


@server.tool()
def read_file(seconds: float) -> str:
    """Reads the one file."""
    during("read", seconds, read)
    return "read"


@server.tool()
def fetch(seconds: float) -> str:
    """Connects to the one port."""
    during("connect", seconds, connect)
    return "fetched"


@server.tool()
def finish() -> str:
    """Ends the thread and writes the report."""
    global going
    going = False
    thread.join()
    with open(report, "w", encoding="utf-8") as file:
        json.dump({"attempts": attempts, "windows": windows}, file)
    return str(len(attempts))


thread = threading.Thread(target=background, daemon=True)
thread.start()
server.run()
