"""The three other ways that labs can serve in (harness.py): with keys in a token, with the CA's key in
a signer of its own, with an EC CA. What is left out of each, and what of each runs with every change."""

import fnmatch

NOBODY_ENCRYPTS_TO_EC = "it encrypts to the CA's key, which takes RSA"
SIGNED_BY_EC = "a request that an EC key signed is refused before, as SignerKeyUnsupported"

# By mode: a test's name, and why it can mean nothing there.
LEFT_OUT = {
    "ec": {
        "conformance/test_transport.py::test_R_T14_the_key_of_the_CA_speaks_no_SCEP":
            NOBODY_ENCRYPTS_TO_EC,
        "e2e/test_enrolment.py::test_one_of_several_recipients_is_ours": NOBODY_ENCRYPTS_TO_EC,
        "e2e/test_http.py::test_E09_CA_mode_gives_one_bare_certificate_and_enrols":
            NOBODY_ENCRYPTS_TO_EC,
        "e2e/test_wrong_configuration.py::*a-CA-that-may-not-speak-SCEP*": NOBODY_ENCRYPTS_TO_EC,
        "interop/test_interop.py::test_scepclient_is_refused_without_the_switch_for_single_DES":
            "micromdm's scepclient encrypts to all of GetCACert, and ends where one is EC",
        "e2e/test_policy_explain.py::*before_failed*KeyIsServers*": SIGNED_BY_EC,
        "e2e/test_policy_explain.py::test_a_key_of_the_server_is_refused_here_too": SIGNED_BY_EC,
        "e2e/test_refusals.py::test_A_K03_a_key_of_the_server_gets_no_certificate?ca.key?":
            SIGNED_BY_EC,
    },
    "softhsm": {
        "e2e/test_wrong_configuration.py::test_a_key_that_others_may_read_is_found_on_reload_too":
            "what it makes readable to others is a key in a file",
    },
    "signer": {},
}

# -m modes: what takes each path that the mode changes (issuing, renewing, revoking, CRLs, rollover,
# reloading, a key that is away), a minute each.
IN_ALL = ("e2e/test_enrolment.py", "e2e/test_renewal.py", "e2e/test_revocation.py",
          "e2e/test_rollover.py")
WITH_EVERY_CHANGE = {
    "ec": (*IN_ALL, "e2e/test_publication.py"),
    "softhsm": (*IN_ALL, "e2e/test_operations.py", "e2e/test_pkcs11.py"),
    "signer": (*IN_ALL, "e2e/test_operations.py", "e2e/test_publication.py"),
}


def current(harness):
    """The modes that this run is in; usually none."""
    chosen = {"ec": harness.TEST_CA.startswith("ec:"), "softhsm": harness.TEST_KEYS == "softhsm",
              "signer": harness.SEPARATE_SIGNER}
    return [mode for mode, on in chosen.items() if on]


def is_left_out(test, modes):
    """`test`: "e2e/test_x.py::test_y[z]", from tests/ on."""
    return any(fnmatch.fnmatchcase(test, pattern) for mode in modes for pattern in LEFT_OUT[mode])
