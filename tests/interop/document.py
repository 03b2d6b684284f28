"""docs/interop.md's table, which the suite writes itself."""

import subprocess

import cases
import harness

FILE = harness.TOP / "docs" / "interop.md"
BEGIN = "<!-- tests/interop writes this table: pytest … tests/interop --write-interop -->\n"
END = "<!-- end of the table -->\n"
HEADER = ("client", "version", "operation", "method", "device's RSA key", "CA's key", "mode",
          "authorised by", "proxy", "result")


def versions():
    """Debian's version of each client's package."""
    return {package: subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], check=True,
                                    capture_output=True, text=True).stdout
            for package in set(cases.PACKAGES.values())}


def table():
    installed = versions()
    rows = [HEADER, ("---",) * len(HEADER)]
    for case in cases.ALL:
        client, *rest = case.cells
        rows.append((f"`{client}`", installed[cases.PACKAGES[client]], *rest, "works"))
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def parts():
    """The text before the table, the table, the text after it."""
    before, rest = FILE.read_text().split(BEGIN)
    written, after = rest.split(END)
    return before, written, after


def write():
    before, _, after = parts()
    FILE.write_text(before + BEGIN + table() + END + after)


def listed():
    """The committed rows as the cells of cases, versions left out; each says that it works."""
    rows = []
    for line in parts()[1].splitlines()[2:]:
        client, _, *rest, result = [cell.strip() for cell in line.strip("|").split("|")]
        assert result == "works", line
        rows.append((client.strip("`"), *rest))
    return rows
