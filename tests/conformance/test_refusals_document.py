"""docs/refusals.md says of each refusal what the source says; each code of a policy, a template or the
CA has its row in one of the documents, and there is no row of a code that nobody gives."""

import re

import pytest

from harness import TOP

FOLDERS = ("scep", "policy", "ca_backend", "server")
DOCUMENTS = ("policy", "refusals", "challenge-blob", "intune", "one-time-passwords", "policy-rules",
             "renewal-and-approval", "signer", "webhook")
# Of these no CertRep is made, or another status than 503.
STATUS = {"MessageUnreadable": "none (400)", "InternalError": "none (500)"}
# What Intune alone says.
NOT_OURS = {"AadKeyIdentifierListMissing", "ScepProfileNoLongerTargetedToTheClient", "Unknown"}


FAMILIES = "Rule|Renewal|Challenge|Claims|Policy|Webhook|Intune|Signer|Template|Approval|Poll|Crl"
ENDINGS = "Mismatch|Missing|Unsupported|Unreadable|NotValid|TooShort|TooLong|InChallenge"
# Named like a code, and none.
OTHERS = {"RenewalReq", "bad_value", "malformed", "unknown_member"}


def sources():
    """What makes refusals; the subcommands only show them."""
    for folder in FOLDERS:
        for file in (*(TOP / folder).rglob("*.cpp"), *(TOP / folder).rglob("*.hpp")):
            if not {"cli", "admin"} & set(file.parts):
                yield file


def joined(literals):
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals))


def reasons():
    """(code, check, what the device is told, hint) of each Reason in the two headers."""
    found = []
    for file in ("scep/reasons.hpp", "server/reasons.hpp"):
        for body in re.findall(r"constexpr Reason k\w+\{(.*?)\};", (TOP / file).read_text(), re.S):
            info, code, check, rest = re.fullmatch(
                r'\s*FailInfo::k(\w+),\s*"(\w+)",\s*"([^"]+)",(.*)', body, re.S).groups()
            told = "none (503)" if "kTemporary" in rest else info[0].lower() + info[1:]
            found.append((code, check, STATUS.get(code, told), joined(rest)))
    return found


def cells(document):
    lines = (TOP / "docs" / f"{document}.md").read_text().splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")]
            for line in lines if line.startswith("| ")]


def documented(*documents):
    """The codes that the first cell of a row, or the second of a rule's, names."""
    return {code for document in documents for row in cells(document) for cell in row
            for code in re.findall(r"`([A-Z][a-z]+(?:[A-Z][A-Za-z]*)?)`", cell)}


def given():
    """The codes in the source: what follows a FailInfo or the name of what makes refusals, and what
    is named like one."""
    codes = {code for code, *_ in reasons()}
    for file in sources():
        text = file.read_text()
        for made in (r'FailInfo::\w+,\s*"(\w+)"', r'\b(?:refuse|bad_\w+|Breach)[({]"(\w+)"',
                     rf'"((?:{FAMILIES})[A-Z]\w+|[A-Z]\w+(?:{ENDINGS}))"'):
            codes |= set(re.findall(made, text))
    return codes - OTHERS


def test_each_row_says_what_the_source_says():
    rows = [(row[0].strip("`"), row[1], row[2], row[4]) for row in cells("refusals")
            if row[0].startswith("`") and len(row) == 5]
    assert len(rows) > 30
    assert sorted(rows) == sorted(reasons())


@pytest.mark.parametrize("code, check, told, hint", reasons(), ids=lambda text: None)
def test_a_reason_helps(code, check, told, hint):
    assert re.fullmatch(r"[A-Z][a-z]+(?:[A-Z][a-z]*)*", code) and check
    assert len(hint) >= 20 and "|" not in hint


def test_each_code_that_is_given_is_documented():
    assert len(given()) > 90
    assert sorted(given() - documented(*DOCUMENTS)) == []


def test_each_code_that_is_documented_is_given():
    first = {code for document in ("policy", "refusals") for row in cells(document)
             for code in re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", row[0])}
    source = "".join(file.read_text() for file in sources())
    assert sorted(code for code in first - NOT_OURS if f'"{code}"' not in source) == []
