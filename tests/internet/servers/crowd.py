"""Ten thousand hosts in one process: whoever connects is told the secret, and then hears what he says.

`crowd.py SETTINGS` reads JSON: {"port", "log", "secret"}. Every address of the machine is listened on; each address
that somebody has connected to is written down.
"""

import json
import selectors
import socket
import sys

settings = json.load(open(sys.argv[1]))
secret = settings["secret"].encode()
log = open(settings["log"], "a", buffering=1)
events = selectors.DefaultSelector()
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", settings["port"]))
listener.listen(4096)
listener.setblocking(False)
events.register(listener, selectors.EVENT_READ)
log.write("listening\n")


def arrive():
    peer, _ = listener.accept()
    log.write(f"reached {peer.getsockname()[0]}\n")
    events.register(peer, selectors.EVENT_READ)
    peer.sendall(secret)


def echo(peer):
    chunk = peer.recv(65536)
    if chunk:
        peer.sendall(chunk)
    else:
        events.unregister(peer)
        peer.close()


while True:
    for key, _ in events.select():
        try:
            arrive() if key.fileobj is listener else echo(key.fileobj)
        except OSError:
            if key.fileobj is not listener:
                events.unregister(key.fileobj)
                key.fileobj.close()
