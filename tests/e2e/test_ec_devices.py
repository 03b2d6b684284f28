"""Devices with an EC key: a key that cannot decrypt gets its reply under the challenge (RFC 8894
section 3.1), where `algorithms.ec_password_recipient` allows it; elsewhere it is refused before
anything is issued."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import scep_client as scep
from scep_client import Csr, name, pkcs_req

SAN = scep.subject_alt_name(("dns", "ec.example"))
CURVES = [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()]


@pytest.fixture
def ec_lab(new_lab):
    def make(*arguments, allowed):
        return new_lab(*arguments, edit=lambda config: config["endpoints"][0].update(
            algorithms={"ec_password_recipient": allowed}))
    return make


def request(lab, key, challenge=None, **options):
    challenge = challenge or lab.challenge("--subject", "CN=ec", "--dns", "ec.example",
                                           "--key-usage", "signature")
    csr = Csr(key, name("ec"), challenge, [SAN, scep.key_usage(0)])
    return pkcs_req(csr, [lab.ca().encryption], **options)


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_R_B03_an_EC_device_opens_its_certificate_with_its_challenge(ec_lab, curve):
    lab = ec_lab(allowed=True)
    key = ec.generate_private_key(curve)
    message = request(lab, key)
    reply = lab.send(message)
    assert reply.status == "success"
    issued = reply.certificate
    assert scep.cert_key(issued) == scep.cert_key(message.signer)
    assert issued.subject == name("ec")
    usage = issued.extensions.get_extension_for_class(scep.x509.KeyUsage).value
    assert usage.digital_signature and not usage.key_encipherment
    again = lab.send(message)
    assert again.certificate == issued, "a retry is answered alike"
    assert lab.serials() == [issued.serial_number]


def test_R_B03_the_reply_opens_with_that_challenge_alone(ec_lab):
    lab = ec_lab(allowed=True)
    message = request(lab, ec.generate_private_key(CURVES[0]))
    raw = lab.post(message)
    message.challenge += "x"
    with pytest.raises(AssertionError, match="opens with the challenge"):
        lab.open(raw, message)


def test_R_B03_where_it_is_not_allowed_nothing_is_issued_or_used_up(ec_lab):
    lab = ec_lab(allowed=False)
    challenge = lab.challenge("--subject", "CN=ec", "--dns", "ec.example",
                              "--key-usage", "signature")
    key = ec.generate_private_key(CURVES[0])
    reply = lab.send(request(lab, key, challenge))
    assert (reply.status, reply.fail_info) == ("failure", "badAlg")
    assert lab.audit()[-1]["event"] == "refuse"
    assert lab.serials() == []
    lab.stop()
    lab.edit(lambda config: config["endpoints"][0]["algorithms"].update(
        ec_password_recipient=True))
    lab.start()
    assert lab.send(request(lab, key, challenge)).status == "success", "its challenge is unused"


@pytest.mark.parametrize("challenge", [None, ""], ids=["missing", "empty"])
def test_R_B03_without_a_challenge_there_is_no_key_for_the_reply(ec_lab, challenge):
    lab = ec_lab(allowed=True)
    csr = Csr(ec.generate_private_key(CURVES[0]), name("ec"), challenge, [SAN, scep.key_usage(0)])
    reply = lab.send(pkcs_req(csr, [lab.ca().encryption]))
    assert (reply.status, reply.fail_info) == ("failure", "badAlg")
    assert lab.serials() == []
    assert lab.send(request(lab, csr.key)).status == "success"


def test_R_B03_a_wrong_challenge_issues_nothing(ec_lab):
    lab = ec_lab("--policy", "one_time", allowed=True)
    reply = lab.send(request(lab, ec.generate_private_key(CURVES[0]), "wrong"))
    assert (reply.status, reply.fail_info) == ("failure", "badMessageCheck")
    assert lab.serials() == []
