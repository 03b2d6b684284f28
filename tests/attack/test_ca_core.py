"""A01, A05, A07: serial numbers, a store that is held, keys that are changed under the server."""

import contextlib
import signal
import sqlite3
import threading
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import harness
import scep_client as scep


@pytest.mark.attack("A01")
def test_serial_numbers_are_long_positive_and_without_a_pattern_but_the_time(target, rounds):
    serials = []
    for challenge in target.lab.challenge("--subject", "CN=attacked", "--key-usage", "both",
                                          "--count", str(rounds(32))):
        target.challenge = challenge
        target.oracle.will_issue()
        serials.append(target.lab.send(target.request(), target.ca).certificate.serial_number)
    target.challenge = target.new_challenge()
    assert len(set(serials)) == len(serials)
    for serial in serials:
        assert 0 < serial and serial.bit_length() <= 159
    # The first five octets are the time, as notBefore has it. 64 random bits are asked for: no bit of the
    # 88 behind it is the same in all (a chance of 88 * 2^-31), and the numbers do not count up.
    random = [serial & (1 << 88) - 1 for serial in serials]
    for bit in range(88):
        assert len({number >> bit & 1 for number in random}) == 2
    assert random != sorted(random)
    issued_at = [(serial >> 88) - 2**32 for serial in serials]
    assert issued_at == sorted(issued_at) and abs(issued_at[0] - time.time()) < 3600


@pytest.mark.attack("A05")
def test_a_store_that_is_held_by_somebody_gives_no_certificate_until_it_is_free(target):
    message = target.request()
    answers = []
    with contextlib.closing(sqlite3.connect(target.lab.dir / "scepgate.db",
                                            isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        thread = threading.Thread(target=lambda: answers.append(target.post(message)))
        thread.start()
        assert target.lab.get("/scep?operation=GetCACaps").status == 200
        thread.join(1)
        assert not answers or answers[0].status == 503, "nothing leaves that is not stored"
        database.execute("ROLLBACK")
    thread.join()
    if answers[0].status == 200:
        target.oracle.will_issue()
        assert target.lab.open(answers[0], message, target.ca).status == "success"
        target.challenge = target.new_challenge()
    else:
        target.granted(message)


@contextlib.contextmanager
def exchanged(file, octets):
    before = file.read_bytes()
    file.write_bytes(octets)
    try:
        yield
    finally:
        file.write_bytes(before)


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


@pytest.fixture
def reloaded_beside(target):
    """Reloads, and gets a certificate all the same: by the keys that were there before."""
    def do():
        lab = target.lab
        before = len(lab.log())
        lab.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: "reload" in lab.log()[before:].lower(), "it says so")
        target.oracle.will_issue()
        issued = lab.send(target.request(), target.ca).certificate
        target.ca.ca.public_key().verify(issued.signature, issued.tbs_certificate_bytes,
                                         padding.PKCS1v15(), issued.signature_hash_algorithm)
        assert lab.ca().all == target.ca.all
    yield do
    target.challenge = target.new_challenge()


@pytest.mark.attack("A07")
@pytest.mark.parametrize("what", ["ca.key", "ra-signing.key", "ra-encryption.key", "ca.pem",
                                  "challenge-decryption.key"])
def test_a_key_that_was_exchanged_is_not_taken_on_reload(target, reloaded_beside, what):
    other = scep.self_signed(target.key).public_bytes(serialization.Encoding.PEM)
    octets = other if what.endswith(".pem") else pem(rsa.generate_private_key(65537, 2048))
    with exchanged(target.lab.dir / what, octets):
        reloaded_beside()


@pytest.mark.attack("A07")
def test_a_link_to_another_key_is_not_taken_on_reload(target, reloaded_beside, tmp_path):
    file = target.lab.dir / "ca.key"
    evil = tmp_path / "evil.key"
    evil.write_bytes(pem(rsa.generate_private_key(65537, 2048)))
    evil.chmod(0o600)
    kept = file.rename(target.lab.dir / "kept.key")
    try:
        file.symlink_to(evil)
        reloaded_beside()
    finally:
        file.unlink()
        kept.rename(file)
