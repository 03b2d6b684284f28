"""What a binary is made of, and how it was built: scripts/sbom, scripts/check-hardening."""

import hashlib
import json
import os
import re
import subprocess

import pytest

import harness

pytestmark = pytest.mark.commands

SCRIPTS = harness.TOP / "scripts"


def script(name, *arguments, **variables):
    return subprocess.run([SCRIPTS / name, *arguments], capture_output=True, text=True,
                          env={**os.environ, **variables})


@pytest.fixture(scope="module")
def bill():
    made = script("sbom", harness.BINARY, SOURCE_DATE_EPOCH="1700000000")
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def test_the_bill_of_materials_has_every_library_that_the_loader_finds(bill):
    listed = subprocess.run(["ldd", harness.BINARY], capture_output=True, text=True).stdout
    files = {os.path.realpath(file) for file in re.findall(r"(/\S+) \(0x", listed)}
    assert len(files) > 10
    told = {entry["value"].split(" sha256:")[0]: entry["value"].split(" sha256:")[1]
            for component in bill["components"] for entry in component["properties"]
            if entry["name"] == "file"}
    assert set(told) == files
    for file, digest in told.items():
        with open(file, "rb") as octets:
            assert hashlib.sha256(octets.read()).hexdigest() == digest, file


def test_the_bill_of_materials_has_exact_versions_and_what_is_compiled_in(bill):
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    versions = {component["name"]: component["version"] for component in bill["components"]}
    for name in ("libssl3", "libpq5", "libseccomp2", "libboost1.81-dev", "nlohmann-json3-dev"):
        installed = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name],
                                   capture_output=True, text=True).stdout
        assert versions[name] == installed
    references = [component["bom-ref"] for component in bill["components"]]
    assert len(set(references)) == len(references)
    assert bill["dependencies"] == [{"ref": "scepgate", "dependsOn": references}]


def test_the_bill_of_materials_tells_which_binary_and_is_the_same_each_time(bill):
    ours = bill["metadata"]["component"]
    assert ours["hashes"] == [{"alg": "SHA-256",
                               "content": hashlib.sha256(harness.BINARY.read_bytes()).hexdigest()}]
    assert harness.run("--version").stdout.split()[1] == ours["version"]
    assert bill["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    again = script("sbom", harness.BINARY, SOURCE_DATE_EPOCH="1700000000")
    assert json.loads(again.stdout) == bill


def test_a_binary_that_is_not_hardened_is_told_by_what_it_lacks(tmp_path):
    source = tmp_path / "soft.c"
    source.write_text("int main(void) { return 0; }\n")
    subprocess.run(["cc", "-no-pie", "-fno-stack-protector", "-fcf-protection=none",
                    "-Wl,-z,norelro,-z,execstack,-rpath,/tmp", "-o", tmp_path / "soft", source],
                   check=True, capture_output=True)
    judged = script("check-hardening", tmp_path / "soft")
    assert judged.returncode == 1
    lacking = [line for line in judged.stdout.splitlines() if line.startswith(("MISSING", "FOUND"))]
    for word in ("PIE", "RELRO", "BIND_NOW", "stack not executable", "RPATH", "stack protector",
                 "FORTIFY_SOURCE", "GLIBCXX_ASSERTIONS"):
        assert any(word in line for line in lacking), judged.stdout


def test_a_binary_that_is_not_there_is_told(tmp_path):
    for name in ("check-hardening", "sbom"):
        judged = script(name, tmp_path / "none")
        assert judged.returncode != 0 and "there is no" in judged.stderr


def test_no_source_has_the_time_of_its_compilation():
    sources = [file for folder in ("certs", "scep", "policy", "ca_backend", "server")
               for file in (harness.TOP / folder).rglob("*.[ch]pp")]
    assert len(sources) > 300
    assert [file.name for file in sources
            if re.search(r"__(DATE|TIME|TIMESTAMP)__", file.read_text())] == []
