"""How long the disk takes for a few octets that nobody waits for: no server that stores can be quicker."""

import os
import tempfile
import threading
import time

BETWEEN = 0.02


class DiskProbe:
    """Writes and syncs a file of its own in `folder`, again and again, from begin to end."""

    def __init__(self, folder):
        self.folder, self.stop, self.took = folder, threading.Event(), []

    def __enter__(self):
        self.thread = threading.Thread(target=self._write)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        self.took.sort()

    def _write(self):
        with tempfile.TemporaryFile(dir=self.folder) as file:
            while not self.stop.wait(BETWEEN):
                since = time.monotonic()
                os.pwrite(file.fileno(), os.urandom(64), 0)
                os.fdatasync(file.fileno())
                self.took.append(1000 * (time.monotonic() - since))

    def ms(self, part):
        """0.99: what all but one in a hundred took at most; 1: the longest."""
        return self.took[min(len(self.took) - 1, int(len(self.took) * part))] if self.took else float("nan")
