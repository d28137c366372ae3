"""Build folders of plans: the same plan gives the same bytes, and private parts stay away."""

import json
import os
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plans import collection, context, plan, recipe

from cm_docker import distributions
from cm_docker.image import DIGEST, ImageWishes, prepare
from cmcore.errors import UsageError
from cmcore.storage import remove_tree

BASE = ImageWishes(base_image="localhost/base:1")
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
LINE = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=12)
NAME = st.from_regex(r"CM_[A-Z]{1,6}", fullmatch=True)


def tree(folder):
    """Every file of a folder: path -> (mode, time, content)."""
    found = {}
    for top, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = os.path.join(top, name)
            status = os.stat(path)
            content = b"" if name in folders else Path(path).read_bytes()
            found[os.path.relpath(path, folder)] = status.st_mode, status.st_mtime, content
    return found


def shuffled(value, chance):
    """The same value with other orders of keys."""
    if isinstance(value, dict):
        rows = [(key, shuffled(one, chance)) for key, one in value.items()]
        chance.shuffle(rows)
        return dict(rows)
    return [shuffled(one, chance) for one in value] if isinstance(value, list) else value


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    build_env=st.dictionaries(NAME, LINE, max_size=3),
    env=st.dictionaries(NAME, TEXT, max_size=3),
    adr=st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), TEXT, max_size=3),
    command=TEXT,
    programs=st.lists(st.sampled_from(["git", "wget", "gcc", "docker", "nvcc"])),
    seed=st.integers(0, 99),
    form=st.sampled_from(["containerfile", "definition"]),
)
def test_the_same_plan_gives_the_same_bytes(
    ctx, tmp_path, build_env, env, adr, command, programs, seed, form
):
    if not os.path.isdir(tmp_path / "a"):
        collection(tmp_path / "a")
        collection(tmp_path / "b", "more")
    rows = [
        {**collection_row(tmp_path / "a", "tools")},
        {**collection_row(tmp_path / "b", "more")},
    ]
    block = {"build_env": build_env, "docker_run_final_cmds": [command]}
    prefetch = [{"tags": "get,tools", "env": env, "adr": {"x": adr}, "recipes": []}]
    about = plan(*rows, prefetch=prefetch, programs=programs)
    chance = random.Random(seed)
    other = shuffled(about, chance)
    chance.shuffle(other["recipes"])
    other["programs"] = sorted(programs, reverse=True)
    one = prepare(ctx, BASE, about, block, form)
    first = tree(one.folder)
    remove_tree(one.folder)
    two = prepare(ctx, BASE, other, shuffled(block, chance), form)
    assert two == one
    assert tree(two.folder) == first
    assert one.labels == {DIGEST: one.digest}


def collection_row(folder, name):
    return {"name": name, "uid": "", "path": str(folder), "kind": "folder", "private": False}


def test_homes_do_not_matter(ctx, tmp_path):
    about = plan(collection(tmp_path / "tools"), programs=["git"])
    one = prepare(ctx, BASE, about, {})
    with context(tmp_path / "other home") as other:
        two = prepare(other, BASE, about, {})
    assert (two.text, two.tag, two.digest) == (one.text, one.tag, one.digest)
    assert tree(two.folder) == tree(one.folder)


def test_the_command_changes_nothing_but_the_name(ctx, tmp_path):
    about = plan(collection(tmp_path / "tools"))
    one = prepare(ctx, BASE, about, {})
    two = prepare(ctx, BASE, {**about, "command": {"tags": "get,tools", "flags": {"x": "1"}}}, {})
    assert two == one


def test_everything_that_is_copied_changes_the_tag(ctx, tmp_path):
    about = plan(collection(tmp_path / "tools"))
    one = prepare(ctx, BASE, about, {})
    script = tmp_path / "tools" / "script" / "get-tools" / "run.sh"
    script.chmod(0o644)
    two = prepare(ctx, BASE, about, {})
    script.write_text("echo other\n")
    three = prepare(ctx, BASE, about, {})
    assert len({one.tag, two.tag, three.tag}) == 3
    assert one.text == two.text == three.text


def test_a_collection_without_repository_and_caches(ctx, tmp_path):
    row = collection(tmp_path / "tools")
    for name in (".git/config", "script/get-tools/__pycache__/x.pyc", ".nox/x"):
        path = tmp_path / "tools" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    os.symlink("/", tmp_path / "tools" / "all")
    os.symlink("cmr.yaml", tmp_path / "tools" / "link.yaml")
    made = prepare(ctx, BASE, plan(row), {})
    start = "parts/1/collections/tools/"
    files = [name for name in tree(made.folder) if name.startswith(start)]
    assert sorted(name.removeprefix(start) for name in files) == [
        *("cmr.yaml", "link.yaml", "script", "script/get-tools"),
        *("script/get-tools/_cm.yaml", "script/get-tools/run.sh"),
    ]
    listed = json.loads(Path(made.folder, "home", "collections.json").read_text())
    assert listed["collections"] == [
        {"name": "tools", "path": "/opt/cm/collections/tools", "uid": "0123456789abcdef"}
    ]


def test_the_local_collection_is_local_there_and_writable(ctx, tmp_path):
    row = {**collection(tmp_path / "mine", "local"), "kind": "local"}
    made = tree(prepare(ctx, BASE, plan(row), {}).folder)
    local = "parts/1/home/local"
    assert made[local][0] & 0o777 == 0o777
    assert made[f"{local}/script/get-local/_cm.yaml"][0] & 0o777 == 0o666
    assert made[f"{local}/script/get-local/run.sh"][0] & 0o777 == 0o777
    assert not [name for name in made if "collections/" in name]


def test_a_folder_that_was_damaged_is_written_anew(ctx, tmp_path):
    about = plan(collection(tmp_path / "tools"))
    one = prepare(ctx, BASE, about, {})
    whole = tree(one.folder)
    os.unlink(os.path.join(one.folder, "cm", "enter"))
    two = prepare(ctx, BASE, about, {})
    assert tree(two.folder) == whole
    Path(one.folder, "more").touch()
    assert tree(prepare(ctx, BASE, about, {}).folder) == whole


def test_what_killed_writers_left_goes(ctx, tmp_path):
    left = tmp_path / "home" / "containers" / ".cm-abc.1-00"
    left.mkdir(parents=True)
    (left / "x").write_text("x")
    made = prepare(ctx, BASE, plan(), {})
    assert os.listdir(tmp_path / "home" / "containers") == [os.path.basename(made.folder)]


def test_nothing_stays_of_a_folder_that_cannot_be_written(ctx, tmp_path, monkeypatch):
    from cmcore.errors import StorageError

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(StorageError, match=r"cannot write the build folder: No space left"):
        prepare(ctx, BASE, plan(collection(tmp_path / "tools")), {})
    assert os.listdir(tmp_path / "home" / "containers") == []


# -- private parts -----------------------------------------------------------------------------


def test_a_private_recipe_is_mounted_and_not_copied(ctx, tmp_path):
    row = collection(tmp_path / "tools")
    hidden = recipe(tmp_path / "tools", "get-secret", "0123456789abc009", private=True)
    about = plan(row)
    made = prepare(ctx, BASE, about, {})
    assert made.private == ()  # the plan does not need it
    about["recipes"].append({**about["recipes"][0], "path": str(hidden), "private": True})
    made = prepare(ctx, BASE, about, {})
    assert made.private == ("script/get-secret",)
    assert [tuple(mount) for mount in made.run_mounts] == [
        (str(hidden), "/opt/cm/collections/tools/script/get-secret", False)
    ]
    everything = b"".join(content for *_, content in tree(made.folder).values())
    assert b"get-secret" not in everything
    shown = prepare(ctx, BASE._replace(include_private=True), plan(row), {})
    assert "parts/1/collections/tools/script/get-secret/_cm.yaml" in tree(shown.folder)
    assert shown.private == shown.run_mounts == ()


def test_a_meta_that_cannot_be_read_but_says_private_is_private(ctx, tmp_path):
    row = collection(tmp_path / "tools")
    hidden = recipe(tmp_path / "tools", "get-secret", "0123456789abc009")
    (hidden / "_cm.yaml").write_text("private: true\n  : [\n")
    (mount,) = prepare(ctx, BASE, plan(row), {}).run_mounts
    assert mount.source == str(hidden)


def test_a_private_collection_is_mounted_with_a_list_that_names_it(ctx, tmp_path):
    public = collection(tmp_path / "tools")
    secret = {**collection(tmp_path / "hush", "hush"), "private": True}
    made = prepare(ctx, BASE, plan(public, secret), {})
    mounts = {mount.target: mount.source for mount in made.run_mounts}
    assert mounts["/opt/cm/private/collections/1"] == str(tmp_path / "hush")
    listed = json.loads(Path(mounts["/opt/cm/home/collections.json"]).read_text())
    assert [one["name"] for one in listed["collections"]] == ["tools", "hush"]
    everything = b"".join(content for *_, content in tree(made.folder).values())
    assert b"hush" not in everything
    assert made.private == ("collection hush",)


def test_what_may_touch_private_recipes_is_not_made_ahead(ctx, tmp_path):
    secret = {**collection(tmp_path / "hush", "hush"), "private": True}
    prefetch = [
        {"tags": "get,a", "label": "get-a", "recipes": ["0123456789abc001"]},
        {"tags": "get,b", "label": "get-b", "recipes": ["0123456789abc777"]},
        {"tags": "get,c", "label": "get-c"},
    ]
    made = prepare(ctx, BASE, plan(secret, prefetch=prefetch), {})
    assert "--tags=get,b" in made.text
    assert "--tags=get,a" not in made.text
    assert "--tags=get,c" not in made.text
    assert [note.split("'")[1] for note in made.notes] == ["get-a", "get-c"]


def test_a_private_package_is_unpacked_beside_the_image(tmp_path, monkeypatch):
    from zipfile import ZipFile

    from cm_docker import wheels

    wheel = tmp_path / "hush-1.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        archive.writestr("hush/__init__.py", "")
        archive.writestr("hush-1.0.dist-info/METADATA", "Name: hush\nVersion: 1.0\n")
    used = distributions.Used(
        "hush", "1.0", distributions.INSTALLED, "x", True, ("PyYAML>=6", "x; extra == 'y'")
    )
    monkeypatch.setattr(distributions, "in_use", lambda ctx, carried=(): [used])
    monkeypatch.setattr(wheels, "wheel", lambda ctx, used: str(wheel))
    with context(tmp_path / "home") as ctx:
        made = prepare(ctx, BASE, plan(), {})
        shown = prepare(ctx, BASE._replace(include_private=True), plan(), {})
    files = tree(made.folder)
    assert b"hush" not in b"".join(content for *_, content in files.values())
    assert files["wheels/requirements.txt"][2] == b"PyYAML>=6\n"
    (mount,) = made.run_mounts
    assert made.run_env == {"PYTHONPATH": mount.target}
    assert os.path.exists(os.path.join(mount.source, "hush-1.0.dist-info", "METADATA"))
    assert "wheels/hush-1.0-py3-none-any.whl" in tree(shown.folder)


# -- the recipe's own settings -----------------------------------------------------------------


def test_settings_of_recipes_that_shape_the_image(ctx, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.txt").write_text("x")
    block = {
        "base_image": "nvcr.io/nvidia/pytorch:24.03-py3",
        "extra_sys_deps": "apt-get install -y lld",
        "build_env": {"ENV": "release", "COUNT": 3},
        "dockerfile_env": {"CM_WAY": "on"},
        "env": {"BUILD_TRTLLM": 1},
        "docker_run_final_cmds": ["cm run script --tags=x --y='a b'"],
        "system_site_packages": "yes",
        "user": "ubuntu",
        "copy_files": [f"{tmp_path}/data:/data"],
        "image_name": "mlperf-inference",
        "image_tag_extra": "-cm-dev",
    }
    made = prepare(ctx, ImageWishes(), plan(prefetch=[{"tags": "get,x"}]), block)
    text = made.text
    assert "FROM nvcr.io/nvidia/pytorch:24.03-py3 AS ground\n" in text
    assert '["/bin/sh", "/opt/cm/system", "apt-get install -y lld"]' in text
    assert 'COUNT="3" ENV="release"' in text
    assert '"--env.BUILD_TRTLLM=1", "--env.CM_RUN_STATE_DOCKER=True", "--env.CM_WAY=on"' in text
    assert "\"cm run script --tags=x --y='a b'\"" in text
    assert '"--system-site-packages"' in text
    assert '["/bin/sh", "/opt/cm/adduser", "ubuntu"]' in text
    assert 'COPY ["files/1", "/data"]' in text
    assert tree(made.folder)["files/1/x.txt"][2] == b"x"
    assert made.tag.startswith("localhost/local/mlperf-inference:nvcr.io-nvidia-pytorch-24.03-py3-")
    assert "-cm-dev-" in made.tag


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"user": "x; rm -rf /"}, "cannot be the name of a user"),
        ({"copy_files": ["a:b"]}, "is not SOURCE:TARGET"),
        ({"copy_files": ["/no/such:/b"]}, "there is no file '/no/such'"),
        ({"build_env": {"A": "x\ny"}}, "'A' has line breaks"),
        ({"base_image": "x y"}, "cannot be the name of a base image"),
        ({"image_name": "a b"}, "cannot be the name of an image"),
        ({"image_tag": "a b"}, "cannot be the tag of an image"),
    ],
)
def test_what_no_image_can_have_is_said(ctx, block, said):
    with pytest.raises(UsageError, match=said):
        prepare(ctx, ImageWishes(), plan(), block)


def test_secrets_are_in_private_files_only(bare, tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text("certificates")
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    environ = {
        "PIP_INDEX_URL": "http://somebody:hunter2@127.0.0.1:9/simple",
        "PIP_FIND_LINKS": "/opt/wheels https://example.org/wheels",
        "SSL_CERT_FILE": str(bundle),
    }
    with context(tmp_path / "other", **environ) as other:
        made = prepare(other, BASE, plan(), {}, secrets=str(folder))
        bare = prepare(other, BASE, plan(), {})
    assert made.secrets == {"cm-ca": str(folder / "cm-ca"), "cm-pip": str(folder / "cm-pip")}
    text = (folder / "cm-pip").read_text()
    assert "index-url = http://somebody:hunter2@127.0.0.1:9/simple\n" in text
    assert "find-links = https://example.org/wheels\n" in text
    assert "cert = /run/secrets/cm-ca\n" in text
    assert (folder / "cm-pip").stat().st_mode & 0o777 == 0o600
    assert (folder / "cm-ca").read_text() == "certificates"
    assert {mount.target for mount in made.run_mounts} == {
        "/run/secrets/cm-ca",
        "/run/secrets/cm-pip",
    }
    assert made.network == "host"
    everything = b"".join(content for *_, content in tree(tmp_path / "other").values())
    assert b"hunter2" not in everything
    assert bare.secrets == {}
    assert bare.digest == made.digest
