"""What the barrels are told while a page waits to be parsed: reported here by hand, as a downloader whose parser died would."""
import os
import signal
import struct
import time

import pytest

from rpc_client import Rpc, wire
from sites import PythonSite
from stack import wait_for

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


def test_a_removed_page_is_gone_within_a_second_while_another_waits_for_its_parse(paused, site):
    word = f"late{site.port}word"
    paused.tierce("crawl", site.base + "/")
    wait_for(lambda: site.base + "/hoop" in paused.urls(site.word, admin=True), 20, "the site")
    paused.tierce("pause")
    downloaders = paused.pids("downloader")
    for pid in downloaders:
        os.kill(pid, signal.SIGSTOP)
    try:
        report_unparsed(paused, site.base + "/by-hand", f"Here stands {word}.")
        answer = paused.post("/api/v1/urls", {"url": site.base + "/hoop"}, method="DELETE")
        assert answer.status_code in (200, 202), answer.text
        begun = time.monotonic()
        wait_for(lambda: not paused.urls(site.word, admin=True), 5, "the page gone")
        assert time.monotonic() - begun < 1.5
        assert paused.urls(word, admin=True) == []
    finally:
        for pid in downloaders:
            os.kill(pid, signal.SIGCONT)
    wait_for(lambda: site.base + "/by-hand" in paused.urls(word, admin=True), 60, "the page that waited")
    assert paused.urls(site.word, admin=True) == []
