"""A whole Tierce, started as its user starts it, and what tests need to drive and hurt it."""
import http.client
import http.cookiejar
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import quote, urlencode

import requests
import urllib3
import yaml

urllib3.disable_warnings()

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("TIERCE_BIN", ROOT / "build/bin"))
SOAK = os.environ.get("TIERCE_SOAK") == "1"
SANITIZED = "sanitized" in str(BIN)


def free_ports(count):
    """Ports that nobody listens on, on any address."""
    sockets = [socket.socket(socket.AF_INET6, socket.SOCK_STREAM) for _ in range(count)]
    for each in sockets:
        each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        each.bind(("::", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_for(condition, seconds=30, what="condition"):
    """The first true value of condition(), polled; fails after the time with the last one."""
    until = time.monotonic() + seconds * (4 if SANITIZED else 1)
    value = None
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come true in {seconds} s; last: {value!r}")


class Stack:
    def __init__(self, folder, proxy="nginx", **config):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.proxy = proxy
        self.data = self.folder / "var"
        self.config_file = self.folder / "config.yaml"
        self.https, self.http, self.grpc, self.orchestrator, self.indexserver = free_ports(5)
        self.config = {
            "ports": {"https": self.https, "http": self.http, "grpc": self.grpc},
            "crawl": {"handbook": False, "delay": "0", "allowed_networks": ["127.0.0.0/8", "::1/128"]},
            "search": {"rate_per_minute": "none"},
        }
        self.merge(config)
        self.process = None
        self.output = []
        self.session = requests.Session()
        self.session.verify = False
        self.session.trust_env = False
        self.session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))

    # ---- configuration ----
    def merge(self, changes, into=None):
        into = self.config if into is None else into
        for key, value in changes.items():
            if isinstance(value, dict) and isinstance(into.get(key), dict):
                self.merge(value, into[key])
            else:
                into[key] = value

    def write_config(self):
        temporary = self.config_file.with_suffix(".new")
        temporary.write_text(yaml.safe_dump(self.config))
        temporary.replace(self.config_file)

    # ---- life ----
    def start(self, ready_within=60):
        self.write_config()
        begun = time.monotonic()
        self.process = subprocess.Popen(
            [BIN / "tierce", "up", "--config", self.config_file, "--data", self.data, "--proxy", self.proxy,
             "--shards", "2", "--port", str(self.orchestrator), "--indexserver-port", str(self.indexserver)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", start_new_session=True)
        self.output = []
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()
        wait_for(lambda: self.process.poll() is not None or any("Ctrl-C" in line for line in self.output),
                 ready_within, "tierce up")
        if self.process.poll() is not None:
            raise AssertionError("tierce up ended:\n" + self.text())
        return time.monotonic() - begun

    def _read(self, process):
        for line in process.stdout:
            self.output.append(line.rstrip("\n"))

    def text(self):
        return "\n".join(self.output[-200:])

    def stop(self, how=signal.SIGINT, within=30):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(within * (4 if SANITIZED else 1))
        self.process = None
        return code

    def abandon(self):
        """Ends everything for sure, at the end of a test that failed half-way."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process = None
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def processes(self):
        """Every process whose arguments name this stack's folder."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(self.folder) in command:
                found[int(entry.name)] = command
        for pid in list(found):  # the parser's arguments name nothing: it is the child of a downloader's fork
            for child in self.children_of(pid):
                found.setdefault(child, "parser")
        return found

    # ---- asking ----
    @property
    def base(self):
        return f"https://localhost:{self.https}"

    @property
    def token(self):
        return (self.data / "admin.token").read_text().strip()

    def admin(self):
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, path, admin=False, **keywords):
        headers = {**(self.admin() if admin else {}), **keywords.pop("headers", {})}
        return self.session.get(self.base + path, headers=headers, timeout=20, allow_redirects=False, **keywords)

    def post(self, path, value, admin=True, method="POST", **keywords):
        headers = {**(self.admin() if admin else {}), **keywords.pop("headers", {})}
        return self.session.request(method, self.base + path, headers=headers, json=value, timeout=20, **keywords)

    def search(self, query, admin=False, **parameters):
        answer = self.get("/api/v1/search?" + urlencode({"q": query, **parameters}), admin=admin)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    def urls(self, query, **keywords):
        return [result["url"] for result in self.search(query, **keywords)["results"]]

    def stats(self):
        answer = self.get("/api/v1/stats", admin=True)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    def why(self, url):
        answer = self.get("/api/v1/why?url=" + quote(url, safe=""), admin=True)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    def explain(self, query, url):
        answer = self.get("/api/v1/explain?" + urlencode({"q": query, "url": url}), admin=True)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    def backlinks(self, url, admin=False):
        links, page = [], 1
        while True:
            answer = self.get(f"/api/v1/backlinks?url={quote(url, safe='')}&page={page}&size=100", admin=admin)
            assert answer.status_code == 200, (answer.status_code, answer.text)
            value = answer.json()
            links += value["links"]
            if len(links) >= min(value["total"], 1000) or not value["links"]:  # no further ones are shown
                return value["total"], links
            page += 1

    def tierce(self, *arguments, check=True):
        done = subprocess.run([BIN / "tierce", "--data", self.data, *arguments], text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        if check:
            assert done.returncode == 0, (arguments, done.returncode, done.stdout, done.stderr)
        return done

    def documents(self):
        return sum(barrel["documents"] for barrel in self.stats()["barrels"] if barrel["replica"] == 0)

    def pids(self, program):
        """Of the processes of one program of this stack."""
        wanted = str(BIN.resolve() / program)
        found = []
        for pid, command in self.processes().items():
            try:
                if os.readlink(f"/proc/{pid}/exe") == wanted and not self.is_spawner(pid):
                    found.append(pid)
            except OSError:
                continue
        return sorted(found)

    def is_spawner(self, pid):
        """A downloader's fork that starts the parser for it."""
        return Path(f"/proc/{pid}/comm").read_text().strip() == "spawner"

    def children_of(self, pid):
        try:
            tasks = list(Path(f"/proc/{pid}/task").iterdir())
            return [int(entry) for task in tasks for entry in (task / "children").read_text().split()]
        except OSError:
            return []

    def memory_kib(self, pid):
        """RssAnon + RssShmem."""
        text = Path(f"/proc/{pid}/status").read_text()
        return sum(int(re.search(rf"^{field}:\s+(\d+)", text, re.M).group(1)) for field in ("RssAnon", "RssShmem"))


def fresh_request(port, path, timeout=15):
    """One GET on a connection of its own: (status, body)."""
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection("localhost", port, timeout=timeout, context=context)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class Load(threading.Thread):
    """GETs without a pause, each on a connection of its own; whatever is not 200 is kept in `failures`."""

    def __init__(self, port, paths):
        super().__init__(daemon=True)
        self.port, self.paths = port, paths
        self.count, self.failures, self.slowest = 0, [], 0.0
        self.over = threading.Event()

    def run(self):
        while not self.over.is_set():
            path = self.paths[self.count % len(self.paths)]
            begun = time.monotonic()
            try:
                status, body = fresh_request(self.port, path)
                if status != 200:
                    self.failures.append((path, status, body[:200]))
            except (OSError, http.client.HTTPException) as broken:
                self.failures.append((path, repr(broken), b""))
            self.slowest = max(self.slowest, time.monotonic() - begun)
            self.count += 1

    def finish(self):
        self.over.set()
        self.join(30)


def parse_events(text):
    return [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:")]
