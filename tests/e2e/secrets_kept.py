"""Which secrets a lab has, and whether one of them stands where an operator, or their log collector,
can read it: in a log, in an audit file, on standard output and error."""

import base64
import re

SHORTEST = 8  # less may be part of a word; and what a test has made of one digit, of a number
PEM_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n(.*?)-----END", re.S)
# What a configuration names by "file" and is no secret.
NO_SECRETS = {"log", "audit"}


def _files(value, name=""):
    """The files of a configuration's secrets: {"key": {"file": …}}."""
    if isinstance(value, dict):
        if isinstance(value.get("file"), str) and name not in NO_SECRETS:
            yield value["file"]
        for key, member in value.items():
            yield from _files(member, key)
    elif isinstance(value, list):
        for member in value:
            yield from _files(member, name)


def spellings(octets):
    """The texts by which a secret could be known again; none for what is too short."""
    text = octets.decode("latin-1")
    if keys := PEM_KEY.findall(text):
        return {line for key in keys for line in key.split("\n") if len(line) >= 32}
    found = {octets.hex(), octets.hex().upper(), base64.b64encode(octets).decode().rstrip("=")}
    if text.strip().isprintable():
        found.add(text.strip())
    return {each for each in found if len(each) >= SHORTEST and len(set(each)) > 3}


def of_folder(folder, config):
    """Where each secret is from, and how it may be spelled."""
    found = {}
    for name in set(_files(config)):
        file = folder / name
        if file.is_file() and "BEGIN CERTIFICATE" not in file.read_text(errors="replace")[:200]:
            found[name] = spellings(file.read_bytes())
    pin = folder / "token.pin"
    if pin.is_file():
        found["token.pin"] = spellings(pin.read_bytes())
    return found


def of_challenge(challenge):
    """A blob's middle would do for whoever wants to know it again; a password is used whole."""
    if len(challenge) < 200:
        return {challenge} if len(challenge) >= SHORTEST else set()
    middle = len(challenge) // 2
    return {challenge[middle - 32:middle + 32]}


def assert_kept(secrets, texts):
    """`texts`: by where they were read."""
    for source, known in secrets.items():
        for place, text in texts.items():
            shown = [each for each in known if each in text]
            assert not shown, f"{place} has the secret of {source}"
