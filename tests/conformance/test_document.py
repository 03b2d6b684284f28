"""docs/conformance.md has a row for every id, and every test that it names exists."""

import re

import pytest

from harness import TOP

DOCUMENT = (TOP / "docs" / "conformance.md").read_text()
FIRST_AND_LAST = {"A": (1, 23), "B": (1, 33), "C": (1, 17), "D": (0, 9), "E": (1, 25),
                  "T": (1, 14), "O": (1, 18), "K": (1, 6)}
IDS = [f"R_{letter}{number:02}" for letter, (first, last) in FIRST_AND_LAST.items()
       for number in range(first, last + 1)]


def rows():
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")]
             for line in DOCUMENT.splitlines() if line.startswith("| R_")]
    return {row[0]: row for row in cells}


def named_tests(text):
    return re.findall(r"`([\w/.]+)::(\w+)`", text)


@pytest.fixture(scope="module")
def existing():
    found = set()
    for pattern, test in (("*.cpp", r"^TEST(?:_F|_P)?\(\s*\w+,\s*(\w+)\)"),
                          ("*.py", r"^def (test_\w+)\(")):
        for file in (TOP / "tests").rglob(pattern):
            names = re.findall(test, file.read_text(), re.M)
            found |= {(str(file.relative_to(TOP / "tests")), name) for name in names}
    assert len(found) > 500
    return found


def test_every_id_has_one_row_in_order():
    listed = [line.split(" | ")[0].strip("| ") for line in DOCUMENT.splitlines()
              if line.startswith("| R_")]
    assert listed == IDS


@pytest.mark.parametrize("row", IDS)
def test_a_row_says_all_that_it_has_to_say(row):
    _, section, requirement, what_it_does, shown = rows()[row]
    assert section and requirement and what_it_does
    assert named_tests(shown) or re.match(r"n/a: \w", shown), shown


def test_every_test_that_a_row_names_exists(existing):
    named = set(named_tests(DOCUMENT))
    assert len(named) > 100
    assert sorted(named - existing) == []


def test_every_id_in_the_name_of_a_test_is_a_row(existing):
    """Other letters are the attack matrix's."""
    used = {(f"R_{row}", name) for _, name in existing
            for row in re.findall(r"(?:^|_)R_([A-Z]\d\d)(?=_|$)", name)}
    assert sorted((row, name) for row, name in used if row not in IDS) == []


def test_the_tests_of_this_folder_are_all_in_their_rows(existing):
    by_row = {row: {name for _, name in named_tests(cells[-1])} for row, cells in rows().items()}
    missing = [(row, name) for file, name in existing if file.startswith("conformance/")
               for row in re.findall(r"R_[A-Z]\d\d", name) if name not in by_row[row]]
    assert sorted(missing) == []
