"""What a case says to a student: a headline, and below it, a line each, all that helps to find the mistake.

    conv_backward: z_grad is wrong at [0, 1, 0, 0]: got 3.5, expected 7.0; 48 of 96 values differ, each is half of ...
    Worst: at [0, 3, 2, 0], got -12.25, expected -24.5.
    Asked: The gradients of a strided, padded convolution match PyTorch's.
    conv_backward: The gradients of sum(conv(z, w) * out_grad).
    Input: z (1, 4, 4, 6), w (3, 3, 6, 6), out_grad (1, 4, 4, 6), stride 1, padding 1.
    Fails where stride is above 1: all 21 such cases of this test, and none of the 20 others.
    Your code that ran:
      python/needle/ops/ops_mathematic.py:878-885 Conv.gradient
    Handout: hw4.ipynb > Part 3: Convolutional network > Convolution backward
    Run: python -m grader repro 'test_conv.py::...' student --seed 7

Whoever shows but a line shows the headline. The last line is the command, whatever a submission has said before it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any

from grader.evidence import Evidence, Lines, Wrong
from grader.findings import Call, Findings, arrays_in
from grader.subject.outcome import IMPORTING, SubjectError
from grader.subject.question import Question, arguments, describe

SMALL = 32  # numbers of all arrays of a question together, up to which they are shown
_INPUTS = 400  # characters of the inputs in words: files of a data set have no end
_FIRST_SENTENCE = re.compile(r".+?\.(?= [A-Z]|$)")


def evidence_of(error: BaseException | None, found: Findings, title: str, section: str, command: str) -> Evidence:
    """What is known of a case that has ended.

    error: what its test raised; None where it passed. title: what the test demands, a sentence. section: of the
    handout; empty where there is none. command: that repeats the case.
    """
    if error is None:
        return Evidence(margins=found.margins(), curves=found.curves())
    question = asked(error, found)
    return Evidence(
        asked=title,
        question=f"{question.probe}: {question.inputs}" if question is not None and question.inputs else "",
        wrong=getattr(error, "wrong", None),
        section=section,
        command=command,
        margins=found.margins(),
        curves=found.curves(),
    )


def told(error: BaseException, found: Findings, evidence: Evidence) -> str:
    """The message of a case that was lost."""
    lines = [*_body(error), *_worst(evidence.wrong)]
    question = asked(error, found)
    if question is not IMPORTING:
        lines += [f"Asked: {evidence.asked}"] if evidence.asked else []
        lines += _question(question, found.calls) if question is not None else []
        lines += [f"Handout: {evidence.section}"] if evidence.section else []
    return "\n".join([*lines, f"Run: {evidence.command}"])


def with_more(message: str, evidence: Evidence, contrast: str, own: Sequence[Lines]) -> str:
    """What `told` gave, with what is known later. evidence: what was told of; contrast, own: see Evidence."""
    end = f"\nHandout: {evidence.section}" * bool(evidence.section) + f"\nRun: {evidence.command}"
    lines = [f"Fails {contrast}."] if contrast else []
    lines += ["Your code that ran:", *(f"  {at.file}:{at.first}-{at.last} {at.name}" for at in own)] if own else []
    return "\n".join([message.removesuffix(end), *lines]) + end


def asked(error: BaseException, found: Findings) -> Question | None:
    """What was asked when it came to this: what the error itself knows, else the case's last question."""
    question = getattr(error, "question", None)
    if isinstance(question, Question):
        return question
    if isinstance(error, SubjectError) or not found.calls:
        return None
    last = found.calls[-1]
    return describe(last.probe, last.args, last.kwargs)


def _body(error: BaseException) -> list[str]:
    """What was wrong, in the first line, and where it was raised."""
    if isinstance(error, SubjectError):
        return [error.sentence, *error.frames()]
    return [str(error)]


def _worst(wrong: Wrong | None) -> list[str]:
    if wrong is None or wrong.worst == wrong.first:
        return []
    return [f"Worst: at {list(wrong.worst)}, got {wrong.got[1]}, expected {wrong.want[1]}."]


def _question(question: Question, calls: Sequence[Call]) -> list[str]:
    """What was computed, of which input: with its values where they are few."""
    call = next((c for c in calls if describe(c.probe, c.args, c.kwargs) == question), None)
    lines = []
    if call is not None and not question.unnamed and (sentence := _sentence(call.probe)):
        lines.append(f"{question.probe}: {sentence}")
    if question.inputs:
        lines.append(f"Input: {_cut(question.inputs)}.")
    return lines + ([] if call is None else _values(arguments(call.probe, call.args, call.kwargs)))


def _cut(text: str) -> str:
    return text if len(text) <= _INPUTS else f"{text[: _INPUTS - 4]} ..."


def _sentence(probe: Any) -> str:
    """The first sentence of the probe's docstring."""
    text = " ".join((inspect.getdoc(probe) or "").partition("\n\n")[0].split())
    first = _FIRST_SENTENCE.match(text)
    return first[0] if first else text


def _values(named: Sequence[tuple[str, Any]]) -> list[str]:
    """The values of the arrays, one after the other, where there are few enough to be read."""
    arrays = [found for name, value in named for found in arrays_in(name, value)]
    if not arrays or sum(array.size for _, array in arrays) > SMALL:
        return []
    return [f"  {name} = {_written(array.tolist())}" for name, array in arrays]


def _written(value: Any) -> str:
    """A nested list of numbers, in five digits each."""
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return f"{value:.5g}" if isinstance(value, float) else str(value)
