"""A server under attack, and requests to it that are right but for what a test changes."""

import itertools

import harness
import oracle
import scep_client as scep
from scep_client import Csr, Envelope, Message, key_usage, name, pkcs_req

_numbers = itertools.count()


class Target:
    """A lab of policy challenge_blob. One challenge goes with every hostile request: what refuses it
    is what was changed, and it is never consumed."""

    SUBJECT = "attacked"

    def __init__(self, lab, key, mallory):
        self.lab, self.key, self.mallory = lab, key, mallory
        self.ca = lab.ca()
        self.challenge = self.new_challenge()
        self.oracle = oracle.Oracle(lab, oracle.blob_device(lab, key))

    def new_challenge(self):
        return self.lab.challenge("--subject", f"CN={self.SUBJECT}", "--key-usage", "both",
                                  "--expires", "12h")

    # -- requests ----------------------------------------------------------------------------------

    def csr(self, **options):
        options.setdefault("key", self.key)
        options.setdefault("subject", name(self.SUBJECT))
        options.setdefault("challenge", self.challenge)
        options.setdefault("extensions", [key_usage(0, 2)])
        return Csr(**options)

    def request(self, csr=None, recipients=None, **options):
        """An honest PKCSReq but for `options`, with a transactionID of its own."""
        options.setdefault("transaction_id", f"attack-{next(_numbers):08}")
        return pkcs_req(csr or self.csr(), recipients or [self.ca.encryption], **options)

    def around(self, content, **options):
        """A message signed as it should be, around any content in place of an envelope."""
        options.setdefault("transaction_id", f"attack-{next(_numbers):08}")
        return Message(content, self.key, scep.self_signed(self.key), **options)

    def sealed(self, content, **envelope):
        """Any content in an envelope and a message that are as they should be."""
        return self.around(Envelope([self.ca.encryption], **envelope).seal(content))

    # -- outcomes ----------------------------------------------------------------------------------

    def post(self, message):
        return self.lab.post(message)

    def refused(self, message, fail_info, code=None, octets=None, digest=None):
        """`message` (`octets` in its place) must be answered with this failInfo; the audit file alone
        has `code`."""
        reply = self.lab.open(self.post(octets or message), message, self.ca, digest)
        told = [line for line in self.lab.audit()
                if line.get("transaction_id") == message.transaction_id]
        assert (reply.status, reply.fail_info) == ("failure", fail_info), told[-1:]
        if code:
            assert told[-1]["event"] == "refuse" and told[-1]["code"] == code, told[-1]
            assert code.encode() not in reply.raw
        return reply

    def refused_envelope(self, enveloped, fail_info, code):
        """The same for an Enveloped, in a message that is as it should be."""
        return self.refused(self.around(enveloped.der()), fail_info, code)

    def nobody(self, message, status=400):
        """`message` must get an HTTP status and a short text, for there is nobody to answer."""
        reply = self.post(message)
        assert (reply.status, reply.content_type) == (status, "text/plain"), reply
        assert len(reply.body) < 64
        return reply

    def granted(self, message, octets=None):
        """`message` must lead to a certificate; the next requests have a new challenge."""
        self.oracle.will_issue()
        reply = self.lab.open(self.post(octets or message), message, self.ca)
        assert reply.status == "success", reply.fail_info
        self.challenge = self.new_challenge()
        return reply

    def raw(self, octets, **options):
        return harness.raw_exchange(self.lab.port, octets, **options)


def attacked(lab, keys):
    """A `target` fixture's body: after all attacks, the challenge that went with them is still good."""
    target = Target(lab, keys(), keys(1))
    yield target
    assert lab.send(target.request(), target.ca).status == "success"
