"""Base images, names and tags, as both references choose them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import plan

from cm_docker import imagename
from cm_docker.image import ImageWishes
from cmcore.errors import UsageError

NO = ImageWishes()
DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ubuntu", "docker.io/library/ubuntu:latest"),
        ("ubuntu:22.04", "docker.io/library/ubuntu:22.04"),
        ("docker.io/ubuntu:22.04", "docker.io/library/ubuntu:22.04"),
        ("docker://ubuntu:22.04", "docker.io/library/ubuntu:22.04"),
        ("rocm/pytorch:latest", "docker.io/rocm/pytorch:latest"),
        ("nvcr.io/nvidia/pytorch:24.03-py3", "nvcr.io/nvidia/pytorch:24.03-py3"),
        ("localhost/base:1", "localhost/base:1"),
        ("localhost:5000/base", "localhost:5000/base:latest"),
        ("ubuntu@sha256:00ff", "docker.io/library/ubuntu@sha256:00ff"),
    ],
)
def test_a_base_image_means_the_same_to_every_engine(written, meant):
    assert imagename.reference(written) == meant
    assert imagename.reference(meant) == meant


@pytest.mark.parametrize("text", ["", "a b", "a\nRUN x", "$(x)", "ä"])
def test_what_is_no_image(text):
    with pytest.raises(UsageError, match="cannot be the name of a base image"):
        imagename.reference(text)


@pytest.mark.parametrize(
    ("wishes", "block", "default", "base"),
    [
        ({}, {}, "", "docker.io/library/ubuntu:22.04"),
        ({}, {}, "debian:12", "docker.io/library/debian:12"),
        (
            {},
            {"os": "ubuntu", "os_version": "24.04"},
            "debian:12",
            "docker.io/library/ubuntu:24.04",
        ),
        ({}, {"os_version": 22.04}, "", "docker.io/library/ubuntu:22.04"),
        ({}, {"os_version": 24.10}, "", "docker.io/library/ubuntu:24.10"),
        ({}, {"base_image": "a/b:1", "os": "rhel"}, "", "docker.io/a/b:1"),
        ({"os": "debian"}, {"base_image": "a/b:1"}, "", "docker.io/library/debian:12"),
        ({"os_version": "20.04"}, {}, "", "docker.io/library/ubuntu:20.04"),
        ({"base_image": "x:1"}, {"base_image": "a/b:1"}, "", "docker.io/library/x:1"),
        ({"os": "rhel", "os_version": "9"}, {}, "", "registry.access.redhat.com/ubi9:latest"),
        ({"os": "arch"}, {}, "", "docker.io/library/archlinux:latest"),
    ],
)
def test_whose_word_counts_for_the_base(wishes, block, default, base):
    assert imagename.base(ImageWishes(**wishes), block, default) == base


def tag(wishes=NO, block=None, about=None, base="docker.io/library/ubuntu:22.04"):
    return imagename.tag(wishes, block or {}, about or plan(), base, DIGEST)


def test_a_name_says_what_and_from_what():
    assert tag() == "localhost/local/cm-script-get-tools:ubuntu-22.04-0123456789ab"
    mlc = plan(dialect="mlc", command={"tags": "get,tools,_x.Y"})
    assert tag(about=mlc) == "localhost/local/mlc-script-get-tools-x.y:ubuntu-22.04-0123456789ab"


def test_parts_of_the_name_that_recipes_and_users_give():
    block = {"image_name": "mlperf", "image_repo": "cknowledge", "image_tag_extra": "-dev"}
    assert tag(block=block) == "cknowledge/mlperf:ubuntu-22.04-dev-0123456789ab"
    wishes = ImageWishes(image_repo="localhost:5000/me", image_name="Mine", image_tag="v1")
    assert tag(wishes, block) == "localhost:5000/me/mine:v1-dev"


@given(st.text(max_size=200), st.text(max_size=80))
def test_every_request_has_a_name(tags, base):
    named = tag(about=plan(command={"tags": tags}), base=f"x{base}")
    path, _, last = named.rpartition(":")
    assert len(last) <= 128
    assert imagename.reference(named) == named
    for part in path.split("/"):
        assert part == part.lower()
        assert part[0].isalnum()
        assert part[-1].isalnum()
