"""The commands as users' scripts call them (exit statuses, files, output)."""

import base64
import json
import re
import shlex
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

import harness
from harness import run

pytestmark = pytest.mark.commands


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("command", [
    (), ("init",), ("serve",), ("config",), ("config", "check"), ("challenge",),
    ("challenge", "create"), ("challenge", "list"), ("challenge", "withdraw"), ("enroll",),
    ("renew",), ("getca",), ("getnextca",), ("getcert",), ("getcrl",), ("decode",), ("cert",), ("cert", "list"), ("cert", "show")], ids=lambda c: "-".join(c) or "scepgate")
def test_every_command_has_help(command):
    result = run(*command, "--help")
    assert result.returncode == 0
    assert len(result.stdout) > 100 and result.stderr == ""


def commands(path=()):
    """Every command there is, from the lists in --help."""
    yield path
    text = run(*path, "--help").stdout
    names = re.findall(r"(?m)^  ([a-z]\w+) {3,}\S", text.partition("--help  ")[2].partition("Examples:")[0])
    for name in names if " SUBCOMMAND" in text else ():
        yield from commands((*path, name))


def test_every_example_of_the_help_could_be_typed():
    all_of_them = list(commands())
    assert ("ca", "create") in all_of_them and len(all_of_them) > 40
    without = []
    for path in all_of_them:
        text = run(*path, "--help").stdout
        examples = text.partition("Examples:\n")[2].partition("\n\n")[0].replace("\\\n", "")
        for line in examples.splitlines():
            words = shlex.split(line)
            assert words[:1 + len(path)] == ["scepgate", *path]
            for option in (word for word in words if word.startswith("--")):
                assert re.search(rf"^ +(\S+,)?{option}\b", text, re.M), (path, option)
        if not examples and " SUBCOMMAND" not in text:
            without.append(" ".join(path))
    assert set(without) <= {"challenge withdraw", "policy rotate", "cert show", "cert hold", "cert release",
                            "pending list", "pending approve", "pending reject", "notify list",
                            "notify retry", "notify drop", "store create", "audit head"}


@pytest.mark.parametrize("typed, says", [
    (["foo"], "'foo' is not known here\nSee: scepgate --help"),
    (["cert", "revok"], "'revok' is not known here; did you mean 'revoke'?\nSee: scepgate cert --help"),
    (["enroll", "--urll", "x"], "'--urll' is not known here; did you mean '--url'?"),
    (["ca", "create", "--config", "x"], "--ca is required\nSee: scepgate ca create --help"),
    (["serve"], "--config is required\nSee: scepgate serve --help"),
])
def test_what_cannot_be_understood_is_named(typed, says):
    done = run(*typed)
    assert done.returncode == 2 and done.stderr.startswith("scepgate: " + says)


@pytest.mark.parametrize("command", [(), ("nonsense",), ("serve",), ("init",), ("cert", "show"),
                                     ("challenge",), ("challenge", "withdraw"),
                                     ("enroll", "--url", "x"), ("init", "x", "--policy", "maybe"),
                                     ("init", "x", "--ca-key", "rsa:17"),
                                     ("init", "x", "--listen", "foo"),
                                     ("init", "x", "--url", "scep.example"),
                                     ("getca", "--url", "ftp://x", "--out", "x"),
                                     ("decode", "x", "--key", "y")])
def test_bad_usage_is_status_2(command, tmp_path):
    result = run(*command, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.strip()
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("ca_key", ["rsa:2048", "rsa:3072", "ec:p256", "ec:p384"])
@pytest.mark.parametrize("device_key", ["rsa:2048"])
def test_init_serve_challenge_enroll_with_every_CA_key(new_lab, tmp_path, ca_key, device_key):
    lab = new_lab("--ca-key", ca_key, "--ca-name", "Example CA")
    challenge = lab.challenge("--subject", "CN=tool,O=Example", "--dns", "tool.example",
                              "--key-usage", "both")
    out = tmp_path / "device"
    result = run("enroll", "--url", lab.url, "--challenge", challenge, "--subject",
                 "CN=tool,O=Example", "--dns", "tool.example", "--key-usage", "both", "--key",
                 device_key, "--out", out)
    assert result.returncode == 0, result.stderr
    for name in ("key.pem", "cert.pem", "chain.pem", "ca.pem"):
        assert (out / name).stat().st_size > 0
    assert (out / "key.pem").stat().st_mode & 0o077 == 0
    openssl("verify", "-CAfile", lab.dir / "ca.pem", out / "cert.pem")
    openssl("verify", "-CAfile", out / "ca.pem", "-untrusted", out / "chain.pem", out / "cert.pem")
    digest = {"ec:p384": "ecdsa-with-SHA384", "ec:p256": "ecdsa-with-SHA256"}.get(
        ca_key, "sha256WithRSAEncryption")
    for certificate in (lab.dir / "ca.pem", lab.dir / "ra-signing.pem", out / "cert.pem"):
        assert f"Signature Algorithm: {digest}" in openssl("x509", "-in", certificate, "-noout", "-text")
    text = openssl("x509", "-in", out / "cert.pem", "-noout", "-subject", "-issuer", "-ext",
                   "subjectAltName")
    assert "CN = tool" in text and "CN = Example CA" in text and "DNS:tool.example" in text
    assert openssl("pkey", "-in", out / "key.pem", "-pubout") == \
        openssl("x509", "-in", out / "cert.pem", "-noout", "-pubkey")


@pytest.mark.parametrize("method", ["auto", "get", "post"])
def test_enroll_by_GET_and_by_POST(blob_lab, tmp_path, method):
    (tmp_path / "challenge").write_text(blob_lab.challenge("--subject", "CN=by-" + method) + "\n")
    result = run("enroll", "--url", blob_lab.url, "--challenge-file", tmp_path / "challenge",
                 "--subject", "CN=by-" + method, "--method", method, "--out", tmp_path / "device")
    assert result.returncode == 0, result.stderr
    transaction = next(row["transaction_id"] for row in blob_lab.certificates()
                       if row["subject"] == "CN=by-" + method)
    line = harness.wait_until(lambda: [line for line in blob_lab.log().splitlines()
                                       if transaction in line], "its line is in the log")[-1]
    assert ("=GET " if method == "get" else "=POST ") in line


def test_a_refused_enrolment_is_status_1_and_leaves_no_certificate(blob_lab, tmp_path):
    challenge = blob_lab.challenge("--subject", "CN=right")
    result = run("enroll", "--url", blob_lab.url, "--challenge", challenge, "--subject", "CN=wrong",
                 "--out", tmp_path / "device")
    assert result.returncode == 1
    assert "badRequest" in result.stderr
    assert not (tmp_path / "device" / "cert.pem").exists()
    assert challenge not in result.stderr


def test_enroll_without_a_server_is_status_1(tmp_path):
    result = run("enroll", "--url", f"http://127.0.0.1:{harness.free_port()}/scep", "--challenge",
                 "x", "--subject", "CN=x", "--out", tmp_path / "device")
    assert result.returncode == 1
    assert result.stderr.strip()


def test_getca_writes_the_CA_certificates(blob_lab, tmp_path):
    result = run("getca", "--url", blob_lab.url, "--out", tmp_path / "got")
    assert result.returncode == 0, result.stderr
    assert openssl("x509", "-in", tmp_path / "got" / "ca.pem", "-noout", "-fingerprint") == \
        openssl("x509", "-in", blob_lab.dir / "ca.pem", "-noout", "-fingerprint")


def test_challenge_create_count_gives_one_line_each(blob_lab):
    lines = blob_lab.challenge("--subject", "CN=d-%d", "--dns", "d-%d.example", "--count", "5")
    assert len(lines) == len(set(lines)) == 5
    for line in lines:
        assert base64.b64decode(line, validate=True)[0] == 0x30


def test_cert_list_and_show(lab, tmp_path):
    for number in range(2):
        challenge = lab.challenge("--subject", f"CN=shown-{number}", "--device-id", "dev-17")
        assert run("enroll", "--url", lab.url, "--challenge", challenge, "--subject",
                   f"CN=shown-{number}", "--out", tmp_path / str(number)).returncode == 0
    rows = lab.certificates()
    assert [row["subject"] for row in rows] == ["CN=shown-1", "CN=shown-0"], "newest first"
    serial = openssl("x509", "-in", tmp_path / "0" / "cert.pem", "-noout", "-serial")
    serial = serial.strip().removeprefix("serial=").lower()
    assert int(rows[1]["serial"], 16) == int(serial, 16)
    plain = run("cert", "list", "--config", lab.config_file)
    assert len(plain.stdout.splitlines()) == 2
    shown = run("cert", "show", serial, "--config", lab.config_file)
    assert shown.returncode == 0, shown.stderr
    assert "CN=shown-0" in shown.stdout and "dev-17" in shown.stdout
    assert "-----BEGIN CERTIFICATE-----" in shown.stdout
    assert run("cert", "show", serial.upper(), "--config", lab.config_file).returncode == 0
    assert run("cert", "show", "00" + serial[:-2] + "00", "--config",
               lab.config_file).returncode == 1
    assert run("cert", "show", "xyz", "--config", lab.config_file).returncode == 2


def test_init_overwrites_nothing(templates, tmp_path):
    directory = tmp_path / "lab"
    assert run("init", directory).returncode == 0
    before = (directory / "ca.key").read_bytes()
    again = run("init", directory)
    assert again.returncode in (1, 2) and again.stderr.strip()
    assert (directory / "ca.key").read_bytes() == before


def test_M04_the_commands_that_init_tells_may_be_copied_whatever_the_folder_is_called(tmp_path):
    made = run("init", "o'dd; touch x", "--json", "--policy", "static", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    steps = json.loads(made.stdout)["next"]
    assert shlex.split(steps["serve"]) == ["scepgate", "serve", "--config",
                                           "o'dd; touch x/scepgate.json"]
    assert "o'dd; touch x/challenge-password" in shlex.split(steps["enroll"])


def test_init_prints_JSON_that_leads_on(tmp_path):
    made = run("init", "lab", "--json", "--policy", "static", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert (tmp_path / found["configuration"]).exists()
    assert found["policy"] == "static" and found["next"]["serve"].startswith("scepgate serve")


def test_init_that_was_broken_off_can_be_run_again(tmp_path):
    half_built, half_moved, foreign = (tmp_path / n for n in ("built", "moved", "foreign"))
    half_built.mkdir()
    (half_built / ".unfinished").mkdir()
    (half_built / ".unfinished" / "ca.key").write_text("half a key")
    assert run("init", half_built).returncode == 0
    assert "PRIVATE KEY" in (half_built / "ca.key").read_text()

    assert run("init", half_moved).returncode == 0
    everything = {p.name: p.read_bytes() for p in half_moved.iterdir()}
    (half_moved / ".unfinished").mkdir()
    for name in ("scepgate.json", "ra-signing.key"):
        (half_moved / name).rename(half_moved / ".unfinished" / name)
    assert run("init", half_moved).returncode == 0
    assert {p.name: p.read_bytes() for p in half_moved.iterdir()} == everything

    foreign.mkdir()
    (foreign / "mine").write_text("mine")
    assert run("init", foreign).returncode == 1
    assert [p.name for p in foreign.iterdir()] == ["mine"]


def test_init_says_what_is_wrong_with_the_name_while_it_can_be_changed(tmp_path):
    made = run("init", tmp_path / "lab", "--ca-name", "my_ca.example.com")
    assert made.returncode == 0
    assert "warning: " in made.stderr and "underscore" in made.stderr, made.stderr
    assert run("init", tmp_path / "other").stderr == ""


def test_an_init_that_fails_leaves_nothing(tmp_path):
    assert run("init", tmp_path / "lab", "--ca-name", "x" * 200).returncode in (0, 1)
    broken = run("init", tmp_path / "other", "--ca-name", "\u202e")
    assert broken.returncode == 1 and not (tmp_path / "other").exists()


@pytest.mark.parametrize("command", [
    ("cert", "list", "--json", "--config"),
    ("challenge", "create", "--subject", "CN=x", "--config")])
def test_output_that_does_not_arrive_is_status_1(templates, command):
    with open("/dev/full", "w") as full:
        result = subprocess.run([harness.BINARY, *command, templates() / "scepgate.json"],
                                stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1 and "output" in result.stderr


def test_a_blob_that_a_CSR_with_a_key_usage_cannot_use_is_warned_of(templates):
    create = ("challenge", "create", "--config", templates() / "scepgate.json", "--subject", "CN=x")
    made = run(*create, "--json")
    assert made.returncode == 0 and json.loads(made.stdout)["challenge"]
    assert made.stderr.startswith("warning: without --key-usage")
    for enough in (("--key-usage", "both"), ("--purpose", "signature"),
                   ("--template", "DeviceGeneral")):
        assert run(*create, *enough).stderr == ""


@pytest.mark.parametrize("option", ["--policy", "--policy-name"])
def test_a_policy_is_named_by_one_option_everywhere(templates, option):
    config = templates() / "scepgate.json"
    made = run("challenge", "create", "--config", config, "--subject", "CN=x", option, "mdm")
    assert made.returncode == 0, made.stderr
    rotated = run("policy", "rotate", "--config", config, option, "mdm")
    assert rotated.returncode == 2 and "name what to rotate" in rotated.stderr


def test_a_missing_store_is_status_2_as_for_serve(templates, tmp_path):
    shutil.copytree(templates(), tmp_path / "lab")
    (tmp_path / "lab" / "scepgate.db").unlink()
    for command in (("cert", "list"), ("cert", "show", "01"), ("serve",)):
        result = run(*command, "--config", tmp_path / "lab" / "scepgate.json")
        assert result.returncode == 2 and result.stderr.strip()


def test_getca_names_the_CA_by_its_fingerprint(blob_lab, tmp_path):
    result = run("getca", "--url", blob_lab.url, "--out", tmp_path / "got", "--json")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    fingerprint = told["ca"]["fingerprint_sha256"]
    for role in ("ca", "root"):
        written = x509.load_pem_x509_certificate((tmp_path / "got" / f"{role}.pem").read_bytes())
        assert told[role]["fingerprint_sha256"] == written.fingerprint(hashes.SHA256()).hex()
        assert told[role]["fingerprint_sha1"] == written.fingerprint(hashes.SHA1()).hex()
    assert run("getca", "--url", blob_lab.url, "--out", tmp_path / "again", "--ca-fingerprint",
               fingerprint).returncode == 0
