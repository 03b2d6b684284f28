"""A machine that fails under a server: its clock, its random octets, its signatures."""

import os
import struct
import subprocess
from pathlib import Path

DAY = 86400
YEAR = 365 * DAY
NO_RANDOM_OCTETS, WRONG_SIGNATURES = 1, 2


def build(folder):
    library = folder / "machine_shim.so"
    source = Path(__file__).with_name("machine_shim.c")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


class Machine:
    """That of the processes that run in `environment`."""

    def __init__(self, folder):
        self.file = folder / "machine"
        self.file.write_bytes(bytes(16))
        self.environment = {**os.environ, "LD_PRELOAD": str(build(folder)),
                            "SCEPGATE_TEST_MACHINE": str(self.file)}

    def be(self, seconds=0, faults=0):
        """So many seconds beside the real time, with these faults, from now on."""
        with open(self.file, "r+b") as file:  # in place: it is mapped
            file.write(struct.pack("qq", seconds, faults))
