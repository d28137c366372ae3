"""The record base behaves as `typing.NamedTuple` does, which type checkers take it for."""

import copy
import inspect
import pickle
import typing

import pytest

from cmcore.hints import NamedTuple


class Point(NamedTuple):
    """A place."""

    x: int
    y: int = 2
    tags: tuple[str, ...] = ()

    @property
    def sum(self) -> int:
        return self.x + self.y


class Same(typing.NamedTuple):
    """A place."""

    x: int
    y: int = 2
    tags: tuple[str, ...] = ()


@pytest.mark.parametrize(
    "make",
    [
        lambda kind: kind(1),
        lambda kind: kind(1, 3, ("a",)),
        lambda kind: kind(1, tags=("b",)),
        lambda kind: kind(y=5, x=4),
        lambda kind: kind(1)._replace(y=7),
        lambda kind: kind._make([1, 2, ()]),
    ],
)
def test_the_same_as_a_named_tuple(make):
    mine, theirs = make(Point), make(Same)
    assert mine == theirs
    assert hash(mine) == hash(theirs)
    assert mine._asdict() == theirs._asdict()
    assert repr(mine) == repr(theirs).replace("Same", "Point")
    assert (mine.x, mine.y, mine.tags) == tuple(theirs)
    assert type(copy.deepcopy(mine)) is type(pickle.loads(pickle.dumps(mine))) is Point
    assert copy.copy(mine) == pickle.loads(pickle.dumps(mine)) == mine


@pytest.mark.parametrize(
    "make",
    [
        lambda kind: kind(),
        lambda kind: kind(1, 2, (), 4),
        lambda kind: kind(1, x=1),
        lambda kind: kind(1, z=1),
    ],
)
def test_wrong_fields_are_refused_as_there(make):
    for kind in (Point, Same):
        with pytest.raises(TypeError):
            make(kind)


def test_it_is_immutable_and_small():
    point = Point(1)
    for name in ("x", "other"):
        with pytest.raises(AttributeError):
            setattr(point, name, 5)
    assert not hasattr(point, "__dict__")
    assert point.sum == 3


def test_help_and_matching_know_the_fields():
    assert str(inspect.signature(Point)) == str(inspect.signature(Same))
    assert (Point._fields, Point._field_defaults) == (Same._fields, Same._field_defaults)
    match Point(1, 9):
        case Point(x, y=9):
            assert x == 1
        case _:
            pytest.fail("does not match")
