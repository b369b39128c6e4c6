"""837P as the gateway writes it, validated by pyx12 against its map of 005010X222A1.

The files are the goldens that tests/it/claims.rs holds the gateway's output to, byte for byte. Each
must be accepted; single mutations of them must be rejected, or the validator would prove nothing.
"""

import io
import logging
import tempfile

import pyx12.params
import pyx12.x12n_document

from road import ROOT, report

MUTATIONS = {
    "a wrong count": ("~SE*", "~SE*1"),
    "no claim number": ("~CLM*", "~CLM**"),
    "an unknown qualifier": ("~NM1*IL*", "~NM1*QQ*"),
    "no hierarchy": ("~HL*2*1*22*0", ""),
    "units that are no number": ("*UN*", "*UN*x"),
    "another control number at the end": ("~IEA*1*", "~IEA*1*9"),
}


def accepted(text):
    """Whether pyx12 takes an interchange, and says so in its 999."""
    answer = io.StringIO()
    with tempfile.NamedTemporaryFile("w+", suffix=".x12", newline="") as file:
        file.write(text)
        file.flush()
        with open(file.name, encoding="ascii") as source:
            taken = pyx12.x12n_document.x12n_document(
                pyx12.params.params(), source, answer, None, None)
    return bool(taken) and "~AK9*A*1*1*1~" in answer.getvalue().replace("\n", "")


def main():
    logging.disable(logging.CRITICAL)
    failures, checked = [], 0
    folder = ROOT / "fixtures" / "x12-837p" / "engagement-contact"
    for path in sorted(folder.glob("*/expected.x12")):
        text = path.read_text(encoding="ascii")
        checked += 1
        if not accepted(text):
            failures.append(f"{path.parent.name}: not accepted")
        for name, (old, new) in MUTATIONS.items():
            checked += 1
            if old not in text:
                failures.append(f"{path.parent.name}: no place for {name}")
            elif accepted(text.replace(old, new, 1)):
                failures.append(f"{path.parent.name}: accepted with {name}")
    report(failures, checked, "x12-837p under pyx12")


main()
