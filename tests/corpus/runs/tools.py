"""Tools that recipes look for; most are stand-ins that only tell their version."""

from __future__ import annotations

from runs import Run


def _tool(recipe: str, tags: str, program: str, *flags: str, **more: object) -> Run:
    return Run(recipe, tags, flags, cached=True, standin=program, **more)  # type: ignore[arg-type]


RUNS = (
    _tool("get-aws-cli", "get,aws-cli", "aws"),
    _tool("get-bazel", "get,bazel", "bazel"),
    _tool("get-terraform", "get,terraform", "terraform"),
    _tool("get-rclone", "get,rclone", "rclone"),
    _tool("get-conda", "get,conda", "conda"),
    _tool("get-go", "get,tool,go", "go"),
    _tool("get-llvm", "get,llvm", "clang"),
    _tool("get-aria2", "get,aria2", "aria2c"),
    _tool("get-docker", "get,docker", "docker"),
    # Leaves itself out for another recipe, which is what gets cached.
    Run("get-github-cli", "get,gh,cli", standin="gh"),
    _tool("get-cuda", "get,cuda,_toolkit", "nvcc"),
    Run("get-rclone-config", "get,rclone-config", standin="rclone"),
)
