"""A SoftHSM token in a lab's own folder, and labs whose keys are in it."""

import hashlib
import os
import subprocess
from pathlib import Path

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "lab-pin-7731"
LABEL = "lab"


def environment(folder, base=None):
    """What a process needs to see the token of this folder; its path is written anew, because labs
    are copied."""
    folder = Path(folder)
    if not (folder / "tokens").is_dir():
        return base
    settings = folder / "softhsm2.conf"
    wanted = f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n"
    if not settings.exists() or settings.read_text() != wanted:
        settings.write_text(wanted)
    return dict(base if base is not None else os.environ, SOFTHSM2_CONF=str(settings))


def tool(folder, *arguments):
    subprocess.run([str(argument) for argument in arguments], env=environment(folder), check=True,
                   capture_output=True)


def make(folder):
    """An empty token, and its PIN in a file that the configuration can name."""
    folder = Path(folder)
    (folder / "tokens").mkdir(mode=0o700)
    pin = folder / "token.pin"
    pin.touch(mode=0o600)
    pin.write_text(PIN + "\n")
    tool(folder, "softhsm2-util", "--init-token", "--free", "--label", LABEL, "--so-pin", "5678",
         "--pin", PIN)


def key(name):
    """A key of the token, as the configuration names it."""
    return {"pkcs11": f"pkcs11:token={LABEL};object={name}", "module": MODULE,
            "pin": {"file": "token.pin"}}


def move_in(folder, file, label):
    """FOLDER/FILE, a key, into the token under that label; the file stays for tests that sign with
    it."""
    folder = Path(folder)
    naming = "--label", label, "--id", label.encode().hex()
    known = folder / "tokens.labels"
    if known.exists() and label in known.read_text().split():
        return key(label)
    with known.open("a") as list_:
        list_.write(label + "\n")
    if "challenge-decryption" not in label:  # its successor is called after the day
        tool(folder, "softhsm2-util", "--import", folder / file, "--token", LABEL, "--pin", PIN,
             *naming)
        return key(label)
    # softhsm2-util makes no key that may agree on others.
    private, public = folder / "key.der", folder / "public.der"
    tool(folder, "openssl", "pkey", "-in", folder / file, "-outform", "DER", "-out", private)
    tool(folder, "openssl", "pkey", "-in", folder / file, "-pubout", "-outform", "DER", "-out",
         public)
    for kind, der in (("privkey", private), ("pubkey", public)):
        tool(folder, "pkcs11-tool", "--module", MODULE, "--token-label", LABEL, "--login", "--pin",
             PIN, "--write-object", der, "--type", kind, "--usage-derive", *naming)
        der.unlink()
    return key(label)


def _pairs(config):
    """Every certificate with a key, of CAs, RAs and challenges."""
    yield from (ca for ca in config.get("cas", {}).values() if ca.get("type") == "embedded")
    for endpoint in config.get("endpoints", []):
        for place in (endpoint, endpoint.get("next", {})):
            for role in place.get("ra", {}).values():
                yield from role if isinstance(role, list) else [role]
    for policy in config.get("policies", {}).values():
        for role in ("decryption", "signer"):
            pairs = policy.get(role, [])
            yield from pairs if isinstance(pairs, list) else [pairs]


def _label(_, file):
    return str(Path(file).with_suffix("")).strip("/").replace("/", ".")


def move_keys(config, folder, label=_label):
    """Those in plain files of this folder go into a token, which is made when there is none."""
    folder = Path(folder)
    moved = 0
    for pair in _pairs(config):
        file = pair.get("key", {}).get("file")
        if not file or len(pair["key"]) > 1 or not (folder / file).is_file():
            continue
        if not (folder / "tokens").is_dir():
            make(folder)
        pair["key"] = move_in(folder, file, label(folder, file))
        moved += 1
    return moved


# -- the whole suite with it (SCEPGATE_TEST_KEYS=softhsm) ------------------------------------------

def _label_of_the_key(folder, file):
    """A test may have a token of its own, with keys called like their files, or put another key
    into the same file."""
    digest = hashlib.sha256((Path(folder) / file).read_bytes()).hexdigest()
    return f"lab.{digest[:8]}.{_label(folder, file)}"


def before_serving(lab):
    """What cannot be read is for the server to refuse."""
    config = lab.config_if_sound()
    if config is None or not move_keys(config, lab.dir, _label_of_the_key):
        return
    lab.replace_config(config)
    owner = lab.dir.stat()
    environment(lab.dir)
    tokens = lab.dir / "tokens"
    for path in (tokens, *tokens.rglob("*"), *lab.dir.glob("token*"), lab.dir / "softhsm2.conf"):
        os.chown(path, owner.st_uid, owner.st_gid)
