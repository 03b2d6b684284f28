"""What serve and signer may not do, whoever is in them: docs/deployment.md."""

import errno
import json
import os
import signal

import pytest

import harness
import signer_lab

pytestmark = pytest.mark.kernel

PRODUCT = not harness.slow_binary()  # sanitizers need some of what is forbidden
FORBIDDEN = ["mount", "bpf", "setresuid", *(["execve", "fork", "ptrace"] if PRODUCT else [])]
REFUSED = ["mmap", "mprotect", "socket", "keyctl", "listen"]


def status(pid, task=None):
    """/proc/PID/status of the process, or of one thread."""
    file = f"/proc/{pid}/task/{task}/status" if task else f"/proc/{pid}/status"
    return dict(line.rstrip("\n").split(":\t", 1) for line in open(file) if ":\t" in line)


def threads(pid):
    return [status(pid, task) for task in os.listdir(f"/proc/{pid}/task")]


def limit(pid, name):
    line = next(each for each in open(f"/proc/{pid}/limits") if each.startswith(name))
    return line[len(name):].split()[:2]


def assert_confined(process):
    for thread in threads(process.pid):
        assert (thread["Seccomp"], thread["NoNewPrivs"]) == ("2", "1"), thread["Name"]
    assert limit(process.pid, "Max core file size") == ["0", "0"]
    assert int(status(process.pid)["Umask"], 8) & 0o027 == 0o027


def test_every_thread_of_a_server_is_under_the_filter_and_leaves_no_core(lab):
    assert len(threads(lab.process.pid)) > 3
    assert_confined(lab.process)
    assert "confined" in lab.log() and "seccomp=on" in lab.log()


def test_a_signer_is_under_the_filter_and_leaves_no_core(new_lab):
    lab = new_lab(start=False)
    signer = lab.signer or signer_lab.separated(lab)
    lab.signer = signer
    lab.start()
    assert_confined(signer.process)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_what_no_honest_code_does_ends_the_process_and_is_told(new_lab, intruder, what):
    lab = new_lab(start=False).start(env=intruder.environment)
    assert intruder.attempt(lab.process, "getpid") == 0
    intruder.order(lab.process, what)
    assert lab.process.wait(harness.PATIENCE) == -signal.SIGSYS
    lab.process = None
    last = lab.log().splitlines()[-1]
    name = "clone" if what == "fork" else what
    assert f"\"a forbidden system call: ends at once\" syscall={name} " in last
    assert intruder.result.read_text() == ""


def refused_calls_fail_and_are_told_once(new_lab, intruder):
    lab = new_lab(start=False).start(env=intruder.environment)
    lab.intruded = True
    for what in REFUSED * 2:
        assert (what, intruder.attempt(lab.process, what)) == (what, errno.ENOSYS)
    told = [line for line in lab.log().splitlines() if harness.REFUSED_CALL in line]
    assert [line.split("syscall=")[1].split()[0] for line in told] == REFUSED
    assert lab.answers()


def a_named_call_is_allowed(new_lab, intruder):
    def edit(config):
        config["sandbox"] = {"syscalls": ["keyctl"]}

    lab = new_lab(edit=edit, start=False).start(env=intruder.environment)
    assert intruder.attempt(lab.process, "keyctl") != errno.ENOSYS
    assert "not allowed" not in lab.log()


def a_refused_call_is_told_in_the_logs_format_after_a_rotation(new_lab, intruder):
    def edit(config):
        config["log"] = {"file": "scepgate.log", "format": "json"}

    lab = new_lab(edit=edit, start=False).start(env=intruder.environment)
    file = lab.dir / "scepgate.log"
    file.rename(lab.dir / "scepgate.log.1")
    lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: file.exists() and "reloaded" in file.read_text(), "reloaded")
    assert intruder.attempt(lab.process, "keyctl") == errno.ENOSYS
    told = [line for line in map(json.loads, file.read_text().splitlines())
            if line.get("syscall") == "keyctl"]
    assert [line["level"] for line in told] == ["error"]
    assert told[0]["time"].endswith("Z") and len(told[0]["time"]) == 27


if PRODUCT:
    def test_what_is_not_allowed_fails_and_is_told_once(new_lab, intruder):
        refused_calls_fail_and_are_told_once(new_lab, intruder)

    def test_a_call_that_the_configuration_names_is_allowed(new_lab, intruder):
        a_named_call_is_allowed(new_lab, intruder)

    def test_a_refused_call_is_told_in_the_logs_own_format_and_file_after_a_rotation(
            new_lab, intruder):
        a_refused_call_is_told_in_the_logs_format_after_a_rotation(new_lab, intruder)


def test_without_the_filter_nothing_is_refused_by_it(new_lab, intruder):
    def edit(config):
        config["sandbox"] = {"seccomp": "off"}

    lab = new_lab(edit=edit, start=False).start(env=intruder.environment)
    assert status(lab.process.pid)["Seccomp"] == "0"
    assert "seccomp=off" in lab.log()
    assert intruder.attempt(lab.process, "mprotect") == 0
