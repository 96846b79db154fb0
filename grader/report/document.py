"""The grade as plain data: what `grade.json` holds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from grader.evidence import Evidence
from grader.evidence import to_json as evidence_to_json
from grader.score import Grade
from grader.visible import visible

SCHEMA = "needle-grade/1"
_NO_EVIDENCE = Evidence()


def to_document(grade: Grade) -> dict[str, Any]:
    """The content of grade.json. Two runs with the same seed differ in nothing but `seconds`."""
    document = {
        "schema": SCHEMA,
        "assignment": grade.assignment,
        "tree": grade.tree,
        "tree_hash": grade.tree_hash,
        "suite_hash": grade.suite_hash,
        "seed": grade.seed,
        "devices": list(grade.devices),
        "selection": grade.selection,
        "audience": grade.audience,
        "score": grade.score,
        "max_score": grade.max_score,
        "fault": grade.fault,
        "buckets": {bucket.name: {"score": bucket.score, "max_score": bucket.max_score} for bucket in grade.buckets},
        "problems": {
            item.problem.name: {
                "bucket": item.problem.bucket,
                "score": item.score,
                "max_score": item.max_score,
                "cases": len(item.results),
            }
            for item in grade.problems
        },
        "cases": [
            {
                "id": result.case.id,
                "problem": result.case.problem,
                "device": result.case.device,
                "weight": result.case.weight,
                "title": result.case.title,
                "hidden": result.case.hidden,
                "verdict": result.verdict.value,
                "seconds": round(result.seconds, 6),
                "message": result.message,
                "evidence": _evidence(result.evidence),
            }
            for item in grade.problems
            for result in item.results
        ],
        "intake": grade.account.to_json(),
        "flags": [{"file": flag.file, "line": flag.line, "what": flag.what, "why": flag.why} for flag in grade.flags],
        "environment": dict(grade.environment),
    }
    cleaned: dict[str, Any] = _clean(document)
    return cleaned


def to_json(grade: Grade) -> str:
    """The text of grade.json."""
    return json.dumps(to_document(grade), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _evidence(evidence: Evidence) -> dict[str, Any]:
    """What is not empty, without pictures: they are for the eye, 64 x 64 numbers thrice a case."""
    if evidence == _NO_EVIDENCE:
        return {}
    if evidence.wrong is not None:
        evidence = replace(evidence, wrong=replace(evidence.wrong, picture=None))
    return evidence_to_json(evidence)


def _clean(value: Any) -> Any:
    # Here and not where each text comes from: one lone surrogate in a folder's name and no UTF-8 could be written; one
    # NUL in an exception's text and a database refuses the document.
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value
