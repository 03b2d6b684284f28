"""Requests that are sound but for the challenge in them: the sender is a device, or has the device's key."""

import json
import os
import time

from cryptography.hazmat.primitives.asymmetric import ec

import blob_maker as make
import oids
import raw_envelope as raw
import scep_client as scep
from blob_maker import to_ec
from oracle_messages import Group, flipped, oaep, oaep_blocks

PASSWORD = "a shared password 20"


def noise_text(count):
    return os.urandom(count).hex()[:count]


class Challenges:
    """A device's own requests, sound but for the challenge in them."""

    def __init__(self, lab, device, other, rsa_recipient):
        self.encryption, self.device, self.other = lab.ca().encryption, device, other
        self.signer = scep.self_signed(device)
        self.mdm = make.BlobMaker(lab)
        self.ec, self.rsa = self.mdm.recipient, rsa_recipient
        self.used = self._use_one(lab)

    def asking(self, challenge):
        csr = scep.Csr(self.device, scep.name("asking"), challenge, [scep.key_usage(0, 2)])
        sealed = scep.Envelope([self.encryption]).seal(csr.der())
        return scep.Message(sealed, self.device, self.signer, transaction_id="1" * 32)

    def _use_one(self, lab):
        challenge = lab.challenge("--subject", "CN=asking", "--key-usage", "both", "--expires", "12h")
        sealed = scep.pkcs_req(scep.Csr(self.other, scep.name("asking"), challenge,
                                        [scep.key_usage(0, 2)]), [self.encryption])
        assert lab.send(sealed).status == "success"
        return challenge

    def claims(self, **changes):
        return json.dumps(self.mdm.claims("CN=asking", **changes)).encode()

    def blob(self, inner, kind=make.AUTH_ENVELOPED_DATA, signer=None):
        return make.base64_of(make.signed(inner, kind, [signer or self.mdm.signer]))

    def gcm(self, recipient, **options):
        return self.asking(self.blob(make.auth_enveloped(self.claims(), [recipient], **options)))

    def cbc(self, recipient, text=None, mangle=lambda octets: octets):
        """The ciphertext is the last element."""
        inner = make.enveloped(text or self.claims(), [recipient])
        return self.asking(self.blob(mangle(inner), oids.ENVELOPED_DATA))

    def _opening(self, name, right, wrong, faults):
        """What does not open; only who may sign challenges gets as far as this."""
        reference = {"another key": lambda: self.gcm(wrong()),
                     "the same again": lambda: self.gcm(wrong())}
        keys = {f"key: {what}": lambda seal=seal: self.gcm(seal()) for what, seal in faults.items()}
        return Group(
            f"challenge, {name}, AES-256-GCM",
            "Signed by a signer who is trusted; what is encrypted does not open.", "/scep",
            {**reference, **keys,
             "GCM: ciphertext": lambda: self.gcm(right(), mangle=lambda c: flipped(c, 0))}), Group(
            f"challenge, {name}, AES-256-CBC",
            "The same with CBC. What decrypts, and is no JSON, counts as not decrypted.", "/scep",
            {"another key": lambda: self.cbc(wrong()), "the same again": lambda: self.cbc(wrong()),
             **{f"key: {what}": lambda seal=seal: self.cbc(seal()) for what, seal in faults.items()},
             "CBC padding: last octet": lambda: self.cbc(right(), mangle=lambda o: flipped(o, -17)),
             "CBC: last block": lambda: self.cbc(right(), mangle=lambda o: flipped(o, -1)),
             "CBC: not JSON": lambda: self.cbc(right(), os.urandom(len(self.claims())))})

    def groups(self):
        rsa = {what: lambda block=block: make.to_rsa(self.rsa, encrypted=raw.probe(self.rsa, block()))
               for what, block in oaep_blocks(32).items()}
        yield from self._opening(
            "RSA OAEP", lambda: make.to_rsa(self.rsa),
            lambda: make.to_rsa(self.rsa, encrypted=raw.probe(self.rsa, oaep(os.urandom(32)))), rsa)
        yield from self._opening(
            "ECDH P-256", lambda: to_ec(self.ec),
            lambda: to_ec(self.ec, change=lambda key: os.urandom(32)),
            {"wrapping does not hold": lambda: to_ec(self.ec, mangle=lambda o: flipped(o, 3)),
             "wrapping does not hold at the end": lambda: to_ec(self.ec, mangle=lambda o: flipped(o, -1)),
             "agreed with another key": lambda: to_ec(self.ec, mangle=lambda o: os.urandom(len(o)))})
        yield self.unlike()
        yield self.passwords()

    def unlike(self):
        """One reply, on the same tick; how far each gets differs, and so does the work."""
        stranger = ec.generate_private_key(ec.SECP256R1())
        somebody = scep.self_signed(stranger, scep.name("mdm")), stranger
        def sealed(**claims):
            return lambda: self.asking(self.blob(make.auth_enveloped(self.claims(**claims), [to_ec(self.ec)])))

        def by(signer):
            return lambda: self.asking(self.blob(make.auth_enveloped(self.claims(), [to_ec(self.ec)]),
                                                 signer=signer))
        long_ago = dict(iat=1, nbf=1, exp=int(time.time()) - 3600)
        return Group(
            "challenge, what else is wrong with it",
            "How far a challenge gets before it is refused differs, and so does the work; the reply is one, "
            "and leaves on the tick.", "/scep",
            {"expired": sealed(**long_ago), "the same again": sealed(**long_ago),
             "no challenge": lambda: self.asking(None),
             "not base64": lambda: self.asking("!" * 1200),
             "not CMS": lambda: self.asking(make.base64_of(os.urandom(900))),
             "by nobody known": by(somebody),
             "signature does not verify": by((self.mdm.signer[0], stranger)),
             "does not decrypt": lambda: self.gcm(to_ec(self.ec, change=lambda key: os.urandom(32))),
             "for another server": sealed(aud="https://elsewhere.example/scep"),
             "an id that is none": sealed(jti="x" * 32),
             "used already": lambda: self.asking(self.used)}, False)

    def passwords(self):
        return Group(
            "static password", "Compared in one piece, whatever is right of it.", "/static",
            {"wrong": lambda: self.asking(noise_text(20)),
             "the same again": lambda: self.asking(noise_text(20)),
             "right but for the last character": lambda: self.asking(PASSWORD[:-1] + "!"),
             "right but for the first character": lambda: self.asking("!" + PASSWORD[1:])})
