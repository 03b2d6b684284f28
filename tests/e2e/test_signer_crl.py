"""What a signer asks of CRLs and of OCSP responders, when the server was taken over."""

import datetime
import hashlib
import shutil
import signal
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

import der
import scep_client
from harness import Lab, run
from signer_lab import Connection, frame, order, separated, spki

REASONS = {"revoked": x509.ReasonFlags.key_compromise, "held": x509.ReasonFlags.certificate_hold,
           "removed": x509.ReasonFlags.remove_from_crl}


class Forger:
    """A server that was taken over: it knows the CA's certificate and the signer's socket."""

    def __init__(self, path, source, **options):
        shutil.copytree(source, path)
        self.lab = Lab(path)
        self.signer = separated(self.lab, **options)
        self.ca = x509.load_pem_x509_certificate((path / "ca.pem").read_bytes())
        key = self.ca.public_key()
        # TBSCertList names the algorithm: any key of the same kind writes the same.
        self.key = (rsa.generate_private_key(65537, 2048) if isinstance(key, rsa.RSAPublicKey)
                    else ec.generate_private_key(key.curve))

    def tbs(self, number, entries=(), base=None, now=None, extensions=()):
        now = now or datetime.datetime.utcnow()
        builder = (x509.CertificateRevocationListBuilder().issuer_name(self.ca.subject)
                   .last_update(now).next_update(now + datetime.timedelta(days=7))
                   .add_extension(x509.CRLNumber(number), False)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
                       self.ca.public_key()), False))
        if base is not None:
            builder = builder.add_extension(x509.DeltaCRLIndicator(base), True)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        for serial, what in entries:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now)
                .add_extension(x509.CRLReason(REASONS[what]), False).build())
        return builder.sign(self.key, hashes.SHA256()).tbs_certlist_bytes

    def ask(self, *arguments, **options):
        return self.signer.ask(frame("crl", "lab", self.tbs(*arguments, **options)))

    def verify(self, signature, data, digest=None):
        digest = digest or hashes.SHA256()  # as tbs() names it
        key = self.ca.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), digest)
        else:
            key.verify(signature, data, ec.ECDSA(digest))

    def long_tbs(self, number, serials):
        """The same by hand: the library takes quadratic time for many entries."""
        short = self.tbs(number, [(1, "revoked")])
        start = short.index(der.integer(1) + b"\x17\x0d") - 2
        entry = short[start:start + 2 + short[start + 1]]
        time = entry[5:20]
        entries = b"".join(der.sequence(der.integer(serial), time) for serial in serials)
        content = short[2 + max(0, short[1] - 0x80):]
        before, after = content.split(der.tlv(0x30, entry))
        return der.tlv(0x30, before + der.tlv(0x30, entries) + after)


@pytest.fixture
def forger(templates, tmp_path):
    made = []

    def make(**options):
        made.append(Forger(tmp_path / f"forger{len(made)}", templates(), **options))
        return made[-1]

    yield make
    for each in made:
        try:
            each.signer.stop()
        finally:
            each.signer.kill()


def csr(key):
    return scep_client.Csr(key).der()


# -- deltas --------------------------------------------------------------------------------------

def test_a_delta_of_a_complete_crl_that_was_signed_here_is_signed(forger):
    made = forger()
    assert made.ask(5, [(7, "held"), (9, "revoked")]).kind == "signature"
    tbs = made.tbs(6, [(7, "removed"), (11, "revoked")], base=5)
    answer = made.signer.ask(frame("crl", "lab", tbs))
    assert answer.kind == "signature", answer.text
    made.verify(answer.fields[1][0], tbs)
    line = made.signer.audit("crl")[-1]
    assert (line["number"], line["base_number"], line["revoked"]) == ("06", "05", 2)


@pytest.mark.parametrize("number, entries, base, says", [
    (7, [(9, "revoked")], 4, "no complete CRL signed here"),
    (7, [(9, "revoked")], 6, "no complete CRL signed here"),  # a delta
    (6, [(9, "revoked")], 5, "number"),
    (7, [], 5, "leaves out certificate 0b"),
    (7, [(11, "held")], 5, "on hold"),
    (7, [(11, "removed")], 5, "takes back"),
    (7, [(11, "revoked"), (9, "removed")], 5, "takes back"),
])
def test_a_delta_takes_back_nothing_that_was_for_ever(forger, number, entries, base, says):
    made = forger()
    assert made.ask(5, [(9, "revoked")]).kind == "signature"
    assert made.ask(6, [(11, "revoked")], base=5).kind == "signature"
    answer = made.ask(number, entries, base=base)
    assert answer.code == "SignerCrlRefused" and says in answer.text, answer.text


def test_what_a_delta_revoked_stands_on_the_next_complete_crl_even_after_a_restart(forger):
    made = forger()
    assert made.ask(1).kind == "signature"
    assert made.ask(2, [(11, "revoked")], base=1).kind == "signature"
    made.signer.stop()
    made.signer.start()
    answer = made.ask(3)
    assert answer.code == "SignerCrlRefused" and "leaves out certificate 0b" in answer.text
    assert made.ask(4, [(11, "revoked")]).kind == "signature"


def test_a_complete_crl_has_the_number_of_the_delta_of_the_same_moment_and_no_other(forger):
    made = forger()
    assert made.ask(5).kind == "signature"
    now = datetime.datetime.utcnow()
    entries = [(9, "revoked")]
    assert made.ask(6, entries, base=5, now=now).kind == "signature"
    later = made.ask(6, entries, now=now + datetime.timedelta(seconds=5))
    assert later.code == "SignerCrlRefused" and "number" in later.text
    forgetful = made.ask(6, [], now=now)
    assert forgetful.code == "SignerCrlRefused" and "leaves out certificate 09" in forgetful.text
    twin = made.tbs(6, entries, now=now)
    assert made.signer.ask(frame("crl", "lab", twin)).kind == "signature"
    assert made.signer.ask(frame("crl", "lab", twin)).kind == "signature", "its answer was lost"
    for again in (made.ask(6, entries + [(11, "revoked")], now=now),
                  made.ask(6, entries, base=5, now=now)):
        assert again.code == "SignerCrlRefused" and "number" in again.text
    assert made.ask(7, entries, base=6).kind == "signature"


def test_a_crl_of_some_certificates_alone_is_not_signed(forger):
    made = forger()
    partial = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
    answer = made.ask(3, extensions=[(partial, True)])
    assert answer.code == "SignerCrlRefused" and "some certificates alone" in answer.text


def test_a_crl_names_no_other_places_than_the_certificates_do(forger):
    made = forger()
    complete, freshest = "http://pki.example/lab.crl", "http://pki.example/lab+.crl"
    made.signer.edit(lambda config: config["cas"]["lab"].update(
        crl_urls=[complete], freshest_crl_urls=["http://pki.example/lab%9.crl"]))
    made.signer.reload()
    described = made.signer.ask(frame("describe", "lab"))
    assert described.fields[3] == [complete.encode()]
    assert described.fields[4] == [freshest.encode()]

    def points(kind, url):
        uri = x509.UniformResourceIdentifier(url)
        if kind is x509.FreshestCRL:
            return kind([x509.DistributionPoint([uri], None, None, None)]), False
        return kind([uri], None, False, False, None, False, False), True

    for kind in (x509.FreshestCRL, x509.IssuingDistributionPoint):
        refused = made.ask(3, extensions=[points(kind, "http://other.example/x.crl")])
        assert refused.code == "SignerCrlRefused" and "urls" in refused.text
    good = made.ask(3, extensions=[points(x509.FreshestCRL, freshest),
                                   points(x509.IssuingDistributionPoint, complete)])
    assert good.kind == "signature", good.text


def test_crls_have_a_rate_of_their_own_that_lasts_over_a_restart(forger):
    made = forger(limits={"crls_per_hour": 2})
    assert [made.ask(number).kind for number in (1, 2)] == ["signature"] * 2
    third = made.ask(3)
    assert third.code == "SignerRateLimited" and third.temporary
    made.signer.stop()
    made.signer.start()
    assert made.ask(3).code == "SignerRateLimited"


# -- long ones -----------------------------------------------------------------------------------

def test_a_long_crl_is_signed_and_remembered_entry_by_entry(forger):
    made = forger()
    serials = range(1 << 60, (1 << 60) + 50_000)
    tbs = made.long_tbs(1, serials)
    assert len(tbs) > 1 << 20
    answer = made.signer.ask(frame("crl", "lab", tbs))
    assert answer.kind == "signature", answer.text
    made.verify(answer.fields[1][0], tbs)
    missing = [serial for serial in serials if serial != serials[31_000]]
    refused = made.signer.ask(frame("crl", "lab", made.long_tbs(2, missing)))
    assert refused.code == "SignerCrlRefused"
    assert f"leaves out certificate {serials[31_000]:x}" in refused.text
    assert made.signer.ask(frame("crl", "lab", made.long_tbs(2, serials))).kind == "signature"


def test_of_long_orders_one_is_taken_at_a_time_and_short_ones_pass_by(forger):
    made = forger()
    long_order = frame("crl", "lab", made.long_tbs(1, range(1 << 60, (1 << 60) + 50_000)))
    answers = []
    with Connection(made.signer.socket) as first, Connection(made.signer.socket) as second:
        first.send(long_order[:-1])
        other = threading.Thread(target=lambda: answers.append(second.ask(long_order)))
        other.start()
        assert made.signer.ask(frame("describe", "lab")).kind == "description"
        assert answers == []
        first.send(long_order[-1:])
        assert first.answer().kind == "signature"
        other.join(60)
    assert [answer.kind for answer in answers] == ["signature"]


# -- OCSP responders -----------------------------------------------------------------------------

def test_an_ocsp_responder_is_certified_for_that_alone(forger):
    made = forger()
    key = ec.generate_private_key(ec.SECP256R1())
    order = frame("responder", "lab", csr(key))
    answer = made.signer.ask(order)
    assert answer.kind == "issued", answer.text
    certificate = x509.load_der_x509_certificate(answer.fields[1][0])
    made.verify(certificate.signature, certificate.tbs_certificate_bytes,
                certificate.signature_hash_algorithm)
    extensions = certificate.extensions
    usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [x509.ExtendedKeyUsageOID.OCSP_SIGNING]
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert extensions.get_extension_for_class(x509.OCSPNoCheck)
    key_usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert key_usage.digital_signature and not key_usage.crl_sign and not key_usage.key_cert_sign
    assert certificate.not_valid_after - datetime.datetime.utcnow() <= datetime.timedelta(days=14)
    certified, own = (each.public_bytes(serialization.Encoding.DER,
                                        serialization.PublicFormat.SubjectPublicKeyInfo)
                      for each in (certificate.public_key(), key.public_key()))
    assert certified == own
    # What the request wants beside its key does not matter, and one key has one certificate.
    assert made.signer.ask(order).fields[1] == answer.fields[1]
    (line,) = made.signer.audit("certify_responder")
    assert int(line["serial"], 16) == certificate.serial_number


def test_ocsp_responders_have_a_rate_of_their_own(forger):
    made = forger(limits={"ocsp_responders_per_day": 1, "per_day": 1})
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    first, second = (frame("responder", "lab", csr(key)) for key in keys)
    assert made.signer.ask(first).kind == "issued"
    refused = made.signer.ask(second)
    assert refused.code == "SignerRateLimited" and refused.temporary
    made.signer.stop()
    made.signer.start()
    assert made.signer.ask(second).code == "SignerRateLimited"
    assert made.signer.ask(first).kind == "issued", "signed before"


def test_no_ocsp_responder_is_certified_for_a_key_that_others_have(forger, tmp_path):
    leaked, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    (tmp_path / "leaked").write_text(hashlib.sha256(spki(leaked)).hexdigest() + "\n")
    made = forger(rules={"subject": {"required": ["O"]},
                         "keys": {"blocked": [str(tmp_path / "leaked")]}})
    refused, issued = (made.signer.ask(frame("responder", "lab", csr(key))) for key in (leaked, other))
    assert refused.code == "RuleKeyBlocked", refused.text
    assert issued.kind == "issued", "the other rules are for devices"


def test_no_ocsp_responder_is_certified_for_a_key_without_its_proof(forger):
    made = forger()
    spoilt = bytearray(csr(ec.generate_private_key(ec.SECP256R1())))
    spoilt[-1] ^= 1
    assert made.signer.ask(frame("responder", "lab", bytes(spoilt))).code == "SignerProofInvalid"
    assert made.signer.ask(frame("responder", "lab", b"0")).code == "SignerProofInvalid"
    none = frame("responder", "other", csr(ec.generate_private_key(ec.SECP256R1())))
    assert made.signer.ask(none).code == "SignerCaUnknown"
    assert made.signer.audit("certify_responder") == []


# -- after signer.state was lost -------------------------------------------------------------------

def test_deltas_go_on_after_a_loss_of_the_signers_records_as_soon_as_there_is_a_complete_crl(
        new_lab, tmp_path):
    lab = new_lab(start=False)
    lab.edit(lambda config: config["cas"]["lab"].update(
        crl={"period": "7d", "overlap": "1d", "delta": {"period": "1h"}},
        freshest_crl_urls=["http://pki.example/crl/lab+.crl"]))
    signer = lab.signer or separated(lab)
    lab.signer = signer
    lab.start()
    serials = []
    for name in ("early", "late"):
        subject = f"CN={name},O=Example"
        made = run("enroll", "--url", lab.url, "--challenge", lab.challenge("--subject", subject),
                   "--subject", subject, "--out", tmp_path / name)
        assert made.returncode == 0, made.stderr
        serials.append(x509.load_pem_x509_certificate(
            (tmp_path / name / "cert.pem").read_bytes()).serial_number)

    def revoke(serial):
        done = run("cert", "revoke", f"{serial:x}", "--config", lab.config_file)
        assert done.returncode == 0, done.stderr

    def crl(path):
        reply = lab.get(path)
        assert reply.status == 200, reply
        return x509.load_der_x509_crl(reply.body)

    def number(of, extension=x509.CRLNumber):
        return of.extensions.get_extension_for_class(extension).value.crl_number

    before, delta = crl("/crl/lab.crl"), crl("/crl/lab+.crl")
    assert number(delta, x509.DeltaCRLIndicator) == number(before)
    signer.stop()
    for suffix in ("", "-wal", "-shm"):
        signer.state.with_name(signer.state.name + suffix).unlink(missing_ok=True)
    signer.start()
    revoke(serials[0])
    # Asked for first, where nothing is left that it could refer to.
    delta = crl("/crl/lab+.crl")
    complete = crl("/crl/lab.crl")
    base = number(delta, x509.DeltaCRLIndicator)
    assert number(before) < base <= number(complete), "the one before is not expired"
    assert [one.serial_number for one in complete] == serials[:1]
    revoke(serials[1])
    delta = crl("/crl/lab+.crl")
    assert number(delta, x509.DeltaCRLIndicator) == base
    assert [one.serial_number for one in delta] == serials[1:]
    assert "not published" not in lab.log()


# -- keys that others have -------------------------------------------------------------------------

@pytest.mark.attack("K03")
def test_a_key_whose_certificate_was_compromised_is_not_certified_whoever_asks(forger):
    made = forger()
    owner, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    first, spared = (made.signer.ask(order(key)) for key in (owner, other))
    serials = [x509.load_der_x509_certificate(each.fields[1][0]).serial_number
               for each in (first, spared)]
    assert made.ask(1, [(serials[0], "revoked"), (serials[1], "held")]).kind == "signature"
    refused = made.signer.ask(order(owner))
    assert refused.code == "KeyCompromised" and not refused.temporary, refused.text
    assert made.signer.ask(order(other)).kind == "issued"
    responders = [made.signer.ask(frame("responder", "lab", csr(key))) for key in (owner, other)]
    assert responders[0].code == "KeyCompromised", responders[0].text
    assert responders[1].kind == "issued"
    made.signer.stop()
    made.signer.start()
    assert made.signer.ask(order(owner)).code == "KeyCompromised", "after a restart"
    assert made.signer.audit("refuse")[-1]["code"] == "KeyCompromised"


@pytest.mark.attack("K03")
def test_a_key_that_is_compromised_while_it_is_signed_is_not_certified(new_lab, keys, tmp_path):
    lab = new_lab("--policy", "none", start=False)
    signer = separated(lab)
    lab.start()
    ca = lab.ca()
    made = lab.send(scep_client.pkcs_req(scep_client.Csr(keys(), scep_client.name("device")),
                                         [ca.encryption], transaction_id="before"), ca)
    message = scep_client.pkcs_req(scep_client.Csr(keys(), scep_client.name("device")),
                                   [ca.encryption], transaction_id="meanwhile")
    signer.process.send_signal(signal.SIGSTOP)
    replies = []
    device = threading.Thread(target=lambda: replies.append(lab.send(message, ca)))
    device.start()
    try:
        time.sleep(1)  # it is with the signer
        revoked = run("cert", "revoke", f"{made.certificate.serial_number:x}", "--reason",
                      "keyCompromise", "--config", lab.config_file)
        assert revoked.returncode == 0, revoked.stderr
    finally:
        signer.process.send_signal(signal.SIGCONT)
    device.join(60)
    signer.stop()
    assert [(each.status, each.fail_info) for each in replies] == [("failure", "badRequest")]
    assert lab.serials() == [made.certificate.serial_number]
    assert [line["code"] for line in lab.audit() if line["event"] == "refuse"] == ["KeyCompromised"]
