"""A SoftHSM token in a lab's own folder, and labs whose keys are in it."""

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


def move_in(folder, name):
    """FOLDER/NAME.key into the token, under that name; the file stays for tests that sign with
    it."""
    folder = Path(folder)
    label = "--label", name, "--id", name.encode().hex()
    if name != "challenge-decryption":
        tool(folder, "softhsm2-util", "--import", folder / f"{name}.key", "--token", LABEL, "--pin",
             PIN, *label)
        return key(name)
    # softhsm2-util makes no key that may agree on others.
    private, public = folder / "key.der", folder / "public.der"
    tool(folder, "openssl", "pkey", "-in", folder / f"{name}.key", "-outform", "DER", "-out", private)
    tool(folder, "openssl", "pkey", "-in", folder / f"{name}.key", "-pubout", "-outform", "DER",
         "-out", public)
    for kind, file in (("privkey", private), ("pubkey", public)):
        tool(folder, "pkcs11-tool", "--module", MODULE, "--token-label", LABEL, "--login", "--pin",
             PIN, "--write-object", file, "--type", kind, "--usage-derive", *label)
        file.unlink()
    return key(name)


def move_keys(config, folder):
    """The keys of the CA, of the RA and of challenges go into a token."""
    make(folder)
    pairs = [*config["cas"].values()]
    for endpoint in config["endpoints"]:
        pairs += endpoint["ra"].values()
    for policy in config["policies"].values():
        pairs += [policy[role] for role in ("decryption", "signer") if role in policy]
    for pair in pairs:
        pair["key"] = move_in(folder, Path(pair["key"]["file"]).stem)
