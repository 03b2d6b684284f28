"""N07–N09: alternative names that the challenge does not give, or that are none."""

import pytest

import der
import oids
import scep_client as scep
from blob_maker import BlobMaker, explicit

CLAIMED = [{"type": "dns", "value": "a.example"}, {"type": "upn", "value": "mia@example"},
           {"type": "ip", "value": "192.0.2.1"}, {"type": "email", "value": "mia@a.example"},
           {"type": "uri", "value": "https://a.example/x"}]


def upn(octets, tag=0x0C, oid=oids.UPN):
    octets = octets.encode() if isinstance(octets, str) else octets
    return der.tlv(0xA0, der.oid(oid) + explicit(0, der.tlv(tag, octets)))


def dns(text):
    return der.tlv(0x82, text if isinstance(text, bytes) else text.encode())


def email(text):
    return der.tlv(0x81, text if isinstance(text, bytes) else text.encode())


def uri(text):
    return der.tlv(0x86, text if isinstance(text, bytes) else text.encode())


def ip(octets):
    return der.tlv(0x87, octets)


ADDRESS = bytes([192, 0, 2, 1])
RIGHT = [dns("a.example"), upn("mia@example"), ip(ADDRESS), email("mia@a.example"),
         uri("https://a.example/x")]


def with_one(number, other):
    return RIGHT[:number] + ([other] if other else []) + RIGHT[number + 1:]


@pytest.fixture
def asks(target):
    mdm = BlobMaker(target.lab)

    def make(names, critical=False, **claims):
        claims.setdefault("san", CLAIMED)
        csr = target.csr(challenge=mdm.blob(mdm.claims(**claims)), extensions=[
            (oids.SUBJECT_ALT_NAME, critical, der.tlv(0x30, b"".join(names)))])
        return target.request(csr)
    return make


@pytest.mark.attack("N07", "N08")
def test_the_names_that_are_changed_below_are_right_to_begin_with(target, asks):
    issued = target.granted(asks(RIGHT)).certificate
    in_another_order = target.granted(asks(RIGHT[::-1])).certificate
    kind = scep.x509.SubjectAlternativeName
    assert issued.extensions.get_extension_for_class(kind).value \
        == in_another_order.extensions.get_extension_for_class(kind).value, "as claimed"


DNS, UPN, IP, EMAIL, URI = range(5)
OTHERS = {
    "another user's UPN": with_one(UPN, upn("admin@example")),
    "a UPN in capitals": with_one(UPN, upn("MIA@example")),
    "two UPNs": RIGHT + [upn("admin@example")],
    "a UPN twice": RIGHT + [upn("mia@example")],
    "no UPN": with_one(UPN, None),
    "another's UPN as IA5": RIGHT + [upn("admin@example", 0x16)],
    "the UPN as another otherName": with_one(UPN, upn("mia@example", oid="1.2.3.4")),
    "another wildcard": with_one(DNS, dns("*.example")),
    "a name below": with_one(DNS, dns("x.a.example")),
    "a name above": with_one(DNS, dns("example")),
    "a trailing dot": with_one(DNS, dns("a.example.")),
    "punycode": with_one(DNS, dns("xn--a-ecp.example")),
    "an address mapped to IPv6": with_one(IP, ip(bytes(10) + b"\xff\xff" + ADDRESS)),
    "0.0.0.0": with_one(IP, ip(bytes(4))),
    "an address more": RIGHT + [ip(bytes([192, 0, 2, 2]))],
    "the address as a name": with_one(IP, dns("192.0.2.1")),
    "another's email": with_one(EMAIL, email("root@a.example")),
    "the email's local part in capitals": with_one(EMAIL, email("MIA@a.example")),
    "the email as UPN": with_one(EMAIL, upn("mia@a.example")),
    "user information": with_one(URI, uri("https://a.example@evil.example/x")),
    "another path": with_one(URI, uri("https://a.example/X")),
    "another scheme": with_one(URI, uri("http://a.example/x")),
}


@pytest.mark.attack("N07", "N08")
@pytest.mark.parametrize("what", OTHERS)
def test_other_names_than_the_challenges_are_refused(target, asks, what):
    # A trailing dot and an underscore are no host name at all, which is told first.
    target.refused(asks(OTHERS[what]), "badRequest")


KERBEROS = der.tlv(0xA0, der.oid("1.3.6.1.5.2.2") + explicit(0, der.sequence(
    explicit(0, der.tlv(0x1B, b"EXAMPLE")), explicit(1, der.sequence(
        explicit(0, der.integer(1)), explicit(1, der.sequence(der.tlv(0x1B, b"admin"))))))))
DIRECTORY = der.tlv(0xA4, scep.name("admin").public_bytes())
NO_NAMES = {
    "an address of 5 octets": ip(b"12345"), "of 8, with a mask": ip(ADDRESS + b"\xff" * 4),
    "of 32": ip(bytes(32)), "of none": ip(b""), "of 1000": ip(bytes(1000)),
    "a wildcard alone": dns("*"), "a wildcard within": dns("a*.example"),
    "an underscore": dns("_a.example"), "a space": dns("a .example"), "dots": dns("a..example"),
    "a label of 64": dns("a" * 64 + ".example"), "a host of 256": dns(".".join(["a" * 49] * 6)),
    "a host beyond ASCII": dns("ä.example"), "a host with NUL": dns(b"a.example\0.evil"),
    "an email with CR LF": email(b"a@b.example\r\nBcc: x@y"), "an email with two @": email("a@b@c"),
    "an email beyond ASCII": email("ä@b.example"), "an email with NUL": email(b"a@b\0.evil"),
    "punycode that overflows": email("a@xn--" + "a" * 600),
    "an email of dots (CVE-2022-3786)": email("a@" + "." * 1000),
    "a URI with a space": uri("https://a b/"), "a URI with a line break": uri("https://a\r\nb"),
    "a URI with NUL": uri(b"https://a\0b"), "a URI that is none": uri("a"),
    "a UPN with NUL": upn("mia@example\0.evil"), "a UPN as BMPString": upn(b"\0m\0@\0e", 0x1E),
    "a UPN as BOOLEAN": upn(b"\xff", 0x01), "a UPN that is not UTF-8": upn(b"mi\xff@example"),
    "a Kerberos principal": KERBEROS, "a directory name": DIRECTORY,
    "an x400Address (CVE-2023-0286)": der.tlv(0xA3, der.sequence(der.printable("x"))),
    "an x400Address that is a string": der.tlv(0xA3, b"x"),
    "an ediPartyName": der.tlv(0xA5, explicit(1, der.utf8("x"))),
    "a registeredID": der.tlv(0x88, b"\x2a\x03"), "an unknown tag": der.tlv(0x89, b"x"),
    "an otherName without a value": der.tlv(0xA0, der.oid("1.2.3.4")),
    "an empty otherName": der.tlv(0xA0, b""),
    "a name of 64 KiB": dns("a." * 32768 + "example"),
}


@pytest.mark.attack("N03", "N04", "N08")
@pytest.mark.parametrize("what", NO_NAMES)
def test_names_that_are_none_or_of_another_type_are_refused(target, asks, what):
    target.refused(asks(RIGHT + [NO_NAMES[what]]), "badRequest")


@pytest.mark.attack("N08")
def test_more_names_than_may_be_are_refused(target, asks):
    many = [dns(f"d{n}.example") for n in range(101)]
    target.refused(asks(many, san=[{"type": "dns", "value": f"d{n}.example"}
                                   for n in range(100)]), "badRequest")
    target.refused(asks([dns("a.example")] * 5000), "badRequest")
    target.refused(asks([]), "badRequest")


@pytest.mark.attack("N07")
def test_a_UPN_is_the_same_in_either_string_type_and_issued_as_UTF8(target, asks):
    issued = target.granted(asks(with_one(UPN, upn("mia@example", 0x16)))).certificate
    assert upn("mia@example") in scep.cert_der(issued)
