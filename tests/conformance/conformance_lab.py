"""Labs as the conformance tests need them."""

import datetime
import shutil

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

import harness
from scep_client import name

NAME = name(("C", "DE"), ("O", "Example"), ("CN", "Issuing CA"))
ROOT = name(("C", "DE"), ("O", "Example"), ("CN", "Root CA"))


def password_of(lab):
    source = next(iter(lab.config()["policies"].values()))["password"]
    return (lab.dir / source["file"]).read_text().strip()


def signed_again(certificate, subject, issuer, key, *extra):
    """The certificate of the same key under another issuer."""
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
               .public_key(certificate.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(certificate.not_valid_before)
               .not_valid_after(certificate.not_valid_after))
    for extension in certificate.extensions:
        if not isinstance(extension.value, x509.AuthorityKeyIdentifier):
            builder = builder.add_extension(extension.value, extension.critical)
    for value in extra:
        builder = builder.add_extension(value, False)
    return builder.sign(key, hashes.SHA256())


def put_below_a_root(lab, root_key):
    """Makes the lab's CA an intermediate one, with a name of several RDNs."""
    key = serialization.load_pem_private_key((lab.dir / "ca.key").read_bytes(), None)
    old = {n: x509.load_pem_x509_certificate((lab.dir / f"{n}.pem").read_bytes())
           for n in ("ca", "ra-signing", "ra-encryption")}
    now = datetime.datetime.utcnow()
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    root = (x509.CertificateBuilder().subject_name(ROOT).issuer_name(ROOT)
            .public_key(root_key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=7300))
            .add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), False)
            .sign(root_key, hashes.SHA256()))
    by_root = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    by_ca = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    new = {"ca": [signed_again(old["ca"], NAME, ROOT, root_key, by_root), root]}
    for role in ("ra-signing", "ra-encryption"):
        new[role] = [signed_again(old[role], old[role].subject, NAME, key, by_ca)]
    for file, certificates in new.items():
        (lab.dir / f"{file}.pem").write_bytes(
            b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates))


def served(templates, tmp_path_factory, change):
    lab = harness.Lab(tmp_path_factory.mktemp("conformance") / "lab")
    shutil.copytree(templates("--policy", "static"), lab.dir)
    lab.edit(lambda config: config.update(listen=[{"address": f"127.0.0.1:{lab.port}"}]))
    change(lab)
    lab.start()
    try:
        yield lab
        lab.stop()
    finally:
        lab.kill()
