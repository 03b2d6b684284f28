"""A synchronous standby: what it does not have is not released, and what was released it has."""

import shutil
import tempfile
import threading
import time
from pathlib import Path

import pytest

import harness
from harness import free_port, run, wait_until
from scep_client import Csr, name, pkcs_req
from test_postgresql import Cluster

pytestmark = pytest.mark.kernel


class Pair(Cluster):
    """A primary whose commits wait for the one standby there is."""

    def __init__(self, folder):
        super().__init__(folder / "primary")
        self.standby, self.standby_port = folder / "standby", free_port()
        self.control("standby", self.standby_port, self.dir, self.port, of=self.standby)
        self.standby_runs = True
        self.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (standby)'")
        self.sql("postgres", "SELECT pg_reload_conf()")
        self.wait_for_standby()

    def wait_for_standby(self):
        wait_until(lambda: self.sql("postgres", "SELECT count(*) FROM pg_stat_replication "
                                                "WHERE sync_state = 'quorum'") == "1",
                   "the standby follows", 60)

    def conninfo(self, database):
        return (f"host={self.dir},{self.standby} port={self.port},{self.standby_port} "
                f"user=postgres dbname={database} target_session_attrs=read-write")

    def stop_standby(self):
        self.control("stop", "immediate", of=self.standby)
        self.standby_runs = False

    def start_standby(self):
        self.control("start", of=self.standby)
        self.standby_runs = True

    def close(self):
        if self.standby_runs:
            self.stop_standby()
        shutil.rmtree(self.standby, ignore_errors=True)
        super().close()


@pytest.fixture
def pair():
    parent = Path("/dev/shm") if Path("/dev/shm").exists() else None
    folder = Path(tempfile.mkdtemp(dir=parent))
    folder.chmod(0o755)  # PostgreSQL runs as a user of its own
    made = Pair(folder)
    yield made
    made.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def lab(new_lab, pair):
    pair.sql("postgres", "CREATE DATABASE lab")
    made = new_lab(start=False)
    made.edit(lambda config: config.update(store={"postgresql": {
        "conninfo": pair.conninfo("lab"), "statement_timeout": "3s"}}))
    created = run("store", "create", "--config", made.config_file)
    assert created.returncode == 0, created.stderr
    return made.start()


def test_what_a_restarted_primary_shows_is_released_when_the_standby_has_it(lab, pair, keys):
    ca = lab.ca()
    assert lab.enrol(Csr(keys(0), name("first"),
                         lab.challenge("--subject", "CN=first"))).status == "success"
    challenge = lab.challenge("--subject", "CN=second")
    message = pkcs_req(Csr(keys(1), name("second"), challenge), [ca.encryption],
                       transaction_id="second")
    octets = message.der()

    pair.stop_standby()
    replies = []
    device = threading.Thread(target=lambda: replies.append(lab.post(octets)))
    device.start()
    wait_until(lambda: pair.sql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE "
                                            "wait_event = 'SyncRep'") == "1", "the commit waits")
    pair.control("stop", "fast")
    pair.control("start")
    device.join(60)
    # Now everybody who looks sees a certificate that no standby has.
    assert pair.sql("lab", "SELECT count(*) FROM certificates") == "2"
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline:
        replies.append(lab.post(octets))
        time.sleep(0.5)
    assert {reply.status for reply in replies} == {503}

    pair.start_standby()
    pair.wait_for_standby()

    def served():
        reply = lab.post(octets)
        return reply if reply.status == 200 else None
    opened = lab.open(wait_until(served, "the device is served", 60), message, ca)
    assert opened.status == "success"

    pair.control("stop", "immediate")
    pair.control("promote", of=pair.standby)
    pair.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''")
    pair.sql("postgres", "SELECT pg_reload_conf()")
    again = wait_until(served, "the promoted standby serves", 60)
    assert (lab.open(again, message, ca).certificate.serial_number
            == opened.certificate.serial_number)
    other = pkcs_req(Csr(keys(2), name("second"), challenge), [ca.encryption],
                     transaction_id="third")
    assert lab.send(other, ca).status == "failure", "the challenge is used up"
    pair.control("start")
