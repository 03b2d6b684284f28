"""bench/oracles without its clock: what it sends has one reply a group, and its statistics find what is there
and nothing else."""

import random
import sys

import pytest

import harness

sys.path.append(str(harness.TOP / "bench"))

import oracle_lab  # noqa: E402
import oracle_statistics as statistics  # noqa: E402


@pytest.mark.attack("E06", "E08", "C06", "C13", "T02")
def test_each_group_of_bad_messages_has_one_reply_to_the_octet(tmp_path):
    lab, certificate = oracle_lab.make_lab(tmp_path)
    try:
        lab.start()
        ca, seen = lab.ca(), {}
        for group in oracle_lab.make_groups(lab, certificate):
            for what in group.classes:
                made = oracle_lab.Class(group, what, 1)
                made.look_at_replies(lab, ca)
                for reply in made.replies:
                    seen.setdefault(group.name, {}).setdefault(reply, []).append(what)
        assert {name: list(replies.values()) for name, replies in seen.items() if len(replies) > 1} == {}
        assert {reply[2] for replies in seen.values() for reply in replies} == {"failure"}
        lab.stop()
    finally:
        lab.kill()


def rounds(count, delay, seed):
    """Two classes in rounds of a machine that drifts, pauses and jitters; one takes longer."""
    chance, drift, found = random.Random(seed), 0.0, ([], [])
    for _ in range(count):
        drift += chance.gauss(0, 3)
        for series, more in zip(found, (0, delay)):
            pause = chance.expovariate(1 / 400) if chance.random() < 0.1 else 0
            series.append(50_000 + drift + more + chance.lognormvariate(3.5, 0.6) + pause)
    return found


def judged(delay, seed, among=25):
    one = statistics.Comparison(*rounds(2000, delay, seed), confidence=0.99)
    return statistics.holm([one.p] + [1.0] * (among - 1))[0] < 0.01


def test_what_is_equal_is_told_apart_as_seldom_as_stated():
    assert sum(judged(0, seed, among=1) for seed in range(40)) <= 3


def test_a_delay_of_20_us_is_found_in_noise_that_is_larger():
    assert all(judged(20, seed) for seed in range(5))


def test_a_class_that_is_seldom_quick_is_found_though_its_median_is_the_same():
    chance = random.Random(1)
    reference = [chance.choice([10, 30]) + chance.random() for _ in range(2000)]
    series = [chance.choice([20, 20]) + chance.random() for _ in range(2000)]
    assert statistics.Comparison(reference, series, 0.99).p < 1e-6


def test_a_round_that_was_not_measured_counts_for_neither():
    assert statistics.pairs_of([1, None, 3], [2, 5, None]) == [(2, 1)]
    with pytest.raises(ValueError, match="only 2 pairs"):
        statistics.Comparison([1, None, 3], [2, 5, 4], 0.99)


def test_many_comparisons_err_together_as_one():
    assert statistics.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
