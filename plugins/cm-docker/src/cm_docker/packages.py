"""Which packages of a distribution bring the programs that recipes call.

An image is told names for each package manager and takes its own; what is there already is not
installed again. Only small and common programs are here: compilers of other languages, container
engines and the like are what recipes fetch themselves, or what a base image is chosen for.

The names are those of Debian 12, Fedora 40, Alpine 3.20 and openSUSE Leap 15.6.
"""

from __future__ import annotations

from cmcore.hints import Any, Iterable, Mapping, NamedTuple, Sequence

#: In the order of the columns of `Wanted.names`.
MANAGERS = ("apt", "dnf", "apk", "zypper")

#: Package managers whose package names are those of another one.
_ALIKE = {"apt": "apt", "apt-get": "apt", "dnf": "dnf", "yum": "dnf", "apk": "apk"}
_ALIKE["zypper"] = "zypper"

#: Program: packages of apt, dnf, apk, zypper; one word stands for all four, `-` for none.
_TABLE = """
7z p7zip-full p7zip-plugins 7zip p7zip-full
autoconf autoconf
automake automake
bc bc
bzip2 bzip2
cc gcc gcc gcc,musl-dev gcc
cmake cmake
cpio cpio
curl curl
dmidecode dmidecode
file file
g++ g++ gcc-c++ g++ gcc-c++
free procps procps-ng procps procps
gawk gawk
gcc gcc,libc6-dev gcc gcc,musl-dev gcc
gfortran gfortran gcc-gfortran gfortran gcc-fortran
git git
git-lfs git-lfs
gzip gzip
hostname hostname hostname busybox hostname
jq jq
killall psmisc
ld binutils
libtool libtool
lsb_release lsb-release lsb_release lsb-release-minimal lsb-release
lscpu util-linux util-linux util-linux-misc util-linux
lspci pciutils
make make
meson meson
ninja ninja-build ninja-build ninja-build ninja
nc netcat-openbsd nmap-ncat netcat-openbsd netcat-openbsd
numactl numactl numactl numactl-tools numactl
objdump binutils
patch patch
perl perl
pkg-config pkg-config pkgconf-pkg-config pkgconf pkg-config
ps procps procps-ng procps procps
readelf binutils
rsync rsync
scp openssh-client openssh-clients openssh-client openssh-clients
ssh openssh-client openssh-clients openssh-client openssh-clients
strings binutils
sudo sudo
tar tar
time time
top procps procps-ng procps procps
unzip unzip
wget wget
which debianutils which which which
xxd xxd vim-common xxd vim
xz xz-utils xz xz xz
zip zip
"""

#: Programs that fetch things over TLS and bring no certificates of their own.
_FETCHING = frozenset(("curl", "git", "git-lfs", "wget"))

#: Where distributions keep the certificates: any of them will do.
_CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt,/etc/pki/tls/certs/ca-bundle.crt,/etc/ssl/ca-bundle.pem"
)


class Wanted(NamedTuple):
    """Something an image is to have.

    Attributes:
        probe: a program, or absolute paths with commas: nothing is installed where the program or
            one of the paths is there. "" to let the package manager decide.
        names: package names per manager, in the order of `MANAGERS`, separated by commas.
    """

    probe: str
    names: tuple[str, str, str, str]


def known() -> dict[str, Wanted]:
    """Every program whose packages are known."""
    found = {}
    for line in _TABLE.strip().splitlines():
        program, *names = line.split()
        apt, *others = names if len(names) == len(MANAGERS) else names * len(MANAGERS)
        dnf, apk, zypper = others
        found[program] = Wanted(program, (apt, dnf, apk, zypper))
    return found


def wanted(programs: Iterable[str], packages: Iterable[Mapping[str, Any]]) -> list[Wanted]:
    """What an image needs for these programs and these requests of recipes, sorted.

    Args:
        programs: names; those that are not known are left out, as an indication is all they are.
        packages: as in a plan: `util`, `packages` (package manager -> names with blanks), `sure`;
            unsure ones are left to the recipes.
    """
    table = known()
    names = sorted(set(programs) & set(table))
    found = [table[name] for name in names]
    if _FETCHING & set(names):
        every = "ca-certificates"
        found.insert(0, Wanted(_CERTIFICATES, (every, every, every, every)))
    asked = {_of_system(row.get("packages")) for row in packages if row.get("sure")}
    return [*found, *(Wanted("", row) for row in sorted(asked) if any(row))]


def listed(rows: Sequence[Wanted]) -> str:
    """The same as lines for the image's install script: probe and four columns, with `-`."""
    lines = ("|".join(name or "-" for name in (row.probe, *row.names)) for row in rows)
    return "".join(line + "\n" for line in lines)


def _of_system(packages: object) -> tuple[str, str, str, str]:
    found = dict.fromkeys(MANAGERS, "")
    for manager, text in packages.items() if isinstance(packages, Mapping) else ():
        column = _ALIKE.get(str(manager))
        words = [word for word in str(text).replace(",", " ").split() if _is_name(word)]
        if column and not found[column]:
            found[column] = ",".join(words)
    apt, dnf, apk, zypper = (found[manager] for manager in MANAGERS)
    return apt, dnf, apk, zypper


def _is_name(word: str) -> bool:
    """Whether it can only be a package: no option, nothing that a shell would understand."""
    return word[0].isalnum() and all(char.isalnum() or char in "+-._:" for char in word)
