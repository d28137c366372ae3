"""The engine of a process that builds ahead: it notes what its recipes look at, and tells it."""

from __future__ import annotations

import os

from cm_script.engine import Engine
from cm_script.flags import CacheWishes
from cm_script.jobs import adopt
from cm_script.jobs.builder import Builder
from cm_script.jobs.independence import reads_of
from cm_script.reads import RecipeReads
from cm_script.reads_meta import of_block
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cm_script.jobs.child import Child
    from cm_script.run import RecipeRun
    from cmcore.context import Context
    from cmcore.types import Artifact

#: Requests of recipe code that only look at recipes, or run them.
_LOOKING = ("run", "search", "find", "show", "load")
_NOUNS = ("script", "5b4e0237da074764", "automation")
#: Helpers, such as downloads: what they write is watched.
_HELPERS = ("utils", "dc2743f8450541e3")


class ChildEngine(Engine):
    """Runs one dependency and notes what its run looked at."""

    def __init__(self, ctx: Context, child: Child) -> None:
        super().__init__(ctx)
        self.child = child
        self.builder = Builder(self, child)
        self.executor = self.builder
        self.looked_at = RecipeReads()
        self.queries: set[str] = set()
        self.top: RecipeRun | None = None
        self.depth = 0

    def take(self, request: dict[str, Any]) -> None:
        """Start from where the run stands."""
        from cm_script.facade.session import session_of

        self.chain, self.keys = list(request["chain"]), list(request["keys"])
        self.quiet, self.silent = request["quiet"], request["silent"]
        self.verbose = request["verbose"]
        self.cache = CacheWishes(*request["cache"])
        self.record, self.timed = request["record"], request["timed"]
        if request["request"] is not None:
            action, noun, words, flags, command, person = request["request"]
            given = tuple(command) if command is not None else None
            self.request = Request(action, noun, tuple(words), flags, given, person)
        setting = request["setting"]
        # As it was there: the start of an interpreter may add to it (LC_CTYPE).
        os.environ.clear()
        os.environ.update(setting["process"])
        self.literal, self.imported = set(setting["literal"]), dict(setting["imported"])
        for choice in setting["remembered"]:
            if choice["type"] == "cache":
                choice = {**choice, "tags": frozenset(choice["tags"])}
            self.remembered.append(choice)
        session = session_of(self)
        session._front, session._back = (list(paths) for paths in setting["path"])
        self.setting = setting
        self.depth = len(self.chain)
        self.first_version = len(request["inputs"]["run_state"].get("version_info") or ())

    def run(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Run a recipe; what its entry sets joins what it looks at."""
        self.note(of_block({"env": inputs.get("local_env"), "state": inputs.get("local_state")}))
        return super().run(inputs)

    def note(self, found: RecipeReads) -> None:
        """Something was looked at."""
        self.looked_at = self.looked_at.joined(found)

    def enter(self, run: RecipeRun) -> None:
        """A recipe begins: what it looks at is known from its files."""
        super().enter(run)
        if self.top is None:
            self.top = run
        found = reads_of(run.artifact)
        # What is named by a variable is noted when that variable has its final text.
        self.note(found._replace(env=found.env._replace(indirect=frozenset())))

    def recipes(self, artifact: str, tags: str) -> list[Artifact]:
        """Recipes by name and tags; choices for these tags made elsewhere would have counted."""
        self.queries.add(tags)
        return super().recipes(artifact, tags)

    def access(self, i: Any, /, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """A request by recipe code, as long as it does nothing but run and find recipes."""
        call = i if isinstance(i, dict) else {}
        noun = str(call.get("automation") or call.get("target") or "").split(",")[0]
        looks = call.get("action") in _LOOKING and noun in _NOUNS
        if not looks and noun not in _HELPERS:
            self.child.give_up(f"its hooks ask for {call.get('action')} {noun}".rstrip())
        return super().access(i, *args, **kwargs)

    def report(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Everything that the other side needs to judge and to take over."""
        assert self.top is not None
        now = adopt.setting(self)
        for key in ("process", "path"):
            if now[key] != self.setting[key]:
                self.child.give_up(f"its hooks change the {key} of the whole request")
        run, built = self.top, self.builder
        if not built.pending or built.pending[-1][0] is not run:
            self.child.give_up("its result came from elsewhere")
        if run.scope.const_state != built.const_state:
            self.child.give_up("it changes constants of the request")
        known = self.setting["remembered"]
        before = self.setting["imported"]
        return {
            "reads": adopt.reads_as_dict(self.looked_at.env),
            "reads_state": adopt.reads_as_dict(self.looked_at.state),
            "paths": self.paths(),
            "queries": sorted(self.queries),
            "lookups": [[adopt.request_as_list(r), uids] for r, uids in built.lookups],
            "names": sorted(self.dependency_names),
            "records": self.records[:-1],
            "remembered": [c for c in now["remembered"] if c not in known],
            "imported": {k: v for k, v in self.imported.items() if before.get(k) != v},
            "request": adopt.request_as_list(built.pending[-1][2]),
            "adr_begun": built.adr,
            "adr": run.scope.adr,
            "new_env": answer["new_env"],
            "new_state": answer["new_state"],
            "version": run.version,
            "ran_deps": list(run.ran_deps),
            "version_info": run.run_state["version_info"][self.first_version : -1],
        }

    def paths(self) -> list[str]:
        """Values of variables by which files outside could have been read."""
        found = self.builder.seen_env
        return sorted({str(v) for k, v in found.items() if self.looked_at.env.looks_at(k)})
