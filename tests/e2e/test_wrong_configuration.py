"""Each wrong configuration: one clear message with the JSON path and the remedy, exit status 2."""

import datetime
import socket

import pytest
from cryptography.hazmat.primitives import serialization

import harness
import scep_client as scep

pytestmark = pytest.mark.commands

PEM = serialization.Encoding.PEM


def endpoint(config):
    return config["endpoints"][0]


def unknown_key(lab, config):
    endpoint(config)["polcy"] = endpoint(config)["policy"]


def unknown_top_key(lab, config):
    config["endpoint"] = []


def unknown_policy(lab, config):
    endpoint(config)["policy"] = "mdn"


def policy_none_without_an_entry(lab, config):
    endpoint(config)["policy"] = "none"


def policy_like_no_other(lab, config):
    endpoint(config)["policy"] = "something-else"


def endpoint_of_a_notifier(lab, config):
    (lab.dir / "notifier.key").write_text("a" * 40)
    (lab.dir / "notifier.key").chmod(0o600)
    config["notifiers"] = {"ops": {"url": "https://ops.example/", "key": {"file": "notifier.key"}, "events": ["issued"],
                                   "endpoints": ["elsewhere"]}}


def short_policy_type(lab, config):
    config["policies"]["mdm"] = {"type": "one_time"}


def short_policy_type_beside_another(lab, config):
    short_policy_type(lab, config)
    config["policies"]["another"] = {"type": "one_time_password"}
    endpoint(config)["policy"] = {"any_of": ["mdm", "another"]}


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


def reissue(lab, config, days, pem=None, into=None, public_key=None):
    """A new certificate (the RA's for encryption unless told) for the same key unless told, valid
    between the two days from now."""
    ca_key = serialization.load_pem_private_key((lab.dir / "ca.key").read_bytes(), None)
    ca = scep.x509.load_pem_x509_certificate((lab.dir / "ca.pem").read_bytes())
    source = lab.dir / (pem or endpoint(config)["ra"]["encryption"]["certificate"])
    file = lab.dir / into if into else source
    old = scep.x509.load_pem_x509_certificate(source.read_bytes())
    now = datetime.datetime.utcnow()
    builder = (scep.x509.CertificateBuilder().subject_name(old.subject).issuer_name(ca.subject)
               .public_key(public_key or old.public_key()).serial_number(77)
               .not_valid_before(now + datetime.timedelta(days=days[0]))
               .not_valid_after(now + datetime.timedelta(days=days[1])))
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    file.write_bytes(builder.sign(ca_key, scep.hashes.SHA256()).public_bytes(PEM))


def key_open_to_all(lab, config):
    (lab.dir / "ca.key").chmod(0o644)


def password_in_the_file(lab, config):
    config["policies"]["mdm"] = {"type": "static_password", "password": "hunter2"}


def short_password(lab, config):
    (lab.dir / "password").write_text("1234567\n")
    (lab.dir / "password").chmod(0o600)
    config["policies"]["mdm"] = {"type": "static_password", "password": {"file": "password"}}


def renewal_for_no_ca(lab, config):
    endpoint(config)["renewal"] = {"previous_cas": ["ra-signing.pem"]}


def encryption_by_ec(lab, config):
    key = scep.serialization.load_pem_private_key(
        (lab.dir / "challenge-decryption.key").read_bytes(), None)
    reissue(lab, config, (-1, 100), into="ec.pem", public_key=key.public_key())
    endpoint(config)["ra"]["encryption"] = {"certificate": "ec.pem",
                                            "key": {"file": "challenge-decryption.key"}}


def ca_without_the_usages_of_an_ra(lab, config):
    del endpoint(config)["ra"]


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


def certificate_not_named(lab, config):
    del endpoint(config)["ra"]["signing"]["certificate"]


def empty_certificate_file(lab, config):
    (lab.dir / "ca.pem").write_text("")


def empty_key_file(lab, config):
    (lab.dir / "ca.key").write_text("")


def template_fault_with_two_cas(lab, config):
    config["cas"]["other"] = {key: value for key, value in config["cas"]["lab"].items()
                              if key not in ("crl", "ocsp")}
    config["templates"]["DeviceGeneral"]["extended_key_usage"] = ["clientOauth"]


def all_signers_expired(lab, config):
    del config["policies"]["mdm"]["signer"]
    reissue(lab, config, (-20, -10), "mdm-signer.pem")


def address_of_another_host(lab, config):
    config["listen"] = [{"address": "192.0.2.1:8080"}]


def tls(lab, config):
    config["listen"][0]["tls"] = {"certificate": "tls.pem", "key": {"file": "tls.key"}}
    for kind, name in (("pem", "cert.pem"), ("key", "key.pem")):
        data = harness.TOP / f"tests/data/server/tls/first.{name}"
        (lab.dir / f"tls.{kind}").write_bytes(data.read_bytes())
    (lab.dir / "tls.key").chmod(0o600)


def tls_without_certificate(lab, config):
    tls(lab, config)
    (lab.dir / "tls.pem").unlink()


def tls_key_open_to_all(lab, config):
    tls(lab, config)
    (lab.dir / "tls.key").chmod(0o644)


def tls_key_of_another(lab, config):
    tls(lab, config)
    (lab.dir / "tls.key").write_bytes((lab.dir / "ca.key").read_bytes())


def chain_upside_down(lab, config):
    ra = (lab.dir / "ra-signing.pem").read_bytes()
    (lab.dir / "ra-signing.pem").write_bytes((lab.dir / "ca.pem").read_bytes() + ra)


def utf16_certificate(lab, config):
    text = (lab.dir / "ca.pem").read_text()
    (lab.dir / "ca.pem").write_bytes(text.encode("utf-16"))


def no_database(lab, config):
    config["store"]["sqlite"] = "none.db"


def database_is_a_folder(lab, config):
    config["store"]["sqlite"] = "."


def database_is_text(lab, config):
    (lab.dir / "scepgate.db").write_text("hello " * 1000)


def database_open_to_all(lab, config):
    (lab.dir / "scepgate.db").chmod(0o602)


def log_is_a_folder(lab, config):
    config["log"] = {"file": "."}


def log_in_no_folder(lab, config):
    config["log"] = {"file": "none/log"}


def audit_is_a_folder(lab, config):
    config["audit"] = {"file": "."}


def ec_replies_under_a_shared_password(lab, config):
    password = lab.dir / "one-for-all"
    password.write_text("a password of many\n")
    password.chmod(0o600)
    config["policies"]["shared"] = {"type": "static_password", "password": {"file": "one-for-all"}}
    endpoint(config).update(policy="shared", algorithms={"ec_password_recipient": True})


def audit_in_the_log(lab, config):
    config["log"] = {"file": "audit.jsonl"}


def escape_in_a_key(lab, config):
    config["\x1b[31mred\x9b2J"] = 1


CASES = {  # what -> (how, JSON path, words of the remedy)
    "unknown key": (unknown_key, "endpoints[0].polcy", "policy"),
    "unknown key at the top": (unknown_top_key, "endpoint", "endpoints"),
    "unknown policy": (unknown_policy, "endpoints[0].policy", "mdm"),
    "policy none without an entry": (policy_none_without_an_entry, "endpoints[0].policy",
                                     '"policies": { "none": { "type": "none" } }'),
    "a policy like no other": (policy_like_no_other, "endpoints[0].policy", "there are: mdm"),
    "an unknown endpoint of a notifier": (endpoint_of_a_notifier, "notifiers.ops.endpoints[0]",
                                          "there are: /scep"),
    "the type of a policy cut short": (short_policy_type, "policies.mdm.type",
                                       "did you mean 'one_time_password'?"),
    "the type of a policy cut short, beside another": (
        short_policy_type_beside_another, "policies.mdm.type", "did you mean 'one_time_password'?"),
    "wrong type": (wrong_type, "limits.body", ""),
    "missing certificate file": (missing_file, "cas.lab.certificate", ""),
    "missing key file": (missing_key_file, "endpoints[0].ra.signing.key.file", ""),
    "wrong key for a certificate": (wrong_key, "endpoints[0].ra.signing.key", "give the key"),
    "a chain with the root first": (chain_upside_down, "endpoints[0].ra.signing.key",
                                    "put 'CN=scepgate Lab CA RA signing' first"),
    "a certificate in UTF-16": (utf16_certificate, "cas.lab.certificate", "iconv"),
    "a certificate that is no PEM": (not_pem, "cas.lab.certificate", "PEM"),
    "RA without keyEncipherment": (encryption_without_key_encipherment,
                                   "endpoints[0].ra.encryption.certificate", "keyEncipherment"),
    "RA without digitalSignature": (signing_without_digital_signature,
                                    "endpoints[0].ra.signing.certificate", "digitalSignature"),
    "expired certificate": (expired, "endpoints[0].ra.encryption.certificate", "renew"),
    "an EC key to encrypt to": (encryption_by_ec, "endpoints[0].ra.encryption.key", "use an RSA key"),
    "a CA that may not speak SCEP": (ca_without_the_usages_of_an_ra, "endpoints[0]",
                                     "give an 'ra' with keys of its own"),
    "a previous CA that is none": (renewal_for_no_ca, "endpoints[0].renewal.previous_cas[0]",
                                   "that this endpoint's CA had before"),
    "a short password": (short_password, "policies.mdm.password", "choose a long random one"),
    "replies under a password for all": (ec_replies_under_a_shared_password,
                                         "endpoints[0].algorithms.ec_password_recipient",
                                         "uses challenges up"),
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
    "a certificate that is not named": (certificate_not_named,
                                        "endpoints[0].ra.signing.certificate", "give a PEM file"),
    "an empty certificate file": (empty_certificate_file, "cas.lab.certificate", "is empty"),
    "an empty key file": (empty_key_file, "cas.lab.key.file", "is empty"),
    "one template fault, two CAs": (template_fault_with_two_cas,
                                    "templates.DeviceGeneral.extended_key_usage", "clientOauth"),
    "only expired signers": (all_signers_expired, "policies.mdm.trusted_signers[0]", "renew"),
    "an address of another host": (address_of_another_host, "listen[0].address", "ip address"),
    "TLS without its certificate": (tls_without_certificate, "listen[0].tls.certificate", ""),
    "a TLS key open to all": (tls_key_open_to_all, "listen[0].tls.key.file", "chmod"),
    "a TLS key of another certificate": (tls_key_of_another, "listen[0].tls.key", "give the key"),
    "no database": (no_database, "store.sqlite", "scepgate init"),
    "a folder as database": (database_is_a_folder, "store.sqlite", "name the database"),
    "a database that is none": (database_is_text, "store.sqlite", "backup"),
    "a database that all may change": (database_open_to_all, "store.sqlite", "chmod"),
    "a folder as log": (log_is_a_folder, "log.file", "name a file"),
    "a log in no folder": (log_in_no_folder, "log.file", "create"),
    "a folder as audit file": (audit_is_a_folder, "audit.file", "name a file"),
    "one file for log and audit": (audit_in_the_log, "log.file", "a file of its own"),
    "an escape character in a key": (escape_in_a_key, "\\u001b[31mred\\u009b2J", ""),
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


@pytest.mark.attack("A05", "A07")
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
    assert "\x1b" not in result.stderr and "\x9b" not in result.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.replace(" ", "-"))
def test_one_fault_gives_one_error(broken, case):
    how, path, _ = CASES[case]
    result = harness.run("config", "check", "--json", "--config", broken(how).config_file)
    assert result.returncode == 2
    faults = harness.json.loads(result.stdout)["faults"]
    errors = [f for f in faults if f["severity"] == "error"]
    assert [f["path"] for f in errors] == [path.encode().decode("unicode_escape")], errors


def test_of_a_policy_that_cannot_be_read_nothing_else_is_said(broken):
    def with_admin(lab, config):
        short_policy_type(lab, config)
        (lab.dir / "token").write_text("a" * 40)
        (lab.dir / "token").chmod(0o600)
        config["admin"] = {"listen": [{"address": "127.0.0.1:0"}], "callers": {"ops": {
            "token": {"file": "token"}, "policies": ["mdm"],
            "endpoints": [endpoint(config)["paths"][0]]}}}

    result = harness.run("config", "check", "--json", "--config", broken(with_admin).config_file)
    faults = harness.json.loads(result.stdout)["faults"]
    about = [fault for fault in faults if "polic" in fault["path"] or "callers" in fault["path"]]
    assert [fault["path"] for fault in about] == ["policies.mdm.type"], about


def test_an_error_elsewhere_hides_no_warning_of_what_is_open_to_all(broken):
    def open_and_wrong(lab, config):
        wrong_type(lab, config)
        config["policies"]["mdm"] = {"type": "none"}

    result = harness.run("config", "check", "--json", "--config",
                         broken(open_and_wrong).config_file)
    faults = harness.json.loads(result.stdout)["faults"]
    assert ["everybody" in fault["what"] for fault in faults
            if fault["path"] == "endpoints[0].policy"] == [True], faults


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


def check(lab):
    """Status, and the faults as path -> text."""
    result = harness.run("config", "check", "--json", "--config", lab.config_file)
    faults = harness.json.loads(result.stdout)["faults"]
    return result.returncode, [(f["severity"], f["path"], f["what"]) for f in faults]


def test_config_check_warns_of_a_port_that_is_taken_since_the_server_may_run(lab):
    status, faults = check(lab)
    assert status == 0
    assert [(severity, path) for severity, path, _ in faults] == [("warning", "listen[0].address")]


def test_config_check_changes_nothing(new_lab):
    lab = new_lab(start=False)
    lab.edit(lambda config: config.update(log={"file": "new.log"}, audit={"file": "new.jsonl"}))

    def contents():  # but SQLite's log and its index, which whoever closes the database last may remove
        return sorted((file.name, file.read_bytes()) for file in lab.dir.iterdir()
                      if not file.name.endswith(("-wal", "-shm")))

    before = contents()
    assert check(lab) == (0, [])
    assert contents() == before


def test_tls_is_served_with_a_key_that_is_judged_like_every_other(broken):
    assert check(broken(tls)) == (0, [])


def test_an_expired_previous_encryption_certificate_does_not_block_the_start(broken):
    def expired_previous(lab, config):
        ra = endpoint(config)["ra"]
        reissue(lab, config, (-20, -10), into="previous.pem")
        ra["previous_encryption"] = dict(ra["encryption"], certificate="previous.pem")

    status, faults = check(broken(expired_previous))
    assert status == 0, faults
    assert [fault[:2] for fault in faults] == [
        ("warning", "endpoints[0].ra.previous_encryption.certificate")]
    assert "expired" in faults[0][2]


def test_one_expired_signer_of_several_does_not_block_the_start(broken):
    def one_expired(lab, config):
        reissue(lab, config, (-20, -10), "mdm-signer.pem", "old-signer.pem")
        config["policies"]["mdm"]["trusted_signers"].append("old-signer.pem")

    status, faults = check(broken(one_expired))
    assert status == 0, faults
    assert [fault[:2] for fault in faults] == [("warning", "policies.mdm.trusted_signers[1]")]
    assert "expired" in faults[0][2]


def test_a_previous_encryption_certificate_needs_keyEncipherment(broken):
    def wrong_usage(lab, config):
        ra = endpoint(config)["ra"]
        ra["previous_encryption"] = ra["signing"]

    status, faults = check(broken(wrong_usage))
    path = "endpoints[0].ra.previous_encryption"
    assert status == 2
    assert ("error", f"{path}.certificate") in [fault[:2] for fault in faults]


@pytest.mark.attack("E11")
def test_keys_with_two_roles_are_warned_about_with_both_paths(broken):
    def shared(lab, config):
        config["policies"]["mdm"]["decryption"] = endpoint(config)["ra"]["encryption"]
        config["policies"]["mdm"]["signer"] = endpoint(config)["ra"]["signing"]
        config["policies"]["mdm"]["trusted_signers"] = ["ra-signing.pem"]

    status, faults = check(broken(shared))
    assert status == 0, faults
    assert all(severity == "warning" for severity, _, _ in faults)
    pairs = {(path, what.split()[4].rstrip(":")) for _, path, what in faults}
    assert pairs == {
        ("endpoints[0].ra.encryption.key", "policies.mdm.decryption.key"),
        ("endpoints[0].ra.signing.key", "policies.mdm.signer.key"),
        ("endpoints[0].ra.signing.key", "policies.mdm.trusted_signers[0]"),
    }


def test_serve_prints_a_warning_once(new_lab):
    lab = new_lab("--policy", "none")
    lab.stop()
    assert lab.log().count("everybody who reaches this endpoint") == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "{}\0{}", "{} {}", '{"listen": [}', "\xff\xfe", '{"a": 1, "a": 2}'])
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


@pytest.mark.attack("A07")
def test_a_key_that_others_may_read_is_found_on_reload_too(lab):
    (lab.dir / "mdm-signer.key").chmod(0o644)
    lab.process.send_signal(harness.signal.SIGHUP)
    harness.wait_until(lambda: "policies.mdm.signer.key" in lab.log(), "the fault is logged")
    assert lab.answers()


def test_SIGHUP_warns_of_what_needs_a_restart(lab):
    def change(config):
        config["listen"].append({"address": f"127.0.0.1:{harness.free_port()}"})
        config["store"]["sqlite"] = "other.db"
        config["log"] = {"file": "new.log", "level": "debug"}
        config["audit"] = {"file": "new.jsonl"}
        config["limits"] = {"queue": 7}
        config["threads"] = {"io": 1, "crypto": 1}

    lab.edit(change)
    lab.process.send_signal(harness.signal.SIGHUP)
    harness.wait_until(lambda: "reloaded" in lab.log(), "reload")
    for path in ("listen", "store.sqlite", "log.file", "log.level", "audit.file", "limits.queue",
                 "threads.io", "threads.crypto"):
        assert lab.log().count(f"{path}: has changed") == 1, path
    assert lab.log().count("has changed") == 8


def test_SIGHUP_changes_the_limit_of_messages_in_a_GET_too(lab):
    target = harness.get_target(b"x" * 5000)
    assert lab.get(target).status == 400
    assert "over the limit" not in lab.log()
    lab.edit(lambda config: config.update(limits={"body": 4096}))
    lab.process.send_signal(harness.signal.SIGHUP)
    harness.wait_until(lambda: "reloaded" in lab.log(), "reload")
    assert lab.get(target).status == 400
    harness.wait_until(lambda: "over the limit" in lab.log(), "the length is refused")


@pytest.mark.parametrize("name, outcome", [("devices", "success"), (None, "failure")])
def test_a_retry_survives_reordered_paths_when_the_endpoint_has_a_name(new_lab, keys, name, outcome):
    lab = new_lab(start=False)

    def set_up(config, reverse=False):
        endpoint(config)["paths"] = ["/scep", "/other"][::-1 if reverse else 1]
        if name:
            endpoint(config)["name"] = name

    lab.edit(set_up)
    lab.start()
    csr = scep.Csr(keys(), scep.name("retried"), lab.challenge("--subject", "CN=retried"))
    message = scep.pkcs_req(csr, [lab.ca().encryption])
    first = lab.send(message)
    assert first.status == "success"
    lab.edit(lambda config: set_up(config, reverse=True))
    lab.process.send_signal(harness.signal.SIGHUP)
    harness.wait_until(lambda: "reloaded" in lab.log(), "reload")
    again = lab.send(message)
    assert again.status == outcome
    if name:
        assert again.certificate == first.certificate
        assert len(lab.serials()) == 1
