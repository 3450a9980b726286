"""Reading include/uapi/linux/bpf.h: names and values, with no compiler.

It understands as much C as the header has ever used: enumerations with and without a name, object-like macros, the
structures, ``union bpf_attr``, and the list of helpers in its three forms (``enum bpf_func_id``, ``__BPF_FUNC_MAPPER``
and, since 6.1, ``___BPF_FUNC_MAPPER`` with numbers).

Structure fields are named as the database names them: members of nested structures and unions belong to the outermost
one (``bpf_link_info.cookie``), fields of ``union bpf_attr`` are ``bpf_attr.PART.FIELD`` where PART is the name of the
member structure, or of the first field of an anonymous one.
"""

from __future__ import annotations

import ast
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Header", "HeaderError", "parse", "read"]

_NAME = re.compile(r"[A-Za-z_]\w*")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
_ENUM = re.compile(r"\benum\s*(\w+)?\s*\{([^{}]*)\}")
_STRUCT = re.compile(r"\b(?:struct|union)\s+(\w+)\s*\{")
_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)(\([^)\n]*\))?[ \t]*(.*)$", re.M)
_NUMBER = re.compile(r"\b(0[xX][0-9a-fA-F]+|\d+)[uUlL]+\b")
_HELPER = re.compile(r"\bFN\(\s*(\w+)\s*(?:,\s*(\d+)\s*)?[,)]")
_NESTED = re.compile(r"\s*(?:struct|union)\s*(\w+)?\s*\{")
_MACRO_MEMBER = re.compile(r"\w+\(\s*[^,()]+,\s*(\w+)\s*\)\s*$")  # __bpf_md_ptr(struct bpf_sock *, sk)
_ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)+", re.S)


class HeaderError(ValueError):
    """This text is not a <linux/bpf.h>."""


class Header:
    """What a header says.

    Attributes:
        enums: enumeration -> enumerator -> value; one without a name goes by ``"anon:"`` and its first enumerator.
        defines: object-like macro with an integer value -> value.
        helpers: helper's C name (``bpf_map_lookup_elem``) -> id, ``bpf_unspec`` left out.
        attributes: fields of ``union bpf_attr``, in order.
        struct_fields: fields of every other structure, in order.
    """

    __slots__ = ("attributes", "defines", "enums", "helpers", "struct_fields")

    def __init__(self) -> None:
        self.enums: dict[str, dict[str, int]] = {}
        self.defines: dict[str, int] = {}
        self.helpers: dict[str, int] = {}
        self.attributes: list[str] = []
        self.struct_fields: list[str] = []

    def constants(self) -> Iterator[tuple[str, str, int]]:
        """Every enumerator and macro once: (name, enumeration or ``""``, value)."""
        seen: set[str] = set()
        for enum, members in self.enums.items():
            for name, value in members.items():
                seen.add(name)
                yield name, enum, value
        for name, value in self.defines.items():
            if name not in seen:  # BPF_F_LINK is an enumerator and a macro of the same name
                yield name, "", value


def read(path: str) -> Header:
    """Parse the header at ``path``.

    Raises:
        OSError: it cannot be read.
        HeaderError: it is not a <linux/bpf.h>.
    """
    with open(path, encoding="utf-8", errors="replace") as file:
        return parse(file.read())


def parse(text: str) -> Header:
    """Parse the text of a header.

    Raises:
        HeaderError: it is not a <linux/bpf.h>: it has no ``enum bpf_cmd``, or one that cannot be understood.
    """
    text = _COMMENT.sub(" ", text).replace("\\\n", " ")
    header = Header()
    known: dict[str, int] = {}
    macros = [(name, body) for name, parameters, body in _DEFINE.findall(text) if not parameters]
    # A macro may use an enumerator and an enumerator a macro: try again with what the first round learnt.
    for _ in range(2):
        _read_enums(text, header, known)
        for name, body in macros:
            value = _evaluate(body, known)
            if value is not None:
                header.defines[name] = value
                known.setdefault(name, value)
    if "BPF_MAP_CREATE" not in header.enums.get("bpf_cmd", {}):
        raise HeaderError("no enum bpf_cmd with BPF_MAP_CREATE: not a <linux/bpf.h>")
    _read_helpers(text, header)
    _read_structures(text, header)
    return header


def _read_enums(text: str, header: Header, known: dict[str, int]) -> None:
    for match in _ENUM.finditer(text):
        enum, body = match.group(1), match.group(2)
        members: dict[str, int] = {}
        value = -1
        for item in _split(body, ","):
            name, _, expression = (part.strip() for part in item.partition("="))
            if not _NAME.fullmatch(name):
                continue  # __BPF_FUNC_MAPPER(__BPF_ENUM_FN)
            found = _evaluate(expression, known) if expression else value + 1
            if found is None:
                continue
            value = members[name] = known[name] = found
        if members:
            header.enums[enum or "anon:" + next(iter(members))] = members


def _read_helpers(text: str, header: Header) -> None:
    old = header.enums.pop("bpf_func_id", {})
    for name, value in old.items():
        if name.startswith("BPF_FUNC_"):
            header.helpers["bpf_" + name[len("BPF_FUNC_") :]] = value
    for name, parameters, body in _DEFINE.findall(text):
        if name.lstrip("_") == "BPF_FUNC_MAPPER" and "FN" in parameters:
            for position, (helper, number) in enumerate(_HELPER.findall(body)):
                header.helpers["bpf_" + helper] = int(number) if number else position
    header.helpers.pop("bpf_unspec", None)


def _read_structures(text: str, header: Header) -> None:
    seen: set[str] = set()
    position = 0
    while True:
        match = _STRUCT.search(text, position)
        if match is None:
            return
        position = _closing(text, match.end())
        name, body = match.group(1), text[match.end() : position]
        if name == "bpf_attr":
            header.attributes = list(dict.fromkeys(_attribute_names(body)))
            continue
        for field in _members(body):
            full = f"{name}.{field}"
            if full not in seen:
                seen.add(full)
                header.struct_fields.append(full)


def _attribute_names(body: str) -> Iterator[str]:
    for inner, name in _declarations(body):
        fields = list(_members(inner)) if inner is not None else [name]
        for field in fields:
            yield f"bpf_attr.{name or fields[0]}.{field}"


def _members(body: str) -> Iterator[str]:
    """Field names of a structure, those of nested ones in place of the name of the nested one."""
    for inner, name in _declarations(body):
        if inner is not None:
            yield from _members(inner)
        elif name:
            yield name


def _declarations(body: str) -> Iterator[tuple[str | None, str]]:
    """(body of a nested structure or None, member's name or ``""``) for each member."""
    position = 0
    while position < len(body):
        nested = _NESTED.match(body, position)
        inner: str | None = None
        if nested:
            close = _closing(body, nested.end())
            inner, position = body[nested.end() : close], close + 1
        end = body.find(";", position)
        if end < 0:
            return
        declaration = _ATTRIBUTE.sub(" ", body[position:end]).strip()
        position = end + 1
        if inner is not None:
            yield inner, declaration.split("[")[0].strip()
            continue
        macro = _MACRO_MEMBER.match(declaration)
        if macro:
            yield None, macro.group(1)
            continue
        for number, part in enumerate(_split(declaration, ",")):
            plain = part.split("[")[0]
            words = _NAME.findall(plain.split(":")[0])
            # "__u32 :31;" pads: a type and no name.
            if words and (number or len(words) > 1):
                yield None, words[-1]


def _closing(text: str, position: int) -> int:
    """Where the brace closes that was opened just before ``position``."""
    depth = 1
    for match in re.compile(r"[{}]").finditer(text, position):
        depth += 1 if match.group() == "{" else -1
        if not depth:
            return match.start()
    raise HeaderError("a brace is never closed: the header is cut short")


def _split(text: str, separator: str) -> list[str]:
    """Split at separators outside parentheses."""
    parts, depth, start = [], 0, 0
    for position, char in enumerate(text):
        if char in "()":
            depth += 1 if char == "(" else -1
        elif char == separator and not depth:
            parts.append(text[start:position])
            start = position + 1
    parts.append(text[start:])
    return [part for part in parts if part.strip()]


def _evaluate(expression: str, known: dict[str, int]) -> int | None:
    """The value of a constant expression, None where it is not one."""
    try:
        tree = ast.parse(_NUMBER.sub(r"\1", " ".join(expression.split())), mode="eval")
        return _value(tree.body, known)
    except (SyntaxError, ValueError, KeyError):
        return None


def _value(node: ast.expr, known: dict[str, int]) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.Name):
        return known[node.id]
    if isinstance(node, ast.UnaryOp):
        operand = _value(node.operand, known)
        if isinstance(node.op, ast.USub):
            return -operand
        if isinstance(node.op, ast.Invert):
            return ~operand
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, known), _value(node.right, known)
        if isinstance(node.op, ast.LShift):
            return left << right
        if isinstance(node.op, ast.BitOr):
            return left | right
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "BIT" and len(node.args) == 1:
        return 1 << _value(node.args[0], known)  # 4.18 to 5.1 wrote BPF_FIB_LOOKUP_DIRECT as BIT(0)
    raise ValueError("not a constant expression")
