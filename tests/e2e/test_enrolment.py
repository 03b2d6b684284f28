"""A device gets its certificate, whatever dialect of the protocol it speaks."""

import pytest
from cryptography import x509

import der
import harness
import oids
import scep_client as scep
from scep_client import Csr, name, pkcs_req


@pytest.fixture
def ask(static_lab, password, keys):
    """Enrols CN=dialect with the static password; options as in pkcs_req."""
    def send(**options):
        ca = static_lab.ca()
        csr = Csr(keys(), name("dialect"), password)
        recipients = options.pop("recipients", lambda ca: [ca.encryption])(ca)
        message = pkcs_req(csr, recipients, **options)
        return static_lab.send(message, ca), message
    return send


def test_a_device_with_a_blob_gets_exactly_what_the_blob_says(blob_lab, keys):
    challenge = blob_lab.challenge("--subject", "CN=laptop-7,O=Example", "--dns", "laptop-7.example",
                                   "--upn", "anna@example", "--key-usage", "both")
    csr = Csr(keys(), name(("O", "Example"), ("CN", "laptop-7")), challenge, [
        scep.subject_alt_name(("dns", "laptop-7.example"), ("upn", "anna@example")),
        scep.key_usage(0, 2)])
    reply = blob_lab.enrol(csr)

    assert reply.status == "success"
    issued = reply.certificate
    ca = blob_lab.ca()
    assert issued.subject == csr.subject
    assert issued.issuer == ca.ca.subject
    scep.assert_signed_by(ca.ca, issued)
    san = issued.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert san.get_values_for_type(x509.DNSName) == ["laptop-7.example"]
    assert [n.value for n in san.get_values_for_type(x509.OtherName)] == [der.utf8("anna@example")]
    usage = issued.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature and usage.value.key_encipherment
    assert not usage.value.key_cert_sign and not usage.value.crl_sign
    constraints = [e for e in issued.extensions if isinstance(e.value, x509.BasicConstraints)]
    assert not any(c.value.ca for c in constraints)
    assert 0 < issued.serial_number < 1 << 159
    assert issued.serial_number in blob_lab.serials()


@pytest.mark.parametrize("cipher", ["aes128", "aes192", "aes256", "des3"])
def test_A21_the_reply_uses_the_cipher_of_the_request(ask, cipher):
    reply, _ = ask(envelope={"cipher": cipher})
    assert reply.status == "success"
    assert der.oid(oids.CIPHER[cipher]) in reply.raw


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha384", "sha512"])
def test_A21_the_reply_uses_the_digest_of_the_request(ask, digest):
    assert ask(digest=digest)[0].status == "success"


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha512"])
def test_B31_the_signature_algorithm_may_be_plain_rsaEncryption(ask, digest):
    assert ask(digest=digest, signature_oid=oids.RSA)[0].status == "success"


@pytest.mark.parametrize("transport", ["pkcs1", "oaep-sha1", "oaep-sha256"])
def test_key_transport_may_be_pkcs1_or_oaep(ask, transport):
    assert ask(envelope={"transport": transport})[0].status == "success"


@pytest.mark.attack("S01")
@pytest.mark.parametrize("outer", [der.DER, der.Ber(), der.Ber(7)], ids=["DER", "BER", "BER-7"])
@pytest.mark.parametrize("inner", [der.DER, der.Ber(), der.Ber(7)], ids=["DER", "BER", "BER-7"])
def test_B33_S01_BER_is_read_and_DER_is_answered(ask, outer, inner):
    assert ask(encoding=outer, envelope={"encoding": inner})[0].status == "success"


def test_B27_the_signer_may_be_named_by_key_identifier(ask):
    assert ask(sid="ski")[0].status == "success"


def test_eContentType_may_be_envelopedData_as_Java_clients_send_it(ask):
    assert ask(content_type=oids.ENVELOPED_DATA)[0].status == "success"


@pytest.mark.parametrize("missing", [oids.SIGNING_TIME, oids.CONTENT_TYPE],
                         ids=["signingTime", "contentType"])
def test_attributes_that_real_clients_leave_out_may_be_missing(ask, missing):
    assert ask(leave_out=(missing,))[0].status == "success"


@pytest.mark.parametrize("size", [1, 15, 16, 17, 64])
def test_B22_a_nonce_of_another_length_is_echoed_as_it_is(ask, size):
    assert ask(sender_nonce=bytes(range(1, size + 1)))[0].status == "success"


@pytest.mark.parametrize("text", ["x", "EUI-00:11:22", "LJvw3XEomLnPa31UVin3m7k/AnU=", "A" * 255,
                                  "user_name@host", "CORP\\alice", "*", "%s <x>"])
def test_B13_B14_the_transaction_id_is_any_text_and_comes_back(ask, text):
    assert ask(transaction_id=text)[0].status == "success"


def test_one_of_several_recipients_is_ours(ask, keys):
    stranger = scep.self_signed(keys(1), name("stranger"))
    for order in (lambda ca: [ca.encryption, stranger], lambda ca: [stranger, ca.encryption],
                  lambda ca: [ca.signing, ca.encryption, ca.ca]):
        assert ask(recipients=order)[0].status == "success"


def test_E10_the_certificate_goes_to_the_signer_alone_whoever_else_is_in_the_bag(ask, keys):
    reply, message = ask(extra_certificates=[scep.self_signed(keys(1), name("eve"))])
    assert reply.status == "success"  # read_cert_rep insists on the one recipient
    assert scep.cert_key(reply.certificate) == scep.cert_key(message.signer)


def test_B21_the_transient_certificate_may_have_another_subject(ask, keys):
    reply, _ = ask(signer=scep.self_signed(keys(), name("somebody")))
    assert reply.status == "success"


@pytest.mark.parametrize("days", [-20, 3650])
def test_S17_dates_of_the_transient_certificate_do_not_matter(ask, keys, days):
    signer = scep.self_signed(keys(), name("dialect"), days) if days > 0 else expired(keys())
    assert ask(signer=signer)[0].status == "success"


def expired(key):
    import datetime
    then = datetime.datetime.utcnow() - datetime.timedelta(days=400)
    return (x509.CertificateBuilder().subject_name(name("dialect")).issuer_name(name("dialect"))
            .public_key(key.public_key()).serial_number(7).not_valid_before(then)
            .not_valid_after(then + datetime.timedelta(days=1)).sign(key, scep.hashes.SHA256()))


def test_GET_and_POST_give_the_same_answer(static_lab, password, keys):
    ca = static_lab.ca()
    message = pkcs_req(Csr(keys(), name("both-ways"), password), [ca.encryption])
    by_get = static_lab.open(static_lab.get(harness.get_target(message.der())), message, ca)
    by_post = static_lab.send(message, ca)
    assert by_get.status == by_post.status == "success"
    assert by_get.certificate == by_post.certificate, "T07: a retry gets the recorded certificate"
    sent = [scep._value(r.attributes[oids.SENDER_NONCE], 4, "") for r in (by_get, by_post)]
    assert sent[0] != sent[1], "B10: senderNonces are fresh"


@pytest.mark.parametrize("bits,template_usage", [
    ((0,), (True, False)), ((2,), (False, True)), ((0, 2), (True, True)), ((), (True, True))])
def test_the_key_usage_decides_the_template(static_lab, password, keys, bits, template_usage):
    csr = Csr(keys(), name("purpose"), password, [scep.key_usage(*bits)] if bits else [])
    issued = static_lab.enrol(csr).certificate
    usage = issued.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment) == template_usage


@pytest.mark.parametrize("string", [0x0C, 0x13, 0x16, 0x14],
                         ids=["UTF8", "Printable", "IA5", "T61"])
def test_C03_the_challenge_may_be_any_string_type(static_lab, password, keys, string):
    csr = Csr(keys(), name("strings"), password, challenge_string=string)
    assert static_lab.enrol(csr).status == "success"


@pytest.mark.parametrize("spelling", [oids.EXTENSION_REQUEST, oids.MS_EXTENSION_REQUEST,
                                      oids.VERISIGN_EXTENSION_REQUEST],
                         ids=["pkcs9", "microsoft", "verisign"])
def test_all_spellings_of_the_extension_request_count(static_lab, password, keys, spelling):
    csr = Csr(keys(), name("spelling"), password, [scep.subject_alt_name(("dns", "s.example"))],
              extension_request=spelling)
    issued = static_lab.enrol(csr).certificate
    san = issued.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert san.get_values_for_type(x509.DNSName) == ["s.example"]


def test_single_DES_works_only_behind_its_switch_and_is_answered_with_AES(new_lab, templates, keys):
    def allow(config):
        config["endpoints"][0]["algorithms"] = {"des": True}

    lab = new_lab("--policy", "static", edit=allow)
    source = next(iter(lab.config()["policies"].values()))["password"]["file"]
    csr = Csr(keys(), name("old"), (lab.dir / source).read_text().strip())
    reply = lab.enrol(csr, envelope={"cipher": "des"})
    assert reply.status == "success"
    assert der.oid(oids.CIPHER["aes128"]) in reply.raw
    assert b"DES\n" not in lab.get("/scep?operation=GetCACaps").body.replace(b"DES3\n", b"")
    assert "des" in lab.log().lower(), "it is warned about at start"
