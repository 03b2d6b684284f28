"""store backup and store verify: beside a running server, and on stores that were tampered with."""

import json
import shutil
import sqlite3
import threading
import time

import pytest

from harness import run, verification, wait_until

pytestmark = pytest.mark.commands


def enrol(lab, name):
    made = run("enroll", "--url", lab.url, "--challenge", "none", "--subject", f"CN={name}",
               "--out", lab.dir / f"device-{name}")
    assert made.returncode == 0, made.stderr


@pytest.fixture
def lab(new_lab):
    """Running, with two certificates issued."""
    made = new_lab("--policy", "none")
    for name in ("one", "two"):
        enrol(made, name)
    return made


def verify(lab, *arguments):
    return verification("store", lab, *arguments)


def kinds(report):
    return sorted({fault["kind"] for fault in report["faults"]})


def sql(lab, *statements):
    database = sqlite3.connect(lab.dir / "scepgate.db")
    database.execute("PRAGMA foreign_keys=OFF")
    database.execute("PRAGMA ignore_check_constraints=ON")
    for statement in statements:
        database.execute(*statement) if isinstance(statement, tuple) else database.execute(statement)
    database.commit()
    database.close()


def test_a_running_servers_store_is_sound(lab):
    report = verify(lab)
    assert report["sound"] and report["certificates"] == 2
    assert report["audit_records"] == len(lab.audit(crls=True))
    text = run("store", "verify", "--config", lab.config_file)
    assert text.returncode == 0 and text.stdout.endswith("all sound\n")


OTHER = "(SELECT der FROM certificates WHERE id = 2)"


@pytest.mark.parametrize("kind, change", [
    ("certificate_unreadable", "UPDATE certificates SET der = x'3000' WHERE id = 1"),
    ("serial_differs", "UPDATE certificates SET serial = x'0102' WHERE id = 1"),
    ("serial_differs", f"UPDATE certificates SET der = {OTHER} WHERE id = 1"),
    ("issuer_differs", "UPDATE certificates SET issuer_hash = zeroblob(32) WHERE id = 1"),
    ("validity_differs", "UPDATE certificates SET not_after = not_after + 86400 WHERE id = 1"),
    ("transaction_without_certificate", "UPDATE transactions SET certificate = 99 WHERE id = 1"),
    ("certificate_without_transaction", "DELETE FROM transactions WHERE certificate = 1"),
    ("revocation_reason", "UPDATE certificates SET revoked_at = 1 WHERE id = 1"),
    ("not_stored", "DELETE FROM certificates WHERE id = 1"),
], ids=lambda value: None if " " in value else value)
def test_what_does_not_fit_is_found(lab, kind, change):
    lab.stop()
    sql(lab, change)
    report = verify(lab)
    assert kind in kinds(report), report
    fault = next(fault for fault in report["faults"] if fault["kind"] == kind)
    assert fault["where"] and fault["detail"]
    text = run("store", "verify", "--config", lab.config_file)
    assert text.returncode == 1 and f"fault: {kind}" in text.stdout


def test_a_signature_that_is_not_the_cas_is_found(lab):
    der = sqlite3.connect(lab.dir / "scepgate.db").execute(
        "SELECT der FROM certificates WHERE id = 1").fetchone()[0]
    lab.stop()
    sql(lab, ("UPDATE certificates SET der = ? WHERE id = 1", (der[:-1] + bytes([der[-1] ^ 1]),)))
    report = verify(lab)
    assert "signature_bad" in kinds(report) and "not_audited" in kinds(report)


def test_an_unknown_issuer_is_found(lab, templates):
    shutil.copy(templates() / "ca.pem", lab.dir / "ca.pem")
    report = verify(lab)
    assert set(kinds(report)) & {"issuer_unknown", "signature_bad"}


def test_a_certificate_that_nobody_told_of_is_found(lab):
    """Put into the store beside the server: with another CA's help, or its key."""
    lab.stop()
    lines = lab.audit_text().splitlines(keepends=True)
    (lab.dir / "audit.jsonl").write_text(
        "".join(line.replace('"fingerprint":"', '"fingerprint":"00') if "CN=one" in line else line
                for line in lines))
    report = verify(lab)
    assert "not_audited" in kinds(report) and "audit_edited" in kinds(report)


@pytest.mark.attack("A05")
def test_a_damaged_file_is_told_plainly(lab):
    enrol(lab, "three")
    lab.stop()
    file = lab.dir / "scepgate.db"
    data = bytearray(file.read_bytes())
    page = 4096
    for at in range(page * 2, len(data) - 1, page):
        data[at:at + 8] = b"\xff" * 8
    file.write_bytes(data)
    done = run("store", "verify", "--config", lab.config_file, "--json")
    assert done.returncode in (1, 2)
    assert "file_damaged" in done.stdout or "malformed" in done.stderr


def test_a_backup_of_a_running_server_is_whole_and_only_its_owners(lab, tmp_path):
    out = tmp_path / "copy.db"
    enrolling = [threading.Thread(target=enrol, args=[lab, f"more{i}"]) for i in range(3)]
    for thread in enrolling:
        thread.start()
    made = run("store", "backup", "--config", lab.config_file, "--out", out)
    for thread in enrolling:
        thread.join()
    assert made.returncode == 0, made.stderr
    assert out.stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in tmp_path.glob("copy*")) == ["copy.db"]
    assert verify(lab)["sound"]
    lost = verify(lab, "--store", out)
    assert set(kinds(lost)) <= {"not_stored"} and 2 <= lost["certificates"] <= 5
    events = [record["event"] for record in lab.audit()]
    assert events.count("backup") == 1
    again = run("store", "backup", "--config", lab.config_file, "--out", out)
    assert again.returncode == 1 and "exists" in again.stderr


def restore(lab, backup):
    """As docs/backup.md says; the server is down then."""
    lab.stop()
    for file in lab.dir.glob("scepgate.db*"):
        file.unlink()
    shutil.copy(backup, lab.dir / "scepgate.db")
    (lab.dir / "scepgate.db").chmod(0o600)


def command(lab, *arguments):
    done = run(*arguments, "--config", lab.config_file)
    assert done.returncode == 0, done.stderr
    return done.stdout


def crl_number(lab):
    return int(json.loads(command(lab, "ca", "crl", "--json"))["number"], 16)


@pytest.mark.parametrize("first", ["server", "command"])
@pytest.mark.parametrize("rotated", [False, True], ids=["", "rotated"])
def test_no_crl_number_comes_twice_after_a_restore(lab, tmp_path, first, rotated):
    one, two = (row["serial"] for row in lab.certificates())
    crl_number(lab)
    command(lab, "store", "backup", "--out", tmp_path / "copy.db")
    for serial in (one, two):
        command(lab, "cert", "hold", serial)
        last = crl_number(lab)
    restore(lab, tmp_path / "copy.db")
    wait_until(lambda: time.time() > last + 1, "a restore takes longer than the CRLs did")
    if rotated:
        (lab.dir / "audit.jsonl").rename(lab.dir / "audit.jsonl.1")
    if first == "command":
        command(lab, "cert", "revoke", one)
        assert crl_number(lab) > last
    lab.start()
    command(lab, "cert", "revoke", two)
    assert crl_number(lab) > last


def test_revocations_that_a_restore_has_lost_are_named_until_they_are_done_again(lab, tmp_path):
    revoked, held = (row["serial"] for row in lab.certificates())
    enrol(lab, "released")
    released = lab.certificates()[0]["serial"]
    enrol(lab, "worse")
    worse = lab.certificates()[0]["serial"]
    command(lab, "cert", "hold", worse)
    command(lab, "store", "backup", "--out", tmp_path / "copy.db")
    command(lab, "cert", "revoke", revoked, "--reason", "keyCompromise")
    command(lab, "cert", "revoke", worse, "--reason", "superseded")
    for serial in (held, released):
        command(lab, "cert", "hold", serial)
    command(lab, "cert", "release", released)
    assert verify(lab)["sound"]
    restore(lab, tmp_path / "copy.db")
    report = verify(lab)
    assert kinds(report) == ["not_revoked"] and len(report["faults"]) == 3
    told = {fault["where"].split()[1]: fault["detail"] for fault in report["faults"]}
    assert set(told) == {revoked, held, worse}
    assert "revoked (keyCompromise)" in told[revoked] and "'cert revoke'" in told[revoked]
    assert "put on hold" in told[held] and "'cert hold'" in told[held]
    assert "is only on hold in the store" in told[worse]
    lab.start()
    warnings = [line for line in lab.log().splitlines() if "the store is older than" in line]
    assert any("revocations" in line and "lost=3" in line for line in warnings), warnings
    assert all("docs/backup.md" in line for line in warnings)
    command(lab, "cert", "revoke", revoked)
    command(lab, "cert", "revoke", worse)
    command(lab, "cert", "hold", held)
    assert verify(lab)["sound"]
    lab.stop()
    before = lab.log().count("the store is older than")
    lab.start()
    assert lab.log().count("the store is older than") == before


def test_a_restored_backup_serves_and_what_it_lacks_is_named(lab, tmp_path):
    out = tmp_path / "copy.db"
    assert run("store", "backup", "--config", lab.config_file, "--out", out).returncode == 0
    enrol(lab, "late")
    late = lab.certificates()[0]
    restore(lab, out)
    lab.start()
    assert len(lab.certificates()) == 2
    report = verify(lab)
    assert kinds(report) == ["not_stored"]
    fault, = report["faults"]
    assert late["serial"] in fault["where"] and "CN=late" in fault["where"]
    enrol(lab, "new")
    assert len(lab.certificates()) == 3
    # Revoked by its number it is no fault any more, and on hold neither; released it is one again.
    for command, faults in (("hold", []), ("release", ["not_stored"]), ("revoke", [])):
        done = run("cert", command, late["serial"], "--not-recorded", "--config", lab.config_file)
        assert done.returncode == 0, done.stderr
        report = verify(lab)
        assert kinds(report) == faults and report["sound"] == (not faults)
        assert any("--not-recorded" in note for note in report["notes"]) == (not faults)
    # When the store has forgotten an expired one's revocation, the audit file still tells of it.
    sql(lab, "DELETE FROM revocations")
    assert kinds(verify(lab)) == ["not_revoked", "not_stored"], "it has not expired"


def test_a_serial_number_of_two_cas_is_two_certificates(lab):
    """Imported CAs count theirs from 1; RFC 5280 has them unique with the issuer alone."""
    command(lab, "ca", "create", "--ca", "other", "--root", "--ca-name", "Other CA")

    def change(what, ca, serial="02"):
        command(lab, "cert", what, serial, "--not-recorded", "--ca", ca)

    for ca in ("lab", "other"):
        change("hold", ca)
    change("release", "other")
    assert verify(lab)["sound"]
    lab.stop()
    sql(lab, "DELETE FROM revocations WHERE reason <> 8")
    fault, = verify(lab)["faults"]
    assert fault["kind"] == "not_revoked" and "--ca lab" in fault["detail"]
    lab.start()
    assert "revocations" in lab.log() and "lost=1" in lab.log()
    change("hold", "other")
    assert kinds(verify(lab)) == ["not_revoked"], "the other's"
    change("hold", "lab")
    assert verify(lab)["sound"]
    lost = lab.certificates()[0]["serial"]
    lab.stop()
    sql(lab, f"DELETE FROM certificates WHERE serial = x'{lost}'", "DELETE FROM transactions WHERE "
        "certificate NOT IN (SELECT id FROM certificates)")
    change("revoke", "other", lost)
    assert kinds(verify(lab)) == ["not_stored"]
    change("revoke", "lab", lost)
    assert verify(lab)["sound"]


def test_older_audit_files_are_asked_for(lab):
    old = lab.dir / "audit.jsonl.1"
    (lab.dir / "audit.jsonl").rename(old)
    enrol(lab, "three")
    newest = verify(lab)
    assert newest["sound"] and "--audit" in newest["notes"][0]
    assert verify(lab, "--audit", old) == {**verify(lab, "--audit", old), "notes": [], "sound": True}


def test_a_backup_without_room_leaves_nothing(lab, tmp_path):
    missing = run("store", "backup", "--config", lab.config_file, "--out", tmp_path / "no" / "x")
    assert missing.returncode == 1 and "no/x" in missing.stderr
    assert [record["event"] for record in lab.audit()][-1] == "fail"


def test_between_a_rotation_and_the_next_record_the_rotated_file_vouches(lab):
    lab.stop()
    old = lab.dir / "audit.jsonl.1"
    (lab.dir / "audit.jsonl").rename(old)
    assert verify(lab, "--audit", old)["sound"]
    assert verification("audit", lab, old)["sound"]
    alone = verify(lab)
    assert "audit_truncated" in kinds(alone) and "rotated" in alone["notes"][0]
    text = run("store", "verify", "--config", lab.config_file)
    assert "fault: audit_truncated: " in text.stdout


def give_key(lab, name):
    """As docs/audit.md says: both files away, then start with the new key."""
    lab.stop()
    for file in ("audit.jsonl", "audit.jsonl.head"):
        (lab.dir / file).rename(lab.dir / file.replace("audit", f"before-{name}"))
    (lab.dir / name).write_text(name.ljust(64, "x"))
    (lab.dir / name).chmod(0o600)
    lab.edit(lambda config: config.update(audit={"hmac_key": {"file": name}}))
    lab.start()


def test_a_store_is_sound_over_changes_of_the_audit_files_key(lab):
    give_key(lab, "a.key")
    enrol(lab, "three")
    give_key(lab, "b.key")
    enrol(lab, "four")
    earlier = ["--audit", lab.dir / "before-a.key.jsonl", lab.dir / "before-b.key.jsonl"]
    keys = ["--audit-key", "none", lab.dir / "a.key"]
    assert verify(lab, *earlier, *keys)["sound"]
    alone = verify(lab)
    assert kinds(alone) == ["not_audited"] and "--audit-key" in alone["notes"][0]
    # Whoever knows no key cannot make up a chain: only what is named is believed.
    assert not verify(lab, *earlier, "--audit-key", lab.dir / "a.key")["sound"]
