"""Whether two series of paired times can be told apart. Nothing but Python's own library.

The times of one round belong together: each class was sent once, in an order drawn by lot. So under "no
difference" a pair's difference is as likely to be positive as negative, whatever the machine did meanwhile, and
whatever the noise looks like. Two tests use that:

- Wilcoxon's signed ranks: whether one class tends to take longer.
- McNemar's test at the fastest tenth of both: whether one class is among the undisturbed samples more often
  than the other (the idea of Crosby's and Wallach's box test; noise only ever adds time, so that a small
  difference is seen there first).
"""

import math
import statistics


def two_sided(z):
    return math.erfc(abs(z) / math.sqrt(2))


def signed_ranks(differences):
    """Wilcoxon's two-sided p, by the normal approximation with ties."""
    values = sorted((abs(d), d > 0) for d in differences if d != 0)
    n, positive, ties, at = len(values), 0.0, 0.0, 0
    if n < 10:
        return 1.0
    while at < n:
        end = at
        while end < n and values[end][0] == values[at][0]:
            end += 1
        rank = (at + 1 + end) / 2
        positive += rank * sum(is_positive for _, is_positive in values[at:end])
        ties += (end - at) ** 3 - (end - at)
        at = end
    mean = n * (n + 1) / 4
    variance = n * (n + 1) * (2 * n + 1) / 24 - ties / 48
    return two_sided((positive - mean) / math.sqrt(variance))


def fastest_tenth(pairs):
    """McNemar's two-sided p at the tenth percentile of both classes together."""
    pooled = sorted(time for pair in pairs for time in pair)
    limit = pooled[len(pooled) // 10]
    first = sum(a <= limit < b for a, b in pairs)
    second = sum(b <= limit < a for a, b in pairs)
    return two_sided((first - second) / math.sqrt(first + second)) if first + second >= 10 else 1.0


def median_interval(differences, confidence):
    """The median, and the interval that holds the true one (order statistics: no assumption but pairs that
    are independent of each other)."""
    ordered = sorted(differences)
    n = len(ordered)
    reach = statistics.NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(n) / 2
    low, high = max(0, math.floor(n / 2 - reach)), min(n - 1, math.ceil(n / 2 + reach))
    return statistics.median(ordered), ordered[low], ordered[high]


def holm(p_values):
    """Adjusted so that all of them together err with the probability that one alone would."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, largest = [1.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def pairs_of(series, reference):
    """Of the rounds in which both were measured."""
    return [(a, b) for a, b in zip(reference, series, strict=True) if a is not None and b is not None]


class Comparison:
    """One class against the reference of its group; `p` is the smaller of both tests, and counts for two."""

    def __init__(self, reference, series, confidence):
        pairs = pairs_of(series, reference)
        self.count = len(pairs)
        if self.count < 30:
            raise ValueError(f"only {self.count} pairs: more rounds, or a machine with less to do")
        differences = [b - a for a, b in pairs]
        self.median, self.low, self.high = median_interval(differences, confidence)
        self.p = min(1.0, 2 * min(signed_ranks(differences), fastest_tenth(pairs)))
        self.adjusted = None    # by judge()
        self.differs = None


def judge(comparisons, confidence):
    """Over all comparisons of one kind of time."""
    adjusted = holm([each.p for each in comparisons])
    for each, p in zip(comparisons, adjusted, strict=True):
        each.adjusted, each.differs = p, p < 1 - confidence


def smallest_found(reference, control, others, confidence):
    """What the bench can see: the smallest of these delays (the series' unit) that, added to the control's
    times, is told from the reference beside `others`' p values, with every greater one."""
    found = None
    for delay in (100, 50, 20, 10, 5, 2, 1, 0.5):
        planted = [None if time is None else time + delay for time in control]
        p = Comparison(reference, planted, confidence).p
        if holm([p, *others])[0] >= 1 - confidence:
            break
        found = delay
    return found
