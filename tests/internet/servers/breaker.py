"""`breaker.py PID`: breaks every listening TCP socket of a process, as if the kernel had given it up, and tells how many.

It needs root: the sockets are duplicated out of the process (pidfd_getfd(2), Linux 5.6) and shut down.
"""

import ctypes
import os
import socket
import sys

PIDFD_GETFD = 438
process = int(sys.argv[1])
handle = os.pidfd_open(process)
broken = 0
for number in os.listdir(f"/proc/{process}/fd"):
    own = ctypes.CDLL(None).syscall(PIDFD_GETFD, handle, int(number), 0)
    if own < 0:
        continue
    try:
        with socket.socket(fileno=own) as peer:
            if peer.type == socket.SOCK_STREAM and peer.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                peer.shutdown(socket.SHUT_RDWR)
                broken += 1
    except OSError:
        # No socket at all.
        os.close(own)
print(broken)
