"""The code in docs/webhook.md verifies the document's own examples."""

import re
import subprocess
from pathlib import Path

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs/webhook.md").read_text()
KEY = "correct-horse-battery-staple-0123456789"
TIME = "1800000060"


def block(kind, name):
    return re.search(rf"<!-- {kind}: {name} -->\n```\w*\n(.*?)\n```", DOCUMENT, re.S).group(1)


def test_the_python_code_verifies_the_request():
    space = {}
    exec(block("snippet", "python"), space)
    body, signature = block("vector", "request").encode(), block("vector", "request-signature")
    is_signed = space["is_signed"]
    assert is_signed(KEY.encode(), TIME, body, signature)
    assert is_signed(KEY.encode(), TIME, body, "v1=00," + signature)
    assert not is_signed(KEY.encode(), "1800000061", body, signature)
    assert not is_signed(b"another key", TIME, body, signature)
    assert not is_signed(KEY.encode(), TIME, body + b" ", signature)


def test_the_shell_code_makes_the_same_signature(tmp_path):
    (tmp_path / "webhook.key").write_text(KEY + "\n")
    (tmp_path / "body.json").write_text(block("vector", "request"))
    made = subprocess.run(["sh", "-ec", block("snippet", "sh")], cwd=tmp_path, text=True,
                          capture_output=True, check=True, env={"TIMESTAMP": TIME,
                                                                "PATH": "/usr/bin:/bin"})
    assert made.stdout.strip() == block("vector", "request-signature")
