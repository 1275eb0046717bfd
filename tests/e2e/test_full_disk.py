"""The disk fills up while pages are crawled and indexed: searching goes on, and the rest does when there is room again."""
import random
import threading

import pytest

from disk import Disk
from rpc_client import Refused, Rpc
from sites import PythonSite
from stack import SOAK, Load, wait_for

DISK_MB = 800
TIMES = 20 if SOAK else 4
LEAVES = [0, 48 << 20]  # barrels keep 96 MB, so both are too little
PAGE_WORDS = 2000


class Pages(threading.Thread):
    """Submits page after page; what was acknowledged is in `urls`."""

    def __init__(self, stack, site):
        super().__init__(daemon=True)
        self.stack, self.site, self.urls = stack, site, []
        self.over = threading.Event()
        self.key = bytes.fromhex((stack.data / "cluster.key").read_text().strip())

    def run(self):
        client = None
        while not self.over.wait(0.02):
            number = len(self.urls)
            words = " ".join(f"w{random.randrange(5000)}" for _ in range(PAGE_WORDS))
            self.site.words[f"/page-{number}"] = (f"Page {number}", f"number{number}x {words}")
            try:
                client = client or Rpc(self.stack.indexserver, self.key)
                if client.submit([f"{self.site.base}/page-{number}"]).accepted == 1:
                    self.urls.append(f"{self.site.base}/page-{number}")
            except (OSError, Refused, AssertionError, ValueError):  # nothing is taken in while the disk is full
                client = None


@pytest.fixture
def site(tmp_path):
    site = PythonSite(tmp_path)
    yield site
    site.close()


@pytest.fixture
def stack(make_stack, site):
    stack = make_stack(disk_limit="none", crawl={
        "recrawl": "3650d", "sources": [{"url": site.base + "/", "public": True, "allow_private": True, "delay": "0"}]})
    disk = Disk(stack.folder, DISK_MB)
    disk.mount()
    stack.disk, stack.data = disk, disk.mount_point / "var"
    try:
        stack.start()
        site.wait_until_indexed(stack)
        yield stack
    finally:
        stack.abandon()
        disk.unmount()


def reasons(stack):
    """Why each barrel stands still."""
    barrels = stack.stats()["barrels"]
    return [barrel["stopped"] for barrel in barrels if barrel["stopped"]]


def test_on_a_full_disk_searching_goes_on_and_indexing_does_when_there_is_room_again(stack, site):
    load = Load(stack.https, ["/search?q=hoop", "/api/v1/search?q=stave"])
    pages = Pages(stack, site)
    load.start()
    pages.start()
    dice = random.Random(5)
    for turn in range(TIMES):
        enough = len(pages.urls) + 5
        wait_for(lambda: len(pages.urls) >= enough, 30, "pages")
        pages.over.wait(dice.uniform(0, 1))
        stack.disk.fill(LEAVES[turn % len(LEAVES)])
        why = wait_for(lambda: reasons(stack), 30, "the barrels' reason")
        assert "MB are free" in why[0] and "make room" in why[0]
        found = stack.urls("quenching")
        assert found == [site.base + "/hoop"]
        stack.disk.make_room()
        wait_for(lambda: not reasons(stack), 30, "the barrels to go on")
        last = len(pages.urls) - 1
        wait_for(lambda: stack.urls(f"number{last}x"), 60, "the last page")
    pages.over.set()
    pages.join(30)
    load.finish()
    assert load.failures == []
    for number, url in enumerate(pages.urls):
        wait_for(lambda: stack.urls(f"number{number}x") == [url], 60, url)
    wait_for(lambda: stack.documents() == len(site.indexable()), 30, "as many documents as pages")
    print(f"the disk was full {TIMES} times, {len(pages.urls)} pages, {load.count} searches")


def test_without_room_for_the_barrels_a_removed_page_is_gone_all_the_same(stack, site):
    assert stack.urls("quenching") == [site.base + "/hoop"]
    stack.disk.fill(LEAVES[1])
    wait_for(lambda: len(reasons(stack)) == len(stack.stats()["barrels"]), 30, "the barrels' reason")
    answer = stack.post("/api/v1/urls", {"url": site.base + "/hoop"}, method="DELETE")
    assert answer.status_code in (200, 202), answer.text
    wait_for(lambda: stack.urls("quenching") == [], 5, "the page to be gone")
    assert all("make room" in why for why in reasons(stack)) and reasons(stack)
    stack.disk.make_room()
    wait_for(lambda: not reasons(stack), 30, "the barrels to go on")
    wait_for(lambda: stack.documents() == len(site.indexable()) - 1, 30, "one document less")
    assert stack.urls("quenching") == []


def test_without_room_for_the_barrels_pages_that_are_made_private_are_hidden_all_the_same(stack, site):
    assert stack.urls("quenching") == [site.base + "/hoop"]
    stack.disk.fill(LEAVES[1])
    wait_for(lambda: len(reasons(stack)) == len(stack.stats()["barrels"]), 30, "the barrels' reason")
    stack.config["crawl"]["sources"][0]["public"] = False
    stack.write_config()
    wait_for(lambda: stack.urls("quenching") == [], 10, "the page to be hidden")
    assert [result["url"] for result in stack.search("quenching", admin=True)["results"]] == [site.base + "/hoop"]
    assert all("make room" in why for why in reasons(stack)) and reasons(stack)
    stack.disk.make_room()
    wait_for(lambda: not reasons(stack), 30, "the barrels to go on")
    assert stack.urls("quenching") == []
