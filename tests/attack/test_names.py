"""N01–N06: a subject that is nearly, but not, what the challenge says."""

import pytest

import der
import scep_client as scep
from blob_maker import BlobMaker
from scep_client import Csr, name

COMMON_NAME, ORGANIZATION, UNIT = "2.5.4.3", "2.5.4.10", "2.5.4.11"
UNREADABLE, MISMATCH = "CertificateRequestDecodingFailed", "SubjectNameMismatch"
UTF8, PRINTABLE, T61, UNIVERSAL, BMP = 0x0C, 0x13, 0x14, 0x1C, 0x1E


def cn(octets, tag=UTF8, attribute=COMMON_NAME):
    octets = octets.encode() if isinstance(octets, str) else octets
    return der.sequence(der.oid(attribute), der.tlv(tag, octets))


def subject(*rdns):
    """A Name of RDNs, each one attribute or several."""
    return der.sequence(*(der.set_of(*(rdn if isinstance(rdn, tuple) else (rdn,)))
                          for rdn in rdns))


@pytest.fixture(scope="module")
def mdm(target):
    return BlobMaker(target.lab)


@pytest.fixture
def asks(target, mdm):
    """A request for a subject (DER), with a challenge for `claimed` (RFC 4514)."""
    def make(asked, claimed="CN=attacked", san=(), **claims):
        csr = target.csr(challenge=mdm.blob(mdm.claims(claimed, **claims)), subject=asked,
                         extensions=[scep.subject_alt_name(*san)] if san else [])
        return target.request(csr, signer=scep.self_signed(target.key))
    return make


A, O = cn("attacked"), cn("Example", attribute=ORGANIZATION)
OTHER_SHAPES = {
    "the other way round": (subject(A, O), "CN=attacked,O=Example"),
    "in one RDN": (subject((A, O)), "CN=attacked,O=Example"),
    "in two RDNs": (subject(O, A), "CN=attacked+O=Example"),
    "a part of it": (subject(A), "CN=attacked,O=Example"),
    "in an RDN twice": (subject((A, A)), "CN=attacked"),
    "twice": (subject(A, A), "CN=attacked"),
    "a unit more": (subject(cn("admins", attribute=UNIT), A), "CN=attacked"),
    "an unknown attribute more": (subject(A, cn("x", attribute="1.2.3.4")), "CN=attacked"),
    "a domain more": (subject(cn("corp", 0x16, "0.9.2342.19200300.100.1.25"), A), "CN=attacked"),
    "a user id more": (subject(A, cn("root", attribute="0.9.2342.19200300.100.1.1")),
                       "CN=attacked"),
    "an email more": (subject(A, cn("a@b.example", 0x16, "1.2.840.113549.1.9.1")), "CN=attacked"),
    "as another attribute": (subject(cn("attacked", attribute=UNIT)), "CN=attacked"),
    "a slash for an RDN": (subject(cn("attacked/O=Example")), "CN=attacked,O=Example"),
    "a comma for an RDN": (subject(cn("attacked,O=Example")), "CN=attacked,O=Example"),
    "a plus for an RDN": (subject(cn("attacked+O=Example")), "CN=attacked+O=Example"),
    "a backslash": (subject(cn("attacked\\")), "CN=attacked"),
    "a whole name": (subject(cn("CN=attacked")), "CN=attacked"),
}


@pytest.mark.attack("N01", "N04", "N05", "Z12")
@pytest.mark.parametrize("shape", OTHER_SHAPES)
def test_the_same_words_in_another_shape_are_another_subject(target, asks, shape):
    target.refused(asks(*OTHER_SHAPES[shape]), "badRequest", MISMATCH)


@pytest.mark.attack("N01", "N02", "Z12")
def test_what_RFC_5280_calls_the_same_is_certified_as_the_challenge_spells_it(target, asks):
    """Decided: section 7.1 folds ASCII case and runs of spaces; the challenge's spelling is issued."""
    for asked in (cn("ATTACKED"), cn("  attacked "), cn("attacked", PRINTABLE),
                  cn("attacked".encode("utf-16-be"), BMP)):
        issued = target.granted(asks(subject(asked))).certificate
        assert issued.subject == name("attacked")


LOOK_ALIKES = {
    "decomposed": ("CN=\u00e9", "e\u0301"), "composed": ("CN=e\u0301", "\u00e9"),
    "another case beyond ASCII": ("CN=\u00c9", "\u00e9"), "sharp s": ("CN=\u00df", "ss"),
    "a Cyrillic a": ("CN=attacked", "\u0430ttacked"),
    "full width": ("CN=attacked", "\uff41ttacked"), "a ligature": ("CN=\ufb01", "fi"),
    "a dotless i": ("CN=i", "\u0131"), "a Kelvin sign": ("CN=k", "\u212a"),
}


@pytest.mark.attack("N02", "Z12")
@pytest.mark.parametrize("kind", LOOK_ALIKES)
def test_a_subject_that_only_looks_the_same_is_another(target, asks, kind):
    claimed, asked = LOOK_ALIKES[kind]
    target.refused(asks(subject(cn(asked)), claimed), "badRequest", MISMATCH)


INVISIBLE = {"tab": "\t", "line break": "\r\n", "escape": "\x1b[31m", "DEL": "\x7f", "C1": "\x85",
             "NBSP": "\xa0", "zero width": "\u200b", "joiner": "\u200d", "right to left": "\u202e",
             "isolate": "\u2066", "BOM": "\ufeff", "soft hyphen": "\xad", "tag": "\U000e0041",
             "NUL": "\0", "no character": "\uffff"}


@pytest.mark.attack("N02", "N04")
@pytest.mark.parametrize("what", INVISIBLE)
def test_what_cannot_be_seen_is_in_no_subject(target, asks, what):
    for text in (f"attacked{INVISIBLE[what]}", f"attacked{INVISIBLE[what]}.evil"):
        target.refused(asks(subject(cn(text))), "badRequest")


NO_TEXT = {
    "an octet alone": cn(b"attacked\xff"), "overlong": cn(b"\xc1\xa1ttacked"),
    "a surrogate": cn(b"attacked\xed\xa0\x80"), "cut": cn(b"attacked\xe2\x82"),
    "beyond Unicode": cn(b"\xf4\x90\x80\x80"), "overlong NUL": cn(b"attacked\xc0\x80"),
    "BMP of 15 octets": cn(b"\0a" * 7 + b"\0", BMP), "BMP with a surrogate": cn(b"\xd8\0", BMP),
    "Universal of 3 octets": cn(b"\0\0a", UNIVERSAL),
    "Universal beyond Unicode": cn(b"\0\x11\0\0", UNIVERSAL),
    "Universal of 2^31": cn(b"\x80\0\0a", UNIVERSAL),
    "T61 beyond ASCII": cn(b"attacke\xc2d", T61), "Printable with *": cn(b"attacked*", PRINTABLE),
    "IA5 beyond ASCII": cn(b"attacke\xe9", 0x16), "no string": cn(b"\1", 0x01),
    "an OCTET STRING": cn(b"attacked", 0x04), "empty": cn(b""), "tag 0": cn(b"x", 0x00),
}


@pytest.mark.attack("N03")
@pytest.mark.parametrize("kind", NO_TEXT)
def test_what_is_no_text_of_its_type_is_refused(target, asks, kind):
    assert target.lab.send(asks(subject(NO_TEXT[kind])), target.ca).status == "failure"


TOO_LARGE = {
    "65 characters": subject(cn("a" * 65)), "64 KiB": subject(cn("a" * 65536)),
    "65 RDNs": subject(*[A] * 65), "1000 RDNs": subject(*[A] * 1000),
    "1000 in one RDN": subject(tuple(cn(str(n), attribute=UNIT) for n in range(1000))),
    "a country of 3": subject(cn("DEU", PRINTABLE, "2.5.4.6"), A),
    "1000 BMP characters": subject(cn("a".encode("utf-16-be") * 1000, BMP)),
}


@pytest.mark.attack("N05")
@pytest.mark.parametrize("what", TOO_LARGE)
def test_a_subject_over_the_bounds_is_refused(target, asks, what):
    target.refused(asks(TOO_LARGE[what]), "badRequest")


@pytest.mark.attack("N06")
def test_an_empty_subject_only_where_the_challenge_has_none(target, mdm):
    names = scep.subject_alt_name(("dns", "only.example"))

    def ask(claimed, asked, extensions):
        claims = mdm.claims(claimed, san=[{"type": "dns", "value": "only.example"}])
        csr = Csr(target.key, asked, mdm.blob(claims), extensions)
        return target.request(csr, signer=scep.self_signed(target.key))

    target.refused(ask("CN=attacked", subject(), [names]), "badRequest", "SubjectNameMissing")
    target.refused(ask("", subject(A), [names]), "badRequest", MISMATCH)
    target.refused(ask("", subject(), []), "badRequest", "SubjectAltNameMissing")
    issued = target.granted(ask("", subject(), [names])).certificate
    san = issued.extensions.get_extension_for_class(scep.x509.SubjectAlternativeName)
    assert not issued.subject.rdns and san.critical
