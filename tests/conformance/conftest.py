"""Labs that the conformance tests share, and requests to them."""

import pytest

import two_tier
from conformance_lab import password_of, served
from scep_client import Csr, name, pkcs_req


@pytest.fixture(scope="session")
def chained_lab(templates, tmp_path_factory):
    """A serving lab whose CA stands below a root."""
    yield from served(templates, tmp_path_factory, two_tier.rebuild)


@pytest.fixture(scope="session")
def approval_lab(templates, tmp_path_factory):
    """A serving lab where an operator decides every request."""
    def wants_approval(config):
        for template in config["templates"].values():
            template["approval"] = True

    yield from served(templates, tmp_path_factory, lambda lab: lab.edit(wants_approval))


@pytest.fixture
def request_to(keys):
    """Makes an honest PKCSReq to a lab of static password; other fields as in pkcs_req."""
    def make(lab, subject="device", key=0, **options):
        csr = options.pop("csr", None) or Csr(keys(key), name(subject), password_of(lab))
        options.setdefault("transaction_id", f"{subject}-{key}")
        return pkcs_req(csr, [lab.ca().encryption], **options)
    return make


@pytest.fixture
def enrolled_at(request_to):
    """A certificate that the lab issued, for keys(key)."""
    def make(lab, subject="device", key=0):
        reply = lab.send(request_to(lab, subject, key))
        assert reply.status == "success"
        return reply.certificate
    return make


@pytest.fixture
def refused():
    """The failInfo of a request that must not lead to a certificate."""
    def send(lab, message):
        before = lab.serials()
        reply = lab.send(message)
        assert reply.status == "failure"
        assert lab.serials() == before
        return reply.fail_info
    return send
