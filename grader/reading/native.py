"""C++ and CUDA, read as tokens: comments and strings are never taken for code, nor code for them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from grader.cudasim.tokens import Source, Token, read
from grader.reading.flag import Flag
from grader.reading.python_names import COMPUTES, FRAMEWORKS
from grader.reading.words import because, words

MOST_NUMBERS = 256  # in one pair of braces; needle's kernels have none
MOST_TEXT = 4096  # characters of one string

_LIBRARY = "points are for the student's own kernels, not for calling a library"
_LOADS = "it loads or finds native code that is no part of the submission"
_STARTS = "no kernel starts or signals programs"
_NETWORK = "no kernel uses the network"
_FILES = "no kernel reads or writes files"
_PYTHON = "the work may be done in Python, or Python watched and changed, from C++"
_UNSEEN = "what it does cannot be read in the source"
_EARLY = "it runs when the module is loaded, before anything is asked of it"
_OUTSIDE = "a file outside of the submission"
_NAMED = "the name in the source is then not the name that is called"

_HEADERS = {
    re.compile(
        r"(cblas|f77blas|lapacke?|mkl\w*|cublas\w*|cudnn\w*|cufft\w*|curand\w*|cusolver\w*|cusparse\w*|cutensor\w*"
        r"|armadillo|arrayfire|dnnl\w*|openblas_config|fftw3|nvblas|clblast\w*)(\.h(pp)?)?"
    ): _LIBRARY,
    re.compile(
        r"(openblas|mkl|Eigen|eigen3|torch|ATen|c10|tensorflow|cutlass|cute|cub|thrust|xtensor|blaze|boost"
        r"|onnxruntime|numpy|rapidsai|gsl)/.*"
    ): _LIBRARY,
    re.compile(r"(dlfcn|link|elf|execinfo)\.h"): _LOADS,
    re.compile(
        r"(spawn|signal|csignal|sys/(ptrace|wait|prctl|syscall|uio)|linux/.*|syscall)(\.h)?|sched\.h|ucontext\.h"
    ): _STARTS,
    re.compile(r"sys/(socket|un)\.h|netinet/.*|arpa/.*|netdb\.h"): _NETWORK,
    re.compile(r"pybind11/(embed|eval)\.h|(internal/)?pycore_\w+\.h|frameobject\.h|internal/.*"): _PYTHON,
    re.compile(
        r"fstream|filesystem|experimental/filesystem|fcntl\.h|dirent\.h|sys/(mman|shm|stat)\.h|semaphore\.h"
    ): _FILES,
}
# Any mention of these.
_WORDS = {
    **because(
        _LOADS,
        """
            dlopen dlmopen dlsym dlvsym __libc_dlopen_mode __libc_dlsym _r_debug link_map dl_iterate_phdr dladdr
        """,
    ),
    **because(
        _STARTS,
        """
            popen vfork posix_spawn posix_spawnp execl execle execlp execv execve execvp execvpe fexecve wordexp
            ptrace process_vm_readv process_vm_writev pidfd_open pidfd_getfd tgkill
        """,
    ),
    **because(
        _FILES,
        """
            ifstream ofstream fstream filebuf fopen freopen fdopen filesystem shm_open memfd_create mkfifo
            openat
        """,
    ),
    **because(_UNSEEN, "asm __asm __asm__"),
}
# Only where they are called, and not as somebody's method: these are ordinary words.
_CALLS = {
    **because(_STARTS, "system fork clone kill raise"),
    "syscall": _UNSEEN,
    **because(_NETWORK, "socket connect bind listen getaddrinfo"),
    **because(_FILES, "open mmap readlink opendir"),
}
_PATTERNS = {
    re.compile(
        r"(scipy_)?cblas_\w+|LAPACKE_\w+|[sdcz](gemm|gemv|symm|trmm|trsm|syrk|axpy|dot)_(64_)?"
        r"|(cublas|cudnn|cutensor|cusparse|cufft)[A-Z]\w*|mkl_\w+"
    ): _LIBRARY,
    re.compile(
        r"PyImport_\w+|PyRun_\w+|PyEval_\w+|Py_CompileString\w*|PyObject_(Call|GetAttr|SetAttr|VectorCall)\w*|PyNumber_\w+|PySys_\w+"
        r"|PyFrame_\w+|PyModule_GetDict|PyGC_\w+|_PyInterpreter\w*|_PyThreadState\w*|PyDict_SetItemString"
    ): _PYTHON,
}
# In attribute specifiers only: __attribute__((constructor)), [[gnu::alias("x")]].
_SPECIFIERS = {"ifunc", "weakref", "alias", "constructor", "destructor", "init_priority"}
_SPECIFIERS |= {f"__{name}__" for name in _SPECIFIERS}
_MODULES = FRAMEWORKS - {"cuda", "code"} | words("numpy numpy.linalg ctypes builtins subprocess importlib sys os gc")
_INNER = words("""
    __dict__ __globals__ __builtins__ __subclasses__ __import__ __code__ __class__ __bases__
""")
_BEFORE_CALLS = ("return", "else", "do", "case", "co_return", "throw")  # words that are no type
_PYBIND_CALLS = {"eval", "exec", "eval_file", "import"}
_PRAGMAS = re.compile(r"\s*(comment\b|weak\b|redefine_extname\b|GCC\s+plugin|clang\s+module|push_macro|extern_prefix)")
_PATHS = re.compile(
    r"/proc(/.*)?|/dev/(shm|fd|mem|tcp)(/.*)?|/(etc|usr|opt|home|root|tmp|lib|var)/.*|.*(site|dist)-packages.*"
    r"|.*\.so(\.\d+)*"
)
_BROKEN = re.compile(r"[0-9A-Za-z_]\\[ \t]*\r?\n[0-9A-Za-z_]")  # a name that goes on in the next line
_PASTED = sorted(
    word for word in {*_WORDS, *_CALLS, "cblas_sgemm", "PyImport_ImportModule", "PyRun_SimpleString"} if len(word) > 4
)


def read_native(path: str, text: str) -> list[Flag]:
    """What is worth a look in one file of C++ or CUDA. Never fails; the time it takes grows with the text."""
    return list(_Reader(read(path, text)).flags())


class _Reader:
    """One file."""

    def __init__(self, source: Source) -> None:
        self._source, self._path = source, source.path
        self._tokens: Sequence[Token] = source.tokens

    def flags(self) -> Iterator[Flag]:
        """Of all rules."""
        tokens = self._tokens
        if match := _BROKEN.search(self._source.text):  # the first one says it
            line = self._source.text.count("\n", 0, match.start()) + 1
            yield Flag(self._path, line, "a name broken over two lines", _UNSEEN)
        for number, token in enumerate(tokens):
            if token.kind == "word":
                yield from self._of_word(number, token)
            elif token.kind == "rest":
                yield from self._of_directive(tokens[number - 1].text if number else "", token)
            elif token.kind == "string":
                yield from self._of_string(number, token)
            elif token.text == "%" and self._source.text.startswith(":", token.end):
                yield self._flag(token, "%: for #", _UNSEEN)
        yield from self._tables()
        yield from self._pasted()

    def _of_word(self, number: int, token: Token) -> Iterator[Flag]:
        text = token.text
        before, after = self._text(number - 1), self._text(number + 1)
        called = after == "(" and before not in (".", "->")
        if text in _SPECIFIERS:
            if self._specifies(number):
                why = _EARLY if "structor" in text or "priority" in text else _NAMED
                yield self._flag(token, f"__attribute__(({text}))", why)
        elif text in _WORDS:
            yield self._flag(token, text, _WORDS[text])
        elif text in _CALLS:
            if called and self._is_call(number):
                yield self._flag(token, f"{text}()", _CALLS[text])
        elif text in _PYBIND_CALLS and before == "::" and after in ("(", "<", ",", ";", ")"):
            if self._text(number - 2) in ("py", "pybind11", "module", "module_"):
                yield self._flag(token, f"{self._text(number - 2)}::{text}", _PYTHON)
        elif text == "attr" and before in (".", "->") and after == "(":
            name = self._joined(number + 2)
            if name in COMPUTES or name in _MODULES or name in _INNER:
                yield self._flag(token, f'attr("{name[:80]}")', _PYTHON)
        else:
            for pattern, why in _PATTERNS.items():
                if pattern.fullmatch(text):
                    yield self._flag(token, text[:80], why)

    def _is_call(self, number: int) -> bool:
        """Whether it is no declaration of a function of one's own: no type stands before it."""
        before = self._tokens[number - 1] if number else None
        if before is None or before.kind != "word":
            if before is not None and before.text == "::":  # not Shape::clone()
                return self._tokens[number - 2].kind != "word" or self._text(number - 2) in ("std", *_BEFORE_CALLS)
            return before is None or before.text not in ("*", "&", ">", "~")
        return before.text in _BEFORE_CALLS

    def _specifies(self, number: int) -> bool:
        """Whether the word stands in an attribute specifier."""
        nearby = [token.text for token in self._tokens[max(0, number - 12) : number]]
        standard = nearby[-1:] == ["::"] and "[" in nearby  # [[gnu::alias("x")]]
        return standard or "__attribute__" in nearby or "__attribute" in nearby

    def _of_directive(self, name: str, token: Token) -> Iterator[Flag]:
        rest = re.sub(r"/\*.*?\*/|\\\r?\n", " ", token.text, flags=re.DOTALL).strip()
        if name in ("include", "include_next", "import", "embed"):
            if rest[:1] not in ("<", '"'):
                yield self._flag(token, f"#{name} {rest[:80]}", "which file that is cannot be read in the source")
                return
            header = rest[1:].partition(">" if rest[0] == "<" else '"')[0].strip()
            place = posixpath.normpath(posixpath.join(posixpath.dirname(self._path), header))
            if header.startswith(("/", "~")) or place.startswith(".."):
                yield self._flag(token, f"includes {header[:80]}", _OUTSIDE)
            for pattern, why in _HEADERS.items():
                if pattern.fullmatch(posixpath.normpath(header)):
                    yield self._flag(token, f"includes {header[:80]}", why)
            if name == "embed":
                yield self._flag(token, f"embeds {header[:80]}", _UNSEEN)
        elif name == "pragma" and _PRAGMAS.match(rest):
            yield self._flag(token, f"#pragma {rest[:80]}", _NAMED)

    def _of_string(self, number: int, token: Token) -> Iterator[Flag]:
        if len(token.text) >= MOST_TEXT:
            yield self._flag(token, f"a string of {len(token.text)} characters", "it may hold answers, or code")
            return
        if number and self._tokens[number - 1].kind == "string":
            return  # read with the one before it
        value = self._joined(number)
        if _PATHS.fullmatch(value):
            yield self._flag(token, f"names {value[:80]!r}", _OUTSIDE)
        elif value in _MODULES:
            yield self._flag(token, f"names {value!r}", _PYTHON)
        elif self._text(number - 2) == "_Pragma" and _PRAGMAS.match(value):
            yield self._flag(token, f"_Pragma({value[:80]!r})", _NAMED)

    def _tables(self) -> Iterator[Flag]:
        """Braces with very many numbers: the outermost of nested ones."""
        open_braces: list[tuple[Token, int]] = []
        numbers = 0
        found: tuple[Token, int] | None = None
        for token in self._tokens:
            # A function's body has other words between its numbers; a table has numbers, commas, signs and braces only.
            if token.text == "{":
                open_braces.append((token, numbers))
            elif token.text == "}" and open_braces:
                brace, before = open_braces.pop()
                if numbers - before >= MOST_NUMBERS:
                    found = brace, numbers - before
                if not open_braces:
                    numbers = 0
            elif token.kind == "number":
                numbers += 1
            elif token.text not in (",", "-", "+"):
                if found:
                    yield self._flag(
                        found[0], f"a table of {found[1]} numbers", "it may hold the answers to some inputs"
                    )
                open_braces, numbers, found = [], 0, None
        if found:
            yield self._flag(found[0], f"a table of {found[1]} numbers", "it may hold the answers to some inputs")

    def _pasted(self) -> Iterator[Flag]:
        """Names that `##` could make of this file's words: CAT(dl, open)."""
        paste = next((token for token in self._tokens if token.text == "##"), None)
        if paste is None:
            return
        words = {token.text for token in self._tokens if token.kind in ("word", "number")}
        for name in _PASTED:
            for at in range(1, len(name)):
                left, right = name[:at], name[at:]
                if len(left) > 1 and len(right) > 1 and left in words and right in words:
                    yield self._flag(paste, f"## could make {name} of {left} and {right}", _UNSEEN)
                    break

    def _joined(self, number: int) -> str:
        """The text of the string literals that stand one after another, without quotes, prefixes and escapes."""
        parts: list[str] = []
        while number < len(self._tokens) and self._tokens[number].kind == "string":
            text = self._tokens[number].text
            raw = re.fullmatch(r'(?:u8|[uUL])?R"([^()\\\s]{0,16})\((.*)\)\1"', text, re.DOTALL)
            parts.append(raw[2] if raw else _unescaped(re.sub(r"^(u8|[uUL])?[\"']|[\"']$", "", text)))
            number += 1
        return "".join(parts)

    def _text(self, number: int) -> str:
        return self._tokens[number].text if 0 <= number < len(self._tokens) else ""

    def _flag(self, token: Token, what: str, why: str) -> Flag:
        return Flag(self._path, self._source.line(token), what, why)


_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{1,8}|[0-7]{1,3}|\r?\n|.)", re.DOTALL)


def _unescaped(text: str) -> str:
    """What stands between quotes, with "\\x74" and "\\164" read as "t" is."""

    def one(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] == "x" and len(code) > 1:
            return chr(int(code[1:], 16) & 0xFF)
        if code[0] in "01234567":
            return chr(int(code, 8) & 0xFF)
        return "" if code.endswith("\n") else code

    return _ESCAPE.sub(one, text)
