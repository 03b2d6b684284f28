"""What is said of the files that a configuration names: where its JSON is broken, what everybody may
do to them, and which command brings the successor of a certificate that has ended."""

import datetime
import os
import re
import shlex
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization

import harness
import scep_client as scep
import two_tier
from scep_client import Csr, name

pytestmark = pytest.mark.commands

PEM = serialization.Encoding.PEM


def check(lab, file=None):
    result = harness.run("config", "check", "--json", "--config", file or lab.config_file)
    faults = harness.json.loads(result.stdout)["faults"]
    assert (result.returncode == 2) == any(f["severity"] == "error" for f in faults)
    # The CAs here are shorter than the lab's templates, which is told too: test_templates.py.
    return [f for f in faults if not re.fullmatch(r"templates\.\w+\.validity", f["path"])]


def brief(faults):
    return [(f["severity"], f["path"]) for f in faults]


# --- JSON -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("command", [("serve",), ("config", "check")], ids=["serve", "check"])
@pytest.mark.parametrize("before, after, place", [
    ('"listen": [', '"listen": [,', "line 2, column 14"),
    ('"store": {', '"store" {', "line 11, column 11"),
], ids=["comma", "colon"])
def test_broken_JSON_is_told_with_file_line_column_and_remedy(new_lab, command, before, after,
                                                              place):
    lab = new_lab(start=False)
    text = lab.config_file.read_text()
    assert text.count(before) == 1
    lab.config_file.write_text(text.replace(before, after))
    result = harness.run(*command, "--config", lab.config_file)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith(f"error: {lab.config_file}, {place}: "), result.stderr
    assert "comma" in result.stderr, "the remedy"


@pytest.mark.parametrize("number", ["1e999", "-1e999"])
def test_a_number_beyond_all_others_is_told_to_be_nearer_to_zero(new_lab, number):
    lab = new_lab(start=False)
    lab.config_file.write_text('{"http": {"crypto_threads": ' + number + "}}")
    [fault] = check(lab)
    assert (fault["path"], fault["remedy"]) == ("http.crypto_threads",
                                                "give a number nearer to zero")


# --- Modes ----------------------------------------------------------------------------------------

@pytest.mark.attack("A07")
@pytest.mark.parametrize("file, mode, expected", [
    ("scepgate.db", 0o644, ("warning", "store.sqlite")),
    ("scepgate.db", 0o602, ("error", "store.sqlite")),
    ("audit.jsonl", 0o644, ("warning", "audit.file")),
    ("audit.jsonl", 0o602, ("error", "audit.file")),
    ("server.log", 0o604, ("warning", "log.file")),
    ("server.log", 0o622, ("error", "log.file")),
    ("ca.pem", 0o646, ("error", "cas.lab.certificate")),
    ("ra-signing.pem", 0o646, ("error", "endpoints[0].ra.signing.certificate")),
    ("mdm-signer.pem", 0o646, ("error", "policies.mdm.trusted_signers")),
    ("scepgate.json", 0o646, ("error", "")),
])
def test_a_file_that_is_open_to_everybody_is_told_once_with_its_remedy(new_lab, file, mode,
                                                                       expected):
    lab = new_lab(start=False, edit=lambda config: config.update(log={"file": "server.log"}))
    (lab.dir / file).touch()
    (lab.dir / file).chmod(mode)
    faults = check(lab)
    assert brief(faults) == [expected]
    assert str(lab.dir / file) in faults[0]["what"]
    run_shell(command_in(faults[0]["remedy"]))
    assert check(lab) == []


ODD = "o'dd; touch x $(touch x) folder"


@pytest.mark.parametrize("file, mode", [("scepgate.db", 0o644), ("ca.pem", 0o646),
                                        ("ca.key", 0o604), (".", 0o777)],
                         ids=["record", "certificate", "key", "folder"])
def test_M04_the_remedy_may_be_copied_whatever_the_folder_is_called(new_lab, file, mode):
    lab = new_lab(start=False)
    odd = lab.dir / ODD
    odd.mkdir()
    for name_ in ("scepgate.db", "ca.pem", "ca.key"):
        (lab.dir / name_).touch()
        (lab.dir / name_).rename(odd / name_)

    def move(config):
        config["store"]["sqlite"] = f"{ODD}/scepgate.db"
        config["cas"]["lab"].update(certificate=f"{ODD}/ca.pem", key={"file": f"{ODD}/ca.key"})
    lab.edit(move)
    assert check(lab) == []
    (odd / file).chmod(mode)
    [fault] = check(lab)
    before = set(lab.dir.iterdir())
    run_shell(command_in(fault["remedy"]), lab.dir)
    assert set(lab.dir.iterdir()) == before
    assert check(lab) == []


@pytest.mark.parametrize("file", ["scepgate.db", "audit.jsonl", "server.log"])
def test_what_the_group_may_is_the_administrators_choice(new_lab, file):
    lab = new_lab(start=False, edit=lambda config: config.update(log={"file": "server.log"}))
    (lab.dir / file).touch()
    (lab.dir / file).chmod(0o660)
    assert check(lab) == []


def test_the_server_makes_its_own_files_for_few(new_lab):
    lab = new_lab(edit=lambda config: config.update(log={"file": "own.log"}))
    for file in ("scepgate.db", "audit.jsonl", "own.log"):
        assert (lab.dir / file).stat().st_mode & 0o007 == 0, file


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")
def test_a_key_that_belongs_to_another_user_is_refused(new_lab):
    lab = new_lab(start=False)
    others = 65534
    for file, path in (("ca.key", "cas.lab.key.file"),
                       ("ra-signing.key", "endpoints[0].ra.signing.key.file")):
        os.chown(lab.dir / file, others, -1)
        checked = harness.run("config", "check", "--config", lab.config_file)
        said = checked.stdout + checked.stderr
        assert checked.returncode == 2
        assert f"{path}: {lab.dir / file} belongs to another user ({others})" in said
        assert f"chown 0 {lab.dir / file}" in said
        serve = harness.run("serve", "--config", lab.config_file)
        assert serve.returncode == 2 and "belongs to another user" in serve.stderr
        os.chown(lab.dir / file, 0, -1)
    # Whoever has the configuration says which keys there are.
    for file in (lab.config_file, lab.dir / "ca.key"):
        os.chown(file, others, -1)
    assert harness.run("config", "check", "--config", lab.config_file).returncode == 0


def test_an_audit_file_that_is_no_file_has_no_mode_to_judge(new_lab):
    """/dev/full is open to everybody by nature, and so is a terminal."""
    lab = new_lab(start=False, edit=lambda config: config.update(log={"file": "/dev/full"}))
    assert check(lab) == []


@pytest.mark.parametrize("above", [False, True], ids=["the-folder", "one-above"])
@pytest.mark.parametrize("mode, severity", [(0o777, "error"), (0o1777, "warning")],
                         ids=["open", "sticky"])
def test_a_folder_in_which_everybody_may_write_is_told_once(new_lab, above, mode, severity):
    lab = new_lab(start=False)
    folder = lab.dir.parent if above else lab.dir
    before = folder.stat().st_mode
    folder.chmod(mode)
    faults = check(lab)
    folder.chmod(before)
    # A sticky folder protects the folders in it, as /tmp does. Containers' volumes are often open.
    if above:
        expected = [] if severity == "warning" else [("warning", "cas.lab.certificate")]
    else:
        expected = [(severity, "cas.lab.certificate")]
    assert brief(faults) == expected
    if expected:
        assert str(folder) in faults[0]["what"] and faults[0]["remedy"]


@pytest.mark.parametrize("linked", [False, True], ids=["named", "linked"])
@pytest.mark.parametrize("which, path", [("ca.key", "cas.lab.key.file"),
                                         ("ra-encryption.key",
                                          "endpoints[0].ra.encryption.key.file"),
                                         ("scepgate.db", "store.sqlite")])
def test_a_folder_elsewhere_counts_for_what_is_kept_there(new_lab, which, path, linked):
    lab = new_lab(start=False)
    folder = lab.dir / "open"
    folder.mkdir()
    (lab.dir / which).rename(folder / which)
    if linked:
        (lab.dir / which).symlink_to(folder / which)
    else:
        text = lab.config_file.read_text()
        lab.config_file.write_text(text.replace(f'"{which}"', f'"open/{which}"'))
    assert check(lab) == []
    folder.chmod(0o777)
    faults = check(lab)
    # What devices trust is decided by keys and certificates, not by records.
    severity = "warning" if path == "store.sqlite" else "error"
    assert brief(faults) == [(severity, path)]
    assert faults[0]["remedy"] == f"run: chmod o-w {folder}"


@pytest.mark.parametrize("store", ["scepgate.db", "below/scepgate.db"],
                         ids=["holds-both", "above-one"])
def test_a_folder_counts_as_the_worst_that_it_is(new_lab, store):
    """It holds the configuration alone; for the other file an open folder is a warning."""
    lab = new_lab(start=False)
    keys_ = lab.dir / "keys"
    keys_.mkdir()
    data = lab.dir / "data"
    (data / "below").mkdir(parents=True)
    for file in lab.dir.iterdir():
        if file.is_file():
            file.rename(keys_ / file.name)
    (keys_ / "scepgate.db").rename(data / store)
    text = (keys_ / "scepgate.json").read_text()
    text = re.sub(r'"([\w-]+\.(?:pem|key))"', r'"../keys/\1"', text)
    text = text.replace('"audit.jsonl"', '"../keys/audit.jsonl"')
    text = text.replace('"scepgate.db"', f'"{store}"')
    (data / "scepgate.json").write_text(text)
    assert check(lab, data / "scepgate.json") == []
    data.chmod(0o777)
    assert brief(check(lab, data / "scepgate.json")) == [("error", "")]


@pytest.mark.attack("A07")
@pytest.mark.parametrize("named, links", [
    ("open/link/ca.pem", {"open/link": "../safe"}),
    ("certs/ca.pem", {"certs/ca.pem": "../open/hop.pem", "open/hop.pem": "../safe/ca.pem"}),
    ("a/ca.pem", {"a": "open/b", "open/b": "../c", "c": "safe"}),
    ("a/ca.pem", {"a": "open/link/../safe", "open/link": "../certs"}),
], ids=["folder", "file-by-way-of-another", "three-folders", "dots"])
def test_whoever_may_turn_a_link_decides_what_is_read(new_lab, named, links):
    lab = new_lab(start=False)
    for folder in ("open", "certs", "safe"):
        (lab.dir / folder).mkdir()
    (lab.dir / "ca.pem").rename(lab.dir / "safe" / "ca.pem")
    for link, target in links.items():
        (lab.dir / link).symlink_to(target)
    lab.edit(lambda config: config["cas"]["lab"].update(certificate=named))
    assert check(lab) == []
    (lab.dir / "open").chmod(0o777)
    faults = check(lab)
    assert brief(faults) == [("error", "cas.lab.certificate")]
    assert faults[0]["remedy"] == f"run: chmod o-w {lab.dir / 'open'}"


def test_links_in_a_circle_are_told_by_whoever_reads_the_file(new_lab):
    lab = new_lab(start=False)
    (lab.dir / "ca.pem").unlink()
    (lab.dir / "ca.pem").symlink_to("other.pem")
    (lab.dir / "other.pem").symlink_to("ca.pem")
    assert ("error", "cas.lab.certificate") in brief(check(lab))


@pytest.mark.attack("A07")
def test_serve_refuses_a_folder_that_is_open_to_everybody(new_lab):
    lab = new_lab(start=False)
    lab.dir.chmod(0o777)
    result = harness.run("serve", "--config", lab.config_file)
    assert result.returncode == 2
    assert "chmod o-w" in result.stderr


# --- Certificates that have ended -----------------------------------------------------------------

def end(lab, file, days=-10, age=20):
    """The certificate again, over since ten days (or over in `days`), valid for `age` already."""
    key = serialization.load_pem_private_key((lab.dir / f"{file}.key").read_bytes(), None)
    old = scep.x509.load_pem_x509_certificate((lab.dir / f"{file}.pem").read_bytes())
    own = old.subject == old.issuer
    signer = key if own else serialization.load_pem_private_key(
        (lab.dir / "ca.key").read_bytes(), None)
    now = datetime.datetime.utcnow()
    builder = (scep.x509.CertificateBuilder().subject_name(old.subject).issuer_name(old.issuer)
               .public_key(old.public_key()).serial_number(old.serial_number)
               .not_valid_before(now - datetime.timedelta(days=age))
               .not_valid_after(now + datetime.timedelta(days=days)))
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    made = builder.sign(signer, scep.hashes.SHA256())
    (lab.dir / f"{file}.pem").write_bytes(made.public_bytes(PEM))


def command_in(remedy):
    found = re.search(r"run: (.*?)(?:; for new ones, .*)?$", remedy)
    assert found, remedy
    return found[1]


def run_shell(command, folder=None):
    path = f"{harness.BINARY.parent}:{os.environ['PATH']}"
    done = subprocess.run(command, shell=True, env={**os.environ, "PATH": path},
                          capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("days", [-10, 10], ids=["over", "soon"])
@pytest.mark.parametrize("file", ["ra-signing", "ra-encryption", "mdm-signer",
                                  "challenge-decryption"])
def test_the_command_that_is_told_renews_the_certificate(new_lab, keys, file, days):
    lab = new_lab(start=False)
    end(lab, file, days)
    faults = check(lab)
    assert faults and {f["severity"] for f in faults} == {"error" if days < 0 else "warning"}
    assert {f["remedy"] for f in faults} == {faults[0]["remedy"]}
    assert not file.startswith("ra") or "scepgate ca ra" in faults[0]["remedy"]
    run_shell(command_in(faults[0]["remedy"]))
    # The old one is kept for devices that know no other.
    kept = [("warning", "endpoints[0].ra.previous_encryption[0].certificate")]
    assert brief(check(lab)) == (kept if (file, days) == ("ra-encryption", -10) else [])
    lab.start()
    challenge = lab.challenge("--subject", "CN=renewed")
    assert lab.enrol(Csr(keys(), name("renewed"), challenge)).status == "success"


def test_the_command_may_be_copied_whatever_the_folder_is_called(new_lab):
    lab = new_lab(start=False)
    lab.dir = lab.dir.rename(lab.dir.parent / "o'dd $(touch x) folder")
    end(lab, "ra-signing")
    [fault] = check(lab)
    assert shlex.quote(str(lab.config_file)).replace('"\'"', "\\'") in fault["remedy"]
    run_shell(command_in(fault["remedy"]))
    assert check(lab) == []


def test_the_command_for_an_RA_before_a_next_CA_may_be_copied_too(new_lab):
    lab = new_lab(start=False)
    roll_over(lab, in_days(25))
    odd = lab.dir / "o'dd $(touch x) folder"
    odd.mkdir()
    (odd / "ra-signing.pem").write_bytes((lab.dir / "ra-signing.pem").read_bytes())
    lab.edit(lambda config: config["endpoints"][0]["ra"]["signing"].update(
        certificate=f"{odd.name}/ra-signing.pem"))
    end(lab, "ra-signing")
    (lab.dir / "ra-signing.pem").rename(odd / "ra-signing.pem")
    [fault] = check(lab)
    assert shlex.quote(str(odd / "ra-signing.pem")).replace('"\'"', "\\'") in fault["remedy"]
    run_shell(command_in(fault["remedy"]))
    assert check(lab) == []


def append(lab, to, *pem):
    with (lab.dir / to).open("ab") as file:
        file.write(b"".join(pem))


def other_mdm(days):
    key = two_tier.rsa.generate_private_key(65537, 2048)
    subject = name("other MDM")
    return two_tier.certify(subject, key, subject, key, ("digital_signature",), False,
                            days).public_bytes(PEM)


def test_another_signer_in_the_file_of_our_own_is_the_MDMs_to_renew(new_lab):
    lab = new_lab(start=False)
    append(lab, "mdm-signer.pem", other_mdm(10))
    faults = [f for f in check(lab) if "other MDM" in f["what"]]
    assert faults
    for fault in faults:
        assert "run:" not in fault["remedy"] and str(lab.dir / "mdm-signer.pem") in fault["remedy"]
    assert "the MDM" in faults[0]["remedy"]


def test_the_command_leaves_what_else_is_in_the_file(new_lab):
    lab = new_lab(start=False)
    end(lab, "mdm-signer", 10)
    append(lab, "mdm-signer.pem", other_mdm(500))
    before = (lab.dir / "mdm-signer.pem").read_bytes()
    run_shell(command_in(check(lab)[0]["remedy"]))
    assert (lab.dir / "mdm-signer.pem").read_bytes() == before
    assert check(lab) == []


def test_the_command_leaves_a_key_in_the_file_and_a_link_as_they_are(new_lab):
    lab = new_lab(start=False)
    roll_over(lab, in_days(25))  # until then 'ca ra' refuses
    end(lab, "ra-signing")
    end(lab, "ra-encryption")
    append(lab, "ra-signing.pem", (lab.dir / "ra-signing.key").read_bytes())
    (lab.dir / "ra-encryption.pem").rename(lab.dir / "elsewhere.pem")
    (lab.dir / "ra-encryption.pem").symlink_to("elsewhere.pem")
    faults = check(lab)
    assert len(faults) == 2
    for fault in faults:
        run_shell(command_in(fault["remedy"]))
    assert b"PRIVATE KEY" in (lab.dir / "ra-signing.pem").read_bytes()
    assert (lab.dir / "ra-encryption.pem").is_symlink()
    assert (lab.dir / "ra-encryption.pem.new").exists()


def take_key_from_environment(lab, monkeypatch, file):
    monkeypatch.setenv("THE_KEY", (lab.dir / f"{file}.key").read_text())
    text = lab.config_file.read_text()
    text = re.sub(rf'\{{\s*"file": "{file}.key"\s*\}}', '{"env": "THE_KEY"}', text)
    assert "THE_KEY" in text
    lab.config_file.write_text(text)


def test_a_signer_whose_key_is_in_the_environment_is_followed_by_one_in_files(new_lab, monkeypatch):
    lab = new_lab(start=False)
    take_key_from_environment(lab, monkeypatch, "mdm-signer")
    end(lab, "mdm-signer")
    run_shell(command_in(check(lab)[0]["remedy"]))
    assert check(lab) == []


@pytest.mark.parametrize("file", ["ra-signing", "ca"])
def test_a_key_from_the_environment_is_named_and_no_command_told(new_lab, monkeypatch, file):
    lab = new_lab(start=False)
    take_key_from_environment(lab, monkeypatch, file)
    end(lab, "ra-signing")
    assert "scepgate ca ra" in check(lab)[0]["remedy"], "which makes new keys, in files"
    text = lab.config_file.read_text()
    roll_over(lab, in_days(25))
    assert lab.config_file.read_text() != text
    for fault in check(lab):
        assert "run:" not in fault["remedy"] and "in place of the old one" in fault["remedy"]
        assert file == "ra-signing" or "THE_KEY" in fault["remedy"]


def test_a_signer_whose_key_the_MDM_has_is_the_MDMs_to_renew(new_lab):
    lab = new_lab(start=False, edit=lambda config: config["policies"]["mdm"].pop("signer"))
    end(lab, "mdm-signer")
    [fault] = check(lab)
    assert fault["severity"] == "error"
    assert "the MDM" in fault["remedy"] and str(lab.dir / "mdm-signer.pem") in fault["remedy"]


def test_a_CA_that_has_ended_is_followed_by_the_command_that_is_told(new_lab, keys):
    lab = new_lab(start=False)
    end(lab, "ca")
    [fault] = check(lab)
    assert (fault["severity"], fault["path"]) == ("error", "cas.lab.certificate")
    command = re.search(r"; for new ones, .*run: (.*)$", fault["remedy"])[1]
    assert command.startswith("scepgate ca rollover --config ")
    soon = datetime.datetime.utcnow() + datetime.timedelta(seconds=3)
    command, replaced = re.subn(r"--from [\dT:-]+Z", soon.strftime("--from %Y-%m-%dT%H:%M:%SZ"),
                                command)
    assert replaced == 1, "a time, and nothing for the shell to work out"
    run_shell(command)
    harness.wait_until(lambda: not any(f["severity"] == "error" for f in check(lab)),
                       "the next CA serves")
    lab.start()
    challenge = lab.challenge("--subject", "CN=next")
    assert lab.enrol(Csr(keys(), name("next"), challenge)).status == "success"


def test_a_CA_that_will_end_is_told_with_the_time_for_its_successor(new_lab):
    lab = new_lab(start=False)
    end(lab, "ca", 20)
    [fault] = check(lab)
    assert (fault["severity"], fault["path"]) == ("warning", "cas.lab.certificate")
    run_shell(re.search(r"; for new ones, .*run: (.*)$", fault["remedy"])[1])
    assert check(lab) == [], "the next CA takes over before that"


@pytest.mark.parametrize("days", [-10, 20], ids=["over", "soon"])
def test_a_root_that_ends_is_renewed_by_the_command_that_is_told_first(new_lab, keys, days):
    lab = new_lab(start=False)
    end(lab, "ca", days)
    before = (lab.dir / "ca.key").read_bytes()
    [fault] = check(lab)
    command = command_in(fault["remedy"])
    assert command.startswith("scepgate ca renew --config ")
    run_shell(command)
    assert check(lab) == []
    assert (lab.dir / "ca.key").read_bytes() == before
    lab.start()
    challenge = lab.challenge("--subject", "CN=goes on")
    assert lab.enrol(Csr(keys(), name("goes on"), challenge)).status == "success"


def in_days(days):
    then = datetime.datetime.utcnow() + datetime.timedelta(days=days)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def roll_over(lab, from_):
    run_shell(f"scepgate ca rollover --config {lab.config_file} --ca lab --from {from_}")


def second_endpoint(config):
    config["endpoints"].append({**config["endpoints"][0], "paths": ["/other"]})


def test_a_next_CA_that_will_end_itself_has_to_serve_before_another_follows(new_lab):
    lab = new_lab(start=False)
    end(lab, "ca", 5)  # its successor lives as long: 25 days
    roll_over(lab, in_days(1))
    faults = check(lab)
    assert len(faults) == 3, "the next CA and its RA"
    for fault in faults:
        assert fault["severity"] == "warning" and "endpoints[0].next" in fault["remedy"]
        assert "run:" not in fault["remedy"], "'ca rollover' is for a CA that serves"


def test_a_next_CA_that_comes_after_the_end_is_to_come_sooner(new_lab):
    lab = new_lab(start=False)
    end(lab, "ca", 20)
    roll_over(lab, in_days(25))
    faults = {f["path"]: f for f in check(lab)}
    assert "let 'from' of endpoints[0].next come before that" in \
        faults["cas.lab.certificate"]["remedy"]
    lab.edit(lambda config: config["endpoints"][0]["next"].update({"from": in_days(15)}))
    assert check(lab) == []


def test_after_the_switch_the_end_of_the_CA_before_is_not_told(new_lab):
    lab = new_lab(start=False)
    end(lab, "ca", -5, 400)
    roll_over(lab, in_days(1))
    lab.edit(lambda config: config["endpoints"][0]["next"].update({"from": in_days(0)}))
    # The next CA was made ten minutes before now; `from` is over, and that is all.
    assert brief(check(lab)) == [("warning", "endpoints[0].next.from")]


def test_an_endpoint_without_next_is_told_when_another_has_one(new_lab):
    lab = new_lab(start=False)
    end(lab, "ca", 20)
    roll_over(lab, in_days(10))
    lab.edit(second_endpoint)
    lab.edit(lambda config: config["endpoints"][1].pop("next"))
    [fault] = check(lab)
    assert (fault["severity"], fault["path"]) == ("warning", "cas.lab.certificate")
    assert "endpoints[1]" in fault["remedy"] and "endpoints[0]" not in fault["remedy"]
    assert "run:" not in fault["remedy"], "'ca rollover' refuses while a 'next' stands"


def not_after(file):
    return scep.x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after


def test_an_RA_does_not_outlive_its_CA(new_lab):
    lab = new_lab(start=False)
    end(lab, "ca", 100)
    end(lab, "ra-signing", 10)
    [fault] = check(lab)
    run_shell(command_in(fault["remedy"]))
    assert check(lab) == []
    signing = lab.config()["endpoints"][0]["ra"]["signing"]["certificate"]
    left = not_after(lab.dir / "ca.pem") - not_after(lab.dir / signing)
    assert datetime.timedelta(0) <= left < datetime.timedelta(days=2)


@pytest.mark.parametrize("days", [-5, 20], ids=["over", "soon"])
def test_an_RA_under_a_CA_that_ends_waits_for_the_rollover(new_lab, days):
    lab = new_lab(start=False)
    end(lab, "ca", days)
    end(lab, "ra-signing", days)
    faults = {f["path"]: f for f in check(lab)}
    assert len(faults) == 2
    ra = faults["endpoints[0].ra.signing.certificate"]["remedy"]
    command = command_in(ra)
    assert command == command_in(faults["cas.lab.certificate"]["remedy"])
    run_shell(command)
    [fault] = check(lab)
    run_shell(command_in(fault["remedy"]))
    assert check(lab) == []


def test_an_RA_that_ends_before_the_next_CA_takes_over_is_told(new_lab):
    lab = new_lab(start=False)
    end(lab, "ca", 20)
    end(lab, "ra-signing", 5)
    roll_over(lab, in_days(15))
    [fault] = check(lab)
    assert fault["path"] == "endpoints[0].ra.signing.certificate"
    run_shell(command_in(fault["remedy"]))
    assert check(lab) == []


def test_a_CA_under_another_is_told_how_to_ask_that_one(new_lab):
    lab = new_lab(start=False)
    two_tier.rebuild(lab)
    end_of_issuing(lab)
    [fault] = check(lab)
    assert fault["path"] == "cas.lab.certificate" and fault["severity"] == "error"
    run_shell(command_in(fault["remedy"]))
    request = scep.x509.load_pem_x509_csr((lab.dir / "ca.csr").read_bytes())
    assert request.subject == two_tier.ISSUING and request.is_signature_valid
    assert request.extensions.get_extension_for_class(scep.x509.BasicConstraints).value.ca


def end_of_issuing(lab):
    """The issuing CA's certificate, ended, under a root that has not."""
    key = serialization.load_pem_private_key((lab.dir / "ca.key").read_bytes(), None)
    root_key = two_tier.rsa.generate_private_key(65537, 2048)
    bits = ("key_cert_sign", "crl_sign", "digital_signature", "key_encipherment")
    root = two_tier.certify(two_tier.ROOT, root_key, two_tier.ROOT, root_key, bits, True)
    issuing = two_tier.certify(two_tier.ISSUING, key, two_tier.ROOT, root_key, bits, True, -5)
    two_tier.write(lab, "ca", key, issuing, root)
