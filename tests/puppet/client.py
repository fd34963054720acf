"""A client that is there to be killed: it starts the command, shakes hands, and calls tools until it dies."""

import json
import subprocess
import sys

server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
print(server.pid, flush=True)


def send(**message):
    server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    server.stdin.flush()


info = {"name": "doomed", "version": "1"}
send(id=0, method="initialize", params={"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": info})
server.stdout.readline()
send(method="notifications/initialized")
number = 0
while True:
    number += 1
    send(id=number, method="tools/call", params={"name": "echo", "arguments": {"text": "x" * (number % 5000)}})
    if not server.stdout.readline():
        break
