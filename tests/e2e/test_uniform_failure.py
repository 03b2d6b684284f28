"""E06–E08: whatever goes wrong between the RSA operation and the CSR's own signature, the answer is
one and the same, and leaves on the same tick."""

import os
import statistics
import time

import pytest
from cryptography.hazmat.primitives import serialization

import harness
import scep_client as scep
from scep_client import Csr, Envelope, Message, name


def _recipient_probe(certificate, block):
    """An encryptedKey that decrypts to `block` (raw RSA, no padding of the library's)."""
    numbers = certificate.public_key().public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    return pow(int.from_bytes(block, "big"), numbers.e, numbers.n).to_bytes(size, "big")


def _pkcs1(key, size=256):
    return b"\0\2" + b"\xaa" * (size - 3 - len(key)) + b"\0" + key


def _flip(position):
    def change(ciphertext):
        out = bytearray(ciphertext)
        out[position] ^= 0x40
        return bytes(out)
    return change


#: Octets of a content that is decrypted (docs/limits.md).
LONGEST = 262_144


def undecryptable(key, encryption):
    """Name → Message for every class of failure that must look alike."""
    csr = Csr(key, name("oracle"), "x").der()
    bad_csr = Csr(key, name("oracle"), "x", break_signature=True).der()

    def sealed(content, **options):
        return Envelope([encryption], **options).seal(content)

    def probe(block):
        return sealed(csr, encrypted_key=_recipient_probe(encryption, block))

    sixteen = os.urandom(16)
    contents = {
        "padding does not begin 00 02": probe(b"\0\1" + _pkcs1(sixteen)[2:]),
        "no zero in the padding": probe(b"\0\2" + b"\xaa" * 254),
        "padding shorter than 8": probe(b"\0\2" + b"\xaa" * 4 + b"\0" + b"\xbb" * 249),
        "another key of the right length": probe(_pkcs1(sixteen)),
        "a key of 15 octets": probe(_pkcs1(sixteen[:15])),
        "a key of 17 octets": probe(_pkcs1(sixteen + b"x")),
        "an empty key": probe(_pkcs1(b"")),
        "a key of 24 octets": probe(_pkcs1(sixteen + b"12345678")),
        "a block of zeros": probe(bytes(256)),
        "an encryptedKey of zeros": sealed(csr, encrypted_key=bytes(256)),
        "an encryptedKey over the modulus": sealed(csr, encrypted_key=b"\xff" * 256),
        "the last ciphertext block changed": sealed(csr, mangle_ciphertext=_flip(-1)),
        "the first ciphertext block changed": sealed(csr, mangle_ciphertext=_flip(0)),
        "bad CBC padding": sealed(csr, mangle_ciphertext=_flip(-17)),
        "not DER": sealed(b"hello, this is no CSR at all"),
        "an empty content": sealed(b""),
        "a CSR and one octet": sealed(csr + b"\0"),
        "a CSR whose signature is wrong": sealed(bad_csr),
        "the wrong key length for OAEP": sealed(csr, transport="oaep-sha256",
                                                encrypted_key=os.urandom(255) + b"\0"),
    }
    signer = scep.self_signed(key)
    return {what: Message(content, key, signer, transaction_id="0" * 64)
            for what, content in contents.items()}


@pytest.mark.attack("C13")
def test_A_C13_a_missing_challenge_is_answered_as_a_wrong_one(blob_lab, static_lab, keys):
    for lab in (blob_lab, static_lab):
        replies, codes = [], []
        ca = lab.ca()
        for challenge in (None, "", "wrong", "0123456789abcdef"):
            message = scep.pkcs_req(Csr(keys(), name("guess"), challenge), [ca.encryption],
                                    transaction_id="guess")
            replies.append(lab.send(message, ca))
            codes.append(lab.audit()[-1]["code"])
        assert {reply.fail_info for reply in replies} == {"badMessageCheck"}
        assert len({bytes(reply.without_the_varying()) for reply in replies}) == 1
        assert len(set(codes)) >= 2, "only the audit file tells them apart"


@pytest.mark.attack("E06", "E07", "E08", "Z07")
def test_E06_E07_E08_all_undecryptable_requests_get_one_and_the_same_reply(blob_lab, keys):
    ca = blob_lab.ca()
    replies = {}
    for what, message in undecryptable(keys(), ca.encryption).items():
        for _ in range(2):
            reply = blob_lab.send(message, ca)
            assert (reply.status, reply.fail_info) == ("failure", "badMessageCheck"), what
            replies.setdefault(reply.without_the_varying(), []).append(what)
    assert len(replies) == 1, list(replies.values())


@pytest.mark.attack("E08")
def test_E08_flipping_any_bit_of_IV_or_ciphertext_gives_that_reply_too(blob_lab, keys):
    ca = blob_lab.ca()
    key = keys()
    signer = scep.self_signed(key)
    csr = Csr(key, name("oracle"), blob_lab.challenge("--subject", "CN=oracle")).der()
    reference = None
    for position in [*range(0, 64, 5), *range(64, len(csr), 211), *range(-48, 0, 3)]:
        sealed = Envelope([ca.encryption], mangle_ciphertext=_flip(position)).seal(csr)
        message = Message(sealed, key, signer, transaction_id="1" * 64)
        reply = blob_lab.send(message, ca)
        assert (reply.status, reply.fail_info) == ("failure", "badMessageCheck"), position
        reference = reference or reply.without_the_varying()
        assert reply.without_the_varying() == reference, position


@pytest.mark.attack("E01")
def test_E01_a_recipient_that_is_not_ours_tells_nothing_more(blob_lab, keys):
    ca = blob_lab.ca()
    stranger = scep.self_signed(keys(1), name("stranger"))
    message = scep.pkcs_req(Csr(keys(), name("x"), "x"), [stranger])
    reply = blob_lab.send(message, ca)
    assert reply.status == "failure"


@pytest.fixture(scope="session")
def large_key():
    """RSA-8192: what is decoded and verified with it takes many times what RSA-2048 takes."""
    file = harness.TOP / "tests" / "data" / "e2e" / "rsa8192.key"
    return serialization.load_pem_private_key(file.read_bytes(), None)


@pytest.mark.attack("E06")
@pytest.mark.kernel
def test_E06_failures_leave_on_one_tick_whatever_they_cost(blob_lab, keys, large_key):
    """The wait is counted from the moment before the private key is used. Counted from anywhere
    else, classes that take longer would leave a whole tick later, or by as much later as they took.
    The classes are compared with each other: what the machine adds, it adds to all. The longest
    message takes long to verify, which is public, and by 3DES the longest to decrypt."""
    ca = blob_lab.ca()
    chosen = ["no zero in the padding", "another key of the right length", "not DER",
              "a CSR whose signature is wrong"]
    taken = {}
    for size, key in (("2048", keys()), ("8192", large_key)):
        messages = undecryptable(key, ca.encryption)
        messages["the longest"] = Message(
            Envelope([ca.encryption], cipher="des3").seal(os.urandom(LONGEST)), key, scep.self_signed(key))
        taken |= {(size, what): (messages[what].der(), []) for what in (*chosen, "the longest")}
    with blob_lab.http() as http:
        for _ in range(15):
            for octets, times in taken.values():
                before = time.monotonic()
                assert http.request("POST", "/scep?operation=PKIOperation", octets).status == 200
                times.append(time.monotonic() - before)
    medians = {what: statistics.median(times) for what, (_, times) in taken.items()}
    tick = min(medians.values())
    # Half a tick: one that slipped shows, whichever class it is; the noise of a busy machine not.
    for size in ("2048", "8192"):
        of_size = [m for (s, _), m in medians.items() if s == size]
        assert max(of_size) - min(of_size) < tick / 2, medians
    assert max(medians.values()) - tick < tick / 2, medians


@pytest.mark.attack("E13")
def test_E13_no_library_error_text_leaves_the_server(blob_lab, keys):
    ca = blob_lab.ca()
    for message in undecryptable(keys(), ca.encryption).values():
        reply = blob_lab.post(message)
        everything = reply.body + repr(reply.headers).encode()
        for word in (b"error:", b"bad decrypt", b"OpenSSL", b"openssl", b"padding"):
            assert word not in everything
