"""Messages whose envelope, or what is in it, is bad: the attacker is on the path and has a device's message."""

import os

import der
import oids
import raw_envelope as raw
import scep_client as scep
from oracle_messages import (OAEP_SHA256, SIZE, Group, flipped, oaep, oaep_blocks, pkcs1,
                             pkcs1_blocks)


class Envelopes:
    """A device's request was sniffed; somebody else changes it, and signs it."""

    def __init__(self, lab, device, mallory):
        self.encryption = lab.ca().encryption
        self.csr = scep.Csr(device, scep.name("sniffed"), "0123456789abcdef" * 100,
                            [scep.key_usage(0, 2)]).der()
        self.mallory, self.signer = mallory, scep.self_signed(mallory)
        self.others, self.waiting = self._of_an_honest_device(lab, device)

    def _of_an_honest_device(self, lab, device):
        """A certificate that was issued to it, as GetCert names it; the id of a request of its that waits."""
        challenges = lab.challenge("--subject", "CN=honest-%d", "--key-usage", "both", "--count", "2")

        def request(number, transaction_id):
            csr = scep.Csr(device, scep.name(f"honest-{number}"), challenges[number],
                           [scep.key_usage(0, 2)])
            return scep.pkcs_req(csr, [self.encryption], transaction_id=transaction_id)
        issued = lab.send(request(0, "4" * 32))
        waiting = request(1, "5" * 32)
        with lab.http() as http:
            answered = http.request("POST", "/approved?operation=PKIOperation", waiting.der())
        assert issued.status == "success" and lab.open(answered, waiting).status == "pending"
        return scep.issuer_and_serial(issued.certificate), waiting.transaction_id

    def message(self, enveloped):
        return scep.Message(enveloped.der(), self.mallory, self.signer, transaction_id="0" * 32)

    def of(self, content, encrypted=None, block=None, algorithm=raw.PKCS1, **changes):
        sealed = raw.Enveloped.of(content, self.encryption)
        if block is not None or encrypted is not None:
            key = encrypted or raw.probe(self.encryption, block)
            sealed = sealed.change(recipients=[raw.ktri(self.encryption, None, algorithm, key)])
        return self.message(sealed.change(**changes))

    def with_ciphertext(self, change):
        sealed = raw.Enveloped.of(self.csr, self.encryption)
        header = len(der.tlv(0x80, bytes(len(self.csr) // 16 * 16 + 16))) - len(
            self.csr) // 16 * 16 - 16
        octets = sealed.ciphertext[header:]
        return self.message(sealed.change(ciphertext=der.tlv(0x80, change(octets))))

    def with_csr(self, change):
        return lambda: self.of(change(self.csr))

    def contents(self):
        """Of the right key."""
        csr, spki = self.csr, self.csr.find(b"\x02\x82\x01\x01\x00")  # the modulus
        algorithm = csr.rfind(der.oid(oids.RSA_WITH["sha256"])[2:])
        return {
            "CBC padding: last octet": lambda: self.with_ciphertext(lambda c: flipped(c, -17)),
            "CBC padding: another octet": lambda: self.with_ciphertext(lambda c: flipped(c, -18)),
            "CBC: last block": lambda: self.with_ciphertext(lambda c: flipped(c, -1)),
            "not DER": self.with_csr(lambda c: b"\xff" + os.urandom(len(c) - 1)),
            "DER, not a CSR": self.with_csr(lambda c: der.sequence(der.octets(bytes(len(c) - 8)))),
            "CSR: version": self.with_csr(lambda c: c.replace(b"\2\1\0\x30", b"\2\1\x09\x30", 1)),
            "CSR: a length inside": self.with_csr(lambda c: flipped(c, 7, 1)),
            "CSR: a bit of the subject": self.with_csr(lambda c: flipped(c, c.find(b"sniffed"))),
            "CSR: a bit of the modulus": self.with_csr(lambda c: flipped(c, spki + 100)),
            "CSR: an even modulus": self.with_csr(lambda c: flipped(c, spki + 260, 1)),
            "CSR: the signature's algorithm": self.with_csr(
                lambda c: flipped(c, algorithm + 8, 0x60)),
            "CSR: a bit of the signature": self.with_csr(lambda c: flipped(c, -100)),
        }

    def groups(self):
        def blocks(found, algorithm):
            return {f"RSA: {what}": lambda block=block: self.of(self.csr, block=block(),
                                                                algorithm=algorithm)
                    for what, block in found.items()}

        def another_key(pad, algorithm):
            return lambda: self.of(self.csr, block=pad(os.urandom(16)), algorithm=algorithm)

        keys = another_key(pkcs1, raw.PKCS1)
        yield Group(
            "envelope, RSA PKCS #1 v1.5", "A sniffed request, changed and signed by another sender. "
            "The reference has sound padding around a key of the right length, which is another.",
            "/scep", {"another key": keys, "the same again": keys,
                      **blocks(pkcs1_blocks(), raw.PKCS1),
                      "RSA: number over the modulus": lambda: self.of(self.csr, encrypted=b"\xff" * SIZE),
                      **self.contents()})
        keys = another_key(oaep, OAEP_SHA256)
        yield Group(
            "envelope, RSA OAEP", "The same with OAEP.", "/scep",
            {"another key": keys, "the same again": keys,
             **blocks(oaep_blocks(16), OAEP_SHA256)})

    def look_ups(self):
        asked = der.sequence(self.encryption.issuer.public_bytes(), der.integer(1 << 120))

        def of(content, block=None, change=None):
            sealed = raw.Enveloped.of(content, self.encryption)
            if block is not None:
                sealed = sealed.change(recipients=[raw.ktri(
                    self.encryption, None, encrypted=raw.probe(self.encryption, block))])
            if change is not None:
                sealed = sealed.change(ciphertext=change(sealed.ciphertext))
            return scep.Message(sealed.der(), self.mallory, self.signer, message_type="21",
                                transaction_id="2" * 32)

        reference = {"another key": lambda: of(asked, pkcs1(os.urandom(16))),
                     "the same again": lambda: of(asked, pkcs1(os.urandom(16)))}
        blocks = {f"RSA: {what}": lambda block=block: of(asked, block())
                  for what, block in list(pkcs1_blocks().items())[:6]}
        yield Group("look-up, RSA PKCS #1 v1.5", "A sniffed GetCert, changed in the same ways.", "/scep", {
            **reference, **blocks,
            "CBC padding: last octet": lambda: of(asked, change=lambda c: flipped(c, -17)),
            "not DER": lambda: of(b"\xff" + os.urandom(len(asked) - 1))})
        yield Group("look-up that opens", "One reply says that it does not open and that there is no such "
                    "certificate for who asks. Where it opens the store is asked.", "/scep", {
                        **reference, "unknown certificate": lambda: of(asked),
                        "somebody else's certificate": lambda: of(self.others)}, False)

    def polls(self):
        """Polls are answered by transactionID and signer alone."""
        def poll(transaction_id):
            content = der.sequence(self.encryption.issuer.public_bytes(),
                                   self.signer.subject.public_bytes())
            return scep.Message(raw.Enveloped.of(content, self.encryption).der(), self.mallory,
                                self.signer, message_type="20", transaction_id=transaction_id)

        return Group("polls", "For what never was, and for what waits for an operator but is another key's.",
                     "/approved", {"unknown": lambda: poll("3" * 32),
                                   "the same again": lambda: poll("3" * 32),
                                   "somebody else's": lambda: poll(self.waiting)})

    def planted(self):
        """As the reference, with 8 KiB more that is public and means nothing."""
        more = scep.attribute("1.2.3.4", der.octets(bytes(8192)))
        return self.of(self.csr, block=pkcs1(os.urandom(16)),
                       unprotected=der.tlv(0xA1, more))
