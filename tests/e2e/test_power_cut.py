"""The power fails while URLs are taken in and pages are crawled: what was acknowledged is there afterwards."""
import collections
import fcntl
import os
import random
import signal
import struct
import subprocess
import threading
import time

import pytest
import yaml

from rpc_client import Refused, Rpc
from sites import PythonSite
from stack import BIN, SOAK, free_ports, wait_for

CYCLES = 100 if SOAK else 12
FS_IOC_SHUTDOWN, WITHOUT_FLUSHING = 0x8004587D, 2
LEASE_URLS = 10
URLS_A_CYCLE = 100


class Disk:
    """An ext4 file system in a file, whose power can be cut."""

    def __init__(self, folder):
        self.image, self.mount_point = folder / "disk.img", folder / "disk"
        self.mount_point.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(512 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True)
        self.mounted = False

    def mount(self):
        done = subprocess.run(["mount", "-o", "loop", self.image, self.mount_point], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip("no loop device can be mounted here (it takes root): " + done.stderr.strip())
        self.mounted = True

    def cut(self):
        fd = os.open(self.mount_point, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.ioctl(fd, FS_IOC_SHUTDOWN, struct.pack("I", WITHOUT_FLUSHING))
        os.close(fd)

    def unmount(self):
        if self.mounted:
            for _ in range(100):
                if subprocess.run(["umount", self.mount_point], capture_output=True).returncode == 0:
                    break
                time.sleep(0.05)
            self.mounted = False


class Core:
    """Orchestrator, indexserver, barrels and downloader, without a gateway or a proxy."""

    def __init__(self, folder, data):
        self.data = data
        self.orchestrator_port, self.indexserver_port = free_ports(2)
        self.config = folder / "config.yaml"
        self.config.write_text(yaml.safe_dump({
            "ports": {"grpc": "none"}, "gateways": {"workers": 0}, "barrels": {"shards": 1}, "disk_limit": "none",
            "crawl": {"handbook": False, "delay": "0", "allowed_networks": ["127.0.0.0/8"], "recrawl": "3650d"}}))
        self.process = None
        self.log = open(folder / "core.log", "a")  # not on the disk that fails

    def start(self):
        self.process = subprocess.Popen(
            [BIN / "orchestrator", "--config", self.config, "--data", self.data, "--proxy", "none", "--port",
             str(self.orchestrator_port), "--indexserver-port", str(self.indexserver_port)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)

    def connect(self, port):
        key = bytes.fromhex((self.data / "cluster.key").read_text().strip())
        return Rpc(port, key)

    def indexserver(self):
        def dial():
            try:
                return self.connect(self.indexserver_port)
            except (OSError, AssertionError, ValueError):
                return None
        return wait_for(dial, 20, "the indexserver")

    def kill(self):
        """Everything at once, as when the power goes."""
        needle = str(self.data).encode()
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    if needle in file.read():
                        os.kill(int(entry), signal.SIGKILL)
            except OSError:
                continue
        self.process.wait(10)


def submit_until(core, site, acknowledged, over):
    client, end = None, len(acknowledged) + URLS_A_CYCLE
    while not over.is_set() and len(acknowledged) < end:
        try:
            client = client or core.connect(core.indexserver_port)
            urls = [f"{site.base}/page-{len(acknowledged) + i}" for i in range(5)]
            if client.submit(urls).accepted == len(urls):
                acknowledged.extend(urls)
        except (OSError, Refused, AssertionError, ValueError):  # not up yet, or the power is gone
            client = None
            over.wait(0.02)


def test_nothing_acknowledged_is_lost_and_nothing_is_fetched_twice(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("cutting the power of a file system takes root")
    site = PythonSite(tmp_path)
    plain = site.answer
    site.answer = lambda path: (200, [("Content-Type", "text/html")], f"<title>{path}</title>word{path[6:]}".encode()) \
        if path.startswith("/page-") else plain(path)
    disk = Disk(tmp_path)
    disk.mount()
    data = disk.mount_point / "var"
    core = Core(tmp_path, data)
    acknowledged, dice = [], random.Random(3)
    try:
        for _ in range(CYCLES):
            core.start()
            over = threading.Event()
            writer = threading.Thread(target=submit_until, args=(core, site, acknowledged, over), daemon=True)
            writer.start()
            goal = len(acknowledged) + 1
            wait_for(lambda: len(acknowledged) >= goal, 30, "an acknowledgement")
            over.wait(dice.uniform(0, 0.5))
            disk.cut()
            core.kill()
            over.set()
            writer.join(20)
            disk.unmount()
            disk.mount()
        core.start()
        client = core.indexserver()
        lost = [url for url in acknowledged if not client.lookup(url).known]
        assert lost == [], f"{len(lost)} of {len(acknowledged)} acknowledged URLs are lost"

        def done():
            status = core.connect(core.orchestrator_port).stats()
            held = sum(member.barrel.documents for member in status.members)
            return held >= len(acknowledged) and status.indexserver.urls_queued == 0
        wait_for(done, 300, "all pages in the index")
        times = collections.Counter(path for _, path, status in site.log if status == 200 and path.startswith("/page-"))
        assert set(times) >= {url[len(site.base):] for url in acknowledged}
        again = sum(count - 1 for count in times.values())
        print(f"{CYCLES} power cuts, {len(acknowledged)} URLs acknowledged, {again} pages fetched again")
        assert again <= CYCLES * LEASE_URLS
    finally:
        core.kill()
        disk.unmount()
        site.close()
