"""What scepgate makes of a pkiMessage (RFC 8894 sections 3 and 3.2): the rows that no other suite
shows on the wire."""

import base64
import datetime

import pytest

import der
import harness
import oids
import scep_client as scep
from scep_client import Csr, name, pkcs_req


def test_R_B04_a_CSR_without_its_envelope_is_badRequest(static_lab, request_to, keys, refused):
    message = request_to(static_lab, "bare")
    message.content = Csr(keys(), name("bare"), "x").der()
    assert refused(static_lab, message) == "badRequest"


@pytest.mark.parametrize("answered", [False, True], ids=["off", "on"])
def test_R_B03_an_EC_device_is_answered_under_its_challenge_or_not_at_all(new_lab, tmp_path,
                                                                          answered):
    lab = new_lab("--policy", "one_time", edit=lambda config: config["endpoints"][0].update(
        algorithms={"ec_password_recipient": answered}))
    (tmp_path / "challenge").write_text(lab.challenge())
    done = harness.run("enroll", "--url", lab.url, "--challenge-file", tmp_path / "challenge",
                       "--subject", "CN=ec", "--key", "ec:p256", "--out", tmp_path / "ec")
    assert (done.returncode == 0) == answered, done.stderr
    assert len(lab.serials()) == answered
    assert answered or "badAlg" in done.stderr


@pytest.mark.parametrize("message_type, content", [
    ("19", der.sequence(name("ca").public_bytes(), der.integer(1))),
    ("17", der.sequence(name("ca").public_bytes(), name("x").public_bytes())),
    ("21", der.sequence(name("ca").public_bytes(), name("x").public_bytes())),
    ("22", b"\x05\x00"),
])
def test_R_B06_content_of_another_message_type_gives_nothing(static_lab, request_to, refused,
                                                             message_type, content):
    message = request_to(static_lab, f"b06-{message_type}", message_type=message_type)
    message.content = scep.Envelope([static_lab.ca().encryption]).seal(content)
    assert refused(static_lab, message) in ("badMessageCheck", "badRequest", "badCertId")


def test_R_B25_enveloped_content_of_another_type_is_badRequest(static_lab, request_to, refused):
    message = request_to(static_lab, "b25", envelope={"content_type": oids.SIGNED_DATA})
    assert refused(static_lab, message) == "badRequest"


@pytest.mark.parametrize("which", [0, 1], ids=["SignedData", "SignerInfo"])
def test_R_B26_a_wrong_version_number_is_no_reason_to_refuse(static_lab, request_to, which):
    message = request_to(static_lab, f"b26-{which}")
    octets = bytearray(message.der())
    plain = bytes(octets)
    places = [plain.index(b"\x02\x01\x01"), plain.rindex(der.integer(1) + scep.issuer_and_serial(
        message.signer))]
    octets[places[which] + 2] = 3
    reply = static_lab.open(static_lab.post(bytes(octets)), message)
    assert reply.status == "success"


def test_R_B30_a_signature_over_another_digest_than_the_message_names_is_badAlg(
        static_lab, request_to, refused):
    message = request_to(static_lab, "b30", signature_oid=oids.RSA_WITH["sha1"])
    assert refused(static_lab, message) in ("badAlg", "badMessageCheck")


def test_R_C01_a_request_without_its_challenge_gives_nothing(static_lab, keys, refused):
    message = pkcs_req(Csr(keys(), name("c01")), [static_lab.ca().encryption])
    assert refused(static_lab, message) == "badMessageCheck"


def test_R_A17_a_self_signed_certificate_vouches_for_nothing(static_lab, keys, refused):
    """Not for a renewal of itself."""
    message = pkcs_req(Csr(keys(), name("a17")), [static_lab.ca().encryption], message_type="17",
                       transaction_id="a17")
    assert refused(static_lab, message) == "badRequest"


def test_R_C04_R_C05_the_issued_certificate_comes_alone(chained_lab, request_to):
    """The CA's certificates are GetCACert's to give; old Juniper devices refuse them here."""
    message = request_to(chained_lab, "c04")
    reply = chained_lab.send(message)
    assert [scep.cert_key(c) for c in reply.certificates] == [scep.cert_key(message.signer)]
    info = scep.asn1_cms.ContentInfo.load(reply.raw)["content"]
    _, inner = scep._open_envelope(info["encap_content_info"]["content"].native, message)
    assert scep.asn1_cms.ContentInfo.load(inner)["content"]["crls"].native is None


@pytest.mark.attack("S07")
@pytest.mark.parametrize("others", [0, 1])
def test_R_C13_without_the_signers_certificate_nothing_is_read(static_lab, request_to, keys,
                                                               others):
    message = request_to(static_lab, "c13")
    octets, mine = message.der(), scep.cert_der(message.signer)
    other = scep.cert_der(scep.self_signed(keys(1), name("device")))
    assert octets.count(mine) == 1
    before = static_lab.serials()
    reply = static_lab.post(without(octets, mine, other if others else b""))
    assert reply.status == 400 or reply.content_type == "application/x-pki-message"
    assert static_lab.serials() == before


def without(octets, certificate, replacement):
    """The message with another bag: its lengths written anew."""
    info = scep.asn1_cms.ContentInfo.load(octets)
    signed = info["content"]
    parts = [signed[field].dump() for field in ("version", "digest_algorithms",
                                                "encap_content_info")]
    bag = der.tlv(0xA0, replacement) if replacement else b""
    body = der.sequence(*parts, bag, signed["signer_infos"].dump())
    assert certificate not in body
    return der.sequence(der.oid(oids.SIGNED_DATA), der.tlv(0xA0, body))


@pytest.mark.parametrize("days", [-4000, -1, 1, 4000])
def test_R_T10_signingTime_is_not_judged(static_lab, request_to, days):
    """Devices without a clock say what they like."""
    when = datetime.datetime.utcnow() + datetime.timedelta(days=days)
    time = der.tlv(0x17, when.strftime("%y%m%d%H%M%SZ").encode())
    message = request_to(static_lab, f"t10{days}", replace={oids.SIGNING_TIME: time})
    assert static_lab.send(message).status == "success"


def test_R_T13_no_challenge_is_in_the_store(lab, keys):
    challenge = lab.challenge("--subject", "CN=t13")
    assert lab.enrol(Csr(keys(), name("t13"), challenge)).status == "success"
    stored = b"".join(file.read_bytes() for file in lab.dir.glob("scepgate.db*"))
    assert b"t13" in stored
    assert challenge.encode() not in stored
    assert base64.b64decode(challenge) not in stored


def test_R_T05_a_second_certificate_for_a_subject_is_the_policys_decision(static_lab, request_to):
    """The static password grants it; each challenge of an MDM is good for one."""
    first = static_lab.send(request_to(static_lab, "t05", 0))
    second = static_lab.send(request_to(static_lab, "t05", 1))
    assert first.status == second.status == "success"
    assert first.certificate.serial_number != second.certificate.serial_number


@pytest.mark.attack("C01")
def test_R_T07_a_request_sent_again_octet_by_octet_gets_the_same_certificate(static_lab,
                                                                             request_to):
    """However often, and over whatever connection."""
    message = request_to(static_lab, "t07")
    assert len({static_lab.send(message).certificate.serial_number for _ in range(3)}) == 1


def test_R_T07_once_that_was_revoked_it_is_judged_anew(static_lab, request_to):
    message = request_to(static_lab, "t07r")
    issued = static_lab.send(message).certificate
    revoked = harness.run("cert", "revoke", format(issued.serial_number, "x"), "--config",
                          static_lab.config_file)
    assert revoked.returncode == 0, revoked.stderr
    anew = static_lab.send(message).certificate
    assert anew.serial_number != issued.serial_number
    assert static_lab.send(message).certificate == anew


@pytest.mark.attack("T01")
def test_R_T08_a_transaction_id_is_not_taken_over_by_another_key(static_lab, request_to):
    """Devices that choose the same id are kept apart by their keys; the first is untouched."""
    first = request_to(static_lab, "t08", 0, transaction_id="shared")
    mine = static_lab.send(first).certificate
    other = static_lab.send(request_to(static_lab, "t08", 1, transaction_id="shared"))
    assert other.certificate.serial_number != mine.serial_number
    assert static_lab.send(first).certificate == mine


def test_R_O04_R_T12_an_empty_challenge_is_none(static_lab, enrolled_at, keys):
    old = enrolled_at(static_lab, "o04")
    csr = Csr(keys(1), name("o04"), "")
    message = scep.renewal_req(csr, [static_lab.ca().encryption], old, keys(), message_type="19")
    assert static_lab.send(message).status == "success"


def test_R_O05_the_transaction_id_need_not_be_the_keys_hash(static_lab, request_to):
    assert static_lab.send(request_to(static_lab, "o05", transaction_id="0" * 64)).status \
        == "success"


@pytest.mark.parametrize("bits", [(0,), (2,), (6,)], ids=["sign", "encipher", "cRLSign"])
def test_R_O10_the_signers_key_usage_is_ignored(static_lab, request_to, keys, bits):
    usage = [bit in bits for bit in range(9)]
    subject = name("o10")
    now = datetime.datetime.utcnow()
    signer = (scep.x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
              .public_key(keys().public_key()).serial_number(11)
              .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
              .add_extension(scep.x509.KeyUsage(*usage), True).sign(keys(), scep.hashes.SHA256()))
    message = request_to(static_lab, "o10", signer=signer, transaction_id=f"o10-{bits}")
    assert static_lab.send(message).status == "success"


def test_R_O11_single_DES_and_MD5_are_badAlg_even_together(static_lab, request_to):
    """What sscep up to 0.9 sends unless told otherwise with -E and -S."""
    message = request_to(static_lab, "o11", digest="md5", envelope={"cipher": "des"})
    reply = static_lab.send(message, digest="sha256")
    assert (reply.status, reply.fail_info) == ("failure", "badAlg")


def test_R_O03_the_type_that_was_UpdateReq_gives_nothing(static_lab, request_to, refused):
    assert refused(static_lab, request_to(static_lab, "o03", message_type="18")) == "badRequest"
    assert b"Update" not in static_lab.get("/scep?operation=GetCACaps").body
