#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What bash offers after the tabulator key for vqvmm, vqhost-bridge and vqtop, as installed."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "selftests"))
import ktap  # noqa: E402  pylint: disable=wrong-import-position

BUILD = TREE / "build"

# As readline calls the function: it breaks words at the characters of COMP_WORDBREAKS,
# and the function is told the pieces.  A blank at the end of the line begins a word.
DRIVER = r"""
. /usr/share/bash-completion/bash_completion
. "$1"
program=$2 COMP_LINE=$3 COMP_POINT=${#3} COMP_TYPE=9 COMP_KEY=9
shift 3
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
compopt() { echo "option $1 $2"; }
_$program "$program" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf 'offer %s\n' "${COMPREPLY[@]}"
"""

# Interfaces as the kernel shows them, in a mount namespace of its own.
INTERFACES = """
mount -t tmpfs none /sys/class/net && mkdir /sys/class/net/{eth0,vqt0,vqt1} &&
touch /sys/class/net/vqt{0,1}/tun_flags || exit
"""


def pieces(line):
    """The words of a line, broken as readline does."""
    words = []
    for word in line.split(" "):
        words += [part for part in re.split(r"([=:]+)", word) if part] or [""]
    return words


def complete(line, setup=""):
    """What is offered for a line that ends at the cursor, and the options that are set."""
    program = line.split(" ", 1)[0]
    done = subprocess.run(
        ["unshare", "-m", "bash", "--norc", "-c", setup + DRIVER, "bash", BUILD / f"{program}.completion", program, line, *pieces(line)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert not done.stderr, done.stderr
    lines = done.stdout.splitlines()
    offers = sorted(offer[6:] for offer in lines if offer.startswith("offer ") and offer != "offer ")
    return offers, [option[7:] for option in lines if option.startswith("option ")]


def offers_are(line, *wanted):
    """Exactly these are offered."""
    offers, _ = complete(line)
    assert offers == sorted(wanted), f"{line!r}: {offers}, not {sorted(wanted)}"


def help_words(program, pattern):
    """What the help text of a program names, by a pattern at the begin of a line."""
    text = subprocess.check_output([BUILD / program, "--help"], text=True)
    return re.findall(pattern, text, re.MULTILINE)


def commands():
    """commands, and what begins like one"""
    offers_are("vqvmm ", "run", "help", "version", *help_words("vqvmm", r"^  ([a-z]+) "))
    offers_are("vqvmm r", "resume", "run")
    offers_are("vqvmm list ")
    offers_are("vqtop l", "latency")
    offers_are("vqvmm help ")


def options():
    """options: all that the help text names, and no others"""
    named = help_words("vqvmm", r"^  (--[a-z-]+)")
    assert len(named) > 5, named
    offers_are("vqvmm run ", *named)
    offers_are("vqvmm run --kernel x --c", "--cmdline", "--cpus")
    named = set(help_words("vqtop", r"^  (--[a-z-]+)"))
    offered = set()
    for command in ("", "latency ", "serve "):
        offered |= {word for word in complete(f"vqtop {command}--")[0]}
    assert offered == named, offered ^ named


def options_of_bridge():
    """options of vqhost-bridge, also behind one that has no value"""
    named = help_words("vqhost-bridge", r"^  (--[a-z-]+)")
    assert len(named) > 5, named
    offers_are("vqhost-bridge --s", "--socket-path", "--serial")
    offers_are("vqhost-bridge --fd 3 --", *named)
    offers_are("vqhost-bridge --", *named, "--print-capabilities", "--help", "--version")
    offers_are("vqhost-bridge --blk-file a.img --read-only --", *named)


def options_of_commands():
    """options of each command of vqtop alone"""
    offers_are("vqtop serve --", "--listen", "--debugfs")
    assert "--sort" in complete("vqtop --once --")[0]
    assert "--sort" not in complete("vqtop latency --")[0]
    assert "latency" in complete("vqtop ")[0] and "--json" in complete("vqtop ")[0]
    assert "latency" not in complete("vqtop --once ")[0]


def keys():
    """keys of a value: all that the help text names, none twice, no blank behind"""
    text = subprocess.check_output([BUILD / "vqvmm", "help"], text=True)
    disk = re.findall(r"^    ([a-z-]+=)", text.split("--disk", 1)[1].split("--net", 1)[0], re.MULTILINE)
    assert len(disk) > 5, disk
    offers_are("vqvmm run --disk ", *disk)
    assert "-o nospace" in complete("vqvmm run --disk pa")[1]
    offers_are("vqvmm run --disk pa", "path=", "packed=")
    # The word of readline begins after the last "=".
    offers_are("vqvmm run --disk path=a.img,pa", "a.img,packed=")
    offers_are("vqvmm run --disk path=a.img,qu", "a.img,queues=", "a.img,queue-size=")
    offers_are("vqvmm run --net mac=52:54:00:00:00:01,t", "01,tap=")


def choices():
    """values that are one of a few"""
    offers_are("vqvmm run --disk path=a.img,backend=", "user", "vhost", "vhost-user")
    offers_are("vqvmm run --net tap=t,backend=", "user", "vhost")
    offers_are("vqvmm run --disk backend=v", "vhost", "vhost-user")
    offers_are("vqvmm run --net packed=o", "on", "off")
    columns = help_words("vqtop", r"^  ([a-z0-9]+) +[A-Z]")
    assert len(columns) > 10, columns
    offers_are("vqtop --sort ", *columns)


def numbers():
    """nothing for a number or a text"""
    for line in ("vqvmm run --cpus ", "vqvmm run --disk queues=", "vqvmm run --name ", "vqtop --pid ",
                 "vqhost-bridge --serial ", "vqtop --interval "):
        offers_are(line)


def files():
    """files and folders, with blanks in their names"""
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(folder + "/sub")
        for name in ("disk one.img", "disk.img"):
            Path(folder, name).touch()
        for line in (f"vqvmm run --kernel {folder}/d", f"vqvmm run --disk path={folder}/d",
                     f"vqvmm run --disk backend=user,path={folder}/d",
                     f"vqhost-bridge --blk-file {folder}/d", f"vqhost-bridge --socket-path {folder}/d"):
            offers_are(line, f"{folder}/disk one.img", f"{folder}/disk.img")
            assert "-o filenames" in complete(line)[1]
        offers_are(f"vqtop --debugfs {folder}/", f"{folder}/sub")


def taps():
    """interfaces that are taps"""
    for line in "vqvmm run --net tap=", "vqhost-bridge --tap ":
        offers, _ = complete(line, INTERFACES)
        assert offers == ["vqt0", "vqt1"], offers


def machines():
    """machines that run"""
    command = """vqvmm() { printf '{"name": "%s", "pid": 1}\n' one other; }
"""
    for line, wanted in ("vqvmm stat ", ["one", "other"]), ("vqvmm pause ot", ["other"]):
        offers, _ = complete(line, command)
        assert offers == wanted, offers


def loaded_by_name():
    """bash-completion finds them where they are installed"""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["make", "-s", "-C", TREE / "userspace-vmm", "install", f"DESTDIR={folder}"],
                       stdout=subprocess.DEVNULL, check=True)
        done = subprocess.run(
            ["bash", "--norc", "-c", ". /usr/share/bash-completion/bash_completion; "
             "__load_completion vqvmm && complete -p vqvmm"],
            env={**os.environ, "XDG_DATA_DIRS": folder + "/usr/local/share"}, stdout=subprocess.PIPE, text=True,
            check=True)
        assert done.stdout == "complete -F _vqvmm vqvmm\n", done.stdout


if __name__ == "__main__":
    ktap.main([commands, options, options_of_bridge, options_of_commands, keys, choices, numbers, files, taps, machines,
               loaded_by_name])
