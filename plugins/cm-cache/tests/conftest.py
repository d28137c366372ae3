"""A home, a console that remembers, and short ways to ask for and build entries."""

from __future__ import annotations

import json
import os

import pytest

from cm_cache import building, lookup, opened, publishing, upstream
from cmcore.console import Console
from cmcore.context import Context
from cmcore.paths import Paths
from cmcore.types import CacheRequest, Outcome, Reservation

RECIPE = "00000000000000aa"


class Listening(Console):
    """A console nobody sits at, which keeps what was said."""

    def __init__(self):
        super().__init__(interactive=False)
        self.said = []

    def warn(self, text):
        if text not in self.said:
            self.said.append(text)

    def log(self, text, *, verbose=False):
        self.said.append(text)


class Cache:
    """The plugin's functions on one home, as a run uses them."""

    def __init__(self, home):
        self.ctx = Context(paths=Paths(str(home)), console=Listening(), environ={})
        self.root = self.ctx.paths.cache

    @property
    def said(self):
        return self.ctx.console.said

    def ask(self, *tags, excluded=(), recipe=RECIPE, dialect="cm", key=None):
        return CacheRequest(recipe, "thing", dialect, tags, excluded, tags, key or {"digest": "d"})

    def find(self, *tags, excluded=(), **more):
        return lookup.find(self.ctx, self.ask(*tags, excluded=excluded, **more))

    def reserve(self, request, refresh=None, fresh=False):
        return building.reserve(self.ctx, request, refresh, fresh)

    def publish(self, reservation, payload="1", tags=None, **meta):
        tags = reservation.token.request.entry_tags if tags is None else tags
        with open(os.path.join(reservation.path, "payload"), "w") as file:
            file.write(payload)
        state = {"new_env": {"PAYLOAD": payload}, "new_state": {}, "deps": [], "version": payload}
        return publishing.publish(self.ctx, reservation, Outcome(tuple(tags), payload, state, meta))

    def build(self, *tags, payload="1", fresh=True, recipe=RECIPE, dialect="cm", **meta):
        request = self.ask(*tags, recipe=recipe, dialect=dialect)
        reservation = self.reserve(request, fresh=fresh)
        assert isinstance(reservation, Reservation)
        return self.publish(reservation, payload, **meta)

    def store(
        self, *tags, files=None, env=None, kind="built", depends=(), key=None, version="", **meta
    ):
        """Build an entry of a class, with files by relative path and an exported environment.

        `HERE` in text and environment stands for the entry's folder.
        """
        reservation = self.reserve(self.ask(*tags, key=key), fresh=True)

        def here(text):
            return text.replace("HERE", reservation.path)

        for name, content in (files or {}).items():
            path = os.path.join(reservation.path, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content if isinstance(content, bytes) else here(content).encode())
        new_env = {key: here(value) for key, value in (env or {}).items()}
        state = {"new_env": new_env, "new_state": {}, "deps": [], "version": ""}
        meta = {"class": kind, "depends": list(depends), **meta}
        return publishing.publish(self.ctx, reservation, Outcome(tags, version, state, meta))

    def publish_env(self, reservation, env, version, kind):
        """Publish what left no files."""
        tags = reservation.token.request.entry_tags
        state = {"new_env": env, "new_state": {}, "deps": [], "version": version}
        outcome = Outcome(tags, version, state, {"class": kind, "depends": []})
        return publishing.publish(self.ctx, reservation, outcome)

    def meta(self, entry):
        with open(os.path.join(entry.path, "_cm.json"), encoding="utf-8") as file:
            return json.load(file)

    def alter(self, entry, **changes):
        """Change keys of an entry's meta by hand."""
        meta = {**self.meta(entry), **changes}
        with open(os.path.join(entry.path, "_cm.json"), "w", encoding="utf-8") as file:
            json.dump(meta, file)

    def release(self, reservation, error="it failed"):
        return publishing.release(self.ctx, reservation, error)

    def state(self, entry):
        return lookup.state(entry)

    def restart(self):
        """As if a new process began."""
        opened.reset()
        upstream.reset()
        for remembered in (lookup._shown, lookup._stale, lookup._told, lookup._closed):
            remembered.clear()
        self.said.clear()


@pytest.fixture
def new_cache(tmp_path):
    yield lambda name="home": Cache(tmp_path / name)
    opened.reset()
    upstream.reset()


@pytest.fixture
def cache(new_cache):
    return new_cache()
