"""What is left of secrets in the memory of a server that has used them. (That none is in a log or an
audit file is asked at the end of every lab: secrets_kept.py.)"""

import os

import pytest

import harness
import secrets_kept

pytestmark = pytest.mark.kernel


def memory(pid):
    """All that the process has written to, piece by piece."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as octets:
        for line in maps:
            addresses, rights = line.split()[:2]
            first, last = (int(each, 16) for each in addresses.split("-"))
            if not rights.startswith("rw") or "[v" in line:
                continue
            octets.seek(first)
            try:
                yield octets.read(last - first)
            except OSError:
                continue  # a guard page


def found(pid, texts):
    known = [text.encode() for text in texts]
    return sorted({text.decode() for piece in memory(pid) for text in known if text in piece})


def enrol(lab, folder, challenge):
    done = harness.run("enroll", "--url", lab.url, "--challenge", challenge, "--subject", "CN=d",
                       "--dns", "d.example", "--key-usage", "both", "--out", folder)
    assert done.returncode == 0, done.stderr


def key_files_are_wiped(lab):
    lines = set().union(*(secrets_kept.spellings(file.read_bytes())
                          for file in lab.dir.glob("*.key")))
    assert len(lines) > 40
    assert found(lab.process.pid, lines) == []
    # The search finds what is there.
    assert found(lab.process.pid, [str(lab.config_file)]) == [str(lab.config_file)]


def challenges_are_wiped(lab, folder):
    challenge = lab.challenge("--subject", "CN=d", "--dns", "d.example", "--key-usage", "both")
    enrol(lab, folder, challenge)
    assert found(lab.process.pid, secrets_kept.of_challenge(challenge)) == []


def passwords_are_wiped(lab, folder):
    """From the command that made it, and from the request that used it up."""
    password = lab.challenge()
    assert len(password) == 16
    enrol(lab, folder, password)
    assert found(lab.process.pid, [password]) == []


# Root alone may look, and sanitizers keep what was freed.
if os.geteuid() == 0 and not harness.slow_binary():
    def test_no_text_of_a_key_file_is_left_in_memory(new_lab):
        key_files_are_wiped(new_lab())

# An order to a signer has the device's request in it, and is copied on its way.
if os.geteuid() == 0 and not harness.slow_binary() and not harness.SEPARATE_SIGNER:
    def test_no_text_of_a_challenge_is_left_in_memory(lab, tmp_path):
        challenges_are_wiped(lab, tmp_path / "device")

    def test_no_one_time_password_is_left_in_memory(new_lab, tmp_path):
        passwords_are_wiped(new_lab("--policy", "one_time"), tmp_path / "device")
