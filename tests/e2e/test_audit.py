"""The audit file's chain: `audit verify` and `audit head`, beside running servers and after crashes."""

import hashlib
import json
import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest

import harness
from harness import run, verification

pytestmark = pytest.mark.commands

TOP = Path(__file__).resolve().parents[2]


@pytest.fixture
def lab(new_lab):
    """Running, with two certificates issued."""
    made = new_lab("--policy", "none")
    for name in ("one", "two"):
        enrol(made, name)
    return made


def try_to_enrol(lab, name):
    return run("enroll", "--url", lab.url, "--challenge", "none", "--subject", f"CN={name}",
               "--out", lab.dir / f"device-{name}")


def enrol(lab, name):
    made = try_to_enrol(lab, name)
    assert made.returncode == 0, made.stderr


def verify(lab, *arguments):
    return verification("audit", lab, *arguments)


def kinds(report):
    return [fault["kind"] for fault in report["faults"]]


def head(lab):
    done = run("audit", "head", "--config", lab.config_file)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def change(lab, edit):
    """`edit` gets the lines and alters them in place."""
    file = lab.dir / "audit.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    edit(lines)
    file.write_text("".join(lines))


def test_a_running_servers_audit_file_is_a_sound_chain(lab):
    report = verify(lab)
    assert report["sound"] and report["records"] == len(lab.audit(crls=True)) == report["last_seq"]
    assert [record["seq"] for record in lab.audit(crls=True)] == list(range(1, report["records"] + 1))
    assert report["head"] == head(lab)
    text = run("audit", "verify", "--config", lab.config_file)
    assert text.returncode == 0 and text.stdout.endswith("the chain is sound\n")


def swap(lines):
    lines[1], lines[2] = lines[2], lines[1]


def edit_subject(lines):
    at = next(i for i, line in enumerate(lines) if "CN=one" in line)
    lines[at] = lines[at].replace("CN=one", "CN=own")


def edit_last(lines):
    lines[-1] = lines[-1].replace("stop", "stap")


@pytest.mark.parametrize("kind, edit", [
    ("edited", edit_subject),
    ("head_mismatch", edit_last),
    ("missing", lambda lines: lines.pop(2)),
    ("missing", swap),
    ("truncated", lambda lines: lines.pop()),
    ("duplicated", lambda lines: lines.insert(2, lines[1])),
    ("forked", lambda lines: lines.append(lines[-1].replace("stop", "stap"))),
    ("not_a_record", lambda lines: lines.insert(2, '{"event":"issue"}\n')),
], ids=["edited", "edited-last", "missing", "reordered", "truncated", "duplicated", "forked", "alien"])
def test_what_was_tampered_with_is_found(lab, kind, edit):
    lab.stop()
    change(lab, edit)
    report = verify(lab)
    assert kinds(report)[0] == kind
    first = report["faults"][0]
    assert first["line"] > 0 and first["expected"] and first["found"]
    text = run("audit", "verify", "--config", lab.config_file)
    assert text.returncode == 1 and f"fault: {kind}" in text.stdout
    # The server serves on; what was done stays visible.
    lab.start()
    assert not verify(lab)["sound"]


def test_what_was_kept_elsewhere_shows_a_chain_that_was_made_anew(lab, tmp_path):
    kept = head(lab)
    enrol(lab, "three")
    assert verify(lab, "--head", kept)["sound"]
    lab.stop()
    for file in ("audit.jsonl", "audit.jsonl.head"):
        (lab.dir / file).unlink()
    lab.start()
    assert verify(lab)["sound"]
    assert kinds(verify(lab, "--head", kept)) == ["truncated"]
    refused = run("audit", "verify", "--config", lab.config_file, "--head", "12")
    assert refused.returncode == 2 and "audit head" in refused.stderr


def test_a_server_and_commands_write_one_chain_at_once(lab):
    certificates = [row["serial"] for row in lab.certificates()]
    done = []

    def hold_and_release(serial):
        for act in ("hold", "release") * 3:
            done.append(run("cert", act, serial, "--config", lab.config_file).returncode)

    threads = [threading.Thread(target=hold_and_release, args=[serial]) for serial in certificates]
    threads += [threading.Thread(target=enrol, args=[lab, f"more{i}"]) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [0] * 12
    report = verify(lab)
    assert report["sound"], report["faults"]
    events = [record["event"] for record in lab.audit()]
    assert events.count("hold") == events.count("release") == 6 and events.count("issue") == 6


def test_two_servers_write_one_chain(lab):
    second = harness.SecondNode(lab)
    second.start()
    try:
        for i in range(3):
            enrol(lab, f"a{i}")
            enrol(second, f"b{i}")
        assert verify(lab)["sound"]
    finally:
        second.stop()
    assert verify(lab)["sound"]


def test_after_kill_9_under_load_the_chain_goes_on(new_lab):
    lab = new_lab("--policy", "none")
    for round_ in range(3):
        enrolling = [threading.Thread(target=try_to_enrol, args=[lab, f"r{round_}d{i}"])
                     for i in range(4)]
        before = len(lab.audit(crls=True))
        for thread in enrolling:
            thread.start()
        harness.wait_until(lambda: len(lab.audit_text().splitlines()) > before, "a record")
        lab.kill()
        for thread in enrolling:
            thread.join()
        lab.start()
        report = verify(lab)
        assert report["sound"], report["faults"]
    # Everything that the store has is told of.
    signed = {record["serial"] for record in lab.audit() if record["event"] == "sign"}
    assert {row["serial"] for row in lab.certificates()} <= signed


@pytest.mark.parametrize("octets", [b"", b"\x1f\x8b\x08\x00compressed"])
def test_files_without_a_record_are_not_called_sound(tmp_path, octets):
    file = tmp_path / "audit.jsonl.gz"
    file.write_bytes(octets)
    done = run("audit", "verify", file)
    assert done.returncode == 1 and "there is no chain" in done.stdout
    assert not json.loads(run("audit", "verify", "--json", file).stdout)["sound"]


def test_a_torn_last_line_is_told_of_and_stays(lab):
    lab.kill()
    with open(lab.dir / "audit.jsonl", "a") as file:
        file.write('{"seq":99,"prev":"0000')
    report = verify(lab)
    assert report["sound"] and "cut short" in report["notes"][0]["text"]
    lab.start()
    lines = lab.audit_text().splitlines()
    assert '{"seq":99,"prev":"0000' in lines
    chain = json.loads(lines[lines.index('{"seq":99,"prev":"0000') + 1])
    assert (chain["event"], chain["reason"]) == ("chain", "torn")
    assert verify(lab)["sound"]


def test_the_chain_goes_on_through_rotated_files(lab):
    olds = []
    for i in range(2):
        olds.append(lab.dir / f"audit.jsonl.{i + 1}")
        (lab.dir / "audit.jsonl").rename(olds[-1])
        enrol(lab, f"r{i}")
    report = verify(lab, *olds)
    assert report["sound"] and report["files"] == 3 and report["first_seq"] == 1
    assert [line["reason"] for line in lab.audit() if line["event"] == "chain"] == ["rotated"]
    only_newest = verify(lab)
    assert only_newest["sound"] and only_newest["first_seq"] > 1 and only_newest["notes"]
    assert kinds(verify(lab, olds[0])) == ["missing"]
    # Without a configuration, too.
    done = run("audit", "verify", *olds)
    assert done.returncode == 0, done.stdout


def test_with_a_key_nobody_else_can_make_a_chain(new_lab, tmp_path):
    lab = new_lab("--policy", "none", start=False)
    key = lab.dir / "audit.key"
    key.write_text("5" * 64 + "\n")
    key.chmod(0o600)
    lab.edit(lambda config: config.update(audit={"hmac_key": {"file": "audit.key"},
                                                 "sync": "every"}))
    lab.start()
    enrol(lab, "one")
    assert verify(lab)["sound"]
    lab.stop()
    assert "5" * 64 not in lab.text_everywhere()
    copy = tmp_path / "audit.jsonl"
    shutil.copy(lab.dir / "audit.jsonl", copy)
    assert run("audit", "verify", "--hmac-key", key, copy).returncode == 0
    assert run("audit", "verify", copy).returncode == 1
    # Neither another key nor none may go on with it.
    for wrong in ("6" * 64, "short", None):
        if wrong:
            key.write_text(wrong)
        else:
            lab.edit(lambda config: config.pop("audit"))
        for command in (("serve",), ("config", "check")):
            refused = run(*command, "--config", lab.config_file)
            assert refused.returncode == 2, (command, wrong)
            assert "error: audit.hmac_key" in refused.stderr, (command, wrong, refused.stderr)


def test_the_signers_audit_file_has_its_key_too(tmp_path):
    """In a lab of `init --signer`, whose signer is no part of the mode that tests run in."""
    run("init", tmp_path / "lab", "--signer", "--listen", f"127.0.0.1:{harness.free_port()}")
    config_file = tmp_path / "lab" / "signer" / "signer.json"
    key = config_file.with_name("audit.key")
    key.touch(mode=0o600)
    key.write_text("5" * 64 + "\n")
    config = harness.load_json_with_comments(config_file.read_text())
    config["audit"]["hmac_key"] = {"file": "audit.key"}
    config_file.write_text(json.dumps(config))
    file = config_file.with_name("signer-audit.jsonl")
    with subprocess.Popen([harness.BINARY, "signer", "--config", config_file],
                          stderr=subprocess.DEVNULL) as signer:
        try:
            harness.wait_until(lambda: file.exists() and "start" in file.read_text(), "the start")
        finally:
            signer.terminate()
    assert run("audit", "verify", "--hmac-key", key, file).returncode == 0
    assert run("audit", "verify", file).returncode == 2
    assert run("audit", "verify", "--config", config_file).returncode == 0
    key.write_text("6" * 64)
    for command in (("signer",), ("config", "check")):
        refused = run(*command, "--config", config_file)
        assert refused.returncode == 2 and "error: audit.hmac_key" in refused.stderr, command


def test_a_changed_configuration_is_recorded_with_its_hash(lab):
    start = next(record for record in lab.audit() if record["event"] == "start")
    lab.edit(lambda config: config.setdefault("limits", {}).update(queue=99))
    lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: lab.audit()[-1]["event"] == "reload", "the reload")
    changed = lab.audit()[-2]
    assert changed["event"] == "config_change"
    assert changed["before"] == start["config_sha256"] != changed["config_sha256"]
    assert changed["config_sha256"] == hashlib.sha256(
        lab.config_file.read_bytes()).hexdigest()


def test_a_full_disk_releases_no_certificate_and_leaves_the_chain_sound(lab):
    file, moved = lab.dir / "audit.jsonl", lab.dir / "audit.jsonl.1"
    file.rename(moved)
    file.symlink_to("/dev/full")
    assert try_to_enrol(lab, "full").returncode == 1
    assert "CN=full" not in [row["subject"] for row in lab.certificates()]
    file.unlink()
    enrol(lab, "again")
    assert verify(lab, moved)["sound"]


def test_the_documentation_lists_every_event():
    header = (TOP / "server/audit_events.hpp").read_text()
    kinds_ = re.findall(r'AuditEventKind\{"([a-z_]+)",\s*"([^"]*)",\s*"([^"]*)"\}', header)
    rows = re.findall(r"^\| `([a-z_]+)` \| ([^|]*) \| ([^|]*) \|$",
                      (TOP / "docs/audit.md").read_text(), re.M)
    assert len(kinds_) > 20 and rows == kinds_
