"""The commands that `cm doc script --format=readme` writes, run as they stand: native and boxed."""

from __future__ import annotations

import re
import shutil

from boxes import BASE, Person

WORDS = ("--tags=use,tool", '--text=it\'s "so"', "--trial_token=planted-in-readme")
GIVEN = (f"--docker.base_image={BASE}", "--docker.engine=podman", "--docker.network=host")


def test_a_readme_is_run_natively_and_in_a_container(caller: Person) -> None:
    out = caller.home / "readme-results"
    page = caller.work / "REPEAT.md"
    asked = (*WORDS, f"--output_folder={out}", *GIVEN)
    caller.ok("doc", "script", *asked, "--format=readme", f"--output={page}")
    text = page.read_text()
    assert "planted" not in text
    parts = {
        title: "".join(re.findall(r"^```sh\n(.*?)^```$", part, re.MULTILINE | re.DOTALL))
        for title, _, part in (p.partition("\n") for p in text.split("\n## "))
    }
    folder = caller.folder / "reader"
    folder.mkdir()
    env = {"CM_HOME": str(folder / "cm"), "CM_TRIAL_TOKEN": "mine"}
    before = [parts[name] for name in ("Install", "Secrets", "Add the recipes")]
    for name in ("Run", "Run in a container"):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        commands = "".join([*before, parts[name]])
        answer = caller.run("sh", "-e", "-c", commands, cwd=folder, env=env, timeout=900)
        assert answer.code == 0, answer.text
        assert (out / "said.txt").read_text() == 'it\'s "so"\n', name
        before = [". cm-env/bin/activate\n"]
    assert caller.containers() == []
