"""Where serve and signer may write, whatever their user may: Landlock (docs/deployment.md)."""

import ctypes
import errno
import os
import signal

import pytest

import harness
import signer_lab
import soft_token

ABI = max(ctypes.CDLL(None).syscall(444, None, 0, 1), 0)  # what landlock_create_ruleset says of itself
DENIED = errno.EACCES


def moved(lab, config):
    """Store, audit file and log into a folder of their own; CRLs into another."""
    var, pki = lab.dir / "var", lab.dir / "pki"
    for folder in (var, pki):
        folder.mkdir(mode=0o700)
    for file in (*lab.dir.glob("scepgate.db*"), *lab.dir.glob("audit.jsonl*")):
        file.rename(var / file.name)
    config["store"] = {"sqlite": "var/scepgate.db"}
    config["audit"] = {"file": "var/audit.jsonl"}
    config["log"] = {"file": "var/scepgate.log"}
    config["cas"]["lab"]["crl"] = {"publish_to": [f"{pki}/lab.crl"]}


@pytest.fixture
def var_lab(new_lab, tmp_path):
    """Not started. `elsewhere` is a folder of the same user that the configuration does not name.
    `sandbox` is the configuration's: without the filter of system calls, Landlock stands alone."""
    def make(sandbox=None):
        lab = new_lab(start=False)

        def edit(config):
            moved(lab, config)
            config["sandbox"] = {"seccomp": "off"} if sandbox is None else sandbox

        lab.edit(edit)
        lab.var, lab.pki, lab.elsewhere = lab.dir / "var", lab.dir / "pki", tmp_path / "elsewhere"
        lab.elsewhere.mkdir()
        (lab.elsewhere / "file").write_text("theirs")
        (lab.elsewhere / "folder").mkdir()
        lab.log_lines = lambda: (lab.var / "scepgate.log").read_text()
        return lab

    return make


def reload(lab, file, word):
    lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: file.exists() and word in file.read_text(), word)
    return file.read_text()


def nothing_is_written_elsewhere(lab, intruder):
    lab.start(env=intruder.environment)
    there, file = lab.elsewhere, lab.elsewhere / "file"
    key = next(lab.dir.glob("*.key"))
    for what in (("create", there / "new"), ("write", file), ("write", key),
                 ("write", lab.config_file), ("create", lab.dir / "new"), ("unlink", file),
                 ("rename", file, there / "other"), ("rename", file, lab.var / "other"),
                 ("mkdir", there / "new"), ("rmdir", there / "folder"), ("mkfifo", there / "new"),
                 ("symlink", "/", there / "new"), ("bind-path", there / "new"),
                 ("mkdir", lab.var / "new"), ("symlink", "/", lab.var / "new"),
                 ("bind-path", lab.var / "new"),
                 *([] if harness.slow_binary() else [("exec", "/bin/true")])):  # sanitizers run one
        assert (what, intruder.attempt(lab.process, *what)) == (what, DENIED)
    assert intruder.attempt(lab.process, "link", file, lab.var / "other") in (DENIED, errno.EXDEV)
    if ABI >= 3:
        assert intruder.attempt(lab.process, "truncate", file) == DENIED
        assert file.read_text() == "theirs"
    for what in (("create", lab.var / "new"), ("write", lab.var / "new"),
                 ("rename", lab.var / "new", lab.var / "newer"), ("unlink", lab.var / "newer"),
                 ("create", lab.pki / "new"), ("read", file), ("write", "/dev/null")):
        assert (what, intruder.attempt(lab.process, *what)) == (what, 0)


def no_thread_writes_elsewhere(lab, intruder):
    lab.start(env=intruder.environment)
    tried = 0
    for thread in map(int, os.listdir(f"/proc/{lab.process.pid}/task")):
        text = open(f"/proc/{lab.process.pid}/task/{thread}/status").read()
        blocked = int(text.split("SigBlk:\t")[1].split()[0], 16)
        if blocked >> (signal.SIGUSR1 - 1) & 1:
            continue
        new = lab.elsewhere / f"of-{thread}"
        assert intruder.attempt(lab.process, "create", new, thread=thread) == DENIED, text
        tried += 1
    assert tried > 3
    # Others block signals (jemalloc's), and came after it too:
    assert harness.slow_binary() or "not confined" not in lab.log_lines()


def a_thread_that_was_there_before_is_told(lab, environment):
    lab.start(env={**environment, "SCEPGATE_TEST_EARLY_THREAD": "1"})
    told = [line for line in lab.log_lines().splitlines() if "not confined to folders" in line]
    assert len(told) == 1 and told[0].endswith("threads=1"), told


def ports_are_the_configurations(lab, intruder):
    lab.start(env=intruder.environment)
    assert intruder.attempt(lab.process, "bind-port", harness.free_port()) == DENIED
    assert intruder.attempt(lab.process, "bind-port", lab.port) == errno.EADDRINUSE


def others_get_no_signal(lab, intruder):
    lab.start(env=intruder.environment)
    assert intruder.attempt(lab.process, "signal", os.getpid()) == errno.EPERM
    assert intruder.attempt(lab.process, "signal", lab.process.pid) == 0


def links_made_later_lead_nowhere(lab):
    lab.start()
    log, audit = lab.var / "scepgate.log", lab.var / "audit.jsonl"
    harness.wait_until(lambda: '"crl"' in audit.read_text(), "the last record of the start")
    for file in (log, audit):
        file.rename(f"{file}.1")
        file.symlink_to(lab.elsewhere / file.name)
    text = reload(lab, lab.var / "scepgate.log.1", "reloaded")
    assert "cannot write the audit file" in text
    told = next(line for line in text.splitlines() if "cannot write the log" in line)
    assert "Permission denied" in told and "restart it" in told
    told = next(line for line in text.splitlines() if "audit.file: this process cannot" in line)
    assert str(lab.elsewhere) in told and "restart it" in told
    assert sorted(each.name for each in lab.elsewhere.iterdir()) == ["file", "folder"]
    assert lab.answers()


def a_published_folder_that_became_a_link_is_told(lab):
    lab.start()
    crl = lab.pki / "lab.crl"
    harness.wait_until(crl.exists, "the CRL")
    lab.pki.rename(lab.dir / "away")
    lab.pki.symlink_to(lab.elsewhere)
    harness.wait_until(lambda: "not published" in lab.log_lines() and
                       "restart it" in lab.log_lines(), "the log's word")
    assert not (lab.elsewhere / "lab.crl").exists()
    lab.stop()
    lab.start()
    harness.wait_until((lab.elsewhere / "lab.crl").exists, "the CRL after a restart")


def a_published_folder_that_was_made_anew_is_told(lab):
    lab.start()
    crl = lab.pki / "lab.crl"
    harness.wait_until(crl.exists, "the CRL")
    lab.pki.rename(lab.dir / "away")
    lab.pki.mkdir()
    text = reload(lab, lab.var / "scepgate.log", "info reloaded")
    told = next(line for line in text.splitlines() if "this process cannot write to" in line)
    assert " warning " in told and "cas.lab.crl.publish_to" in told and "restart it" in told
    lab.stop()
    lab.start()
    harness.wait_until(crl.exists, "the CRL after a restart")


def a_reload_that_names_a_new_folder_is_refused(lab):
    lab.start()
    more = lab.elsewhere / "more.crl"
    lab.edit(lambda config: config["cas"]["lab"]["crl"]["publish_to"].append(str(more)))
    text = reload(lab, lab.var / "scepgate.log", "not reloaded")
    told = next(line for line in text.splitlines() if "not reloaded" in line)
    assert "cas.lab.crl.publish_to" in told and "restart instead of reloading" in told
    assert lab.answers() and not more.exists()
    lab.stop()
    lab.start()
    harness.wait_until(more.exists, "the CRL after a restart")


def a_reload_that_names_a_folder_beneath_one_of_before_is_taken(lab):
    beneath = lab.pki / "beneath"
    beneath.mkdir()
    lab.start()
    lab.edit(lambda config: config["cas"]["lab"]["crl"].update(
        publish_to=[f"{beneath}/lab.crl"]))
    text = reload(lab, lab.var / "scepgate.log", "reloaded")
    assert "not reloaded" not in text
    harness.wait_until((beneath / "lab.crl").exists, "the CRL")


def what_the_configuration_adds_is_writable(var_lab, intruder, tmp_path):
    more = tmp_path / "tokens"
    more.mkdir()
    lab = var_lab({"seccomp": "off", "landlock": "on", "writable": [str(more)]})
    lab.start(env=intruder.environment)
    for what in (("create", more / "new"), ("mkdir", more / "folder"),
                 ("rename", more / "new", more / "folder" / "new"), ("symlink", "/", more / "link")):
        assert (what, intruder.attempt(lab.process, *what)) == (what, 0)
    assert f"{lab.var}, {lab.pki}, {more}" in lab.log_lines()
    assert intruder.attempt(lab.process, "create", lab.elsewhere / "new") == DENIED


def a_signer_writes_beside_its_own_alone(lab, intruder):
    signer = signer_lab.Signer(lab)
    config = lab.config()
    assert signer.take_over(config)
    signer.edit(lambda own: own.update(sandbox={"seccomp": "off"}))
    lab.write_config(config)
    lab.signer = signer.start(env=intruder.environment)
    lab.start()
    theirs = (lab.var / "new", lab.elsewhere / "new", "/tmp/scepgate-test-not-there")
    assert [intruder.attempt(signer.process, "create", new) for new in theirs] == [DENIED] * 3
    assert "landlock=on" in signer.log()
    if ABI >= 4:
        assert intruder.attempt(signer.process, "bind-port", harness.free_port()) == DENIED
    signer.stop()
    assert not signer.socket.exists(), "it takes its socket away"


def a_token_need_not_be_writable(lab, folder):
    config = lab.config()
    assert soft_token.move_keys(config, lab.dir) > 1
    lab.replace_config(config)
    lab.start()
    reload(lab, lab.var / "scepgate.log", "reloaded")
    challenge = lab.challenge("--subject", "CN=d")
    made = harness.run("enroll", "--url", lab.url, "--challenge", challenge, "--subject", "CN=d",
                       "--out", folder / "device")
    assert made.returncode == 0, made.stderr + lab.log_lines()


def a_log_that_is_standard_output_is_opened_anew(lab):
    lab.edit(lambda config: config["log"].update(file="/dev/stdout"))
    lab.start()
    reload(lab, lab.log_file, "reloaded")
    assert "cannot write" not in lab.log() and "landlock=on" in lab.log()


if ABI:
    def test_nothing_is_written_made_removed_or_run_elsewhere(var_lab, intruder):
        nothing_is_written_elsewhere(var_lab(), intruder)

    def test_no_thread_writes_elsewhere(var_lab, intruder):
        no_thread_writes_elsewhere(var_lab(), intruder)

    if not harness.slow_binary():  # a sanitizer has a thread of its own
        def test_a_thread_that_was_there_before_is_told(var_lab, intruder):
            a_thread_that_was_there_before_is_told(var_lab({}), intruder.environment)

    if ABI >= 4:
        def test_only_the_ports_of_the_configuration_are_bound(var_lab, intruder):
            ports_are_the_configurations(var_lab(), intruder)

    if ABI >= 6 and not harness.slow_binary():  # sanitizers look after their process by another one
        def test_other_processes_get_no_signal(var_lab, intruder):
            others_get_no_signal(var_lab(), intruder)

    def test_a_log_or_audit_file_that_became_a_link_is_not_followed_elsewhere(var_lab):
        links_made_later_lead_nowhere(var_lab({}))

    def test_a_published_folder_that_became_a_link_elsewhere_is_told(var_lab):
        a_published_folder_that_became_a_link_is_told(var_lab({}))

    def test_a_published_folder_that_was_made_anew_is_told_at_a_reload(var_lab):
        a_published_folder_that_was_made_anew_is_told(var_lab({}))

    def test_a_reload_that_would_publish_elsewhere_is_refused_and_says_restart(var_lab):
        a_reload_that_names_a_new_folder_is_refused(var_lab({}))

    def test_a_reload_that_publishes_beneath_a_folder_of_before_is_taken(var_lab):
        a_reload_that_names_a_folder_beneath_one_of_before_is_taken(var_lab({}))

    def test_folders_that_the_configuration_adds_are_writable(var_lab, intruder, tmp_path):
        what_the_configuration_adds_is_writable(var_lab, intruder, tmp_path)

    def test_a_log_that_is_standard_output_is_opened_anew(var_lab):
        a_log_that_is_standard_output_is_opened_anew(var_lab({}))

    if not harness.SEPARATE_SIGNER and harness.TEST_KEYS == "file":
        def test_keys_in_a_token_outside_of_these_folders_are_used(var_lab, tmp_path):
            a_token_need_not_be_writable(var_lab({}), tmp_path)

    if not harness.SEPARATE_SIGNER:
        def test_a_signer_writes_beside_its_own_files_alone(var_lab, intruder):
            a_signer_writes_beside_its_own_alone(var_lab(), intruder)


def test_without_it_the_user_alone_decides(var_lab, intruder):
    lab = var_lab({"seccomp": "off", "landlock": "off"}).start(env=intruder.environment)
    assert "landlock=off" in lab.log_lines()
    assert intruder.attempt(lab.process, "create", lab.elsewhere / "new") == 0


def without(error):
    """To be called in the child: Landlock's system calls fail, as on an older kernel."""
    def refuse():
        filter_ = ctypes.CDLL("libseccomp.so.2")
        filter_.seccomp_init.restype = ctypes.c_void_p
        allow, refused = 0x7FFF0000, 0x00050000 | error
        context = ctypes.c_void_p(filter_.seccomp_init(ctypes.c_uint32(allow)))
        for number in (444, 445, 446):
            filter_.seccomp_rule_add_array(context, ctypes.c_uint32(refused), number, 0, None)
        assert filter_.seccomp_load(context) == 0
    return refuse


@pytest.mark.parametrize("error, reason", [
    (errno.ENOSYS, "this kernel has no Landlock"),
    (errno.EOPNOTSUPP, "this kernel has Landlock, but did not enable it at boot"),
    (errno.EPERM, "Landlock is refused here: Operation not permitted")])
def test_on_a_kernel_without_it_there_is_a_warning_and_service(var_lab, error, reason):
    lab = var_lab({}).start(preexec_fn=without(error))
    assert f"sandbox.landlock: {reason}" in lab.log_lines()
    assert "landlock=off" in lab.log_lines()
    judged = harness.run("config", "check", "--config", lab.config_file,
                         preexec_fn=without(error))
    assert judged.returncode == 0 and reason in judged.stderr


def test_on_a_kernel_without_it_who_demands_it_gets_no_start(var_lab):
    lab = var_lab({"landlock": "on"})
    for command in (["serve"], ["config", "check"]):
        judged = harness.run(*command, "--config", lab.config_file, preexec_fn=without(errno.ENOSYS))
        assert judged.returncode == 2 and "this kernel has no Landlock" in judged.stderr
        assert "sandbox.landlock" in judged.stderr, judged.stderr


def test_a_folder_of_sandbox_writable_that_is_not_there_is_a_warning(var_lab, tmp_path):
    missing = tmp_path / "missing"
    lab = var_lab({"writable": [str(missing)]})
    judged = harness.run("config", "check", "--config", lab.config_file)
    assert judged.returncode == 0
    assert f"sandbox.writable[0]: there is no {missing}" in judged.stdout + judged.stderr
