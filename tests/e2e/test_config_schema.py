"""server/config.schema.json and the loader say the same of every sample."""

import json
from pathlib import Path

import jsonschema
import pytest

TOP = Path(__file__).resolve().parents[2]
SAMPLES = TOP / "tests/data/server/config"
SCHEMA = json.loads((TOP / "server/config.schema.json").read_text())


def sample(path):
    lines = path.read_text().splitlines()
    return json.loads("\n".join(line for line in lines if not line.startswith("//")))


def files(folder):
    found = sorted((SAMPLES / folder).glob("*.json"))
    assert found
    return [pytest.param(path, id=path.stem) for path in found]


@pytest.mark.parametrize("path", files("accepted"))
def test_the_schema_accepts_what_the_loader_accepts(path):
    jsonschema.validate(sample(path), SCHEMA)


@pytest.mark.parametrize("path", files("refused"))
def test_the_schema_refuses_what_the_loader_refuses(path):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(sample(path), SCHEMA)
