"""N14: names that the chain of the CA itself excludes, under a policy that grants all."""

import shutil

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

import harness
import scep_client as scep
import two_tier
from oracle import Oracle
from scep_client import Csr, name, pkcs_req


def constrain(lab, keys):
    """Puts an issuing CA that may certify .inside.example alone in place of what init made."""
    ca_bits = ("key_cert_sign", "crl_sign")
    root_key, key = keys(10), keys(11)
    root = two_tier.certify(two_tier.ROOT, root_key, two_tier.ROOT, root_key, ca_bits, True)
    plain = two_tier.certify(two_tier.ISSUING, key, two_tier.ROOT, root_key, ca_bits, True)
    builder = (x509.CertificateBuilder(extensions=list(plain.extensions))
               .subject_name(plain.subject).issuer_name(plain.issuer).public_key(key.public_key())
               .serial_number(plain.serial_number).not_valid_before(plain.not_valid_before)
               .not_valid_after(plain.not_valid_after)
               .add_extension(x509.NameConstraints(
                   [x509.DNSName("inside.example"), x509.RFC822Name("inside.example")],
                   [x509.DNSName("secret.inside.example")]), True))
    two_tier.write(lab, "ca", key, builder.sign(root_key, hashes.SHA256()), root)
    for number, role, bit in ((12, "signing", "digital_signature"),
                              (13, "encryption", "key_encipherment")):
        subject = name(("C", "DE"), ("O", "Example"), ("CN", f"RA {role}"))
        two_tier.write(lab, f"ra-{role}", keys(number), two_tier.certify(
            subject, keys(number), two_tier.ISSUING, key, (bit,), False))


class Constrained:
    """What the oracle of this suite wants, without a challenge."""

    def __init__(self, lab, key):
        self.lab, self.key, self.ca, self.number = lab, key, lab.ca(), 0
        self.oracle = Oracle(lab, lambda: self.ask(("dns", "honest.inside.example")))

    def ask(self, *names, subject="device"):
        self.number += 1
        csr = Csr(self.key, name(subject), None, [scep.subject_alt_name(*names)])
        message = pkcs_req(csr, [self.ca.encryption], transaction_id=f"constrained-{self.number}")
        return self.lab.send(message, self.ca)


@pytest.fixture(scope="module")
def target(templates, tmp_path_factory, keys):
    lab = harness.Lab(tmp_path_factory.mktemp("constrained") / "lab")
    shutil.copytree(templates("--policy", "none"), lab.dir)
    lab.edit(lambda config: config.update(listen=[{"address": f"127.0.0.1:{lab.port}"}]))
    constrain(lab, keys)
    try:
        yield Constrained(lab.start(), keys())
        lab.stop()
    finally:
        lab.kill()


OUTSIDE = [("dns", "outside.example"), ("dns", "OUTSIDE.EXAMPLE"), ("dns", "notinside.example"),
           ("dns", "inside.example.evil"), ("dns", "example"), ("dns", "secret.inside.example"),
           ("dns", "a.SECRET.Inside.Example"), ("dns", "*.secret.inside.example"),
           ("email", "a@outside.example"), ("email", "a@OUTSIDE.EXAMPLE"),
           ("email", "a@sub.inside.example")]


@pytest.mark.attack("N14")
@pytest.mark.parametrize("kind, text", OUTSIDE)
def test_a_name_outside_of_the_CAs_constraints_is_refused(target, kind, text):
    for names in ([(kind, text)], [("dns", "good.inside.example"), (kind, text)]):
        reply = target.ask(*names)
        assert (reply.status, reply.fail_info) == ("failure", "badRequest")
        assert target.lab.audit()[-1]["code"] == "NameNotPermitted"


@pytest.mark.attack("N14")
@pytest.mark.parametrize("kind, text", [("dns", "a.inside.example"), ("dns", "A.INSIDE.Example"),
                                        ("email", "a@INSIDE.example")])
def test_a_name_within_is_certified_in_any_case(target, kind, text):
    target.oracle.will_issue()
    assert target.ask((kind, text)).status == "success"
