"""Results of checks as SARIF 2.1.0, which code reviews show beside the lines.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/
"""

from __future__ import annotations

from ebpf.check.model import NEEDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from ebpf.check.answers import Requirements
    from ebpf.check.model import Answer, Finding, Place

__all__ = ["sarif"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_RULES = {
    "missing-feature": "A kernel that was asked about lacks what the object needs",
    "undecided-feature": "It is not known whether a kernel that was asked about has what the object needs",
    "unreadable": "The file is no object that can be checked",
    "license": "A helper for programs under the GPL in an object under another licence",
    "superseded": "A helper that newer ones have taken the place of",
    "portability": "Kernel memory is read at offsets that hold for one kernel only",
    "limit": "More than any kernel accepts",
    "unsized": "A map whose size whoever loads the object sets first",
    "section": "A section whose name does not say what its program is",
    "legacy": "A form that current loaders have given up",
}


def sarif(
    checked: Iterable[tuple[Requirements, Sequence[Answer]]], unreadable: Mapping[str, str], version: str
) -> dict[str, Any]:
    """The document as JSON-able data.

    Parameters:
        checked: each object with the answers of the kernels that were asked about.
        unreadable: what is wrong with each file that could not be read.
        version: of this library.
    """
    results = [_result("unreadable", "error", text, [], path) for path, text in unreadable.items()]
    for found, answers in checked:
        results += _of_object(found, answers)
    used = sorted({result["ruleId"] for result in results})
    rules = [{"id": name, "shortDescription": {"text": _RULES.get(name, name)}} for name in used]
    for result in results:
        result["ruleIndex"] = used.index(result["ruleId"])
    driver = {
        "name": "ebpf check",
        "version": version,
        "informationUri": "https://www.kernel.org/doc/html/latest/bpf/",
        "rules": rules,
    }
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "utf16CodeUnits", "results": results}],
    }


def _of_object(found: Requirements, answers: Sequence[Answer]) -> Iterator[dict[str, Any]]:
    for note in found.notes:
        yield _result(note.rule, note.level, note.text, note.places, found.path)
    kernels: dict[tuple[int, str], list[str]] = {}
    findings: dict[tuple[int, str], Finding] = {}
    for answer in answers:
        for finding in answer.findings:
            if finding.grade == NEEDS and finding.requirement.kind != "note":
                key = (id(finding.requirement), finding.status)
                findings.setdefault(key, finding)
                kernels.setdefault(key, []).append(answer.kernel)
    for key, finding in findings.items():
        known = finding.status != "unknown"
        requirement = finding.requirement
        text = f"{requirement.title} is {finding.status.replace('_', ' ')} on {', '.join(kernels[key])}"
        text += f": {finding.reason}; {requirement.because}" if requirement.because else f": {finding.reason}"
        rule = "missing-feature" if known else "undecided-feature"
        yield _result(rule, "error" if known else "warning", text, requirement.places, found.path)


def _result(rule: str, level: str, text: str, places: Sequence[Place], path: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": rule,
        "level": level,
        "message": {"text": text},
        "locations": [_location(places[0] if places else None, path)],
    }
    if len(places) > 1:
        result["relatedLocations"] = [_location(place, path) for place in places[1:]]
    return result


def _location(place: Place | None, path: str) -> dict[str, Any]:
    """The source line where it is known; otherwise the object file, and the instruction in words."""
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(path)}}
    if place is not None and place.file and place.line:
        physical = {"artifactLocation": {"uri": _uri(place.file)}, "region": {"startLine": place.line}}
    location: dict[str, Any] = {"physicalLocation": physical}
    if place is not None and place.program:
        name = place.function or place.program
        location["logicalLocations"] = [{"name": name, "fullyQualifiedName": f"{place.section}:{name}"}]
        if place.line is None and place.instruction is not None:
            location["message"] = {"text": f"instruction {place.instruction} of section {place.section}"}
    return location


def _uri(path: str) -> str:
    """Below the working directory a relative one: that is where a review has its sources."""
    import os
    from urllib.parse import quote

    here = os.getcwd().rstrip("/") + "/"
    if path.startswith(here):
        path = path[len(here) :]
    return "file://" + quote(path) if path.startswith("/") else quote(path)
