"""A disk that is full, a store that is gone, damaged or read-only: what devices and operators see."""

import json
import os
import shutil
import sqlite3
import subprocess

import pytest

import harness
from harness import run, wait_until
from scep_client import Csr, name, pkcs_req


def message(lab, keys, subject, number=0, ca=None):
    challenge = lab.challenge("--subject", f"CN={subject}")
    return pkcs_req(Csr(keys(number), name(subject), challenge), [(ca or lab.ca()).encryption])


def refused_for_now(lab, sent):
    reply = lab.post(sent)
    assert reply.status == 503, reply
    assert int(reply.header("Retry-After")) > 0, "the device comes again"


class Disk:
    """A small disk of the server's own, mounted where only it and `inside` see it."""

    def __init__(self, lab, size="16m"):
        self.lab, self.mount = lab, lab.dir / "disk"
        self.mount.mkdir()
        shutil.move(lab.dir / "scepgate.db", lab.dir / "made.db")
        lab.edit(lambda config: config.update(store={"sqlite": "disk/scepgate.db"}))
        log = open(lab.log_file, "ab")
        script = (f"mount -t tmpfs -o size={size} store {self.mount} && "
                  f"cp {lab.dir}/made.db {self.mount}/scepgate.db && "
                  f"exec {harness.BINARY} serve --config {lab.config_file}")
        if lab.signer is not None and lab.signer.process is None:
            lab.signer.start()
        lab.process = subprocess.Popen(["unshare", "--map-root-user", "--mount", "sh", "-c", script],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       env=harness.soft_token.environment(lab.dir, None))
        log.close()
        wait_until(lab.answers, "the server answers")

    def inside(self, *command, check=True):
        done = subprocess.run(["nsenter", f"--target={self.lab.process.pid}", "--user", "--mount",
                               "--preserve-credentials", *map(str, command)],
                              capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def subjects(self):
        listed = self.inside(harness.BINARY, "cert", "list", "--json", "--config",
                             self.lab.config_file)
        return [row["subject"] for row in json.loads(listed)]


def test_a_full_disk_is_told_of_and_served_again_once_there_is_room(new_lab, keys):
    lab = new_lab(start=False)
    disk = Disk(lab)
    ca = lab.ca()
    assert lab.send(message(lab, keys, "before", ca=ca), ca).status == "success"
    disk.inside("sh", "-c", f"cat /dev/zero > {disk.mount}/filler; true")
    # The log has some room that it was given before.
    filled = [message(lab, keys, f"full-{i}", i % 4, ca) for i in range(40)]
    outcomes = [lab.post(one) for one in filled]
    refused = [i for i, reply in enumerate(outcomes) if reply.status == 503]
    assert refused and all(outcomes[i].header("Retry-After") for i in refused)
    assert "is full: make room" in lab.log() and "disk/scepgate.db" in lab.log()
    released = {"CN=before"} | {f"CN=full-{i}" for i in range(40) if i not in refused}
    assert set(disk.subjects()) == released
    disk.inside("rm", disk.mount / "filler")
    for i in refused:
        assert lab.send(filled[i], ca).status == "success", "its challenge was not burnt"
    assert len(disk.subjects()) == 41


@pytest.mark.parametrize("what", ["scepgate.db", "scepgate.db-wal"])
def test_a_store_that_is_deleted_under_the_server_takes_nothing_more(new_lab, keys, what):
    lab = new_lab()
    ca = lab.ca()
    assert lab.send(message(lab, keys, "before", ca=ca), ca).status == "success"
    sent = message(lab, keys, "after", 1, ca)
    taken = lab.dir / what
    taken.rename(lab.dir / "taken")
    for _ in range(2):
        refused_for_now(lab, sent)
    assert f"{what} was deleted, moved or replaced" in lab.log()
    assert "restore a backup" in lab.log()
    (lab.dir / "taken").rename(taken)
    assert lab.send(sent, ca).status == "success", "by itself, when the file is back"
    assert len(lab.certificates()) == 2


def damage(file, index):
    """Overwrites the first page of what every request looks into."""
    database = sqlite3.connect(file)
    page, = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", [index]).fetchone()
    size, = database.execute("PRAGMA page_size").fetchone()
    database.close()
    with open(file, "r+b") as opened:
        opened.seek((page - 1) * size)
        opened.write(b"\xff" * size)


def test_a_damaged_page_is_told_of_and_a_backup_mends_it(new_lab, keys, tmp_path):
    lab = new_lab()
    ca = lab.ca()
    assert lab.send(message(lab, keys, "kept", ca=ca), ca).status == "success"
    copy = tmp_path / "copy.db"
    assert run("store", "backup", "--config", lab.config_file, "--out", copy).returncode == 0
    sent = message(lab, keys, "later", 1, ca)
    lab.stop()
    file = lab.dir / "scepgate.db"
    damage(file, "transactions_by_request")
    lab.start()
    refused_for_now(lab, sent)
    assert "scepgate.db is damaged" in lab.log() and "docs/backup.md" in lab.log()
    judged = run("store", "verify", "--config", lab.config_file)
    assert judged.returncode != 0 and ("file_damaged" in judged.stdout or "damaged" in judged.stderr)
    lab.stop()
    for one in lab.dir.glob("scepgate.db*"):
        one.unlink()
    shutil.copy(copy, file)
    file.chmod(0o600)
    lab.start()
    assert lab.send(sent, ca).status == "success"
    assert len(lab.certificates()) == 2


def test_a_lost_log_is_what_store_verify_names(new_lab, keys):
    """The newest commits are in scepgate.db-wal until they are moved over."""
    lab = new_lab()
    ca = lab.ca()
    for number in range(2):
        assert lab.send(message(lab, keys, f"d{number}", number, ca), ca).status == "success"
    lab.kill()
    for end in ("-wal", "-shm"):
        (lab.dir / f"scepgate.db{end}").unlink()
    done = run("store", "verify", "--config", lab.config_file, "--json")
    assert done.returncode == 1, done.stderr
    lost = [fault for fault in json.loads(done.stdout)["faults"] if fault["kind"] == "not_stored"]
    assert sorted(fault["where"].split("'")[1] for fault in lost) == ["CN=d0", "CN=d1"]
    lab.start()
    assert lab.send(message(lab, keys, "next", 2, ca), ca).status == "success"


def test_a_store_on_a_read_only_disk_is_refused_at_the_start(new_lab):
    lab = new_lab(start=False)
    script = (f"mount --bind {lab.dir} {lab.dir} && mount -o remount,bind,ro {lab.dir} && "
              f"exec {harness.BINARY} serve --config {lab.config_file}")
    done = subprocess.run(["unshare", "--map-root-user", "--mount", "sh", "-c", script],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "scepgate.db" in done.stderr or "audit.jsonl" in done.stderr


def test_without_rights_to_the_store_the_server_says_whose_mode_to_look_at(new_lab):
    lab = new_lab(start=False)
    file = lab.dir / "scepgate.db"
    file.chmod(0)
    nobody = 65534
    command = [harness.BINARY, "config", "check", "--config", lab.config_file]
    if os.geteuid() == 0:
        for one in [lab.dir, *lab.dir.iterdir()]:
            os.chown(one, nobody, nobody)
        for parent in lab.dir.parents[:-1]:
            parent.chmod(parent.stat().st_mode | 0o011)
        command = ["setpriv", f"--reuid={nobody}", f"--regid={nobody}", "--clear-groups", *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    told = done.stdout + done.stderr
    assert done.returncode == 2 and "store.sqlite" in told and "chown" in told, told
