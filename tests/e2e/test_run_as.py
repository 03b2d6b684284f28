"""A server that root starts, and that becomes another user: "run_as" (docs/deployment.md)."""

import grp
import os
import pwd
import random
import shutil
import signal
import socket
import stat
import subprocess

import pytest

import harness
import soft_token
from test_confinement import status, threads

pytestmark = pytest.mark.kernel

USER = "nobody"


def low_port():
    """One that takes root to bind."""
    numbers = list(range(600, 1000))
    random.shuffle(numbers)
    for number in numbers:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                continue
            return number
    raise RuntimeError("no free port below 1024")


def give(folder, user):
    """The folder and all in it to the user, who can get there."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)
    for path in folder.parents:
        if path.stat().st_mode & 0o077 == 0:  # pytest's own folders
            path.chmod(0o711)


@pytest.fixture
def user_lab(new_lab):
    """Of USER, on a port below 1024; not started."""
    lab = new_lab(start=False)
    lab.port = low_port()

    def edit(config):
        config["run_as"] = {"user": USER}
        config["listen"] = [{"address": f"127.0.0.1:{lab.port}"}]
        config["log"] = {"file": "scepgate.log"}

    lab.edit(edit)
    give(lab.dir, pwd.getpwnam(USER))
    return lab


def enrol(lab, to):
    challenge = lab.challenge("--subject", "CN=d", "--dns", "d.example", "--key-usage", "both")
    done = harness.run("enroll", "--url", lab.url, "--challenge", challenge, "--subject", "CN=d",
                       "--dns", "d.example", "--key-usage", "both", "--out", to)
    assert done.returncode == 0, done.stderr + lab.log()


def becomes_the_user_for_good(lab, folder):
    user = pwd.getpwnam(USER)
    lab.start()
    enrol(lab, folder / "device")
    for thread in threads(lab.process.pid):
        assert thread["Uid"].split() == [str(user.pw_uid)] * 4, thread["Name"]
        assert thread["Gid"].split() == [str(user.pw_gid)] * 4
        for capabilities in ("CapPrm", "CapEff", "CapAmb"):
            assert int(thread[capabilities], 16) == 0, thread["Name"]
    groups = {entry.gr_gid for entry in grp.getgrall() if USER in entry.gr_mem} | {user.pw_gid}
    assert set(map(int, status(lab.process.pid)["Groups"].split())) == groups
    ours = [path for path in lab.dir.iterdir() if path.name != "server.log"]
    assert {path.stat().st_uid for path in ours} == {user.pw_uid}


def started_with(lab, folder, *setpriv):
    """The lab's server as systemd's User= and AmbientCapabilities= start one."""
    program = shutil.copy(harness.BINARY, folder / "scepgate")  # where it was built, others may not look
    folder.chmod(0o711)
    user = pwd.getpwnam(USER)
    with open(lab.log_file, "ab") as log:
        lab.process = subprocess.Popen(
            ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *setpriv,
             program, "serve", "--config", lab.config_file],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env=soft_token.environment(lab.dir, dict(os.environ)))
    return lab


def a_capability_of_the_unit_ends_with_the_start(lab, folder):
    lab.edit(lambda config: config.pop("run_as"))
    started_with(lab, folder, "--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service")
    harness.wait_until(lab.answers, "the server answers")
    names = [thread["Name"] for thread in threads(lab.process.pid)]
    assert len(names) > 3 and (harness.slow_binary() or "jemalloc_bg_thd" in names), names
    for thread in threads(lab.process.pid):
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(thread[capabilities], 16) == 0, (thread["Name"], capabilities)
    assert "can still be bound" not in (lab.dir / "scepgate.log").read_text()


def reloads_as_the_user(lab):
    lab.start()
    log = lab.dir / "scepgate.log"
    log.rename(lab.dir / "scepgate.log.1")
    lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: log.exists() and "reloaded" in log.read_text(), "reloaded")
    assert log.stat().st_uid == pwd.getpwnam(USER).pw_uid
    assert lab.answers()


def nobody_of_that_user_looks_into_it(lab):
    user = pwd.getpwnam(USER)
    lab.start()
    looks = subprocess.run(["cat", f"/proc/{lab.process.pid}/environ"], user=user.pw_uid,
                           group=user.pw_gid, extra_groups=[], capture_output=True)
    assert looks.returncode == 1 and b"Permission denied" in looks.stderr


def what_it_cannot_read_is_told(lab):
    key = lab.dir / "ra-signing.key"
    assert key.exists()
    os.chown(key, 0, 0)
    for command in (["serve"], ["config", "check"]):
        done = harness.run(*command, "--config", lab.config_file)
        assert done.returncode == 2
        assert str(key) in done.stderr and "ra.signing.key" in done.stderr, done.stderr
    os.chown(key, *[getattr(pwd.getpwnam(USER), name) for name in ("pw_uid", "pw_gid")])
    assert harness.run("config", "check", "--config", lab.config_file).returncode == 0


def an_unknown_user_or_group_is_refused(lab):
    for run_as, fault in (({"user": "nobody-there"}, "there is no user 'nobody-there'"),
                          ({"user": USER, "group": "none-such"}, "there is no group 'none-such'"),
                          ({"user": "4242"}, "there is no user '4242'")):
        lab.edit(lambda config: config.update(run_as=run_as))
        for command in (["serve"], ["config", "check"]):
            done = harness.run(*command, "--config", lab.config_file)
            assert done.returncode == 2 and fault in done.stderr, done.stderr


def another_user_cannot_become_it(lab, folder):
    program = shutil.copy(harness.BINARY, folder / "scepgate")  # where it was built, others may not look
    folder.chmod(0o711)
    daemon = pwd.getpwnam("daemon")
    give(lab.dir, daemon)
    done = subprocess.run([program, "serve", "--config", lab.config_file], user=daemon.pw_uid,
                          group=daemon.pw_gid, extra_groups=[], capture_output=True, text=True)
    assert done.returncode == 2 and f"only root can become '{USER}'" in done.stderr


def deploy(lab, user, group, run_as):
    """As docs/deployment.md has it: configuration and keys are root's, the group's to read; what is
    written is the user's."""
    data = lab.dir / "data"
    data.mkdir()
    (lab.dir / "scepgate.db").rename(data / "scepgate.db")

    def edit(config):
        config["store"]["sqlite"] = "data/scepgate.db"
        config["audit"]["file"] = "data/audit.jsonl"
        config["log"] = {"file": "data/scepgate.log"}
        config.pop("run_as", None)
        if run_as:
            config["run_as"] = {"user": user.pw_name}

    lab.edit(edit)
    give(data, user)
    data.chmod(0o700)
    for path in (lab.dir, *(path for path in lab.dir.iterdir() if path != data)):
        os.chown(path, 0, group)
        path.chmod(0o750 if path.is_dir() else 0o640)


def owner_and_mode(path):
    status = path.stat()
    return status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)


KEY_COMMANDS = {
    "policy rotate": [("policy", "rotate", "--policy", "mdm", "--signer", "--decryption")],
    "ca create, ca ra": [("ca", "create", "--ca", "second", "--root", "--ca-name", "Second CA"),
                         ("ca", "ra", "--ca", "second")],
    "ca create --subordinate": [("ca", "create", "--ca", "issuing", "--subordinate", "--ca-name",
                                 "Issuing CA")],
    "ca create --subordinate-of": [("ca", "create", "--ca", "below", "--root", "--ca-name", "Top"),
                                   ("ca", "create", "--ca", "under", "--subordinate-of", "below",
                                    "--ca-name", "Under")],
    "ca renew": [("ca", "renew", "--ca", "lab", "--validity", "7300d")],
    "ca rollover": [("ca", "rollover", "--ca", "lab", "--from", "2030-01-01T00:00:00Z")],
}


def what_root_makes_the_server_reads(lab, commands, run_as):
    user = pwd.getpwnam(USER)
    group = user.pw_gid
    deploy(lab, user, group, run_as)
    before = set(lab.dir.rglob("*"))
    umask = os.umask(0o077)
    try:
        for command in commands:
            done = harness.run(*command, "--config", lab.config_file)
            assert done.returncode == 0, done.stderr
    finally:
        os.umask(umask)
    assert owner_and_mode(lab.config_file) == (0, group, 0o640)
    assert owner_and_mode(lab.dir / "ca.pem") == (0, group, 0o640)
    made = {path for path in set(lab.dir.rglob("*")) - before if lab.dir / "data" not in path.parents}
    assert made
    for path in made:
        owner, of_group, mode = owner_and_mode(path)
        assert (owner, of_group) == (0, group), path
        assert mode in ((0o750,) if path.is_dir() else (0o640, 0o644)), path
        assert path.suffix != ".key" or mode == 0o640, path
    checked = harness.run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 0, checked.stderr


def a_lab_of_the_servers_user_stays_its_own(lab):
    user = pwd.getpwnam(USER)
    done = harness.run("policy", "rotate", "--config", lab.config_file, "--policy", "mdm",
                       "--signer", "--decryption")
    assert done.returncode == 0, done.stderr
    ours = [path for path in lab.dir.iterdir() if path.name != "server.log"]
    assert {path.stat().st_uid for path in ours} == {user.pw_uid}
    assert {stat.S_IMODE(path.stat().st_mode) for path in ours if path.suffix == ".key"} == {0o600}
    lab.start()
    enrol(lab, lab.dir / "device")


def a_configuration_that_cannot_be_read_is_told(lab, folder):
    program = shutil.copy(harness.BINARY, folder / "scepgate")
    folder.chmod(0o711)
    user = pwd.getpwnam(USER)

    def check(file):
        done = subprocess.run([program, "config", "check", "--config", file], user=user.pw_uid,
                              group=user.pw_gid, extra_groups=[], capture_output=True, text=True)
        assert done.returncode == 2
        return done.stderr

    os.chown(lab.config_file, 0, 0)
    lab.config_file.chmod(0o640)
    said = check(lab.config_file)
    assert f"as user '{USER}': Permission denied" in said and "scepgate init" not in said
    for command in said[said.index("chgrp"):].strip().split(" && "):
        subprocess.run(command, shell=True, check=True)
    done = subprocess.run([program, "config", "check", "--config", lab.config_file],
                          user=user.pw_uid, group=user.pw_gid, extra_groups=[], capture_output=True,
                          text=True)
    assert "cannot read the configuration" not in done.stderr
    os.chown(lab.dir, 0, 0)
    lab.dir.chmod(0o700)
    assert f"the folder {lab.dir} is closed" in check(lab.config_file)
    assert "scepgate init" in check(folder / "none.json")


def who_may_not_write_is_named(lab):
    user = pwd.getpwnam(USER)
    for file, path in (("scepgate.db", "store.sqlite"), ("audit.jsonl", "audit.file")):
        (lab.dir / file).touch()
        os.chown(lab.dir / file, 0, 0)
        (lab.dir / file).chmod(0o644 if file == "audit.jsonl" else 0o640)
        done = harness.run("config", "check", "--config", lab.config_file)
        assert done.returncode == 2
        line = next(line for line in done.stderr.splitlines() if line.startswith(f"error: {path}"))
        assert f"user '{USER}' may not write" in line, done.stderr
        subprocess.run(line[line.index("chown "):], shell=True, check=True)
        assert (lab.dir / file).stat().st_uid == user.pw_uid
    (lab.dir / "audit.jsonl").chmod(0o600)
    checked = harness.run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 0, checked.stderr


if os.geteuid() == 0:  # it takes root to become another
    def test_it_binds_a_port_below_1024_and_is_the_user_for_good(user_lab, tmp_path):
        becomes_the_user_for_good(user_lab, tmp_path)

    def test_a_right_to_bind_that_a_unit_gave_is_given_up_by_all_threads(user_lab, tmp_path):
        a_capability_of_the_unit_ends_with_the_start(user_lab, tmp_path)

    def test_a_reload_opens_files_as_the_user(user_lab):
        reloads_as_the_user(user_lab)

    if not harness.slow_binary():  # LeakSanitizer looks at its own process by ptrace
        def test_another_process_of_the_user_cannot_look_into_it(user_lab):
            nobody_of_that_user_looks_into_it(user_lab)

    def test_a_key_that_the_user_cannot_read_is_told_at_start(user_lab):
        what_it_cannot_read_is_told(user_lab)

    def test_a_user_or_group_that_is_not_there_is_refused(user_lab):
        an_unknown_user_or_group_is_refused(user_lab)

    def test_who_is_neither_root_nor_the_user_is_refused(user_lab, tmp_path):
        another_user_cannot_become_it(user_lab, tmp_path)

    @pytest.mark.parametrize("run_as", [True, False], ids=["run_as", "unit"])
    @pytest.mark.parametrize("commands", KEY_COMMANDS.values(), ids=KEY_COMMANDS)
    def test_what_a_command_of_root_makes_can_be_read_by_the_server(user_lab, commands, run_as):
        what_root_makes_the_server_reads(user_lab, commands, run_as)
        if run_as:
            user_lab.start()
            user_lab.process.send_signal(signal.SIGHUP)
            log = user_lab.dir / "data" / "scepgate.log"
            harness.wait_until(lambda: "reloaded" in log.read_text(), "reloaded")
            enrol(user_lab, user_lab.dir / "device")

    def test_a_command_of_root_leaves_a_lab_to_the_user_whose_it_is(user_lab):
        a_lab_of_the_servers_user_stays_its_own(user_lab)

    def test_who_cannot_read_the_configuration_is_told_who_it_is_and_what_mends_it(user_lab,
                                                                                   tmp_path):
        a_configuration_that_cannot_be_read_is_told(user_lab, tmp_path)

    def test_who_may_not_write_store_or_audit_file_is_named_with_what_mends_it(user_lab):
        who_may_not_write_is_named(user_lab)

    def test_a_server_that_stays_root_is_warned_of(lab):
        assert "runs as root" in lab.log()
