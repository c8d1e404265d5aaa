"""Every mutant of a file: one expression or statement of one function, changed.

Not changed, by rule: docstrings, annotations, decorators, defaults, what `raise` is given, strings
with a blank in them and the words of f-strings (texts for people), `strict=` of zip (a check of
ours), `timeout=` (how patient we are), `del name`, and `raise AssertionError` (cannot happen).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any

Function = ast.FunctionDef | ast.AsyncFunctionDef
OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
COUNTERPART = {"any": "all", "all": "any", "min": "max", "max": "min", "sorted": "list"}
LEFT_ALONE = {"annotation", "returns", "decorator_list", "defaults", "kw_defaults", "pattern"}
# Whose parts may run without the others: the lines of the expression count, not the statement's.
HEADS = (ast.If, ast.While, ast.For, ast.Match, ast.withitem, ast.match_case)
KEYWORDS_LEFT_ALONE = {"strict", "timeout"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """`number` is its place among the file's; the lines are those that must run to notice it."""

    path: str
    function: str
    number: int
    lines: range
    change: str

    @property
    def package(self) -> str:
        """Of the program, as `stages`."""
        return self.function.partition(".")[0]

    @property
    def name(self) -> str:
        """Stays the same when lines move: what tests/mutation/allowed.toml names."""
        return f"{self.function}: {self.change}"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a tree that was parsed for it."""

    outermost: str
    first_line: int
    lines: range
    change: str
    apply: Callable[[], None]


def mutants(path: str, module: str, source: str) -> list[Mutant]:
    """All of a file, in the order of its text; `module` is its name in the program."""
    found: list[Mutant] = []
    seen: dict[str, int] = {}
    for number, edit in enumerate(_edits(ast.parse(source))):
        key = f"{edit.outermost}: {edit.change}"
        seen[key] = seen.get(key, 0) + 1
        change = edit.change + (f" #{seen[key]}" if seen[key] > 1 else "")
        found.append(Mutant(path, f"{module}.{edit.outermost}", number, edit.lines, change))
    return found


def compiled(source: str, number: int, path: str) -> tuple[str, int, CodeType]:
    """Qualified name and first line of the function that a mutant changes, and its new code."""
    tree = ast.parse(source)
    edit = next(edit for place, edit in enumerate(_edits(tree)) if place == number)
    edit.apply()
    ast.fix_missing_locations(tree)
    code = _find(compile(tree, path, "exec"), edit.outermost, edit.first_line)
    assert code is not None, f"{edit.outermost} is not in {path}"
    return edit.outermost, edit.first_line, code


def _find(code: CodeType, qualified: str, line: int) -> CodeType | None:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            if inner.co_qualname == qualified and inner.co_firstlineno == line:
                return inner
            if found := _find(inner, qualified, line):
                return found
    return None


def _edits(tree: ast.Module) -> Iterator[Edit]:
    for qualified, function in _functions(tree, ""):
        decorated = [each.lineno for each in function.decorator_list]
        first_line = min([function.lineno, *decorated])
        for statement in function.body[ast.get_docstring(function) is not None :]:
            place = function.body.index(statement)
            for lines, change, apply in _statement(statement, function.body, place):
                yield Edit(qualified, first_line, lines, change, apply)


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    """The outermost functions, and the methods of classes, with their qualified names."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield prefix + child.name, child
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")


Change = tuple[range, str, Callable[[], None]]


def _statement(node: ast.stmt, body: list[ast.stmt], place: int) -> Iterator[Change]:
    """Changes of a statement: left out, and all inside it."""
    lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
    if _droppable(node):
        yield lines, f"no `{_text(node)}`", _item_setter(body, place)(ast.Pass())
    if isinstance(node, (ast.Raise, ast.Delete, ast.Import, ast.ImportFrom)):
        return
    if isinstance(node, ast.Match) and len(node.cases) > 1:
        for number, case in enumerate(node.cases):
            of = range(case.pattern.lineno, case.body[0].lineno + 1)
            yield of, f"no `case {_text(case.pattern)}`", _remover(node.cases, number)
    yield from _inside(node, lines)


def _droppable(node: ast.stmt) -> bool:
    if isinstance(node, ast.Raise):
        return not (node.exc and "AssertionError" in ast.unparse(node.exc))
    if isinstance(node, ast.Expr):
        return isinstance(node.value, (ast.Call, ast.Yield, ast.YieldFrom, ast.Await))
    return isinstance(node, (ast.AugAssign, ast.Continue, ast.Break))


def _inside(node: ast.AST, lines: range) -> Iterator[Change]:
    """Changes of the parts of a node."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "cast":
        yield from _inside(node.args[1], lines)
        return
    for field, value in ast.iter_fields(node):
        if field in LEFT_ALONE:
            continue
        if isinstance(value, list):
            yield from _listed(node, value, lines)
        elif isinstance(value, ast.expr):
            yield from _expression(node, value, _attribute_setter(node, field), lines)


def _listed(node: ast.AST, values: list[Any], lines: range) -> Iterator[Change]:
    for place, each in enumerate(values):
        if isinstance(each, ast.stmt):
            yield from _statement(each, values, place)
        elif isinstance(each, ast.expr):
            yield from _expression(node, each, _item_setter(values, place), lines)
        elif isinstance(each, ast.keyword):
            if each.arg not in KEYWORDS_LEFT_ALONE:
                yield from _inside(each, lines)
        elif isinstance(each, (ast.comprehension, ast.ExceptHandler, ast.match_case, ast.withitem)):
            yield from _inside(each, lines)


Put = Callable[[ast.AST], Callable[[], None]]


def _expression(parent: ast.AST, node: ast.expr, put: Put, lines: range) -> Iterator[Change]:
    if isinstance(node, ast.Constant) and isinstance(parent, (ast.JoinedStr, ast.Expr)):
        return
    if isinstance(parent, HEADS):
        lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
    for other in (*_forced(parent, node), *_alternatives(node)):
        yield lines, f"`{_text(node)}` -> `{_text(other)}`", put(other)
    yield from _inside(node, lines)


def _forced(parent: ast.AST, node: ast.expr) -> Iterator[ast.expr]:
    """A condition that always holds, or never."""
    if isinstance(parent, ast.While):
        yield ast.Constant(value=False)
    elif (isinstance(parent, ast.If) and node is parent.test) or (
        isinstance(parent, ast.comprehension) and node in parent.ifs
    ):
        yield ast.Constant(value=True)
        yield ast.Constant(value=False)
    elif isinstance(parent, ast.match_case):
        yield ast.Constant(value=True)


def _alternatives(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare():
            for place, operator in enumerate(node.ops):
                ops = [*node.ops]
                ops[place] = OPPOSITE[type(operator)]()
                yield ast.Compare(left=node.left, ops=ops, comparators=node.comparators)
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
            for place in range(len(node.values)):
                rest = [*node.values[:place], *node.values[place + 1 :]]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op=node.op, values=rest)
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.BinOp():
            yield node.left
            yield node.right
        case ast.IfExp():
            yield node.body
            yield node.orelse
        case ast.Call(func=ast.Name(id=name)) if name in COUNTERPART and len(node.args) == 1:
            keywords = [] if name == "sorted" else node.keywords
            yield ast.Call(ast.Name(COUNTERPART[name], ast.Load()), node.args, keywords)
        case _:
            yield from _literals(node)


def _literals(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Tuple(ctx=ast.Load()) | ast.List(ctx=ast.Load()) | ast.Set():
            yield from _shortened(node)
        case ast.Constant():
            yield from _constants(node.value)
        case _:
            pass


def _shortened(node: ast.Tuple | ast.List | ast.Set) -> Iterator[ast.expr]:
    """Displays that are put together from others: without one of their parts."""
    if any(isinstance(each, ast.Starred) for each in node.elts):
        for place in range(len(node.elts)):
            rest = [*node.elts[:place], *node.elts[place + 1 :]]
            if isinstance(node, ast.Set):
                yield ast.Set(rest) if rest else ast.Call(ast.Name("set", ast.Load()), [], [])
            else:
                yield type(node)(rest, ast.Load())


def _constants(value: object) -> Iterator[ast.expr]:
    if isinstance(value, bool):
        yield ast.Constant(value=not value)
    elif isinstance(value, (int, float)):
        yield ast.Constant(value=value + 1)
    elif isinstance(value, str) and value and not any(each.isspace() for each in value):
        yield ast.Constant(value=f"XX{value}")


def _text(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:60]}...{text[-27:]}"


def _item_setter(values: list[Any], place: int) -> Put:
    return lambda new: lambda: values.__setitem__(place, new)


def _attribute_setter(node: ast.AST, field: str) -> Put:
    return lambda new: lambda: setattr(node, field, new)


def _remover(values: list[ast.match_case], place: int) -> Callable[[], None]:
    def remove() -> None:
        del values[place]

    return remove
