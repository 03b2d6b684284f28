"""pending list, approve and reject: what an operator does beside a running server."""

import hashlib
import json
import sqlite3
import time

import pytest

from harness import run


@pytest.fixture
def lab(new_lab):
    return new_lab()


def wait_for_operator(lab, transaction_id, subject="CN=device,O=Example", expires_in=3600):
    """Puts a request into the store as the server does; returns its number."""
    now = int(time.time())
    database = sqlite3.connect(lab.dir / "scepgate.db", timeout=10)
    with database:
        count = database.execute("SELECT count(*) FROM transactions").fetchone()[0]
        unique = hashlib.sha256(f"{transaction_id} {count}".encode()).digest()
        number = database.execute(
            "INSERT INTO transactions(key, state, endpoint, transaction_id, signer_key, challenge,"
            " recorded_at, expires, notified) VALUES(?, 0, '/scep', ?, ?, x'', ?, ?, 0)",
            (unique, transaction_id, unique, now, now + expires_in)).lastrowid
        database.execute(
            "INSERT INTO pending(request, message_type, ca, template, policy, device_id, user_id,"
            " subject, subject_alt_name, signer, csr, granted, upstream_id)"
            " VALUES(?, 19, 'lab', 'Device', 'mdm', 'device-id', '', ?, '', x'01', x'02', x'03',"
            " '')", (number, subject))
    database.close()
    return number


def command(lab, *arguments):
    return run("pending", *arguments, "--config", lab.config_file)


def listed(lab, *arguments):
    done = command(lab, "list", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def audit(lab, event):
    return [line for line in lab.audit() if line["event"] == event]


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_what_cannot_be_audited_is_not_decided(lab, verdict):
    wait_for_operator(lab, "transaction-1")
    before = lab.audit()
    lab.edit(lambda config: config.update(audit={"file": "/dev/full"}))
    refused = command(lab, verdict, "transaction-1")
    assert refused.returncode == 1 and "nothing was done" in refused.stderr
    row, = listed(lab)
    assert row["state"] == "pending" and lab.audit() == before


def test_an_intention_stands_in_the_audit_file_before_and_its_end_after(lab):
    wait_for_operator(lab, "transaction-1")
    assert command(lab, "reject", "transaction-1", "--reason", "unknown").returncode == 0
    assert command(lab, "approve", "transaction-1").returncode == 1
    told = [(line["event"], line.get("act")) for line in lab.audit() if "by" in line]
    assert told == [("intend", "reject"), ("reject", None),
                    ("intend", "approve"), ("fail", "approve")]
    first, second, _, failed = [line for line in lab.audit() if "by" in line]
    for key in ("request", "transaction_id", "subject", "ca", "policy", "device_id", "reason"):
        assert first[key] == second[key], key
    assert failed["error"]


def test_a_request_is_listed_approved_and_audited(lab):
    number = wait_for_operator(lab, "transaction-1")
    row, = listed(lab)
    assert row["request"] == number and row["state"] == "pending"
    assert row["transaction_id"] == "transaction-1" and row["subject"] == "CN=device,O=Example"
    text = command(lab, "list").stdout
    assert "transaction-1" in text and "CN=device,O=Example" in text
    done = command(lab, "approve", "transaction-1", "--reason", "known device")
    assert done.returncode == 0, done.stderr
    assert "approved" in done.stdout
    row, = listed(lab)
    assert row["state"] == "approved" and row["reason"] == "known device" and row["decided_by"]
    line, = audit(lab, "approve")
    assert line["transaction_id"] == "transaction-1" and line["request"] == number
    assert line["reason"] == "known device" and line["by"] == row["decided_by"]
    assert line["device_id"] == "device-id"
    again = command(lab, "approve", "transaction-1")
    assert again.returncode == 1 and "approved already" in again.stderr


def test_a_rejection_is_for_good(lab):
    wait_for_operator(lab, "transaction-1")
    done = command(lab, "reject", "transaction-1", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "rejected"
    for verdict in ("approve", "reject"):
        again = command(lab, verdict, "transaction-1")
        assert again.returncode == 1 and "rejected already" in again.stderr
    assert listed(lab) == []
    row, = listed(lab, "--all")
    assert row["state"] == "rejected"
    assert len(audit(lab, "reject")) == 1 and not audit(lab, "approve")


def test_t01_an_ambiguous_id_is_refused_until_a_number_chooses(lab):
    first = wait_for_operator(lab, "same", "CN=first")
    second = wait_for_operator(lab, "same", "CN=second")
    refused = command(lab, "approve", "same")
    assert refused.returncode == 1
    assert "CN=first" in refused.stderr and "CN=second" in refused.stderr
    assert "--request" in refused.stderr
    assert {row["state"] for row in listed(lab)} == {"pending"}
    assert command(lab, "approve", "same", "--request", str(second)).returncode == 0
    assert {row["request"]: row["state"] for row in listed(lab)} == {
        first: "pending", second: "approved"}
    assert command(lab, "approve", "other", "--request", str(first)).returncode == 1


def test_expired_requests_cannot_be_decided(lab):
    wait_for_operator(lab, "late", expires_in=0)
    assert listed(lab) == []
    row, = listed(lab, "--all")
    assert row["state"] == "expired"
    refused = command(lab, "approve", "late")
    assert refused.returncode == 1 and "expired" in refused.stderr


def test_unknown_requests_are_said_to_be(lab):
    refused = command(lab, "approve", "nobody' OR 1=1 --")
    assert refused.returncode == 1 and "pending list" in refused.stderr
    assert listed(lab, "--transaction", "nobody") == []


def test_listing_takes_filter_and_limit(lab):
    for name in ("a", "b", "c"):
        wait_for_operator(lab, name)
    assert [row["transaction_id"] for row in listed(lab)] == ["c", "b", "a"]
    assert [row["transaction_id"] for row in listed(lab, "--limit", "1")] == ["c"]
    assert [row["transaction_id"] for row in listed(lab, "--transaction", "b")] == ["b"]


@pytest.mark.parametrize("words", [(), ("list",), ("approve",), ("reject",)],
                         ids=lambda words: "-".join(words) or "pending")
def test_help(words):
    done = run("pending", *words, "--help")
    assert done.returncode == 0 and len(done.stdout) > 100
