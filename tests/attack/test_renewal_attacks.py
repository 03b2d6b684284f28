"""G01–G07: what is no certificate of ours, and what a certificate of ours is not good for."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import harness
import scep_client as scep
from blob_maker import BlobMaker
from scep_client import Csr, name
from test_load import at_once

DAY = datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def mdm(target):
    return BlobMaker(target.lab)


@pytest.fixture(scope="module")
def ca_key(target):
    return key_of(target, "ca")


def key_of(target, file):
    return serialization.load_pem_private_key((target.lab.dir / f"{file}.key").read_bytes(), None)


def enrolled(target, mdm, key=None):
    csr = target.csr(challenge=mdm.blob(), extensions=[], key=key or target.key)
    return target.granted(target.request(csr)).certificate


def renewal(target, old, old_key, number, *, challenge=None, subject=None, **options):
    csr = Csr(options.pop("new_key", target.mallory), subject or old.subject, challenge)
    options.setdefault("transaction_id", f"renewal-{number}")
    return scep.renewal_req(csr, [target.ca.encryption], old, old_key, **options)


def like(real, ca_key, key, begins=-DAY, ends=30 * DAY, **changes):
    """What the CA's own key signed, but the CA did not issue; `real` but for `changes`."""
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().subject_name(changes.get("subject", real.subject))
               .issuer_name(changes.get("issuer", real.issuer)).public_key(key.public_key())
               .serial_number(changes.get("serial", x509.random_serial_number()))
               .not_valid_before(now + begins).not_valid_after(now + ends))
    for extension in real.extensions:
        if extension.oid != x509.ExtensionOID.SUBJECT_KEY_IDENTIFIER:
            builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(ca_key, hashes.SHA256())


def foreign(real, _, key):
    """As a CA of the same name would issue, to the octet but for the signature."""
    other = rsa.generate_private_key(65537, 2048)
    return like(real, other, key, serial=real.serial_number)


ZOO = {
    "self-signed with the same names": lambda real, ca_key, key: (
        like(real, key, key, issuer=real.subject)),
    "of the CA's name, self-signed": lambda real, ca_key, key: like(real, key, key),
    "of a CA with the same name": foreign,
    "of the CA's key, never issued": lambda real, ca_key, key: like(real, ca_key, key),
    "of the CA's key, with a serial number that was issued": lambda real, ca_key, key: (
        like(real, ca_key, key, serial=real.serial_number)),
    "of the CA's key, for another name": lambda real, ca_key, key: (
        like(real, ca_key, key, serial=real.serial_number, subject=name("admin"))),
    "of the CA's key, expired": lambda real, ca_key, key: (
        like(real, ca_key, key, begins=-30 * DAY, ends=-DAY)),
    "of the CA's key, not yet valid": lambda real, ca_key, key: (
        like(real, ca_key, key, begins=DAY)),
    "issued by what is no CA": lambda real, ca_key, key: (
        like(real, key, key, issuer=real.subject, serial=7)),
}


@pytest.mark.attack("G01", "G02")
@pytest.mark.parametrize("message_type", ["17", "19"])
def test_what_the_CA_did_not_issue_renews_nothing(target, mdm, ca_key, message_type):
    real = enrolled(target, mdm)
    for number, (what, make) in enumerate(ZOO.items()):
        old = make(real, ca_key, target.mallory)
        message = renewal(target, old, target.mallory, f"{message_type}-{number}",
                          message_type=message_type)
        reply = target.lab.send(message, target.ca)
        assert reply.status == "failure", what
        assert reply.fail_info in ("badRequest", "badMessageCheck"), what


@pytest.mark.attack("G01")
def test_the_look_alike_of_a_signer_does_not_stand_in_for_it(target, mdm):
    """Both in the bag, named alike: the certificate that counts is the one that signed."""
    real = enrolled(target, mdm)
    twin = foreign(real, None, target.mallory)
    for first, second in ((real, twin), (twin, real)):
        csr = Csr(target.mallory, real.subject)
        message = scep.renewal_req(csr, [target.ca.encryption], first, target.mallory,
                                   extra_certificates=[second], transaction_id="twins")
        reply = target.post(message)
        if reply.status == 200:
            assert target.lab.open(reply, message, target.ca).status == "failure"
        else:
            assert reply.status == 400


def revoke(target, certificate, reason):
    done = harness.run("cert", "revoke", format(certificate.serial_number, "x"), "--reason", reason,
                       "--config", target.lab.config_file)
    assert done.returncode == 0, done.stderr


@pytest.mark.attack("G02")
@pytest.mark.parametrize("reason", ["keyCompromise", "certificateHold"])
def test_what_is_revoked_or_on_hold_renews_nothing(target, mdm, reason):
    key = rsa.generate_private_key(65537, 2048)  # it is good for nothing afterwards
    old = enrolled(target, mdm, key)
    revoke(target, old, reason)
    target.refused(renewal(target, old, key, reason), "badRequest", "RenewalSignerRevoked")


# --- Renewals that wait for an operator -------------------------------------------------------------

@pytest.fixture
def waiting_lab(new_lab):
    """A lab where all waits for an operator, and only the newest certificate can be renewed."""
    def edit(config):
        config["endpoints"][0]["renewal"] = {"newest_only": True}
        for template in config["templates"].values():
            template["approval"] = True

    return new_lab(edit=edit)


def approve(lab, message):
    done = harness.run("pending", "approve", message.transaction_id, "--config", lab.config_file)
    assert done.returncode == 0, done.stderr


def approved(lab, key, subject):
    """A certificate for a challenge and an operator's word."""
    csr = Csr(key, name(subject), lab.challenge("--subject", f"CN={subject}"))
    message = scep.pkcs_req(csr, [lab.ca().encryption], transaction_id=f"first-{subject}")
    assert lab.send(message).status == "pending"
    approve(lab, message)
    return lab.send(scep.cert_poll(message, lab.ca())).certificate


@pytest.mark.attack("G02")
@pytest.mark.parametrize("revoked", ["before", "after"])
def test_a_waiting_renewal_is_good_for_nobody_once_its_certificate_is_revoked(
        waiting_lab, keys, revoked):
    lab, key = waiting_lab, keys()
    old = approved(lab, key, "waits")
    # As a PKCSReq it is told from a first request by its signer alone.
    csr, to = Csr(key, name("waits")), [lab.ca().encryption]
    waits = scep.renewal_req(csr, to, old, key, message_type="19", transaction_id="waits")
    assert lab.send(waits).status == "pending"
    if revoked == "after":
        approve(lab, waits)
    done = harness.run("cert", "revoke", format(old.serial_number, "x"), "--reason", "superseded",
                       "--config", lab.config_file)
    assert done.returncode == 0, done.stderr
    if revoked == "before":
        harness.run("pending", "approve", "waits", "--config", lab.config_file)
    by_nobody = scep.pkcs_req(csr, to, signer=scep.self_signed(key), transaction_id="waits")
    for message in (scep.cert_poll(waits, lab.ca()), waits, by_nobody):
        reply = lab.send(message)
        assert reply.status == "failure", message
    assert len(lab.serials()) == 1


@pytest.mark.attack("T05")
def test_one_certificate_does_not_fill_the_list_of_those_who_wait(new_lab, keys):
    def edit(config):
        config["endpoints"][0].update(renewal={}, max_pending=2)
        for template in config["templates"].values():
            template["approval"] = True

    lab = new_lab(edit=edit)
    to, old = [lab.ca().encryption], approved(lab, keys(), "floods")
    flood = [scep.renewal_req(Csr(keys(), name("floods")), to, old, keys(),
                              transaction_id=f"flood-{i}") for i in range(8)]
    replies = at_once([lambda m=m: lab.send(m) for m in flood])
    assert sorted(reply.status for reply in replies) == ["failure"] * 7 + ["pending"]
    told = [line["code"] for line in lab.audit() if line["event"] == "refuse"]
    assert told == ["RenewalWaits"] * 7

    def honest(number):
        csr = Csr(keys(1), name("honest"), lab.challenge("--subject", "CN=honest"))
        return lab.post(scep.pkcs_req(csr, to, transaction_id=f"honest-{number}"))

    assert (honest(1).status, honest(2).status) == (200, 503)
    done = harness.run("cert", "revoke", format(old.serial_number, "x"), "--config",
                       lab.config_file)
    assert done.returncode == 0, done.stderr
    assert honest(3).status == 200, "what waited for it has ended"
    waited = flood[[reply.status for reply in replies].index("pending")]
    assert waited.transaction_id in done.stdout
    line = [each for each in lab.audit() if each["event"] == "reject"][-1]
    assert line["transaction_id"] == waited.transaction_id and line["by"] and line["reason"]
    assert lab.send(scep.cert_poll(waited, lab.ca())).status == "failure"
    assert lab.audit()[-1]["code"] == "RenewalSignerRevoked"


@pytest.mark.attack("K03")
def test_a_compromised_key_gets_nothing_and_renews_nothing(target, mdm):
    key, fresh = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    one, another = enrolled(target, mdm, key), enrolled(target, mdm, key)
    revoke(target, enrolled(target, mdm, key), "superseded")
    enrolled(target, mdm, key)  # nobody else has it
    revoke(target, one, "keyCompromise")
    challenge = mdm.blob()
    csr = target.csr(challenge=challenge, extensions=[], key=key)
    target.refused(target.request(csr), "badRequest", "KeyCompromised")
    target.granted(target.request(target.csr(challenge=challenge, extensions=[], key=fresh)))
    other = enrolled(target, mdm, fresh)
    for what, old, signer, new_key in (("to a new key", another, key, target.mallory),
                                       ("to the same key", another, key, key),
                                       ("of another to it", other, fresh, key)):
        target.refused(renewal(target, old, signer, what, new_key=new_key), "badRequest",
                       "KeyCompromised")


@pytest.mark.attack("K03")
def test_a_hold_that_becomes_a_compromise_ends_its_key(target, mdm):
    key = rsa.generate_private_key(65537, 2048)
    held = enrolled(target, mdm, key)
    revoke(target, held, "certificateHold")
    enrolled(target, mdm, key)
    revoke(target, held, "keyCompromise")
    csr = target.csr(challenge=mdm.blob(), extensions=[], key=key)
    target.refused(target.request(csr), "badRequest", "KeyCompromised")


@pytest.mark.attack("G04")
@pytest.mark.parametrize("file", ["ca", "ra-signing", "ra-encryption"])
def test_a_certificate_of_the_server_renews_nothing(target, file):
    own = {"ca": target.ca.ca, "ra-signing": target.ca.signing,
           "ra-encryption": target.ca.encryption}[file]
    for message_type in ("17", "19"):
        target.refused(renewal(target, own, key_of(target, file), f"{file}-{message_type}",
                               message_type=message_type), "badRequest")


@pytest.mark.attack("G04")
def test_a_renewal_for_a_key_of_the_server_is_refused(target, mdm):
    old = enrolled(target, mdm)
    for file in ("ca", "ra-signing", "ra-encryption"):
        target.refused(renewal(target, old, target.key, f"server-{file}",
                               new_key=key_of(target, file)), "badRequest", "KeyIsServers")


@pytest.mark.attack("G06")
def test_a_good_challenge_does_not_mend_a_bad_signer_and_is_not_used_up(target, mdm, ca_key):
    real = enrolled(target, mdm)
    challenge = mdm.blob()
    for number, make in enumerate(ZOO.values()):
        old = make(real, ca_key, target.mallory)
        message = renewal(target, old, target.mallory, f"challenge-{number}", challenge=challenge)
        assert target.lab.send(message, target.ca).status == "failure"
    target.granted(target.request(target.csr(challenge=challenge, extensions=[])))


@pytest.mark.attack("G07")
def test_an_old_renewal_sent_again_gives_its_certificate_until_that_is_revoked(target, mdm):
    key, new_key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    old = enrolled(target, mdm, key)
    message = renewal(target, old, key, "again", new_key=new_key)
    new = target.granted(message).certificate
    assert target.lab.send(message, target.ca).certificate == new
    revoke(target, new, "keyCompromise")
    revoke(target, old, "keyCompromise")
    again = target.lab.send(message, target.ca)
    assert (again.status, again.fail_info) == ("failure", "badRequest")


@pytest.mark.attack("G05")
def test_many_renewals_at_once_of_one_certificate_give_one(new_lab, keys):
    def newest_only(config):
        config["endpoints"][0]["renewal"] = {"newest_only": True}

    lab = new_lab(edit=newest_only)
    ca, many = lab.ca(), 32
    challenge = lab.challenge("--subject", "CN=storm")
    old = lab.enrol(Csr(keys(), name("storm"), challenge)).certificate
    messages = [scep.renewal_req(Csr(keys(1 + i % 4), name("storm")), [ca.encryption], old, keys(),
                                 transaction_id=f"storm-{i}") for i in range(many)]
    octets = [message.der() for message in messages]
    replies = at_once([lambda o=o: lab.post(o) for o in octets])
    opened = [lab.open(reply, message, ca) for reply, message in zip(replies, messages)]
    assert sorted(reply.status for reply in opened) == ["failure"] * (many - 1) + ["success"]
    assert {reply.fail_info for reply in opened} == {None, "badRequest"}
    assert len(lab.serials()) == 2
