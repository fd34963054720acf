"""Ways out by system calls and by bytes that no ordinary client sends: `python3 attacks NAME ARGUMENT…`.

It never decides whether a way should be open. It prints what came back, and an error by its name; what counts is what
arrives elsewhere, or that the secret of a place which was reached is among what is printed.
"""

import errno
import importlib
import socket
import sys


# Names that a guard allows. Their addresses are asked for first, so that what is tried is not denied for the sole reason
# that nobody has asked.
ALLOWED = ("api.shop.example", "proxy.shop.example", "img.cdn.example")


def _way(called):
    """Only its own module is loaded: every attempt is a process of its own, and in virtual machines a slow one."""
    module, name = called.split(".")
    way = getattr(importlib.import_module(module), name)
    if name.startswith("_") or way.__module__ != module:
        raise ValueError(called)
    return way


def main():
    for name in ALLOWED:
        try:
            socket.getaddrinfo(name, 443)
        except OSError as error:
            print(f"{name}: {error}")
    try:
        for line in _way(sys.argv[1])(*sys.argv[2:]) or ():
            print(line.decode("latin-1") if isinstance(line, bytes) else line)
    except OSError as error:
        print(errno.errorcode.get(error.errno, type(error).__name__), error)
        sys.exit(1)


main()
