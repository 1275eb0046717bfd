"""The power fails, or everything is killed, while pages are crawled: what was acknowledged is there afterwards, once."""
import collections
import os
import random
import signal
import subprocess
import threading

import pytest
import yaml

from disk import Disk
from rpc_client import Refused, Rpc
from sites import PythonSite
from stack import BIN, SOAK, free_ports, wait_for

POWER_CUTS = 100 if SOAK else 12
KILLS = 100 if SOAK else 6
LEASE_URLS = 10
URLS_A_CYCLE = 100


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


@pytest.mark.parametrize("how, cycles", [("power", POWER_CUTS), ("kill", KILLS)])
def test_nothing_acknowledged_is_lost_and_nothing_is_fetched_twice(tmp_path, how, cycles):
    disk = Disk(tmp_path)
    site = PythonSite(tmp_path)
    plain = site.answer
    site.answer = lambda path: (200, [("Content-Type", "text/html")], f"<title>{path}</title>word{path[6:]}".encode()) \
        if path.startswith("/page-") else plain(path)
    disk.mount()
    data = disk.mount_point / "var"
    core = Core(tmp_path, data)
    acknowledged, dice = [], random.Random(3)
    try:
        for _ in range(cycles):
            core.start()
            over = threading.Event()
            writer = threading.Thread(target=submit_until, args=(core, site, acknowledged, over), daemon=True)
            writer.start()
            goal = len(acknowledged) + 1
            wait_for(lambda: len(acknowledged) >= goal, 30, "an acknowledgement")
            over.wait(dice.uniform(0, 0.5))
            if how == "power":
                disk.cut()
            core.kill()
            over.set()
            writer.join(20)
            if how == "power":
                disk.unmount()
                disk.mount()
        core.start()
        client = core.indexserver()
        lost = [url for url in acknowledged if not client.lookup(url).known]
        assert lost == [], f"{len(lost)} of {len(acknowledged)} acknowledged URLs are lost"

        def held():
            status = core.connect(core.orchestrator_port).stats()
            count = sum(member.barrel.documents for member in status.members)
            return count if count >= len(acknowledged) and status.indexserver.urls_queued == 0 else None
        documents = wait_for(held, 300, "all pages in the index")
        times = collections.Counter(path for _, path, status in site.log if status == 200 and path.startswith("/page-"))
        assert set(times) >= {url[len(site.base):] for url in acknowledged}
        assert documents == len(times), "each page is in the index once"
        again = sum(count - 1 for count in times.values())
        print(f"{how} {cycles} times, {len(acknowledged)} URLs acknowledged, {again} pages fetched again")
        assert again <= cycles * LEASE_URLS
    finally:
        core.kill()
        disk.unmount()
        site.close()
