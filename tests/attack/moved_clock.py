"""A lab whose server believes what time it is told."""

import os
import struct
import subprocess
from pathlib import Path

DAY = 86400
YEAR = 365 * DAY


def build(folder):
    library = folder / "clock_shim.so"
    source = Path(__file__).with_name("clock_shim.c")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


class MovedClock:
    """The wall clock of processes that run in `environment`."""

    def __init__(self, folder):
        self.file = folder / "clock"
        self.set(0)
        self.environment = {**os.environ, "LD_PRELOAD": str(build(folder)),
                            "SCEPGATE_TEST_CLOCK": str(self.file)}

    def set(self, seconds):
        """So many seconds beside the machine's; in place, since it is mapped."""
        with open(self.file, "r+b" if self.file.exists() else "wb") as file:
            file.write(struct.pack("q", seconds))
