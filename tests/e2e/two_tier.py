"""A lab whose CA stands under a root: every certificate made here, none by scepgate."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from scep_client import name

ROOT = name(("C", "DE"), ("O", "Example"), ("CN", "Root"))
ISSUING = name(("C", "DE"), ("O", "Example"), ("CN", "Issuing"))


def usage(*bits):
    known = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
             "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{bit: bit in bits for bit in known})


def certify(subject, key, issuer, issuer_key, bits, ca, days=1000):
    now = datetime.datetime.utcnow()
    public = key.public_key()
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
            .public_key(public).serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=min(0, days - 1), hours=-1))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca, None), True)
            .add_extension(usage(*bits), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
            .sign(issuer_key, hashes.SHA256()))


def write(lab, file, key, *certificates):
    secret = lab.dir / f"{file}.key"
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM,
                                         serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()))
    secret.chmod(0o600)
    (lab.dir / f"{file}.pem").write_bytes(
        b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates))


def rebuild(lab):
    """Puts a root, an issuing CA and its RA in place of what `scepgate init` made. Returns the
    root's certificate."""
    keys = [rsa.generate_private_key(65537, 2048) for _ in range(4)]
    ca_bits = ("key_cert_sign", "crl_sign", "digital_signature", "key_encipherment")
    root = certify(ROOT, keys[0], ROOT, keys[0], ca_bits, True)
    issuing = certify(ISSUING, keys[1], ROOT, keys[0], ca_bits, True)
    write(lab, "ca", keys[1], issuing, root)
    for key, role, bit in ((keys[2], "signing", "digital_signature"),
                           (keys[3], "encryption", "key_encipherment")):
        subject = name(("C", "DE"), ("O", "Example"), ("CN", f"RA {role}"))
        write(lab, f"ra-{role}", key, certify(subject, key, ISSUING, keys[1], (bit,), False))
    return root
