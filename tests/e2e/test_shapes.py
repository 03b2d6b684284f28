"""What the answers of an endpoint look like, for clients that want different things."""

import datetime

import pytest

import der
import harness
import oids
import scep_client as scep
import two_tier
from scep_client import Csr, name

SAN = scep.subject_alt_name(("dns", "shapes.example"))


@pytest.fixture
def shaped(new_lab):
    """A lab under a root, with these keys of its endpoint; `ra=False`: in CA mode."""
    def make(ra=True, start=True, **keys):
        lab = new_lab(start=False)
        two_tier.rebuild(lab)

        def edit(config):
            endpoint = config["endpoints"][0]
            endpoint.update(keys)
            if not ra:
                del endpoint["ra"]

        lab.edit(edit)
        return lab.start() if start else lab
    return make


def common_names(certificates):
    return [c.subject.get_attributes_for_oid(scep.NameOID.COMMON_NAME)[0].value
            for c in certificates]


def request(lab, key, ca, **options):
    challenge = lab.challenge("--subject", "CN=shapes", "--dns", "shapes.example", "--key-usage",
                              "both")
    csr = Csr(key, name("shapes"), challenge, [SAN, scep.key_usage(0, 2)])
    return scep.pkcs_req(csr, [ca.encryption], **options)


RA = ["RA signing", "RA encryption"]


@pytest.mark.parametrize("shape,expected", [
    (None, [*RA, "Issuing", "Root"]), ("ra_and_chain", [*RA, "Issuing", "Root"]),
    ("ra_and_issuer", [*RA, "Issuing"]), ("issuer", ["Issuing"])])
def test_E10_A05_what_GetCACert_holds(shaped, shape, expected):
    lab = shaped(**({"get_ca_cert": shape} if shape else {}))
    reply = lab.get("/scep?operation=GetCACert")
    assert reply.content_type == "application/x-x509-ca-ra-cert"
    assert common_names(scep.certs_only(reply.body)) == expected


@pytest.mark.parametrize("shape,expected", [
    (None, ["Issuing", "Root"]), ("ra_and_issuer", ["Issuing"]), ("single", "Issuing")])
def test_E09_A05_what_GetCACert_holds_without_an_RA(shaped, shape, expected):
    lab = shaped(ra=False, **({"get_ca_cert": shape} if shape else {}))
    reply = lab.get("/scep?operation=GetCACert")
    if shape == "single":
        assert reply.content_type == "application/x-x509-ca-cert"
        found = scep.x509.load_der_x509_certificate(reply.body)
        assert common_names([found]) == [expected]
    else:
        assert reply.content_type == "application/x-x509-ca-ra-cert"
        assert common_names(scep.certs_only(reply.body)) == expected


def test_one_bare_certificate_cannot_tell_of_an_RA(shaped):
    lab = shaped(start=False, get_ca_cert="single")
    checked = harness.run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 2
    assert "endpoints[0].get_ca_cert" in checked.stdout + checked.stderr


@pytest.mark.parametrize("message", ["CAIdentifier", "", "default", "0", "a%20b"])
def test_O08_a_CA_identifier_is_not_looked_at(shaped, message):
    lab = shaped()
    for operation in ("GetCACert", "GetCACaps"):
        asked = lab.get(f"/scep?operation={operation}&message={message}")
        assert (asked.status, asked.body) == (200, lab.get(f"/scep?operation={operation}").body)


@pytest.mark.parametrize("shape,expected", [
    (None, []), ("leaf", []), ("leaf_and_ca", ["Issuing"]), ("chain", ["Issuing", "Root"])])
def test_C04_C05_what_comes_with_a_certificate(shaped, keys, shape, expected):
    lab = shaped(**({"cert_rep": shape} if shape else {}))
    ca = lab.ca()
    message = request(lab, keys(), ca)
    for reply in (lab.send(message, ca), lab.send(message, ca)):  # a retry too
        assert common_names(reply.certificates) == ["shapes", *expected]
    certificate = reply.certificate
    found = lab.send(scep.get_cert(certificate, ca, certificate, keys()), ca)
    assert common_names(found.certificates) == ["shapes", *expected]


@pytest.mark.parametrize("shape", ["absent", "empty"])
def test_C06_a_FAILURE_without_content_or_with_an_empty_one(shaped, keys, shape):
    lab = shaped(failure_content=shape)
    ca = lab.ca()
    csr = Csr(keys(), name("shapes"), "no challenge", [SAN])
    raw = lab.post(scep.pkcs_req(csr, [ca.encryption])).body
    signed = scep.asn1_cms.ContentInfo.load(raw, strict=True)["content"]
    content = signed["encap_content_info"]["content"].native
    assert content == {"absent": None, "empty": b""}[shape]


def signed_at(lab, key, ca, minutes):
    moment = datetime.datetime.utcnow() + datetime.timedelta(minutes=minutes)
    time = der.tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())
    return request(lab, key, ca, replace={oids.SIGNING_TIME: time},
                   transaction_id=f"signed-{minutes}")


def test_T10_signingTime_counts_only_where_a_window_is_set(shaped, keys):
    lab = shaped()
    ca = lab.ca()
    assert lab.send(signed_at(lab, keys(), ca, 60 * 24 * 365), ca).status == "success"


def test_T10_badTime_outside_the_window(shaped, keys):
    lab = shaped(signing_time_window="1h")
    ca = lab.ca()
    for minutes in (-90, 90):
        assert lab.send(signed_at(lab, keys(), ca, minutes), ca).fail_info == "badTime"
    assert lab.audit()[-1]["code"] == "SigningTimeOutsideWindow"
    assert lab.send(signed_at(lab, keys(), ca, -30), ca).status == "success"
    without = request(lab, keys(1), ca, leave_out=(oids.SIGNING_TIME,))
    assert lab.send(without, ca).status == "success"


@pytest.mark.parametrize("preset,shape", [
    ("windows", "get_ca_cert=ra_and_issuer cert_rep=leaf"),
    ("cisco", "get_ca_cert=ra_and_chain cert_rep=leaf_and_ca"),
    ("juniper", "get_ca_cert=ra_and_chain cert_rep=leaf ")])
def test_the_log_says_the_preset_and_what_it_set(shaped, preset, shape):
    lab = shaped(preset=preset)
    line = next(line for line in lab.log().splitlines() if " preset=" in line)
    assert preset in line
    assert shape in line
