"""T01–T07: other people's transactions, certificates and decisions."""

import json
import os

import pytest

import der
import harness
import scep_client as scep
from blob_maker import BlobMaker
from scep_client import Csr, Envelope, Message, name
from target import attacked
from test_load import at_once

WAITING, SECOND = "/waiting", "/second"


@pytest.fixture(scope="module")
def second_ca(templates):
    return templates("--ca-name", "Second CA")


@pytest.fixture(scope="module")
def target(serve, keys, second_ca):
    """Beside the usual endpoint two where requests wait for an operator, one of another CA."""
    def edit(config):
        first = config["endpoints"][0]
        config["templates"]["Waiting"] = dict(config["templates"]["DeviceGeneral"], approval=True)
        waiting = dict(first, paths=[WAITING], templates={"general_purpose": "Waiting"})

        def pair(file):
            return {"certificate": str(second_ca / f"{file}.pem"),
                    "key": {"file": str(second_ca / f"{file}.key")}}

        config["cas"]["second"] = {"type": "embedded", **pair("ca")}
        second = dict(waiting, paths=[SECOND], ca="second",
                      ra={role: pair(f"ra-{role}") for role in ("signing", "encryption")})
        config["endpoints"] += [waiting, second]

    yield from attacked(serve(edit=edit), keys)


@pytest.fixture(scope="module")
def mdm(target):
    return BlobMaker(target.lab)


class Endpoint:
    """One of the three, by its path."""

    def __init__(self, target, path):
        self.lab, self.path = target.lab, path
        reply = self.lab.get(f"{path}?operation=GetCACert")
        self.ca = scep.sort_certificates(scep.certs_only(reply.body))

    def send(self, message):
        with self.lab.http() as http:
            reply = http.request("POST", f"{self.path}?operation=PKIOperation", message.der(),
                                 {"Content-Type": "application/x-pki-message"})
        return self.lab.open(reply, message, self.ca)

    def poll(self, message, **options):
        return self.send(scep.cert_poll(message, self.ca, **options))

    def refused(self, message, fail_info):
        reply = self.send(message)
        assert (reply.status, reply.fail_info) == ("failure", fail_info)
        return reply


@pytest.fixture(scope="module")
def waiting(target):
    return Endpoint(target, WAITING)


@pytest.fixture(scope="module")
def second(target):
    return Endpoint(target, SECOND)


@pytest.fixture
def ask(target, mdm):
    def make(endpoint, transaction_id, key=None, subject="attacked", signer=None):
        key = key or target.key
        csr = Csr(key, name(subject), mdm.blob(mdm.claims(f"CN={subject}")))
        more = {"signer": signer} if signer else {}
        return scep.pkcs_req(csr, [endpoint.ca.encryption], transaction_id=transaction_id, **more)
    return make


def command(target, *arguments):
    return harness.run("pending", *arguments, "--config", target.lab.config_file)


def rows_of(target, transaction_id):
    listed = json.loads(command(target, "list", "--json", "--all").stdout)
    listed = listed if isinstance(listed, list) else next(iter(listed.values()))
    return [row for row in listed if row["transaction_id"] == transaction_id]


def approve(target, transaction_id, subject="attacked"):
    row = next(row for row in rows_of(target, transaction_id) if subject in row["subject"])
    done = command(target, "approve", transaction_id, "--request", str(row["request"]))
    assert done.returncode == 0, done.stderr


@pytest.mark.attack("T01", "T03")
def test_a_transaction_is_its_keys_whoever_uses_its_id(target, waiting, ask):
    owner = ask(waiting, "shared")
    thief = ask(waiting, "shared", target.mallory, "mallory")
    for message in (thief, owner):
        assert waiting.send(message).status == "pending"
    approve(target, "shared")
    assert waiting.poll(thief).status == "pending"
    stolen = dict(signer=owner.signer, signer_key=target.mallory)
    assert waiting.poll(owner, **stolen).fail_info == "badMessageCheck", "the key has to sign"
    target.oracle.will_issue()
    reply = waiting.poll(owner)
    assert reply.certificate.subject == name("attacked")
    assert waiting.poll(thief).status == "pending"


@pytest.mark.attack("T01")
def test_another_request_of_the_key_under_the_same_id_does_not_replace_the_first(target, waiting,
                                                                                 ask):
    first = ask(waiting, "twice")
    other = ask(waiting, "twice", subject="other")
    assert waiting.send(first).status == "pending"
    waiting.refused(other, "badRequest")
    approve(target, "twice")
    target.oracle.will_issue()
    assert waiting.poll(first).certificate.subject == name("attacked")


@pytest.mark.attack("T07")
def test_one_id_at_two_CAs_is_two_transactions(target, waiting, second, ask):
    signer = scep.self_signed(target.key, name("attacked"))
    at_first = ask(waiting, "collision", signer=signer)
    at_second = ask(second, "collision", signer=signer)
    assert waiting.send(at_first).status == "pending"
    second.refused(scep.cert_poll(at_first, second.ca), "badCertId")
    assert second.send(at_second).status == "pending"
    by_ca = {row["endpoint"]: row for row in rows_of(target, "collision")}
    assert len(by_ca) == 2
    number = next(row["request"] for where, row in by_ca.items() if "second" in where)
    assert command(target, "approve", "collision", "--request", str(number)).returncode == 0
    assert waiting.poll(at_first).status == "pending"
    target.oracle.will_issue()
    issued = second.poll(at_second).certificate
    assert issued.issuer == second.ca.ca.subject != waiting.ca.ca.subject


@pytest.mark.attack("T02", "T04")
def test_what_is_another_keys_is_as_unknown_as_what_never_was(target, mdm):
    """GetCert and polls of whoever has a certificate here: one reply for all but their own."""
    csr = target.csr(challenge=mdm.blob(), extensions=[], key=target.mallory)
    own = target.granted(target.request(csr)).certificate
    theirs = target.granted(target.request(target.csr(challenge=mdm.blob(), extensions=[])))
    issuer = own.issuer.public_bytes()
    serials = [theirs.certificate.serial_number, target.ca.ca.serial_number,
               target.ca.signing.serial_number, own.serial_number + 1, *range(16), 2 ** 127, -1]
    asked = [der.sequence(issuer, der.integer(serial) if serial >= 0 else b"\x02\x01\xff")
             for serial in serials]
    asked += [der.sequence(name("Other CA").public_bytes(), der.integer(own.serial_number)),
              der.sequence(issuer, der.tlv(0x02, bytes([1]) * 33))]
    replies = set()
    for content in asked:
        message = Message(Envelope([target.ca.encryption]).seal(content), target.mallory, own,
                          message_type="21", transaction_id="0" * 64)
        reply = target.lab.send(message, target.ca)
        assert (reply.status, reply.fail_info) == ("failure", "badCertId"), content.hex()
        replies.add(bytes(reply.without_the_varying()))
    poll = scep.Message(
        Envelope([target.ca.encryption]).seal(der.sequence(issuer, name("attacked").public_bytes())),
        target.mallory, own, message_type="20", transaction_id="0" * 64)
    replies.add(bytes(target.lab.send(poll, target.ca).without_the_varying()))
    assert len(replies) == 1
    mine = scep.get_cert(own, target.ca, own, target.mallory)
    assert target.lab.send(mine, target.ca).certificates == [own]


@pytest.mark.attack("T04")
@pytest.mark.parametrize("message_type", ["20", "21", "22"])
def test_a_look_up_of_what_is_no_name_and_number_is_badCertId(target, message_type):
    issuer = target.ca.ca.subject.public_bytes()
    for content in (b"", b"\x30\x00", der.sequence(issuer), der.sequence(der.integer(1), issuer),
                    der.sequence(issuer, der.integer(1)) + b"\0", os.urandom(64),
                    der.sequence(issuer, b"\x02\x00"), b"\x30\x84\x7f\xff\xff\xff" + issuer):
        message = target.sealed(content)
        message.message_type = message_type
        target.refused(message, "badCertId")


@pytest.mark.attack("T06")
def test_of_many_decisions_at_once_one_holds(target, waiting, ask):
    """An approval can be taken back until the certificate was fetched, a rejection cannot."""
    message = ask(waiting, "race")
    assert waiting.send(message).status == "pending"
    verdicts = ["approve", "reject"] * 4
    done = at_once([lambda v=v: command(target, v, "race") for v in verdicts])
    held = [verdict for verdict, d in zip(verdicts, done) if d.returncode == 0]
    assert held.count("reject") == 1 and held.count("approve") <= 1, [d.stderr for d in done]
    assert [row["state"] for row in rows_of(target, "race")] == ["rejected"]
    polls = at_once([lambda: waiting.poll(message)] * 8)
    assert {(p.status, p.fail_info) for p in polls} == {("failure", "badRequest")}
    told = [line["event"] for line in target.lab.audit() if line.get("transaction_id") == "race"]
    assert told.count("reject") == 1, told
    target.granted(target.request())


@pytest.mark.attack("T06")
@pytest.mark.parametrize("number", range(3))
def test_polls_and_a_rejection_at_once_come_to_one_end(target, waiting, ask, number):
    message = ask(waiting, f"end-{number}")
    assert waiting.send(message).status == "pending"
    approve(target, message.transaction_id)
    jobs = [lambda: waiting.poll(message)] * 4
    *polls, rejection = at_once(
        jobs + [lambda: command(target, "reject", message.transaction_id)])
    polls.append(waiting.poll(message))
    if rejection.returncode == 0:
        assert {(p.status, p.fail_info) for p in polls} == {("failure", "badRequest")}
        target.granted(target.request())
    else:
        assert len({p.certificate.serial_number for p in polls}) == 1
        target.oracle.will_issue()


@pytest.mark.attack("T06")
def test_polls_while_an_operator_approves_give_one_certificate(target, waiting, ask):
    message = ask(waiting, "meanwhile")
    assert waiting.send(message).status == "pending"
    jobs = [lambda: waiting.poll(message)] * 8
    *replies, _ = at_once(jobs + [lambda: command(target, "approve", "meanwhile")])
    target.oracle.will_issue()
    final = waiting.poll(message).certificate
    for reply in replies:
        assert reply.status in ("pending", "success")
        assert reply.status == "pending" or reply.certificate == final


@pytest.mark.attack("T05")
def test_requests_of_one_key_that_wait_are_bounded_and_others_are_served(new_lab, keys):
    """503 rather than pushing out what waits: an operator would approve what is gone."""
    def few(config):
        config["templates"]["Waiting"] = dict(config["templates"]["DeviceGeneral"], approval=True)
        first = config["endpoints"][0]
        config["endpoints"].append(dict(first, paths=[WAITING], max_pending=8,
                                        templates={"general_purpose": "Waiting"}))

    lab = new_lab(edit=few)
    mdm, ca = BlobMaker(lab), lab.ca()
    statuses = []
    with lab.http() as http:
        for number in range(40):
            csr = Csr(keys(), name("attacked"), mdm.blob())
            octets = scep.pkcs_req(csr, [ca.encryption], transaction_id=f"fill-{number}").der()
            reply = http.request("POST", f"{WAITING}?operation=PKIOperation", octets)
            statuses.append(reply.status)
            assert reply.status == 200 or reply.header("Retry-After")
    assert statuses == [200] * 8 + [503] * 32
    assert lab.enrol(Csr(keys(1), name("attacked"), mdm.blob())).status == "success"
