"""The standing oracle of the attack matrix: what no attack may change, whatever it was answered.

The process lives; its descriptors and memory are what they were; the next honest device gets its
certificate; no serial was used, no challenge consumed and no row written. Counters in memory and the
audit line are not looked at.
"""

import contextlib
import os
import sqlite3

import harness
from scep_client import Csr, key_usage, name, pkcs_req

#: What requests write. CRLs are made by the clock too.
TABLES = ("certificates", "transactions", "redemptions", "pending", "challenges", "outbox")
#: Allocators keep some of what was used; sanitizers keep much.
MEMORY_SLACK = (512 if harness.slow_binary() else 32) << 20


def rows(lab):
    """Table -> its rows, as the store (SQLite) has them."""
    with contextlib.closing(sqlite3.connect(f"file:{lab.dir / 'scepgate.db'}?mode=ro",
                                            uri=True)) as database:
        return {table: database.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}


def blob_device(lab, key, count=1000):
    """A device that enrols under the policy challenge_blob: a function that needs another of its
    challenges each time."""
    challenges = iter(enumerate(lab.challenge("--subject", "CN=honest-%d", "--key-usage", "both",
                                              "--count", str(count))))
    ca = lab.ca()

    def enrol():
        number, challenge = next(challenges)
        csr = Csr(key, name(f"honest-{number}"), challenge, [key_usage(0, 2)])
        return lab.send(pkcs_req(csr, [ca.encryption]), ca)
    return enrol


def static_device(lab, key):
    """The same under the policy static_password."""
    source = next(iter(lab.config()["policies"].values()))["password"]
    password = (lab.dir / source["file"]).read_text().strip()
    ca, numbers = lab.ca(), iter(range(1 << 30))

    def enrol():
        number = next(numbers)
        csr = Csr(key, name(f"honest-{number}"), password)
        return lab.send(pkcs_req(csr, [ca.encryption], transaction_id=f"honest-{number}"), ca)
    return enrol


class Oracle:
    """Judges one serving lab; `enrol` makes an honest request and returns its CertRep."""

    def __init__(self, lab, enrol):
        self.lab, self.enrol, self.process = lab, enrol, lab.process
        self.issued = 0
        for _ in range(3):  # what is made once, at the first requests, is no leak
            self._honest()
        self.descriptors, self.memory = self._descriptors(), self._memory()

    def will_issue(self, certificates=1):
        """The test now running gets so many certificates on purpose."""
        self.issued += certificates

    def enrol_meanwhile(self):
        """An honest device's enrolment during the attack."""
        self.will_issue()
        self._honest()

    def memory_grown(self):
        """By so many octets since the first requests."""
        return self._memory() - self.memory

    def memory_is_back(self):
        return self.memory_grown() <= MEMORY_SLACK

    @contextlib.contextmanager
    def unharmed(self):
        """Around an attack."""
        self.issued = 0
        before = rows(self.lab)
        yield
        assert self.process.poll() is None, f"the server ended:\n{self.lab.log()[-4000:]}"
        assert self.lab.process is self.process, "it is still the same server"
        self._assert_stored(before, rows(self.lab))
        self._honest()
        harness.wait_until(lambda: self._descriptors() <= self.descriptors,
                           "descriptors are back to what they were")
        harness.wait_until(self.memory_is_back, "memory is back to what it was")

    def _assert_stored(self, before, after):
        grown = len(after["certificates"]) - len(before["certificates"])
        assert grown == self.issued, f"{grown} certificates, expected {self.issued}"
        if self.issued == 0:
            for table in TABLES:
                assert after[table] == before[table], f"{table} changed"

    def _honest(self):
        reply = self.enrol()
        assert reply.status == "success", f"an honest device: {reply.status} {reply.fail_info}"

    def _descriptors(self):
        """But for the store's: its readers grow to the number of threads, and stay."""
        folder, found = f"/proc/{self.process.pid}/fd", 0
        try:
            descriptors = os.listdir(folder)
        except PermissionError:  # a server lets nobody but root look (docs/deployment.md)
            return 0
        for descriptor in descriptors:
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                found += "scepgate.db" not in os.readlink(f"{folder}/{descriptor}")
        return found

    def _memory(self):
        with open(f"/proc/{self.process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
