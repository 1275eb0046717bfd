"""tierce test-url: a page fetched now, by the rules of the crawl, of which nothing is kept."""
import json
import time

import pytest

from sites import PythonSite
from stack import Stack, wait_for


@pytest.fixture(scope="module")
def proxy():
    return "nginx"


class Site(PythonSite):
    def answer(self, path):
        if path == "/to-the-new":
            return 302, [("Location", "/old")], b""
        if path == "/away":
            return 302, [("Location", "http://127.0.0.1:9/")], b""
        if path == "/picture":
            return 200, [("Content-Type", "image/png")], b"\x89PNG"
        return super().answer(path)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("trial"))
    yield site
    site.close()


@pytest.fixture(scope="module")
def stack(tmp_path_factory, site):
    """Nothing is crawled: the source is one that nobody has begun with."""
    stack = Stack(tmp_path_factory.mktemp("stack"))
    try:
        stack.start()
        yield stack
    finally:
        stack.abandon()


def trial(stack, url):
    done = stack.tierce("test-url", "--json", url, check=False)
    assert done.returncode in (0, 1) and done.stdout, done
    answer = json.loads(done.stdout)
    assert answer["indexed"] == (done.returncode == 0)
    return answer, {stage["name"]: stage for stage in answer["stages"]}


def log_position(stack):
    return stack.stats()["log"]["position"]


def test_a_page_is_fetched_shown_and_not_kept(stack, site):
    before = log_position(stack)
    answer, stages = trial(stack, site.base + "/stave")
    assert [path for _, path, _ in site.log] == ["/robots.txt", "/stave"]
    assert answer["page"]["title"] == "Staves" and "strips of oak" in answer["page"]["text"]
    assert [hop["status"] for hop in answer["hops"]] == [200] and answer["hops"][0]["address"] == "127.0.0.1"
    assert stages["indexed"]["words"].startswith("no source names its host")
    assert [link["url"] for link in answer["links"]] == [site.base + "/", site.base + "/hoop"]
    assert "source" in answer["links"][0]["words"] and not answer["links"][0]["followed"]
    time.sleep(1.2)  # of the statistics, which tell of a second ago
    assert log_position(stack) == before and not stack.why(site.base + "/stave")["known"]
    text = stack.tierce("test-url", site.base + "/stave", check=False).stdout
    assert "Staves" in text and "links: 2" in text and "left out" in text


def test_its_source_decides_what_would_be(stack, site):
    stack.tierce("crawl", site.base + "/hoop")
    wait_for(lambda: stack.urls("quenching", admin=True), 30, "the crawl")
    answer, stages = trial(stack, site.base + "/stave")
    assert answer["indexed"] and stages["indexed"]["verdict"] == "ok"
    assert all(link["followed"] for link in answer["links"])
    fetched = len(site.fetches("/secret"))
    answer, stages = trial(stack, site.base + "/secret")
    assert not answer["indexed"] and stages["robots"]["verdict"] == "stopped" and "page" not in answer
    assert len(site.fetches("/secret")) == fetched == 0, "what robots.txt forbids is not fetched for a trial either"
    answer, stages = trial(stack, site.base + "/quiet")
    assert not answer["indexed"] and "noindex" in stages["indexed"]["words"]
    assert not trial(stack, site.base + "/missing")[0]["indexed"]
    assert "not a text" in trial(stack, site.base + "/picture")[1]["fetch"]["words"]


def test_redirects_are_followed_within_the_sources(stack, site):
    answer, stages = trial(stack, site.base + "/to-the-new")
    assert [hop["status"] for hop in answer["hops"]] == [302, 301, 200]
    assert answer["url"] == site.base + "/new" and answer["indexed"]
    answer, stages = trial(stack, site.base + "/away")
    assert not answer["indexed"] and "out of every source" in stages["indexed"]["words"]


def test_the_guards_hold(stack):
    answer, stages = trial(stack, "http://10.1.2.3/")
    assert not answer["indexed"] and answer["hops"] == [], answer
    answer, stages = trial(stack, "http://192.0.2.1/")
    assert "set crawl.contact" in stages["scope"]["words"] or stages["scope"]["verdict"] == "stopped"
    assert stack.tierce("test-url", "ftp://example.org/", check=False).returncode == 1


def test_a_trial_goes_on_while_the_crawl_is_paused(stack, site):
    stack.tierce("pause")
    try:
        assert trial(stack, site.base + "/stave")[0]["page"]["title"] == "Staves"
    finally:
        stack.tierce("resume")
