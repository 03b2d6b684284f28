"""The systemd units of deploy/: sound, as closed as they say, and wide enough for what they run."""

import contextlib
import functools
import os
import re
import signal
import socket
import subprocess

import pytest

import harness

pytestmark = pytest.mark.kernel

DEPLOY = harness.TOP / "deploy"
SANDBOX = harness.TOP / "server" / "sandbox"
# systemd's exposure level, 0.0 to 10.0: at most.
UNITS = {"scepgate.service": 1.7, "scepgate-signer.service": 0.6}
# Before its own filter is there.
AT_START = {"execve", "listen", "seccomp", "prctl", "prlimit64", "arch_prctl", "clone3",
            "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}
IN_PART = {"clone", "sched_setscheduler", "mmap", "mprotect", "socket", "socketpair", "ioctl",
           "kill", "tgkill"}


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True)


def settings(unit):
    """Every value of each setting, in order."""
    found = {}
    for line in (DEPLOY / unit).read_text().splitlines():
        if re.match(r"\w+=", line):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


@functools.cache
def members(name):
    """The system calls of a group (@file-system), or the one."""
    if not name.startswith("@"):
        return {name}
    listed = analyze("syscall-filter", name).stdout.splitlines()[1:]
    words = [line.strip() for line in listed if line.strip() and not line.strip().startswith("#")]
    assert words, name
    return set().union(*map(members, words))


def allowed(unit):
    calls = members("@default")
    for value in settings(unit)["SystemCallFilter"]:
        named = set().union(*map(members, value.removeprefix("~").split()))
        calls = calls - named if value.startswith("~") else calls | named
    return calls


def needed():
    text = (SANDBOX / "syscalls.hpp").read_text()
    listed = set(re.findall(r'"(\w+)"', text.split("kNeededSyscalls")[1].split("});")[0]))
    assert len(listed) > 100
    return listed | IN_PART | AT_START


@functools.cache
def of_this_machine():
    """Names that any group knows: others are of other architectures, or newer than this systemd."""
    return set().union(*(members(line) for line in analyze("syscall-filter").stdout.splitlines()
                         if line.startswith("@")))


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_sound(unit, tmp_path):
    copy = tmp_path / unit
    copy.write_text((DEPLOY / unit).read_text().replace("/usr/bin/scepgate", str(harness.BINARY)))
    judged = analyze("verify", "--man=no", copy)
    assert (judged.returncode, judged.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_as_closed_as_is_said(unit):
    judged = analyze("security", "--offline=true", f"--threshold={int(UNITS[unit] * 10)}",
                     "--no-pager", DEPLOY / unit)
    assert judged.returncode == 0, judged.stdout
    level = re.search(r"exposure level for \S+: (\S+)", judged.stdout).group(1)
    assert f"{unit.removesuffix('.service')} {level}" in exposures_of_the_document()


def exposures_of_the_document():
    """"scepgate 1.8", …: what docs/deployment.md says."""
    text = (harness.TOP / "docs" / "deployment.md").read_text()
    return {f"{unit} {level}" for unit, level in
            re.findall(r"^\| `deploy/([\w-]+)\.service` \|.*\| (\d\.\d) \|$", text, re.M)}


def test_the_server_may_have_what_its_limits_let_strangers_make_it_hold():
    """And half as much again, but not all of a small machine."""
    held = re.findall(r"under (\d\.\d) GiB", (harness.TOP / "docs" / "limits.md").read_text())
    most = re.fullmatch(r"(\d+)G", *settings("scepgate.service")["MemoryMax"]).group(1)
    assert len(held) == 2 and 1.5 * max(map(float, held)) < int(most) < 4


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_allows_every_system_call_that_the_program_needs(unit):
    missing = needed() & of_this_machine() - allowed(unit)
    assert sorted(missing) == []


def test_a_unit_that_gives_a_capability_lets_the_program_give_it_up():
    assert settings("scepgate.service")["AmbientCapabilities"] == ["CAP_NET_BIND_SERVICE"]
    assert "capset" in allowed("scepgate.service")
    assert "AmbientCapabilities" not in settings("scepgate-signer.service")


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_allows_no_program_to_be_traced_mounted_or_rebooted(unit):
    assert not allowed(unit) & {"ptrace", "mount", "reboot", "bpf", "setresuid", "init_module",
                                "perf_event_open", "swapon", "clock_settime", "keyctl"}


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_a_server_tells_the_service_manager_when_it_serves_and_when_it_stops(new_lab, abstract):
    lab = new_lab(start=False)
    name = f"/tmp/scepgate-test-{lab.port}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, contextlib.ExitStack() as end:
        manager.bind("\0" + name if abstract else name)
        if not abstract:
            end.callback(os.unlink, name)
        manager.settimeout(harness.PATIENCE)
        lab.start(env={"NOTIFY_SOCKET": "@" + name if abstract else name})
        assert manager.recv(100) == b"READY=1"
        lab.process.send_signal(signal.SIGTERM)
        assert manager.recv(100) == b"STOPPING=1"
        lab.stop()


def test_a_server_that_does_not_start_is_not_called_ready(new_lab):
    lab = new_lab(start=False)
    lab.edit(lambda config: config.update(run_as={"user": "nobody-there"}))
    name = f"/tmp/scepgate-test-{lab.port}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name)
        done = harness.run("serve", "--config", lab.config_file, env={"NOTIFY_SOCKET": "@" + name})
        assert done.returncode == 2
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.recv(100)
