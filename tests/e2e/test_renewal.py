"""An existing certificate in place of a challenge, and asking for certificates and CRLs."""

import contextlib
import datetime
import hashlib
import sqlite3

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.x509.name import _ASN1Type

import harness
import scep_client as scep
from scep_client import Csr, name

SAN = scep.subject_alt_name(("dns", "renew.example"))
SUBJECT = name("renew")


@pytest.fixture
def renewing_lab(new_lab):
    """A lab whose endpoint has these renewal settings."""
    def make(policy=(), templates=None, **settings):
        def edit(config):
            config["endpoints"][0]["renewal"] = settings
            for template in config["templates"].values():
                template.update(templates or {})

        return new_lab(*policy, edit=edit)
    return make


def enrol(lab, key, *, san=SAN, subject="CN=renew"):
    challenge = lab.challenge("--subject", subject, "--dns", "renew.example", "--key-usage", "both")
    reply = lab.enrol(Csr(key, SUBJECT, challenge, [san, scep.key_usage(0, 2)]))
    assert reply.status == "success"
    return reply.certificate


def renewal(lab, old, old_key, new_key, *, subject=SUBJECT, san=SAN, usage=(0, 2), challenge=None,
            **options):
    wanted = ([san] if san else []) + ([scep.key_usage(*usage)] if usage else [])
    csr = Csr(new_key, subject, challenge, wanted)
    return scep.renewal_req(csr, [lab.ca().encryption], old, old_key, **options)


def refused_with(lab, message):
    before = lab.serials()
    reply = lab.send(message)
    assert reply.status == "failure"
    assert lab.serials() == before
    line = [e for e in lab.audit() if e.get("transaction_id") == message.transaction_id][-1]
    assert line["event"] == "refuse"
    if line["code"].startswith("Renewal") and line["code"] != "RenewalSignerUnknown":
        assert line["check"] == "renewal"
    return reply.fail_info, line["code"]


@pytest.mark.attack("G07")
@pytest.mark.parametrize("message_type", ["17", "19"])
@pytest.mark.parametrize("new", [0, 1], ids=["same-key", "new-key"])
def test_T11_T12_a_certificate_of_ours_gets_the_next_one(lab, keys, message_type, new):
    old = enrol(lab, keys())
    message = renewal(lab, old, keys(), keys(new), message_type=message_type)
    reply = lab.send(message)
    assert reply.status == "success"
    assert reply.certificate.subject == old.subject
    assert reply.certificate.serial_number != old.serial_number
    extension = scep.x509.SubjectAlternativeName
    assert reply.certificate.extensions.get_extension_for_class(extension) \
        == old.extensions.get_extension_for_class(extension)
    line = [e for e in lab.audit() if e["event"] == "issue"][-1]
    assert line["policy"] == "renewal"
    assert lab.send(message).certificate == reply.certificate, "G07: a retry gets the same"


def test_D03_renewal_is_advertised_only_where_it_works(lab, new_lab):
    assert b"Renewal\n" in lab.get("/scep?operation=GetCACaps").body
    other = new_lab(edit=lambda config: config["endpoints"][0].pop("renewal", None))
    assert b"Renewal" not in other.get("/scep?operation=GetCACaps").body


def test_without_the_setting_no_certificate_replaces_a_challenge(new_lab, keys):
    lab = new_lab(edit=lambda config: config["endpoints"][0].pop("renewal", None))
    old = enrol(lab, keys())
    fail_info, _ = refused_with(lab, renewal(lab, old, keys(), keys(1)))
    assert fail_info == "badRequest"
    _, code = refused_with(lab, renewal(lab, old, keys(), keys(1), message_type="19",
                                        transaction_id="by-19"))
    assert code == "SignerKeyMismatch"


CHANGES = {
    "another subject": (dict(subject=name("other")), "RenewalSubjectMismatch"),
    "no subject": (dict(subject=name()), "RenewalSubjectMismatch"),
    "one SAN more": (dict(san=scep.subject_alt_name(("dns", "renew.example"),
                                                    ("dns", "more.example"))),
                     "RenewalSubjectAltNameMismatch"),
    "another purpose": (dict(usage=(0,)), "RenewalKeyUsageMismatch"),
}


@pytest.mark.attack("G03")
@pytest.mark.parametrize("change", CHANGES, ids=lambda c: c.replace(" ", "-"))
def test_G03_a_renewal_gives_nothing_new(lab, keys, change):
    options, code = CHANGES[change]
    old = enrol(lab, keys())
    assert refused_with(lab, renewal(lab, old, keys(), keys(1), **options)) == ("badRequest", code)


GUARDED = {"key_usage": ["digitalSignature"], "extended_key_usage": ["clientAuth"], "approval": True}


def guarded(config):
    """A general_purpose template that needs an operator, of which certificates have digitalSignature
    alone, beside a signature template that needs none; the MDM's signer may grant the first."""
    config["templates"]["Guarded"] = GUARDED
    config["endpoints"][0]["templates"] |= {"general_purpose": "Guarded"}
    policy = config["policies"]["mdm"]
    signers = policy["trusted_signers"]
    signer = signers[0] if isinstance(signers, list) else signers
    policy["trusted_signers"] = [{"certificate": signer, "name": "wifi", "templates": ["Guarded"]}]


@pytest.mark.attack("G03")
@pytest.mark.parametrize("rule", ["ignored", "required"])
def test_G03_a_key_usage_chooses_no_template_past_approval(new_lab, keys, rule):
    def edit(config):
        guarded(config)
        config["endpoints"][0]["renewal"] = {"challenge": rule}

    lab = new_lab(edit=edit)
    ca = lab.ca()

    def challenge(*usage):
        return lab.challenge("--subject", "CN=renew", *usage)

    first = scep.pkcs_req(Csr(keys(), SUBJECT, challenge("--template", "Guarded")), [ca.encryption])
    assert lab.send(first, ca).status == "pending"
    approve(lab, first)
    old = lab.send(scep.cert_poll(first, ca), ca).certificate
    # Copied from the old certificate, as clients do, or thought up by whoever has it.
    word = challenge("--key-usage", "signature") if rule == "required" else None
    message = renewal(lab, old, keys(), keys(1), san=None, usage=(0,), challenge=word)
    assert lab.send(message, ca).status == "pending"
    approve(lab, message)
    assert lab.send(scep.cert_poll(message, ca), ca).status == "success"
    assert {row["template"] for row in lab.certificates()} == {"Guarded"}


@pytest.mark.attack("G03")
def test_G03_an_EC_certificate_is_renewed_under_its_template_whatever_usage_it_has(new_lab, keys):
    def edit(config):
        config["endpoints"][0].update(renewal={}, algorithms={"ec_password_recipient": True})

    lab = new_lab(edit=edit)
    key = ec.generate_private_key(ec.SECP256R1())
    challenge = lab.challenge("--subject", "CN=renew", "--key-usage", "both")
    old = lab.enrol(Csr(key, SUBJECT, challenge, [scep.key_usage(0, 2)])).certificate
    for usage in ((0,), (0, 2), ()):
        message = renewal(lab, old, key, keys(1), san=None, usage=usage, challenge="a password",
                          transaction_id=f"with-{usage}")
        assert lab.send(message).status == "success"
    assert {row["template"] for row in lab.certificates()} == {"DeviceGeneral"}
    message = renewal(lab, old, key, keys(1), san=None, usage=(2,), challenge="a password",
                      transaction_id="another-usage")
    assert refused_with(lab, message) == ("badRequest", "RenewalKeyUsageMismatch")


@pytest.mark.attack("G01")
def test_G01_A17_a_look_alike_of_another_issuer_renews_nothing(lab, new_lab, keys):
    old = enrol(lab, keys())
    look_alike = scep.self_signed(keys(1), old.subject)
    fail_info, code = refused_with(lab, renewal(lab, look_alike, keys(1), keys(1)))
    assert (fail_info, code) == ("badRequest", "RenewalSignerUnknown")
    foreign = new_lab("--ca-name", "Foreign")
    twin = enrol(foreign, keys(1))
    fail_info, code = refused_with(lab, renewal(lab, twin, keys(1), keys(1), transaction_id="twin"))
    assert (fail_info, code) == ("badRequest", "RenewalSignerUnknown")


@pytest.mark.attack("G02")
def test_G02_a_revoked_certificate_renews_nothing(lab, keys):
    old = enrol(lab, keys())
    revoked = harness.run("cert", "revoke", format(old.serial_number, "x"), "--reason",
                          "keyCompromise", "--config", lab.config_file)
    assert revoked.returncode == 0, revoked.stderr
    assert refused_with(lab, renewal(lab, old, keys(), keys(1))) \
        == ("badRequest", "RenewalSignerRevoked")


@pytest.mark.attack("G04")
def test_G04_an_RA_certificate_renews_nothing(lab, keys):
    ca = lab.ca()
    ra_key = scep.serialization.load_pem_private_key((lab.dir / "ra-signing.key").read_bytes(), None)
    message = renewal(lab, ca.signing, ra_key, keys(1), subject=ca.signing.subject)
    assert refused_with(lab, message) == ("badRequest", "RenewalSignerUnknown")


@pytest.mark.attack("G05")
def test_G05_renewal_waits_for_its_window(renewing_lab, keys):
    lab = renewing_lab(window="30d")
    old = enrol(lab, keys())
    assert refused_with(lab, renewal(lab, old, keys(), keys(1))) == ("badRequest",
                                                                     "RenewalTooEarly")
    lab = renewing_lab(window="30d", templates={"validity": "29d"})
    old = enrol(lab, keys())
    assert lab.send(renewal(lab, old, keys(), keys(1))).status == "success"


def test_A19_the_old_key_only_where_it_may_be_used_again(renewing_lab, keys):
    lab = renewing_lab(same_key=False)
    old = enrol(lab, keys())
    assert refused_with(lab, renewal(lab, old, keys(), keys())) == ("badRequest", "RenewalSameKey")
    assert lab.send(renewal(lab, old, keys(), keys(1))).status == "success"


@pytest.mark.attack("G05")
def test_G05_newest_only_leaves_one_certificate_that_can_be_renewed(renewing_lab, keys):
    lab = renewing_lab(newest_only=True)
    old = enrol(lab, keys())
    new = lab.send(renewal(lab, old, keys(), keys(1))).certificate
    assert refused_with(lab, renewal(lab, old, keys(), keys(1), transaction_id="late")) \
        == ("badRequest", "RenewalSuperseded")
    assert lab.send(renewal(lab, new, keys(1), keys(), transaction_id="next")).status == "success"


def two_names(lab, keys, key):
    """A certificate with two DNS names, for a challenge of its own."""
    challenge = lab.challenge("--subject", "CN=renew", "--dns", "renew.example", "--dns",
                              "more.example", "--key-usage", "both")
    reply = lab.enrol(Csr(keys(key), SUBJECT, challenge, [TWO, scep.key_usage(0, 2)]))
    assert reply.status == "success"
    return reply.certificate


TWO = scep.subject_alt_name(("dns", "renew.example"), ("dns", "more.example"))
OTHERWISE = {"other-order": (("dns", "more.example"), ("dns", "renew.example")),
             "other-case": (("dns", "RENEW.example"), ("dns", "more.example")),
             "one-less": (("dns", "more.example"),)}


@pytest.mark.attack("G05")
@pytest.mark.parametrize("names", OTHERWISE)
def test_G05_no_spelling_of_names_escapes_the_owners_new_certificate(renewing_lab, keys, names):
    lab = renewing_lab(newest_only=True)
    san = scep.subject_alt_name(*OTHERWISE[names])
    stolen = two_names(lab, keys, 0)
    thiefs = lab.send(renewal(lab, stolen, keys(), keys(1), san=san)).certificate
    two_names(lab, keys, 0)
    again = renewal(lab, thiefs, keys(1), keys(1), san=san, transaction_id="again")
    assert refused_with(lab, again) == ("badRequest", "RenewalSuperseded")


@pytest.fixture
def as_asked_lab(renewing_lab, keys):
    """Where a password is enough for whatever names the CSR has, and newest_only holds; and what
    enrols there."""
    def make(rule):
        lab = renewing_lab(("--policy", "static"), newest_only=True, challenge=rule)
        file = next(iter(lab.config()["policies"].values()))["password"]["file"]
        password = (lab.dir / file).read_text().strip()

        def csr(key, names, subject):
            return Csr(keys(key), subject, password,
                       [scep.subject_alt_name(*names), scep.key_usage(0, 2)])

        def enrol(key, names, subject, number):
            reply = lab.enrol(csr(key, names, subject), transaction_id=f"enrol-{number}")
            assert reply.status == "success"
            return reply.certificate

        return lab, csr, enrol
    return make


BOTH = (("dns", "renew.example"), ("dns", "more.example"))
SPELT = {"other-order": (BOTH[::-1], SUBJECT), "other-case": (BOTH, name("RENEW")),
         "other-case-of-a-name": ((("dns", "RENEW.example"), BOTH[1]), SUBJECT),
         "other-string-type": (BOTH, x509.Name([x509.NameAttribute(
             x509.NameOID.COMMON_NAME, "renew", _type=_ASN1Type.PrintableString)])),
         "more-spaces": (BOTH, name(" renew "))}


@pytest.mark.attack("G05")
@pytest.mark.parametrize("spelling", SPELT)
def test_G05_no_spelling_that_a_policy_grants_escapes_the_newest(as_asked_lab, keys, spelling):
    names, subject = SPELT[spelling]
    lab, csr, enrol = as_asked_lab("required")
    to = [lab.ca().encryption]
    stolen = enrol(0, BOTH, SUBJECT, "stolen")
    first = scep.renewal_req(csr(1, names, subject), to, stolen, keys(), transaction_id="first")
    thiefs = lab.send(first).certificate
    assert thiefs.subject.public_bytes() == stolen.subject.public_bytes(), "as it was"
    enrol(0, BOTH, SUBJECT, "owner")
    again = scep.renewal_req(csr(1, names, subject), to, thiefs, keys(1), transaction_id="again")
    assert refused_with(lab, again) == ("badRequest", "RenewalSuperseded")


@pytest.mark.attack("G05")
@pytest.mark.parametrize("spelling", SPELT)
def test_G05_however_the_owner_spells_names_the_stolen_certificate_is_older(as_asked_lab, keys,
                                                                           spelling):
    names, subject = SPELT[spelling]
    lab, csr, enrol = as_asked_lab("ignored")
    stolen = enrol(0, BOTH, SUBJECT, "stolen")
    enrol(1, names, subject, "owner")
    renews = scep.renewal_req(csr(1, BOTH, SUBJECT), [lab.ca().encryption], stolen, keys(),
                              transaction_id="renews")
    assert refused_with(lab, renews) == ("badRequest", "RenewalSuperseded")


@pytest.mark.attack("G05")
def test_G05_a_policy_that_grants_other_names_renews_nothing(as_asked_lab, keys):
    lab, csr, enrol = as_asked_lab("required")
    old = enrol(0, BOTH, SUBJECT, "first")
    fewer = scep.renewal_req(csr(1, BOTH[1:], SUBJECT), [lab.ca().encryption], old, keys(),
                             transaction_id="fewer")
    assert refused_with(lab, fewer) == ("badRequest", "RenewalSubjectAltNameMismatch")


@pytest.mark.attack("G05")
def test_G05_taking_the_newest_back_makes_no_older_one_good_again(renewing_lab, keys):
    lab = renewing_lab(newest_only=True)
    stolen, newest = enrol(lab, keys(1)), enrol(lab, keys())
    held = harness.run("cert", "hold", format(newest.serial_number, "x"), "--config",
                       lab.config_file)
    assert held.returncode == 0, held.stderr
    assert refused_with(lab, renewal(lab, stolen, keys(1), keys(1))) \
        == ("badRequest", "RenewalSuperseded")


@pytest.mark.attack("G03")
def test_G03_a_renewal_chooses_no_subject_among_its_names(renewing_lab, keys):
    lab = renewing_lab(templates={"subject": "CN={dns}"})
    old = two_names(lab, keys, 0)
    for number, names in enumerate(OTHERWISE.values()):
        message = renewal(lab, old, keys(), keys(1), subject=old.subject,
                          san=scep.subject_alt_name(*names), transaction_id=f"swap-{number}")
        assert lab.send(message).certificate.subject == old.subject == name("renew.example")


@pytest.fixture
def moved_lab(new_lab, keys):
    """A lab that has moved to a new CA, and a certificate of the old one, which had 30 days left."""
    def make(*limits, **settings):
        lab = new_lab(start=False)

        def run(*arguments):
            done = harness.run(*arguments[:2], "--config", lab.config_file, *arguments[2:])
            assert done.returncode == 0, done.stderr

        run("ca", "create", "--ca", "old", "--root", "--ca-name", "Old CA", "--validity", "30d")
        lab.edit(lambda config: config["endpoints"][0].update(ca="old", renewal=settings))
        run("ca", "ra", "--ca", "old")
        lab.start()
        challenge = lab.challenge("--subject", "CN=renew", "--dns", "renew.example", "--key-usage",
                                  "both", *limits)
        old = lab.enrol(Csr(keys(1), SUBJECT, challenge, [SAN, scep.key_usage(0, 2)])).certificate
        lab.stop()
        run("ca", "create", "--ca", "new", "--root", "--ca-name", "New CA")
        lab.edit(lambda config: config["endpoints"][0].update(
            ca="new", renewal=settings | {"previous_cas": ["old.pem"]}))
        run("ca", "ra", "--ca", "new")
        lab.start()
        return lab, old
    return make


def days(certificate):
    return (certificate.not_valid_after - certificate.not_valid_before).days


@pytest.mark.attack("G03")
@pytest.mark.parametrize("limits,expected", [(("--max-validity", "60d"), 60), ((), 365)],
                         ids=["limited", "not-limited"])
def test_G03_a_limit_outlives_the_end_of_the_CA(moved_lab, keys, limits, expected):
    lab, old = moved_lab(*limits)
    assert days(old) <= 30
    new = lab.send(renewal(lab, old, keys(1), keys(1))).certificate
    assert days(new) == expected
    third = lab.send(renewal(lab, new, keys(1), keys(), transaction_id="third")).certificate
    assert days(third) == expected


@pytest.mark.attack("G03")
@pytest.mark.parametrize("limits,expected", [(("--max-validity", "60d"), 60), ((), 365)],
                         ids=["limited", "not-limited"])
def test_G03_a_limit_outlives_the_end_of_a_CA_that_keeps_its_name(new_lab, keys, limits, expected):
    lab = new_lab(start=False)

    def run(*arguments):
        done = harness.run(*arguments[:2], "--config", lab.config_file, *arguments[2:])
        assert done.returncode == 0, done.stderr

    run("ca", "create", "--ca", "short", "--root", "--ca-name", "Short CA", "--validity", "30d")
    lab.edit(lambda config: config["endpoints"][0].update(ca="short", renewal={}))
    run("ca", "ra", "--ca", "short")
    lab.start()
    challenge = lab.challenge("--subject", "CN=renew", "--dns", "renew.example", "--key-usage",
                              "both", *limits)
    old = lab.enrol(Csr(keys(1), SUBJECT, challenge, [SAN, scep.key_usage(0, 2)])).certificate
    assert days(old) <= 30
    lab.stop()
    run("ca", "renew", "--ca", "short", "--validity", "3650d")
    run("ca", "renew", "--ca", "short", "--validity", "7300d")
    run("ca", "ra", "--ca", "short")
    lab.start()
    new = lab.send(renewal(lab, old, keys(1), keys(1))).certificate
    assert days(new) == expected
    third = lab.send(renewal(lab, new, keys(1), keys(), transaction_id="third")).certificate
    assert days(third) == expected


@pytest.mark.attack("G05")
def test_G05_a_certificate_of_the_new_CA_takes_the_place_of_the_old_ones(moved_lab, keys):
    lab, old = moved_lab(newest_only=True)
    renewed = lab.send(renewal(lab, old, keys(1), keys(1))).certificate
    # Renewed, it is the newest itself.
    again = renewal(lab, renewed, keys(1), keys(1), transaction_id="again")
    assert lab.send(again).status == "success"
    lab, old = moved_lab(newest_only=True)
    enrol(lab, keys())
    assert refused_with(lab, renewal(lab, old, keys(1), keys(1))) \
        == ("badRequest", "RenewalSuperseded")


@pytest.mark.attack("G06")
@pytest.mark.parametrize("rule,challenge,expected", [
    ("ignored", None, "success"), ("ignored", "old", "success"), ("ignored", "new", "success"),
    ("required", None, "failure"), ("required", "old", "failure"), ("required", "new", "success"),
    ("verified_if_present", None, "success"), ("verified_if_present", "old", "failure"),
    ("verified_if_present", "new", "success")])
def test_A15_A16_G06_what_a_challenge_in_a_renewal_is_good_for(renewing_lab, keys, rule, challenge,
                                                              expected):
    lab = renewing_lab(challenge=rule)
    used = lab.challenge("--subject", "CN=renew", "--dns", "renew.example", "--key-usage", "both",
                         "--count", "2")
    csr = Csr(keys(), SUBJECT, used[0], [SAN, scep.key_usage(0, 2)])
    old = lab.enrol(csr).certificate
    text = {None: None, "old": used[0], "new": used[1]}[challenge]
    assert lab.send(renewal(lab, old, keys(), keys(1), challenge=text)).status == expected


def test_a_renewal_lasts_as_long_as_what_it_renews(lab, keys):
    old = enrol(lab, keys())
    new = lab.send(renewal(lab, old, keys(), keys(1))).certificate
    length = [c.not_valid_after - c.not_valid_before for c in (old, new)]
    assert abs(length[0] - length[1]) <= datetime.timedelta(seconds=2)


def test_a_renewal_waits_for_an_operator_too(renewing_lab, keys):
    lab = renewing_lab(templates={"approval": True})
    ca = lab.ca()
    challenge = lab.challenge("--subject", "CN=renew", "--dns", "renew.example", "--key-usage",
                              "both")
    first = scep.pkcs_req(Csr(keys(), SUBJECT, challenge, [SAN, scep.key_usage(0, 2)]),
                          [ca.encryption])
    assert lab.send(first, ca).status == "pending"
    approve(lab, first)
    old = lab.send(scep.cert_poll(first, ca), ca).certificate
    message = renewal(lab, old, keys(), keys(1))
    assert lab.send(message, ca).status == "pending"
    approve(lab, message)
    assert lab.send(scep.cert_poll(message, ca), ca).status == "success"


def approve(lab, message):
    done = harness.run("pending", "approve", message.transaction_id, "--config", lab.config_file)
    assert done.returncode == 0, done.stderr


def as_it_was_certified(lab, key_of_ca, issued, sent, spelt):
    """The certificate `issued` with `spelt` in place of `sent` in its subject, in the store too, as
    releases wrote it that left strings alone."""
    tbs = issued.tbs_certificate_bytes
    assert tbs.count(sent) == 1 and len(sent) == len(spelt)
    tbs = tbs.replace(sent, spelt)
    digest = issued.signature_hash_algorithm
    how = (ec.ECDSA(digest),) if isinstance(key_of_ca, ec.EllipticCurvePrivateKey) \
        else (padding.PKCS1v15(), digest)
    algorithm = asn1_x509.Certificate.load(scep.cert_der(issued))["signature_algorithm"].dump()
    whole = scep.der.sequence(tbs, algorithm, scep.der.bits(key_of_ca.sign(tbs, *how)))
    san = issued.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    with contextlib.closing(sqlite3.connect(lab.dir / "scepgate.db", timeout=30)) as database:
        template, = database.execute("SELECT template FROM certificates").fetchone()
        parts = (issued.issuer.public_bytes(), issued.subject.public_bytes().replace(sent, spelt),
                 template.encode(), san.public_bytes())
        identity = hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part
                                           for part in parts)).digest()
        done = database.execute("UPDATE certificates SET der = ?, identity = ?, issued_at = "
                                "issued_at - 10 WHERE der = ?",
                                (whole, identity, scep.cert_der(issued)))
        assert done.rowcount == 1
        database.commit()
    verified = harness.run("store", "verify", "--config", lab.config_file)
    assert "differs" not in verified.stdout, verified.stdout
    return x509.load_der_x509_certificate(whole)


@pytest.fixture
def certified_before(new_lab, keys):
    """A lab, and a certificate whose commonName is a PrintableString with an underscore; more for
    the same subject."""
    def edit(config):
        config["endpoints"][0]["renewal"] = {"newest_only": True}

    lab = new_lab(start=False, edit=edit)
    key_of_ca = serialization.load_pem_private_key((lab.dir / "ca.key").read_bytes(), None)
    lab.start()

    def another(key):
        challenge = lab.challenge("--subject", "CN=re_new", "--dns", "renew.example",
                                  "--key-usage", "both")
        reply = lab.enrol(Csr(key, name("re_new"), challenge, [SAN, scep.key_usage(0, 2)]))
        assert reply.status == "success"
        return reply.certificate

    old = as_it_was_certified(lab, key_of_ca, another(keys()), scep.der.utf8("re_new"),
                              scep.der.tlv(0x13, b"re_new"))
    return lab, old, another


@pytest.mark.attack("N03")
def test_N03_a_string_that_was_certified_as_no_text_is_mended_in_a_renewal(certified_before, keys):
    lab, old, _ = certified_before
    message = renewal(lab, old, keys(), keys(1), subject=name("re_new"))
    assert lab.send(message).certificate.subject == name("re_new")
    again = renewal(lab, old, keys(), keys(1), subject=name("re_new"), transaction_id="again")
    assert refused_with(lab, again) == ("badRequest", "RenewalSuperseded")


@pytest.mark.attack("G05", "N03")
def test_G05_a_name_that_is_mended_is_the_same_name(certified_before, keys):
    lab, old, another = certified_before
    another(keys(1))
    assert refused_with(lab, renewal(lab, old, keys(), keys(1), subject=name("re_new"))) \
        == ("badRequest", "RenewalSuperseded")


# --- GetCert and GetCRL -----------------------------------------------------------------------------

def test_C11_GetCert_gives_the_holder_of_a_key_its_certificate(lab, keys):
    ca = lab.ca()
    issued = enrol(lab, keys())
    reply = lab.send(scep.get_cert(issued, ca, issued, keys()), ca)
    assert (reply.status, reply.certificates) == ("success", [issued])


@pytest.mark.attack("T04")
def test_T04_GetCert_tells_nobody_of_other_peoples_certificates(lab, keys):
    ca = lab.ca()
    issued = enrol(lab, keys())
    stranger = scep.self_signed(keys(1))
    replies = [lab.send(scep.get_cert(target, ca, stranger, keys(1), transaction_id="0" * 64), ca)
               for target in (issued, ca.ca, stranger)]
    assert {(r.status, r.fail_info) for r in replies} == {("failure", "badCertId")}
    assert len({r.without_the_varying() for r in replies}) == 1


@pytest.mark.attack("A09")
def test_C12_GetCRL_gives_the_newest_CRL(lab, keys):
    ca = lab.ca()
    issued = enrol(lab, keys())
    message = scep.get_crl(issued, ca, issued, keys())
    before = lab.send(message, ca).crl
    assert before.is_signature_valid(ca.ca.public_key())
    assert before.get_revoked_certificate_by_serial_number(issued.serial_number) is None
    revoked = harness.run("cert", "revoke", format(issued.serial_number, "x"), "--config",
                          lab.config_file)
    assert revoked.returncode == 0, revoked.stderr
    after = lab.send(scep.get_crl(issued, ca, issued, keys()), ca).crl
    assert after.get_revoked_certificate_by_serial_number(issued.serial_number) is not None


def test_C12_GetCRL_of_another_issuer_is_badCertId(lab, keys):
    ca = lab.ca()
    stranger = scep.self_signed(keys(1), name("elsewhere"))
    reply = lab.send(scep.get_crl(stranger, ca, stranger, keys(1)), ca)
    assert (reply.status, reply.fail_info) == ("failure", "badCertId")
