"""X01: addresses that strangers write into requests. Whatever is in them, nobody is asked."""

import contextlib
import socket

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

import der
import scep_client as scep
from blob_maker import BlobMaker
from scep_client import name

OID = x509.AuthorityInformationAccessOID


@pytest.fixture(scope="module")
def mdm(target):
    return BlobMaker(target.lab)


@pytest.fixture(scope="module")
def trap():
    """A socket that nobody may connect to; `trap.url` leads to it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.3)

        class Trap:
            address = f"127.0.0.1:{listening.getsockname()[1]}"
            url = f"http://{address}/x"

            @staticmethod
            @contextlib.contextmanager
            def untouched():
                yield
                with pytest.raises(TimeoutError):
                    listening.accept()

        yield Trap


def pointing(url):
    """The extensions of a certificate or CSR that name places to fetch something from."""
    where = x509.UniformResourceIdentifier(url)
    points = [x509.DistributionPoint([where], None, None, None)]
    return [x509.AuthorityInformationAccess([x509.AccessDescription(OID.CA_ISSUERS, where),
                                             x509.AccessDescription(OID.OCSP, where)]),
            x509.CRLDistributionPoints(points), x509.FreshestCRL(points),
            x509.CertificatePolicies([x509.PolicyInformation(
                x509.ObjectIdentifier("1.2.3"), [url])])]


def signer(key, url, issuer=name("attacked")):
    plain = scep.self_signed(key, name("attacked"))
    builder = (x509.CertificateBuilder().subject_name(plain.subject).issuer_name(issuer)
               .public_key(key.public_key()).serial_number(plain.serial_number)
               .not_valid_before(plain.not_valid_before).not_valid_after(plain.not_valid_after))
    for extension in pointing(url):
        builder = builder.add_extension(extension, False)
    return builder.sign(key, hashes.SHA256())


@pytest.mark.attack("X01")
@pytest.mark.parametrize("issuer", ["attacked", "somebody else"])
def test_addresses_in_the_signers_certificate_are_not_asked(target, mdm, trap, issuer):
    with trap.untouched():
        csr = target.csr(challenge=mdm.blob(), extensions=[])
        of = signer(target.key, trap.url, name(issuer))
        target.granted(target.request(csr, signer=of, extra_certificates=[
            signer(target.mallory, trap.url)]))


@pytest.mark.attack("X01")
def test_addresses_in_a_CSR_are_not_asked_and_not_issued(target, mdm, trap):
    wanted = [(e.oid.dotted_string, False, e.public_bytes()) for e in pointing(trap.url)]
    wanted.append(scep.subject_alt_name(("uri", trap.url)))
    with trap.untouched():
        claims = mdm.claims(san=[{"type": "uri", "value": trap.url}])
        csr = target.csr(challenge=mdm.blob(claims), extensions=wanted)
        issued = target.granted(target.request(csr)).certificate
    assert scep.cert_der(issued).count(trap.address.encode()) == 1, "in the SAN that was granted"


@pytest.mark.attack("X01")
def test_an_address_in_place_of_a_CA_a_challenge_or_a_name_is_not_asked(target, trap):
    quoted = trap.url.replace("/", "%2F").replace(":", "%3A")
    with trap.untouched():
        for operation in ("GetCACert", "GetCACaps", "GetNextCACert", "PKIOperation"):
            for value in (quoted, "file%3A%2F%2F%2Fetc%2Fpasswd", f"%5C%5C{trap.address}%5Cx"):
                reply = target.lab.get(f"/scep?operation={operation}&message={value}")
                assert b"root:" not in reply.body
        target.raw(f"GET {trap.url} HTTP/1.1\r\nHost: {trap.address}\r\nConnection: close\r\n\r\n"
                   .encode())
        target.raw(f"CONNECT {trap.address} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                   .encode())
        target.refused(target.request(target.csr(challenge=trap.url)), "badMessageCheck")


@pytest.mark.attack("X01")
def test_an_address_in_a_look_up_is_not_asked(target, trap):
    issuer = name(("CN", trap.url)).public_bytes()
    for message_type in ("20", "21", "22"):
        with trap.untouched():
            message = target.sealed(der.sequence(issuer, der.integer(1)))
            message.message_type = message_type
            target.refused(message, "badCertId")
