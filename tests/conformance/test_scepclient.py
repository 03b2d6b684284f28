"""What micromdm's scepclient (Go) demands of a server, from its source: cmd/scepclient, scep.go."""

import base64

import scep_client as scep
from conformance_lab import password_of
from scep_client import Csr, name


def test_scepclient_renews_with_the_same_key_id_and_request(static_lab, request_to, keys):
    """It keeps csr.pem beside the key: the first request comes again, old challenge and all, now as
    a RenewalReq signed by the certificate, under the same transactionID."""
    csr = Csr(keys(), name("micromdm"), password_of(static_lab))
    octets = csr.der()
    csr.der = lambda: octets
    first = request_to(static_lab, csr=csr, transaction_id="micromdm-id")
    old = static_lab.send(first).certificate
    again = scep.renewal_req(csr, [static_lab.ca().encryption], old, keys(),
                             transaction_id="micromdm-id")
    new = static_lab.send(again)
    assert new.status == "success"
    assert new.certificate.serial_number != old.serial_number
    assert static_lab.send(first).certificate == old


def test_scepclient_R_E06_puts_the_message_first_and_as_base64url(static_lab, request_to):
    message = request_to(static_lab, "urlsafe")
    text = base64.urlsafe_b64encode(message.der()).decode()
    reply = static_lab.get(f"/scep?message={text}&operation=PKIOperation")
    assert static_lab.open(reply, message).status == "success"


def test_scepclient_envelopes_to_all_certificates_of_GetCACert(chained_lab, keys):
    ca = chained_lab.ca()
    csr = Csr(keys(), name("to-all"), password_of(chained_lab))
    message = scep.pkcs_req(csr, ca.all, transaction_id="to-all")
    assert chained_lab.send(message, ca).status == "success"


def test_scepclient_sends_the_same_octets_while_pending(approval_lab, request_to):
    message = request_to(approval_lab, "go-pending")
    octets = message.der()
    for _ in range(3):
        assert approval_lab.open(approval_lab.post(octets), message).status == "pending"
