"""An account's SID, in either spelling: under every policy module in a certificate only when it was
granted (N09), and as an extension only by a template that is to write it."""

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import oids
import scep_client as scep
from intune_service import serving
from scep_client import Csr, name
from webhook_service import ALLOW, Service

ACCOUNT = "S-1-5-21-1004336348-1177238915-682003330-1104"
ADMIN = "S-1-5-21-1004336348-1177238915-682003330-500"
TAG = "tag:microsoft.com,2022-09-14:sid:"


def extension(sid):
    return [scep.sid_extension(sid)]


def uri(sid, tag=TAG):
    return [scep.subject_alt_name(("dns", "pc.example"), ("uri", tag + sid))]


ASKING = {
    "extension": extension(ADMIN),
    "URI": uri(ADMIN),
    "URI in capitals": uri(ADMIN, TAG.upper()),
    "both": extension(ADMIN) + uri(ADMIN),
}


class Open:
    """A module, and how a challenge of its comes about; those that grant no SID take none."""
    policy = {"type": "none"}
    grants = False

    def __init__(self, directory):
        self.directory = directory

    def settings(self, lab):
        return self.policy

    def challenge(self, lab, sid=None):
        return None

    def close(self):
        pass


class Static(Open):
    def settings(self, lab):
        (lab.dir / "shared.txt").write_text("a shared password\n")
        (lab.dir / "shared.txt").chmod(0o600)
        return {"type": "static_password", "password": {"file": "shared.txt"}}

    def challenge(self, lab, sid=None):
        return "a shared password"


class OneTime(Open):
    policy = {"type": "one_time_password", "PasswordMax": 100}
    grants = True

    def challenge(self, lab, sid=None):
        bound = ["--subject", "CN=pc", "--sid", sid] if sid else []
        return lab.challenge("--policy-name", "tested", *bound)


class Blob(Open):
    grants = True

    def settings(self, lab):
        return lab.config()["policies"]["mdm"]

    def challenge(self, lab, sid=None):
        return lab.challenge("--policy-name", "tested", "--subject", "CN=pc",
                             *(["--sid", sid] if sid else []))


class Webhook(Open):
    grants = True

    def settings(self, lab):
        self.service = Service(self.directory)
        return {"type": "webhook", **self.service.settings(lab)}

    def challenge(self, lab, sid=None):
        answer = {**ALLOW, "sid": sid} if sid else ALLOW
        self.service.answer = lambda heard: (200, {}, answer)
        return "whatever"

    def close(self):
        self.service.stop()


class Intune(Open):
    """Intune compares the alternative names with the profile, and the names alone; here no profile
    has a SID."""

    def settings(self, lab):
        self.serving = serving(self.directory / "intune")
        service = self.serving.__enter__()
        service.refuses = lambda request: self.verdict(request["certificateRequest"])
        return service.policy()

    @staticmethod
    def verdict(csr):
        request = x509.load_der_x509_csr(base64.b64decode(csr))
        for extension in request.extensions:
            if extension.oid == x509.ExtensionOID.SUBJECT_ALTERNATIVE_NAME:
                names = extension.value.get_values_for_type(x509.UniformResourceIdentifier)
                return "SubjectAltNameMismatch" if names else None
        return None

    def challenge(self, lab, sid=None):
        return "M" * 5000

    def close(self):
        self.serving.__exit__(None, None, None)


MODULES = [Open, Static, OneTime, Blob, Webhook, Intune]


@pytest.fixture
def under(new_lab, tmp_path):
    """Makes a serving lab under a module, whose templates write SIDs or do not."""
    made = []

    def make(module, writes):
        lab = new_lab(start=False)
        tested = module(tmp_path)
        made.append(tested)

        def change(config):
            config["policies"] = {"tested": tested.settings(lab)}
            for endpoint in config["endpoints"]:
                endpoint["policy"] = "tested"
            for template in config["templates"].values():
                template["sid_extension"] = writes

        lab.edit(change)
        return tested, lab.start()

    yield make
    for tested in made:
        tested.close()


def has_sid(certificate):
    """What a reader would take for one: the extension's, or anything with the tag."""
    der = certificate.public_bytes(serialization.Encoding.DER)
    return oids.SID in [e.oid.dotted_string for e in certificate.extensions] or b"S-1-5" in der \
        or b"microsoft" in der.lower()


@pytest.mark.attack("N09")
@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.lower())
def test_N09_no_module_gives_a_SID_that_was_not_granted(under, keys, module):
    tested, lab = under(module, writes=True)
    for how, extensions in ASKING.items():
        reply = lab.enrol(Csr(keys(), name("pc"), tested.challenge(lab), extensions))
        assert (reply.status, reply.fail_info) == ("failure", "badRequest"), how
    assert lab.serials() == []
    plain = lab.enrol(Csr(keys(), name("pc"), tested.challenge(lab)))
    assert plain.status == "success" and not has_sid(plain.certificate)


@pytest.mark.parametrize("module", [m for m in MODULES if m.grants],
                         ids=lambda module: module.__name__.lower())
@pytest.mark.parametrize("writes", [True, False], ids=["written", "not written"])
def test_a_SID_that_was_granted_is_written_where_the_template_says_so(under, keys, module, writes):
    tested, lab = under(module, writes)
    other = lab.enrol(Csr(keys(), name("pc"), tested.challenge(lab, ACCOUNT), extension(ADMIN)))
    assert (other.status, other.fail_info) == ("failure", "badRequest"), "another's"
    assert lab.serials() == []
    own = lab.enrol(Csr(keys(1), name("pc"), tested.challenge(lab, ACCOUNT), extension(ACCOUNT)))
    assert own.status == "success"
    if not writes:
        assert not has_sid(own.certificate)
        return
    written = [e for e in own.certificate.extensions if e.oid.dotted_string == oids.SID]
    assert [e.value.value for e in written] == [scep.sid_extension(ACCOUNT)[2]]


def test_Intune_vouches_for_a_SID_by_the_alternative_names_alone(under, keys):
    tested, lab = under(Intune, writes=True)
    tested.verdict = lambda csr: None
    for number, sid in enumerate((ADMIN, ACCOUNT)):
        csr = Csr(keys(number), name("pc"), tested.challenge(lab), extension(sid) + uri(ACCOUNT))
        assert lab.enrol(csr).status == ("success" if sid == ACCOUNT else "failure")
    assert len(lab.serials()) == 1
