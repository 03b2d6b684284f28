"""C02, C03, C08, C10, C11: what the MDM that is trusted says, when it is not what it has to be."""

import json
import time

import pytest

from blob_maker import BlobMaker

YEAR = 365 * 86400


@pytest.fixture(scope="module")
def mdm(target):
    return BlobMaker(target.lab)


@pytest.fixture
def judged(target, mdm):
    """A request whose challenge has this JSON must be badMessageCheck, for `code`."""
    def send(text, code):
        csr = target.csr(challenge=mdm.text(text), extensions=[])
        return target.refused(target.request(csr), "badMessageCheck", code)
    return send


def changed(mdm, **changes):
    return json.dumps(mdm.claims(**changes)).encode()


def test_the_claims_that_are_changed_below_are_right_to_begin_with(target, mdm):
    target.granted(target.request(target.csr(challenge=mdm.blob(), extensions=[])))


TIMES = {
    "expired": (lambda now: dict(iat=now - 7200, nbf=now - 7200, exp=now - 3600),
                "ChallengeExpired"),
    "expired, beyond the skew by a little": (
        lambda now: dict(iat=now - 7200, nbf=now - 7200, exp=now - 310), "ChallengeExpired"),
    "not yet valid": (lambda now: dict(nbf=now + 3600, exp=now + 7200), "ChallengeNotYetValid"),
    "of the future, valid now": (lambda now: dict(iat=now + 3600),
                                 "ChallengeInvalidTimestamp"),
    "ends before it begins": (lambda now: dict(exp=now - 1), "ChallengeInvalidTimestamp"),
    "valid until 9999": (lambda now: dict(exp=253402300799), "ChallengeInvalidTimestamp"),
    "valid for 32 days": (lambda now: dict(exp=now + 32 * 86400), "ChallengeInvalidTimestamp"),
    "of 1970": (lambda now: dict(iat=0, nbf=0, exp=3600), "ChallengeExpired"),
    "beyond 9999": (lambda now: dict(exp=253402300800), "ClaimsInvalid"),
    "beyond 64 bits": (lambda now: dict(exp=2 ** 64 + now), "ClaimsInvalid"),
    "negative": (lambda now: dict(nbf=-1), "ClaimsInvalid"),
    "a fraction": (lambda now: dict(exp=now + 3600.5), "ClaimsInvalid"),
    "a text": (lambda now: dict(exp=str(now + 3600)), "ClaimsInvalid"),
    "no exp": (lambda now: dict(exp=None), "ClaimsInvalid"),
    "no nbf": (lambda now: dict(nbf=None), "ClaimsInvalid"),
    "no iat": (lambda now: dict(iat=None), "ClaimsInvalid"),
}


@pytest.mark.attack("C02")
@pytest.mark.parametrize("what", TIMES)
def test_a_challenge_of_another_time_is_refused(mdm, judged, what):
    changes, code = TIMES[what]
    judged(changed(mdm, **changes(int(time.time()))), code)


AUDIENCES = {
    "another server's": lambda ours: "https://other.example/scep",
    "a longer one": lambda ours: ours + "/",
    "a shorter one": lambda ours: ours[:-1],
    "in capitals": lambda ours: ours.upper(),
    "with a space": lambda ours: ours + " ",
    "among others": lambda ours: [ours, "https://other.example/scep"],
    "empty": lambda ours: "",
    "none": lambda ours: None,
}


@pytest.mark.attack("C03", "C08")
@pytest.mark.parametrize("whose", AUDIENCES)
def test_a_challenge_for_another_audience_is_refused(mdm, judged, whose):
    audience = AUDIENCES[whose](mdm.audience)
    told = "AudienceMismatch" if isinstance(audience, str) and audience else "ClaimsInvalid"
    judged(changed(mdm, aud=audience), told)


@pytest.mark.attack("C03")
@pytest.mark.parametrize("claim, value", [
    ("template", "NoSuchTemplate"), ("template", "DeviceSignature"), ("purpose", "signature"),
    ("purpose", "encryption")])
def test_a_challenge_for_another_profile_is_refused(target, mdm, claim, value):
    csr = target.csr(challenge=mdm.blob(mdm.claims(**{claim: value})))
    target.refused(target.request(csr), "badRequest")


def spliced(mdm, addition):
    """The right claims and, behind them, `addition`, as written."""
    return changed(mdm)[:-1] + b"," + addition + b"}"


JSON = {
    "a claim twice": lambda mdm: spliced(mdm, b'"aud":"https://other.example/"'),
    "a claim twice, the same": lambda mdm: spliced(mdm, b'"v":1'),
    "a claim twice, once escaped": lambda mdm: spliced(mdm, rb'"\u0076":1'),
    "a member twice within": lambda mdm: spliced(
        mdm, b'"key":{"minimum_bits":2048,"minimum_bits":1024}'),
    "a member twice in what is ignored": lambda mdm: spliced(mdm, b'"x":{"a":1,"a":2}'),
    "a byte order mark": lambda mdm: b"\xef\xbb\xbf" + changed(mdm),
    "NaN": lambda mdm: spliced(mdm, b'"x":NaN'),
    "Infinity": lambda mdm: spliced(mdm, b'"x":Infinity'),
    "1e400": lambda mdm: spliced(mdm, b'"x":1e400'),
    "null": lambda mdm: spliced(mdm, b'"template":null'),
    "nesting of 9": lambda mdm: spliced(mdm, b'"x":' + b"[" * 8 + b"]" * 8),
    "nesting of 10,000": lambda mdm: spliced(mdm, b'"x":' + b"[" * 10000 + b"]" * 10000),
    "nesting that does not end": lambda mdm: b'{"v":' * 5000,
    "an unknown critical claim": lambda mdm: changed(mdm, crit=["geo"], geo="x"),
    "octets behind it": lambda mdm: changed(mdm) + b"{}",
    "NUL behind it": lambda mdm: changed(mdm) + b"\0",
    "a comment": lambda mdm: changed(mdm)[:-1] + b"/* */}",
    "single quotes": lambda mdm: changed(mdm).replace(b'"', b"'"),
    "UTF-16": lambda mdm: changed(mdm).decode().encode("utf-16-le"),
    "invalid UTF-8": lambda mdm: spliced(mdm, b'"device_id":"\xc0\x80"'),
    "a lone surrogate": lambda mdm: spliced(mdm, rb'"device_id":"\ud800"'),
    "a list": lambda mdm: b"[" + changed(mdm) + b"]",
    "nothing": lambda mdm: b"",
    "another version": lambda mdm: changed(mdm, v=2),
}


@pytest.mark.attack("C10")
@pytest.mark.parametrize("what", JSON)
def test_claims_that_are_not_strict_JSON_are_refused(mdm, judged, what):
    judged(JSON[what](mdm), "ClaimsInvalid")


LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
XML = {
    "XXE": b'<?xml version="1.0"?><!DOCTYPE c [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
           b"<claims><subject>&x;</subject></claims>",
    "a billion laughs": b'<?xml version="1.0"?><!DOCTYPE c [<!ENTITY l0 "ha">' + LAUGHS
                        + b"]><claims>&l9;</claims>",
}


@pytest.mark.attack("C11")
@pytest.mark.parametrize("what", XML)
def test_XML_is_no_claims(target, judged, what):
    judged(XML[what], "ClaimsInvalid")
    assert "root:x:0" not in target.lab.text_everywhere()


@pytest.mark.attack("C12")
def test_a_challenge_wrapped_in_white_space_and_lines_is_the_same(target, mdm):
    blob = mdm.blob()
    lines = "\r\n".join(blob[i:i + 64] for i in range(0, len(blob), 64))
    target.granted(target.request(target.csr(challenge=f"  {lines}\n", extensions=[],
                                             challenge_string=0x0C)))
