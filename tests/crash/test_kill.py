"""kill -9 under load: at any time, at each point of the write path, at each call of one enrolment."""

import random

import pytest

from judge import stored
from rounds import MOST, End

pytestmark = [pytest.mark.load, pytest.mark.attack("A04")]


def test_at_any_time_it_loses_and_doubles_nothing(crashing, fewer):
    count, chance = fewer(4), random.Random(20)
    rounds = crashing(8 * count)
    for _ in range(count):
        rounds.play(End(seconds=chance.uniform(0, 0.7)))
    rounds.stop()


def test_at_each_point_of_the_write_path_it_loses_and_doubles_nothing(crashing, fewer):
    chance = random.Random(21)
    points = chance.sample(list(MOST), fewer(10))
    rounds, reached = crashing(8 * len(points)), 0
    for point in points:
        end = End((point,), chance.choice(["kill before", "kill after", "kill torn"]),
                  chance.randint(1, MOST[point]), seconds=0.2)
        reached += rounds.play(end)[0]
    rounds.stop()
    assert reached > len(points) // 2


def test_at_each_call_of_one_enrolment_the_device_gets_one_certificate(crashing):
    rounds = crashing(32)
    was_stored = {}
    for call, device in rounds.sweep():
        subjects = [row["subject"] for row in stored(rounds.lab).values()]
        was_stored.setdefault(call, []).append(subjects.count(f"CN={device.subject}"))
    # Signed and told of, then stored, then told of, then sent.
    assert was_stored["log.write"] == [0, 0, 0] and was_stored["log.sync"] == [1]
    assert was_stored["audit.write"] == [0, 1] and was_stored["reply.send"] == [1]
    rounds.stop()
