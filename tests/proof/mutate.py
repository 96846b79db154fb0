"""Small wrong versions of a Python source, made by cosmic-ray's operators: one change of one place each."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

# One or two wrong ones for each operator: all 200 that cosmic-ray knows say little more and take ten times as long.
_BINARY = (
    "Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "FloorDiv_Div", "Mod_FloorDiv", "Pow_Mul",
    "BitAnd_BitOr", "BitOr_BitAnd", "LShift_RShift",
)  # fmt: skip
_COMPARISON = (
    "Eq_NotEq", "NotEq_Eq", "Lt_LtE", "Lt_GtE", "Gt_GtE", "Gt_LtE", "LtE_Lt", "LtE_Gt", "GtE_Gt", "GtE_Lt",
    "Is_IsNot", "IsNot_Is",
)  # fmt: skip
OPERATORS = (
    "AddNot", "ExceptionReplacer", "NumberReplacer", "RemoveDecorator", "ReplaceAndWithOr", "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ReplaceFalseWithTrue", "ReplaceTrueWithFalse",
    "ZeroIterationForLoop",
    *(f"ReplaceBinaryOperator_{pair}" for pair in _BINARY),
    *(f"ReplaceComparisonOperator_{pair}" for pair in _COMPARISON),
    *(f"ReplaceUnaryOperator_{pair}" for pair in ("USub_UAdd", "Delete_Not", "Delete_USub")),
)  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A source with one change."""

    operator: str  # cosmic-ray's name of the kind of change: "NumberReplacer"
    line: int  # the first line that differs, from 1
    old: str  # the text of the lines that differ, without their indentation
    new: str
    source: str  # the whole file


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a Python file whose behaviour could differ: what changes annotations alone is left out."""
    tree, plain, seen = get_ast(source), _behaviour(source), set()
    for name in OPERATORS:
        operator = get_operator(f"core/{name}")()
        for number in range(sum(len(list(operator.mutation_positions(node))) for node in ast_nodes(tree))):
            changed = mutate_code(source, operator, number)
            if changed is None:
                continue
            try:
                behaviour = _behaviour(changed)
            except SyntaxError:
                continue
            if behaviour != plain and behaviour not in seen:
                seen.add(behaviour)
                yield _mutant(name, source, changed)


def _mutant(operator: str, source: str, changed: str) -> Mutant:
    before, after = source.splitlines(), changed.splitlines()
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    _, i, j, k, m = next(block for block in matcher.get_opcodes() if block[0] != "equal")
    return Mutant(operator, i + 1, _joined(before[i:j]), _joined(after[k:m]), changed)


def _joined(lines: list[str]) -> str:
    return " ".join(line.strip() for line in lines if line.strip())


def _behaviour(source: str) -> str:
    """The source's syntax tree without its annotations, which nothing evaluates. Raises SyntaxError.

    Nor does it say which parameters are by position or by name only: an operator takes that `*` for a product's.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant("")
        elif isinstance(node, ast.arguments):
            node.args = [*node.posonlyargs, *node.args, *node.kwonlyargs]
            node.defaults += [default for default in node.kw_defaults if default is not None]
            node.posonlyargs, node.kwonlyargs, node.kw_defaults = [], [], []
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
    return ast.dump(tree)
