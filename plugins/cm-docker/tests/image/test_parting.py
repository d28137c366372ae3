"""Recipes are copied just before the first step that needs them."""

import os
from pathlib import Path

from plans import collection, plan, recipe

from cm_docker.image import ImageWishes, prepare

BASE = ImageWishes(base_image="localhost/base:1")


def tools(tmp_path, *names):
    """A collection with the recipe that is asked for, and those of these names; their rows."""
    row = collection(tmp_path / "tools")
    rows = []
    for number, name in enumerate(names, 10):
        uid = f"0123456789abc{number:03d}"
        path = recipe(tmp_path / "tools", name, uid)
        rows.append({"uid": uid, "path": str(path), "collection": row, "private": False})
    about = plan(row)
    about["recipe"] = about["recipes"][0]
    return {**about, "recipes": [*about["recipes"], *rows]}, {
        r["uid"]: n for r, n in zip(rows, names, strict=True)
    }


def laid(made):
    """Names of recipes in each part, and the tags of the steps between them."""
    order = []
    for line in made.text.splitlines():
        if line.startswith("COPY parts/"):
            folder = os.path.join(made.folder, line.split()[1], "collections", "tools", "script")
            order.append(sorted(os.listdir(folder)))
        elif "--tags=" in line:
            order.append(line.partition("--tags=")[2].partition('"')[0])
    return order


def ahead(*steps):
    return [{"tags": tags, "label": tags, "recipes": uids} for tags, uids in steps]


def test_each_step_gets_what_it_needs_and_the_rest_comes_last(ctx, tmp_path):
    about, names = tools(tmp_path, "get-a", "get-b", "get-c")
    a, b, _ = names
    about["prefetch"] = ahead(("get,a", [a]), ("get,b", [a, b]))
    made = prepare(ctx, BASE, about, {})
    assert laid(made) == [["get-a"], "get,a", ["get-b"], "get,b", ["get-c", "get-tools"]]


def test_one_more_tool_leaves_everything_before_it_as_it_was(ctx, tmp_path):
    about, names = tools(tmp_path, "get-a", "get-b")
    a, b = names
    about["prefetch"] = ahead(("get,a", [a]))
    one = prepare(ctx, BASE, about, {})
    about["prefetch"] += ahead(("get,b", [b]))
    two = prepare(ctx, BASE, about, {})
    until = one.text.partition("get,a")[0]
    assert two.text.startswith(until)
    assert laid(two)[:2] == laid(one)[:2] == [["get-a"], "get,a"]


def test_the_recipe_that_was_asked_for_comes_last_even_if_needs_are_not_known(ctx, tmp_path):
    about, _ = tools(tmp_path, "get-a", "get-b")
    about["prefetch"] = [{"tags": "get,a", "label": "get-a"}]
    assert laid(prepare(ctx, BASE, about, {})) == [["get-a", "get-b"], "get,a", ["get-tools"]]


def test_the_recipe_that_was_asked_for_may_be_one_of_its_tools(ctx, tmp_path):
    about, names = tools(tmp_path, "get-a", "get-b")
    root = about["recipe"]["uid"]
    about["prefetch"] = ahead(("get,a", [root, *names]))
    whole = [["get-a", "get-b", "get-tools"], "get,a"]
    assert laid(prepare(ctx, BASE, about, {})) == whole
    about["prefetch"] = [{**about["prefetch"][0], "open": True}]
    assert laid(prepare(ctx, BASE, about, {})) == whole


def test_a_recipe_that_calls_others_by_itself_gets_them_all(ctx, tmp_path):
    about, names = tools(tmp_path, "get-a", "get-b")
    a, _ = names
    code = tmp_path / "tools" / "script" / "get-a" / "customize.py"
    code.write_text("def preprocess(i):\n    return i['automation'].cmind.access({})\n")
    about["prefetch"] = ahead(("get,a", [a]))
    assert laid(prepare(ctx, BASE, about, {})) == [["get-a", "get-b"], "get,a", ["get-tools"]]


def test_a_change_of_the_recipe_that_was_asked_for_changes_the_last_part_only(ctx, tmp_path):
    about, names = tools(tmp_path, "get-a")
    about["prefetch"] = ahead(("get,a", list(names)))
    one = prepare(ctx, BASE, about, {})
    (tmp_path / "tools" / "script" / "get-tools" / "run.sh").write_text("echo other\n")
    two = prepare(ctx, BASE, about, {})
    assert one.folder != two.folder
    assert one.text == two.text
    for part in ("parts/1", "cm", "wheels", "home"):
        assert contents(one.folder, part) == contents(two.folder, part)
    assert contents(one.folder, "parts/2") != contents(two.folder, "parts/2")


def contents(folder, part):
    files = sorted(path for path in Path(folder, part).rglob("*") if path.is_file())
    assert files
    return [(str(path.relative_to(folder)), path.read_bytes()) for path in files]
