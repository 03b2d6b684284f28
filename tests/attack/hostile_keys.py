"""Public keys that nobody should certify, as SubjectPublicKeyInfo; and weak RSA keys that can sign."""

import secrets
from math import gcd, prod

from cryptography.hazmat.primitives.asymmetric import rsa

import der
import raw_cms
from raw_x509 import rsa_spki

E = 65537
EC = "1.2.840.10045.2.1"
P256 = "1.2.840.10045.3.1.7"


def modulus(bits):
    """An odd number of just so many bits: what is refused by its size is never computed with."""
    return secrets.randbits(bits) | 1 << bits - 1 | 1


def ec_spki(point, curve=P256, algorithm=EC):
    parameters = curve if isinstance(curve, bytes) else der.oid(curve)
    return der.sequence(der.sequence(der.oid(algorithm), parameters), der.bits(point))


def explicit_p256():
    """The parameters of P-256 written out (RFC 3279), which a stranger could have changed."""
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    a, b = p - 3, 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    x = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
    y = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
    n = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

    def octets(number):
        return der.octets(number.to_bytes(32, "big"))

    return der.sequence(der.integer(1), der.sequence(der.oid("1.2.840.10045.1.1"), der.integer(p)),
                        der.sequence(octets(a), octets(b)),
                        der.octets(b"\4" + x.to_bytes(32, "big") + y.to_bytes(32, "big")),
                        der.integer(n), der.integer(1))


def prime(n):
    """By Fermat's test, which no adversary chose the numbers of."""
    return all(n % small for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31)) and pow(2, n - 1, n) == 1


def prime_from(start):
    candidate = start | 1
    while not prime(candidate) or gcd(candidate - 1, E) != 1:
        candidate += 2
    return candidate


class WeakRsa:
    """An RSA key of these primes: as much of a private key as signing needs."""

    def __init__(self, p, q):
        self.n = p * q
        d = pow(E, -1, (p - 1) * (q - 1))
        self.spki = rsa_spki(self.n, E)
        self._numbers = rsa.RSAPrivateNumbers(p, q, d, 0, 0, 0, rsa.RSAPublicNumbers(E, self.n))

    def private_numbers(self):
        return self._numbers

    def sign(self, octets):
        size = (self.n.bit_length() + 7) // 8
        return raw_cms.rsa_raw(self, raw_cms.pkcs1_block(size, raw_cms.digest_info(octets)))


def random_prime(bits):
    """With the two highest bits set, so that products have all theirs."""
    return prime_from(secrets.randbits(bits) | 3 << bits - 2)


def close_primes():
    """What Fermat's factorisation finds at once (CVE-2022-26320)."""
    p = random_prime(1024)
    return WeakRsa(p, prime_from(p + 2**100))


def factor_of_3():
    return WeakRsa(random_prime(2046), 3)


def factor_of_751():
    """The largest prime that is looked for (NIST SP 800-89 section 5.3.3)."""
    return WeakRsa(random_prime(2038), 751)


def roca():
    """Primes of Infineon's form k·M + 65537^a mod M (CVE-2017-15361)."""
    smalls, candidate = [2], 3
    while len(smalls) < 126:
        if all(candidate % s for s in smalls):
            smalls.append(candidate)
        candidate += 2
    product = prod(smalls)

    def one():
        lowest, highest = (3 << 1022) // product + 1, (1 << 1024) // product - 1
        while True:
            number = (lowest + secrets.randbelow(highest - lowest)) * product + pow(
                E, secrets.randbits(62), product)
            if prime(number):
                return number
    return WeakRsa(one(), one())
