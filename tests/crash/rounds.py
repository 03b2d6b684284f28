"""Rounds of one lab: load, an end without warning, a new start, and the judge's questions."""

import contextlib
import random
import subprocess
import threading
import time
from dataclasses import dataclass

import failing_disk
import judge as oracle
from failing_disk import KILLS, FailingDisk
from fleet import Device, Fleet, Gone, configure, wait_for
from harness import wait_until


#: The points of the write path, and how often a round passes each.
MOST = {"log.write": 120, "log.sync": 15, "store.write": 20, "store.sync": 1, "store.truncate": 1,
        "audit.write": 25, "audit.sync": 25, "head.write": 25, "published.create": 1,
        "published.write": 1, "published.sync": 1, "published.rename": 1, "folder.sync": 1,
        "reply.send": 30}


@dataclass
class End:
    """How the server ends: at the `number`-th call of `points`, or after `seconds`; as a process alone,
    or (`power`) with what was not synced."""

    points: tuple = ()
    action: str = "kill before"
    number: int = 1
    seconds: float = 0.0
    power: str = None       # "all" that is not synced is lost, or "some" of it

    @property
    def at_start(self):
        """SQLite moves its log into the file then, after a crash as before."""
        return bool(self.points) and self.points[0].startswith("store.")

    @property
    def is_of_publishing(self):
        return bool(self.points) and self.points[0].startswith(("published.", "folder."))

    @property
    def by_time(self):
        return not self.points or self.at_start

    def __str__(self):
        where = f"{self.action} {'/'.join(self.points)} #{self.number}" if self.points \
            else f"after {self.seconds:.3f} s"
        return where + (f", and {self.power} that was not synced is lost" if self.power else "")

    @staticmethod
    def by_chance(random_, power):
        power = random_.choice(["all", "some"]) if power else None
        if random_.random() < 0.4:
            return End(seconds=random_.uniform(0, 0.7), power=power)
        point = random_.choice(list(MOST))
        return End((point,), random_.choice(KILLS), random_.randint(1, MOST[point]),
                   random_.uniform(0, 0.7), power)


class Rounds:
    """`lab` is made and not started. `key` makes RSA keys by number. `signer`: beside it, in a folder that
    both have in common, is the CA's key; where one of the two ends, both do, and lose the power together."""

    def __init__(self, lab, folder, key, devices, sync="every", seed=0, signer=None):
        self.lab, self.sync, self.signer = lab, sync, signer
        self.published = lab.dir / "published"
        self.published.mkdir()
        lab.edit(configure(self.published))
        lab.edit(lambda config: config["audit"].update(sync=sync))
        if signer:
            signer.edit(self._configure_signer)
            signer.start()
        lab.start()
        self.disk = FailingDisk(folder, lab.dir.parent if signer else lab.dir)
        self.fleet = Fleet(lab, self.disk, key, devices)
        self.stop()
        self.disk.renew()
        self.random, self.operator = random.Random(seed), random.Random(seed + 1)
        self.power_failed = False
        self._start()

    def _configure_signer(self, config):
        config["audit"]["sync"] = self.sync
        config["templates"]["Waiting"] = self.lab.config()["templates"]["Waiting"]

    def _start(self):
        if self.signer:
            self.signer.start(env=self.disk.environment)
        failing_disk.start(self.lab, self.disk)

    def kill(self):
        self.lab.kill()
        if self.signer:
            self.signer.kill()

    @property
    def crl(self):
        return self.published / "lab.crl"

    def play(self, end, devices=8):
        """Returns whether the end was where it should be, and what the disk lost."""
        batch = self.fleet.next(devices)
        if end.points and not end.at_start:
            self.disk.arm(end.action, end.points, end.number)
        crowd, faults = self.fleet.work(batch)
        others = [threading.Thread(target=self._operate, args=[batch, faults]),
                  threading.Thread(target=self._read, args=[batch, faults])]
        for thread in others:
            thread.start()
        since = time.monotonic()
        wait_for(crowd + others, faults, lambda: self.disk.dead or (
            end.by_time and time.monotonic() - since > end.seconds))
        if end.is_of_publishing and self.fleet.revoked:  # it looks each second
            wait_until(lambda: self.disk.dead, "a CRL is published")
        reached = self.disk.dead or not end.points
        self._end(end)
        for thread in crowd + others:
            thread.join()
        if faults:
            raise faults[0]
        if end.at_start:
            reached = self._die_at_start(end)
        lost = self._cut(end)
        self._start()
        self._settle(batch)
        return reached, lost

    def _end(self, end):
        if end.power:
            # Between two calls, so that the journal has all: who starts next sees, and syncs, whatever
            # was written.
            self.disk.everybody_dies()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.lab.process.wait(1)
        self.kill()
        self.disk.everybody_dies()

    def _die_at_start(self, end):
        self.disk.wake()
        if self.signer:
            self.signer.start(env=self.disk.environment)
        self.disk.arm(end.action, end.points, end.number)
        self.lab.spawn(env=self.disk.environment)
        wait_until(lambda: self.lab.process.poll() is not None or self.lab.answers(), "a start")
        reached = self.disk.dead
        self.kill()
        return reached

    def _cut(self, end):
        if end.power is None:
            self.disk.renew()
            return []
        self.power_failed = True
        lost = self.disk.cut(self.random if end.power == "some" else None)
        if self.sync != "every":
            # docs/audit.md: then the newest records may be missing.
            self.fleet.published = 0
        return lost

    def sweep(self, power=None):
        """One device at a time, and the end at each call of its enrolment in turn; of those that write
        the log at the first, one in the middle and the last."""
        self.fleet.published_says_all(self.crl)
        # The first commit of a server may begin the log anew, with a sync of its own.
        first, = self.fleet.next(1, [Device])
        first.step()
        since = self.disk.traced
        device, = self.fleet.next(1, [Device])
        device.step()
        calls = [call for call in self.disk.trace(since)
                 if not call.startswith(("published.", "folder."))]
        assert device.done and calls.count("log.sync") == 1, calls
        for call, number in self._each_once(calls):
            device, = self.fleet.next(1, [Device])
            self.disk.arm("kill before", [call], number)
            with contextlib.suppress(Gone):
                device.step()
            wait_until(lambda: self.disk.dead, f"{call} number {number} of an enrolment")
            self.kill()
            self._cut(End(power=power))
            self._start()
            yield call, device
            device.step()
            assert device.done, "a retry after the start is served"
            oracle.judge(self.fleet, self.power_failed and self.sync != "every")

    @staticmethod
    def _each_once(calls):
        log = calls.count("log.write") // 2
        for call in dict.fromkeys(calls):
            yield from ((call, number + 1) for number in range(calls.count(call))
                        if call != "log.write" or number in (0, 1, log))

    def _settle(self, batch):
        """Everybody gets a final answer, and the judge has no question left."""
        self.fleet.read_crl()
        crowd, faults = self.fleet.work(batch)
        operator = threading.Thread(target=self._operate, args=[batch, faults])
        operator.start()
        wait_for(crowd + [operator], faults, lambda: False)
        assert all(device.done for device in batch), "everybody has what they came for"
        self.fleet.read_crl()
        self.fleet.published_says_all(self.crl)
        unaudited = self.power_failed and self.sync != "every"
        rows = oracle.judge(self.fleet, unaudited)
        if self.signer and not unaudited:
            oracle.judge_signer(self.signer, rows)

    def _operate(self, batch, faults):
        """Approves whoever waits, and takes back one certificate of those that are out."""
        try:
            of_others = set(self.fleet.received()) - set(self.fleet.received(batch))
            good = sorted(of_others - self.fleet.revoked)
            self.operator.shuffle(good)
            while good and not self.disk.dead and not self.fleet.revoke(good.pop()):
                pass
            while not all(device.done for device in batch) and not self.disk.dead and not faults:
                self.fleet.approve(batch)
                time.sleep(0.01)
        except BaseException as fault:
            faults.append(fault)

    def _read(self, batch, faults):
        """Both places where CRLs are, as often as can be."""
        try:
            while not all(device.done for device in batch) and not self.disk.dead and not faults:
                self.fleet.read_crl()
                self.fleet.read_published(self.crl)
                time.sleep(0.01)
        except Gone:
            pass
        except BaseException as fault:
            faults.append(fault)

    def stop(self):
        self.lab.stop()
        if self.signer:
            self.signer.stop()
