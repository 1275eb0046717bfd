"""The whole story of a URL: on the command line, by HTTP, on the admin page; found or not."""
import json
from urllib.parse import quote

import pytest

from sites import PythonSite
from stack import Stack, wait_for

pytestmark = pytest.mark.sanitized


@pytest.fixture(scope="module")
def proxy():
    return "nginx"


class Site(PythonSite):
    def answer(self, path):
        status, headers, body = super().answer(path)
        if path == "/tagged":
            headers.append(("X-Robots-Tag", "noindex"))
        if path == "/further":
            return 302, [("Location", "/old")], b""
        return status, headers, body


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    words = {
        "/": ("Yard", "Barrels. <a href='/stave'>Staves</a> <a href='/secret'>locked</a> <a href='/old'>old</a> "
                      "<a href='/copy'>copy</a> <a href='/tagged'>tagged</a> <a href='/private/page'>private</a> "
                      "<a href='/missing'>missing</a> <a href='/further'>further</a> <a href='/twin'>twin</a> <a href='/other-twin'>twin</a>"),
        "/stave": ("Staves", "A stave is a strip of oak. <a href='/'>Back</a>"),
        "/new": ("New forge", "Tuyere and bellows."),
        "/copy": ("Copy</title><link rel=canonical href='/stave'>", "A copy of the page about staves."),
        "/tagged": ("Tagged", "Words that no index has."),
        "/private/page": ("Private", "Not taken."),
        "/twin": ("Twin", "The very same words stand here."),
        "/other-twin": ("Twin", "The very same words stand here."),
    }
    site = Site(tmp_path_factory.mktemp("why"), words=words)
    yield site
    site.close()


@pytest.fixture(scope="module")
def stack(tmp_path_factory, site):
    stack = Stack(tmp_path_factory.mktemp("stack"), crawl={"sources": [
        {"url": site.base + "/", "allow_private": True, "delay": "0", "rules": ["deny prefix /private/"]}]})
    try:
        stack.start()
        wait_for(lambda: stack.why(site.base + "/further")["fetches"] and stack.why(site.base + "/new")["fetches"], 30,
                 "the end of the crawl")
        wait_for(lambda: stack.urls("oak", admin=True), 30, "the index")
        yield stack
    finally:
        stack.abandon()


def story(stack, url):
    answer = stack.why(url)
    return answer, {stage["name"]: stage for stage in answer["stages"]}


def facts(stage):
    return {fact["name"]: fact["value"] for fact in stage["facts"]}


def test_a_page_that_is_found_has_its_whole_story(stack, site):
    wait_for(lambda: "links" in story(stack, site.base + "/stave")[1], 20, "the links")
    answer, stages = story(stack, site.base + "/stave")
    assert answer["known"] and [fetch["status"] for fetch in answer["fetches"]] == [200]
    assert answer["fetches"][0]["result"] == "content" and answer["fetches"][0]["time"].startswith("20")
    assert facts(stages["scope"])["source"] == site.base + "/"
    assert stages["found"]["words"].endswith("in " + site.base + "/"), stages["found"]
    assert facts(stages["robots"])["file"] == site.base + "/robots.txt"
    assert facts(stages["robots"])["status"] == "200"
    assert "due because" in facts(stages["frontier"])
    assert facts(stages["fetch"])["address"] == "127.0.0.1"
    content = facts(stages["content"])
    assert content["title"] == "Staves" and content["charset"] == "utf-8" and int(content["words"]) > 5
    assert "admins only" in stages["visibility"]["words"]
    assert stages["shard"]["verdict"] == "ok" and "1 of 1 replica has it" in stages["shard"]["words"]
    assert any(value.startswith("has it, fetched") for value in facts(stages["shard"]).values())
    assert "1 page links to it" in stages["links"]["words"]
    assert facts(stages["links"])["linked from"] == f'{site.base}/, as "Staves"'


def test_what_stopped_a_page_is_named_with_its_line_its_header_or_its_rule(stack, site):
    _, stages = story(stack, site.base + "/secret")
    assert stages["robots"]["verdict"] == "stopped" and facts(stages["robots"])["line"] == "2: Disallow: /secret"
    assert stages["robots"]["cure"]
    _, stages = story(stack, site.base + "/tagged")
    assert stages["content"]["verdict"] == "stopped" and "noindex" in stages["content"]["words"]
    answer, stages = story(stack, site.base + "/private/page")
    assert not answer["known"] and stages["scope"]["verdict"] == "stopped"
    assert "deny prefix /private/" in stages["scope"]["words"]
    answer, stages = story(stack, site.base + "/missing")
    assert facts(stages["fetch"])["status"] == "404" and answer["fetches"][0]["result"] == "HTTP error"


def test_redirects_and_canonicals_are_followed_to_their_end(stack, site):
    _, stages = story(stack, site.base + "/further")
    assert f"leads by 2 steps to {site.base}/new, whose page is held" in stages["redirects"]["words"]
    assert [fact["value"] for fact in stages["redirects"]["facts"]] == [
        f"302: {site.base}/further to {site.base}/old", f"301: {site.base}/old to {site.base}/new"]
    _, stages = story(stack, site.base + "/new")
    assert "redirects to it" in stages["found"]["words"]
    _, stages = story(stack, site.base + "/copy")
    assert stages["canonical"]["words"] == f"names {site.base}/stave, which is held"


def test_pages_with_the_same_text_name_each_other(stack, site):
    stages = wait_for(lambda: (lambda told: "duplicates" in told and told)(story(stack, site.base + "/twin")[1]), 20,
                      "the other twin")
    assert stages["duplicates"]["words"].startswith("1 other page has the same text")
    assert facts(stages["duplicates"])["same text"] == site.base + "/other-twin"


def test_a_url_that_is_not_known_is_told_what_would_make_it_known(stack, site):
    answer, stages = story(stack, site.base + "/nobody/knows")
    assert not answer["known"] and answer["fetches"] == []
    assert stages["frontier"]["verdict"] == "unknown" and "tierce crawl" in stages["frontier"]["cure"]
    answer, stages = story(stack, "http://127.0.0.1:8099/")
    assert "no source names this host" in stages["scope"]["words"] and "config.yaml" in stages["scope"]["cure"]
    _, stages = story(stack, site.base + "/stave/")
    assert facts(stages["url"])["known instead"] == site.base + "/stave"


def test_a_url_is_told_how_it_was_read(stack, site):
    answer, stages = story(stack, site.base.upper() + "/x/../stave?utm_source=mail#part")
    assert answer["url"] == site.base + "/stave" and answer["known"]
    assert "what only tracks visitors" in stages["url"]["words"]


def test_fetches_of_the_past_stay_known(stack, site):
    for count in (2, 3):
        stack.tierce("crawl", site.base + "/stave")
        wait_for(lambda: len(stack.why(site.base + "/stave")["fetches"]) == count, 20, f"fetch {count}")
    times = [fetch["time"] for fetch in stack.why(site.base + "/stave")["fetches"]]
    assert times == sorted(times, reverse=True)


def test_the_command_tells_the_same(stack, site):
    answer, _ = story(stack, site.base + "/secret")
    done = json.loads(stack.tierce("why", "--json", site.base + "/secret").stdout)
    assert [stage["name"] for stage in done["stages"]] == [stage["name"] for stage in answer["stages"]]
    text = stack.tierce("why", site.base + "/secret").stdout
    assert "2: Disallow: /secret" in text and "to change that:" in text and "fetches, the newest first" in text
    assert stack.tierce("why", site.base + "/nobody/knows", check=False).returncode == 1


def test_the_admin_page_shows_it_and_only_to_admins(stack, site):
    path = "/admin/why?url=" + quote(site.base + "/secret", safe="")
    assert stack.get(path).status_code == 401
    page = stack.get(path, admin=True)
    assert page.status_code == 200 and "Disallow: /secret" in page.text and "What would change it" in page.text
    assert "script" in page.headers["Content-Security-Policy"] or "default-src" in page.headers["Content-Security-Policy"]
    attack = stack.get("/admin/why?url=" + quote("http://x/<script>alert(1)</script>", safe=""), admin=True)
    assert "<script>alert(1)" not in attack.text
    assert 'action="/admin/why"' in stack.get("/admin", admin=True).text
    assert stack.get("/admin/why", admin=True).status_code == 200
