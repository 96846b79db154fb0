"""Python code, read by `ast`: what stands there, whatever file of a tree it is in."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from grader.reading import computing
from grader.reading import python_names as names
from grader.reading.flag import Flag
from grader.reading.settings import Settings

MOST_NUMBERS = 256  # in one display; a kernel's or a cell's constants are a dozen
MOST_TEXT = 4096  # characters of one string that is no docstring
_DISPLAYS = (ast.List, ast.Tuple, ast.Set, ast.Dict)


def read_python(path: str, text: str, settings: Settings, programs: frozenset[str] = frozenset()) -> list[Flag]:
    """What is worth a look in one file. programs: dotted names of modules that are not read (see `module_names`).

    May raise SyntaxError, RecursionError or MemoryError, and in an old Python crash: see `apart`.
    """
    tree = ast.parse(text, path)
    reader = _Reader(path, tree, settings, programs)
    flags = [*reader.flags(), *computing.flags(path, tree, settings, reader.dotted)]
    lines, allowed = text.splitlines(), settings.allowed.get(path, ())
    return [flag for flag in flags if not (0 < flag.line <= len(lines) and lines[flag.line - 1].strip() in allowed)]


def module_names(path: str) -> list[str]:
    """What an import may call the module in a file, wherever sys.path begins: "a/b.py" is b and a.b."""
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    return [".".join(parts[start:]) for start in range(len(parts))]


class _Reader:
    """One file. Scopes are not told apart: a name that is an import's anywhere is taken for it everywhere."""

    def __init__(self, path: str, tree: ast.Module, settings: Settings, programs: frozenset[str]) -> None:
        self._path, self._settings, self._programs = path, settings, programs
        self._nodes = list(ast.walk(tree))
        self._known: dict[str, str] = {}  # name here -> what it is: "np" -> "numpy", "f" -> "os.system"
        self._imports: list[tuple[ast.stmt, str]] = []  # absolute names of what is imported
        self._documents = {id(text) for text in map(_document, self._nodes) if text is not None}
        for node in self._nodes:
            self._learn(node)
        for node in self._nodes:  # f = os.system
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                dotted = self.dotted(node.value)
                imported = "." in dotted or (isinstance(node.value, ast.Name) and node.value.id in self._known)
                if imported and dotted.partition(".")[0] in names.SHARED:
                    self._known.setdefault(node.targets[0].id, dotted)

    def dotted(self, node: ast.AST) -> str:
        """What a name or a chain of attributes is, with its import's real name: "numpy.linalg.norm"; "" for others."""
        tail: list[str] = []
        while True:
            if isinstance(node, ast.Attribute):
                tail.append(node.attr)
                node = node.value
            elif isinstance(node, ast.Call) and _named(node.func) == "getattr" and len(node.args) > 1:
                if not (attribute := folded(node.args[1])):
                    return ""
                tail.append(attribute)
                node = node.args[0]
            elif isinstance(node, ast.Call) and _named(node.func) in ("__import__", "import_module") and node.args:
                return ".".join([folded(node.args[0]) or "?", *reversed(tail)])
            elif (
                isinstance(node, ast.Subscript)
                and self.dotted(node.value) == "sys.modules"
                and (module := folded(node.slice))
            ):
                return ".".join([module, *reversed(tail)])
            elif isinstance(node, ast.Name):
                return ".".join([self._known.get(node.id, node.id), *reversed(tail)])
            else:
                return ""

    def flags(self) -> Iterator[Flag]:
        """Of all rules."""
        for statement, module in self._imports:
            yield from self._of_import(statement, module)
        inside: set[int] = set()  # displays in displays
        for node in self._nodes:
            if isinstance(node, (ast.Name, ast.Attribute)):
                yield from self._of_name(node)
            elif isinstance(node, ast.Call):
                yield from self._of_call(node)
            elif isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete, ast.For)):
                yield from self._of_store(node)
            elif isinstance(node, ast.Constant):
                yield from self._of_constant(node)
            elif isinstance(node, ast.ClassDef):
                for base in node.bases:
                    if self.dotted(base) == "numpy.ndarray":
                        yield self._flag(node, f"class {node.name} inherits from numpy.ndarray", "its values may lie")
            if isinstance(node, _DISPLAYS) and id(node) not in inside:
                within = list(ast.walk(node))
                inside.update(id(part) for part in within)
                numbers = sum(isinstance(part, ast.Constant) and _number(part.value) for part in within)
                if numbers >= MOST_NUMBERS:
                    yield self._flag(node, f"a table of {numbers} numbers", "it may hold the answers to some inputs")

    def _learn(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._imports.append((node, alias.name))
                self._known[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            prefix = "." * node.level + (node.module or "")
            if node.module:
                self._imports.append((node, prefix))
            for alias in node.names:
                full = f"{prefix}.{alias.name}" if node.module else f"{prefix}{alias.name}"
                self._imports.append((node, full))
                self._known[alias.asname or alias.name] = full

    def _of_import(self, statement: ast.AST, module: str) -> Iterator[Flag]:
        top = module.partition(".")[0]
        if top in names.FRAMEWORKS:
            yield self._flag(statement, f"imports {top}", names.LIBRARY)
        elif module.startswith("."):
            if self._relative(module) in self._programs:
                yield self._flag(statement, f"imports {module}", "that file is a program for students, and is not read")
        elif module in self._programs:
            yield self._flag(statement, f"imports {module}", "that file is a program for students, and is not read")
        elif module in names.NAMES:
            yield self._flag(statement, f"imports {module}", names.NAMES[module])
        else:
            for known, why in names.MODULES.items():
                if module == known or module.startswith(f"{known}."):
                    yield self._flag(statement, f"imports {known}", why)

    def _relative(self, module: str) -> str:
        """The dotted name from the tree's top of ".a.b" in this file."""
        level = len(module) - len(module.lstrip("."))
        folder = self._path.split("/")[:-level] if level < len(self._path.split("/")) else []
        return ".".join([*folder, *module.lstrip(".").split(".")])

    def _of_name(self, node: ast.Name | ast.Attribute) -> Iterator[Flag]:
        dotted = self.dotted(node)
        if dotted in names.NAMES:
            yield self._flag(node, dotted, names.NAMES[dotted])
        elif isinstance(node, ast.Attribute):
            if why := names.ATTRIBUTES.get(node.attr):
                yield self._flag(node, f".{node.attr}", why)
            elif dotted.partition(".")[0] in names.FRAMEWORKS and dotted.count(".") == 1 and self._reached(node):
                yield self._flag(node, dotted, names.LIBRARY)
            elif node.attr == "__dict__" and self._shared(dotted.removesuffix(".__dict__")):
                yield self._flag(node, dotted, names.CHANGES)
        elif dotted in ("__builtins__", "__loader__"):
            yield self._flag(node, dotted, names.CHANGES)

    def _reached(self, node: ast.Attribute) -> bool:
        """Whether a framework came otherwise than by an import statement: by sys.modules or __import__."""
        return not isinstance(node.value, ast.Name)

    def _of_call(self, node: ast.Call) -> Iterator[Flag]:
        dotted = self.dotted(node.func)
        if why := names.BUILTINS.get(dotted):
            yield self._flag(node, f"calls {dotted}()", why)
        elif dotted in ("__import__", "importlib.import_module", "importlib.__import__", "builtins.__import__"):
            yield from self._of_late_import(node)
        elif dotted in ("getattr", "setattr", "delattr") and node.args:
            yield from self._of_attribute(node, dotted)
        elif dotted in names.OPENS and node.args:
            place = folded(node.args[0])
            if names.ABSOLUTE.match(place) and not names.PLACES.fullmatch(place):
                yield self._flag(node, f"opens {place[:80]!r}", "a path outside of the tree")
        elif dotted.startswith("sys.path."):
            yield from self._of_path(node)
        elif dotted.startswith("sys.modules.") and dotted.rpartition(".")[2] in (
            "pop",
            "update",
            "clear",
            "setdefault",
        ):
            yield self._flag(node, f"{dotted}()", names.CHANGES)

    def _of_late_import(self, node: ast.Call) -> Iterator[Flag]:
        wanted = node.args[0] if node.args else None
        module = folded(wanted) if wanted is not None else ""
        first = wanted.values[0] if isinstance(wanted, ast.JoinedStr) and wanted.values else wanted
        if module:
            yield from self._of_import(node, module)
        elif not folded(first).startswith("."):  # f".{name}" stays within its package
            yield self._flag(node, "imports a module whose name is made at run time", names.HIDES)

    def _of_attribute(self, node: ast.Call, call: str) -> Iterator[Flag]:
        target = self.dotted(node.args[0])
        if call != "getattr" and self._shared(target):
            yield self._flag(node, f"{call}({target}, ...)", names.CHANGES)
        elif call == "getattr" and len(node.args) > 1:
            attribute = folded(node.args[1])
            if why := names.NAMES.get(f"{target}.{attribute}") or names.ATTRIBUTES.get(attribute):
                yield self._flag(node, f"getattr for {attribute}", why)
            elif not attribute and target in ("os", "sys", "builtins", "__builtins__", "importlib"):
                yield self._flag(node, f"getattr({target}, ...) with a name that is made at run time", names.HIDES)

    def _of_path(self, node: ast.Call) -> Iterator[Flag]:
        for argument in node.args:
            for part in ast.walk(argument):
                place = folded(part)
                if names.ABSOLUTE.match(place) or names.PLACES.fullmatch(place):
                    yield self._flag(node, f"adds {place[:80]!r} to sys.path", names.CHANGES)
                    return

    def _of_store(self, node: ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Delete | ast.For) -> Iterator[Flag]:
        targets = node.targets if isinstance(node, (ast.Assign, ast.Delete)) else [node.target]
        for target in targets:
            place = target
            while isinstance(place, ast.Subscript):
                place = place.value
            dotted = self.dotted(place)
            # A bare name is a local one, or an import bound anew: nobody else sees either.
            if isinstance(target, ast.Name) or not self._shared(dotted):
                continue
            if dotted.rpartition(".")[2] != "__dict__":  # told of already
                yield self._flag(node, f"changes {dotted}", names.CHANGES)

    def _shared(self, dotted: str) -> bool:
        """Whether it is something that is imported, and that the harness uses, too."""
        top = dotted.partition(".")[0]
        imported = top in {known.partition(".")[0] for known in self._known.values()} or "builtins" in dotted
        harmless = any(dotted == name or dotted.startswith(f"{name}.") for name in names.HARMLESS_STORES)
        return top in names.SHARED and imported and not harmless

    def _of_constant(self, node: ast.Constant) -> Iterator[Flag]:
        value = node.value
        if id(node) in self._documents or not isinstance(value, (str, bytes)):
            return
        if len(value) >= MOST_TEXT:
            what = "characters" if isinstance(value, str) else "bytes"
            yield self._flag(
                node, f"a string of {len(value)} {what}", "it may hold the answers to some inputs, or code"
            )
        elif isinstance(value, str) and names.PLACES.fullmatch(value):
            yield self._flag(node, f"names {value[:80]!r}", names.READS)

    def _flag(self, node: ast.AST, what: str, why: str) -> Flag:
        return Flag(self._path, getattr(node, "lineno", 0), what, why)


def folded(node: ast.AST | None) -> str:
    """The string that constants make: "to" + "rch", f"to{'rch'}", "".join(["to", "rch"]); "" for all else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = folded(node.left), folded(node.right)
        return left + right if left and right else ""
    if isinstance(node, ast.FormattedValue):
        return folded(node.value)
    if isinstance(node, ast.JoinedStr):
        return _all(node.values, "".join)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join" and node.args:
        between, parts = node.func.value, node.args[0]
        if (
            isinstance(between, ast.Constant)
            and isinstance(between.value, str)
            and isinstance(parts, (ast.List, ast.Tuple))
        ):
            return _all(parts.elts, between.value.join)
    return ""


def _all(nodes: list[ast.expr], join: Callable[[list[str]], str]) -> str:
    parts = [folded(node) for node in nodes]
    return join(parts) if all(parts) else ""


def _named(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _number(value: object) -> bool:
    return isinstance(value, (int, float, complex)) and not isinstance(value, bool)


def _document(node: ast.AST) -> ast.expr | None:
    """The docstring of what may have one."""
    if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) or not node.body:
        return None
    first = node.body[0]
    return first.value if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) else None
