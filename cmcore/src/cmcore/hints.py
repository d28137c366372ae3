"""What modules need of `typing`, `types`, `contextlib`, `collections.abc`, without importing them.

Type checkers see the real names. At run time `typing` would cost 4 ms in every command, and each
`typing.NamedTuple` of the fifty here 0.3 ms more, because it compiles a constructor and evaluates
its annotations. The `NamedTuple` below does neither; its classes are used in the same way. The
abstract classes are those of `collections.abc`, taken from where every interpreter has them already
when it has started; importing them by that name would load the package `collections` (1 ms).
`contextmanager` is written anew: the module it comes from costs as much.
"""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Collection,
        Container,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )
    from contextlib import contextmanager
    from types import CodeType, FunctionType, ModuleType
    from typing import Any, NamedTuple, TypeVar
else:
    import sys
    from _collections_abc import (
        Callable,
        Collection,
        Container,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )

    try:
        from _collections import _tuplegetter  # what `collections.namedtuple` uses
    except ImportError:

        def _tuplegetter(at: int, doc: None) -> property:
            return property(lambda record: record[at], doc=doc)

    ModuleType = type(sys)
    FunctionType = type(lambda: None)
    CodeType = type((lambda: None).__code__)

    class Any:
        """Stands in annotations only."""

    def TypeVar(name: str) -> str:
        """Stands in annotations only."""
        return name

    class _Named(type):
        """Makes properties of the annotations of a class body, and defaults of its values."""

        def __new__(
            kind: type, name: str, bases: tuple[type, ...], body: dict[str, Any]
        ) -> type[NamedTuple]:
            body.setdefault("__slots__", ())
            cls = super().__new__(kind, name, bases, body)
            fields = tuple(body.get("__annotations__", ()))
            cls._fields = cls.__match_args__ = fields
            cls._field_defaults = {field: body[field] for field in fields if field in body}
            cls._last = tuple(cls._field_defaults.values())
            for at, field in enumerate(fields):
                setattr(cls, field, _tuplegetter(at, None))
            return cls

        @property
        def __signature__(cls) -> object:
            """For `help` and for editors."""
            from inspect import Parameter, Signature

            kind, empty = Parameter.POSITIONAL_OR_KEYWORD, Parameter.empty
            return Signature(
                Parameter(
                    field,
                    kind,
                    default=cls._field_defaults.get(field, empty),
                    annotation=cls.__annotations__[field],
                )
                for field in cls._fields
            )

    class NamedTuple(tuple, metaclass=_Named):
        """A tuple whose items have names, as `typing.NamedTuple` makes them."""

        def __new__(cls, *values: Any, **named: Any) -> NamedTuple:
            lacking = len(cls._fields) - len(values)
            if lacking and not named and 0 < lacking <= len(cls._last):
                values += cls._last[-lacking:]
            elif named or lacking:
                values = _complete(cls, values, named)
            return tuple.__new__(cls, values)

        @classmethod
        def _make(cls, values: Iterable[Any]) -> NamedTuple:
            return cls(*values)

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **changes: Any) -> NamedTuple:
            return type(self)(**{**self._asdict(), **changes})

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

        def __repr__(self) -> str:
            items = ", ".join(f"{key}={value!r}" for key, value in self._asdict().items())
            return f"{type(self).__name__}({items})"

    class _Within:
        """What `contextlib.contextmanager` makes of a generator."""

        def __init__(self, generator: Iterator[Any]) -> None:
            self._generator = generator

        def __enter__(self) -> Any:
            return next(self._generator)

        def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
            if error is None:
                for _ in self._generator:
                    raise RuntimeError("a context manager must yield once")
                return False
            try:
                self._generator.throw(error)
            except StopIteration as ended:
                return ended is not error
            except BaseException as raised:
                if raised is not error and not (
                    isinstance(error, StopIteration) and raised.__cause__ is error
                ):
                    raise
                error.__traceback__ = trace
                return False
            raise RuntimeError("a context manager must end when it was thrown an error")

    def contextmanager(function: Callable[..., Iterator[Any]]) -> Callable[..., _Within]:
        """The same as `contextlib.contextmanager`, for `with` alone."""

        def within(*args: Any, **named: Any) -> _Within:
            return _Within(function(*args, **named))

        within.__name__, within.__doc__ = function.__name__, function.__doc__
        return within

    def _complete(
        cls: type[NamedTuple], values: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[Any, ...]:
        """The values of all fields, from those given by place and by name, and the defaults."""
        fields = cls._fields
        rest = fields[len(values) :]
        wrong = [*named.keys() - set(rest)]
        if wrong or len(values) > len(fields):
            what = f"field {min(wrong)!r}" if wrong else f"{len(values)} values"
            raise TypeError(f"{cls.__name__} cannot take {what}; fields: {', '.join(fields)}")
        given = {**cls._field_defaults, **named}
        missing = [field for field in rest if field not in given]
        if missing:
            raise TypeError(f"{cls.__name__} is missing {', '.join(missing)}")
        return (*values, *[given[field] for field in rest])


__all__ = [
    "TYPE_CHECKING",
    "Any",
    "Callable",
    "CodeType",
    "Collection",
    "Container",
    "FunctionType",
    "Iterable",
    "Iterator",
    "Mapping",
    "ModuleType",
    "NamedTuple",
    "Sequence",
    "TypeVar",
    "contextmanager",
]
