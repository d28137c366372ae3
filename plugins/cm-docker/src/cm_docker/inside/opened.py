"""Lets everybody write below cm's folders: who runs the container is not who built the image.

Only what is closed is touched: a change copies a file into the layer that is being made.
"""

import os
import stat

# A volume that is mounted there takes the rights of this folder, also where nothing is in it yet.
os.makedirs("/opt/cm/home/cache", exist_ok=True)
for top in ("/opt/cm/home", "/opt/cm/venv", "/opt/cm/user"):
    os.makedirs(top, exist_ok=True)
    for folder, _, files in os.walk(top):
        for path in (folder, *(os.path.join(folder, name) for name in files)):
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode) or not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                continue
            more = 0o777 if stat.S_ISDIR(mode) or mode & 0o111 else 0o666
            if mode & more != more:
                os.chmod(path, stat.S_IMODE(mode) | more)
