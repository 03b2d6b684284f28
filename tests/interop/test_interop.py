"""The SCEP clients that Debian ships, each as it comes: what they get, openssl accepts."""

import json
import re
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

import cases
import clients
import document
import harness
import labs


def of(*operations):
    return [case for case in cases.ALL if case.operation in operations]


def pem(key):
    """As scepclient wants it; the others take it, too."""
    return key.private_bytes(serialization.Encoding.PEM,
                             serialization.PrivateFormat.TraditionalOpenSSL,
                             serialization.NoEncryption())


def key_of(certificate):
    return certificate.public_key().public_numbers()


def certificates_of(text):
    """All in a text of PEM."""
    return [x509.load_pem_x509_certificate(block.encode()) for block in re.findall(
        "-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.DOTALL)]


def assert_accepted(lab, file, client, key):
    """By openssl; and it is what was asked for. Gives the certificate."""
    clients.tool("openssl", "verify", "-CAfile", lab.dir / "ca.pem", file)
    issued = clients.load(file)
    assert issued.subject.rfc4514_string() == client.subject
    assert issued.serial_number in lab.serials()
    assert issued.public_key().key_size == key.key_size
    if client.dns:
        names = issued.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [client.dns]
    return issued


def assert_asked_by(lab, case, certificate):
    """The log says how the request for this certificate came in."""
    def line():
        return next((line for line in lab.log().splitlines()
                     for serial in re.findall(r" serial=([0-9a-f]+)", line)
                     if int(serial, 16) == certificate.serial_number), None)

    assert f"method={case.method} " in harness.wait_until(line, "the request is logged")


@pytest.fixture
def client(case, interop_labs, request, tmp_path, keys):
    """A client in a directory of its own, with a key there."""
    (tmp_path / "key.pem").write_bytes(pem(keys(0, case.key)))
    url = interop_labs.url(case)
    if case.client == "scepclient":
        return clients.Scepclient(url, tmp_path)
    if case.client == "pki --scep":
        return clients.Strongswan(url, tmp_path)
    daemon = request.getfixturevalue("certmonger")
    ca = ("-N", interop_labs.lab(case).dir / "ca.pem") if case.mode == "CA" else ()
    return clients.Getcert(url, tmp_path, daemon, case.key, *ca)


@pytest.mark.parametrize("case", of("enrol"), ids=str)
def test_enrols(case, client, interop_labs, keys):
    lab = interop_labs.lab(case)
    file = client.enrol(labs.challenge(lab, case, client.subject, client.dns))
    issued = assert_accepted(lab, file, client, keys(0, case.key))
    assert key_of(issued) == keys(0, case.key).public_key().public_numbers()
    assert_asked_by(lab, case, issued)


@pytest.mark.parametrize("case", of("enrol, polling"), ids=str)
def test_enrols_once_an_operator_has_approved(case, client, interop_labs, keys):
    lab = interop_labs.lab(case)

    def pending():
        listed = harness.run("pending", "list", "--json", "--config", lab.config_file)
        assert listed.returncode == 0, listed.stderr
        return json.loads(listed.stdout)

    def approve():
        request, = harness.wait_until(pending, "the request waits")
        done = harness.run("pending", "approve", request["transaction_id"], "--config",
                           lab.config_file)
        assert done.returncode == 0, done.stderr

    file = client.enrol_and_wait(labs.challenge(lab, case, client.subject, client.dns), approve)
    assert_asked_by(lab, case, assert_accepted(lab, file, client, keys(0, case.key)))


@pytest.mark.parametrize("case", of("renew", "renew, new key"), ids=str)
def test_renews(case, client, interop_labs, keys):
    lab = interop_labs.lab(case)
    file = client.enrol(labs.challenge(lab, case, client.subject, client.dns))
    first = assert_accepted(lab, file, client, keys(0, case.key))
    new_key = pem(keys(1, case.key)) if case.operation == "renew, new key" else None
    second = assert_accepted(lab, client.renew(new_key), client, keys(0, case.key))
    assert second.serial_number != first.serial_number
    assert (key_of(second) == key_of(first)) == (new_key is None)
    assert_asked_by(lab, case, second)


@pytest.mark.parametrize("case", of("capabilities"), ids=str)
def test_reads_the_capabilities(case, interop_labs):
    said = clients.scep_submit(interop_labs.url(case), "-c").split()
    assert said == interop_labs.lab(case).get("/scep?operation=GetCACaps").body.decode().split()


@pytest.mark.parametrize("case", of("CA certificates"), ids=str)
def test_gets_the_CA_certificates(case, interop_labs, tmp_path):
    lab, url = interop_labs.lab(case), interop_labs.url(case)
    ca = clients.load(lab.dir / "ca.pem")
    ras = {clients.load(lab.dir / f"ra-{role}.pem").fingerprint(hashes.SHA256())
           for role in ("signing", "encryption")} if case.mode == "RA" else set()
    if case.client == "scep-submit":
        got = certificates_of(clients.scep_submit(url, "-C"))
    else:
        cas, others = clients.Strongswan(url, tmp_path).certificates()
        assert [clients.load(file) for file in cas] == [ca]
        got = [ca, *map(clients.load, others)]
    assert {one.fingerprint(hashes.SHA256()) for one in got} == {ca.fingerprint(hashes.SHA256())} | ras


@pytest.mark.parametrize("cipher,digest", [("aes", "sha512"), ("des3", "sha1"), ("aes", "sha384")])
def test_strongswan_pki_enrols_with(interop_labs, tmp_path, keys, cipher, digest):
    case = cases.Case("pki --scep", "enrol", "POST", 2048, "RSA-2048", "RA", "password", "direct")
    lab = interop_labs.lab(case)
    (tmp_path / "key.pem").write_bytes(pem(keys(0, 2048)))
    client = clients.Strongswan(interop_labs.url(case), tmp_path)
    file = client.enrol(labs.challenge(lab, case, client.subject, client.dns), "--cipher", cipher,
                        "--digest", digest)
    assert_accepted(lab, file, client, keys(0, 2048))


def test_scepclient_is_refused_without_the_switch_for_single_DES(new_lab, tmp_path):
    lab = new_lab()
    done = subprocess.run(
        ["scepclient", "-server-url", lab.url, "-challenge",
         lab.challenge("--subject", clients.Scepclient.subject), "-cn", "mdm-device", "-private-key",
         "key.pem", "-certificate", "cert.pem"], cwd=tmp_path, capture_output=True, text=True,
        timeout=60)
    assert done.returncode != 0
    assert lab.serials() == []
    assert [e["fail_info"] for e in lab.audit() if e["event"] == "refuse"] == ["badAlg"]


def test_the_documented_combinations_are_the_tested_ones(request, cases_that_passed):
    """Last: with --write-interop it writes the table from what has just passed."""
    if request.config.getoption("--write-interop"):
        assert set(cases.ALL) == cases_that_passed, "only what has passed is written"
        document.write()
    assert document.listed() == [case.cells for case in cases.ALL]
