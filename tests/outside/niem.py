"""County exchange documents under libxml2.

1. What the gateway writes from every good fixture validates against the shipped XSD.
2. The gateway and the XSD agree on the county-niem fixtures and on single mutations of the
   fullest of them, except where DIFFERENT and LIBERAL say why not.
"""

import pathlib
import re
import subprocess
import sys

from road import ROOT, fixtures, in_parallel, report, translate, verdict

WORK = pathlib.Path(sys.argv[1])
XSD = WORK / "xsd" / "kinbridge-exchange.xsd"
FORMAT = "county-niem/1.0"
# Files the XSD accepts and the gateway does not: the README of the format says why.
DIFFERENT = {
    "bad-certificate-without-status": "what an entry needs depends on its kind",
    "bad-child-among-workers": "whose role it is depends on the record",
    "bad-child-dangling": "libxml2 does not follow structures:ref",
    "bad-dangling-person": "libxml2 does not follow structures:ref",
    "bad-doctype": "never read, whatever it declares",
    "bad-experience-rated": "which ratings there are depends on the item",
    "bad-member-of-other-kind": "what an entry may hold depends on its kind",
    "bad-no-case-number": "no element of NIEM is required",
    "bad-no-id": "no element of NIEM is required",
    "bad-no-offset": "instants have an offset",
    "bad-sex-word": "nc:PersonSexText is free text",
    "bad-status": "nc:StatusText is free text",
    "bad-subject-dangling": "libxml2 does not follow structures:ref",
    "bad-two-starts": "one start",
    **dict.fromkeys((
        "bad-determined-without-court", "bad-end-before-start", "bad-exit-before-removal",
        "bad-exit-without-reason", "bad-item-of-other-form", "bad-item-twice", "bad-measure-twice",
        "bad-more-than-all", "bad-next-before-this", "bad-period-backwards", "bad-question-twice",
        "bad-renewed-before-issued", "bad-result-of-other-tool", "bad-review-before",
        "bad-status-unattributed", "bad-steps-unordered", "bad-sum", "bad-two-counties-at-once",
        "bad-work-joined-to-a-case"), "a rule over several elements"),
}
# Files the gateway accepts and the XSD does not.
LIBERAL = {
    "elements-in-another-order": "read in any order, written in the right one",
    "forms-of-values": "blanks around codes and a zone behind a day are read, and never written",
}
# The fullest document of each record type, which is mutated.
MUTATED = {
    "full", "reunification", "home-visit", "closed-loop", "closed", "first-meeting",
    "two-caregivers", "risk-with-override", "plan-of-seven-days", "determined-by-court",
    "another-instrument", "reunified", "quarter", "all-six-kinds",
}


def valid(path):
    """libxml2's verdict."""
    run = subprocess.run(
        ["xmllint", "--nonet", "--noout", "--schema", str(XSD), str(path)],
        capture_output=True, text=True, check=False)
    return run.returncode == 0, run.stderr.strip().split("\n")[0]


def mutations(text):
    """Single changes that the XSD and the gateway must see alike."""
    lines = text.split("\n")

    def instead(at, *new):
        return "\n".join(lines[:at] + list(new) + lines[at + 1:])

    for at, line in enumerate(lines):
        leaf = re.match(r"\s*<(kb:\w+)>([^<]+)</\1>", line)
        if not leaf:
            continue
        name, value = leaf[1], leaf[2]
        if name.endswith("Code"):
            yield f"{name} unknown", instead(at, line.replace(f">{value}<", ">no-such-code<"))
        elif name.endswith(("Date", "DateTime")):
            yield f"{name} impossible", instead(at, line.replace(value, "2026-13-01"))
        elif not name.endswith("Indicator"):
            yield f"{name} empty", instead(at, f"<{name}/>")
        if name in ("kb:SourceRecordID", "kb:ModeCode", "kb:ReferralStatusCode"):
            yield f"{name} left out", instead(at)


def written(job):
    """What the gateway writes from one good file; a failure or nothing."""
    source, record, case, path = job
    if path.suffix == ".ndjson" or verdict(source, path):
        return None
    name = f"{source} {record}/{case}"
    out, why = translate(source, FORMAT, path)
    if out is None:
        return f"{name}: not translated: {why}"
    # A document a record: several records are several documents one below the other.
    documents = re.split(rb"(?=<\?xml )", out)[1:]
    for number, document in enumerate(documents):
        made = WORK / f"{source.split('/')[0]}-{record}-{case}-{number}.xml"
        made.write_bytes(document)
        ok, why = valid(made)
        if not ok:
            return f"{name}: {why}"
    return None if documents else f"{name}: nothing was written"


def agreed(job):
    """Both verdicts on one document; a failure or nothing."""
    name, path, case = job
    ours, (theirs, why) = not verdict(FORMAT, path), valid(path)
    if ours == theirs or case in (DIFFERENT if theirs else LIBERAL):
        return None
    return f"{name}: gateway {ours}, XSD {theirs} {why}"


def main():
    sources = ("kinbridge-json/1.0", "fhir-r4/4.0", FORMAT)
    jobs = [(s, *case) for s in sources for case in fixtures(s.split("/")[0])]
    failures = in_parallel(written, jobs)
    story = ROOT / "fixtures" / "exchange" / "closed-loop-referral" / "expected.niem.xml"
    pairs = [("closed loop", story, "")]
    for record, case, path in fixtures("county-niem"):
        pairs.append((f"{record}/{case}", path, case))
        if case in MUTATED:
            for number, (what, text) in enumerate(mutations(path.read_text())):
                mutant = WORK / f"mutant-{record}-{case}-{number}.xml"
                mutant.write_text(text)
                pairs.append((f"{record}/{case} {what}", mutant, ""))
    failures += in_parallel(agreed, pairs)
    report(failures, len(jobs) + len(pairs), "county-niem under libxml2")


main()
