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
