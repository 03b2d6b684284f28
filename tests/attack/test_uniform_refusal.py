"""One refusal for whatever is wrong behind the RA's key (attack matrix E06 to E09, E13, E15, Z07).
e2e/test_uniform_failure.py has the classes of failure and their tick; bench/ has the statistics."""

import concurrent.futures
import os
import re

import pytest

import der
import harness
import oids
import raw_x509
import scep_client as scep
import wire
from raw_envelope import Enveloped, ktri, probe
from scep_client import Message, name


@pytest.fixture(scope="module")
def uniform(target):
    """The refusal of something that does not open, but for what varies in each reply."""
    broken = Enveloped.of(b"", target.ca.encryption).change(ciphertext=der.tlv(0x80, bytes(16)))
    return target.refused(target.around(broken.der()), "badMessageCheck",
                          "Undecryptable").without_the_varying()


def assert_uniform(target, uniform, message):
    reply = target.refused(message, "badMessageCheck", "Undecryptable")
    assert reply.without_the_varying() == uniform


def block(key, fill=b"\xaa", start=b"\0\2"):
    return start + fill * (256 - 3 - len(key)) + b"\0" + key


SIXTEEN = bytes(range(1, 17))
BLOCKS = {
    "conforming, another key": block(SIXTEEN),
    "no 00 before": b"\x01" + block(SIXTEEN)[1:],
    "block type 1": block(SIXTEEN, b"\xff", b"\0\1"),
    "block type 0": block(SIXTEEN, b"\0", b"\0\0"),
    "no 00 behind the padding": b"\0\2" + b"\xaa" * 254,
    "00 in the first eight": b"\0\2\xaa\0" + b"\xaa" * 252,
    "00 at the tenth": b"\0\2" + b"\xaa" * 7 + b"\0" + b"\xbb" * 246,
    "00 at the very end": b"\0\2" + b"\xaa" * 253 + b"\0",
    "a key of 1 octet": block(b"\1"),
    "a key of 24 octets": block(bytes(24)),
    "a key of 32 octets": block(bytes(32)),
    "a key of 245 octets": b"\0\2" + b"\xaa" * 8 + b"\0" + b"\xbb" * 245,
    "one": bytes(255) + b"\1",
}


@pytest.mark.attack("E06")
@pytest.mark.parametrize("what", BLOCKS, ids=lambda b: b.replace(" ", "-"))
def test_no_padding_of_the_content_key_is_told_from_another(target, uniform, sealed, what):
    encryption = target.ca.encryption
    recipient = ktri(encryption, None, encrypted=probe(encryption, BLOCKS[what]))
    assert_uniform(target, uniform, target.around(sealed.change(recipients=[recipient]).der()))


@pytest.mark.attack("E06")
@pytest.mark.parametrize("value", ["modulus", "modulus plus 1", "modulus minus 1", "0", "1", "2^2048 - 1"])
def test_no_value_of_an_encryptedKey_is_told_from_another(target, uniform, sealed, value):
    n = target.ca.encryption.public_key().public_numbers().n
    number = {"modulus": n, "modulus plus 1": n + 1, "modulus minus 1": n - 1, "0": 0, "1": 1,
              "2^2048 - 1": 2**2048 - 1}[value]
    recipient = ktri(target.ca.encryption, None, encrypted=number.to_bytes(256, "big"))
    assert_uniform(target, uniform, target.around(sealed.change(recipients=[recipient]).der()))


@pytest.mark.attack("E06")
@pytest.mark.parametrize("change", [
    lambda k: b"", lambda k: k[:1], lambda k: k[1:], lambda k: k[:-1], lambda k: b"\0" + k,
    lambda k: k + b"\0", lambda k: bytes(256) + k, lambda k: k + k, lambda k: bytes(8192)],
    ids=lambda change: f"{len(change(bytes(256)))}-octets")
def test_no_length_of_an_encryptedKey_is_told_from_another(target, uniform, sealed, change):
    encryption = target.ca.encryption
    good = probe(encryption, block(sealed.key))
    recipient = ktri(encryption, None, encrypted=change(good))
    assert_uniform(target, uniform, target.around(sealed.change(recipients=[recipient]).der()))


@pytest.mark.attack("E07", "Z07")
def test_the_same_message_has_the_same_outcome_each_time(target, uniform, sealed, rounds):
    """A library that makes up a key for bad padding opens one in 256 to garbage; with good padding it
    fails the same way each time."""
    encryption = target.ca.encryption
    for bad in (b"\0\1" + block(SIXTEEN)[2:], block(SIXTEEN)):
        recipient = ktri(encryption, None, encrypted=probe(encryption, bad))
        message = target.around(sealed.change(recipients=[recipient]).der())
        octets = message.der()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            raw = list(pool.map(lambda _: target.post(octets), range(rounds(200))))
        seen = {target.lab.open(reply, message, target.ca).without_the_varying() for reply in raw}
        assert seen == {uniform}


@pytest.mark.attack("E08")
def test_no_bit_of_a_sniffed_ciphertext_tells_of_its_plaintext(target, uniform, sealed, rounds):
    """An honest device's envelope, changed and signed by somebody else."""
    ciphertext = sealed.ciphertext
    header = len(ciphertext) - len(ciphertext) // 16 * 16
    cipher_iv = sealed.cipher
    places = [*range(header, header + 32), *range(header + 32, len(ciphertext) - 48, 101 // rounds(1) or 1),
              *range(len(ciphertext) - 48, len(ciphertext))]
    octets = [sealed.change(ciphertext=flipped(ciphertext, place)).der() for place in places]
    octets += [sealed.change(cipher=flipped(cipher_iv, -place)).der() for place in range(1, 17)]
    octets += [sealed.change(ciphertext=der.tlv(0x80, ciphertext[header:end])).der()
               for end in range(len(ciphertext) - 16, header, -160)]
    messages = [Message(content, target.mallory, scep.self_signed(target.mallory),
                        transaction_id=f"flipped-{number:07}")
                for number, content in enumerate(octets)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        raw = list(pool.map(target.post, messages))
    seen = {target.lab.open(reply, message, target.ca).without_the_varying()
            for reply, message in zip(raw, messages, strict=True)}
    assert seen == {uniform}


def flipped(octets, place):
    out = bytearray(octets)
    out[place] ^= 0x01
    return bytes(out)


def other_csrs(target):
    """CSRs that the RA's key opens, and whose own signature does not verify."""
    spki, csr = scep.cert_key(target.key), target.csr().der()
    asking = raw_x509.asking(target.challenge)
    subject = name(target.SUBJECT)

    def sign(info):
        return scep._sign(target.key, info, "sha256")[1]

    return {
        "not DER": b"hello",
        "empty": b"",
        "half": csr[:len(csr) // 2],
        "a certificate": scep.cert_der(scep.self_signed(target.key)),
        "an envelope": Enveloped.of(csr, target.ca.encryption).der(),
        "signed by another key": raw_x509.Csr(spki, lambda i: scep._sign(target.mallory, i, "sha256")[1],
                                              subject, asking).der(),
        "signed with MD5 says the algorithm": raw_x509.Csr(
            spki, sign, subject, asking, algorithm=der.algorithm(oids.RSA_WITH["md5"])).der(),
        "an unknown algorithm": raw_x509.Csr(spki, sign, subject, asking,
                                             algorithm=der.algorithm("1.2.3.4")).der(),
        "a signature with unused bits": raw_x509.Csr(
            spki, sign, subject, asking, bits=lambda i: der.tlv(0x03, b"\x01" + i)).der(),
        "an empty signature": raw_x509.Csr(spki, lambda i: b"", subject, asking).der(),
        "octets after the attributes": raw_x509.Csr(spki, sign, subject, asking,
                                                    after_info=der.NULL).der(),
        "octets after the signature": raw_x509.Csr(spki, sign, subject, asking, after=der.NULL).der(),
        "a bit flipped in the subject": csr.replace(b"attacked", b"attackec"),
    }


@pytest.mark.attack("E08")
def test_nothing_of_a_CSR_is_told_before_its_own_signature_verifies(target, uniform):
    for content in other_csrs(target).values():
        assert_uniform(target, uniform, target.sealed(content))


@pytest.mark.attack("E13")
def test_what_does_not_open_has_one_line_in_the_log_and_nothing_of_a_library_outside(target, sealed):
    """Who reads the log learns no more than who sent it."""
    encryption, log = target.ca.encryption, len(target.lab.log())
    contents = [*other_csrs(target).values()]
    messages = [target.sealed(content) for content in contents]
    messages += [target.around(sealed.change(recipients=[ktri(
        encryption, None, encrypted=probe(encryption, bad))]).der()) for bad in BLOCKS.values()]
    raw = [wire.exchange(target.lab.port, wire.post(m, b"Connection: close"))[0] for m in messages]
    told = re.findall(r'code=(\w+) check=(\w+) reason=("(?:[^"\\]|\\.)*")', target.lab.log()[log:])
    assert len(told) == len(messages) and len(set(told)) == 1, set(told)
    for reply in raw:
        for word in (b"error:", b"decrypt", b"penssl", b"OpenSSL", b"padding", b"asn1"):
            assert word not in reply.body
        assert {key for key, _ in reply.headers} <= {
            "Content-Type", "Content-Length", "Cache-Control", "X-Content-Type-Options", "Connection"}


@pytest.mark.attack("E09")
@pytest.mark.parametrize("kind", ["19", "17", "20", "21", "22"])
def test_a_sniffed_envelope_signed_anew_gives_nothing_and_uses_nothing_up(target, kind):
    """At the end of the module the challenge in it is still good."""
    honest = target.request()
    stolen = Message(honest.content, target.mallory, scep.self_signed(target.mallory),
                     message_type=kind, transaction_id=honest.transaction_id)
    told = {"19": ("badRequest", "SignerKeyMismatch"), "17": ("badRequest", None),
            "20": ("badCertId", "PollUnknown")}.get(kind, ("badCertId", "Undecryptable"))
    target.refused(stolen, *told)


@pytest.mark.attack("E15")
def test_thousands_of_messages_that_do_not_open_leave_the_server_as_it_was(target, rounds):
    """There is no budget for them: each says the same, and beyond the queue they are 503."""
    octets = [target.around(Enveloped.of(os.urandom(64), target.ca.encryption).der()).der()
              for _ in range(8)]

    def post(number):
        with target.lab.http() as http:
            return http.request("POST", f"{harness.PATH}?operation=PKIOperation",
                                octets[number % 8]).status

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        statuses = set(pool.map(post, range(rounds(500))))
    assert statuses <= {200, 503} and 200 in statuses
