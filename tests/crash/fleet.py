"""Devices and an operator at a server that dies: what each does, and what each knows for good."""

import collections
import http.client
import threading
import time

from cryptography import x509

import failing_disk
import harness
import scep_client as scep
from scep_client import Csr, key_usage, name

APPROVED = "/approved"
CRL = "/crl/lab.crl"
KEYS = 6


def configure(folder):
    """To a configuration of `scepgate init`: an endpoint whose requests wait for an operator, and CRLs
    in `folder`."""
    def edit(config):
        first = config["endpoints"][0]
        waiting = dict(config["templates"]["DeviceGeneral"], approval=True)
        config["templates"]["Waiting"] = waiting
        config["endpoints"].append(dict(
            first, paths=[APPROVED], name="approved",
            templates=dict.fromkeys(("signature", "encryption", "general_purpose"), "Waiting")))
        config["cas"]["lab"]["crl"]["publish_to"] = [f"{folder}/lab.crl"]
    return edit


class Gone(Exception):
    """No answer came, and none will."""


def asked(lab, method, target, body=None):
    try:
        with lab.http(timeout=harness.PATIENCE) as connection:
            return connection.request(method, target, body)
    except (OSError, http.client.HTTPException) as fault:
        raise Gone from fault


class Request:
    """One message, which is sent as it is until its answer is final."""

    def __init__(self, lab, ca, message, path=harness.PATH):
        self.lab, self.ca, self.message, self.path = lab, ca, message, path
        self.octets = message.der()
        self.serial = None

    def answer(self):
        """None when the server asks to come again; the CertRep otherwise."""
        reply = asked(self.lab, "POST", f"{self.path}?operation=PKIOperation", self.octets)
        if reply.status == 503:
            assert int(reply.header("Retry-After")) > 0
            return None
        opened = self.lab.open(reply, self.message, self.ca)
        if opened.status == "success":
            self._received(opened.certificate)
        return opened

    def _received(self, certificate):
        assert self.serial in (None, certificate.serial_number), "a retry gets the same certificate"
        self.serial = certificate.serial_number


class Device:
    """Goes as far as it can; `step` returns False when there is nothing left to do."""

    def __init__(self, fleet, number, challenge):
        self.fleet, self.number = fleet, number
        self.subject = f"d-{number}"
        self.key = fleet.key(number)
        self.request = self.make(challenge)
        self.done = False

    def csr(self, challenge, key):
        return Csr(key, name(self.subject), challenge, [key_usage(0, 2)])

    def make(self, challenge):
        message = scep.pkcs_req(self.csr(challenge, self.key), [self.fleet.ca.encryption],
                                transaction_id=self.subject)
        return Request(self.fleet.lab, self.fleet.ca, message, self.path)

    path = harness.PATH

    def step(self):
        reply = self.request.answer()
        if reply is not None:
            assert reply.status == "success", f"{self.subject}: {reply.fail_info}"
            self.done = True

    def requests(self):
        return [self.request]

    def certificates(self):
        """How many it is to have at most, and the serial numbers of those that it has received."""
        received = [r.serial for r in self.requests() if r.serial]
        return len(self.requests()), received


class RenewingDevice(Device):
    """Enrols, and has its certificate renewed for another key."""

    renewal = None

    def step(self):
        if self.renewal is None:
            reply = self.request.answer()
            if reply is None:
                return
            assert reply.status == "success", f"{self.subject}: {reply.fail_info}"
            csr = self.csr(None, self.fleet.key(self.number + 1))
            message = scep.renewal_req(csr, [self.fleet.ca.encryption], reply.certificate, self.key,
                                       transaction_id=self.subject + "-again")
            self.renewal = Request(self.fleet.lab, self.fleet.ca, message)
            return
        reply = self.renewal.answer()
        if reply is not None:
            assert reply.status == "success", f"{self.subject} renews: {reply.fail_info}"
            self.done = True

    def requests(self):
        return [self.request] + [self.renewal] * (self.renewal is not None)


class WaitingDevice(Device):
    """Asks where an operator has to say yes, and polls."""

    path = APPROVED
    waits = False       # it was told PENDING
    approved = False    # the operator's command ended well

    def step(self):
        if not self.waits:
            reply = self.request.answer()
            if reply is None:
                return
            self.waits = True
            self.done = reply.status == "success"   # it had waited before, unheard
            assert reply.status in ("pending", "success"), f"{self.subject}: {reply.fail_info}"
            return
        approved = self.approved    # before it is asked
        poll = Request(self.fleet.lab, self.fleet.ca,
                       scep.cert_poll(self.request.message, self.fleet.ca), self.path)
        reply = poll.answer()
        if reply is None:
            return
        assert reply.status in ("pending", "success"), f"{self.subject} polls: {reply.fail_info}"
        assert reply.status == "success" or not approved, "an approval stays one"
        if reply.status == "success":
            self.request._received(reply.certificate)
            self.done = True


class ContestedDevice(Device):
    """Two keys, one challenge: one of them gets a certificate, and always the same."""

    def __init__(self, fleet, number, challenge):
        super().__init__(fleet, number, challenge)
        message = scep.pkcs_req(self.csr(challenge, fleet.key(number + 1)), [fleet.ca.encryption],
                                transaction_id=self.subject + "-other")
        self.other = Request(fleet.lab, fleet.ca, message)
        self.turn = 0

    def step(self):
        self.turn += 1
        for request in (self.request, self.other)[::1 if self.turn % 2 else -1]:
            reply = request.answer()
            if reply is None:
                return
            assert reply.status == "success" or reply.fail_info == "badMessageCheck"
        assert [self.request.serial, self.other.serial].count(None) == 1, "one of the two"
        self.done = True

    def certificates(self):
        return 1, [r.serial for r in (self.request, self.other) if r.serial]


KINDS = (Device, Device, RenewingDevice, WaitingDevice, Device, ContestedDevice)


class Fleet:
    """The devices of a lab, and what its operator and those that read its CRL know."""

    def __init__(self, lab, disk, key, count):
        self.lab, self.disk, self.key, self.ca = lab, disk, lambda n: key(n % KEYS), lab.ca()
        challenges = lab.challenge("--subject", "CN=d-%d", "--key-usage", "both", "--expires", "12h",
                                   "--count", count)
        self.devices = []
        self._challenges = iter(enumerate(challenges))
        self.revoked = set()
        self.crl_number, self.published = 0, 0

    def next(self, count, kinds=KINDS):
        for _ in range(count):
            number, challenge = next(self._challenges)
            self.devices.append(kinds[number % len(kinds)](self, number, challenge))
        return self.devices[-count:]

    # -- those who ask all the time ----------------------------------------------------------------

    def work(self, devices, threads=4):
        """Serves `devices` until all are done or the server is gone."""
        queue, crowd, faults = collections.deque(devices), [], []

        def one():
            try:
                while True:
                    device = queue.popleft()
                    device.step()
                    if not device.done:
                        queue.append(device)
            except (Gone, IndexError):  # of the queue: the others have the rest
                pass
            except BaseException as fault:  # shown by the test's own thread
                faults.append(fault)

        for _ in range(threads):
            crowd.append(threading.Thread(target=one))
        for thread in crowd:
            thread.start()
        return crowd, faults

    # -- the operator ------------------------------------------------------------------------------

    def command(self, *arguments):
        """True when it ended well."""
        return failing_disk.run(self.lab, self.disk, *arguments).returncode == 0

    def approve(self, devices):
        for device in devices:
            if isinstance(device, WaitingDevice) and device.waits and not device.approved \
                    and not device.done:
                device.approved = self.command("pending", "approve", device.subject)

    def revoke(self, serial):
        """True when it was not revoked before: one whose order died with the server may have been."""
        revoked = self.command("cert", "revoke", f"{serial:x}", "--reason", "superseded")
        if revoked:
            self.revoked.add(serial)
        return revoked

    def received(self, devices=None):
        return [serial for device in devices or self.devices for serial in device.certificates()[1]]

    # -- whoever reads the CRL ---------------------------------------------------------------------

    def read_crl(self):
        known = set(self.revoked)
        reply = asked(self.lab, "GET", CRL)
        if reply.status == 503:
            return
        crl = x509.load_der_x509_crl(reply.body)
        self.crl_number = self._judged(crl, known, self.crl_number)

    def _judged(self, crl, known, least):
        number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        assert number >= least, f"CRL number {number} after {least}"
        missing = known - {entry.serial_number for entry in crl}
        assert not missing, f"CRL {number} lacks what was revoked before: {missing}"
        return number

    def read_published(self, file):
        """Whenever it is there it is whole; it goes back no further than a disk does."""
        if file.exists():
            crl = x509.load_der_x509_crl(file.read_bytes())
            self.published = self._judged(crl, set(), self.published)

    def published_says_all(self, file):
        """Within seconds, says docs/revocation.md."""
        def up_to_date():
            if not file.exists():
                return False
            crl = x509.load_der_x509_crl(file.read_bytes())
            return self.revoked <= {entry.serial_number for entry in crl}
        harness.wait_until(up_to_date, "the published CRL has all that was revoked")


def wait_for(crowd, faults, until, seconds=harness.PATIENCE):
    """Until all are done, or `until()`; their faults are raised here."""
    deadline = time.monotonic() + seconds
    while any(thread.is_alive() for thread in crowd) and not until() and not faults:
        assert time.monotonic() < deadline, "a transaction is stuck"
        time.sleep(0.005)
    if faults:
        raise faults[0]
