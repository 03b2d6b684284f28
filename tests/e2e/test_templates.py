"""Templates: what stands in certificates as OpenSSL and GnuTLS read it, who chooses what within which
limits, and what `config check` finds contradictory (docs/templates.md)."""

import datetime
import json
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

import der
import harness
import oids
import scep_client as scep
from scep_client import Csr, name

NAME_VALUE_PAIR = "1.3.6.1.4.1.311.13.2.1"
DAY = datetime.timedelta(days=1)


def asking(**pairs):
    """Microsoft's request attributes, each in an Attribute of its own."""
    def bmp(text):
        return der.tlv(0x1E, text.encode("utf-16-be"))
    return [scep.attribute(NAME_VALUE_PAIR, der.sequence(bmp(key), bmp(value)))
            for key, value in pairs.items()]


@pytest.fixture
def template_lab(new_lab):
    """A lab with these keys in its template for both usages; further templates by name."""
    def make(more=None, endpoint=None, start=True, **settings):
        def edit(config):
            config["templates"]["DeviceGeneral"].update(settings)
            config["templates"].update(more or {})
            config["endpoints"][0]["templates"].update(endpoint or {})
        return new_lab(edit=edit, start=start)
    return make


def challenge_for(lab, *more, subject="CN=device"):
    return lab.challenge("--subject", subject, "--dns", "device.example", "--key-usage", "both",
                         *more)


def request(lab, key, *more, subject=name("device"), attributes=(), extensions=()):
    text = "CN=" + subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    challenge = challenge_for(lab, *more, subject=text)
    return Csr(key, subject, challenge,
               [scep.subject_alt_name(("dns", "device.example")), scep.key_usage(0, 2),
                *extensions], attributes=list(attributes))


def issued(lab, key, *more, **options):
    reply = lab.enrol(request(lab, key, *more, **options))
    assert reply.status == "success", lab.log()
    return reply.certificate


def refused(lab, key, *more, **options):
    reply = lab.enrol(request(lab, key, *more, **options))
    assert (reply.status, reply.fail_info) == ("failure", "badRequest")
    return lab.audit()[-1]["code"]


def written(lab, certificate):
    file = lab.dir / "issued.pem"
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    return file


def tool(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def lifetime(certificate):
    """From the issuing on; the template's backdate is ten minutes."""
    return certificate.not_valid_after - certificate.not_valid_before - datetime.timedelta(minutes=10)


def test_the_extensions_of_a_template_stand_in_its_certificates(template_lab, keys):
    lab = template_lab(
        extended_key_usage=["clientAuth", "emailProtection"], application_policies=True,
        certificate_policies=["1.3.6.1.4.1.99999.2",
                              {"oid": "1.3.6.1.4.1.99999.1", "cps": "http://pki.example/cps",
                               "notice": "Devices only"}],
        microsoft_template={"oid": "1.3.6.1.4.1.311.21.8.1.2.3", "major": 100, "minor": 4},
        critical=["key_usage", "extended_key_usage"])
    file = written(lab, issued(lab, keys()))
    text = tool("openssl", "x509", "-in", file, "-noout", "-text")
    for line in ("X509v3 Key Usage: critical", "X509v3 Extended Key Usage: critical",
                 "TLS Web Client Authentication, E-mail Protection",
                 "Policy: 1.3.6.1.4.1.99999.2", "Policy: 1.3.6.1.4.1.99999.1",
                 "CPS: http://pki.example/cps", "Explicit Text: Devices only",
                 "1.3.6.1.4.1.311.21.7:", "1.3.6.1.4.1.311.21.10:"):
        assert line in text, line
    assert "Non Repudiation" not in text
    gnutls = tool("certtool", "-i", "--infile", file)
    assert "Devices only" in gnutls and "http://pki.example/cps" in gnutls
    assert "1.3.6.1.4.1.311.21.10" in gnutls
    parsed = tool("openssl", "asn1parse", "-in", file)
    assert "1.3.6.1.4.1.311.21.7" in parsed
    assert "OK" in tool("openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-policy",
                        "1.3.6.1.4.1.99999.1", "-explicit_policy", "-CAfile", lab.dir / "ca.pem",
                        file)


def test_a_version_one_template_is_named(template_lab, keys):
    lab = template_lab(microsoft_template={"name": "IPSECIntermediateOffline"})
    certificate = issued(lab, keys())
    extension = certificate.extensions.get_extension_for_oid(
        x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2"))
    assert extension.value.value == der.tlv(0x1E, "IPSECIntermediateOffline".encode("utf-16-be"))


def test_a_usage_that_was_not_granted_takes_its_application_policy_along(template_lab, keys):
    lab = template_lab(extended_key_usage=["clientAuth", "emailProtection"],
                       application_policies=["clientAuth", "emailProtection"])
    client_auth = der.sequence(der.oid("1.3.6.1.5.5.7.3.2"))
    certificate = issued(lab, keys(), "--eku", "clientAuth",
                         extensions=[(oids.EXTENDED_KEY_USAGE, False, client_auth)])
    extension = certificate.extensions.get_extension_for_oid(
        x509.ObjectIdentifier("1.3.6.1.4.1.311.21.10"))
    assert extension.value.value == der.sequence(client_auth)


# -- validity ----------------------------------------------------------------------------------

@pytest.mark.parametrize("asked, days", [
    ({"ValidityPeriod": "Days", "ValidityPeriodUnits": "30"}, 30),
    ({"validityperiod": "weeks", "validityperiodunits": "2"}, 14),
    ({"ValidityPeriod": "Days", "ValidityPeriodUnits": "1"}, 7),
    ({"ValidityPeriod": "Years", "ValidityPeriodUnits": "5"}, 365),
    ({"ValidityPeriod": "Fortnights", "ValidityPeriodUnits": "1"}, 365),
    ({}, 365),
])
def test_a_device_chooses_its_validity_within_limits(template_lab, keys, asked, days):
    lab = template_lab(requested_validity={"minimum": "7d"})
    assert lifetime(issued(lab, keys(), attributes=asking(**asked))) == days * DAY


def test_a_device_can_ask_for_a_date(template_lab, keys):
    lab = template_lab(requested_validity={})
    end = datetime.datetime.utcnow().replace(microsecond=0) + 40 * DAY
    asked = asking(ExpirationDate=end.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    assert issued(lab, keys(), attributes=asked).not_valid_after == end


def test_no_device_gets_more_than_its_challenge_allows(template_lab, keys):
    lab = template_lab(requested_validity={"maximum": "730d"})
    asked = asking(ValidityPeriod="Days", ValidityPeriodUnits="300")
    assert lifetime(issued(lab, keys(), "--max-validity", "90d", attributes=asked)) == 90 * DAY
    assert lifetime(issued(lab, keys(1), "--max-validity", "700d")) == 700 * DAY


@pytest.mark.attack("N12")
def test_what_a_device_asks_for_is_left_out_unless_the_template_takes_it(template_lab, keys):
    lab = template_lab()
    asked = asking(ValidityPeriod="Days", ValidityPeriodUnits="30")
    assert lifetime(issued(lab, keys(), attributes=asked)) == 365 * DAY
    lab.stop()
    assert "left out the requested validity" in lab.log() + lab.audit_text()


# -- subject -----------------------------------------------------------------------------------

def test_the_subject_is_built_from_what_was_granted(template_lab, keys):
    lab = template_lab(subject="CN={device_id},OU={user_id},O=Fleet")
    certificate = issued(lab, keys(), "--device-id", "D,1+x", "--user-id", "ada")
    assert certificate.subject == name(("O", "Fleet"), ("OU", "ada"), ("CN", "D,1+x"))
    assert certificate.extensions.get_extension_for_class(
        x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName) == ["device.example"]
    assert refused(lab, keys(1)) == "SubjectClaimMissing"


def test_a_built_subject_stays_through_renewals(template_lab, keys):
    lab = template_lab(subject="CN={device_id},O=Fleet")
    old = issued(lab, keys(), "--device-id", "D-1")
    csr = Csr(keys(1), old.subject, None,
              [scep.subject_alt_name(("dns", "device.example")), scep.key_usage(0, 2)])
    reply = lab.send(scep.renewal_req(csr, [lab.ca().encryption], old, keys()))
    assert reply.status == "success", lab.log()
    assert reply.certificate.subject == old.subject == name(("O", "Fleet"), ("CN", "D-1"))


def explained(lab, csr, tmp_path):
    file = tmp_path / "request.csr"
    file.write_bytes(csr.der())
    done = harness.run("policy", "explain", "--config", lab.config_file, "--csr", file, "--json")
    return json.loads(done.stdout)


def test_policy_explain_shows_the_subject_that_would_be_certified(template_lab, keys, tmp_path):
    built = template_lab(subject="CN={device_id},O=Fleet")
    said = explained(built, request(built, keys(), "--device-id", "D-1"), tmp_path)
    assert (said["result"], said["subject"], said["granted_subject"]) == \
        ("granted", "CN=D-1,O=Fleet", "CN=device")
    said = explained(built, request(built, keys()), tmp_path)
    assert (said["result"], said["code"]) == ("refused", "SubjectClaimMissing")
    asked_for = template_lab(subject="from_request")
    said = explained(asked_for, request(asked_for, keys(), "--device-id", "D-1"), tmp_path)
    assert (said["result"], said["subject"]) == ("granted", "CN=device")
    assert "granted_subject" not in said
    assert said["extended_key_usage"] == "clientAuth"


# -- keys, purposes, lists ---------------------------------------------------------------------

def test_keys_outside_the_templates_rules_are_refused(template_lab, keys):
    lab = template_lab(keys=["ec:p256"])
    assert refused(lab, keys()) == "KeyTypeNotAllowed"
    small = template_lab(maximum_rsa_bits=2048)
    assert refused(small, keys(0, 3072)) == "KeyTooLong"


def test_of_several_templates_the_challenge_names_one(template_lab, keys):
    other = {"key_usage": ["digitalSignature", "keyEncipherment"],
             "extended_key_usage": ["serverAuth"], "validity": "30d"}
    lab = template_lab(more={"Server": other},
                       endpoint={"general_purpose": ["DeviceGeneral", "Server"]})
    first = issued(lab, keys())
    assert lifetime(first) == 365 * DAY, "the first where none is named"
    second = issued(lab, keys(1), "--template", "Server")
    assert lifetime(second) == 30 * DAY
    assert lab.audit()[-1]["template"] == "Server"
    # Its renewal is of the same template.
    csr = Csr(keys(2), name("device"), None,
              [scep.subject_alt_name(("dns", "device.example")), scep.key_usage(0, 2)])
    reply = lab.send(scep.renewal_req(csr, [lab.ca().encryption], second, keys(1)))
    assert reply.status == "success", lab.log()
    assert lifetime(reply.certificate) == 30 * DAY
    other_purpose = lab.challenge("--subject", "CN=x", "--key-usage", "signature", "--template",
                                  "Server")
    reply = lab.enrol(Csr(keys(3), name("x"), other_purpose, [scep.key_usage(0)]))
    assert reply.status == "failure", "of another purpose's list"
    assert lab.audit()[-1]["code"] == "TemplateMismatch"


def test_approval_is_the_named_templates_own(template_lab, keys):
    lab = template_lab(more={"Guarded": {"approval": True}},
                       endpoint={"general_purpose": ["DeviceGeneral", "Guarded"]})
    assert lab.enrol(request(lab, keys())).status == "success"
    assert lab.enrol(request(lab, keys(1), "--template", "Guarded")).status == "pending"


# -- config check ------------------------------------------------------------------------------

@pytest.mark.parametrize("settings, path, word, status", [
    (dict(extended_key_usage=["codeSigning"], key_usage=["keyEncipherment"]),
     "extended_key_usage", "of no use with key usage", 0),
    (dict(extended_key_usage=[]), "extended_key_usage", "for every purpose", 0),
    (dict(purpose=["signature", "general_purpose"], key_usage=["keyEncipherment"]), "key_usage",
     "nothing for purpose signature", 2),
    (dict(keys=["ec:p256"], key_usage=["keyEncipherment"]), "keys", "an EC key can do nothing", 2),
    (dict(keys=["rsa"], key_usage=["keyAgreement"]), "keys", "an RSA key can do nothing", 2),
    (dict(key_usage=["encipherOnly"]), "key_usage", "means nothing without keyAgreement", 0),
    (dict(application_policies=["serverAuth"]), "application_policies", "Windows goes by", 0),
    (dict(validity="4d"), "validity", "is under five days", 0),
    (dict(validity="36500d"), "validity", "goes beyond the CA's certificate", 0),
    (dict(validity="365d", requested_validity={"maximum": "90d"}), "validity",
     "outside requested_validity", 0),
    (dict(requested_validity={"minimum": "1d"}), "requested_validity.minimum",
     "is under five days", 0),
    (dict(critical=["key_usage", "certificate_policies"]), "critical", "of which there are none", 0),
    (dict(key_usage=["digitalSignature", "nonRepudiation"]), "key_usage", "Apple", 0),
    (dict(subject="CN={serial}"), "subject", "there is no claim {serial}", 2),
    (dict(subject="C=DEU,CN={common_name}"), "subject", "is not two letters", 2),
    (dict(subject="CN=x-{common_name}"), "subject", "grow with each renewal", 2),
    (dict(certificate_policies=["policy"]), "certificate_policies", "1.3.6.1.4.1", 2),
    (dict(extended_key_usage=["clientAuth", "1.3.6.1.5.5.7.3.2"]), "extended_key_usage",
     "goes into a certificate once", 0),
])
def test_config_check_explains_contradictions(template_lab, settings, path, word, status):
    lab = template_lab(start=False, **settings)
    checked = harness.run("config", "check", "--config", lab.config_file)
    said = checked.stdout + checked.stderr
    assert f"templates.DeviceGeneral.{path}: " in said and word in said, said
    assert checked.returncode == status, said


@pytest.mark.parametrize("usages, said, status", [
    (dict(extended_key_usage=["clientAuth", "OCSPSigning"]), "has OCSPSigning", 2),
    (dict(application_policies=["1.3.6.1.5.5.7.3.9"]), "application_policies has OCSPSigning", 2),
    (dict(extended_key_usage=["1.3.6.1.4.1.311.20.2.1"]), "an enrolment agent", 0),
    (dict(extended_key_usage=["1.3.6.1.5.2.3.5"]), "a Kerberos KDC", 0),
])
def test_no_template_lets_a_device_speak_for_the_ca_and_for_others_after_a_warning(
        template_lab, usages, said, status):
    lab = template_lab(start=False, **usages)
    checked = harness.run("config", "check", "--config", lab.config_file)
    assert said in checked.stdout + checked.stderr
    assert checked.returncode == status


def test_config_check_names_a_template_that_cannot_serve_its_purpose(template_lab):
    lab = template_lab(start=False, endpoint={"encryption": "DeviceSignature"})
    checked = harness.run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 2
    assert "endpoints[0].templates.encryption" in checked.stdout + checked.stderr


def test_config_check_names_claims_that_no_policy_can_grant(template_lab):
    lab = template_lab(start=False, subject="CN={device_id}")
    assert harness.run("config", "check", "--config", lab.config_file).returncode == 0
    lab.edit(lambda config: config["policies"].update(mdm={"type": "none"}))
    checked = harness.run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 2
    said = checked.stdout + checked.stderr
    assert "endpoints[0].templates.general_purpose" in said and "{device_id}" in said
