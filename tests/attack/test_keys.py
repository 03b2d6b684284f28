"""Keys of devices (attack matrix K01 to K07, Z13, Z14): judged by their encoding, before anything is
computed with them."""

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import der
import harness
import hostile_keys
import oids
import raw_x509
import scep_client as scep
from hostile_keys import E, EC, P256, ec_spki, explicit_p256, modulus
from raw_cms import SignedData, digest_info, pkcs1_block
from raw_x509 import rsa_spki
from scep_client import name
from target import attacked


@pytest.fixture(scope="module")
def target(serve, keys):
    """EC devices are allowed, so that what is wrong with an EC key is what refuses it."""
    yield from attacked(serve(edit=lambda c: c["endpoints"][0].update(
        algorithms={"ec_password_recipient": True})), keys)


def by_signer(target, spki, signature=bytes(256), **options):
    """A request whose signer's certificate has this key: message, octets."""
    certificate = raw_x509.Certificate(spki, target.key, **options)
    message = target.request()
    data = SignedData.of(message).change(certificates=[certificate.der])
    return message, data.change_signer(sid=certificate.reference, signature=signature).der()


def assert_refused(target, spki, signature=bytes(256)):
    """As the signer's key badAlg; in the CSR, where it is read behind the RA's key, like all that does
    not open."""
    message, octets = by_signer(target, spki, signature)
    target.refused(message, "badAlg", "SignerKeyUnsupported", octets=octets)
    csr = raw_x509.Csr(spki, lambda info: signature(info) if callable(signature) else signature,
                       name(target.SUBJECT), raw_x509.asking(target.challenge))
    target.refused(target.sealed(csr.der()), "badMessageCheck", "Undecryptable")


@pytest.mark.attack("K01", "Z14")
@pytest.mark.parametrize("bits", [1, 8, 512, 1023, 1024, 1536, 2040, 2047, 2049, 3071, 4095, 8193, 8200,
                                  16384, 65536])
def test_RSA_outside_2048_to_8192_bits_in_octets_is_refused(target, bits):
    assert_refused(target, rsa_spki(modulus(bits), E))


@pytest.mark.attack("K01")
@pytest.mark.parametrize("kept", [1 << 2047 | 1, 2**2048 - 1], ids=["sparse", "dense"])
def test_a_modulus_that_only_looks_right_verifies_nothing(target, kept):
    message, octets = by_signer(target, rsa_spki(kept, E), bytes(255) + b"\1")
    target.refused(message, "badMessageCheck", "SignatureInvalid", octets=octets)


N = modulus(2048)
EXPONENTS = {"0": 0, "1": 1, "2": 2, "3": 3, "17": 17, "65536": 65536, "65535": 65535, "65539": 65539,
             "2^32 + 1": 2**32 + 1, "2^64 - 1": 2**64 - 1, "2^64 + 1": 2**64 + 1, "near the modulus": N - 2,
             "over the modulus": N + 2, "-1": b"\x02\x01\xff", "-65537": b"\x02\x03\xfe\xff\xff",
             "not minimal": b"\x02\x04\x00\x01\x00\x01", "empty": b"\x02\x00", "NULL": der.NULL}
MODULI = {"even": N - 1, "0": 0, "1": 1, "negative": b"\x02\x82\x01\x00" + b"\xff" * 256,
          "not minimal": b"\x02\x82\x01\x02\0\0" + N.to_bytes(256, "big"), "empty": b"\x02\x00",
          "an OCTET STRING": der.octets(N.to_bytes(256, "big"))}


@pytest.mark.attack("K02", "Z14")
@pytest.mark.parametrize("exponent", EXPONENTS, ids=lambda e: e.replace(" ", "-"))
def test_any_exponent_but_65537_is_refused(target, exponent):
    assert_refused(target, rsa_spki(N, EXPONENTS[exponent]))


@pytest.mark.attack("K02")
@pytest.mark.parametrize("number", MODULI, ids=lambda m: m.replace(" ", "-"))
def test_a_modulus_that_is_none_is_refused(target, number):
    assert_refused(target, rsa_spki(MODULI[number], E))


@pytest.mark.attack("K02")
def test_with_an_exponent_of_1_the_padded_digest_is_no_signature(target):
    """Anybody could write it."""
    assert_refused(target, rsa_spki(N, 1), lambda octets: pkcs1_block(256, digest_info(octets)))


@pytest.mark.attack("K03")
@pytest.mark.parametrize("make", [hostile_keys.close_primes, hostile_keys.roca,
                                  hostile_keys.factor_of_3, hostile_keys.factor_of_751],
                         ids=lambda make: make.__name__)
def test_a_key_that_is_known_to_be_weak_is_certified_for_nobody(target, make):
    """Its owner has it and signs with it; others would have it soon."""
    weak = make()
    csr = raw_x509.Csr(weak.spki, weak.sign, name(target.SUBJECT), raw_x509.asking(target.challenge))
    certificate = raw_x509.Certificate(weak.spki, target.key)
    message = target.sealed(csr.der())
    data = SignedData.of(message).change(certificates=[certificate.der])
    octets = data.change_signer(sid=certificate.reference, signature=weak.sign).der()
    target.refused(message, "badRequest", "CertificateRequestDecodingFailed", octets=octets)


def point(curve=None):
    key = ec.generate_private_key(curve or ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def compressed():
    return ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(
        Encoding.X962, PublicFormat.CompressedPoint)


EC_KEYS = {
    "explicit parameters": lambda: ec_spki(point(), explicit_p256()),
    "the curve of its CA": lambda: ec_spki(point(), der.NULL),
    "no curve": lambda: ec_spki(point(), b""),
    "an unknown curve": lambda: ec_spki(point(), "1.2.3.4"),
    "a curve of 192 bits": lambda: ec_spki(point(ec.SECP192R1()), "1.2.840.10045.3.1.1"),
    "secp256k1": lambda: ec_spki(point(ec.SECP256K1()), "1.3.132.0.10"),
    "brainpool": lambda: ec_spki(point(ec.BrainpoolP256R1()), "1.3.36.3.3.2.8.1.1.7"),
    "a binary curve": lambda: ec_spki(point(ec.SECT283K1()), "1.3.132.0.16"),
    "not on the curve": lambda: ec_spki(b"\4" + bytes(63) + b"\1"),
    "at infinity": lambda: ec_spki(b"\0"),
    "at infinity, padded": lambda: ec_spki(bytes(65)),
    "coordinates over the prime": lambda: ec_spki(b"\4" + b"\xff" * 64),
    "compressed": lambda: ec_spki(compressed()),
    "compressed, no root": lambda: ec_spki(b"\2" + b"\xff" * 32),
    "hybrid": lambda: ec_spki(b"\6" + point()[1:]),
    "no point": lambda: ec_spki(b""),
    "half a point": lambda: ec_spki(point()[:33]),
    "a point of another curve": lambda: ec_spki(point(ec.SECP384R1())),
    "a point and an octet": lambda: ec_spki(point() + b"\0"),
    "for ECDH alone": lambda: ec_spki(point(), algorithm="1.3.132.1.12"),
    "for ECMQV alone": lambda: ec_spki(point(), algorithm="1.3.132.1.13"),
}


@pytest.mark.attack("K04", "Z13")
@pytest.mark.parametrize("kind", EC_KEYS, ids=lambda k: k.replace(" ", "-"))
def test_an_EC_key_is_a_point_on_a_named_curve_or_nothing(target, kind):
    """CVE-2022-0778, CVE-2024-9143, CVE-2020-0601."""
    assert_refused(target, EC_KEYS[kind]())


@pytest.mark.attack("K05", "S13")
@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP521R1()], ids=lambda c: c.name)
def test_an_EC_signer_is_refused_where_no_reply_could_be_opened(serve, keys, curve):
    """No challenge: nothing is issued that nobody could read. The default takes no EC signer at all."""
    lab = serve()
    key = ec.generate_private_key(curve)
    challenge = lab.challenge("--subject", "CN=ec", "--key-usage", "signature")
    csr = scep.Csr(key, name("ec"), challenge, [scep.key_usage(0)])
    reply = lab.send(scep.pkcs_req(csr, [lab.ca().encryption]))
    assert (reply.status, reply.fail_info) == ("failure", "badAlg")
    assert lab.serials() == [] and lab.audit()[-1]["code"] == "SignerKeyUnsupported"


def dsa_spki():
    return dsa.generate_private_key(1024).public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def other(dotted, octets, parameters=b""):
    return der.sequence(der.sequence(der.oid(dotted), parameters), der.bits(octets))


OTHER_KEYS = {
    "DSA": dsa_spki,
    "DH": lambda: other("1.2.840.10046.2.1", der.integer(modulus(2048)), der.sequence(
        der.integer(modulus(2048)), der.integer(2), der.integer(modulus(256)))),
    "X25519": lambda: x25519.X25519PrivateKey.generate().public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "Ed25519": lambda: ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "Ed448": lambda: other("1.3.101.113", bytes(57)),
    "ML-DSA-65": lambda: other("2.16.840.1.101.3.4.3.18", bytes(1952)),
    "RSA for PSS alone": lambda: other("1.2.840.113549.1.1.10", der.sequence(
        der.integer(modulus(2048)), der.integer(E))),
    "RSA for OAEP alone": lambda: other(oids.OAEP, der.sequence(
        der.integer(modulus(2048)), der.integer(E))),
    "GOST": lambda: other("1.2.643.7.1.1.1.1", der.octets(bytes(64))),
    "unknown": lambda: other("1.2.3.4", bytes(32)),
}


@pytest.mark.attack("K05")
@pytest.mark.parametrize("kind", OTHER_KEYS, ids=lambda k: k.replace(" ", "-"))
def test_a_key_of_another_algorithm_is_refused(target, kind):
    assert_refused(target, OTHER_KEYS[kind]())


RSA_BITS = der.sequence(der.integer(N), der.integer(E))
FORMS = {
    "octets after the key": der.sequence(der.algorithm(oids.RSA), der.bits(RSA_BITS + b"\0")),
    "octets after the numbers": der.sequence(der.algorithm(oids.RSA), der.bits(
        der.sequence(der.integer(N), der.integer(E), der.NULL))),
    "octets after the bits": der.sequence(der.algorithm(oids.RSA), der.bits(RSA_BITS), der.NULL),
    "unused bits": der.sequence(der.algorithm(oids.RSA), der.tlv(0x03, b"\1" + RSA_BITS)),
    "eight unused bits": der.sequence(der.algorithm(oids.RSA), der.tlv(0x03, b"\x08" + RSA_BITS)),
    "no bits": der.sequence(der.algorithm(oids.RSA), der.tlv(0x03, b"")),
    "an OCTET STRING": der.sequence(der.algorithm(oids.RSA), der.octets(RSA_BITS)),
    "no key": der.sequence(der.algorithm(oids.RSA)),
    "parameters": der.sequence(der.algorithm(oids.RSA, der.octets(b"x")), der.bits(RSA_BITS)),
    "three parts of an algorithm": der.sequence(
        der.sequence(der.oid(oids.RSA), der.NULL, der.NULL), der.bits(RSA_BITS)),
    "unused bits of a point": der.sequence(der.sequence(der.oid(EC), der.oid(P256)), der.tlv(
        0x03, b"\1" + point())),
}


@pytest.mark.attack("K06")
@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.replace(" ", "-"))
def test_a_key_that_is_not_exactly_one_is_refused(target, form):
    assert_refused(target, FORMS[form])


@pytest.mark.attack("K06")
def test_RSA_without_NULL_is_the_same_key_and_certified_with_it(target):
    """Some clients leave the parameters out."""
    numbers = target.key.public_key().public_numbers()
    bare = rsa_spki(numbers.n, numbers.e, b"")
    csr = raw_x509.Csr(bare, lambda info: scep._sign(target.key, info, "sha256")[1],
                       name(target.SUBJECT), raw_x509.asking(target.challenge))
    issued = target.granted(target.sealed(csr.der())).certificate
    assert rsa_spki(numbers.n, numbers.e) in scep.cert_der(issued)


@pytest.mark.attack("K07", "K01", "Z14")
def test_many_keys_that_would_take_long_to_check_are_refused_by_their_size(target, rounds):
    """CVE-2023-6237, CVE-2023-3446: the public check of a modulus of 16384 bits takes seconds."""
    octets = [by_signer(target, rsa_spki(modulus(bits), e))[1]
              for bits in (8200, 16384, 131072) for e in (E, 3, modulus(2048))]
    with target.lab.http() as http:
        for number in range(rounds(60)):
            reply = http.request("POST", f"{harness.PATH}?operation=PKIOperation",
                                 octets[number % len(octets)])
            assert (reply.status, reply.content_type) == (200, "application/x-pki-message")
    told = [line["code"] for line in target.lab.audit()[-rounds(60):]]
    assert set(told) == {"SignerKeyUnsupported"}
