"""The grade as plain data: what `grade.json` holds."""

from __future__ import annotations

import json
from typing import Any

from grader.score import Grade
from grader.visible import visible

SCHEMA = "needle-grade/1"


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
                "verdict": result.verdict.value,
                "seconds": round(result.seconds, 6),
                "message": result.message,
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
