"""server/config.schema.json and the loader say the same of every sample."""

import json
import re
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


SIGNER_SCHEMA = json.loads((TOP / "server/signer.schema.json").read_text())


def judge_as_signers(configuration):
    """What is shared stands in config.schema.json, which the signer's names as a file beside it."""
    resolver = jsonschema.RefResolver("", SIGNER_SCHEMA, store={"config.schema.json": SCHEMA})
    jsonschema.Draft7Validator(SIGNER_SCHEMA, resolver=resolver).validate(configuration)


@pytest.mark.parametrize("path", files("../signer/accepted"))
def test_the_signers_schema_accepts_what_the_loader_accepts(path):
    judge_as_signers(sample(path))


@pytest.mark.parametrize("path", files("../signer/refused"))
def test_the_signers_schema_refuses_what_the_loader_refuses(path):
    with pytest.raises(jsonschema.ValidationError):
        judge_as_signers(sample(path))


def test_the_signers_configuration_in_the_documentation_fits_its_schema():
    shown = re.findall(r"^```json\n(\{.*?)^```", (TOP / "docs/signer.md").read_text(), re.M | re.S)
    assert len(shown) == 1
    judge_as_signers(json.loads(shown[0]))


def limits():
    """The rows of docs/limits.md that name a key: its path, and the default as it stands there."""
    rows = re.findall(r"^\|[^|]*\| ([^|]*) \| `([^`|]*)` \|", (TOP / "docs/limits.md").read_text(),
                      re.M)
    assert len(rows) > 15
    return {key: default.split(" ")[0] for default, key in rows if default != "as the body"}


@pytest.mark.parametrize("key", limits())
def test_the_limits_in_the_documentation_have_the_defaults_of_the_schema(key):
    found = {str(node["default"]) for node in nodes_of(key)}
    assert found == {"0s" if limits()[key] == "not" else limits()[key]}


def test_no_limit_is_missing_in_the_documentation():
    keys = SCHEMA["properties"]["limits"]["properties"]
    assert {f"limits.{key}" for key in keys} <= limits().keys()


def nodes_of(path):
    """What the schema has at `limits.body`, `policies.NAME.timeout`, `endpoints[].max_pending`; for a
    policy one for each type."""
    nodes = [SCHEMA]
    for step in path.replace("[]", ".[]").split("."):
        nodes = [below for node in nodes for below in children(resolve(node), step)]
    return [resolve(node) for node in nodes]


def resolve(node):
    for part in ([node["$ref"]] if "$ref" in node else []):
        target = SCHEMA
        for step in part.removeprefix("#/").split("/"):
            target = target[step]
        node = {**target, **node}
    for part in node.get("allOf", []):
        node = {**resolve(part), **node}
    return node


def children(node, step):
    if step == "[]":
        return [node["items"]]
    if step == "NAME":
        each = node["additionalProperties"]
        return [each, *each.get("oneOf", [])]
    return [node["properties"][step]] if step in node.get("properties", {}) else []
