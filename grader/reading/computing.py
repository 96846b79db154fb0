"""Python code whose results are to be computed by the student's own backend, and not by NumPy.

In the files that an assignment's reading.toml calls `computing`, values are followed through the assignments of a
function: an array of the backend (the arguments of `compute`), an array of NumPy's that came out of one (`.numpy()`),
and such an array computed with or moved about. Shapes and other plain numbers are none of these, whatever is done to
them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from grader.reading import python_names as names
from grader.reading.flag import Flag
from grader.reading.settings import Settings

_NOTHING, _ARRAY, _OUTSIDE, _MADE = range(4)  # how far a value is from the backend; the larger wins in an expression
_BY_NUMPY = "the backend is to compute it, and this is NumPy's work"
_KEPT = "a result that is kept may be given for another question"
_STAND_IN = "another backend would do the work of the one that is asked for"
_PASSES = 4  # over a function's assignments, so that what is assigned below its use in a loop is known too
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_CACHES = {"functools.lru_cache", "functools.cache", "functools.cached_property"}
_HEAVY_MODULES = ("numpy.linalg.", "numpy.fft.")
_CALLED = {"forward", "__call__"}  # functions of arrays whatever the assignment
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)

Dotted = Callable[[ast.AST], str]


def flags(path: str, tree: ast.Module, settings: Settings, dotted: Dotted) -> Iterator[Flag]:
    """What is worth a look in one file. dotted: the full name of a name or attribute (see `python`)."""
    yield from _stand_ins(path, tree, settings)
    if not settings.computes(path):
        return
    kept = {
        target.id
        for node in tree.body
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _Body(path, node, settings, dotted, kept).flags()


class _Body:
    """One function of a file that computes."""

    def __init__(self, path: str, node: _Function, settings: Settings, dotted: Dotted, kept: set[str]) -> None:
        self._path, self._node, self._settings, self._dotted, self._kept = path, node, settings, dotted, kept
        self._asked = node.name in settings.methods  # its arguments are arrays
        self._levels: dict[str, int] = {}
        if self._asked:
            arguments = [*node.args.posonlyargs, *node.args.args, *filter(None, [node.args.vararg])]
            self._levels = {argument.arg: _ARRAY for argument in arguments if argument.arg not in ("self", "cls")}
        self._inside = [part for statement in node.body for part in ast.walk(statement)]
        self._told = {id(part) for telling in filter(_tells, self._inside) for part in ast.walk(telling)}
        for _ in range(_PASSES):
            before = dict(self._levels)
            for part in self._inside:
                self._follow(part)
            if self._levels == before:
                break

    def flags(self) -> Iterator[Flag]:
        """What the function does with arrays."""
        name = self._node.name
        if self._asked or name in _CALLED:
            for decorator in self._node.decorator_list:
                called = decorator.func if isinstance(decorator, ast.Call) else decorator
                if self._dotted(called) in _CACHES:
                    yield self._flag(decorator, f"{name}() keeps its results by its arguments", _KEPT)
        for part in self._inside:
            if isinstance(part, (ast.Name, ast.Attribute)) and _multiplies(self._dotted(part)):
                yield self._flag(part, f"{name}() uses {self._dotted(part)}", _BY_NUMPY)
            elif isinstance(part, ast.Call):
                yield from self._of_call(part)
            elif isinstance(part, ast.BinOp) and max(self._level(part.left), self._level(part.right)) >= _OUTSIDE:
                yield self._flag(part, f"{name}() computes with an array of NumPy's", _BY_NUMPY)
            elif isinstance(part, (ast.Assign, ast.AugAssign)):
                yield from self._of_store(part)

    def _of_call(self, call: ast.Call) -> Iterator[Flag]:
        name, dotted, most = self._node.name, self._dotted(call.func), self._most(call)
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if dotted.startswith("numpy."):
            # Of what is no argument of compute(), only that is surely an array which came out of one.
            if _computes(dotted) and most >= _ARRAY:
                yield self._flag(call, f"{name}() calls {dotted} on an array", _BY_NUMPY)
        elif dotted.startswith("operator.") and most >= _OUTSIDE:
            yield self._flag(call, f"{name}() calls {dotted} on an array of NumPy's", _BY_NUMPY)
        elif method in self._settings.leaves and self._asked and id(call) not in self._told:
            yield self._flag(call, f"{name}() takes an array out to NumPy (.{method}())", _BY_NUMPY)
        elif _computing_method(method) and self._level(call.func) >= _OUTSIDE:
            yield self._flag(call, f"{name}() calls .{method}() of an array of NumPy's", _BY_NUMPY)
        elif _last(call.func) in self._settings.arrays and any(self._level(part) == _MADE for part in call.args):
            yield self._flag(call, f"{name}() makes an array of what NumPy has worked on", _BY_NUMPY)
        elif method in ("append", "setdefault", "update") and self._is_kept(call.func) and most >= _ARRAY:
            yield self._flag(call, f"{name}() keeps an array beyond the call", _KEPT)

    def _of_store(self, statement: ast.Assign | ast.AugAssign) -> Iterator[Flag]:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if isinstance(statement, ast.AugAssign) and self._level(statement.target) >= _OUTSIDE:
            yield self._flag(statement, f"{self._node.name}() computes with an array of NumPy's", _BY_NUMPY)
        for target in targets:
            if not isinstance(target, ast.Subscript) or not self._is_kept(target):
                continue
            if self._level(statement.value) >= _ARRAY or _by_identity(target.slice):
                yield self._flag(statement, f"{self._node.name}() keeps an array beyond the call", _KEPT)

    def _is_kept(self, node: ast.AST) -> bool:
        """Whether it is something of the module's or of a class's, which stays when the call ends."""
        while isinstance(node, (ast.Subscript, ast.Attribute)):
            if isinstance(node, ast.Attribute) and node.attr == "__class__":
                return True
            node = node.value
        if isinstance(node, ast.Call):
            return _last(node.func) == "type"
        return isinstance(node, ast.Name) and (
            node.id == "cls" or (node.id in self._kept and node.id not in self._levels)
        )

    def _follow(self, node: ast.AST) -> None:
        """Note what an assignment, a loop or a comprehension makes its names."""
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._bind(target, node.value)
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            self._bind(node.target, node.value)
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            self._bind(node.target, node.iter)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            self._bind(node.optional_vars, node.context_expr)

    def _bind(self, target: ast.AST, value: ast.AST) -> None:
        if isinstance(target, ast.Starred):
            target = target.value
        if isinstance(target, (ast.Tuple, ast.List)):
            parts = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
            for number, item in enumerate(target.elts):
                self._bind(item, parts[number] if len(parts) == len(target.elts) else value)
        elif isinstance(target, ast.Name) and (level := self._level(value)):
            self._levels[target.id] = max(level, self._levels.get(target.id, _NOTHING))

    def _level(self, node: ast.AST | None) -> int:
        if isinstance(node, ast.Name):
            return self._levels.get(node.id, _NOTHING)
        if isinstance(node, ast.Attribute):
            if node.attr in names.DESCRIBES:
                return _NOTHING
            level = self._level(node.value)
            if node.attr == "cached_data":
                return max(level, _ARRAY)
            return _MADE if level >= _OUTSIDE and node.attr in names.MOVES else level
        if isinstance(node, ast.Subscript):
            return _moved(self._level(node.value))
        if isinstance(node, ast.Call):
            return self._level_of_call(node)
        if isinstance(node, ast.BinOp):
            return _moved(max(self._level(node.left), self._level(node.right)))
        if isinstance(node, (ast.UnaryOp, ast.Starred, ast.NamedExpr)):
            return self._level(node.operand if isinstance(node, ast.UnaryOp) else node.value)
        if isinstance(node, ast.IfExp):
            return max(self._level(node.body), self._level(node.orelse))
        if isinstance(node, (ast.Tuple, ast.List)):
            return max(map(self._level, node.elts), default=_NOTHING)
        if isinstance(node, ast.BoolOp):
            return max(map(self._level, node.values))
        if isinstance(node, _COMPREHENSIONS):
            return self._level(node.value if isinstance(node, ast.DictComp) else node.elt)
        return _NOTHING

    def _level_of_call(self, call: ast.Call) -> int:
        last, dotted, most = _last(call.func), self._dotted(call.func), self._most(call)
        if dotted.startswith("numpy."):
            if most < _ARRAY:
                return _NOTHING
            return max(most, _OUTSIDE) if last in names.CONVERTS else _MADE
        if isinstance(call.func, ast.Attribute):
            if last in self._settings.leaves:
                return _OUTSIDE
            if last == "realize_cached_data":
                return _ARRAY
            owner = self._level(call.func.value)
            if last in names.PLAIN:
                return _NOTHING
            if owner:
                return _MADE if owner >= _OUTSIDE and (last in names.MOVES or last in names.COMPUTES) else owner
        if last in names.PLAIN_CALLS:
            return _NOTHING
        return min(most, _ARRAY)  # a helper's result: what it does is looked at where it is

    def _most(self, call: ast.Call) -> int:
        values = [*call.args, *(keyword.value for keyword in call.keywords)]
        return max(map(self._level, values), default=_NOTHING)

    def _flag(self, node: ast.AST, what: str, why: str) -> Flag:
        return Flag(self._path, getattr(node, "lineno", 0), what, why)


def _stand_ins(path: str, tree: ast.Module, settings: Settings) -> Iterator[Flag]:
    """Functions that make a device, and name another one's backend; functions that compute, and name one at all."""
    if not settings.stand_ins:
        return
    spared = {*settings.stand_ins, *settings.stand_ins.get("except", ())}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            named, inside = node.name, node.body
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named, inside = node.targets[0].id, [ast.Expr(node.value)]
            if named not in settings.stand_ins:
                continue
        else:
            continue
        others = settings.stand_ins.get(named, ())
        if not others and named not in spared and settings.computes(path):
            others = settings.stand_ins.get("*", ())
        for part in (part for statement in inside for part in ast.walk(statement)) if others else ():
            if mentioned := next((name for name in _mentions(part) if name in others), ""):
                yield Flag(path, getattr(part, "lineno", node.lineno), f"{named}() names {mentioned}", _STAND_IN)


def _mentions(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value, node.value.rpartition(".")[2]]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.name.rpartition(".")[2] for alias in node.names] + [getattr(node, "module", "") or ""]
    return []


def _moved(level: int) -> int:
    """What part of a value, or a result, is."""
    return _MADE if level >= _OUTSIDE else level


def _computes(dotted: str) -> bool:
    inner = dotted.removeprefix("numpy.")
    return inner in names.COMPUTES or dotted.startswith(tuple(f"{module}." for module in names.COMPUTING_MODULES))


def _multiplies(dotted: str) -> bool:
    """Whether it is one of NumPy's functions that nobody needs for a shape."""
    return dotted.startswith(_HEAVY_MODULES) or (dotted.startswith("numpy.") and dotted[6:] in names.HEAVY)


def _computing_method(name: str) -> bool:
    return name in names.COMPUTES or (name.startswith("__") and name not in names.PLAIN and name != "__array__")


def _tells(node: ast.AST) -> bool:
    """Whether it only shows or checks values: a print() that was forgotten takes nothing out of the backend."""
    return isinstance(node, (ast.Assert, ast.Raise)) or (isinstance(node, ast.Call) and _last(node.func) == "print")


def _by_identity(key: ast.AST) -> bool:
    """Whether a key is an object's identity, its hash or its bytes."""
    calls = [_last(part.func) for part in ast.walk(key) if isinstance(part, ast.Call)]
    return any(name in ("id", "hash", "tobytes", "tostring", "sha256", "md5") for name in calls)


def _last(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
