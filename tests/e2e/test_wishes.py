"""What pages ask of crawlers, in themselves and in headers, and how far it reaches into answers."""
import re

import pytest

from sites import PythonSite
from stack import Stack, wait_for

pytestmark = pytest.mark.sanitized

LONG = "Coopers season oak before it is split along the grain and every stave is jointed by hand"


class WishfulSite(PythonSite):
    """Each path but the first page has a page of its own wish: headers, and markup in the head."""
    WISHES = {
        "/plain": ([], ""),
        "/nosnippet": ([], "<meta name=robots content=nosnippet>"),
        "/short": ([("X-Robots-Tag", "otherbot: noindex"), ("X-Robots-Tag", "tierce: max-snippet:25")], ""),
        "/others": ([("X-Robots-Tag", "otherbot: noindex, nofollow")], "<meta name=googlebot content=noindex>"),
        "/hidden": ([("X-Robots-Tag", "otherbot: nofollow, tierce: noindex")], ""),
        "/past": ([("X-Robots-Tag", "unavailable_after: Wednesday, 25-Jun-10 15:00:00 GMT")], ""),
        "/future": ([], "<meta name=robots content='unavailable_after: 2099-01-01'>"),
        "/list": ([("X-Robots-Tag", "nofollow")], ""),
    }

    def answer(self, path):
        if path == "/":
            links = "".join(f"<a href='{wish}'>{wish}</a> " for wish in self.WISHES)
            return 200, [("Content-Type", "text/html"), ("Link", "</ahead>; rel=next")], links.encode()
        if path == "/ahead":
            return 200, [("Content-Type", "text/html")], b"<title>ahead</title>unusualword ahead"
        if path not in self.WISHES:
            return 404, [("Content-Type", "text/html")], b"<title>Not here</title>"
        headers, head = self.WISHES[path]
        name = path[1:]
        text = f"<!doctype html><title>{name}</title>{head}<p>{name}word unusualword. {LONG}.</p><a href='/from-{name}'>x</a>"
        return 200, [("Content-Type", "text/html"), *headers], text.encode()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = WishfulSite(tmp_path_factory.mktemp("site"))
    yield site
    site.close()


@pytest.fixture(scope="module")
def stack(tmp_path_factory, site):
    stack = Stack(tmp_path_factory.mktemp("stack"), crawl={
        "sources": [{"url": site.base + "/", "public": True, "allow_private": True, "delay": "0"}]})
    try:
        stack.start()
        wait_for(lambda: all(site.fetches(path) for path in site.WISHES), 30, "every page fetched")
        wait_for(lambda: len(found(stack, site)) >= 7, 30, "every page that may be in the index")
        yield stack
    finally:
        stack.abandon()


def found(stack, site):
    """Results by path."""
    answer = stack.search("unusualword", size=50)
    return {result["url"][len(site.base):]: result for result in answer["results"]}


def test_what_asks_not_to_be_found_is_not_and_only_where_it_asks_us(stack, site):
    assert set(found(stack, site)) == {"/plain", "/nosnippet", "/short", "/others", "/future", "/list", "/ahead"}


def test_no_more_of_a_text_is_shown_than_its_page_allows(stack, site):
    shown = {path: re.sub(r"</?mark>", "", result["snippet"]) for path, result in found(stack, site).items()}
    assert shown["/nosnippet"] == ""
    assert 0 < len(shown["/short"]) <= 25
    assert LONG[:40] in shown["/plain"]


def test_links_of_a_page_that_asks_so_are_not_followed(stack, site):
    wait_for(lambda: site.fetches("/from-plain") and site.fetches("/from-future"), 20, "links of other pages followed")
    assert not site.fetches("/from-list")
    assert site.fetches("/from-others")
