"""What jscep (Java, Bouncy Castle) demands of a server, from its source: Client.java,
EnrollmentTransaction, PkiMessageDecoder, of 1.x to 2.5."""

from cryptography import x509

import der
import oids
import scep_client as scep

CAPS = "/scep?operation=GetCACaps"


def test_jscep_R_B10_a_senderNonce_is_never_seen_twice(static_lab, request_to):
    """It refuses one that it had before in this process, also in the reply to a retry."""
    message = request_to(static_lab, "nonces")
    replies = [static_lab.send(message) for _ in range(4)]
    assert len({r.attributes[oids.SENDER_NONCE] for r in replies}) == 4
    assert len({r.certificate.serial_number for r in replies}) == 1


def test_jscep_R_E08_an_empty_message_parameter_is_none(static_lab):
    for operation in ("GetCACaps", "GetCACert"):
        plain = static_lab.get(f"/scep?operation={operation}")
        empty = static_lab.get(f"/scep?operation={operation}&message=")
        assert (empty.status, empty.body) == (200, plain.body)


def test_jscep_R_D01_finds_its_keywords_as_it_spells_them(static_lab):
    """By exact case, line by line; POSTPKIOperation itself and not SCEPStandard makes it POST."""
    lines = static_lab.get(CAPS).body.decode().splitlines()
    assert {"AES", "DES3", "POSTPKIOperation", "SHA-256", "SHA-512", "Renewal"} <= set(lines)


def test_jscep_R_E13_every_answer_to_a_request_is_200(static_lab, request_to):
    """Any other status is a TransportException to it."""
    for message_type in ("19", "17", "20", "21", "22", "18"):
        message = request_to(static_lab, "always200", message_type=message_type)
        assert static_lab.post(message).status == 200


def test_jscep_R_O09_chooses_signer_recipient_and_issuer_by_usage_and_name(chained_lab):
    """Recipient: the first that is no CA and may encipher. Signer: the first that is no CA and may
    sign. Issuer: the CA that the recipient names, compared octet by octet."""
    ca = chained_lab.ca()

    def is_ca(c):
        found = [e.value.ca for e in c.extensions if isinstance(e.value, x509.BasicConstraints)]
        return any(found)

    plain = [c for c in ca.all if not is_ca(c)]
    usage = [c.extensions.get_extension_for_class(x509.KeyUsage).value for c in plain]
    recipient = next(c for c, u in zip(plain, usage) if u.key_encipherment)
    signer = next(c for c, u in zip(plain, usage) if u.digital_signature)
    assert (recipient, signer) == (ca.encryption, ca.signing)
    assert [c for c in ca.all if is_ca(c)
            and c.subject.public_bytes() == recipient.issuer.public_bytes()] == [ca.ca]


def test_jscep_R_B33_sends_indefinite_lengths_throughout(static_lab, request_to):
    message = request_to(static_lab, "bouncy", encoding=der.Ber(1000),
                         envelope={"encoding": der.Ber(1000)})
    assert static_lab.send(message).status == "success"


def test_jscep_numbers_its_look_ups_from_0(chained_lab, enrolled_at, keys):
    """So that one transactionID comes from many devices and for other messages."""
    ca = chained_lab.ca()
    for number in (0, 1):
        mine = enrolled_at(chained_lab, f"counter-{number}", number)
        same = dict(transaction_id="0")
        assert chained_lab.send(scep.get_cert(mine, ca, mine, keys(number), **same),
                                ca).certificates == [mine]
        assert chained_lab.send(scep.get_crl(mine, ca, mine, keys(number), **same),
                                ca).crl is not None
