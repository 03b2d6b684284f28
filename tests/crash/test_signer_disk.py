"""The signer on a disk that fails, and when it ends: nothing leaves it that its records and its log do
not have."""

import contextlib
import errno
import hashlib
import itertools
import random
import sqlite3
import tempfile
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from failing_disk import KILLS, FailingDisk
from harness import copy_of
from judge import judge_signer, signed_by
from rounds import End, Rounds
from signer_lab import separated
from test_io_errors import FOREVER
from test_signer import order
from test_signer_crl import Forger

FAULTS = {
    "its records cannot be written": (("log.write",), "fail", errno.EIO, FOREVER),
    "its records cannot be synced": (("log.sync",), "fail", errno.EIO, FOREVER),
    "one sync of its records fails": (("log.sync",), "fail", errno.EIO, 1),
    "the disk is full": (("log.write", "audit.write"), "full", errno.ENOSPC, FOREVER),
    "its records' disk is full": (("log.write",), "full", errno.ENOSPC, FOREVER),
    "its log cannot be written": (("audit.write",), "fail", errno.EIO, FOREVER),
    "its log takes half of a record": (("audit.write",), "full", errno.ENOSPC, 1),
    "its log cannot be synced": (("audit.sync",), "fail", errno.EIO, FOREVER),
    "one sync of its log fails": (("audit.sync",), "fail", errno.EIO, 1),
}
REFUSALS = {"SignerRecordsUnavailable", "AuditUnavailable"}


class Watched:
    """A signer on a disk of this kind, all that it was asked for, and all that left it."""

    def __init__(self, path, template, key):
        self.forger = Forger(path / "lab", template)
        self.signer, self.key = self.forger.signer, key
        self.signer.edit(lambda config: config["audit"].update(sync="every"))
        self.signer.stop()
        (path / "machine").mkdir()
        self.disk = FailingDisk(path / "machine", self.signer.dir)
        self.certificates, self.crls, self.revoked = {}, {}, []
        self.numbers, self.crl_numbers = itertools.count(1), itertools.count(1)
        self.start()

    def start(self):
        self.signer.start(env=self.disk.environment)

    def ask(self, id_=None):
        """An order for a certificate, new or again; returns its id, and None or why it was refused."""
        id_ = id_ or next(self.numbers).to_bytes(32, "big")
        answer = self.signer.ask(order(self.key, order_id=id_))
        if answer is None or answer.kind != "issued":
            return id_, answer.code if answer else "gone"
        certificate = answer.fields[1][0]
        assert self.certificates.setdefault(id_, certificate) == certificate, "an order has one"
        return id_, None

    def ask_for_crl(self, serial):
        """With all that any before had: one that was lost on the way may be known there."""
        self.revoked.append(serial)
        number_ = next(self.crl_numbers)
        answer = self.forger.ask(number_, [(each, "revoked") for each in self.revoked])
        if answer is None or answer.kind != "signature":
            return answer.code if answer else "gone"
        self.crls[number_] = set(self.revoked)
        return None

    def end(self, power=True, choose=None):
        self.signer.kill()
        self.disk.everybody_dies()
        if power:
            self.disk.cut(choose)
        else:
            self.disk.renew()
        self.start()

    def judge(self):
        """Everything that left is in the records and in the log, and the log is whole."""
        signed = signed_by(self.signer, "sign", "sha256")
        with contextlib.closing(sqlite3.connect(self.signer.dir / "signer.db")) as database:
            orders = dict(database.execute("SELECT id, certificate FROM orders"))
            numbers = {each for each, in database.execute("SELECT number FROM signed_crls")}
            revoked = {int.from_bytes(serial[1:], "big")    # behind its length
                       for serial, in database.execute("SELECT serial FROM revoked")}
        for id_, octets in self.certificates.items():
            assert hashlib.sha256(octets).hexdigest() in signed
            assert orders[id_] == octets
        told = {int(number, 16) for number in signed_by(self.signer, "crl", "number")}
        assert set(self.crls) <= told and set(self.crls) <= numbers
        assert set().union(*self.crls.values()) <= revoked
        judge_signer(self.signer, {x509.load_der_x509_certificate(octets).serial_number
                                   for octets in self.certificates.values()})


@pytest.fixture
def watched(templates, tmp_path):
    made = Watched(tmp_path, templates(), ec.generate_private_key(ec.SECP256R1()))
    yield made
    try:
        made.signer.stop()
    finally:
        made.signer.kill()


@pytest.mark.attack("A05")
@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_leaves_the_signer_that_is_not_on_its_disk(watched, fault):
    points, action, error, times = FAULTS[fault]
    assert watched.ask()[1] is None and watched.ask_for_crl(7) is None
    watched.disk.arm(action, points, times=times, error=error)
    refused = [id_ for id_, why in (watched.ask() for _ in range(3)) if why in REFUSALS]
    assert watched.disk.fired
    assert len(refused) == (3 if times == FOREVER else 1)
    if times == FOREVER:
        assert watched.ask_for_crl(8) in REFUSALS
    watched.disk.disarm()
    assert watched.ask()[1] is None, "by itself, as soon as the disk is well"
    assert watched.ask_for_crl(9) is None
    watched.end()
    watched.judge()
    for id_ in [*watched.certificates, *refused]:
        assert watched.ask(id_)[1] is None, "what left comes again, what did not is signed now"
    watched.judge()


@pytest.mark.attack("A04")
@pytest.mark.parametrize("power", [False, True], ids=["killed", "without power"])
def test_whenever_the_signer_ends_an_order_has_one_certificate(watched, power):
    """At each call by which a certificate, and by which a CRL, is written down."""
    chance = random.Random(40)

    def calls_of(ask):
        since = watched.disk.traced
        assert ask() is None
        return watched.disk.trace(since)

    asked = {"certificate": lambda: watched.ask()[1],
             "CRL": lambda: watched.ask_for_crl(chance.getrandbits(64))}
    for what, ask in asked.items():
        calls = calls_of(ask)
        assert {"audit.write", "audit.sync", "log.write", "log.sync"} <= set(calls), what
        for call in dict.fromkeys(call for call in calls if not call.startswith("folder.")):
            watched.disk.arm(chance.choice(KILLS), [call])
            assert ask() == "gone", f"{what}: {call}"
            assert watched.disk.dead
            watched.end(power, chance.choice([None, chance]))
            watched.judge()
            for id_ in list(watched.certificates):
                assert watched.ask(id_)[1] is None, "it comes again"
            assert watched.ask()[1] is None
    watched.judge()


@pytest.mark.load
@pytest.mark.attack("A04")
def test_a_server_and_its_signer_that_end_together_lose_and_double_nothing(templates, keys, fewer):
    count, chance = fewer(6), random.Random(41)
    with tempfile.TemporaryDirectory(prefix="crash-") as folder:    # a short name, for the socket
        (Path(folder) / "machine").mkdir()
        lab = copy_of(templates(), Path(folder) / "lab")
        signer = separated(lab, start=False, place=folder)
        try:
            rounds = Rounds(lab, Path(folder) / "machine", keys, 8 * count, signer=signer)
            for number in range(count):
                rounds.play(End.by_chance(chance, power=number % 2 == 0))
            rounds.stop()
        finally:
            lab.kill()
            signer.kill()
