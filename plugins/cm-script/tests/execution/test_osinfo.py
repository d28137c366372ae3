from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cm_script.dialects import CM, MLC
from cm_script.osinfo import os_info


@pytest.mark.skipif(sys.platform != "linux", reason="compares with Linux tools")
def test_bits_are_what_getconf_says():
    said = subprocess.run(["getconf", "LONG_BIT"], capture_output=True, text=True, check=True)
    assert os_info(CM)["bits"] == said.stdout.strip()


@pytest.mark.skipif(os.name == "nt", reason="Unix shells only")
def test_unix_hosts_run_shell_scripts_through_bash(dialect):
    info = os_info(dialect)
    assert info["platform"] in ("linux", "darwin")
    assert (info["bat_ext"], info["env_separator"]) == (".sh", ":")
    assert info["run_local_bat_from_python"].replace("${bat_file}", "x.sh") == 'bash -c ". ./x.sh"'


def test_mlc_runs_start_with_the_kind_of_host_and_cm_runs_with_nothing():
    machine = os.uname().machine
    assert os_info(MLC)["env"] == {
        "MLC_HOST_PLATFORM_FLAVOR": machine,
        "MLC_HOST_OS_TYPE": os_info(MLC)["platform"],
    }
    assert os_info(CM)["env"] == {}


def test_a_hook_that_changes_its_copy_changes_nothing_for_others():
    first = os_info(CM)
    first["start_script"].append("rm -rf everything")
    first["platform"] = "windows"
    assert os_info(CM) != first
    assert os_info(CM)["start_script"] == ["#!/bin/bash", ""]


def test_the_host_is_described_without_starting_a_process():
    code = (
        "import os, sys\n"
        "started = []\n"
        "sys.addaudithook(lambda e, a: started.append(e) if e in ('os.system', 'os.posix_spawn',"
        " 'subprocess.Popen', 'os.fork') else None)\n"
        "from cm_script.dialects import CM\n"
        "from cm_script.osinfo import os_info\n"
        "os_info(CM)\n"
        "print(started, 'platform' in sys.modules, 'subprocess' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False False"
