"""The grade as plain data: what `grade.json` holds, and what `grade.json` is read back from."""

from __future__ import annotations

import json
from typing import Any

from grader.score import Grade

SCHEMA = "needle-grade/1"


def to_document(grade: Grade) -> dict[str, Any]:
    """The content of grade.json. Two runs with the same seed differ in nothing but `seconds`."""
    return {
        "schema": SCHEMA,
        "assignment": grade.assignment,
        "tree": grade.tree,
        "tree_hash": grade.tree_hash,
        "seed": grade.seed,
        "devices": list(grade.devices),
        "selection": grade.selection,
        "score": round(grade.score, 4),
        "max_score": grade.max_score,
        "fault": grade.fault,
        "buckets": {
            bucket.name: {"score": round(bucket.score, 4), "max_score": bucket.max_score} for bucket in grade.buckets
        },
        "problems": {
            item.problem.name: {
                "bucket": item.problem.bucket,
                "score": round(item.score, 4),
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
        "environment": grade.environment,
    }


def to_json(grade: Grade) -> str:
    """The text of grade.json."""
    return json.dumps(to_document(grade), indent=1, ensure_ascii=False) + "\n"
