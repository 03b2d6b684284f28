"""The SCEP clients that Debian ships: each gets the CA certificates and enrols, and openssl
accepts what it got."""

import os
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

import harness


def tool(*command, **options):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, **options)
    assert done.returncode == 0, f"{command[0]}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def assert_verifies(lab, certificate, subject, dns=None):
    tool("openssl", "verify", "-CAfile", lab.dir / "ca.pem", certificate)
    issued = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert issued.subject.rfc4514_string() == subject
    assert issued.serial_number in lab.serials()
    if dns:
        san = issued.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
        assert san.get_values_for_type(x509.DNSName) == [dns]


@pytest.fixture(params=["static_password", "challenge_blob"])
def prepared(request, new_lab):
    """Gives (lab, challenge_for): the challenge for a subject and a DNS name under each policy."""
    static = request.param == "static_password"

    def make(edit=None):
        lab = new_lab(*(("--policy", "static") if static else ()), edit=edit)

        def challenge_for(subject, dns=None):
            if static:
                source = next(iter(lab.config()["policies"].values()))["password"]["file"]
                return (lab.dir / source).read_text().strip()
            return lab.challenge("--subject", subject, *(("--dns", dns) if dns else ()))

        return lab, challenge_for

    return make


# --- package scep (micromdm's client) -----------------------------------------------------------

def test_scepclient_enrols(prepared, tmp_path):
    """It sends single DES whatever GetCACaps says, so the endpoint has to allow that."""
    def allow_des(config):
        config["endpoints"][0]["algorithms"] = {"des": True}

    lab, challenge_for = prepared(allow_des)
    subject = "CN=mdm-device,OU=MDM,O=scep-client,C=US"
    tool("scepclient", "-server-url", lab.url, "-challenge", challenge_for(subject), "-cn",
         "mdm-device", "-private-key", "key.pem", "-certificate", "cert.pem", cwd=tmp_path)
    assert_verifies(lab, tmp_path / "cert.pem", subject)


def test_scepclient_is_refused_without_the_switch(prepared, tmp_path):
    lab, challenge_for = prepared()
    subject = "CN=mdm-device,OU=MDM,O=scep-client,C=US"
    done = subprocess.run(
        ["scepclient", "-server-url", lab.url, "-challenge", challenge_for(subject), "-cn",
         "mdm-device", "-private-key", "key.pem", "-certificate", "cert.pem"], cwd=tmp_path,
        capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert lab.serials() == []
    assert [e["fail_info"] for e in lab.audit() if e["event"] == "refuse"] == ["badAlg"]


# --- package strongswan-pki ---------------------------------------------------------------------

def usage(file):
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    return certificate.extensions.get_extension_for_class(x509.KeyUsage).value


def strongswan_certificates(lab, directory):
    """pki --scepca; gives (CA, RA that encrypts, RA that signs)."""
    tool("pki", "--scepca", "--url", lab.url, "--caout", "ca.pem", "--raout", "ra.pem", "--outform",
         "pem", cwd=directory)
    ras = list(directory.glob("ra*.pem"))
    cas = list(directory.glob("ca*.pem"))
    assert len(ras) == 2 and len(cas) == 1, (ras, cas)
    assert x509.load_pem_x509_certificate(cas[0].read_bytes()) == \
        x509.load_pem_x509_certificate((lab.dir / "ca.pem").read_bytes())
    return (cas[0], next(f for f in ras if usage(f).key_encipherment),
            next(f for f in ras if usage(f).digital_signature))


@pytest.mark.parametrize("cipher,digest", [("aes", "sha256"), ("aes", "sha512"), ("des3", "sha1")])
def test_strongswan_pki_enrols(prepared, tmp_path, cipher, digest):
    lab, challenge_for = prepared()
    ca, encryption, signing = strongswan_certificates(lab, tmp_path)
    tool("openssl", "genrsa", "-out", "key.pem", "2048", cwd=tmp_path)
    dns = "gateway.example"
    certificate = tool(
        "pki", "--scep", "--url", lab.url, "--in", "key.pem", "--dn", "C=CH, O=Example, CN=gateway",
        "--san", dns, "--password", challenge_for("CN=gateway,O=Example,C=CH", dns),
        "--cacert-enc", encryption, "--cacert-sig", signing, "--cacert", ca, "--cipher", cipher,
        "--digest", digest, "--outform", "pem", cwd=tmp_path)
    (tmp_path / "cert.pem").write_text(certificate)
    assert_verifies(lab, tmp_path / "cert.pem", "CN=gateway,O=Example,C=CH", dns)


# --- package certmonger -------------------------------------------------------------------------

@pytest.fixture
def certmonger(tmp_path):
    """The certmonger daemon on a bus of its own; gives a function that runs getcert."""
    home = tmp_path / "certmonger"
    environment = dict(os.environ, HOME=str(home), CERTMONGER_CONFIG_DIR=str(home))
    for kind in ("REQUESTS", "CAS", "LOCAL_CA"):
        (home / kind.lower()).mkdir(parents=True)
        environment[f"CERTMONGER_{kind}_DIR"] = str(home / kind.lower())
    (home / "tmp").mkdir()
    environment["CERTMONGER_TMPDIR"] = str(home / "tmp")
    children = []

    def start(*command):
        children.append(subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, stderr=log, text=True))
        return children[-1]

    log = open(home / "log", "w")
    try:
        bus = start("dbus-daemon", "--session", "--nofork", "--print-address")
        environment["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()
        daemon = start("/usr/lib/certmonger/certmonger-session", "-s", "-n", "-B")

        def getcert(command, *arguments):
            assert daemon.poll() is None, (home / "log").read_text()
            return tool("getcert", command, "-s", *arguments, env=environment)

        harness.wait_until(lambda: daemon.poll() is not None or subprocess.run(
            ["getcert", "list-cas", "-s"], env=environment, capture_output=True).returncode == 0,
            "certmonger answers")
        yield getcert
    finally:
        for child in reversed(children):
            child.terminate()
            child.wait(10)
        log.close()


def wait_for_state(getcert, identifier, wanted, patience=60):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        listed = getcert("list", "-i", identifier)
        if f"status: {wanted}" in listed:
            return
        assert "ca-error" not in listed and "stuck: yes" not in listed, listed
        time.sleep(0.1)
    raise AssertionError(listed)


def test_certmonger_enrols(prepared, certmonger, tmp_path):
    lab, challenge_for = prepared()
    certmonger("add-scep-ca", "-c", "lab", "-u", lab.url)
    # The daemon asks GetCACaps and GetCACert in the background.
    harness.wait_until(lambda: "thumbprint" in certmonger("list-cas", "-c", "lab"),
                       "certmonger has the CA certificates")
    dns = "server.example"
    (tmp_path / "challenge").write_text(challenge_for("CN=server", dns))
    certmonger("request", "-c", "lab", "-I", "device", "-k", tmp_path / "key.pem", "-f",
               tmp_path / "cert.pem", "-F", tmp_path / "chain.pem", "-N", "CN=server", "-D", dns,
               "-l", tmp_path / "challenge", "-R")
    wait_for_state(certmonger, "device", "MONITORING")
    assert_verifies(lab, tmp_path / "cert.pem", "CN=server", dns)
