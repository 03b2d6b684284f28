"""Does what a guide of docs/ says: its ```sh blocks, in their order, as they are written."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import harness

BLOCK = re.compile(r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<text>.*?)^ *```$", re.M | re.S)
HEADING = re.compile(r"^#+ (.*)$", re.M)

LAB = "lab/scepgate.json"


class Block:
    """One fenced block: what kind it is, under which heading it stands."""

    def __init__(self, kind, text, heading):
        self.kind, self.text, self.heading = kind, text, heading
        self.done = False


def blocks(document):
    """The fenced blocks of docs/DOCUMENT."""
    text = (harness.TOP / "docs" / document).read_text()
    bare = BLOCK.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)  # a comment is no heading
    headings = [(m.start(), m.group(1)) for m in HEADING.finditer(bare)]
    return [Block(m["kind"], re.sub(f"^{m['indent']}", "", m["text"], flags=re.M),
                  [name for at, name in headings if at < m.start()][-1])
            for m in BLOCK.finditer(text)]


class Walk:
    """A reader in a folder of their own, who replaces nothing but what `instead` says: ports, and the
    capitals that stand for a value of the reader's."""

    def __init__(self, document, folder, instead=None):
        self.blocks = blocks(document)
        self.folder = Path(folder)
        self.instead = dict(instead or {})
        self.groups = []
        self.output = ""
        binaries = self.folder / "bin"
        binaries.mkdir()
        (binaries / "scepgate").symlink_to(harness.BINARY)
        self.environment = dict(os.environ, PATH=f"{binaries}:{os.environ['PATH']}")

    def run(self, heading, count=None, status=0):
        """Types the next `count` blocks of commands under this heading (all of them) into one shell, which
        must end with `status`; what it printed."""
        waiting = [b for b in self.blocks if b.heading == heading and b.kind == "sh" and not b.done]
        assert waiting, f"no commands are left under {heading!r}"
        for block in waiting[:count]:
            block.done = True
        return self.do("".join(block.text for block in waiting[:count]), status)

    def do(self, text, status=0):
        """Runs these lines of a shell. A server that they start lives on until end()."""
        text = re.sub(r"(?m)^(scepgate (?:serve|signer) --config (\S+))(?: &)?$",
                      r": > \2.log; \1 >> \2.log 2>&1 & echo $! > \2.pid; wait_for \2", self.mine(text))
        log = self.folder / "output.log"
        with log.open("w") as file:
            shell = subprocess.Popen(["bash", "-euo", "pipefail", "-c", WAIT_FOR + text],
                                     cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                     stdout=file, stderr=file, start_new_session=True)
        self.groups.append(shell.pid)
        ended = shell.wait(harness.PATIENCE * 3)
        self.output = log.read_text()
        assert ended == status, f"{text}\nended with {ended}:\n{self.output}{self.logs()}"
        return self.output

    def mine(self, text):
        for words, others in self.instead.items():
            text = re.sub(rf"(?<![\w-]){re.escape(words)}(?![\w-])", lambda _: str(others), text)
        return text

    def logs(self):
        return "".join(f"\n{log.name}:\n{log.read_text()[-3000:]}" for log in
                       self.folder.rglob("*.json.log"))

    def json(self, heading, number=0):
        """A configuration's part that is shown under a heading."""
        shown = [b for b in self.blocks if b.heading == heading and b.kind == "json"][number]
        shown.done = True
        text = self.mine(shown.text).strip()
        for left_out in ('"lab": { … },', "…,"):
            text = text.replace(left_out, "")
        return json.loads(text if text.startswith("{") else "{" + text + "}")

    def edit(self, file, change):
        """As a reader edits a configuration."""
        file = self.folder / file
        config = harness.load_json_with_comments(file.read_text())
        change(config)
        file.write_text(json.dumps(config, indent=2))

    def program(self, name, text):
        """Puts a program of this name before the system's."""
        file = self.folder / "bin" / name
        file.write_text("#!/bin/bash\n" + text)
        file.chmod(0o755)

    def pid(self, config):
        """Of the server (or signer) that the commands have started with this configuration."""
        return int((self.folder / f"{config}.pid").read_text())

    def hang_up(self, config):
        self.hanging_up(config, lambda: os.kill(self.pid(config), signal.SIGHUP))

    def hanging_up(self, config, act):
        """Waits for the reload that `act` orders."""
        log = self.folder / f"{config}.log"
        before = log.read_text().count("info reloaded")
        act()
        harness.wait_until(lambda: log.read_text().count("info reloaded") > before, "the reload")

    def stop(self, config):
        os.kill(self.pid(config), signal.SIGTERM)
        harness.wait_until(lambda: not alive(self.pid(config)), "the server's end")

    def left(self):
        """The first line of each block of commands that nobody ran."""
        return [b.text.splitlines()[0] for b in self.blocks if b.kind == "sh" and not b.done]

    def end(self):
        for group in self.groups:
            try:
                os.killpg(group, signal.SIGTERM)
            except ProcessLookupError:
                pass


# A reader goes on when the log says so.
WAIT_FOR = r"""
wait_for() {
  for _ in $(seq 200); do
    ! grep -qE ' info (serving|signing) ' "$1.log" || return 0
    kill -0 "$(cat "$1.pid")" || return 1
    sleep 0.1
  done
  return 1
}
"""


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def enrolled(reads, name, ca="lab/ca.pem"):
    """A device 4711 with a certificate; its serial number."""
    names = f"--subject CN={name},O=Example --dns {name}.example --key-usage both"
    reads.do(f"scepgate challenge create --config {LAB} {names} --device-id 4711 > {name}.challenge\n"
             f"scepgate enroll --url http://127.0.0.1:{reads.port}/scep --ca-file {ca} "
             f"--challenge-file {name}.challenge {names} --out {name}")
    return reads.do(f"openssl x509 -in {name}/cert.pem -noout -serial").strip().partition("=")[2]
