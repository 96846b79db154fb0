"""The definitions of a C++ or CUDA file, found without a compiler."""

from __future__ import annotations

import pytest

from grader.derive.cpp_code import CppDefinition, definitions


def found(text: str) -> list[tuple[str, str]]:
    """The kinds and the names of a text's definitions."""
    return [(item.kind, item.name) for item in definitions("a.cu", text)]


def only(text: str) -> CppDefinition:
    """The one definition of a text."""
    (one,) = definitions("a.cu", text)
    return one


def named(text: str) -> list[tuple[str, str]]:
    """The parameters of the one function of a text: their types and names."""
    return [(parameter.type, parameter.name) for parameter in only(text).parameters]


@pytest.mark.parametrize(
    ("text", "definition"),
    [
        ("void f() { }", ("function", "f")),
        ("A B::f(int x) const { }", ("function", "f")),
        ("std::function<int(int)> f(int x) { }", ("function", "f")),
        ("template <int N = 4, typename T = A<int>> void f() { }", ("function", "f")),
        ("template <int N = (2 > 1), int M = a[1 > 0]> void f() { }", ("function", "f")),
        ("template <> void f<int>(int x) { }", ("function", "f")),
        ("__global__ void __launch_bounds__(256) f(int x) { }", ("function", "f")),
        ("__attribute__((used, section(name))) void f() { }", ("function", "f")),
        ("A operator+(A a, A b) { }", ("function", "operator+")),
        ("int A::operator()(int x) { }", ("function", "operator()")),
        ("bool operator==(A a, A b) { }", ("function", "operator==")),
        ("void f(int x);", ("prototype", "f")),
        ("template <int N = 4> void f(int x);", ("prototype", "f")),
        ("alignas(16) int f(int x);", ("prototype", "f")),
        ("std::function<int(int)> f(int x);", ("prototype", "f")),
        ("int f(struct A a);", ("prototype", "f")),
        ("int f(enum A a = {});", ("prototype", "f")),
        ("struct A { int f(int x) { return x; } };", ("class", "A")),
        ("struct A { int f(int x); } a{1};", ("class", "A")),
        ("struct A { int x = 1; };", ("class", "A")),
        ("class A;", ("class", "A")),
        ("enum class A;", ("class", "A")),
        ("enum class A : int { ONE = 1 };", ("class", "A")),
        ("template <class T> struct A;", ("class", "A")),
        ("static constexpr struct A { int x; } a;", ("class", "A")),
        ("struct __align__(alignof(B)) A { float x; };", ("class", "A")),
        ("struct { float x; } a;", ("class", "a")),
        ("struct A a;", ("variable", "a")),
        ("struct A a = {1};", ("variable", "a")),
        ("int a;", ("variable", "a")),
        ("const int a = 3 * 4;", ("variable", "a")),
        ("float a[3];", ("variable", "a")),
        ("std::vector<int> a{1};", ("variable", "a")),
        ("A<int(int)> a = b;", ("variable", "a")),
        ("auto a = [](int x) { return x; };", ("variable", "a")),
        ("int a = f(1) + B{2};", ("variable", "a")),
        ("template <class T> T a = 3;", ("variable", "a")),
        ("using namespace a::b;", ("directive", "a::b")),
        ("using std::max;", ("using", "max")),
        ("using A = std::vector<int>;", ("using", "A")),
        ("template <class T> using A = std::vector<T>;", ("using", "A")),
        ("typedef unsigned int A;", ("using", "A")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_definition_has_a_kind_and_a_name(text: str, definition: tuple[str, str]) -> None:
    """It reaches from its first word to its brace or `;`, and what stands before and after it is none of it."""
    before, after = "int before;\n", "\nvoid after() { }\nint last;"
    around = [("function", "after"), ("variable", "last")]
    assert found(before + text + after) == [("variable", "before"), definition, *around]
    one = definitions("a.cu", before + text + after)[1]
    assert (one.first, one.last) == (len(before), len(before + text))
    assert (one.tokens[0].start, one.tokens[-1].end) == (one.first, one.last)


@pytest.mark.parametrize(
    "text",
    [
        "namespace a { int x; }",
        "inline namespace a::b { int x; }",
        "namespace { int x; }",
        'extern "C" { int x; }',
    ],
)
def test_a_namespace_is_looked_into(text: str) -> None:
    """As if it were not there: its braces are no definition's."""
    assert found(f"void before() {{ }} {text} int y;") == [("function", "before"), ("variable", "x"), ("variable", "y")]


def test_a_namespaces_end_is_no_part_of_what_follows() -> None:
    """Not even where a file begins with it."""
    assert [token.text for token in only("} int x;").tokens] == ["int", "x", ";"]


NOTHING = [
    "",
    ";",
    "+;",
    "a;",
    "a(",
    "(b);",
    "struct;",
    "template <",
    "template void f<int>(int);",
    "[[a]];",
    "{",
    "using",
]


@pytest.mark.parametrize("text", NOTHING)
def test_what_defines_nothing_is_passed_over(text: str) -> None:
    """Any text at all may be looked at."""
    assert definitions("a.cu", text) == []


def test_a_function_that_never_ends_reaches_to_the_last_token() -> None:
    """A student's file may break off; what is there is still found."""
    text = "int x;\nvoid f(int a) { g(1"
    function = definitions("a.cu", text)[1]
    assert (function.name, function.last, function.body) == ("f", len(text), (text.index("{") + 1, len(text) - 1))


def test_a_functions_body_lies_between_its_braces() -> None:
    """Whatever brackets stand in it, in strings too."""
    text = 'int f(int a) noexcept { if (a) { return g["}"[0]]; } }'
    begin, end = only(text).body or (0, 0)
    assert text[begin:end] == ' if (a) { return g["}"[0]]; } '


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("", []),
        ("int", [("int", "")]),
        ("int a", [("int", "a")]),
        ("const A& a, float* b", [("const A &", "a"), ("float *", "b")]),
        ("std::map<int, A<B, C>> a, int b", [("std :: map < int , A < B , C > >", "a"), ("int", "b")]),
        ("int a = f(1, 2), int b = A{3, 4}", [("int", "a"), ("int", "b")]),
        ("float a[3]", [("float a [ 3 ]", "")]),
        ("A<int>", [("A < int >", "")]),
    ],
)
def test_parameters_of_a_function(parameters: str, expected: list[tuple[str, str]]) -> None:
    """A type and a name each, without what stands for one that is left out."""
    assert named(f"void f({parameters}) {{ }}") == expected


def test_words_are_the_names_that_a_definition_uses() -> None:
    """Members and what is qualified are somebody else's, and numbers and strings are none."""
    text = 'int f(A a) { return a.b + a->c + N::d + e(1, "g", f(2)); }'
    assert only(text).words == {"int", "A", "a", "return", "N", "e"}


# -- macros ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parameters", "said"),
    [
        ("#define A", [], ""),
        ("#define A 3 + 4", [], "3 + 4"),
        ("#define A (b)", [], "(b)"),
        ("#define A() b", [], "b"),
        ("#define A(b, c) b + (c)", ["b", "c"], "b + (c)"),
        ("#define A(b)", ["b"], ""),
        ("#define A(b, c", ["b", "c"], ""),
        ("#define A(", [], ""),
    ],
)
def test_a_macro_is_a_definition(text: str, parameters: list[str], said: str) -> None:
    """With its parameters, where `(` follows its name at once, and with what it stands for."""
    macro = only(text)
    assert (macro.kind, macro.name, text[macro.first : macro.last]) == ("macro", "A", text)
    assert [(parameter.type, parameter.name) for parameter in macro.parameters] == [("", name) for name in parameters]
    begin, end = macro.body or (0, 0)
    assert text[begin:end] == said
    assert macro.tokens[0].text == "A"


def test_a_macros_code_is_none_of_the_files() -> None:
    """What it stands for defines nothing where it is written, on the first line or on another."""
    text = "#include <a>\n#define A int x;\n#define B int y;\nint z;"
    assert found(text) == [("macro", "A"), ("macro", "B"), ("variable", "z")]
    assert found("#define A int x;\nint z;") == [("macro", "A"), ("variable", "z")]


@pytest.mark.parametrize("text", ["#define", "#include <define>", "#if define(A)\n#endif", "define f(int x) { }"])
def test_other_directives_are_no_macros(text: str) -> None:
    """Nor is the word, in code."""
    assert "macro" not in [kind for kind, _ in found(text)]


@pytest.mark.parametrize("macro", ["f(x)", "f()"])
def test_a_macro_that_is_called_stands_alone(macro: str) -> None:
    """It needs no `;`: what follows is a definition of its own."""
    text = f"#define {macro} y\nint a;\nf(1)\nvoid g() {{ }}"
    assert found(text)[1:] == [("variable", "a"), ("invocation", "f"), ("function", "g")]
    call = definitions("a.cu", text)[2]
    assert text[call.first : call.last] == "f(1)"


def test_a_macro_without_parameters_is_not_called() -> None:
    """Nor is one within something else."""
    assert found("#define API __host__\nAPI (f)(int x);\nint z;")[-1] == ("variable", "z")
    assert found("#define f(x) x\nint f(3) y;") == [("macro", "f"), ("prototype", "f")]
