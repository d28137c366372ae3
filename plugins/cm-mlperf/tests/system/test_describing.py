"""The description of a machine: from trees of /proc and /sys, from a file, from a person."""

from __future__ import annotations

import io
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_mlperf.system import accelerators, describe, fields, files, memory, network, processor
from cm_mlperf.system import storage as disks
from cmcore.console import Console
from cmcore.errors import CmError, StorageError, UsageError


def put(root, texts):
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")


def cpus(root, packages, cores, threads):
    number = 0
    for package in range(packages):
        for core in range(cores):
            for _ in range(threads):
                at = f"sys/devices/system/cpu/cpu{number}"
                put(root, {f"{at}/topology/physical_package_id": package})
                put(root, {f"{at}/topology/core_id": core})
                put(root, {f"{at}/cache/index0/level": 1, f"{at}/cache/index0/type": "Data"})
                put(root, {f"{at}/cache/index0/size": "32K"})
                put(root, {f"{at}/cache/index0/shared_cpu_list": f"{package}-{core}"})
                number += 1


def test_this_machine_describes_itself_without_anything_missing_but_what_nobody_can_know():
    told = describe.describe({"division": "open", "submitter": "x", "system_type": "edge"})
    assert set(told.fields) >= set(fields.KEYS)
    assert list(told.fields)[:35] == list(fields.KEYS)
    assert all(isinstance(value, str) for value in told.fields.values())
    assert set(told.missing) <= {
        "status", "cooling", "host_memory_configuration", "system_name", "framework",
    }  # fmt: skip
    assert told.fields["accelerators_per_node"] == "0"


def test_two_sockets_with_two_threads_a_core(tmp_path):
    cpus(tmp_path, 2, 8, 2)
    put(tmp_path, {"proc/cpuinfo": "processor : 0\nmodel name\t: Some   CPU @ 2 GHz\n"})
    put(tmp_path, {"sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": 3500000})
    told = processor.collect(str(tmp_path))
    assert told["host_processor_model_name"] == "Some CPU @ 2 GHz"
    assert told["host_processors_per_node"] == "2"
    assert told["host_processor_core_count"] == "8"
    assert told["host_processor_frequency"] == "3500 MHz max"
    assert told["host_processor_caches"] == "L1d 16x 32 KiB"
    assert "host_processor_interconnect" not in told


def test_an_arm_board_without_model_name(tmp_path):
    cpus(tmp_path, 1, 4, 1)
    put(tmp_path, {"proc/cpuinfo": "processor : 0\nCPU implementer : 0x41\nCPU part : 0xd0b\n"})
    put(tmp_path, {"sys/firmware/devicetree/base/model": "Some Board 5\0"})
    told = processor.collect(str(tmp_path))
    assert told["host_processor_model_name"].startswith("Some Board 5, processor implementer 0x41")
    assert told["host_processor_core_count"] == "4"


def test_without_sys_the_cpuinfo_is_counted(tmp_path):
    blocks = "\n\n".join(
        f"processor : {n}\nmodel name : X\nphysical id : {n // 2}\ncore id : {n % 2}"
        for n in range(4)
    )
    put(tmp_path, {"proc/cpuinfo": blocks})
    told = processor.collect(str(tmp_path))
    assert (told["host_processors_per_node"], told["host_processor_core_count"]) == ("2", "2")


def test_an_empty_root_tells_nothing_and_breaks_nothing(tmp_path):
    for part in (processor, memory):
        assert part.collect(str(tmp_path)) == {}
    assert network.collect(str(tmp_path))["host_network_card_count"] == "0"
    assert disks.collect(str(tmp_path))["host_storage_type"] == "file system"


def test_disks(tmp_path):
    put(
        tmp_path,
        {
            "sys/block/nvme0n1/size": 2**31 * 2,
            "sys/block/nvme1n1/size": 2**31 * 2,
            "sys/block/nvme0c0n1/size": 2**31,
            "sys/block/sda/size": 2**33,
            "sys/block/sda/queue/rotational": 1,
            "sys/block/sdb/size": 2**20,
            "sys/block/sdb/removable": 1,
            "sys/block/loop0/size": 2**20,
            "sys/block/zram0/size": 2**20,
        },
    )
    told = disks.collect(str(tmp_path))
    assert told["host_storage_type"] == "hard disk, NVMe SSD"
    assert told["host_storage_capacity"] == "4 TiB, 2x 2 TiB"


def test_network_cards(tmp_path):
    for name, kind, speed in (("eth0", 1, 10000), ("eth1", 1, 10000), ("ib0", 32, 200000)):
        put(tmp_path, {f"sys/class/net/{name}/type": kind, f"sys/class/net/{name}/speed": speed})
        (tmp_path / f"sys/class/net/{name}/device").mkdir()
    put(tmp_path, {"sys/class/net/lo/type": 772, "sys/class/net/docker0/type": 1})
    told = network.collect(str(tmp_path))
    assert told["host_networking"] == "200 Gb/s InfiniBand, 10 Gb/s Ethernet"
    assert told["host_network_card_count"] == "1x 200 Gb/s InfiniBand, 2x 10 Gb/s Ethernet"


def smbios(kind, body, texts=()):
    head = bytes([kind, 4 + len(body), 0, 0]) + bytes(body)
    words = b"".join(text.encode() + b"\0" for text in texts) or b"\0"
    return head + words + b"\0"


def module(megabytes, kind, speed):
    body = bytearray(0x24)
    size = megabytes if megabytes < 0x7FFF else 0x7FFF
    body[0x08:0x0A] = size.to_bytes(2, "little")
    body[0x0E] = kind
    body[0x11:0x13] = speed.to_bytes(2, "little")
    body[0x18:0x1C] = megabytes.to_bytes(4, "little") if size == 0x7FFF else bytes(4)
    return smbios(17, body, ("DIMM 0", "maker"))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([4096, 8192, 16384, 32768, 65536, 262144]),
            st.sampled_from([(0x1A, "DDR4"), (0x22, "DDR5"), (0x18, "DDR3")]),
            st.integers(1, 9000),
        )
    )
)
def test_modules_survive_the_way_through_a_table(wanted):
    table = smbios(0, b"\0" * 20, ("firmware",))
    table += b"".join(module(size, kind[0], speed) for size, kind, speed in wanted)
    table += smbios(127, b"")
    assert memory.modules(table) == [
        f"{files.size_text(size << 20)} {kind[1]}-{speed}" for size, kind, speed in wanted
    ]


@given(st.binary())
def test_any_table_is_survived(table):
    memory.modules(table)
    memory.modules(module(8192, 0x1A, 3200) + table)


def test_modules_from_error_counters(tmp_path):
    for slot in range(4):
        at = f"sys/devices/system/edac/mc/mc0/dimm{slot}"
        put(tmp_path, {f"{at}/size": 16384, f"{at}/dimm_mem_type": "Registered-DDR4"})
    put(tmp_path, {"proc/meminfo": "MemTotal:       65536000 kB\n"})
    told = memory.collect(str(tmp_path))
    assert told["host_memory_configuration"] == "4x 16 GiB Registered-DDR4"
    assert told["host_memory_capacity"] == "62.5 GiB"


def test_gpus():
    told = accelerators.read("Some GPU, 81559, 1980, 5, 16\n" * 8)
    assert told["accelerators_per_node"] == "8"
    assert told["accelerator_model_name"] == "Some GPU"
    assert told["accelerator_memory_capacity"] == "79.6 GiB"
    assert told["accelerator_host_interconnect"] == "PCIe Gen5 x16"
    assert accelerators.read("") == {}
    assert "accelerator_frequency" not in accelerators.read("A, 1, [N/A], 5, 16\n")


@given(st.text())
def test_any_listing_of_gpus_is_survived(text):
    accelerators.read(text)


def test_without_nvidia_smi_gpus_are_asked_for(tmp_path):
    told = describe.describe({}, device="cuda", environ={"PATH": str(tmp_path)})
    assert {"accelerators_per_node", "accelerator_model_name"} <= set(told.missing)


def test_nvidia_smi_is_asked_when_it_is_there(tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'Some GPU, 81559, 1980, 5, 16'\n")
    program.chmod(0o755)
    told = describe.describe({}, device="cuda", environ={"PATH": str(tmp_path)})
    assert told.fields["accelerator_model_name"] == "Some GPU"
    program.write_text("#!/bin/sh\nexit 9\n")
    assert accelerators.collect({"PATH": str(tmp_path)}) == {}


def test_a_file_wins_over_the_machine(tmp_path):
    path = tmp_path / "system.yaml"
    path.write_text("cooling: air\nnumber_of_nodes: 0\nhost_processors_per_node: 4\n")
    told = describe.describe({"cooling": "none"}, describe.read_file(str(path)))
    assert told.fields["cooling"] == "air"
    assert told.fields["number_of_nodes"] == "0"
    assert told.fields["host_processors_per_node"] == "4"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colling: air\n", "did you mean 'cooling'"),
        ("- cooling\n", "lines 'key: value'"),
        ("cooling: [air]\n", "a text or a number"),
    ],
)
def test_a_wrong_file_says_what_would_work(tmp_path, text, words):
    (tmp_path / "system.yaml").write_text(text)
    with pytest.raises(UsageError) as error:
        describe.read_file(str(tmp_path / "system.yaml"))
    assert words in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(StorageError):
        describe.read_file(str(tmp_path / "system.yaml"))


def test_without_a_terminal_all_missing_keys_are_named_at_once():
    told = describe.describe({})
    with pytest.raises(CmError) as error:
        describe.fill(told, Console(interactive=False))
    for key in ("status", "cooling", "submitter", "system_type"):
        assert f"{key} (" in str(error.value)
    assert "--system_file" in str(error.value)


class Person(Console):
    """A console with somebody who answers."""

    def __init__(self):
        super().__init__(interactive=False)
        self.interactive = True
        self.asked = []

    def err(self, text):
        self.asked.append(text)


def test_a_person_is_asked_for_what_is_missing_only(monkeypatch):
    told = describe.describe(dict.fromkeys(fields.KEYS, "known") | {"cooling": "", "status": ""})
    missing = list(told.missing)
    assert missing == ["status", "cooling"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\nwater\n"))
    person = Person()
    filled = describe.fill(told, person)
    assert (filled["status"], filled["cooling"]) == ("preview", "water")
    assert len([text for text in person.asked if text.startswith("System description")]) == 1


def test_a_person_who_does_not_answer(monkeypatch):
    told = describe.describe(dict.fromkeys(fields.KEYS, "known") | {"cooling": ""})
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(CmError, match="lacks 1 field: cooling"):
        describe.fill(told, Person())


def test_problems_of_a_description():
    good = dict.fromkeys(fields.KEYS, "x") | {"status": "available", "system_type": "edge"}
    assert fields.problems(good) == []
    assert fields.problems({**good, "accelerators_per_node": 0})[0][0] == "accelerators_per_node"
    assert fields.problems({**good, "hw_notes": ""}) == []
    lacking = {key: value for key, value in good.items() if key != "hw_notes"}
    assert fields.problems(lacking) == [("hw_notes", "is missing")]
    assert ("network_type", "is missing") in fields.problems({**good, "is_network": "true"})
    assert len(fields.KEYS) == 35
    assert len(fields.NEEDED) == 26


def test_nothing_is_written_or_installed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    describe.describe({})
    assert os.listdir(tmp_path) == []
