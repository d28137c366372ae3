"""What other processes do in the tests; run as a script: `children.py WHAT HOME ...`."""

from __future__ import annotations

import os
import sys
import time

from cm_cache import building, lookup, publishing
from cmcore.console import Console
from cmcore.context import Context
from cmcore.paths import Paths
from cmcore.types import CacheEntry, CacheRequest, Outcome


def context(home):
    return Context(paths=Paths(home), console=Console(interactive=False))


def request(*tags):
    key = {"digest": "d", **({"class": "data"} if "data" in tags else {})}
    return CacheRequest("00000000000000aa", "thing", "cm", tags, (), tags, key)


def build(ctx, reservation, payload):
    with open(os.path.join(reservation.path, "payload"), "w") as file:
        file.write(payload)
    tags = reservation.token.request.entry_tags
    state = {"new_env": {"PAYLOAD": payload}, "new_state": {}}
    return publishing.publish(ctx, reservation, Outcome(tags, payload, state))


def wait_for(path):
    limit = time.monotonic() + 60
    while not os.path.exists(path):
        if time.monotonic() > limit:
            sys.exit(f"{path} did not come")
        time.sleep(0.005)


def race(home, rounds):
    """Ask for `rounds` entries, all at the same moment as the others; say what came of it."""
    ctx = context(home)
    open(os.path.join(home, f"ready-{os.getpid()}"), "w").close()
    for number in range(int(rounds)):
        wait_for(os.path.join(home, f"go-{number}"))
        wish = request("round", f"r{number}")
        found = lookup.find(ctx, wish)
        how = "hit"
        entry = found[0] if found else building.reserve(ctx, wish)
        if not isinstance(entry, CacheEntry):
            how = "built"
            time.sleep(0.02)
            entry = build(ctx, entry, str(os.getpid()))
        state = lookup.state(entry)
        print(number, how, entry.uid, state["new_env"]["PAYLOAD"], flush=True)


def hold(home, seconds, end, *more):
    """Reserve, say so, then publish, release or die after `seconds`."""
    ctx = context(home)
    reservation = building.reserve(ctx, request("held", *more))
    with open(os.path.join(reservation.path, "half"), "w") as file:
        file.write("half")
    print(reservation.uid, flush=True)
    time.sleep(float(seconds))
    if end == "publish":
        build(ctx, reservation, "theirs")
    elif end == "release":
        publishing.release(ctx, reservation, "it failed")
    else:
        os.kill(os.getpid(), 9)


if __name__ == "__main__":
    {"race": race, "hold": hold}[sys.argv[1]](*sys.argv[2:])
