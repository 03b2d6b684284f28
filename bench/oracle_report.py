"""What bench/oracles saw, as a document."""

import statistics

from oracle_statistics import Comparison, judge, smallest_found

KINDS = {"wire": "time on the wire", "work": "the server's CPU time"}


def compare(groups, classes, options):
    """(group, class, kind) -> Comparison with the group's reference; judged over each kind of time."""
    found = {}
    for kind in KINDS:
        for group in groups:
            reference, *others = [each for each in classes if each.group is group]
            for each in others:
                found[group.name, each.what, kind] = Comparison(
                    reference.times(kind), each.times(kind), options.confidence)
        judge([each for (name, _, k), each in found.items() if k == kind and name != "planted"],
              options.confidence)
        judge([found["planted", "with", kind]], options.confidence)
    return found


def sensitivity(groups, classes, found, options):
    """The smallest delay that would have been found in each group, by kind."""
    smallest = {}
    for kind in KINDS:
        p_values = [each.p for (name, _, k), each in found.items() if k == kind and name != "planted"]
        for group in groups:
            if group.name != "planted":
                reference, control = [each for each in classes if each.group is group][:2]
                smallest[group.name, kind] = smallest_found(
                    reference.times(kind), control.times(kind), p_values[1:], options.confidence)
    return smallest


def cell(comparison):
    return (f"{comparison.median:+.1f} ({comparison.low:+.1f} to {comparison.high:+.1f}) | "
            f"{comparison.adjusted:.2g} | {'**yes**' if comparison.differs else 'no'}")


def microseconds(found):
    return "more than 100" if found is None else f"{found:g}"


def median(each, kind):
    return f"{statistics.median(time for time in each.times(kind) if time is not None):.0f}"


def table(group, classes, found, smallest):
    members = [each for each in classes if each.group is group]
    replies = set().union(*(each.replies for each in members))
    shapes = set().union(*(each.shapes for each in members))
    status, _, outcome, fail_info, _ = next(iter(replies))
    lengths = sorted({len(each.requests[0]) for each in members})
    lines = [f"## {group.name}", "", group.about, "",
             f"Reference: {members[0].what} (median {median(members[0], 'wire')} us on the wire, "
             f"{median(members[0], 'work')} us of work). Requests of {lengths[0]} to {lengths[-1]} octets. " +
             (f"One reply: HTTP {status}, {outcome}, {fail_info}."
              if len(replies) == 1 and len(shapes) == 1 else
              f"**{len(replies)} different replies, {len(shapes)} different headers.**"), "",
             "| | wire: median difference, us | p | told apart | work: median difference, us | p | "
             "told apart |", "|---|---|---|---|---|---|---|"]
    for each in members[1:]:
        cells = [cell(found[group.name, each.what, kind]) for kind in KINDS]
        lines.append(f"| {each.what} | {' | '.join(cells)} |")
    if (group.name, "wire") in smallest:
        lines += ["", "Smallest delay that is found: wire "
                  f"{microseconds(smallest[group.name, 'wire'])} us, work "
                  f"{microseconds(smallest[group.name, 'work'])} us."]
    return lines + [""]


def findings(groups, classes, found):
    """Faults: what must not be; and what differs in work alone."""
    faults, work = [], []
    for group in groups:
        members = [each for each in classes if each.group is group]
        if len(set().union(*(each.replies | each.shapes for each in members))) != 2:
            faults.append(f"{group.name}: replies differ")
        for each in members[1:]:
            where = f"{group.name}: {each.what}"
            on_wire, in_work = (found[group.name, each.what, kind] for kind in KINDS)
            if group.name == "planted":
                if not (on_wire.differs and in_work.differs):
                    faults.append("the planted difference was not found")
                continue
            if on_wire.differs:
                faults.append(f"{where}: told apart on the wire ({on_wire.median:+.1f} us)")
            if in_work.differs and each is members[1]:
                faults.append(f"{where}: the same class is told from itself by its work")
            elif in_work.differs and group.equal_work:
                work.append(f"{where} ({in_work.median:+.1f} us)")
    return faults, work


def write(groups, classes, options, run):
    found = compare(groups, classes, options)
    smallest = sensitivity(groups, classes, found, options)
    faults, work = findings(groups, classes, found)
    count = min(each.count for each in found.values())
    compared = sum(name != "planted" for name, _, _ in found)
    lines = ["# Oracles", "", run, "",
             f"Each class at least {count} times; {compared // 2} comparisons of each kind of time, which together "
             f"err with a probability of {1 - options.confidence:.2g} at most (Holm).", ""]
    lines += [f"- {fault}." for fault in faults] or [
        "Every group has one reply, and no class is told from its group's reference by its time on the wire."]
    lines += ["", "By work alone, where it should be the same: " + "; ".join(work) + "." if work else
              "Nor by the server's work, where it should be the same.", ""]
    for group in groups:
        lines += table(group, classes, found, smallest)
    return "\n".join(lines), not faults
