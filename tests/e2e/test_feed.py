"""What the barrels are told while a page waits to be parsed: reported here by hand, as a downloader whose parser died would."""
import contextlib
import os
import signal
import struct
import time

import pytest

from rpc_client import Rpc, wire
from sites import PythonSite
from stack import Load, wait_for

pytestmark = pytest.mark.sanitized


@pytest.fixture(scope="module")
def proxy():
    return "nginx"


@pytest.fixture
def site(tmp_path):
    site = PythonSite(tmp_path, words={"/": ("Cooperage", "Staves.")})
    site.word = f"cooper{site.port}word"
    site.words["/"] = ("Cooperage", "Staves. <a href='/hoop'>Hoops</a>")
    site.words["/hoop"] = ("Hoops", f"A hoop holds {site.word}.")
    yield site
    site.close()


@pytest.fixture
def paused(small_stack):
    yield small_stack
    small_stack.tierce("resume")


def zstd_frame(data):
    """One block, stored as it is."""
    return b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(data)) + struct.pack("<I", len(data) << 3 | 1)[:3] + data


def report_unparsed(stack, url, text):
    messages, log = wire()
    body = f"<!DOCTYPE html><html><head><title>By hand</title></head><body><p>{text}</p></body></html>".encode()
    hop = log.Hop(url=url, status=200, headers=b"Content-Type: text/html; charset=utf-8\r\n", address="127.0.0.1")
    content = log.Content(url=url, hops=[hop], body_zstd=zstd_frame(body), body_size=len(body), private_address=True)
    rpc = Rpc(stack.indexserver, bytes.fromhex((stack.data / "cluster.key").read_text().strip()))
    rpc.submit([url])
    reply = rpc.call(messages.REPORT, messages.ReportRequest(fetched=[messages.Fetched(url=url, content=content)]),
                     messages.ReportReply)
    assert reply.sequence > 0


def test_what_is_in_the_log_is_parsed_while_the_crawl_is_paused(paused, site):
    word = f"paused{site.port}word"
    paused.tierce("pause")
    report_unparsed(paused, site.base + "/by-hand", f"Here stands {word}.")
    wait_for(lambda: site.base + "/by-hand" in paused.urls(word, admin=True), 20, "the page")
    assert wait_for(lambda: paused.stats()["frontier"]["paused"], 10, "the crawl said to be paused")
    assert site.log == []


@contextlib.contextmanager
def a_page_waiting_for_its_parse(stack, url, word):
    """The barrels' position stands before it meanwhile."""
    stack.tierce("pause")
    downloaders = stack.pids("downloader")
    for pid in downloaders:
        os.kill(pid, signal.SIGSTOP)
    try:
        report_unparsed(stack, url, f"Here stands {word}.")
        yield
        assert stack.urls(word, admin=True) == []
    finally:
        for pid in downloaders:
            os.kill(pid, signal.SIGCONT)
    wait_for(lambda: url in stack.urls(word, admin=True), 60, "the page that waited")


@contextlib.contextmanager
def others_asking(stack, name):
    """Each asks something new, so that no gateway goes without news of the barrels."""
    load = Load(stack.https, [f"/api/v1/search?q={name}{i}word" for i in range(20000)])
    load.start()
    try:
        wait_for(lambda: load.count > 5, 20, "the others")
        yield
    finally:
        load.finish()
    assert load.failures == [] and load.count < len(load.paths)


def keep_answers(stack, word, admin):
    """In every gateway's cache, under questions of their own: how many results to a page."""
    for _ in range(4):
        assert all(stack.urls(word, admin=admin, size=size) for size in range(1, 41))


def assert_gone(stack, word, admin, within):
    """Also from the answers that were kept and have not been asked for since."""
    begun = time.monotonic()
    wait_for(lambda: not stack.urls(word, admin=admin), 5, "the page gone")
    assert time.monotonic() - begun < within
    time.sleep(max(0.0, begun + within - time.monotonic()))
    assert [size for size in range(1, 41) if stack.urls(word, admin=admin, size=size)] == []


def test_a_removed_page_is_gone_within_a_second_while_another_waits_for_its_parse(paused, site):
    paused.tierce("crawl", site.base + "/")
    wait_for(lambda: site.base + "/hoop" in paused.urls(site.word, admin=True), 20, "the site")
    with a_page_waiting_for_its_parse(paused, site.base + "/by-hand", f"late{site.port}word"):
        with others_asking(paused, f"remove{site.port}"):
            keep_answers(paused, site.word, admin=True)
            answer = paused.post("/api/v1/urls", {"url": site.base + "/hoop"}, method="DELETE")
            assert answer.status_code in (200, 202), answer.text
            assert_gone(paused, site.word, admin=True, within=1.5)
    assert paused.urls(site.word, admin=True) == []


def test_a_page_made_private_is_gone_at_once_while_another_waits_for_its_parse(paused, site):
    source = {"url": site.base + "/", "public": True, "allow_private": True, "delay": "0"}
    paused.config["crawl"]["sources"].append(source)
    paused.write_config()
    wait_for(lambda: site.base + "/hoop" in paused.urls(site.word), 20, "the site for everyone")
    with a_page_waiting_for_its_parse(paused, site.base + "/by-hand", f"slow{site.port}word"):
        with others_asking(paused, f"withhold{site.port}"):
            keep_answers(paused, site.word, admin=False)
            source["public"] = False
            paused.write_config()
            assert_gone(paused, site.word, admin=False, within=2.0)
    assert paused.urls(site.word) == []
    assert site.base + "/hoop" in paused.urls(site.word, admin=True)
