"""cert list: filters, pages, and what it says where a search ends."""

import json
import re
import shlex
import sqlite3
from pathlib import Path

import pytest

from harness import run

pytestmark = pytest.mark.commands

PAGE = re.compile(r"--after (\S+)")


@pytest.fixture(scope="module")
def lab(templates, tmp_path_factory):
    """Six certificates: laptop-0 … laptop-5, one revoked, one on hold."""
    import shutil

    import harness
    folder = tmp_path_factory.mktemp("list") / "lab"
    shutil.copytree(templates(), folder)
    made = harness.Lab(folder)
    made.edit(lambda config: config.update(listen=[{"address": f"127.0.0.1:{made.port}"}]))
    made.start()
    for number in range(6):
        challenge = made.challenge("--subject", f"CN=laptop-{number}", "--dns",
                                   f"l{number}.example", "--dns", "all.example", "--device-id",
                                   f"Device-{number % 2}", "--user-id", "alice")
        done = run("enroll", "--url", made.url, "--challenge", challenge, "--subject",
                   f"CN=laptop-{number}", "--dns", f"l{number}.example", "--dns", "all.example",
                   "--out", folder / f"device-{number}")
        assert done.returncode == 0, done.stderr
    rows = made.certificates()
    assert run("cert", "revoke", rows[0]["serial"], "--config", made.config_file).returncode == 0
    assert run("cert", "hold", rows[1]["serial"], "--config", made.config_file).returncode == 0
    yield made
    made.stop()
    made.kill()
    made.end_signer()


def listing(lab, *arguments):
    return run("cert", "list", "--config", lab.config_file, *arguments)


def numbers(lab, *arguments):
    done = listing(lab, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return [int(row["subject"][-1]) for row in json.loads(done.stdout)]


@pytest.mark.parametrize("filters, found", [
    ([], [5, 4, 3, 2, 1, 0]),
    (["--subject", "TOP-3"], [3]),
    (["--subject-is", "CN=laptop-3"], [3]),
    (["--subject-is", "laptop-3"], []),
    (["--subject-begins", "cn=laptop"], [0, 1, 2, 3, 4, 5]),
    (["--san", "l2.example"], [2]),
    (["--san", "dns:ALL.example"], [5, 4, 3, 2, 1, 0]),
    (["--san", "upn:l2.example"], []),
    (["--san-contains", "l2.ex"], [2]),
    (["--device", "device-1"], [5, 3, 1]),
    (["--user", "alice", "--device", "Device-0"], [4, 2, 0]),
    (["--template", "DeviceGeneral", "--policy", "mdm", "--ca", "lab"], [5, 4, 3, 2, 1, 0]),
    (["--template", "Other"], []),
    (["--revoked"], {4, 5}),
    (["--on-hold"], [4]),
    (["--valid"], [3, 2, 1, 0]),
    (["--expired"], []),
    (["--issued-from", "2020-01-01", "--issued-until", "2020-12-31"], []),
    (["--issued-from", "2020-01-01T00:00:00Z"], {0, 1, 2, 3, 4, 5}),
    (["--expires-until", "2020-01-01"], []),
    (["--expiring", "400d", "--device", "device-1"], [5, 3, 1]),
], ids=lambda value: " ".join(map(str, value)))
def test_each_filter_finds_its_certificates_in_order(lab, filters, found):
    assert (set if isinstance(found, set) else list)(numbers(lab, *filters)) == found


def test_a_serial_and_a_transaction_are_found(lab):
    row = lab.certificates()[2]
    assert numbers(lab, "--serial", "00" + row["serial"].upper()) == [3]
    assert numbers(lab, "--transaction", row["transaction_id"]) == [3]


def test_pages_follow_each_other_by_what_is_said_last(lab):
    seen, after = [], []
    for _ in range(3):
        done = listing(lab, "--limit", "2", *after)
        seen += [line.split("laptop-")[1] for line in done.stdout.splitlines()]
        named = PAGE.search(done.stderr)
        after = ["--after", *shlex.split(named[1])] if named else None
    assert seen == ["5", "4", "3", "2", "1", "0"] and after is None


def test_a_page_as_an_object_names_the_next(lab):
    page = json.loads(listing(lab, "--json", "--page", "--limit", "4").stdout)
    assert len(page["certificates"]) == 4 and page["scanned"] == 0
    last = json.loads(listing(lab, "--json", "--page", "--limit", "4", "--after",
                              page["next"]).stdout)
    assert len(last["certificates"]) == 2 and last["next"] is None
    assert listing(lab, "--page").returncode != 0, "only with --json"


def test_a_search_ends_where_it_may_look_no_further_and_says_so(lab):
    first = listing(lab, "--subject", "laptop-0", "--scan", "4")
    assert first.returncode == 0 and first.stdout == ""
    assert "looked at 4 certificates" in first.stderr and "--scan 0" in first.stderr
    rest = listing(lab, "--subject", "laptop-0", "--after", PAGE.search(first.stderr)[1])
    assert "laptop-0" in rest.stdout and rest.stderr == ""
    assert "laptop-0" in listing(lab, "--subject", "laptop-0", "--scan", "0").stdout


@pytest.mark.parametrize("arguments, told", [
    (["--after", "nonsense"], "next"),
    (["--issued-from", "yesterday"], "--issued-from"),
    (["--issued-until", "2026-02-31"], "--issued-until"),
    (["--serial", "xyz"], "--serial"),
    (["--valid", "--expired"], "--valid"),
    (["--subject", ""], "--subject"),
], ids=lambda value: value if isinstance(value, str) else "-".join(value))
def test_what_cannot_be_asked_is_bad_usage(lab, arguments, told):
    done = listing(lab, *arguments)
    assert done.returncode == 2 and told in done.stderr, done.stderr


def test_more_rows_than_are_kept_in_memory_come_as_one_array(lab, tmp_path):
    """Copied rows: several inner pages of one call."""
    import shutil
    folder = tmp_path / "lab"
    shutil.copytree(lab.dir, folder, ignore=lambda _, names: [
        name for name in names if name.endswith((".db", "-wal", "-shm"))])
    assert run("store", "backup", "--config", lab.config_file, "--out",
               folder / "scepgate.db").returncode == 0
    database = sqlite3.connect(folder / "scepgate.db")
    columns = [row[1] for row in database.execute("PRAGMA table_info(certificates)")]
    chosen = ", ".join({"id": "NULL", "serial": "randomblob(16)"}.get(name, name)
                       for name in columns)
    database.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) "
                     f"INSERT INTO certificates SELECT {chosen} FROM certificates, n WHERE id = 1")
    database.commit()
    database.close()
    done = run("cert", "list", "--json", "--limit", "5000", "--config", folder / "scepgate.json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert len(rows) == len({row["serial"] for row in rows}) == 1206


def test_the_documentation_has_every_filter():
    text = (Path(__file__).resolve().parents[2] / "docs/certificates.md").read_text()
    options = re.findall(r"--[a-z-]+", run("cert", "list", "--help").stdout)
    for option in set(options) - {"--help", "--config"}:
        assert f"`{option}" in text or f" {option}" in text, option
