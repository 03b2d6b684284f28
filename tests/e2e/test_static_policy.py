"""One shared password: whoever knows it gets what the CSR asks for, within the template."""

import pytest
from cryptography import x509

import harness
import oids
import scep_client as scep
from scep_client import Csr, name, pkcs_req


def test_the_password_gives_what_the_CSR_asks_for(static_lab, password, keys):
    csr = Csr(keys(), name(("O", "Example"), ("CN", "anything")), password,
              [scep.subject_alt_name(("dns", "a.example"), ("dns", "b.example"),
                                     ("ip", bytes([192, 0, 2, 1])))])
    issued = static_lab.enrol(csr).certificate
    assert issued.subject == csr.subject
    san = issued.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert san.get_values_for_type(x509.DNSName) == ["a.example", "b.example"]
    assert [str(ip) for ip in san.get_values_for_type(x509.IPAddress)] == ["192.0.2.1"]
    eku = issued.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [e.dotted_string for e in eku] == ["1.3.6.1.5.5.7.3.2"], "the template's clientAuth"


@pytest.mark.attack("C13")
@pytest.mark.parametrize("wrong", [None, "", "wrong", "{}x", "x{}", "{0}{0}"])
def test_C13_a_wrong_password_gives_nothing(static_lab, password, keys, wrong):
    value = wrong if wrong is None else wrong.format(password)
    ca = static_lab.ca()
    before = static_lab.serials()
    message = pkcs_req(Csr(keys(), name("guess"), value), [ca.encryption],
                       transaction_id=f"guess-{len(wrong or '')}-{wrong is None}")
    reply = static_lab.send(message, ca)
    assert (reply.status, reply.fail_info) == ("failure", "badMessageCheck")
    assert static_lab.serials() == before
    line = [e for e in static_lab.audit() if e.get("transaction_id") == message.transaction_id][-1]
    assert line["event"] == "refuse" and line["code"]


@pytest.mark.attack("N11")
def test_N11_the_password_buys_no_CA_and_no_usage_of_an_agent(static_lab, password, keys):
    agent = scep.der.sequence(scep.der.oid("1.3.6.1.4.1.311.20.2.1"))
    reply = static_lab.enrol(Csr(keys(), name("climber"), password, [
        scep.BASIC_CONSTRAINTS_CA, (oids.EXTENDED_KEY_USAGE, False, agent)]))
    assert reply.status == "success"
    extensions = reply.certificate.extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert "1.3.6.1.4.1.311.20.2.1" not in [usage.dotted_string for usage in usages]


@pytest.mark.attack("N04", "N08")
@pytest.mark.parametrize("san", [
    ("dns", b"evil\0.example"), ("dns", b""), ("ip", b"12345"), ("email", b"a@b\r\nc"),
    ("uri", b"\xff\xfe")], ids=["NUL", "empty", "IP-5", "CRLF", "high"])
def test_N04_N08_names_that_are_none_are_refused(static_lab, password, keys, san):
    before = static_lab.serials()
    assert static_lab.enrol(Csr(keys(), name("names"), password,
                                [scep.subject_alt_name(san)])).status == "failure"
    assert static_lab.serials() == before


@pytest.mark.attack("N06")
def test_N06_neither_subject_nor_SAN_is_refused(static_lab, password, keys):
    assert static_lab.enrol(Csr(keys(), name(), password),
                            signer=scep.self_signed(keys())).status == "failure"


def attribute(kind, value):
    return scep.der.sequence(scep.der.oid(kind), scep.der.utf8(value))


@pytest.mark.attack("N01")
def test_N01_a_set_out_of_order_is_certified_in_DERs(static_lab, password, keys):
    """X.690 11.6: strict readers refuse a certificate that has it otherwise."""
    der, one, other = scep.der, attribute("2.5.4.3", "zz"), attribute("2.5.4.10", "a")
    unsorted = der.sequence(der.tlv(0x31, other + one))
    key = keys()
    reply = static_lab.enrol(Csr(key, unsorted, password), signer=scep.self_signed(key))
    assert reply.status == "success"
    issued = reply.certificate
    assert issued.subject.public_bytes() == der.sequence(der.tlv(0x31, min(one, other) +
                                                                 max(one, other)))


@pytest.mark.attack("N05", "N06")
@pytest.mark.parametrize("value", [scep.der.utf8(""), scep.der.utf8("   "), scep.der.tlv(0x1E, b"")],
                         ids=["empty", "blanks", "an empty BMPString"])
def test_N06_a_subject_of_nothing_is_refused(static_lab, password, keys, value):
    der, key, before = scep.der, keys(), static_lab.serials()
    common_name = der.sequence(der.oid("2.5.4.3"), value)
    for rdns in ([common_name], [common_name, attribute("2.5.4.10", "Example")]):
        subject = der.sequence(*(der.set_of(rdn) for rdn in rdns))
        reply = static_lab.enrol(Csr(key, subject, password), signer=scep.self_signed(key))
        assert (reply.status, reply.fail_info) == ("failure", "badRequest")
        assert static_lab.audit()[-1]["code"] == "SubjectNameInvalid"
    assert static_lab.serials() == before


COMMON_NAME, COUNTRY, SERIAL = "2.5.4.3", "2.5.4.6", "2.5.4.5"
EMAIL, DOMAIN = "1.2.840.113549.1.9.1", "0.9.2342.19200300.100.1.25"
UTF8, NUMERIC, PRINTABLE, T61, IA5, UNIVERSAL, BMP = 0x0C, 0x12, 0x13, 0x14, 0x16, 0x1C, 0x1E


def one(kind, tag, octets):
    return scep.der.sequence(scep.der.oid(kind), scep.der.tlv(tag, octets))


def ask_for(lab, password, key, *rdns):
    subject = scep.der.sequence(*(scep.der.set_of(rdn) if isinstance(rdn, bytes)
                                  else scep.der.set_of(*rdn) for rdn in rdns))
    return lab.enrol(Csr(key, subject, password), signer=scep.self_signed(key))


@pytest.mark.attack("N03")
@pytest.mark.parametrize("sent,issued", [
    ((COMMON_NAME, PRINTABLE, b"dev_17@x"), (UTF8, b"dev_17@x")),
    ((COMMON_NAME, NUMERIC, b"dev17"), (UTF8, b"dev17")),
    ((COMMON_NAME, IA5, b"dev17"), (UTF8, b"dev17")),
    ((COMMON_NAME, T61, b"M\xfcller"), (UTF8, "M\u00fcller".encode())),
    ((COMMON_NAME, UNIVERSAL, "dev17".encode("utf-32-be")), (UTF8, b"dev17")),
    ((COUNTRY, UTF8, b"DE"), (PRINTABLE, b"DE")), ((SERIAL, UTF8, b"A-17"), (PRINTABLE, b"A-17")),
    ((EMAIL, PRINTABLE, b"a@b.example"), (IA5, b"a@b.example")),
    ((DOMAIN, UTF8, b"example"), (IA5, b"example")),
    ((COMMON_NAME, PRINTABLE, b"dev 17"), (PRINTABLE, b"dev 17")),
    ((COMMON_NAME, BMP, "dev17".encode("utf-16-be")), (BMP, "dev17".encode("utf-16-be"))),
    ((COMMON_NAME, UTF8, b"dev_17"), (UTF8, b"dev_17"))],
    ids=["printable", "numeric", "ia5", "t61", "universal", "country", "serial", "email", "domain",
         "legal-printable", "legal-bmp", "legal-utf8"])
def test_N03_a_string_that_verifiers_cannot_read_is_mended(static_lab, password, keys, sent, issued):
    """RFC 5280 section 4.1.2.4 and appendix A; the same name by its section 7.1."""
    last = one("2.5.4.10", UTF8, b"Example")
    reply = ask_for(static_lab, password, keys(), last, one(*sent))
    assert reply.status == "success"
    assert reply.certificate.subject.public_bytes() == scep.der.sequence(
        scep.der.set_of(last), scep.der.set_of(one(sent[0], *issued)))


@pytest.mark.attack("N03", "N05")
@pytest.mark.parametrize("kind,tag,octets", [
    (COUNTRY, PRINTABLE, b"D"), (COUNTRY, PRINTABLE, b"1?"), (COUNTRY, UTF8, "\u00c4\u00d6".encode()),
    (EMAIL, UTF8, "\u00e4@b.example".encode()), (DOMAIN, UTF8, "\u00e4".encode()),
    (SERIAL, UTF8, "\u00e4".encode())],
    ids=["a-letter", "no-letters", "umlauts", "email", "domain", "serial"])
def test_N03_what_has_no_legal_form_is_refused(static_lab, password, keys, kind, tag, octets):
    before = static_lab.serials()
    reply = ask_for(static_lab, password, keys(), one(kind, tag, octets),
                    one(COMMON_NAME, UTF8, b"dev17"))
    assert (reply.status, reply.fail_info) == ("failure", "badRequest")
    assert static_lab.audit()[-1]["code"] == "SubjectNameInvalid"
    assert static_lab.serials() == before


@pytest.mark.attack("N03", "N05")
def test_N03_an_attribute_twice_in_one_RDN_is_refused(static_lab, password, keys):
    reply = ask_for(static_lab, password, keys(), (one(COMMON_NAME, UTF8, b"a"),
                                                   one(COMMON_NAME, PRINTABLE, b"A")))
    assert (reply.status, reply.fail_info) == ("failure", "badRequest")
    assert static_lab.audit()[-1]["code"] == "SubjectNameInvalid"


@pytest.mark.parametrize("content, said", [
    (b"\xef\xbb\xbfa long password\n", "begins with a byte order mark"),
    ("a long password".encode("utf-16"), "nobody can type"),
    (b"a long\x07 password\n", "nobody can type"),
    (b"a long password\na second line\n", "nobody can type"),
    (b"a long password \n", "a space at its beginning or end"),
    ("ein langes Paßwort\r\n".encode(), None),
])
def test_config_check_tells_what_an_editor_put_into_the_password(new_lab, content, said):
    lab = new_lab("--policy", "static", start=False)
    (lab.dir / "challenge-password").write_bytes(content)
    checked = harness.run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 0, checked.stderr
    assert ("policies.mdm.password" in checked.stderr) == (said is not None)
    assert said is None or said in checked.stderr
