"""What a device may write into its SCEP attributes, and a certificate that only carries a key (attack
matrix S15 to S18)."""

import pytest

import der
import harness
import raw_x509
import scep_client as scep
from raw_cms import SignedData

HUGE_OID = b"\x06\x83\x01\x86\xa0" + b"\xff" * 99_999 + b"\x7f"

NO_IDS = {"NUL": "a\0b", "a line break": "a\r\nb", "an escape": "a\x1b[31mb", "DEL": "a\x7fb",
          "4 KiB": "a" * 4096, "256": "a" * 256, "empty": "", "a high octet": "a\xe4"}
ODD_IDS = {"SQL": "'; DROP TABLE certificates; --", "SQL in quotes": '" OR "1"="1',
           "a format": "%s%s%n%x%p", "a path": "../../../../etc/passwd", "an absolute path": "/etc/passwd",
           "a shell": "$(touch /tmp/x)`id`", "markup": "<script>alert(1)</script>", "JSON": '"},{"x":"',
           "a backslash": "a\\u0000\\n", "a formula": "=cmd|'/c calc'!A1", "255": "b" * 255,
           "blanks": "  a  "}


@pytest.mark.attack("S15")
@pytest.mark.parametrize("text", NO_IDS, ids=lambda t: t.replace(" ", "-"))
def test_a_transactionID_that_is_no_text_is_400(target, text):
    target.nobody(target.request(transaction_id=NO_IDS[text]))


@pytest.mark.attack("S15")
@pytest.mark.parametrize("text", ODD_IDS, ids=lambda t: t.replace(" ", "-"))
def test_any_other_transactionID_is_a_name_and_nothing_else(target, text):
    """Devices have odd ones; it comes back as it was, in reply, store, audit file and list."""
    files = {file.name for file in target.lab.dir.iterdir()}
    message = target.request(transaction_id=ODD_IDS[text])
    issued = target.granted(message).certificate
    line = [e for e in target.lab.audit() if e.get("transaction_id") == ODD_IDS[text]][-1]
    assert line["event"] == "issue"
    listed = [row for row in target.lab.certificates()
              if int(row["serial"], 16) == issued.serial_number]
    assert listed[0]["transaction_id"] == ODD_IDS[text]
    assert {file.name for file in target.lab.dir.iterdir()} <= files | {
        "scepgate.db-wal", "scepgate.db-shm"}


SPELLINGS = ["", " 19", "19 ", "019", "+19", "-19", "19\n", "1 9", "0x13", "19.0", "1e1", "PKCSReq", "19,17",
             "\u00b9\u2079".encode().decode("latin-1"), "1" * 100, "4294967315", "18446744073709551635"]


@pytest.mark.attack("S16")
@pytest.mark.parametrize("part", range(4))
def test_no_number_but_19_and_17_leads_to_a_certificate(target, part):
    """18 was another product's way past its checks (CVE-2026-30836)."""
    for number in range(part, 256, 4):
        if number in (17, 19):
            continue
        message = target.request(message_type=str(number))
        reply = target.lab.open(target.post(message), message, target.ca)
        assert reply.status == "failure", number
        if number not in (20, 21, 22):
            assert reply.fail_info == "badRequest", number


@pytest.mark.attack("S16")
@pytest.mark.parametrize("spelling", SPELLINGS, ids=repr)
def test_no_other_spelling_of_19_leads_to_a_certificate(target, spelling):
    target.refused(target.request(message_type=spelling), "badRequest", "MessageTypeUnsupported")


@pytest.mark.attack("S17")
@pytest.mark.parametrize("options", [
    {"days": (-900, -800)}, {"days": (800, 900)}, {"version": 1}, {"serial": 0}, {"serial": b"\x02\x01\xff"},
    {"extensions": [("1.2.3.4", True, b"\x05\x00")]}, {"extensions": [("1.2.3.4", False, bytes(20_000))]},
    {"signature": b"not a signature"}], ids=lambda o: next(iter(o)))
def test_a_transient_certificate_carries_a_key_and_nothing_else(target, options):
    """RFC 8894 section 2.3: neither its dates nor its own signature say anything."""
    message, octets = signed_by(target, **options)
    target.oracle.will_issue()
    reply = target.post(octets)
    assert (reply.status, reply.content_type) == (200, "application/x-pki-message")
    told = [e for e in target.lab.audit() if e.get("transaction_id") == message.transaction_id][-1]
    assert told["event"] == "issue", told
    target.challenge = target.new_challenge()


def signed_by(target, **options):
    """A request by a certificate of these options: message, octets."""
    spki = scep.cert_key(target.key)
    certificate = raw_x509.Certificate(spki, target.key, **options)
    message = target.request()
    data = SignedData.of(message).change(certificates=[certificate.der])
    return message, data.change_signer(sid=certificate.reference).der()


@pytest.mark.attack("S17")
def test_a_transient_certificate_over_the_limit_is_400(target):
    _, octets = signed_by(target, extensions=[("1.2.3.4", False, bytes(70_000))])
    target.nobody(octets)


@pytest.mark.attack("S18")
def test_an_identifier_of_100_KB_costs_its_octets_and_is_not_spelled_out(target):
    message = target.request()
    data = SignedData.of(message)
    own = data.signers[0].attributes
    target.refused(message, "badAlg", "DigestUnsupported", octets=SignedData.of(message).change_signer(
        digest=der.sequence(HUGE_OID, der.NULL)).der())
    target.refused(message, "badAlg", "SignatureAlgorithmUnsupported", octets=SignedData.of(
        message).change_signer(algorithm=der.sequence(HUGE_OID, der.NULL)).der())
    huge = der.sequence(HUGE_OID, der.tlv(0x31, der.NULL))
    hostile = target.csr(attributes=[huge], challenge="wrong")
    log = len(target.lab.log())
    target.refused(target.request(hostile), "badMessageCheck")
    target.post(data.change_signer(attributes=sorted([*own, huge]), signature=bytes(256)).der())
    typed = der.sequence(HUGE_OID, der.tlv(0xA0, der.octets(b"x")))
    target.nobody(der.sequence(HUGE_OID, der.tlv(0xA0, data.der())))
    target.refused(target.around(typed), "badRequest")
    assert len(target.lab.log()) - log < 20_000, "nor does it fill the log"
    assert harness.PATH in target.lab.log()
