"""Setting up CAs: create, import, csr, install, ra, renew; with openssl as the parent elsewhere."""

import datetime
import json
import resource
import signal
import stat
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.name import _ASN1Type

import harness
import soft_token

pytestmark = pytest.mark.commands

CA_EXTENSIONS = """
[sub]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,digitalSignature,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[mid]
basicConstraints = critical,CA:TRUE,pathlen:1
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[narrow]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
[leaf]
basicConstraints = CA:FALSE
[no_cert_sign]
basicConstraints = critical,CA:TRUE
keyUsage = critical,digitalSignature,cRLSign
[unknown_critical]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
1.2.3.4.5.6 = critical,DER:0500
[policies]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
certificatePolicies = 1.2.3.4
policyConstraints = critical,requireExplicitPolicy:0
[no_crl_sign]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
"""


def openssl(*arguments, **options):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True,
                          text=True, **options)


class OfflineParent:
    """A root, and whatever it certifies, by the openssl program."""

    def __init__(self, folder):
        self.dir = folder
        folder.mkdir()
        (folder / "extensions").write_text(CA_EXTENSIONS)
        self.root("root", "Example Root CA")

    def root(self, file, common_name):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes",
                "-keyout", self.dir / f"{file}.key", "-out", self.dir / f"{file}.pem", "-days",
                "7300", "-subj", f"/O=Example/CN={common_name}", "-addext",
                "basicConstraints=critical,CA:TRUE", "-addext",
                "keyUsage=critical,keyCertSign,cRLSign")

    def pss_root(self, file, *options):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                self.dir / f"{file}.key", "-out", self.dir / f"{file}.pem", "-days", "7300",
                "-subj", "/O=Example/CN=Example PSS CA", "-addext",
                "basicConstraints=critical,CA:TRUE", "-addext",
                "keyUsage=critical,keyCertSign,cRLSign", *options)

    def certify(self, csr, out, section="sub", by="root", days=3650, options=()):
        openssl("x509", "-req", "-in", csr, "-CA", self.dir / f"{by}.pem", "-CAkey",
                self.dir / f"{by}.key", "-days", days, "-extfile", self.dir / "extensions",
                "-extensions", section, "-out", self.dir / f"{out}.pem", *options)
        return self.dir / f"{out}.pem"

    def middle(self, section="mid"):
        openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", self.dir / "mid.key",
                "-out", self.dir / "mid.csr", "-subj", "/O=Example/CN=Example Policy CA")
        return self.certify(self.dir / "mid.csr", "mid", section)

    def file(self, name):
        return self.dir / f"{name}.pem"


@pytest.fixture
def parent(tmp_path):
    return OfflineParent(tmp_path / "offline")


@pytest.fixture
def lab(new_lab):
    return new_lab(start=False)


def ca(lab, command, *arguments, name="issuing"):
    return harness.run("ca", command, "--config", lab.config_file, "--ca", name, *arguments)


def done(result):
    assert result.returncode == 0, result.stderr
    return result.stdout


def subordinate(lab, *arguments):
    done(ca(lab, "create", "--subordinate", "--subject", "CN=Example Issuing CA,O=Example",
            "--key", "ec:p384", *arguments))


def request(lab):
    done(ca(lab, "csr", "--out", lab.dir / "request.csr"))
    return lab.dir / "request.csr"


def check(lab):
    return harness.run("config", "check", "--config", lab.config_file)


def enrol(lab, out, *arguments):
    challenge = lab.challenge("--subject", "CN=device", "--key-usage", "both")
    return harness.run("enroll", "--url", lab.url, "--challenge", challenge, "--subject",
                       "CN=device", "--key-usage", "both", "--out", out, *arguments)


def test_subordinate_of_an_offline_root(lab, parent, tmp_path):
    subordinate(lab)
    key = lab.dir / "issuing.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    csr = x509.load_pem_x509_csr(request(lab).read_bytes())
    assert csr.is_signature_valid
    assert csr.extensions.get_extension_for_class(x509.BasicConstraints).value == \
        x509.BasicConstraints(ca=True, path_length=0)
    usage = csr.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_cert_sign and usage.crl_sign

    lab.edit(lambda config: config["endpoints"][0].update(ca="issuing"))
    waits = check(lab)
    assert waits.returncode == 2
    assert "the CA has no certificate" in waits.stdout + waits.stderr
    assert "scepgate ca csr" in waits.stdout + waits.stderr
    serve = harness.run("serve", "--config", lab.config_file)
    assert serve.returncode == 2 and "scepgate ca install" in serve.stderr
    lab.edit(lambda config: config["endpoints"][0].update(ca="lab"))

    issued = parent.certify(request(lab), "issuing")
    done(ca(lab, "install", issued, parent.file("root")))
    done(ca(lab, "ra"))
    checked = check(lab)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    lab.start()
    out = tmp_path / "device"
    done(enrol(lab, out))
    verified = openssl("verify", "-CAfile", parent.file("root"), "-untrusted",
                       lab.dir / "issuing.pem", out / "cert.pem")
    assert verified.stdout.endswith(": OK\n")
    assert [line["event"] for line in lab.audit() if line["event"].startswith("ca_")] == \
        ["ca_create", "ca_csr", "ca_csr", "ca_install", "ca_ra"]


def test_a_CA_that_waits_for_its_certificate_keeps_no_other_from_serving(lab, tmp_path):
    lab.start()
    subordinate(lab)
    waits = check(lab)
    assert waits.returncode == 0, waits.stderr
    assert "warning: cas.issuing.certificate: the CA has no certificate" in waits.stderr
    assert "scepgate ca install" in waits.stderr
    lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: "reloaded" in lab.log(), "the reload")
    done(enrol(lab, tmp_path / "first"))
    lab.stop()
    lab.start()
    done(enrol(lab, tmp_path / "second"))


def test_a_CA_whose_certificate_is_gone_is_an_error_where_it_has_issued(lab, parent, tmp_path):
    subordinate(lab)
    done(ca(lab, "install", parent.certify(request(lab), "issuing"), parent.file("root")))
    done(ca(lab, "ra"))
    lab.start()
    done(enrol(lab, tmp_path / "device"))
    lab.stop()
    ra = lab.config()["endpoints"][0]["ra"]
    lab.edit(lambda config: config["endpoints"][0].update(
        ca="lab", ra=config["endpoints"][0]["ra"]["previous_encryption"] and {
            "signing": {"certificate": "ra-signing.pem", "key": {"file": "ra-signing.key"}},
            "encryption": ra["previous_encryption"][0]}))
    (lab.dir / "issuing.pem").unlink()
    (lab.dir / "issuing.pem.bak").unlink(missing_ok=True)
    gone = check(lab)
    assert gone.returncode == 2, gone.stderr
    assert "the CA has issued certificates, and its own is gone" in gone.stderr


def test_old_devices_renew_at_the_new_ca(lab, parent, tmp_path):
    lab.start()
    out = tmp_path / "device"
    done(enrol(lab, out))
    subordinate(lab)
    done(ca(lab, "install", parent.certify(request(lab), "issuing"), parent.file("root")))
    done(ca(lab, "ra"))
    lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: "reloaded" in lab.log(), "the reload")
    done(harness.run("getca", "--url", lab.url, "--out", out))
    done(harness.run("renew", "--url", lab.url, "--in", out))
    issuer = x509.load_pem_x509_certificate((out / "cert.pem").read_bytes()).issuer
    assert issuer.rfc4514_string() == "CN=Example Issuing CA,O=Example"


@pytest.mark.parametrize("case, says", [
    ("no_root", "the certificate of 'CN=Example Root CA,O=Example', which issued"),
    ("other_key", "none of the certificates is for the CA's key"),
    ("other_root", "the signature of 'CN=Example Issuing CA,O=Example' is not by"),
    ("leaf", "is no CA: its basicConstraints lack CA:TRUE"),
    ("no_cert_sign", "its keyUsage lacks keyCertSign"),
    ("no_crl_sign", "its keyUsage lacks cRLSign"),
    ("narrow", "'CN=Example Policy CA,O=Example' allows 0 CAs below it"),
    ("no_middle", "the certificate of 'CN=Example Policy CA,O=Example', which issued"),
    ("expired", "is not valid now"),
    ("unknown_critical", "has the critical extension 1.2.3.4.5.6"),
    ("sha1", "'CN=Example Issuing CA,O=Example' is signed with SHA-1"),
    ("md5", "cannot be verified: signature algorithm"),
])
def test_an_unsound_chain_is_not_installed(lab, parent, case, says):
    subordinate(lab)
    csr = request(lab)
    files = [parent.file("root")]
    if case == "no_root":
        files = [parent.certify(csr, "issuing")]
    elif case == "other_key":
        pass
    elif case == "other_root":
        files = [parent.certify(csr, "issuing")]
        parent.root("root", "Example Root CA")
        files.append(parent.file("root"))
    elif case in ("narrow", "no_middle"):
        middle = parent.middle("narrow" if case == "narrow" else "mid")
        files.append(parent.certify(csr, "issuing", by="mid"))
        if case == "narrow":
            files.append(middle)
    elif case == "expired":
        files.append(parent.certify(csr, "issuing", days=-1))
    elif case in ("sha1", "md5"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", parent.dir / "root.key",
                "-out", parent.file("root"), "-subj", "/CN=Old Root", "-sha1")
        files.append(parent.certify(csr, "issuing", options=[f"-{case}"]))
    else:
        files.append(parent.certify(csr, "issuing", section=case))
    before = lab.config_file.read_bytes()
    refused = ca(lab, "install", *files)
    assert refused.returncode == 1
    assert says in refused.stderr
    assert not (lab.dir / "issuing.pem").exists()
    assert lab.config_file.read_bytes() == before


@pytest.mark.parametrize("form, label", [("DER", None), ("PEM", "PKCS7"), ("PEM", "CERTIFICATE")],
                         ids=["DER", "PEM", "as-AD-CS-labels-it"])
def test_a_chain_in_any_order_and_form_is_put_in_order(lab, parent, form, label):
    subordinate(lab)
    middle = parent.middle()
    issued = parent.certify(request(lab), "issuing", by="mid")
    bundle = parent.dir / "above.p7b"
    openssl("crl2pkcs7", "-nocrl", "-certfile", parent.file("root"), "-certfile", middle, "-outform",
            form, "-out", bundle)
    if label:
        bundle.write_text(bundle.read_text().replace(" PKCS7-----", f" {label}-----"))
    openssl("x509", "-in", issued, "-outform", "DER", "-out", parent.dir / "issuing.der")
    told = json.loads(done(ca(lab, "install", "--json", parent.dir / "above.p7b",
                              parent.dir / "issuing.der")))
    assert told["subject"] == "CN=Example Issuing CA,O=Example"
    chain = [x509.load_pem_x509_certificate(f"{part}-----END CERTIFICATE-----\n".encode())
             for part in (lab.dir / "issuing.pem").read_text().split("-----END CERTIFICATE-----\n")
             if part]
    assert [c.subject.rfc4514_string().split(",")[0] for c in chain] == \
        ["CN=Example Issuing CA", "CN=Example Policy CA", "CN=Example Root CA"]


def test_a_renewed_subordinate_takes_the_place_of_certificate_and_chain_file(lab, parent):
    subordinate(lab)
    done(ca(lab, "install", parent.certify(request(lab), "issuing"), parent.file("root")))

    def split(config):
        config["cas"]["issuing"]["chain"] = str(parent.file("root"))

    lab.edit(split)
    chain = (lab.dir / "issuing.pem").read_text().split("-----END CERTIFICATE-----\n")
    (lab.dir / "issuing.pem").write_text(chain[0] + "-----END CERTIFICATE-----\n")
    done(ca(lab, "install", parent.certify(request(lab), "again", days=4000), parent.file("root")))
    entry = lab.config()["cas"]["issuing"]
    assert "chain" not in entry
    assert entry["certificate"] != "issuing.pem"
    assert (lab.dir / entry["certificate"]).read_text().count("BEGIN CERTIFICATE") == 2
    assert check(lab).returncode == 0


def test_a_root_may_have_signed_itself_with_SHA1(lab, parent):
    subordinate(lab)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", parent.dir / "root.key",
            "-out", parent.file("root"), "-subj", "/CN=Old Root", "-sha1")
    done(ca(lab, "install", parent.certify(request(lab), "issuing"), parent.file("root")))


def test_a_chain_that_asks_for_certificate_policies_is_told_of(lab, parent):
    subordinate(lab)
    issued = parent.certify(request(lab), "issuing", section="policies")
    said = "requires certificate policies of all below it"
    assert said in done(ca(lab, "install", issued, parent.file("root")))
    for template in lab.config()["templates"]:
        lab.edit(lambda config: config["templates"][template].update(
            certificate_policies=[{"oid": "1.2.3.4"}]))
    assert said not in done(ca(lab, "install", issued, parent.file("root")))


def pss_options(digest, salt):
    return (f"-{digest}", "-sigopt", "rsa_padding_mode:pss", "-sigopt", f"rsa_pss_saltlen:{salt}")


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_a_parent_may_sign_with_PSS(lab, parent, tmp_path, digest):
    subordinate(lab)
    options = pss_options(digest, -1)
    parent.pss_root("pss", *options)
    issued = parent.certify(request(lab), "issuing", by="pss", options=options)
    assert "rsassaPss" in openssl("x509", "-in", issued, "-noout", "-text").stdout
    done(ca(lab, "install", issued, parent.file("pss")))
    done(ca(lab, "ra"))
    lab.start()
    done(enrol(lab, tmp_path / "device"))
    openssl("verify", "-x509_strict", "-CAfile", parent.file("pss"), "-untrusted", issued,
            tmp_path / "device" / "cert.pem")


@pytest.mark.parametrize("digest, salt, says", [
    ("sha1", 20, "RSASSA-PSS with hash SHA-1"),
    ("sha256", 20, "RSASSA-PSS with a salt of 20 octets"),
])
def test_weak_PSS_of_a_parent_is_named(lab, parent, digest, salt, says):
    subordinate(lab)
    parent.pss_root("pss")
    issued = parent.certify(request(lab), "issuing", by="pss", options=pss_options(digest, salt))
    refused = ca(lab, "install", issued, parent.file("pss"))
    assert refused.returncode == 1 and says in refused.stderr, refused.stderr
    assert "cannot be verified" in refused.stderr and "is not by" not in refused.stderr


def test_another_name_is_another_ca(lab, parent):
    subordinate(lab)
    done(ca(lab, "install", parent.certify(request(lab), "issuing"), parent.file("root")))
    done(ca(lab, "csr", "--ca-name", "Another CA", "--out", lab.dir / "other.csr"))
    refused = ca(lab, "install", parent.certify(lab.dir / "other.csr", "other"),
                 parent.file("root"))
    assert refused.returncode == 1
    assert "the CA's name is 'CN=Example Issuing CA,O=Example'" in refused.stderr


OTHER_FORMS = {
    "string type": lambda text: (text, _ASN1Type.PrintableString),
    "case": lambda text: (text.upper(), _ASN1Type.UTF8String),
    "spacing": lambda text: (text.replace(" ", "  "), _ASN1Type.UTF8String),
}


def again(parent, certificate, **changes):
    """The same key certified once more, in `changes` otherwise."""
    old = x509.load_pem_x509_certificate(certificate.read_bytes())
    root = x509.load_pem_x509_certificate(parent.file("root").read_bytes())
    key = serialization.load_pem_private_key((parent.dir / "root.key").read_bytes(), None)
    subject = x509.Name([x509.NameAttribute(one.oid, *changes.get("form", lambda text: (
        text, one._type))(one.value)) for one in old.subject])
    now = datetime.datetime.utcnow()
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(root.subject)
            .public_key(old.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=4000)))
    for one in old.extensions:
        value = changes.get("extension", lambda value: value)(one.value)
        if value is not None:
            made = made.add_extension(value, one.critical)
    file = parent.dir / "again.pem"
    file.write_bytes(made.sign(key, hashes.SHA384()).public_bytes(serialization.Encoding.PEM))
    return file


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_a_renewed_certificate_keeps_the_CAs_name_octet_by_octet(lab, parent, form):
    """For verifiers the name is the same; CRL and OCSP would begin anew, without a revocation."""
    subordinate(lab)
    issued = parent.certify(request(lab), "issuing")
    done(ca(lab, "install", issued, parent.file("root")))
    before = (lab.dir / "issuing.pem").read_bytes()
    other = again(parent, issued, form=OTHER_FORMS[form])
    refused = ca(lab, "install", other, parent.file("root"))
    assert refused.returncode == 1
    assert "encoded otherwise" in refused.stderr and "keep the request's subject" in refused.stderr
    if form == "string type":
        assert "is a PrintableString, and was a UTF8String" in refused.stderr
    assert (lab.dir / "issuing.pem").read_bytes() == before
    done(ca(lab, "install", again(parent, issued), parent.file("root")))


def test_a_CA_whose_name_is_encoded_otherwise_than_in_what_it_issued_is_not_served(
        lab, parent, tmp_path):
    """Where the certificate's file was exchanged by hand."""
    subordinate(lab)
    issued = parent.certify(request(lab), "issuing")
    done(ca(lab, "install", issued, parent.file("root")))
    done(ca(lab, "ra"))
    lab.start()
    done(enrol(lab, tmp_path / "device"))
    serial = f"{x509.load_pem_x509_certificate((tmp_path / 'device/cert.pem').read_bytes()).serial_number:x}"
    done(harness.run("cert", "revoke", serial, "--config", lab.config_file))
    crl = lab.get("/crl/issuing.crl").body
    file = lab.dir / "issuing.pem"
    former = file.read_text()
    other = again(parent, issued, form=OTHER_FORMS["string type"]).read_text()
    file.write_text(other + parent.file("root").read_text())
    says = "octet by octet, the one that it has issued certificates under"
    refused = check(lab)
    assert refused.returncode == 2 and says in refused.stdout + refused.stderr
    lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: says in lab.log(), "the refusal")
    assert x509.load_der_x509_crl(lab.get("/crl/issuing.crl").body).issuer == \
        x509.load_der_x509_crl(crl).issuer, "what serves goes on"
    lab.stop()
    serve = harness.run("serve", "--config", lab.config_file)
    assert serve.returncode == 2 and says in serve.stderr
    file.write_text(former)
    assert check(lab).returncode == 0


def test_the_first_certificate_may_have_the_name_as_the_CA_above_writes_it(lab, parent):
    """Nothing is issued yet; from then on the request has the name of the certificate."""
    subordinate(lab)
    issued = parent.certify(request(lab), "issuing")
    other = again(parent, issued, form=OTHER_FORMS["string type"])
    told = done(ca(lab, "install", other, parent.file("root")))
    assert "the CA above has not kept the request's name" in told
    subject = x509.load_pem_x509_certificate(other.read_bytes()).subject
    asked = x509.load_pem_x509_csr(request(lab).read_bytes()).subject
    assert asked.public_bytes() == subject.public_bytes()


def identifier(file):
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def test_a_renewed_certificate_keeps_the_keys_identifier(lab, parent):
    """It stands in all that was issued: the request asks for it, and no other is installed."""
    subordinate(lab)
    issued = parent.certify(request(lab), "issuing")
    odd = x509.SubjectKeyIdentifier(bytes(range(32)))
    done(ca(lab, "install", again(parent, issued, extension=lambda value: odd if isinstance(
        value, x509.SubjectKeyIdentifier) else value), parent.file("root")))
    asked = x509.load_pem_x509_csr(request(lab).read_bytes())
    assert asked.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value == odd
    hashed = parent.certify(request(lab), "hashed")
    for certificate in (hashed, again(parent, hashed, extension=lambda value: None if isinstance(
            value, x509.SubjectKeyIdentifier) else value)):
        refused = ca(lab, "install", certificate, parent.file("root"))
        assert refused.returncode == 1
        assert "subjectKeyIdentifier" in refused.stderr and odd.digest.hex() in refused.stderr
        assert "take the identifier from the request" in refused.stderr
    assert identifier(lab.dir / "issuing.pem") == odd.digest


def test_root_and_subordinate_in_one_configuration(lab, tmp_path):
    done(ca(lab, "create", "--root", "--ca-name", "Example Root CA", "--key", "ec:p384",
            "--validity", "3000d", name="root"))
    told = json.loads(done(ca(lab, "create", "--subordinate-of", "root", "--ca-name",
                              "Example Issuing CA", "--key", "rsa:2048", "--json")))
    assert any("cut to the end" in note for note in told["notes"])
    openssl("verify", "-x509_strict", "-CAfile", lab.dir / "root.pem", lab.dir / "issuing.pem")
    done(ca(lab, "ra"))
    lab.start()
    done(enrol(lab, tmp_path / "device"))
    # Verifiers of the whole chain find the CRL of the CA above.
    below = x509.load_pem_x509_certificate((lab.dir / "issuing.pem").read_bytes())
    assert "/crl/root.crl" in str(below.extensions.get_extension_for_class(x509.CRLDistributionPoints))
    # One of the lab's own CA cannot be below it: that has path length 0.
    refused = ca(lab, "create", "--subordinate-of", "lab", "--ca-name", "Below", "--key",
                 "ec:p256", name="below")
    assert refused.returncode == 1 and "allows 0 CAs below it" in refused.stderr
    assert not list(lab.dir.glob("below*"))


def test_a_CA_is_renewed_with_the_path_length_that_it_has(lab, parent):
    subordinate(lab)
    done(ca(lab, "install", parent.certify(request(lab), "issuing", "mid"), parent.file("root")))

    def asked(*arguments):
        return openssl("req", "-noout", "-text", input=done(ca(lab, "csr", *arguments))).stdout

    assert "pathlen:1" in asked()
    assert "pathlen:2" in asked("--path-length", "2")
    told = json.loads(done(ca(lab, "install", "--json", parent.certify(
        request(lab), "again", "policies"), parent.file("root"))))
    assert not any("CAs below it" in note for note in told["notes"]), "any number"
    assert "CA:TRUE" in asked() and "pathlen" not in asked()


def test_what_a_renewed_CA_has_less_of_is_said(lab, parent):
    subordinate(lab)
    done(ca(lab, "install", parent.certify(request(lab), "issuing", "mid", days=8000),
            parent.file("root")))
    told = json.loads(done(ca(lab, "install", "--json", parent.certify(
        request(lab), "again", days=30), parent.file("root"))))
    assert any("it ends at " in note for note in told["notes"]), told
    assert any("it allows 0 CAs below it" in note for note in told["notes"]), told


def test_that_a_CA_outlives_the_one_above_it_is_said(lab, parent):
    subordinate(lab)
    told = json.loads(done(ca(lab, "install", "--json", parent.certify(
        request(lab), "issuing", days=8000), parent.file("root"))))
    assert any("'CN=Example Root CA,O=Example' above it before" in note for note in told["notes"]), told


def test_each_CA_has_a_name_of_its_own(lab, parent):
    """They would share serial numbers, revocations and CRLs."""
    twin = ca(lab, "create", "--root", "--ca-name", "SCEPGATE  lab CA", "--key", "ec:p256")
    assert twin.returncode == 1 and "the CA 'lab' has the name 'CN=scepgate Lab CA'" in twin.stderr
    assert not list(lab.dir.glob("issuing*"))
    subordinate(lab)
    waiting = ca(lab, "create", "--subordinate", "--subject", "CN=Example Issuing CA,O=Example",
                 "--key", "ec:p256", name="issuing-2")
    assert waiting.returncode == 1 and "the CA 'issuing' has the name" in waiting.stderr
    done(ca(lab, "install", parent.certify(request(lab), "issuing"), parent.file("root")))
    parent.root("twin", "Example Root CA")

    def take_over(file, name):
        return ca(lab, "import", "--certificate", parent.file(file), "--key",
                  parent.dir / f"{file}.key", name=name)

    done(take_over("root", "root"))
    twin = take_over("twin", "twin")
    assert twin.returncode == 1 and "the CA 'root' has the name" in twin.stderr
    done(take_over("root", "again"))
    checked = check(lab)
    assert checked.returncode == 0, "one CA by two names: " + checked.stdout + checked.stderr
    lab.edit(lambda config: config["cas"]["again"].update(
        certificate=str(parent.file("twin")), key={"file": str(parent.dir / "twin.key")}))
    checked = check(lab)
    assert checked.returncode == 2
    assert "cas.root.certificate: the CA has the name of cas.again" in (
        checked.stdout + checked.stderr)


def extension_lines(certificate):
    wanted = "crlDistributionPoints,freshestCRL,authorityInfoAccess"
    return openssl("x509", "-in", certificate, "-noout", "-ext", wanted).stdout


def test_a_ca_below_another_says_where_that_ones_crl_is_and_so_does_its_renewed_one(lab, tmp_path):
    done(ca(lab, "create", "--root", "--ca-name", "Example Root CA", "--key", "ec:p384",
            "--validity", "3000d", name="root"))
    base = f"http://127.0.0.1:{lab.port}"
    lab.edit(lambda config: config["cas"]["root"].update(
        crl={}, ocsp={"path": "/ocsp"}, crl_urls=[f"{base}/crl/root.crl"],
        ocsp_urls=[f"{base}/ocsp"], ca_issuers_urls=[f"{base}/%8root.crt"]))
    done(ca(lab, "create", "--subordinate-of", "root", "--ca-name", "Example Issuing CA", "--key",
            "ec:p256", "--validity", "100d"))
    lab.edit(lambda config: config["cas"]["issuing"].update(
        crl={}, crl_urls=[f"{base}/crl/issuing.crl"]))
    first = lab.dir / "issuing.pem"
    said = extension_lines(first)
    for url in ("/crl/root.crl", "/root.crt"):
        assert f"URI:{base}{url}" in said
    assert "OCSP" not in said, "its responder knows what devices have"
    done(ca(lab, "ra"))
    for role in ("signing", "encryption"):
        file, = lab.dir.glob(f"ra-issuing-*-{role}.pem")
        assert f"URI:{base}/crl/issuing.crl" in extension_lines(file), "or who looks it up there?"
    lab.start()
    done(enrol(lab, tmp_path / "device"))

    def verify():
        crls = []
        for name in ("root", "issuing"):
            crls += ["-CRLfile", tmp_path / f"{name}.crl"]
            (tmp_path / f"{name}.crl").write_bytes(lab.get(f"/crl/{name}.crl").body)
        openssl("verify", "-crl_check_all", "-x509_strict", "-CAfile", lab.dir / "root.pem",
                "-untrusted", lab.dir / "issuing.pem", *crls, tmp_path / "device" / "cert.pem")

    verify()
    lab.edit(lambda config: config["cas"]["root"]["crl_urls"].append("http://b.example/root.crl"))
    shorter = ca(lab, "renew", "--validity", "50d")
    assert shorter.returncode == 1 and "renew the CA above it first" in shorter.stderr
    before = first.read_text()
    told = json.loads(done(ca(lab, "renew", "--validity", "4000d", "--json")))
    assert any("cut to the end of 'CN=Example Root CA'" in note for note in told["notes"])
    renewed = x509.load_pem_x509_certificate(first.read_bytes())
    old = x509.load_pem_x509_certificate(before.encode())
    assert renewed.not_valid_after > old.not_valid_after
    for part in ("-subject", "-pubkey"):
        kept = openssl("x509", "-noout", part, input=before).stdout
        assert openssl("x509", "-in", first, "-noout", part).stdout == kept
    assert "URI:http://b.example/root.crl" in extension_lines(first)
    assert first.read_text().count("BEGIN CERTIFICATE") == before.count("BEGIN CERTIFICATE")
    record = [line for line in lab.audit() if line["event"] == "ca_renew"][-1]
    assert record["ca"] == "issuing" and int(record["serial"], 16) == renewed.serial_number
    assert check(lab).returncode == 0
    lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: "reloaded" in lab.log(), "the reload")
    verify()


def test_keys_are_encrypted_under_a_passphrase(lab, tmp_path):
    (lab.dir / "passphrase").touch(mode=0o600)
    (lab.dir / "passphrase").write_text("correct horse\n")
    done(ca(lab, "create", "--root", "--ca-name", "Example CA", "--key", "ec:p256",
            "--passphrase-file", lab.dir / "passphrase"))
    done(ca(lab, "ra", "--passphrase-file", lab.dir / "passphrase"))
    for key in [lab.dir / "issuing.key", *lab.dir.glob("ra-issuing-*.key")]:
        assert "BEGIN ENCRYPTED PRIVATE KEY" in key.read_text()
    lab.start()
    done(enrol(lab, tmp_path / "device"))
    lab.stop()
    # The next CA's keys are no less guarded.
    done(ca(lab, "rollover", "--from", "2040-01-01T00:00:00Z"))
    folder = next(lab.dir.glob("next-*"))
    keys = list(folder.glob("*.key"))
    assert len(keys) == 3
    for key in keys:
        assert "BEGIN ENCRYPTED PRIVATE KEY" in key.read_text()
    checked = check(lab)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("common_name, says", [
    ("ca.example.com", "looks like a host's"),
    ("Example_CA", "has an underscore"),
])
def test_naming_advice(lab, common_name, says):
    made = ca(lab, "create", "--root", "--ca-name", common_name, "--key", "ec:p256")
    assert made.returncode == 0
    assert "warning: " in made.stderr and says in made.stderr
    checked = check(lab)
    assert checked.returncode == 0
    assert says in checked.stdout + checked.stderr


def test_a_name_over_64_characters_is_refused(lab):
    made = ca(lab, "create", "--root", "--ca-name", "C" * 65, "--key", "ec:p256")
    assert made.returncode == 2
    assert "RFC 5280 allows 64" in made.stderr


@pytest.mark.parametrize("arguments, status, says", [
    ([], 2, "give one of --root, --subordinate and --subordinate-of"),
    (["--root", "--subordinate", "--ca-name", "X"], 2, "give one of"),
    (["--root"], 2, "name it with --ca-name or --subject"),
    (["--root", "--ca-name", "X", "--key", "rsa:1024"], 2, "--key: there is no such file"),
    (["--root", "--ca-name", "X", "--key", "pkcs11:object=k"], 2, "--module"),
    (["--subordinate-of", "nobody", "--ca-name", "X"], 2, "there is no CA 'nobody'"),
])
def test_bad_orders_change_nothing(lab, arguments, status, says):
    def state():
        files = sorted(file for file in lab.dir.iterdir() if not file.name.startswith("audit"))
        return files, lab.config_file.read_bytes()

    before = state()
    made = ca(lab, "create", *arguments)
    assert made.returncode == status
    assert says in made.stderr
    assert state() == before


def test_a_taken_name_is_refused(lab):
    made = ca(lab, "create", "--root", "--ca-name", "X", name="lab")
    assert made.returncode == 1
    assert "there is a CA 'lab' in the configuration already" in made.stderr


def test_imports_pkcs12(lab, parent, tmp_path):
    subordinate_key = tmp_path / "sub.key"
    openssl("req", "-new", "-newkey", "rsa:3072", "-nodes", "-keyout", subordinate_key, "-out",
            tmp_path / "sub.csr", "-subj", "/O=Example/CN=Imported CA")
    issued = parent.certify(tmp_path / "sub.csr", "sub")
    openssl("pkcs12", "-export", "-legacy", "-keypbe", "PBE-SHA1-RC2-40", "-certpbe",
            "PBE-SHA1-RC2-40", "-macalg", "sha1", "-inkey", subordinate_key, "-in", issued,
            "-certfile", parent.file("root"), "-passout", "pass:secret", "-out",
            tmp_path / "sub.p12")
    (lab.dir / "passphrase").touch(mode=0o600)
    (lab.dir / "passphrase").write_text("wrong\n")
    arguments = ["--pkcs12", tmp_path / "sub.p12", "--passphrase-file", lab.dir / "passphrase"]
    refused = ca(lab, "import", *arguments)
    assert refused.returncode == 2 and "the passphrase is wrong" in refused.stderr
    (lab.dir / "passphrase").write_text("secret\n")
    done(ca(lab, "import", *arguments))
    assert "BEGIN ENCRYPTED PRIVATE KEY" in (lab.dir / "issuing.key").read_text()
    done(ca(lab, "ra"))
    lab.start()
    done(enrol(lab, tmp_path / "device"))
    openssl("verify", "-CAfile", parent.file("root"), "-untrusted", lab.dir / "issuing.pem",
            tmp_path / "device" / "cert.pem")


def test_imports_certificate_and_key(lab, parent):
    done(ca(lab, "import", "--certificate", parent.file("root"), "--key", parent.dir / "root.key"))
    entry = lab.config()["cas"]["issuing"]
    assert entry["key"] == {"file": str(parent.dir / "root.key")}
    root = x509.load_pem_x509_certificate(parent.file("root").read_bytes())
    record, = [line for line in lab.audit() if line["event"] == "ca_import"]
    assert record["ca"] == "issuing" and int(record["serial"], 16) == root.serial_number
    assert record["fingerprint"] == root.fingerprint(hashes.SHA256()).hex() and record["by"]
    refused = ca(lab, "import", "--certificate", parent.file("root"), "--key", lab.dir / "ca.key",
                 name="other")
    assert refused.returncode == 1
    assert "none of the certificates is for the CA's key" in refused.stderr
    assert not (lab.dir / "other.pem").exists()


def names_of_ra(lab):
    ra = lab.config()["endpoints"][0]["ra"]
    certificates = [x509.load_pem_x509_certificate((lab.dir / ra[role]["certificate"]).read_bytes())
                    for role in ("signing", "encryption")]
    return [one.subject.rfc4514_string() for one in certificates]


@pytest.mark.parametrize("letter", ["x", "\u00c4"])
def test_RA_names_of_a_CA_with_a_long_name_are_cut(tmp_path, letter):
    name = letter * 60 + " CA1"
    too_long = harness.run("init", tmp_path / "too-long", "--ca-name", name + "2")
    assert too_long.returncode != 0 and "65 characters" in too_long.stderr
    folder = tmp_path / "lab"
    done(harness.run("init", folder, "--ca-name", name))
    file = folder / "scepgate.json"
    done(harness.run("ca", "ra", "--config", file, "--ca", "lab"))
    names = [x509.load_pem_x509_certificate(one.read_bytes()).subject.rfc4514_string()
             for one in folder.glob("ra-*.pem")]
    assert len(names) == 4
    assert set(names) == {f"CN={letter * 53} RA signing", f"CN={letter * 50} RA encryption"}
    done(harness.run("ca", "rollover", "--config", file, "--ca", "lab", "--from",
                     "2030-01-01T00:00:00Z", "--ca-name", letter * 64))
    assert harness.run("config", "check", "--config", file).returncode == 0


def test_keys_that_the_configuration_names_stay_though_the_audit_file_takes_no_more(lab):
    audit = lab.dir / "audit.jsonl"
    with audit.open("a") as file:
        file.write("x" * 65536)  # more than any other file has
    done(ca(lab, "ra", name="lab"))
    before, (intend, told) = lab.config(), audit.read_bytes().splitlines()[-2:]
    room = audit.stat().st_size + len(intend) + 1 + len(told) // 2

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    made = harness.run("ca", "ra", "--config", lab.config_file, "--ca", "lab", preexec_fn=limited)
    assert made.returncode != 0
    assert "done, but the audit file says only that it was to be" in made.stderr
    assert lab.config()["endpoints"][0]["ra"] != before["endpoints"][0]["ra"]
    done(harness.run("config", "check", "--config", lab.config_file))


def test_RA_names_of_a_CA_without_a_common_name_say_what_they_are(lab, parent):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", parent.dir / "plain.key", "-out", parent.file("plain"), "-subj", "/O=Plain",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    done(ca(lab, "import", "--certificate", parent.file("plain"), "--key",
            parent.dir / "plain.key"))
    done(ca(lab, "ra"))
    assert names_of_ra(lab) == ["CN=RA signing,O=Plain", "CN=RA encryption,O=Plain"]


def test_below_a_CA_without_an_identifier_its_key_is_named_by_its_hash(lab, parent):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", parent.dir / "bare.key", "-out", parent.file("bare"), "-subj", "/CN=Bare CA",
            "-days", "7300", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-addext",
            "subjectKeyIdentifier=none", "-addext", "authorityKeyIdentifier=none")
    done(ca(lab, "import", "--certificate", parent.file("bare"), "--key", parent.dir / "bare.key",
            name="bare"))
    done(ca(lab, "create", "--subordinate-of", "bare", "--ca-name", "Below", "--key", "ec:p256",
            "--validity", "100d", name="below"))
    done(ca(lab, "renew", "--validity", "200d", name="below"))
    done(ca(lab, "ra", name="bare"))
    bare = x509.load_pem_x509_certificate(parent.file("bare").read_bytes())
    wanted = x509.AuthorityKeyIdentifier.from_issuer_public_key(bare.public_key())
    made = [lab.dir / "below.pem", *lab.dir.glob("below.pem.*.bak"), *lab.dir.glob("ra-bare-*.pem")]
    assert len(made) == 4
    for file in made:
        one = x509.load_pem_x509_certificate(file.read_bytes())
        found = one.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        assert found.key_identifier == wanted.key_identifier, file.name


def test_an_empty_file_and_a_key_of_another_kind_are_told_as_such(lab, parent):
    subordinate(lab)
    (parent.dir / "empty.pem").touch()
    refused = ca(lab, "install", parent.file("empty"))
    assert refused.returncode == 1 and "empty.pem is empty" in refused.stderr
    kinds = {"RSA-PSS": ("RSA-PSS", "rsa_keygen_bits:2048", "public key algorithm "
                         "1.2.840.113549.1.1.10 is not taken: RSA (rsaEncryption) is, and EC"),
             "secp256k1": ("EC", "ec_paramgen_curve:secp256k1",
                           "EC curve 1.3.132.0.10 is not taken: P-256, P-384 and P-521 are")}
    for name, (algorithm, option, says) in kinds.items():
        key = parent.dir / f"{name}.key"
        openssl("genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", key)
        key.chmod(0o600)
        refused = ca(lab, "import", "--certificate", parent.file("root"), "--key", key, name="odd")
        assert refused.returncode != 0 and says in refused.stderr, refused.stderr


def spki(certificate):
    return certificate.public_key().public_bytes(serialization.Encoding.DER,
                                                 serialization.PublicFormat.SubjectPublicKeyInfo)


def test_root_renews_with_its_key(lab, tmp_path):
    lab.start()
    out = tmp_path / "device"
    done(enrol(lab, out))
    before = x509.load_pem_x509_certificate((lab.dir / "ca.pem").read_bytes())
    done(ca(lab, "renew", "--validity", "7300d", name="lab"))
    after = x509.load_pem_x509_certificate((lab.dir / "ca.pem").read_bytes())
    assert spki(after) == spki(before)
    assert after.subject == before.subject
    assert after.not_valid_after > before.not_valid_after
    assert after.serial_number != before.serial_number
    # What was issued before is good under both.
    openssl("verify", "-CAfile", lab.dir / "ca.pem", out / "cert.pem")
    lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: "reloaded" in lab.log(), "the reload")
    assert lab.ca().ca == after
    done(enrol(lab, tmp_path / "second"))
    shorter = ca(lab, "renew", "--validity", "1d", name="lab")
    assert shorter.returncode == 1 and "before the present one" in shorter.stderr


def test_a_root_is_renewed_twice_on_one_day(lab):
    old = [(lab.dir / "ca.pem").read_text()]
    for arguments in ((), ("--validity", "7300d")):
        done(ca(lab, "renew", *arguments, name="lab"))
        old.append((lab.dir / "ca.pem").read_text())
    kept = sorted(file.read_text() for file in lab.dir.glob("ca.pem.*.bak"))
    assert kept == sorted(old[:2])


def previous_cas(lab):
    return lab.config()["endpoints"][0].get("renewal", {}).get("previous_cas")


def renewing(lab, ca_name):
    lab.edit(lambda config: config["endpoints"][0].update(ca=ca_name, renewal={"window": "30d"}))
    done(ca(lab, "ra", name=ca_name))


# So that what its end cut short is told from what somebody limited.
def test_the_CA_of_before_is_named_where_its_certificates_are_renewed(lab):
    done(ca(lab, "create", "--root", "--ca-name", "Ends soon", "--validity", "20d", name="soon"))
    renewing(lab, "soon")
    for arguments in (("--validity", "3650d"), ("--validity", "7300d")):
        done(ca(lab, "renew", *arguments, name="soon"))
    assert sorted(previous_cas(lab)) == sorted(f.name for f in lab.dir.glob("soon.pem.*.bak"))
    assert len(previous_cas(lab)) == 2
    checked = check(lab)
    assert checked.returncode == 0, checked.stderr
    assert "previous_cas" not in checked.stdout + checked.stderr, "nothing is to be done at its end"


def test_where_nothing_is_renewed_or_there_are_comments_the_configuration_stays(lab):
    lab.edit(lambda config: config["endpoints"][0].pop("renewal", None))
    before = lab.config_file.read_text()
    done(ca(lab, "renew", name="lab"))
    assert lab.config_file.read_text() == before
    lab.edit(lambda config: config["endpoints"][0].update(renewal={}))
    before = lab.config_file.read_text().replace("{", "{ // mine\n", 1)
    lab.config_file.write_text(before)
    told = done(ca(lab, "renew", "--validity", "7300d", name="lab"))
    assert lab.config_file.read_text() == before
    assert "to endpoints[].renewal.previous_cas" in told and "it has comments" in told


def test_of_an_installed_CA_the_certificate_of_before_alone_is_named(lab, parent):
    subordinate(lab)
    done(ca(lab, "install", parent.certify(request(lab), "issuing"), parent.file("root")))
    renewing(lab, "issuing")
    named_by_then = previous_cas(lab) or []
    old = x509.load_pem_x509_certificate((lab.dir / "issuing.pem").read_bytes())
    again = parent.certify(request(lab), "again", days=4000)
    for _ in range(2):
        done(ca(lab, "install", again, parent.file("root")))
    kept, = [lab.dir / name for name in previous_cas(lab) if name not in named_by_then]
    assert kept.read_text().count("BEGIN") == 1
    assert x509.load_pem_x509_certificate(kept.read_bytes()) == old
    checked = check(lab)
    assert checked.returncode == 0, checked.stderr


def test_a_renewal_that_fails_is_recorded_as_none(lab):
    before = (lab.dir / "ca.pem").read_bytes()
    certificate = x509.load_pem_x509_certificate(before)
    serial = certificate.serial_number.to_bytes(20, "big").lstrip(b"\0").hex()
    bak = lab.dir / f"ca.pem.{certificate.not_valid_after.date()}.{serial}.bak"
    bak.write_text("something else\n")
    assert ca(lab, "renew", "--validity", "7300d", name="lab").returncode == 1
    assert (lab.dir / "ca.pem").read_bytes() == before
    assert [(line["event"], line.get("act")) for line in lab.audit()][-2:] == \
        [("intend", "ca_renew"), ("fail", "ca_renew")]
    bak.write_bytes(before)  # as an attempt leaves it that ends there
    done(ca(lab, "renew", "--validity", "7300d", name="lab"))
    assert [line["event"] for line in lab.audit()][-2:] == ["intend", "ca_renew"]


def test_renewing_with_a_new_key_is_a_rollover(lab):
    assert ca(lab, "renew", "--new-key", name="lab").returncode == 2
    done(ca(lab, "renew", "--new-key", "--from", "2030-01-01T00:00:00Z", name="lab"))
    assert lab.config()["endpoints"][0]["next"]["from"] == "2030-01-01T00:00:00Z"


def distribution(file):
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    crls = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    return [crls[0].full_name[0].value, access[0].access_location.value]


@pytest.mark.parametrize("command", ["create", "import"])
def test_a_new_CA_publishes_as_the_other_does(lab, parent, tmp_path, command):
    arguments = ["--root", "--ca-name", "Example CA", "--key", "ec:p384"]
    if command == "import":
        arguments = ["--certificate", parent.file("root"), "--key", parent.dir / "root.key"]
    done(ca(lab, command, *arguments))
    done(ca(lab, "ra"))
    lab.start()
    out = tmp_path / "device"
    done(enrol(lab, out))
    first = lab.config()["cas"]["lab"]
    assert distribution(out / "cert.pem") == [
        first["crl_urls"][0].replace("/lab.crl", "/issuing.crl"), first["ocsp_urls"][0]]
    (tmp_path / "ca.crl").write_bytes(lab.get("/crl/issuing.crl").body)
    openssl("verify", "-crl_check", "-CAfile", lab.dir / "issuing.pem", "-CRLfile",
            tmp_path / "ca.crl", out / "cert.pem")
    told = openssl("ocsp", "-issuer", lab.dir / "issuing.pem", "-CAfile", lab.dir / "issuing.pem",
                   "-cert", out / "cert.pem", "-url", f"http://127.0.0.1:{lab.port}/ocsp")
    assert "cert.pem: good" in told.stdout


def test_the_next_CA_publishes_as_the_present_one_does(lab):
    done(ca(lab, "rollover", "--from", "2030-01-01T00:00:00Z", name="lab"))
    cas = lab.config()["cas"]
    assert cas["lab-2030"]["crl"] == {**cas["lab"]["crl"], "path": "/crl/lab-2030.crl"}
    assert cas["lab-2030"]["ocsp"] == cas["lab"]["ocsp"]
    assert cas["lab-2030"]["ocsp_urls"] == cas["lab"]["ocsp_urls"]
    assert cas["lab-2030"]["crl_urls"] == [
        url.replace("/lab.crl", "/lab-2030.crl") for url in cas["lab"]["crl_urls"]]
    checked = check(lab)
    assert checked.returncode == 0, checked.stderr


def test_what_cannot_be_published_alike_is_left_to_the_operator(lab):
    lab.edit(lambda config: config["cas"]["lab"].update(
        crl_urls=["http://other.example/%3.crl"], dns_name="pki.example",
        ca_issuers_urls=["http://%1/ca.crt"]))
    notes = json.loads(done(ca(lab, "rollover", "--json", "--from", "2030-01-01T00:00:00Z",
                               name="lab")))["notes"]
    assert "crl_urls" not in lab.config()["cas"]["lab-2030"]
    assert [note.split()[0] for note in notes] == ["crl_urls", "ca_issuers_urls"]
    for entry in lab.config()["cas"]:
        lab.edit(lambda config: config["cas"][entry].pop("crl_urls", None))
    told = json.loads(done(ca(lab, "create", "--root", "--ca-name", "X", "--key", "ec:p256",
                              "--json")))
    assert any("name neither a CRL nor an OCSP responder" in note for note in told["notes"])


def test_RA_keys_are_encrypted_as_those_before(lab):
    (lab.dir / "passphrase").touch(mode=0o600)
    (lab.dir / "passphrase").write_text("correct horse\n")
    done(ca(lab, "ra", "--passphrase-file", lab.dir / "passphrase", name="lab"))
    done(ca(lab, "ra", name="lab"))
    ra = lab.config()["endpoints"][0]["ra"]
    for role in ("signing", "encryption"):
        assert ra[role]["key"]["passphrase"] == {"file": "passphrase"}
        assert "BEGIN ENCRYPTED PRIVATE KEY" in (lab.dir / ra[role]["key"]["file"]).read_text()
    assert check(lab).returncode == 0


@pytest.mark.parametrize("command, more", [("ra", ()), ("rollover",
                                                        ("--from", "2030-01-01T00:00:00Z"))])
def test_what_a_signer_cannot_do_alone_is_told_with_its_guide(tmp_path, command, more):
    made = harness.run("init", tmp_path / "lab", "--signer")
    assert made.returncode == 0, made.stderr
    for config in ("scepgate.json", "signer/signer.json"):
        refused = harness.run("ca", command, "--config", tmp_path / "lab" / config, "--ca", "lab",
                              *more)
        assert refused.returncode == 2
        assert "docs/signer.md" in refused.stderr and "ignature" not in refused.stderr


def test_subordinate_is_renewed_by_its_parent(lab, parent):
    subordinate(lab)
    done(ca(lab, "install", parent.certify(request(lab), "issuing"), parent.file("root")))
    told = ca(lab, "renew")
    assert told.returncode == 1
    assert "scepgate ca csr" in told.stderr and "scepgate ca install" in told.stderr


def test_subordinate_rolls_over_to_another(lab, parent, tmp_path):
    """GetNextCACert hands out the next subordinate with its chain (RFC 8894 section 4.7)."""
    subordinate(lab)
    done(ca(lab, "install", parent.certify(request(lab), "issuing"), parent.file("root")))
    done(ca(lab, "ra"))
    done(ca(lab, "create", "--subordinate", "--subject", "CN=Example Issuing CA G2,O=Example",
            "--key", "ec:p256", name="issuing-2"))
    done(ca(lab, "csr", "--out", lab.dir / "g2.csr", name="issuing-2"))
    done(ca(lab, "install", parent.certify(lab.dir / "g2.csr", "g2"), parent.file("root"),
            name="issuing-2"))
    done(ca(lab, "ra", "--from", "2030-01-01T00:00:00Z", name="issuing-2"))
    checked = check(lab)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    lab.start()
    reply = lab.get(f"{harness.PATH}?operation=GetNextCACert")
    assert reply.status == 200
    (tmp_path / "next.der").write_bytes(reply.body)
    inner = subprocess.run(["openssl", "cms", "-verify", "-noverify", "-inform", "DER", "-binary",
                            "-in", tmp_path / "next.der"], check=True, capture_output=True).stdout
    names = [c.subject.rfc4514_string()
             for c in serialization.pkcs7.load_der_pkcs7_certificates(inner)]
    assert "CN=Example Issuing CA G2,O=Example" in names
    assert "CN=Example Root CA,O=Example" in names


@pytest.mark.parametrize("since, warned", [(45, False), (55, True)])
def test_half_life_is_warned_of(lab, since, warned):
    """A CA of a hundred days, so many days old."""
    key = serialization.load_pem_private_key((lab.dir / "ca.key").read_bytes(), None)
    subject = x509.Name.from_rfc4514_string("CN=scepgate Lab CA")
    begin = datetime.datetime.utcnow() - datetime.timedelta(days=since)
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(begin).not_valid_after(begin + datetime.timedelta(days=100))
            .add_extension(x509.BasicConstraints(True, 0), True).add_extension(usage, True)
            .sign(key, hashes.SHA256()))
    (lab.dir / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    checked = check(lab)
    text = checked.stdout + checked.stderr
    assert ("the CA 'CN=scepgate Lab CA' is past half of its validity since" in text) == warned
    assert ("scepgate ca rollover" in text) == warned
    if warned:
        lab.start()
        assert "past half of its validity" in lab.log()


def test_keys_in_a_token_from_the_start(lab, parent, tmp_path):
    """CA and RA keys that were made in the token and never were anywhere else."""
    if not (lab.dir / "tokens").exists():
        soft_token.make(lab.dir)
    token = ["--module", soft_token.MODULE, "--pin-file", lab.dir / "token.pin"]
    done(ca(lab, "create", "--subordinate", "--ca-name", "Token CA", "--key",
            "pkcs11:token=lab;object=issuing-ca", "--key-type", "ec:p384", *token))
    assert not (lab.dir / "issuing.key").exists()
    done(ca(lab, "install", parent.certify(request(lab), "issuing"), parent.file("root")))
    done(ca(lab, "ra", "--key", "pkcs11:token=lab;object=ra", "--key-type", "rsa:2048", *token))
    ra = lab.config()["endpoints"][0]["ra"]
    assert ra["encryption"]["key"]["pkcs11"] == "pkcs11:token=lab;object=ra-encryption"
    assert ra["encryption"]["key"]["pin"] == {"file": "token.pin"}
    lab.start()
    done(enrol(lab, tmp_path / "device"))
    # The next ones are kept where these are, without being told.
    done(ca(lab, "ra"))
    next_ra = lab.config()["endpoints"][0]["ra"]
    for role in ("signing", "encryption"):
        assert next_ra[role]["key"]["pkcs11"].startswith("pkcs11:token=lab;object=ra-issuing-")
        assert next_ra[role]["key"]["module"] == soft_token.MODULE
        assert next_ra[role]["key"]["pin"] == {"file": "token.pin"}
    done(ca(lab, "ra"))  # twice on one day
    lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: "reloaded" in lab.log(), "the reload")
    done(enrol(lab, tmp_path / "second"))
    again = ca(lab, "create", "--root", "--ca-name", "Other", "--key",
               "pkcs11:token=lab;object=issuing-ca", "--key-type", "ec:p256", *token, name="other")
    assert again.returncode == 1 and "has such a key already" in again.stderr
    rollover = ca(lab, "rollover", "--from", "2030-01-01T00:00:00Z")
    assert rollover.returncode == 1
