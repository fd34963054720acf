"""A server without a mind of its own: a test hears all that it hears and says all that it says, byte for byte.

Usage: relay.py SAID HEARD   two named pipes; SAID goes to stdout, stdin goes to HEARD.
"""

import os
import sys
import threading


def carry(source, sink):
    while chunk := os.read(source, 1 << 16):
        while chunk:
            chunk = chunk[os.write(sink, chunk):]


said, heard = sys.argv[1:]
# The test has both ends of each pipe open, so neither of these waits and `said` never ends.
threading.Thread(target=carry, args=(os.open(said, os.O_RDONLY), 1), daemon=True).start()
carry(0, os.open(heard, os.O_WRONLY))
