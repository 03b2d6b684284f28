"""A server that root starts, and that becomes another user: "run_as" (docs/deployment.md)."""

import grp
import os
import pwd
import random
import shutil
import signal
import socket
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

    def test_a_server_that_stays_root_is_warned_of(lab):
        assert "runs as root" in lab.log()
