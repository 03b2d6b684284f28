"""Messages that are changed at random, on the way to each layer signed and encrypted anew so that it is
reached (rows S03, E08): whatever it is, it is answered, and nothing is issued. The challenge is wrong, so
that a change that does no harm is refused too."""

import random

import pytest

import harness
import raw_x509
import scep_client as scep
from mutations import mutate
from raw_cms import SignedData
from raw_envelope import Enveloped
from scep_client import name


class Layers:
    """An honest message but for the challenge; each method changes one layer of it."""

    def __init__(self, target, source):
        self.target, self.source = target, source
        self.csr = target.csr(challenge="wrong").der()
        self.encryption = target.ca.encryption

    def change(self, octets):
        return mutate(octets, self.source)

    def message(self):
        """Nothing is signed anew."""
        return self.change(self.target.request(self.target.csr(challenge="wrong")).der())

    def attributes(self):
        data = SignedData.of(self.target.around(Enveloped.of(self.csr, self.encryption).der()))
        attributes = data.signers[0].attributes
        place = self.source.randrange(len(attributes))
        attributes[place] = self.change(attributes[place])
        return data.der()

    def certificate(self):
        data = SignedData.of(self.target.around(Enveloped.of(self.csr, self.encryption).der()))
        return data.change(certificates=[self.change(data.certificates[0])]).der()

    def envelope(self):
        return self.target.around(self.change(Enveloped.of(self.csr, self.encryption).der())).der()

    def request(self):
        return self.target.sealed(self.change(self.csr)).der()

    def contents(self):
        """The CSR's own signature, too."""
        key = self.target.key
        attributes = self.change(b"".join(raw_x509.asking("wrong")))

        def sign(info):
            return scep._sign(key, info, "sha256")[1]

        csr = raw_x509.Csr(scep.cert_key(key), sign, name(self.target.SUBJECT), [attributes])
        if self.source.random() < 0.3:
            csr.subject = self.change(csr.subject)
        return self.target.sealed(csr.der()).der()


@pytest.mark.attack("S03", "E08")
@pytest.mark.parametrize("layer, reached", [
    ("message", "SignatureInvalid"), ("attributes", "MessageAttributesUnreadable"),
    ("certificate", "SignerKeyUnsupported"), ("envelope", "EnvelopeMalformed"),
    ("request", "Undecryptable"), ("contents", "CertificateRequestDecodingFailed")])
def test_whatever_is_changed_at_random_is_answered_and_gets_nothing(target, rounds, layer, reached):
    before = len(target.lab.audit())
    seed = random.SystemRandom().getrandbits(32)
    layers = Layers(target, random.Random(seed))
    with target.lab.http() as http:
        for number in range(rounds(150)):
            octets = getattr(layers, layer)()
            reply = http.request("POST", f"{harness.PATH}?operation=PKIOperation", octets)
            told = f"seed {seed}, {layer} {number}: {octets.hex()}"
            assert (reply.status, reply.content_type) in (
                (200, "application/x-pki-message"), (400, "text/plain")), told
            if reply.status == 200:
                signed = scep.asn1_cms.ContentInfo.load(reply.body, strict=True)["content"]
                assert signed["encap_content_info"]["content"].native is None, told
    assert reached in {line["code"] for line in target.lab.audit()[before:]}, "the layer is reached"
