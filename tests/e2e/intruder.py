"""Somebody inside of a process that a test has started: confined_shim.c."""

import ctypes
import os
import signal
import subprocess
from pathlib import Path

import harness

TGKILL = {"x86_64": 234, "aarch64": 131}[os.uname().machine]


def build(folder):
    library = Path(folder) / "confined_shim.so"
    source = Path(__file__).with_name("confined_shim.c")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


class Intruder:
    """Somebody inside of a process that was started in `environment`."""

    def __init__(self, shim, folder):
        self.file = folder / "attempt"
        self.result = folder / "attempt.result"
        folder.chmod(0o777)
        self.environment = {**os.environ, "LD_PRELOAD": str(shim),
                            "SCEPGATE_TEST_ATTEMPT": str(self.file)}

    def order(self, process, *what, thread=None):
        """A word, and what it is done to; by that thread, or the first."""
        if self.result.exists():
            os.truncate(self.result, 0)
        self.file.write_text("\n".join(map(str, what)))
        tell = ctypes.CDLL(None, use_errno=True).syscall
        assert tell(TGKILL, process.pid, thread or process.pid, signal.SIGUSR1.value) == 0

    def attempt(self, process, *what, thread=None):
        """0, or the errno that it got."""
        self.order(process, *what, thread=thread)
        harness.wait_until(lambda: self.result.exists() and self.result.read_text(), what)
        return int(self.result.read_text())
