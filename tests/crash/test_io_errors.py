"""A disk that fails in the middle of things: who gets what then, and what is there after a power cut."""

import errno
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import failing_disk
import judge as oracle
from failing_disk import FailingDisk
from fleet import Device, Fleet, asked, configure
from harness import wait_until

pytestmark = pytest.mark.attack("A05")

FOREVER = 1 << 30
#: What fails; whether devices are sent away meanwhile; what the log says.
FAULTS = {
    "the log of the store cannot be written":
        (("log.write",), "fail", errno.EIO, FOREVER, True, "cannot be read or written"),
    "the log of the store cannot be synced":
        (("log.sync",), "fail", errno.EIO, FOREVER, True, "cannot be read or written"),
    "one sync of it fails":
        (("log.sync",), "fail", errno.EIO, 1, True, "cannot be read or written"),
    "the disk is full":
        (("log.write", "audit.write"), "full", errno.ENOSPC, FOREVER, True, "is full"),
    "the audit file cannot be written":
        (("audit.write",), "fail", errno.EIO, FOREVER, True, "cannot write the audit file"),
    "the audit file takes half of a record":
        (("audit.write",), "full", errno.ENOSPC, 1, True, "cannot write the audit file"),
    "the audit file cannot be synced":
        (("audit.sync",), "fail", errno.EIO, FOREVER, True, "cannot write the audit file"),
    "one sync of the audit file fails":
        (("audit.sync",), "fail", errno.EIO, 1, True, "cannot write the audit file"),
    "the head of the audit file cannot be written":
        (("head.write",), "fail", errno.EIO, FOREVER, False, ""),
    "one write of the log comes in two parts":
        (("log.write",), "full", errno.ENOSPC, 0, False, ""),
}


class Troubled:
    """A lab on a disk of this kind, which serves."""

    def __init__(self, lab, folder, key, devices, edit=None):
        self.lab = lab
        folder.mkdir()
        (lab.dir / "published").mkdir()
        lab.edit(configure(lab.dir / "published"))
        lab.edit(lambda config: config["audit"].update(sync="every"))
        if edit:
            lab.edit(edit)
        lab.start()
        self.disk = FailingDisk(folder, lab.dir)
        self.fleet = Fleet(lab, self.disk, key, devices)
        lab.stop()
        self.disk.renew()
        failing_disk.start(lab, self.disk)
        self.crl = lab.dir / "published" / "lab.crl"

    def enrol(self, count=1):
        """Each asks once. Returns those that have no certificate yet."""
        devices = self.fleet.next(count, [Device])
        for device in devices:
            device.step()
        return [device for device in devices if not device.done]

    def cut(self, choose=None):
        self.lab.kill()
        self.disk.everybody_dies()
        self.disk.cut(choose)
        failing_disk.start(self.lab, self.disk)


@pytest.fixture
def troubled(new_lab, tmp_path, keys):
    def make(devices, edit=None):
        return Troubled(new_lab(start=False), tmp_path / "machine", keys, devices, edit)
    return make


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_answered_is_durable_and_who_was_sent_away_is_served_later(troubled, fault):
    points, action, error, times, refused, words = FAULTS[fault]
    trouble = troubled(12)
    assert trouble.enrol(2) == []
    trouble.disk.arm(action, points, times=times or 1, error=error)
    sent_away = trouble.enrol(3)
    assert trouble.disk.fired and bool(sent_away) == refused
    assert words in trouble.lab.log()
    trouble.disk.disarm()
    assert trouble.enrol(2) == [], "by itself, as soon as the disk is well"
    trouble.cut()
    oracle.judge(trouble.fleet)
    for device in sent_away:
        device.step()
        assert device.done, "its challenge was not used up"
    assert trouble.enrol(1) == []
    oracle.judge(trouble.fleet)


def test_a_record_that_shares_its_write_with_one_that_fails_is_released_only_when_it_is_synced(
        troubled):
    """Records that wait together are one write; the disk is full in the middle of it."""
    trouble = troubled(8, lambda config: config.update(threads={"crypto": 8}))
    assert trouble.enrol(1) == []
    disk, devices = trouble.disk, trouble.fleet.next(7, [Device])
    with ThreadPoolExecutor(len(devices)) as pool:
        disk.arm("hold before", ["log.sync"])
        steps = [pool.submit(devices[0].step)]
        wait_until(lambda: disk.fired, "the first is about to be stored")
        steps += [pool.submit(device.step) for device in devices[1:]]
        wait_until(lambda: trouble.lab.audit_text().count('"event":"sign"') == 8, "all are signed")
        disk.arm_next("hold before", ["audit.write"])
        wait_until(lambda: disk.fired, "the first is about to be told of")
        wait_until(lambda: len(oracle.stored(trouble.lab)) == 8, "all are stored")
        time.sleep(0.5)  # and wait for their turn in the audit file
        disk.arm_next("full", ["audit.write"], times=FOREVER, error=errno.ENOSPC)
        for step in steps:
            step.result()
    assert {device.done for device in devices} == {True, False}
    trouble.cut()
    oracle.judge(trouble.fleet)


def test_a_start_on_a_disk_that_cannot_be_synced_loses_nothing(troubled):
    """SQLite moves its log into the file then."""
    trouble = troubled(4)
    for points in (["store.sync"], ["store.write"]):
        assert trouble.enrol(1) == []
        trouble.lab.kill()
        trouble.disk.arm("fail", points, times=FOREVER)
        trouble.lab.spawn(env=trouble.disk.environment)
        wait_until(lambda: trouble.lab.process.poll() is not None or trouble.lab.answers(), "a start")
        assert trouble.disk.fired
        trouble.cut()
        oracle.judge(trouble.fleet)


@pytest.mark.parametrize("call", ["create", "write", "sync", "rename"])
def test_a_CRL_that_cannot_be_published_leaves_the_one_before_and_comes_later(troubled, call):
    trouble = troubled(4)
    assert trouble.enrol(1) == []
    wait_until(trouble.crl.exists, "the first CRL")
    before = trouble.crl.read_bytes()
    trouble.disk.arm("fail", [f"published.{call}"], times=FOREVER, error=errno.EIO)
    trouble.fleet.revoke(trouble.fleet.received()[0])
    wait_until(lambda: "not published" in trouble.lab.log(), "the log says so")
    assert trouble.crl.read_bytes() == before
    assert [file.name for file in trouble.crl.parent.iterdir()] == ["lab.crl"]
    asked(trouble.lab, "GET", "/crl/lab.crl")
    trouble.fleet.read_crl()
    trouble.disk.disarm()
    trouble.fleet.published_says_all(trouble.crl)
    wait_until(lambda: "published again" in trouble.lab.log(), "the log says so")
    trouble.cut()
    trouble.fleet.read_published(trouble.crl)
    oracle.judge(trouble.fleet)
