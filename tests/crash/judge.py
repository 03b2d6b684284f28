"""What must hold after every crash, whatever was going on."""

import collections
import contextlib
import json
import sqlite3

import harness
from harness import verification


def stored(lab):
    """Serial number -> its row."""
    done = harness.run("cert", "list", "--json", "--limit", 1_000_000, "--config", lab.config_file)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    found = {int(row["serial"], 16): row for row in rows}
    assert len(found) == len(rows), "serial numbers are unique"
    return found


def audited(lab, *events):
    """Serial numbers in records of these kinds. A crash may have cut a line short."""
    found = set()
    for line in lab.audit_text().splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if record["event"] in events and "serial" in record:
            found.add(int(record["serial"], 16))
    return found


def judge(fleet, unaudited=False):
    """Whatever somebody was told is so: nothing lost, nothing doubled, nothing half. `unaudited`: the
    audit file is not synced, and the power failed."""
    lab = fleet.lab
    rows = stored(lab)
    lost = set(fleet.received()) - set(rows)
    assert not lost, f"received, and not in the store: {lost}"
    counted = collections.Counter(row["subject"] for row in rows.values())
    for device in fleet.devices:
        most, _ = device.certificates()
        assert counted[f"CN={device.subject}"] <= most, f"{device.subject} has more than {most}"
    forgotten = {s for s in fleet.revoked if "revocation_reason" not in rows.get(s, ())}
    assert not forgotten, f"revoked, and good again: {forgotten}"
    if not unaudited:
        silent = set(fleet.received()) - audited(lab, "issue", "retry")
        assert not silent, f"received, and not in the audit file: {silent}"
        silent = fleet.revoked - audited(lab, "revoke")
        assert not silent, f"revoked, and not in the audit file: {silent}"
    faults = verification("store", lab)["faults"]
    allowed = {"not_audited", "not_stored"} if unaudited else set()
    bad = [f for f in faults if f["kind"] not in allowed and not (
        unaudited and f["kind"].startswith("audit_"))]
    assert not bad, bad
    if not unaudited:
        report = verification("audit", lab)
        assert report["sound"], report
    return rows


def signed_by(signer, event, member):
    """Of the records of this kind in a signer's audit file. A crash may have cut a line short."""
    found = set()
    for line in (signer.dir / "signer-audit.jsonl").read_text().splitlines():
        with contextlib.suppress(ValueError):
            record = json.loads(line)
            if record["event"] == event:
                found.add(record[member])
    return found


def judge_signer(signer, serials):
    """What it gave out stands in its audit file and in its records, and the file is whole."""
    told = {int(serial, 16) for serial in signed_by(signer, "sign", "serial")}
    assert set(serials) <= told, "stored, and not in the signer's audit file"
    with contextlib.closing(sqlite3.connect(signer.dir / "signer.db")) as database:
        kept = {int.from_bytes(row, "big") for row, in database.execute("SELECT serial FROM signed")}
    assert set(serials) <= kept, "stored, and not in the signer's records"
    report = harness.run("audit", "verify", signer.dir / "signer-audit.jsonl")
    assert report.returncode == 0, report.stdout + report.stderr
