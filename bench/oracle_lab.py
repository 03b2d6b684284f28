"""The server that bench/oracles asks, and the classes of messages that it is sent."""

from oracle_messages import Group  # first: it says where the tests' modules are
from oracle_challenges import PASSWORD, Challenges
from oracle_clock import Sample
from oracle_envelopes import Envelopes

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import harness
import scep_client as scep
import wire
from two_tier import certify


def rsa_recipient(folder):
    """Writes another certificate and key for challenges, to which RSA encrypts."""
    key = rsa.generate_private_key(65537, 2048)
    certificate = certify(scep.name("rsa"), key, scep.name("rsa"), key, ("key_encipherment",), False)
    (folder / "rsa.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "rsa.key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    (folder / "rsa.key").chmod(0o600)
    return certificate


def make_lab(folder):
    """Challenge blobs to keys of both types on /scep, a password on /static, an operator on /approved."""
    lab = harness.Lab.init(folder / "lab")
    certificate = rsa_recipient(lab.dir)
    (lab.dir / "password").write_text(PASSWORD + "\n")
    (lab.dir / "password").chmod(0o600)

    def edit(config):
        policy = config["policies"]["mdm"]
        policy["decryption"] = [policy["decryption"],
                                {"certificate": "rsa.pem", "key": {"file": "rsa.key"}}]
        config["policies"]["static"] = {"type": "static_password", "password": {"file": "password"}}
        first = config["endpoints"][0]
        config["templates"]["Waiting"] = {**config["templates"]["DeviceGeneral"], "approval": True}
        config["endpoints"] += [
            {**first, "paths": ["/static"], "policy": "static"},
            {**first, "paths": ["/approved"], "templates": dict.fromkeys(first["templates"], "Waiting")}]
    lab.edit(edit)
    return lab, certificate


def make_groups(lab, certificate):
    device, mallory, other = (rsa.generate_private_key(65537, 2048) for _ in range(3))
    envelopes = Envelopes(lab, device, mallory)
    challenges = Challenges(lab, device, other, certificate)
    planted = Group("planted", "The reference with 8 KiB more that is public.", "/scep",
                    {"without": next(iter(next(envelopes.groups()).classes.values())),
                     "with": envelopes.planted})
    return [*envelopes.groups(), *envelopes.look_ups(), envelopes.polls(), *challenges.groups(), planted]


class Class:
    """One class of messages, and what was seen of it."""

    def __init__(self, group, what, variants):
        self.group, self.what = group, what
        self.messages = [group.classes[what]() for _ in range(variants)]
        self.requests = [self._request(each) for each in self.messages]
        self.samples, self.shapes, self.replies = [], set(), set()

    def _request(self, message):
        octets = message.der()
        return (f"POST {self.group.path}?operation=PKIOperation HTTP/1.1\r\nHost: x\r\n"
                f"Content-Type: application/x-pki-message\r\nContent-Length: {len(octets)}\r\n\r\n"
                ).encode() + octets

    def look_at_replies(self, lab, ca, count=3):
        """Status, header and every octet but nonces, times, transactionID and signature."""
        for message, request in list(zip(self.messages, self.requests))[:count]:
            got, = wire.exchange(lab.port, request.replace(b"Host: x", b"Host: x\r\nConnection: close"))
            opened = lab.open(got, message, ca)
            fields = tuple(field for field in got.headers if field[0] != "Date")
            self.replies.add((got.status, fields, opened.status, opened.fail_info,
                              opened.without_the_varying()))

    def sample(self, number):
        made = Sample(number, self.requests[number % len(self.requests)])
        self.samples.append(made)
        return made

    def times(self, kind):
        return [getattr(each, kind) for each in self.samples]
