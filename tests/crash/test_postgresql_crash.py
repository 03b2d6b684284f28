"""The same on PostgreSQL: the server ends, or loses its connections, at the calls of the write path."""

import random
import threading

import pytest

from fleet import Device
from harness import run, wait_until
from judge import judge
from rounds import End, Rounds
from test_postgresql import cluster, database  # noqa: F401: fixtures
from test_postgresql_faults import end_politely, kill_9

pytestmark = [pytest.mark.load, pytest.mark.attack("A04")]

POINTS = {"database.send": 150, "audit.write": 25, "head.write": 25, "reply.send": 30}


@pytest.fixture
def crashing(new_lab, cluster, database, tmp_path, keys):  # noqa: F811
    """Makes rounds on a lab whose store is in PostgreSQL."""
    def make(devices):
        lab = new_lab(start=False)
        lab.edit(lambda config: config.update(store={"postgresql": cluster.conninfo(database)}))
        created = run("store", "create", "--config", lab.config_file)
        assert created.returncode == 0, created.stderr
        folder = tmp_path / "machine"
        folder.mkdir()
        return Rounds(lab, folder, keys, devices)
    return make


def test_kill_9_of_the_server_loses_and_doubles_nothing(crashing, fewer):
    count, chance = fewer(4), random.Random(30)
    rounds, reached = crashing(8 * count), 0
    for number in range(count):
        point = list(POINTS)[number % len(POINTS)]
        action = chance.choice(["kill before", "kill after", "kill torn"])
        reached += rounds.play(End((point,), action, chance.randint(1, POINTS[point])))[0]
    rounds.stop()
    assert reached > count // 2


def test_a_power_failure_of_the_servers_machine_alone_loses_and_doubles_nothing(crashing, fewer):
    """The database is another machine's: it keeps what was committed, and forgets what was not."""
    count, chance = fewer(4), random.Random(31)
    rounds, lost = crashing(8 * count), []
    for number in range(count):
        point = list(POINTS)[number % len(POINTS)]
        end = End((point,), chance.choice(["kill before", "kill after", "kill torn"]),
                  chance.randint(1, POINTS[point]), power=chance.choice(["all", "some"]))
        lost += rounds.play(end)[1]
    rounds.stop()
    assert lost, "nothing was ever on its way to the disk"


def enrol_without(rounds, action, number, harm):
    """A device that enrols while `harm` is done around the `number`-th send to the database."""
    device, = rounds.fleet.next(1, [Device])
    rounds.disk.arm(action, ["database.send"], number)
    asking = threading.Thread(target=device.step)
    asking.start()
    wait_until(lambda: rounds.disk.fired or not asking.is_alive(), "it sends")
    held = rounds.disk.fired
    harm()
    rounds.disk.disarm()
    rounds.disk.release()
    asking.join()

    def is_served():
        device.done or device.step()
        return device.done
    wait_until(is_served, "it is served", 60)
    return held


def test_connections_that_end_at_any_send_of_an_enrolment_lose_and_double_nothing(
        crashing, cluster, database, fewer):  # noqa: F811
    rounds = crashing(32)
    since = rounds.disk.traced
    device, = rounds.fleet.next(1, [Device])
    device.step()
    sends = rounds.disk.trace(since).count("database.send")
    assert device.done and sends > 3
    held = 0
    for number in range(1, sends + 1, max(1, sends // fewer(8))):
        for action in ("hold before", "hold after"):
            held += enrol_without(rounds, action, number, lambda: end_politely(cluster, database))
    assert held > 6
    enrol_without(rounds, "hold after", sends, lambda: kill_9(cluster, database))
    wait_until(lambda: run("cert", "list", "--config", rounds.lab.config_file).returncode == 0,
               "the cluster recovers")
    assert len(judge(rounds.fleet)) == len(rounds.fleet.devices)
    rounds.stop()
