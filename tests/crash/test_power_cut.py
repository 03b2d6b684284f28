"""The power fails under load: what was not synced is lost, in whole or in part (power_cut.py)."""

import random

import pytest

from rounds import End

pytestmark = [pytest.mark.load, pytest.mark.attack("A04")]


def play(rounds, count, seed):
    chance, lost = random.Random(seed), []
    for _ in range(count):
        lost += rounds.play(End.by_chance(chance, power=True))[1]
    rounds.stop()
    assert lost, "nothing was ever on its way to the disk"


def test_it_loses_and_doubles_nothing_that_anybody_has(crashing, fewer):
    count = fewer(6)
    play(crashing(8 * count), count, 22)


def test_with_an_audit_file_that_is_not_synced_the_store_loses_nothing(crashing, fewer):
    count = fewer(3)
    play(crashing(8 * count, sync="none"), count, 23)


def test_at_each_call_of_one_enrolment_the_device_gets_one_certificate(crashing):
    rounds = crashing(32)
    assert len([call for call, _ in rounds.sweep(power="all")]) > 8
    rounds.stop()
