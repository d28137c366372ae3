"""Files: download, unpack, compare, pack, convert; repositories: clone and pull."""

from __future__ import annotations

from runs import Run

RUNS = (
    Run(
        "download-file",
        "download,file,_wget,_url.{web}/table.csv",
        ("--env.{p}_DOWNLOAD_FINAL_ENV_NAME=TABLE",),
        files=("table.csv",),
        needs=("wget",),
    ),
    Run(
        "download-file+curl",
        "download,file,_curl,_url.{web}/table.csv",
        ("--output_file=other.csv",),
        needs=("curl",),
    ),
    Run(
        "download-file+util",
        "download,file,_cmutil,_url.{web}/note.txt",
        ("--md5sum={md5}",),
        only="cm",
    ),
    Run(
        "download-file+mlcutil",
        "download,file,_mlcutil,_url.{web}/note.txt",
        ("--md5sum={md5}",),
        only="mlc",
    ),
    Run(
        "download-file+cached",
        "download,file,_wget,_url.{web}/note.txt",
        ("--force_cache", "--extra_cache_tags=note", "--env.{p}_DOWNLOAD_FINAL_ENV_NAME=NOTE"),
        cached=True,
        needs=("wget",),
    ),
    Run(
        "download-file+local",
        "download,file",
        ("--local_path={files}/table.csv", "--env.{p}_DOWNLOAD_FILENAME=table.csv"),
    ),
    Run(
        "extract-file",
        "extract,file,_path.{files}/bundle.tar.gz,_keep",
        ("--to={work}/here", "--env.{p}_EXTRACT_FINAL_ENV_NAME=BUNDLE"),
    ),
    Run(
        "extract-file+zip",
        "extract,file,_path.{files}/bundle.zip,_keep",
        ("--to={work}/here",),
        needs=("unzip",),
    ),
    Run(
        "download-and-extract",
        "download-and-extract,_extract,_wget,_url.{web}/bundle.tar.gz",
        ("--env.{p}_DAE_FINAL_ENV_NAME=BUNDLE", "--force_cache", "--extra_cache_tags=bundle"),
        cached=True,
        needs=("wget",),
    ),
    Run("create-patch", "create,patch", ("--old={files}/folder-old", "--new={files}/folder-new")),
    Run("tar-my-folder", "run,tar", ("--input_dir={files}/packed", "--output_dir={work}")),
    Run(
        "get-git-repo",
        "get,git,repo,_repo.{git}",
        ("--env_key=UPSTREAM",),
        cached=True,
        needs=("git",),
    ),
    Run(
        "get-git-repo+branch",
        "get,git,repo,_repo.{git},_branch.main,_short-history",
        cached=True,
        needs=("git",),
    ),
    Run(
        "pull-git-repo",
        "pull,git,repo",
        ("--path={files}/clone",),
        needs=("git",),
    ),
    Run(
        "create-custom-cache-entry",
        "create,custom,cache,entry",
        ("--extra_cache_tags=mine", "--path={work}/mine", "--env_key=MINE"),
        cached=True,
    ),
    Run("get-cache-dir", "get,cache,dir,_name.mine", cached=True),
    Run("set-sqlite-dir", "set,sqlite,dir", ("--path={work}/db",), cached=True),
    Run(
        "convert-csv-to-md", "convert,csv-to-md", ("--csv_file={files}/table.csv", "--md_file=t.md")
    ),
)
