"""Each wrong configuration: one clear message with the JSON path and the remedy, exit status 2."""

import datetime
import socket

import pytest
from cryptography.hazmat.primitives import serialization

import harness
import scep_client as scep

PEM = serialization.Encoding.PEM


def endpoint(config):
    return config["endpoints"][0]


def unknown_key(lab, config):
    endpoint(config)["polcy"] = endpoint(config)["policy"]


def unknown_top_key(lab, config):
    config["endpoint"] = []


def unknown_policy(lab, config):
    endpoint(config)["policy"] = "mdn"


def wrong_type(lab, config):
    config["limits"] = {"body": "big"}


def missing_file(lab, config):
    (lab.dir / config["cas"]["lab"]["certificate"]).unlink()


def missing_key_file(lab, config):
    (lab.dir / endpoint(config)["ra"]["signing"]["key"]["file"]).unlink()


def wrong_key(lab, config):
    endpoint(config)["ra"]["signing"]["key"] = endpoint(config)["ra"]["encryption"]["key"]


def not_pem(lab, config):
    (lab.dir / config["cas"]["lab"]["certificate"]).write_text("hello\n")


def encryption_without_key_encipherment(lab, config):
    endpoint(config)["ra"]["encryption"] = endpoint(config)["ra"]["signing"]


def signing_without_digital_signature(lab, config):
    endpoint(config)["ra"]["signing"] = endpoint(config)["ra"]["encryption"]


def expired(lab, config):
    reissue(lab, config, days=(-20, -10))


def not_yet_valid(lab, config):
    reissue(lab, config, days=(10, 20))


def reissue(lab, config, days):
    """A new RA encryption certificate with the same key, valid between the two days from now."""
    ca_key = serialization.load_pem_private_key((lab.dir / "ca.key").read_bytes(), None)
    ca = scep.x509.load_pem_x509_certificate((lab.dir / "ca.pem").read_bytes())
    file = lab.dir / endpoint(config)["ra"]["encryption"]["certificate"]
    old = scep.x509.load_pem_x509_certificate(file.read_bytes())
    now = datetime.datetime.utcnow()
    builder = (scep.x509.CertificateBuilder().subject_name(old.subject).issuer_name(ca.subject)
               .public_key(old.public_key()).serial_number(77)
               .not_valid_before(now + datetime.timedelta(days=days[0]))
               .not_valid_after(now + datetime.timedelta(days=days[1])))
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    file.write_bytes(builder.sign(ca_key, scep.hashes.SHA256()).public_bytes(PEM))


def key_open_to_all(lab, config):
    (lab.dir / "ca.key").chmod(0o644)


def password_in_the_file(lab, config):
    config["policies"]["mdm"] = {"type": "static_password", "password": "hunter2"}


def empty_environment(lab, config):
    config["policies"]["mdm"] = {"type": "static_password", "password": {"env": "SCEPGATE_NONE"}}


def no_endpoint(lab, config):
    config["endpoints"] = []


def no_policy(lab, config):
    del endpoint(config)["policy"]


def two_endpoints_one_path(lab, config):
    config["endpoints"].append(dict(endpoint(config), paths=["/SCEP/"]))


def ca_is_no_ca(lab, config):
    config["cas"]["lab"] = dict(endpoint(config)["ra"]["signing"], type="embedded")


def template_that_signs(lab, config):
    config["templates"]["DeviceGeneral"]["key_usage"] = ["keyCertSign"]


CASES = {  # what -> (how, JSON path, words of the remedy)
    "unknown key": (unknown_key, "endpoints[0].polcy", "policy"),
    "unknown key at the top": (unknown_top_key, "endpoint", "endpoints"),
    "unknown policy": (unknown_policy, "endpoints[0].policy", "mdm"),
    "wrong type": (wrong_type, "limits.body", ""),
    "missing certificate file": (missing_file, "cas.lab.certificate", ""),
    "missing key file": (missing_key_file, "endpoints[0].ra.signing.key.file", ""),
    "wrong key for a certificate": (wrong_key, "endpoints[0].ra.signing.key", "give the key"),
    "a certificate that is no PEM": (not_pem, "cas.lab.certificate", "PEM"),
    "RA without keyEncipherment": (encryption_without_key_encipherment,
                                   "endpoints[0].ra.encryption.certificate", "keyEncipherment"),
    "RA without digitalSignature": (signing_without_digital_signature,
                                    "endpoints[0].ra.signing.certificate", "digitalSignature"),
    "expired certificate": (expired, "endpoints[0].ra.encryption.certificate", "renew"),
    "certificate not yet valid": (not_yet_valid, "endpoints[0].ra.encryption.certificate", "clock"),
    "key open to all": (key_open_to_all, "cas.lab.key.file", "chmod"),
    "password in the file": (password_in_the_file, "policies.mdm.password", '"file"'),
    "environment without the secret": (empty_environment, "policies.mdm.password.env", "set it"),
    "no endpoint": (no_endpoint, "endpoints", "at least one"),
    "no policy": (no_policy, "endpoints[0].policy", '"none"'),
    "two endpoints with one path": (two_endpoints_one_path, "endpoints[1].paths[0]", ""),
    "a CA that is none": (ca_is_no_ca, "cas.lab", ""),
    "a template that may sign certificates": (template_that_signs,
                                              "templates.DeviceGeneral.key_usage", "keyCertSign"),
}


@pytest.fixture
def broken(new_lab):
    def make(how):
        lab = new_lab(start=False)
        config = lab.config()
        how(lab, config)
        lab.write_config(config)
        return lab
    return make


@pytest.mark.parametrize("command", [("serve",), ("config", "check")], ids=["serve", "check"])
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.replace(" ", "-"))
def test_a_wrong_configuration_ends_with_status_2_path_and_remedy(broken, case, command):
    how, path, remedy = CASES[case]
    lab = broken(how)
    result = harness.run(*command, "--config", lab.config_file)
    assert result.returncode == 2, result
    errors = [line for line in result.stderr.splitlines() if "warning" not in line.lower()]
    about = [line for line in errors if path in line]
    assert len(about) == 1, result.stderr
    assert remedy in about[0], result.stderr
    assert "hunter2" not in result.stderr + result.stdout


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.replace(" ", "-"))
def test_one_fault_gives_one_error(broken, case):
    how, path, _ = CASES[case]
    result = harness.run("config", "check", "--json", "--config", broken(how).config_file)
    assert result.returncode == 2
    faults = harness.json.loads(result.stdout)["faults"]
    errors = [f for f in faults if f["severity"] == "error"]
    assert [f["path"] for f in errors] == [path], errors


def test_config_check_lists_every_fault_at_once(broken):
    def several(lab, config):
        unknown_key(lab, config)
        key_open_to_all(lab, config)
        wrong_type(lab, config)

    result = harness.run("config", "check", "--config", broken(several).config_file)
    assert result.returncode == 2
    for path in ("endpoints[0].polcy", "cas.lab.key.file", "limits.body"):
        assert path in result.stderr


def test_a_port_that_is_taken(new_lab):
    lab = new_lab(start=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", lab.port))
        taken.listen()
        result = harness.run("serve", "--config", lab.config_file)
    assert result.returncode == 2
    assert f"127.0.0.1:{lab.port}" in result.stderr and "listen[0].address" in result.stderr
    assert len(result.stderr.splitlines()) == 1, result.stderr


@pytest.mark.parametrize("text", ["", "{", "[]", '{"listen": [}', "\xff\xfe", '{"a": 1, "a": 2}'])
def test_a_file_that_is_no_configuration(new_lab, text):
    lab = new_lab(start=False)
    lab.config_file.write_bytes(text.encode("latin-1"))
    for command in (("serve",), ("config", "check")):
        result = harness.run(*command, "--config", lab.config_file)
        assert result.returncode == 2
        assert result.stderr.strip()


def test_a_configuration_that_is_not_there(tmp_path):
    result = harness.run("serve", "--config", tmp_path / "none.json")
    assert result.returncode == 2
    assert "none.json" in result.stderr and "scepgate init" in result.stderr


def test_what_init_makes_is_fit_to_serve_without_a_warning(templates):
    for arguments in ((), ("--policy", "static"), ("--ca-key", "ec:p256")):
        result = harness.run("config", "check", "--config",
                             templates(*arguments) / "scepgate.json")
        assert (result.returncode, result.stderr) == (0, ""), result


def test_comments_are_allowed(new_lab):
    lab = new_lab(start=False)
    lab.config_file.write_text("// one\n/* two */\n" + lab.config_file.read_text())
    assert harness.run("config", "check", "--config", lab.config_file).returncode == 0


def test_dangerous_settings_are_warned_about_but_serve(new_lab):
    lab = new_lab("--policy", "none", start=False)
    result = harness.run("config", "check", "--config", lab.config_file)
    assert result.returncode == 0
    assert "endpoints[0].policy" in result.stderr


def test_a_key_that_others_may_read_is_found_on_reload_too(lab):
    (lab.dir / "ca.key").chmod(0o644)
    lab.process.send_signal(harness.signal.SIGHUP)
    harness.wait_until(lambda: "cas.lab.key" in lab.log(), "the fault is logged")
    assert lab.answers()


