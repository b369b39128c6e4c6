"""County exchange documents under libxml2.

1. What the gateway writes from every good fixture validates against the shipped XSD.
2. The gateway and the XSD agree on the county-niem fixtures and on single mutations of the good
   ones, except where DIFFERENT says why not.
"""

import pathlib
import re
import subprocess
import sys

from road import fixtures, report, translate, verdict

WORK = pathlib.Path(sys.argv[1])
XSD = WORK / "xsd" / "kinbridge-exchange.xsd"
FORMAT = "county-niem/1.0"
# Files the XSD accepts and the gateway does not: the README of the format says why.
DIFFERENT = {
    "bad-doctype": "never read, whatever it declares",
    "bad-end-before-start": "a rule over two elements",
    "bad-no-offset": "instants have an offset",
    "bad-two-starts": "one start",
    "bad-dangling-person": "libxml2 does not follow structures:ref",
    "bad-subject-dangling": "libxml2 does not follow structures:ref",
    "bad-no-case-number": "no element of NIEM is required",
    "bad-no-id": "no element of NIEM is required",
    "bad-sex-word": "nc:PersonSexText is free text",
    "bad-status": "nc:StatusText is free text",
}
# Files the gateway accepts and the XSD does not.
LIBERAL = {"elements-in-another-order": "read in any order, written in the right one"}


def valid(path):
    """libxml2's verdict."""
    run = subprocess.run(
        ["xmllint", "--nonet", "--noout", "--schema", str(XSD), str(path)],
        capture_output=True, text=True, check=False)
    return run.returncode == 0, run.stderr.strip().split("\n")[0]


def mutations(text):
    """Single changes that the XSD and the gateway must see alike."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        code = re.match(r"\s*<(kb:\w+Code)>([^<]+)</", line)
        if code:
            yield f"code-{at}", "\n".join(
                lines[:at] + [line.replace(f">{code[2]}<", ">no-such-code<")] + lines[at + 1:])
        leaf = re.match(r"\s*<(kb:\w+)>[^<]+</\1>", line)
        if leaf:
            yield f"twice-{at}", "\n".join(lines[:at + 1] + lines[at:])
            yield f"empty-{at}", "\n".join(lines[:at] + [f"<{leaf[1]}/>"] + lines[at + 1:])
        date = re.match(r"\s*<kb:\w+Date(Time)?>", line)
        if date:
            yield f"date-{at}", "\n".join(
                lines[:at] + [re.sub(r">[^<]+<", ">2026-13-01<", line)] + lines[at + 1:])


def main():
    failures, checked = [], 0
    for source in ("kinbridge-json/1.0", "fhir-r4/4.0", FORMAT):
        for record, case, path in fixtures(source.split("/")[0]):
            if path.suffix == ".ndjson" or verdict(source, path):
                continue
            out, why = translate(source, FORMAT, path)
            name = f"{source} {record}/{case}"
            checked += 1
            if out is None:
                failures.append(f"{name}: not translated: {why}")
                continue
            made = WORK / f"out-{checked}.xml"
            made.write_bytes(out)
            ok, why = valid(made)
            if not ok:
                failures.append(f"{name}: {why}")
    for record, case, path in fixtures("county-niem"):
        checked += 1
        ours, (theirs, why) = not verdict(FORMAT, path), valid(path)
        if ours != theirs and case not in (DIFFERENT if theirs else LIBERAL):
            failures.append(f"{record}/{case}: gateway {ours}, XSD {theirs} {why}")
        if not theirs or not ours:
            continue
        for name, text in mutations(path.read_text()):
            checked += 1
            mutant = WORK / "mutant.xml"
            mutant.write_text(text)
            ours, (theirs, why) = not verdict(FORMAT, mutant), valid(mutant)
            if ours != theirs:
                failures.append(f"{record}/{case} {name}: gateway {ours}, XSD {theirs} {why}")
    report(failures, checked, "county-niem under libxml2")


main()
