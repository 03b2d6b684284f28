"""docs/security.md has a row for every id of the attack matrix, and says of each which tests show
it: those that have the mark `attack` with that id, no more and no fewer."""

import ast
import re

import pytest

from harness import TOP

TESTS = TOP / "tests"
DOCUMENT = (TOP / "docs" / "security.md").read_text()
LAST = {"Z": 15, "H": 20, "B": 8, "S": 20, "E": 15, "K": 7,
        "C": 17, "N": 15, "G": 7, "T": 7, "A": 9, "M": 7, "X": 3, "P": 5}
IDS = [f"{letter}{number:02}" for letter, last in LAST.items() for number in range(1, last + 1)]


def cells(line):
    return [cell.strip() for cell in line.strip("|").split(" | ")]


ROWS = {cells(line)[0]: cells(line) for line in DOCUMENT.splitlines()
        if re.match(r"\| [A-Z]\d\d \| ", line)}


def named_tests(text):
    return set(re.findall(r"`([\w/.]+::\w+)`", text))


def ids_of(decorators):
    """The arguments of each @pytest.mark.attack(...)."""
    for node in decorators:
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.attack":
            yield from (argument.value for argument in node.args)


@pytest.fixture(scope="module")
def marked():
    """Test -> the ids that it is marked with."""
    found = {}
    for file in TESTS.rglob("test_*.py"):
        tree = ast.parse(file.read_text())
        of_module = [node.value for node in tree.body if isinstance(node, ast.Assign)
                     and ast.unparse(node.targets[0]) == "pytestmark"]
        calls = [call for value in of_module
                 for call in (value.elts if isinstance(value, ast.List) else [value])]
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                name = f"{file.relative_to(TESTS)}::{node.name}"
                found[name] = {*ids_of(node.decorator_list), *ids_of(calls)}
    assert len(found) > 500
    return found


def test_every_id_has_one_row_in_order():
    listed = [cells(line)[0] for line in DOCUMENT.splitlines()
              if re.match(r"\| [A-Z]\d\d \| ", line)]
    assert listed == IDS


@pytest.mark.parametrize("row", IDS)
def test_a_row_says_attack_outcome_and_what_shows_it(row):
    _, attack, outcome, shown = ROWS[row]
    assert attack and outcome
    assert named_tests(shown) or re.match(r"(n/a|open): \w", shown), shown


@pytest.mark.parametrize("row", IDS)
def test_a_row_names_the_tests_that_are_marked_with_it(marked, row):
    named = {name for name in named_tests(ROWS[row][3]) if ".py::" in name}
    assert named == {name for name, ids in marked.items() if row in ids}


def test_every_test_in_cpp_that_a_row_names_exists():
    declared = r"^TEST(?:_F|_P)?\(\s*\w+,\s*(\w+)\)"
    existing = {f"{file.relative_to(TESTS)}::{name}" for file in TESTS.rglob("*.cpp")
                for name in re.findall(declared, file.read_text(), re.M)}
    named = {name for name in named_tests(DOCUMENT) if ".cpp::" in name}
    assert sorted(named - existing) == []


def test_every_id_of_a_mark_is_a_row(marked):
    used = {(row, name) for name, ids in marked.items() for row in ids}
    assert sorted((row, name) for row, name in used if row not in IDS) == []


def test_the_figures_that_are_promised_are_those_of_the_limits():
    promised = DOCUMENT.split("bounded by [limits.md](limits.md)")[1].split("\n- ")[0]
    limits = (TOP / "docs" / "limits.md").read_text()
    figures = set(re.findall(r"\b\d+\b", promised)) - {"414", "413", "408", "503"}
    assert len(figures) > 10
    assert [f for f in sorted(figures) if not re.search(rf"\b{f}s?\b", limits)] == []


def test_the_rows_that_advisories_name_are_there():
    advisories = DOCUMENT.split("\n## Advisories\n")[1]
    named = [row for line in advisories.splitlines() if line.startswith("| ")
             for row in re.findall(r"\b[A-Z]\d\d\b", cells(line)[2])]
    assert len(named) > 10
    assert [row for row in named if row not in IDS] == []
