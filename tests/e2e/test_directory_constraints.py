"""A CA that may certify a part of the directory alone: its own RA and OCSP responder lie in it."""

import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

import two_tier
from harness import run
from scep_client import name


@pytest.fixture
def constrained(new_lab, keys):
    """A lab that is not started, whose CA has this name and may certify below `part` alone."""
    def make(part, subject=two_tier.ISSUING):
        lab = new_lab("--policy", "none", start=False)
        bits = ("key_cert_sign", "crl_sign")
        root_key, key = keys(10), keys(11)
        root = two_tier.certify(two_tier.ROOT, root_key, two_tier.ROOT, root_key, bits, True)
        plain = two_tier.certify(subject, key, two_tier.ROOT, root_key, bits, True)
        issuing = (x509.CertificateBuilder(extensions=list(plain.extensions))
                   .subject_name(subject).issuer_name(plain.issuer)
                   .public_key(key.public_key()).serial_number(plain.serial_number)
                   .not_valid_before(plain.not_valid_before)
                   .not_valid_after(plain.not_valid_after)
                   .add_extension(x509.NameConstraints([x509.DirectoryName(part)], None), True)
                   .sign(root_key, hashes.SHA256()))
        two_tier.write(lab, "ca", key, issuing, root)
        two_tier.write(lab, "root", root_key, root)
        two_tier.write(lab, "issuing", key, issuing)
        return lab
    return make


def openssl(lab, *arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], cwd=lab.dir, capture_output=True,
                          text=True, timeout=30)
    return done.stdout + done.stderr


def check(lab):
    done = run("config", "check", "--config", lab.config_file)
    return done.stdout + done.stderr


def make_ra(lab, status=0):
    done = run("ca", "ra", "--config", lab.config_file, "--ca", "lab")
    assert done.returncode == status, done.stderr
    return done


EXAMPLE = name(("C", "DE"), ("O", "Example"))


@pytest.mark.parametrize("subject, part", [
    (two_tier.ISSUING, EXAMPLE),
    (name(("CN", "Issuing"), ("C", "DE"), ("O", "Example")), EXAMPLE),
    (name(("C", "DE"), ("O", "Example")), EXAMPLE),
], ids=["common name last", "common name first", "no common name"])
def test_ra_and_responder_lie_within_the_part_of_the_directory(constrained, subject, part):
    lab = constrained(part, subject)
    make_ra(lab)
    assert "name constraints" not in check(lab)
    ra = lab.config()["endpoints"][0]["ra"]
    for role in ("signing", "encryption"):
        assert openssl(lab, "verify", "-CAfile", "root.pem", "-untrusted", "issuing.pem",
                       ra[role]["certificate"]).endswith(": OK\n")
    lab.start()
    done = run("enroll", "--url", lab.url, "--challenge", "none", "--subject",
               "CN=device,O=Example,C=DE", "--ca-file", lab.dir / "root.pem", "--out",
               lab.dir / "device")
    assert done.returncode == 0, done.stderr
    answer = openssl(lab, "ocsp", "-CAfile", "root.pem", "-verify_other", "issuing.pem",
                     "-issuer", "issuing.pem", "-cert", "device/cert.pem", "-url",
                     lab.url.replace("/scep", "/ocsp"))
    assert "Response verify OK" in answer and "cert.pem: good" in answer


def test_where_they_do_not_lie_in_it_the_reason_is_given(constrained):
    lab = constrained(name(("C", "DE"), ("O", "Another")))
    refused = make_ra(lab, status=1)
    assert "the RA's certificate: the name" in refused.stderr
    assert "name constraints" in refused.stderr
    said = check(lab)
    assert "cas.lab.ocsp: there will be no answers" in said


def test_an_ra_certificate_outside_of_it_is_named(constrained, keys):
    lab = constrained(EXAMPLE)
    for number, role, bit in ((12, "signing", "digital_signature"),
                              (13, "encryption", "key_encipherment")):
        two_tier.write(lab, f"ra-{role}", keys(number), two_tier.certify(
            name(f"RA {role}"), keys(number), two_tier.ISSUING, keys(11), (bit,), False))
    said = check(lab)
    for role in ("signing", "encryption"):
        assert f"endpoints[0].ra.{role}.certificate: the RA certificate: the name 'CN=RA {role}'" \
            in said
