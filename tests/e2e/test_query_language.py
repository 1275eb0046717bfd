"""What can be typed beside words: nearness, beginnings, languages, kinds and dates, on a site that has them."""
import time

import pytest

from grpc_client import GatewayClient
from sites import PythonSite
from stack import Stack, wait_for

pytestmark = pytest.mark.sanitized

LAST_MODIFIED = "Wed, 15 May 2019 10:00:00 GMT"
PAGES = {  # path: language, what stands in its head, words
    "/german": ("de-AT", "<meta property='article:published_time' content='2021-03-09T08:00:00Z'>",
                "ale casks: Fassbinder und Kellermeister"),
    "/english": ("en", "<meta name='date' content='2022-12-31'>", "ale casks, that a cooper and his mate have coopered"),
    "/dated": ("en", "", "ale from a wide and rather shallow cask"),  # by its Last-Modified
}


class DatedSite(PythonSite):
    def answer(self, path):
        if path == "/notes.txt":
            return 200, [("Content-Type", "text/plain")], b"ale, as it is noted in plain words"
        if path not in PAGES:
            return super().answer(path)
        language, head, body = PAGES[path]
        headers = [("Content-Type", "text/html; charset=utf-8")]
        if path == "/dated":
            headers.append(("Last-Modified", LAST_MODIFIED))
        return 200, headers, f"<!doctype html><html lang={language}>{head}<title>Ale</title><p>{body}</html>".encode()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    links = "".join(f"<a href='{path}'>x</a> " for path in [*PAGES, "/notes.txt"])
    site = DatedSite(tmp_path_factory.mktemp("site"), words={"/": ("Cellar", links)})
    yield site
    site.close()


@pytest.fixture(scope="module")
def stack(tmp_path_factory, site):
    stack = Stack(tmp_path_factory.mktemp("stack"), crawl={
        "sources": [{"url": site.base + "/", "public": True, "allow_private": True, "delay": "0"}]})
    try:
        stack.start()
        wait_for(lambda: stack.documents() >= 2 + len(PAGES), 30, "the site in the index")
        yield stack
    finally:
        stack.abandon()


@pytest.fixture
def found(stack, site):
    return lambda query: sorted(url[len(site.base):] for url in stack.urls(query))


def test_languages_and_kinds_filter(found):
    assert found("ale lang:de") == found("ale lang:DE-at") == ["/german"]
    assert found("ale lang:fr") == []
    assert found("ale -lang:de type:html") == ["/dated", "/english"]
    assert found("ale filetype:txt") == found("ale type:text/plain") == ["/notes.txt"]


def test_dates_are_the_pages_own_then_the_servers_then_of_the_fetch(found):
    assert found("ale after:2021 before:2022") == ["/german"]
    assert found("ale before:2020") == found("ale before:2019-05-16 after:2019-05-15") == ["/dated"]
    assert found("ale after:2022-12-31 before:2023") == ["/english"]
    assert found(f"ale after:{time.gmtime().tm_year - 1}") == ["/notes.txt"]
    assert found("ale -after:2022") == ["/dated", "/german"]


def test_words_near_each_other_and_beginnings(found):
    assert found('"wide cask"') == found('"wide cask"~2') == []
    assert found('"wide cask"~3') == ["/dated"]
    assert found('"cask wide"~5') == ["/dated"] and found('"cask wide"~4') == []
    assert found("keller*") == ["/german"]
    assert found("coop*") == ["/english"] and found("ale -cas*") == ["/notes.txt"]


def test_a_compound_finds_a_page_that_has_its_parts(stack, found):
    """Neither is it excluded by the hyphen that joins it to what is quoted."""
    wait_for(lambda: found("Fassbinderkellermeister") == ["/german"], 30, "statistics that know of German")
    result = stack.search("Fassbinderkellermeister")["results"][0]
    assert "<mark>Fassbinder</mark>" in result["snippet"] and "<mark>Kellermeister</mark>" in result["snippet"]
    assert found('"ale casks"-Fassbinderkellermeister') == ["/english", "/german"]
    assert found('"ale casks" -Fassbinder') == ["/english"]
    assert found("Fassbinder-Kellermeister") == ["/german"] and found('"Fassbinder-Kellermeister"') == []


def test_what_was_matched_is_marked_and_what_was_read_is_said(stack):
    answer = stack.search("Keller* before:2024 after:2021-3 language:de")
    assert answer["read_as"] == "keller* after:2021-03-01 before:2024-01-01 lang:de"
    assert answer["notes"] == [] and answer["total"] == 1
    assert "<mark>Kellermeister</mark>" in answer["results"][0]["snippet"]
    near = stack.search('"wide cask"~3')["results"][0]["snippet"]
    assert "<mark>wide</mark>" in near and "<mark>cask</mark>" in near
    left_out = stack.search('"red barr*" x* after:soon')
    assert left_out["read_as"] == '"red barr" x'
    assert [word for word in ("phrase", "single word", "after:") if word not in " ".join(left_out["notes"])] == []


def test_grpc_understands_the_same(stack, site):
    client = GatewayClient(stack)
    answer = client.search('"cask wide"~5 -lang:de type:html before:2020')
    client.close()
    assert [result.url for result in answer.results] == [site.base + "/dated"]
    assert answer.read_as == '"cask wide"~5 -lang:de type:html before:2020-01-01'
