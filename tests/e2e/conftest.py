"""What all end-to-end tests share: running systems and sites to crawl."""
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sites import NginxSite, PythonSite  # noqa: E402
from stack import ROOT, Stack  # noqa: E402


def unpacked(package):
    """The documentation of a Debian package, which is unpacked and not installed."""
    cache = ROOT / "build/testdata"
    folder = cache / "usr/share/doc" / package
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        got = subprocess.run(["apt-get", "download", package], cwd=cache, capture_output=True, text=True)
        files = list(cache.glob(f"{package}_*.deb"))
        if got.returncode != 0 or not files:
            pytest.skip(f"{package} cannot be fetched: " + got.stderr.strip()[-200:])
        subprocess.run(["dpkg", "-x", files[0], cache], check=True)
    return folder


def pytest_configure(config):
    config.addinivalue_line("filterwarnings", "ignore::urllib3.exceptions.InsecureRequestWarning")
    config.addinivalue_line("markers", "sanitized: is run again with every access checked")


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def proxy(request):
    if shutil.which(request.param) is None and not Path(f"/usr/sbin/{request.param}").exists():
        pytest.skip(f"{request.param} is not installed")
    return request.param


@pytest.fixture
def make_stack(tmp_path_factory):
    """Makes stacks that are surely gone when the test is."""
    made = []

    def make(**keywords):
        stack = Stack(tmp_path_factory.mktemp("stack"), **keywords)
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.abandon()


@pytest.fixture(scope="module")
def small_site(tmp_path_factory, proxy):
    """A few pages whose words are known, served on loopback."""
    site = PythonSite(tmp_path_factory.mktemp("site"))
    yield site
    site.close()


@pytest.fixture(scope="module")
def small_stack(tmp_path_factory, proxy, small_site):
    """The small site crawled and public, behind either proxy."""
    stack = Stack(tmp_path_factory.mktemp("stack"), proxy=proxy, crawl={
        "sources": [{"url": small_site.base + "/", "public": True, "allow_private": True, "delay": "0"}]})
    try:
        stack.start()
        small_site.wait_until_indexed(stack)
        yield stack
    finally:
        stack.abandon()


@pytest.fixture(scope="session")
def manual():
    """The PostgreSQL manual: a real site."""
    return unpacked("postgresql-doc-15") / "html"


@pytest.fixture(scope="session")
def manual_site(manual, tmp_path_factory):
    site = NginxSite(manual, tmp_path_factory.mktemp("manual"))
    yield site
    site.close()
