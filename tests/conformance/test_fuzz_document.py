"""fuzz/README.md has a row for every fuzz target, and each is built, with seeds and a dictionary."""

import re

import pytest

from harness import TOP

FUZZ = TOP / "fuzz"
TARGETS = sorted(file.name.removesuffix("_fuzz.cpp") for file in FUZZ.glob("*_fuzz.cpp"))


def test_the_table_has_a_row_for_every_target():
    rows = re.findall(r"^\| `(\w+)` \|", (FUZZ / "README.md").read_text(), re.M)
    assert sorted(rows) == TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_is_built_with_seeds_and_a_dictionary(name):
    built = re.search(rf"^scepgate_fuzzer\({name} (\w+) ", (FUZZ / "CMakeLists.txt").read_text(), re.M)
    assert built and (FUZZ / "dictionaries" / f"{built[1]}.dict").is_file()
    assert list((FUZZ / "corpus" / name).iterdir())
