"""Others on the same machine: a page and a relay on loopback, and a friend who hands out a connection.

`neighbour.py SETTINGS` reads JSON: {"page": [[HOST, PORT]…], "friend", "evil", "log", "secrets"}. The relay is the
collector's.
"""

import array
import json
import os
import socket
import sys
import threading


def page(address, secret):
    """Answers whatever is said with one page."""
    listener = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(tuple(address))
    listener.listen(64)
    body = secret + b"\n"
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
    answer = head % len(body) + body

    def accept():
        while True:
            peer, _ = listener.accept()
            with peer:
                peer.settimeout(1)
                try:
                    peer.recv(4096)
                    peer.sendall(answer)
                except OSError:
                    pass

    threading.Thread(target=accept, daemon=True).start()


def friend(path, evil):
    """Hands a connection to a forbidden host to whoever asks, by SCM_RIGHTS (unix(7))."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen(8)

    def accept():
        while True:
            peer, _ = listener.accept()
            with peer:
                try:
                    with socket.create_connection(tuple(evil), timeout=5) as far:
                        rights = array.array("i", [far.fileno()])
                        peer.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
                except OSError:
                    pass

    threading.Thread(target=accept, daemon=True).start()


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        settings = json.load(file)
    for address in settings["page"]:
        page(address, settings["secrets"]["loopback"].encode())
    friend(settings["friend"], settings["evil"])
    with open(settings["log"], "a", encoding="utf-8") as file:
        file.write("listening\n")
    threading.Event().wait()


main()
