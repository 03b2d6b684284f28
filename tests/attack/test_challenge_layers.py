"""C04–C09: who signed a challenge, to whom it is encrypted, and in which order."""

import json
import os
import socket

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import blob_maker as make
import oids
import scep_client as scep
from blob_maker import AUTH_ENVELOPED_DATA, BlobMaker, auth_enveloped, base64_of, enveloped, signed
from target import attacked
from two_tier import certify

MDM = scep.name("mdm")


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def of(key, subject=MDM, issuer=None, issuer_key=None, bits=("digital_signature",), ca=False):
    return certify(subject, key, issuer or subject, issuer_key or key, bits, ca)


@pytest.fixture(scope="module")
def second_signer():
    """Another that the server trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    return of(key, scep.name("second mdm")), key


@pytest.fixture(scope="module", params=["ec", "rsa"])
def target(request, serve, keys, tmp_path_factory, second_signer):
    """Two signers are trusted; challenges are encrypted to a key of this type."""
    folder = tmp_path_factory.mktemp("layers")
    (folder / "second.pem").write_bytes(pem(second_signer[0]))
    key = keys(7)
    (folder / "rsa.pem").write_bytes(pem(of(key, scep.name("rsa"), bits=("key_encipherment",))))
    (folder / "rsa.key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    (folder / "rsa.key").chmod(0o600)

    def edit(config):
        policy = config["policies"]["mdm"]
        policy["trusted_signers"].append(str(folder / "second.pem"))
        if request.param == "rsa":
            policy["decryption"] = {"certificate": str(folder / "rsa.pem"),
                                    "key": {"file": str(folder / "rsa.key")}}

    yield from attacked(serve(edit=edit), keys)


@pytest.fixture(scope="module")
def mdm(target):
    return BlobMaker(target.lab)


@pytest.fixture
def judged(target):
    """A request with this challenge must be badMessageCheck, for one of `codes`."""
    def send(blob, *codes, what=""):
        message = target.request(target.csr(challenge=blob, extensions=[]))
        reply = target.lab.send(message, target.ca)
        assert (reply.status, reply.fail_info) == ("failure", "badMessageCheck"), what
        told = target.lab.audit()[-1]
        assert told["transaction_id"] == message.transaction_id
        assert told["code"] in codes, (what, told)
        return reply
    return send


def test_a_challenge_that_is_made_here_is_taken(target, mdm, second_signer):
    target.granted(target.request(target.csr(challenge=mdm.blob(), extensions=[])))
    claims = mdm.claims(iss=make.fingerprint(second_signer[0]))
    target.granted(target.request(target.csr(
        challenge=mdm.blob(claims, signer=second_signer), extensions=[])))


# --- C04: signers ---------------------------------------------------------------------------------

def lab_ca(target):
    key = serialization.load_pem_private_key((target.lab.dir / "ca.key").read_bytes(), None)
    return target.ca.ca, key


def untrusted(target, mdm):
    """What -> (certificate, key) of somebody whose challenges are worth nothing."""
    key = ec.generate_private_key(ec.SECP256R1())
    ca, ca_key = lab_ca(target)
    pinned = mdm.signer[0]
    twin = (x509.CertificateBuilder().subject_name(pinned.subject).issuer_name(pinned.issuer)
            .public_key(key.public_key()).serial_number(pinned.serial_number)
            .not_valid_before(pinned.not_valid_before).not_valid_after(pinned.not_valid_after)
            .sign(key, hashes.SHA256()))
    return {
        "self-signed": (of(key), key),
        "with the signer's subject": (of(key, pinned.subject), key),
        "with the signer's issuer and serial number": (twin, key),
        "certified by the CA of the devices": (of(key, MDM, ca.subject, ca_key), key),
        "a CA": (of(key, ca=True, bits=("key_cert_sign", "digital_signature")), key),
        "the CA of the devices": (ca, ca_key),
        "the RA": (target.ca.signing, serialization.load_pem_private_key(
            (target.lab.dir / "ra-signing.key").read_bytes(), None)),
    }


@pytest.mark.attack("C04", "C05", "C09")
@pytest.mark.parametrize("iss", ["the signer's", "its own"])
def test_whoever_is_not_pinned_signs_nothing_whatever_the_bag_says(target, mdm, judged, iss):
    for what, signer in untrusted(target, mdm).items():
        claims = mdm.claims()
        if iss == "its own":
            claims["iss"] = make.fingerprint(signer[0])
        for bag in ((), (signer[0],), (mdm.signer[0], signer[0], target.ca.ca)):
            judged(mdm.blob(claims, signer=signer, bag=bag),
                   "SigningCertThumbprintMismatch", "SignatureValidationFailed", what=what)


@pytest.mark.attack("C05", "X01")
def test_no_address_in_a_challenges_certificates_is_asked(target, judged, mdm):
    key = ec.generate_private_key(ec.SECP256R1())
    with socket.create_server(("127.0.0.1", 0)) as trap:
        url = x509.UniformResourceIdentifier(f"http://127.0.0.1:{trap.getsockname()[1]}/ca.cer")
        access = x509.AuthorityInformationAccess([
            x509.AccessDescription(x509.AuthorityInformationAccessOID.CA_ISSUERS, url),
            x509.AccessDescription(x509.AuthorityInformationAccessOID.OCSP, url)])
        points = x509.CRLDistributionPoints([x509.DistributionPoint([url], None, None, None)])
        builder = x509.CertificateBuilder(extensions=list(of(key).extensions))
        builder = (builder.subject_name(MDM).issuer_name(scep.name("unknown"))
                   .public_key(key.public_key()).serial_number(1)
                   .not_valid_before(mdm.signer[0].not_valid_before)
                   .not_valid_after(mdm.signer[0].not_valid_after)
                   .add_extension(access, False).add_extension(points, False))
        signer = (builder.sign(key, hashes.SHA256()), key)
        judged(mdm.blob(signer=signer, bag=(signer[0],)), "SigningCertThumbprintMismatch")
        trap.settimeout(0.2)
        with pytest.raises(TimeoutError):
            trap.accept()


@pytest.mark.attack("C04")
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["good first", "bad first"])
def test_two_signers_are_one_too_many(target, mdm, judged, order):
    key = ec.generate_private_key(ec.SECP256R1())
    signers = [mdm.signer, (of(key), key)]
    inner = auth_enveloped(json.dumps(mdm.claims()).encode(), [mdm.to()])
    judged(base64_of(signed(inner, AUTH_ENVELOPED_DATA, [signers[i] for i in order])),
           "ChallengeDeserializationError")


# --- C08, C09: envelopes that change hands --------------------------------------------------------

@pytest.mark.attack("C09")
def test_an_envelope_that_another_trusted_signer_signs_anew_is_refused(mdm, judged, second_signer):
    judged(mdm.blob(signer=second_signer), "SigningCertThumbprintMismatch")


@pytest.mark.attack("C08")
def test_claims_that_are_encrypted_anew_have_no_signature(mdm, judged):
    text = json.dumps(mdm.claims()).encode()
    first, second = (auth_enveloped(text, [mdm.to()]) for _ in range(2))
    assert len(first) == len(second)
    blob = signed(first, AUTH_ENVELOPED_DATA, [mdm.signer])
    assert first in blob
    judged(base64_of(blob.replace(first, second)), "SignatureValidationFailed")


FAULTY_SIGNATURES = {
    "no messageDigest": dict(leave_out=(oids.MESSAGE_DIGEST,)),
    "no contentType": dict(leave_out=(oids.CONTENT_TYPE,)),
    "another contentType": dict(said_type=oids.DATA),
    "no signed attributes": dict(attributes=False),
    "SHA-1": dict(digest="sha1"),
}


@pytest.mark.attack("C09")
@pytest.mark.parametrize("fault", FAULTY_SIGNATURES)
def test_a_signature_that_leaves_something_open_is_none(mdm, judged, fault):
    judged(mdm.blob(**FAULTY_SIGNATURES[fault]), "SignatureValidationFailed",
           "ChallengeDeserializationError")


# --- C06: recipients and ciphers ------------------------------------------------------------------

def sealings(mdm):
    """What -> the inner [Auth]EnvelopedData, which the signer signs; all undecryptable."""
    text = json.dumps(mdm.claims()).encode()
    ec_key, rsa_key = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
    is_ec = not hasattr(mdm.recipient.public_key(), "encrypt")
    right = mdm.to()
    found = {
        "to somebody else": [make.to_ec(of(ec_key))],
        "to somebody else by RSA": [make.to_rsa(of(rsa_key))],
        "to nobody": [],
        "to us twice": [right, right],
        "to us and to somebody": [right, make.to_ec(of(ec_key))],
        "to somebody and to us": [make.to_rsa(of(rsa_key)), right],
        "to a shared key": [make.to_key(bytes(32))],
        "to a password of 2^31-1 rounds": [make.to_password(2 ** 31 - 1)],
        "to a password and to us": [make.to_password(1), right],
    }
    if is_ec:
        found["to our name with another key"] = [make.to_ec(of(ec_key), named=mdm.recipient)]
        found["with SHA-1 in the key derivation"] = [make.to_ec(
            mdm.recipient, scheme="1.3.133.16.840.63.0.2")]
    else:
        found["by PKCS #1 v1.5"] = [make.to_rsa(mdm.recipient, pkcs1=True)]
        for what, octets in (("noise", os.urandom(256)), ("zeros", bytes(256)),
                             ("over the modulus", b"\xff" * 256), ("short", os.urandom(255)),
                             ("long", bytes(1) + os.urandom(256))):
            found[f"a key that is {what}"] = [make.to_rsa(mdm.recipient, encrypted=octets)]
    inner = {what: auth_enveloped(text, to) for what, to in found.items()}

    def flip(octets):
        return bytes([octets[0] ^ 1]) + octets[1:]

    inner["one bit changed"] = auth_enveloped(text, [right], mangle=flip)
    for tag in (0, 1, 4, 12):
        inner[f"a tag of {tag}"] = auth_enveloped(text, [right], tag=tag)
    for size in (0, 8, 16, 1024):
        inner[f"a nonce of {size}"] = auth_enveloped(text, [right], iv=size)
    for what, oid in (("CBC", make.AES256_CBC), ("CTR", "2.16.840.1.101.3.4.1.99"),
                      ("3DES", oids.CIPHER["des3"])):
        inner[f"{what} as an AEAD"] = auth_enveloped(text, [right], cipher=oid)
    return inner


@pytest.mark.attack("C06")
def test_whatever_does_not_open_is_one_and_the_same_reply(target, mdm, judged):
    replies = {}
    for what, inner in sealings(mdm).items():
        blob = base64_of(signed(inner, AUTH_ENVELOPED_DATA, [mdm.signer]))
        reply = judged(blob, "ChallengeDecryptionError", "ChallengeDeserializationError", what=what)
        replies.setdefault(bytes(reply.without_the_varying()), []).append(what)
    assert len(replies) == 1, list(replies.values())
    assert target.lab.process.poll() is None


# --- C07: layouts ---------------------------------------------------------------------------------

def layouts(mdm):
    text = json.dumps(mdm.claims()).encode()

    def info(kind, content):
        return make.der.sequence(make.der.oid(kind), make.explicit(0, content))

    whole = signed(auth_enveloped(text, [mdm.to()]), AUTH_ENVELOPED_DATA, [mdm.signer])
    plain = signed(text, oids.DATA, [mdm.signer])
    return {
        "signed only": plain,
        "signed, said to be encrypted": signed(text, AUTH_ENVELOPED_DATA, [mdm.signer]),
        "encrypted only": info(AUTH_ENVELOPED_DATA, auth_enveloped(text, [mdm.to()])),
        "encrypted only, CBC": info(oids.ENVELOPED_DATA, enveloped(text, [mdm.to()])),
        "signed, then encrypted": info(AUTH_ENVELOPED_DATA, auth_enveloped(plain, [mdm.to()])),
        "signed twice": signed(whole, oids.SIGNED_DATA, [mdm.signer]),
        "encrypted twice": signed(auth_enveloped(
            info(AUTH_ENVELOPED_DATA, auth_enveloped(text, [mdm.to()])), [mdm.to()]),
            AUTH_ENVELOPED_DATA, [mdm.signer]),
        "in a ContentInfo within": signed(
            info(AUTH_ENVELOPED_DATA, auth_enveloped(text, [mdm.to()])), AUTH_ENVELOPED_DATA,
            [mdm.signer]),
        "GCM called CBC": signed(auth_enveloped(text, [mdm.to()]), oids.ENVELOPED_DATA,
                                 [mdm.signer]),
        "CBC called GCM": signed(enveloped(text, [mdm.to()]), AUTH_ENVELOPED_DATA, [mdm.signer]),
        "an octet behind it": whole + b"\0",
        "nobody's signature": signed(auth_enveloped(text, [mdm.to()]), AUTH_ENVELOPED_DATA, []),
    }


@pytest.mark.attack("C07")
def test_only_an_envelope_that_is_signed_is_a_challenge(mdm, judged):
    for what, octets in layouts(mdm).items():
        judged(base64_of(octets), "ChallengeDeserializationError", "ChallengeDecryptionError",
               "ClaimsInvalid", "SignatureValidationFailed", what=what)
