"""YAML in and out: the only module that imports yaml.

Documents are read with libyaml where it is there, and built here rather than by PyYAML, because
the data must equal its own JSON form, mistakes that published files contain must become warnings,
and it takes two thirds of the time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from cmcore.errors import StorageError
from cmcore.storage import read_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from yaml import MappingNode, Node, ScalarNode

    from cmcore.types import Json

_Answer = TypeVar("_Answer")

#: More values than this in one document are taken for an attack by nested aliases.
_MOST_VALUES = 2_000_000
_DEEPEST = 100


def load_yaml(path: str) -> tuple[Json, list[str]]:
    """The data of a YAML file as JSON can hold it, and warnings about it.

    Keys that are not text become the text as written (`3.10:` is "3.10"), dates ISO texts. A
    byte order mark is tolerated; of a repeated key the last one counts.

    Returns:
        The data (None for an empty file) and sentences that name the file and the line.

    Raises:
        StorageError: unreadable file, or not YAML; names file and line.
    """
    return parse_yaml(read_bytes(path), path)


def parse_yaml(text: str | bytes, path: str = "<text>") -> tuple[Json, list[str]]:
    """The same for a text; `path` is its name in messages."""
    return _composed(
        text, path, lambda node, builder: (node and builder.build(node, 0), builder.warnings)
    )


def _composed(text: str | bytes, path: str, use: Callable[[Any, _Builder], _Answer]) -> _Answer:
    """What `use` makes of a document's nodes; all that is wrong becomes a StorageError."""
    import yaml

    try:
        loader = _loader_class()(text)
        try:
            return use(loader.get_single_node(), _Builder(loader, path))
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}" if mark else path
        problem = error.problem or error.context or "syntax error"
        raise StorageError(f"not valid YAML: {problem}", where=where) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = str(error).splitlines()[0]
        raise StorageError(f"not valid YAML: {problem}", where=path) from error
    except RecursionError as error:
        raise StorageError("YAML is nested too deeply", where=path) from error


#: Keys and list indices from the top of a document.
Place = tuple["str | int", ...]


class Repeat(NamedTuple):
    """A key that stands twice in one mapping: where, the first line, and whether values agree."""

    path: Place
    line: int
    first: int
    same: bool


def layout(text: str | bytes) -> tuple[dict[Place, tuple[int, int]], list[Repeat]]:
    """For those who point at a place: line and column of each key and list item, repeated keys.

    Both count from 1. Reads JSON as well. Nothing is found below a repeated key but what stands
    below its last.

    Raises:
        StorageError: not YAML.
    """
    marks: dict[Place, tuple[int, int]] = {}
    repeats: list[Repeat] = []

    def walk(builder: _Builder, node: Any, path: Place) -> None:
        if isinstance(node.value, str):
            return
        pairs = builder.is_mapping(node)
        seen: dict[str, tuple[int, Any]] = {}
        for number, item in enumerate(node.value):
            key, value = item if pairs else (item, item)
            place = (*path, key.value if pairs else number)
            mark = key.start_mark
            if pairs and key.value in seen:
                first, other = seen[key.value]
                same = builder.build(other, 0) == builder.build(value, 0)
                repeats.append(Repeat(place, mark.line + 1, first, same))
            if pairs:
                seen[key.value] = (mark.line + 1, value)
            marks[place] = (mark.line + 1, mark.column + 1)
            walk(builder, value, place)

    def use(node: Any, builder: _Builder) -> None:
        if node is not None:
            builder.build(node, 0)  # refuses what unfolds without end
            walk(builder, node, ())

    _composed(text, "<text>", use)
    return marks, repeats


def dump_yaml(data: Json) -> str:
    """Data as YAML for people: block style, keys in their order, texts in Unicode."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(
        data,
        Dumper=dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=100,
    )
    return text


def edit_yaml(text: str, changes: dict[str, Any], removed: frozenset[str] = frozenset()) -> str:
    """A YAML mapping with some top-level keys changed; all other text, with its comments, stays.

    Where the text is not a plain block mapping the whole of it is written anew.

    Args:
        text: the document.
        changes: new values of keys, present or not.
        removed: keys to leave out.

    Raises:
        StorageError: `text` is not YAML.
    """
    data, _ = parse_yaml(text)
    wanted = dict(data) if isinstance(data, dict) else {}
    wanted.update(changes)
    for key in removed:
        wanted.pop(key, None)
    edited = _splice(text, changes, removed)
    if edited is not None:
        try:
            if parse_yaml(edited)[0] == wanted:
                return edited
        except StorageError:
            pass
    return dump_yaml(wanted)


def _splice(text: str, changes: dict[str, Any], removed: frozenset[str]) -> str | None:
    import yaml

    node = _loader_class()(text).get_single_node()
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        return None
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    starts = [key.start_mark.line for key, _ in node.value]
    pending = dict(changes)
    out = lines[: starts[0]] if starts else lines
    for at, (key, _) in enumerate(node.value):
        end = starts[at + 1] if at + 1 < len(starts) else len(lines)
        name = key.value
        if name not in changes and name not in removed:
            out += lines[starts[at] : end]
            continue
        # Blank lines and comments at the margin belong to the next key.
        last = end
        while last > starts[at] + 1 and (lines[last - 1] + "\n")[0] in "\r\n#":
            last -= 1
        if name in pending:
            out.append(dump_yaml({name: pending.pop(name)}))
        out += lines[last:end]
    if pending:
        out.append(dump_yaml(pending))
    return "".join(out)


@lru_cache(maxsize=1)
def _loader_class() -> Any:
    import yaml
    from yaml import ScalarNode

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    known: dict[str, str] = {}

    class Loader(base):  # type: ignore[misc]  # which class it is turns out at run time
        """libyaml's parser without what safe documents never use, and with a memory for tags."""

        def descend_resolver(self, current_node: Any, current_index: Any) -> None:
            pass

        def ascend_resolver(self) -> None:
            pass

        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
            if kind is not ScalarNode or not implicit[0]:
                return super().resolve(kind, value, implicit)
            tag = known.get(value)
            if tag is None:
                tag = super().resolve(kind, value, implicit)
                if len(known) < 50_000:
                    known[value] = tag
            return tag

    return Loader


class _Builder:
    """Turns one composed document into data."""

    def __init__(self, loader: Any, path: str) -> None:
        from yaml import MappingNode, ScalarNode, SequenceNode

        self.loader = loader
        self.path = path
        self.warnings: list[str] = []
        self._left = _MOST_VALUES
        self._scalar, self._sequence, self._mapping = ScalarNode, SequenceNode, MappingNode

    def is_mapping(self, node: Node) -> bool:
        return type(node) is self._mapping

    def build(self, node: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise StorageError(
                "YAML is nested too deeply, or unfolds to too many values",
                where=f"{self.path}:{node.start_mark.line + 1}",
            )
        kind = type(node)
        if kind is self._scalar:
            return node.value if node.tag == "tag:yaml.org,2002:str" else self._value(node)
        if node.tag not in _CONTAINERS:
            self._unknown(node)
        if kind is self._sequence:
            return [self.build(item, depth + 1) for item in node.value]
        return self._object(node, depth)

    def _object(self, node: MappingNode, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: list[Any] = []
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                value = self.build(value_node, depth + 1)
                merged += value if isinstance(value, list) else [value]
                continue
            if type(key_node) is not self._scalar:
                where = f"{self.path}:{key_node.start_mark.line + 1}"
                raise StorageError("not usable YAML: a key must be a plain value", where=where)
            key = key_node.value
            if key in result:
                self._warn(key_node, f"key '{key}' is repeated; the last one counts")
            result[key] = self.build(value_node, depth + 1)
        for other in merged:
            if not isinstance(other, dict):
                where = f"{self.path}:{node.start_mark.line + 1}"
                raise StorageError("not usable YAML: '<<' needs a mapping", where=where)
            result = {**other, **result}
        return result

    def _value(self, node: ScalarNode) -> Any:
        constructors = self.loader.yaml_constructors
        if node.tag not in constructors:
            self._unknown(node)
        try:
            value = constructors[node.tag](self.loader, node)
        except (ValueError, OverflowError) as error:
            # `2024-13-45` looks like a date to YAML but is none; its author meant a text.
            self._warn(node, f"'{node.value}' is taken as text: {error}")
            return node.value
        if isinstance(value, float) and (value != value or value in (_INFINITY, -_INFINITY)):
            return node.value
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        return value.isoformat() if hasattr(value, "isoformat") else node.value

    def _unknown(self, node: Node) -> None:
        where = f"{self.path}:{node.start_mark.line + 1}"
        raise StorageError(f"not usable YAML: unknown type '{node.tag}'", where=where)

    def _warn(self, node: Node, problem: str) -> None:
        self.warnings.append(f"{self.path}:{node.start_mark.line + 1}: {problem}")


_INFINITY = float("inf")
_CONTAINERS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "set", "omap", "pairs")
)
