"""The disk and the network under the processes of one lab, as failing_disk.c has them: which calls
they made, what becomes of the next, and a power cut."""

import errno
import mmap
import os
import struct
import subprocess
from pathlib import Path

import harness
import power_cut

FILES = ("", "store", "log", "audit", "head", "published", "folder", "reply", "database")
CALLS = ("write", "sync", "truncate", "rename", "unlink", "create", "send")
ACTIONS = ("nothing", "kill before", "kill after", "kill torn", "fail", "full", "hold before",
           "hold after")
KILLS = ACTIONS[1:4]
FIELDS = ("action", "points", "countdown", "times", "error", "fired", "held", "released", "dead", "syncs",
          "traced")
POINTS, TRACE = 64, 1 << 16
SIZE = 8 * (len(FIELDS) + POINTS) + TRACE


def point(name):
    """"log.sync" and the like: which file or socket, which call."""
    file, call = name.split(".")
    return FILES.index(file) * len(CALLS) + CALLS.index(call)


#: "store" is the file that SQLite moves its log into, "head" the one beside the audit file, "folder" a
#: directory, "database" a connection to one.
def name_of(number):
    return f"{FILES[number // len(CALLS)]}.{CALLS[number % len(CALLS)]}"


def build(folder):
    library = Path(folder) / "failing_disk.so"
    if not library.exists():
        source = Path(__file__).with_name("failing_disk.c")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


class FailingDisk:
    """Under whatever runs in `environment`. Its own files are in `folder`, the lab's in `root`."""

    def __init__(self, folder, root):
        self.root, self.journal_file = Path(root), Path(folder) / "journal"
        control = Path(folder) / "disk"
        control.write_bytes(bytes(SIZE))
        with open(control, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), SIZE)
        self.journal_file.touch()
        self.environment = {**os.environ, "LD_PRELOAD": str(build(folder)),
                            "SCEPGATE_TEST_DISK": str(control),
                            "SCEPGATE_TEST_DISK_ROOT": str(self.root),
                            "SCEPGATE_TEST_DISK_JOURNAL": str(self.journal_file)}
        self.before = power_cut.read_files(self.root)

    def _get(self, field):
        return struct.unpack_from("q", self.memory, 8 * FIELDS.index(field))[0]

    def _set(self, **fields):
        for field, value in fields.items():
            struct.pack_into("q", self.memory, 8 * FIELDS.index(field), value)

    # -- what is to happen -------------------------------------------------------------------------

    def arm(self, action, points, number=1, times=1, error=errno.EIO):
        """The `number`-th call from now on of those that `points` names ends so; errors the next
        `times`."""
        mask = sum(1 << point(name) for name in points)
        self._set(action=0)
        self._set(points=mask, countdown=number, times=times, error=error, fired=0)
        self._set(action=ACTIONS.index(action))

    def arm_next(self, action, points, **options):
        """The same, for what comes when those that are held now go on."""
        self.arm(action, points, **options)
        self.release()

    def disarm(self):
        self._set(action=0)

    def release(self):
        """Whoever is held goes on."""
        self._set(released=self._get("held"))

    @property
    def fired(self):
        return self._get("fired")

    @property
    def dead(self):
        """The process was killed at its point, and every other one will be at its next call."""
        return self._get("dead") != 0

    def everybody_dies(self):
        """At their next call, if they run still."""
        self._set(dead=1)

    def wake(self):
        """Somebody is started anew, on the disk as it is."""
        self._set(action=0, dead=0)

    # -- what has happened -------------------------------------------------------------------------

    def trace(self, since=0):
        """The points that were passed, in their order."""
        start = 8 * (len(FIELDS) + POINTS)
        return [name_of(n) for n in self.memory[start + since:start + min(self.traced, TRACE)]]

    @property
    def traced(self):
        return self._get("traced")

    def count(self, name):
        return struct.unpack_from("q", self.memory, 8 * (len(FIELDS) + point(name)))[0]

    # -- the power ---------------------------------------------------------------------------------

    def cut(self, choose):
        """With all processes dead: leaves of what was never synced what `choose` (a random.Random)
        says. None loses all of it. Returns what was lost, in words."""
        replayed = power_cut.Replay(self.before, self.root)
        with open(self.journal_file, "rb") as journal:
            replayed.run(journal)
        replayed.assert_is_what_stands_in(self.root)
        lost = replayed.cut(choose)
        self.renew()
        return lost

    def renew(self):
        """Everything that stands on the disk now is there for good. Nobody may run."""
        self.journal_file.write_bytes(b"")
        self.before = power_cut.read_files(self.root)
        self._set(action=0, dead=0, traced=0, syncs=0)


def start(lab, disk):
    lab.start(env=disk.environment)


def run(lab, disk, *arguments):
    """A command of the operator on the same machine; it dies with it."""
    return harness.run(*arguments, "--config", lab.config_file, env=disk.environment)
