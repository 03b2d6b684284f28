"""What is sent: groups of bad messages. Within a group nothing but what its line says differs, lengths included,
and every message has its own random keys, padding and nonces.

The first class of a group is its reference, the second the same again: nothing may tell these two apart.
"""

import dataclasses
import hashlib
import os
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOP / "tests" / "e2e"), str(TOP / "tests" / "attack")]

import der  # noqa: E402
import oids  # noqa: E402

OAEP_SHA256 = der.algorithm(oids.OAEP, der.sequence(
    der.tlv(0xA0, der.algorithm(oids.DIGEST["sha256"])),
    der.tlv(0xA1, der.algorithm(oids.MGF1, der.algorithm(oids.DIGEST["sha256"])))))
SIZE = 256  # octets of the moduli


@dataclasses.dataclass
class Group:
    name: str
    about: str
    path: str
    classes: dict       # what is wrong -> a function that makes such a pkiMessage (scep.Message)
    equal_work: bool = True     # whether it should be the same work, too


def noise(count):
    """Octets without a zero."""
    return bytes(1 + octet % 255 for octet in os.urandom(count))


def flipped(octets, place, bit=0x40):
    out = bytearray(octets)
    out[place] ^= bit
    return bytes(out)


# -- what RSA decrypts to --------------------------------------------------------------------------------

def pkcs1(key):
    return b"\0\2" + noise(SIZE - 3 - len(key)) + b"\0" + key


def pkcs1_blocks():
    """Padding that is wrong, or is right around what is no key of this cipher's."""
    return {
        "begins 00 01": lambda: b"\0\1" + pkcs1(os.urandom(16))[2:],
        "begins 01 02": lambda: b"\1" + pkcs1(os.urandom(16))[1:],
        "begins 7f 02": lambda: b"\x7f" + pkcs1(os.urandom(16))[1:],
        "no separator": lambda: b"\0\2" + noise(SIZE - 2),
        "separator in the first eight": lambda: b"\0\2" + noise(4) + b"\0" + noise(SIZE - 7),
        "separator an octet early": lambda: pkcs1(noise(17)),
        "separator an octet late": lambda: pkcs1(noise(15)),
        "a key of 32 octets": lambda: pkcs1(noise(32)),
        "no key behind the separator": lambda: pkcs1(b""),
        "all zero": lambda: bytes(SIZE),
    }


def mgf1(seed, count):
    out = b"".join(hashlib.sha256(seed + bytes([0, 0, 0, i])).digest() for i in range(count // 32 + 1))
    return out[:count]


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def oaep(key, first=0, label=b"", separator=1):
    data = hashlib.sha256(label).digest()
    data += bytes(SIZE - 33 - len(data) - 1 - len(key)) + bytes([separator]) + key
    seed = os.urandom(32)
    masked = xor(data, mgf1(seed, len(data)))
    return bytes([first]) + xor(seed, mgf1(masked, 32)) + masked


def oaep_blocks(octets):
    return {
        "first octet 01": lambda: oaep(os.urandom(octets), first=1),
        "another label": lambda: oaep(os.urandom(octets), label=b"x"),
        "no 01 before the key": lambda: oaep(noise(octets), separator=2),
        "a key an octet shorter": lambda: oaep(noise(octets - 1)),
        "a key an octet longer": lambda: oaep(noise(octets + 1)),
        "all zero": lambda: bytes(SIZE),
    }
