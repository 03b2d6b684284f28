"""`scepgate policy explain`: every check of a request, without a server, a trace or a secret."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

import harness
import scep_client as scep
from scep_client import Csr, name

NAMES = [("dns", "mutant.example")]


def csr_of(key, challenge, subject=name("mutant"), san=NAMES, usage=(0, 2)):
    return Csr(key, subject, challenge, [scep.subject_alt_name(*san), scep.key_usage(*usage)])


def blob_for(lab, *more):
    return lab.challenge("--subject", "CN=mutant", "--dns", "mutant.example", "--key-usage", "both",
                         *more)


@pytest.fixture
def explain(tmp_path):
    """Runs the command; gives exit status, JSON and all that was printed."""
    def run(lab, csr, *more):
        file = tmp_path / "request.csr"
        file.write_bytes(csr if isinstance(csr, bytes) else csr.der())
        arguments = ["policy", "explain", "--config", lab.config_file, "--csr", file, *more]
        plain = harness.run(*arguments)
        done = harness.run(*arguments, "--json")
        assert plain.returncode == done.returncode
        said = json.loads(done.stdout) if done.stdout else None
        return done.returncode, said, plain.stdout + plain.stderr + done.stdout + done.stderr
    return run


def verdicts(said):
    return {(v["module"], v["check"]): v for v in said["verdicts"]}


def failed(said):
    return {v["code"] for v in said["verdicts"] if v["outcome"] == "failed"}


def test_what_would_be_granted_is_granted_and_leaves_no_trace(blob_lab, keys, explain):
    challenge = blob_for(blob_lab)
    csr = csr_of(keys(), challenge)
    before = blob_lab.audit(), blob_lab.serials()
    status, said, text = explain(blob_lab, csr)
    assert (status, said["result"]) == (0, "granted"), said
    assert said["subject"] == "CN=mutant" and said["subject_alt_name"] == ["dns:mutant.example"]
    assert said["template"] and said["not_after"] and not failed(said)
    assert {check for _, check in verdicts(said)} >= {
        "csr", "challenge", "time", "audience", "subject", "subjectAltName", "key usage",
        "key type", "redemption", "template", "certificate"}
    assert challenge not in text
    assert (blob_lab.audit(), blob_lab.serials()) == before
    assert blob_lab.enrol(csr).status == "success", "nothing was used up"


def test_what_is_granted_names_the_SID(blob_lab, keys, explain):
    sid = "S-1-5-21-1004336348-1177238915-682003330-1104"
    _, said, text = explain(blob_lab, csr_of(keys(), blob_for(blob_lab, "--sid", sid)))
    assert (said["result"], said["sid"]) == ("granted", sid), said
    assert f"; SID {sid}; template" in text


def test_a_used_challenge_is_seen_in_the_store(blob_lab, keys, explain):
    challenge = blob_for(blob_lab)
    assert blob_lab.enrol(csr_of(keys(), challenge)).status == "success"
    status, said, _ = explain(blob_lab, csr_of(keys(1), challenge))
    assert (status, said["code"]) == (1, "ChallengeAlreadyRedeemed")
    assert said["fail_info"] == "badMessageCheck" and said["hint"]


def test_every_check_that_fails_is_told_and_the_first_decides(blob_lab, keys, explain):
    wrong = csr_of(keys(), blob_for(blob_lab), subject=name("other"),
                   san=[("dns", "other.example")], usage=(0,))
    status, said, text = explain(blob_lab, wrong)
    assert (status, said["result"], said["code"]) == (1, "refused", "SubjectNameMismatch")
    assert failed(said) == {"SubjectNameMismatch", "SubjectAltNameMismatch", "KeyUsageMismatch"}
    subject = next(v for v in said["verdicts"] if v["check"] == "subject")
    assert (subject["expected"], subject["found"]) == ("CN=mutant", "CN=other")
    assert subject["hint"] and subject["hint"] in text
    assert "refused: SubjectNameMismatch (the device is told badRequest)" in text


def outcomes(said):
    return {check: verdict["outcome"] for (_, check), verdict in verdicts(said).items()}


@pytest.mark.parametrize("spoil, code", [
    (lambda config: config["endpoints"][0]["templates"].pop("signature"), "NoTemplateForPurpose"),
    (lambda config: None, "KeyIsServers"),
])
def test_the_rules_and_the_challenge_are_judged_though_something_before_failed(
        new_lab, keys, explain, spoil, code):
    def change(config):
        config["endpoints"][0]["rules"] = {"dns_suffixes": ["example.com"]}
        spoil(config)

    lab = new_lab(edit=change, start=False)
    key = keys()
    if code == "KeyIsServers":
        pem = (lab.dir / "ca.key").read_bytes()
        key = scep.serialization.load_pem_private_key(pem, None)
    challenge = lab.challenge("--subject", "CN=mutant", "--dns", "mutant.example", "--key-usage",
                              "signature")
    status, said, _ = explain(lab, csr_of(key, challenge, usage=(0,)))
    assert (status, said["code"]) == (1, code)
    assert failed(said) == {code, "RuleDnsName"}
    assert outcomes(said)["redemption"] == "passed"


def test_what_cannot_be_judged_without_a_grant_is_said_to_be_skipped(new_lab, keys, explain):
    def change(config):
        config["endpoints"][0]["rules"] = {"dns_suffixes": ["example.com"]}

    lab = new_lab(edit=change, start=False)
    _, said, _ = explain(lab, csr_of(keys(), blob_for(lab), subject=name("other")))
    assert failed(said) == {"SubjectNameMismatch"}
    found = outcomes(said)
    assert {found[check] for check in ("redemption", "rules", "certificate")} == {"skipped"}


@pytest.mark.parametrize("how", ["--challenge", "--challenge-file"])
def test_another_challenge_takes_the_place_of_the_CSRs(blob_lab, keys, explain, tmp_path, how):
    challenge = blob_for(blob_lab)
    (tmp_path / "challenge").write_text(challenge + "\n")
    given = challenge if how == "--challenge" else tmp_path / "challenge"
    status, said, text = explain(blob_lab, csr_of(keys(), None), how, given)
    assert (status, said["result"]) == (0, "granted"), said
    assert challenge not in text
    status, said, text = explain(blob_lab, csr_of(keys(), challenge), "--challenge", "SECRET-77")
    assert (status, said["code"]) == (1, "ChallengeDecodingError")
    assert "SECRET-77" not in text and challenge not in text


def test_a_static_password_is_explained_without_it(static_lab, password, keys, explain):
    status, said, text = explain(static_lab, csr_of(keys(), "not " + password))
    assert (status, said["code"]) == (1, "ChallengeMismatch")
    assert password not in text
    assert explain(static_lab, csr_of(keys(), password))[0] == 0


def test_PEM_is_understood_and_what_is_no_request_is_refused(blob_lab, keys, explain):
    good = csr_of(keys(), blob_for(blob_lab))
    pem = base64.encodebytes(good.der()).decode()
    pem = f"-----BEGIN CERTIFICATE REQUEST-----\n{pem}-----END CERTIFICATE REQUEST-----\n"
    assert explain(blob_lab, pem.encode())[0] == 0
    broken = csr_of(keys(), blob_for(blob_lab))
    broken.break_signature = True
    for content in (broken, b"hello", b"", scep.cert_der(scep.self_signed(keys()))):
        status, said, _ = explain(blob_lab, content)
        assert (status, said["result"]) == (1, "refused")
        if content is broken:
            assert said["fail_info"] == "badMessageCheck"
        assert said["verdicts"][0]["check"] == "csr"


def test_a_renewal_is_judged_by_its_rule(new_lab, keys, explain, tmp_path):
    def renewing(config):
        config["endpoints"][0]["renewal"] = {"challenge": "ignored"}

    lab = new_lab(edit=renewing)
    issued = lab.enrol(csr_of(keys(), blob_for(lab))).certificate
    old = tmp_path / "old.pem"
    old.write_bytes(issued.public_bytes(Encoding.PEM))
    status, said, _ = explain(lab, csr_of(keys(1), None), "--renewal-of", old)
    assert (status, said["policy"]) == (0, "renewal"), said
    status, said, _ = explain(lab, csr_of(keys(1), None, subject=name("other")), "--renewal-of",
                              old)
    assert (status, said["code"]) == (1, "RenewalSubjectMismatch")
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(scep.self_signed(keys()).public_bytes(Encoding.PEM))
    status, said, _ = explain(lab, csr_of(keys(1), None), "--renewal-of", stranger)
    assert (status, said["code"]) == (1, "RenewalSignerUnknown")


def test_each_policy_of_a_composition_has_its_say(new_lab, keys, explain):
    def composed(config):
        first = config["endpoints"][0]["policy"]
        config["policies"]["shared"] = {"type": "static_password",
                                        "password": {"file": "shared.txt"}}
        config["endpoints"][0]["policy"] = {"any_of": [first, "shared"]}

    lab = new_lab(edit=composed, start=False)
    (lab.dir / "shared.txt").write_text("correct-horse-battery")
    (lab.dir / "shared.txt").chmod(0o600)
    lab.start()
    status, said, text = explain(lab, csr_of(keys(), "correct-horse-battery"))
    assert (status, said["policy"]) == (0, "shared"), said
    assert "ChallengeDecodingError" in failed(said), "what the first one said"
    assert "correct-horse" not in text
    status, said, _ = explain(lab, csr_of(keys(), blob_for(lab), subject=name("other")))
    assert (status, said["code"]) == (1, "SubjectNameMismatch"), "the one that came furthest"
    assert failed(said) == {"SubjectNameMismatch", "ChallengeMismatch"}


def test_a_key_of_the_server_is_refused_here_too(blob_lab, explain):
    key = scep.serialization.load_pem_private_key((blob_lab.dir / "ca.key").read_bytes(), None)
    status, said, _ = explain(blob_lab, csr_of(key, blob_for(blob_lab)))
    assert (status, said["code"]) == (1, "KeyIsServers")


@pytest.mark.parametrize("make, found", [
    (lambda: rsa.generate_private_key(65537, 1024), "1024"),
    (lambda: rsa.generate_private_key(3, 2048), "RSA exponent under 65537"),
    (lambda: ec.generate_private_key(ec.SECP256K1()), "EC curve"),
    (lambda: ec.generate_private_key(ec.SECP256R1()), "ec:p256"),
], ids=["RSA-1024", "exponent 3", "secp256k1", "an EC key that gets no reply"])
def test_of_a_key_that_no_message_may_be_signed_with_it_says_what_the_server_says(
        blob_lab, explain, make, found):
    csr = csr_of(make(), None)
    status, said, text = explain(blob_lab, csr)
    assert (status, said["code"], said["fail_info"]) == (1, "SignerKeyUnsupported", "badAlg"), said
    verdict = verdicts(said)["request", "signer's key"]
    assert found in verdict["found"]
    assert "exponent 65537" in verdict["hint"] and "P-256" in verdict["hint"]
    if not isinstance(csr.key, rsa.RSAPrivateKey):
        return
    blob_lab.enrol(csr)
    line = blob_lab.audit()[-1]
    assert {part: line[part] for part in ("code", "check", "expected", "found", "hint")} == {
        part: verdict[part] for part in ("code", "check", "expected", "found", "hint")}


def test_bad_usage_is_status_2(blob_lab, new_lab, keys, explain, tmp_path):
    csr = csr_of(keys(), None)
    assert explain(blob_lab, csr, "--endpoint", "nowhere")[0] == 2
    assert explain(blob_lab, csr, "--challenge-file", tmp_path / "missing")[0] == 2
    assert explain(blob_lab, csr, "--challenge", "a", "--challenge-file", tmp_path)[0] == 2
    assert explain(blob_lab, csr, "--renewal-of", tmp_path / "missing")[0] == 2
    broken = new_lab(start=False, edit=lambda config: config.pop("store"))
    assert explain(broken, csr)[0] == 2


def test_without_a_readable_store_it_stays_open(new_lab, keys, explain):
    lab = new_lab(start=False)
    csr = csr_of(keys(), blob_for(lab))
    (lab.dir / "scepgate.db").write_bytes(b"no database")
    status, said, _ = explain(lab, csr)
    assert (status, said["result"]) == (1, "undecided"), said
    assert [v["check"] for v in said["verdicts"] if v["outcome"] == "skipped"] == ["redemption"]
