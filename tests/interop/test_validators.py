"""Certificates, CRLs and OCSP answers before judges that others wrote: OpenSSL in its strict mode, GnuTLS, NSS,
strongSwan and Botan, each with its own reader and its own rules. Debian 12 has no linter beside these."""

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import pem
from asn1crypto import x509 as asn1_x509

import judged
from judged import run

SOUND = ("good", "rsa-signature", "rsa-encryption", "rsa-both", "ec-p256", "ec-p384", "ec-p521")
SIGNING = ("good", "rsa-signature", "rsa-both", "ec-p256", "ec-p384", "ec-p521")


@pytest.fixture(scope="module", params=["rsa:2048", "ec:p384"])
def pki(request, tmp_path_factory):
    """One with an issuing distribution point in its CRLs, one without."""
    made = judged.Pki(tmp_path_factory.mktemp("judged") / "pki", request.param,
                      scoped=request.param.startswith("ec"))
    try:
        yield made
    finally:
        made.stop()


def test_openssl_finds_nothing_against_the_strict_profile(pki):
    crls = ["-crl_check", "-extended_crl", "-use_deltas"]
    for crl in ("root.crl", "issuing.crl", "issuing+.crl"):
        crls += ["-CRLfile", pki.file(crl)]
    strict = ["openssl", "verify", "-x509_strict", "-policy_check", "-CAfile", pki.file("root.pem"),
              "-untrusted", pki.file("issuing.pem")]
    for name in ("issuing", *SOUND):
        assert ": OK" in run(*strict, *crls, pki.file(f"{name}.pem"))
    for name in ("ra-signing", "ra-encryption"):
        assert ": OK" in run(*strict, pki.file(f"{name}.pem"))
    for name in ("revoked", "held"):  # the second is on the delta alone
        assert "certificate revoked" in run(*strict, *crls, pki.file(f"{name}.pem"), status=2)


def test_openssl_verifies_the_whole_chain_against_both_CRLs(pki):
    verify = ["openssl", "verify", "-crl_check_all", "-extended_crl", "-CAfile", pki.file("root.pem"),
              "-untrusted", pki.file("issuing.pem"), "-CRLfile", pki.file("root.crl"), "-CRLfile",
              pki.file("issuing.crl"), pki.file("good.pem")]
    if not pki.scoped:
        assert ": OK" in run(*verify)
    else:  # as docs/revocation.md says
        assert "CN = Judged Root CA\nerror 44 at 2 depth lookup: different CRL scope" in run(
            *verify, status=2)


def gnutls_verdict(pki, name):
    chain = pki.file("chain.pem")
    chain.write_bytes(pki.file(f"{name}.pem").read_bytes() + pki.file("issuing.pem").read_bytes())
    return run("certtool", "--verify", "--verify-profile", "medium", "--infile", chain,
               "--load-ca-certificate", pki.file("root.pem"), "--load-crl",
               pki.file("issuing.crl.pem"), status=1 if name == "revoked" else 0)


def test_gnutls_trusts_what_is_sound(pki):
    for name in (*SOUND, "ra-signing", "ra-encryption"):
        assert "Chain verification output: Verified." in gnutls_verdict(pki, name)
    assert "The certificate chain is revoked" in gnutls_verdict(pki, "revoked")
    for crl, issuer in (("root", "root"), ("issuing", "issuing"), ("issuing+", "issuing")):
        assert "Verified. The certificate is trusted." in run(
            "certtool", "--verify-crl", "--infile", pki.file(f"{crl}.crl.pem"), "--load-ca-certificate",
            pki.file(f"{issuer}.pem"))
    for name in ("good", "revoked"):
        assert "Verifying OCSP Response: Success." in run(
            "ocsptool", "--verify-response", "--load-response", pki.file(f"{name}.ocsp"),
            "--load-trust", pki.file("issuing.pem"))


def test_nss_trusts_what_is_sound(pki):
    database = f"sql:{pki.file('nss')}"
    pki.file("nss").mkdir()
    run("certutil", "-N", "-d", database, "--empty-password")
    for name in ("root", "issuing", *SOUND, "revoked"):
        run("certutil", "-A", "-d", database, "-n", name, "-t", "CT,C,C" if name == "root" else ",,",
            "-i", pki.file(f"{name}.pem"))
    for crl in ("root", "issuing"):
        refused = run("crlutil", "-I", "-d", database, "-i", pki.file(f"{crl}.crl"),
                      status=1 if pki.scoped else 0)
        assert ("UNKNOWN_CRITICAL_EXTENSION" in refused) == pki.scoped  # docs/revocation.md

    def judge(name, usage, status=0):
        return run("certutil", "-V", "-d", database, "-n", name, "-u", usage, "-e", status=status)

    for name in SIGNING:
        assert "certificate is valid" in judge(name, "C")  # TLS client
        judging = ["vfychain", "-d", database, "-pp", "-u", 0, "-g", "leaf"]
        if not pki.scoped:
            judging += ["-m", "crl", "-s", "requireInfo"]
        assert "Chain is good!" in run(*judging, "-a", pki.file(f"{name}.pem"))
    assert "certificate is valid" in judge("rsa-both", "S") + judge("rsa-both", "R")  # S/MIME
    assert "certificate is valid" in judge("issuing", "L")  # a CA
    assert "usage inadequate" in judge("rsa-encryption", "C", status=255)
    if not pki.scoped:
        assert "has been revoked" in judge("revoked", "C", status=255)


def test_strongswan_trusts_what_is_sound(pki):
    def verdict(name, status=0):
        """It asks the responder, too."""
        return run("pki", "--verify", "--in", pki.file(f"{name}.pem"), "--cacert", pki.file("root.pem"),
                   "--cacert", pki.file("issuing.pem"), "--crl", pki.file("issuing.crl"), "--crl",
                   pki.file("root.crl"), status=status)

    for name in ("issuing", "ra-signing", "ra-encryption"):
        assert "certificate trusted, lifetimes valid, certificate not revoked" in verdict(name)
    for name in SOUND:
        assert "ocsp response correctly signed" in verdict(name)
    assert "certificate was revoked" in verdict("revoked", status=1)


def test_botan_trusts_what_is_sound(pki):
    for name in ("issuing", *SOUND, "ra-signing", "ra-encryption"):
        above = ["issuing.pem", "root.pem"] if name != "issuing" else ["root.pem"]
        assert "passes validation checks" in run("botan", "cert_verify", pki.file(f"{name}.pem"),
                                                 *map(pki.file, above))


def strictly(kind, octets):
    """Reads octets as this structure; whatever it holds, written anew, is the same octets: they are DER."""
    value = kind.load(octets, strict=True)
    value.native  # all of it is read
    return value.copy().dump(force=True) == octets


def test_everything_is_DER(pki):
    for name in ("root", "issuing", "ra-signing", "ra-encryption", *pki.devices):
        octets = pem.unarmor(pki.file(f"{name}.pem").read_bytes())[2]
        assert strictly(asn1_x509.Certificate, octets), name
    for name in ("root", "issuing", "issuing+"):
        assert strictly(asn1_crl.CertificateList, pki.file(f"{name}.crl").read_bytes()), name
    for name in ("good", "revoked"):
        assert strictly(asn1_ocsp.OCSPResponse, pki.file(f"{name}.ocsp").read_bytes()), name
