import pytest

import cases
import clients
import labs


@pytest.fixture(scope="session")
def interop_labs(templates, tmp_path_factory):
    made = labs.Labs(templates, tmp_path_factory.mktemp("interop"))
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def certmonger(tmp_path_factory):
    daemon = clients.Certmonger(tmp_path_factory.mktemp("certmonger"))
    try:
        yield daemon
    finally:
        daemon.stop()


passed_cases = set()


@pytest.fixture
def cases_that_passed():
    return passed_cases


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    case = getattr(item, "callspec", None) and item.callspec.params.get("case")
    if isinstance(case, cases.Case) and call.when == "call" and outcome.get_result().passed:
        passed_cases.add(case)
