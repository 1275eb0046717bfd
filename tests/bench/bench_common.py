"""What the measurements share: the pages that are served, and what processes cost."""
import collections
import os
import re
import subprocess
from pathlib import Path

from stack import ROOT

TICKS = os.sysconf("SC_CLK_TCK")


def machine():
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} x {model.group(1) if model else os.uname().machine}"


def manual():
    cache = ROOT / "build/testdata"
    folder = cache / "usr/share/doc/postgresql-doc-15/html"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "postgresql-doc-15"], cwd=cache, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["dpkg", "-x", next(cache.glob("postgresql-doc-15_*.deb")), cache], check=True)
    return folder


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def group_of(command):
    for name in ("gateway", "barrel", "nginx", "caddy", "indexserver", "downloader", "orchestrator", "parser"):
        if re.search(rf"(^|/){name}(:| |$)", command):
            return name
    return "other"


def groups(stack):
    """PIDs by program; nginx's workers are the master's children."""
    found = collections.defaultdict(list)
    for pid, command in stack.processes().items():
        name = group_of(command)
        found[name].append(pid)
        if name == "nginx":
            found[name] += [child for child in stack.children_of(pid) if child not in found[name]]
    return found
