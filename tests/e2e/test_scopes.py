"""Scopes of config.yaml: what is fetched of a site by its rules, and what an edit of them does to what is held."""
import json
import subprocess
import time

import pytest

from sites import PythonSite
from stack import BIN, Stack, wait_for


def words():
    """A site of three folders; /docs/ and /blog/ have more pages than a slip of the pen may take away."""
    pages = {"/": ("Front", "front <a href='/docs/'>docs</a> <a href='/blog/?utm_source=front&page=1'>blog</a> "
                            "<a href='/files/plan.pdf'>plan</a> <a href='/private/notes'>notes</a> <a href='/deep/1'>deep</a>")}
    pages["/docs/"] = ("Docs", " ".join(f"<a href='/docs/{i}'>{i}</a>" for i in range(12)))
    for i in range(12):
        pages[f"/docs/{i}"] = (f"Docs {i}", f"documentation number{i} <a href='/docs/{i}?utm_medium=x&gclid=9'>here</a>")
    pages["/blog/?page=1"] = ("Blog", " ".join(f"<a href='/blog/{i}?PHPSESSID=abc'>{i}</a>" for i in range(3)))
    for i in range(3):
        pages[f"/blog/{i}"] = (f"Blog {i}", f"entry number{i}")
    pages["/private/notes"] = ("Notes", "not to be found: confidentialword")
    for i in range(1, 6):
        pages[f"/deep/{i}"] = (f"Deep {i}", f"level {i} <a href='/deep/{i + 1}'>on</a>")
    return pages


class Site(PythonSite):
    def __init__(self):
        super().__init__(None, words())

    def answer(self, path):
        if path == "/sitemap.xml":
            return 200, [("Content-Type", "application/xml")], (
                f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url><loc>{self.base}/docs/3</loc></url></urlset>"
            ).encode()
        return super().answer(path)

    def asked(self):
        return {path for _, path, _ in self.log}


@pytest.fixture(scope="module")
def site():
    made = Site()
    yield made
    made.close()


@pytest.fixture(scope="module")
def scoped(tmp_path_factory, site):
    source = {"url": site.base + "/", "seeds": [site.base + "/deep/3"], "sitemaps": [site.base + "/sitemap.xml"], "max_depth": 2,
              "rules": ["allow prefix /private/open/", "deny prefix /private/", r"deny regex \.pdf$", "deny prefix /attack"]}
    stack = Stack(tmp_path_factory.mktemp("scoped"), crawl={"sources": [source]})
    stack.start()
    wait_for(lambda: site.asked() >= {f"/docs/{i}" for i in range(12)} | {f"/blog/{i}" for i in range(3)} | {"/deep/5"}, 60,
             "the site's pages")
    wait_for(lambda: stack.documents() == len(words()) - 1, 30, "all but the private page in the index")
    yield stack
    stack.stop()
    stack.abandon()


def tierce(stack, *arguments, check=True):
    done = subprocess.run([BIN / "tierce", *arguments, "--data", stack.data], capture_output=True, text=True, timeout=60)
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def state(stack, url):
    sources = {each["url"]: each for each in stack.stats()["sources"]}
    return sources.get(url)


def edited(stack, change):
    change(stack.config["crawl"])
    stack.write_config()


def test_rules_depth_and_query_decide_what_is_fetched(scoped, site):
    asked = site.asked()
    assert "/private/notes" not in asked and "/files/plan.pdf" not in asked and "/attack" not in asked
    assert "/sitemap.xml" in asked
    assert not [path for path in asked if "utm_" in path or "gclid" in path or "PHPSESSID" in path], asked
    assert "/blog/?page=1" in asked  # what the page needs stays
    # a seed's links are one away from it
    assert {"/deep/1", "/deep/2", "/deep/3", "/deep/4", "/deep/5"} <= asked
    for path in words():
        assert len(site.fetches(path)) <= 1, path


def test_why_and_crawl_name_the_rule(scoped, site):
    assert "rule 2: deny prefix /private/" in tierce(scoped, "why", site.base + "/private/notes", check=False)
    refused = tierce(scoped, "crawl", site.base + "/x.pdf", check=False)
    assert r"rule 3: deny regex \.pdf$" in refused


def test_check_config_tells_what_an_edit_would_change(scoped, site, tmp_path):
    file = tmp_path / "config.yaml"
    text = scoped.config_file.read_text()
    file.write_text(text)
    assert "no source changes" in tierce(scoped, "check-config", file)
    file.write_text(text.replace("- deny prefix /private/\n", "- deny prefix /blog/\n"))
    diff = json.loads(tierce(scoped, "check-config", file, "--json"))
    assert diff["ok"] and diff["compared"]
    changed, = diff["sources"]
    assert changed["change"] == "changed" and changed["loses"] == 4 and not changed["kept"]
    assert changed["gains"] == 1 and changed["gained"] == [site.base + "/private/notes"]
    said = tierce(scoped, "check-config", file)
    assert "4 would leave the index" in said and f"+ {site.base}/private/notes" in said
    file.write_text(text.replace("- deny prefix /private/\n", "- deny prefix /docs/\n"))
    changed, = json.loads(tierce(scoped, "check-config", file, "--json"))["sources"]
    assert changed["loses"] == 13 and changed["kept"]
    file.write_text("crawl: {sources: ['http://127.0.0.9/']}\n")
    assert [each["change"] for each in json.loads(tierce(scoped, "check-config", file, "--json"))["sources"]] == \
        ["taken out", "added"]
    file.write_text("crawl: {sources: [{url: 'http://a/', rules: ['deny regex (']}]}\n")
    assert "config.yaml:1:46" in tierce(scoped, "check-config", file, check=False)


def test_an_edit_takes_pages_away_and_brings_others(scoped, site):
    before = scoped.documents()
    edited(scoped, lambda crawl: crawl["sources"][0]["rules"].__setitem__(1, "deny prefix /blog/"))
    wait_for(lambda: "/private/notes" in site.asked(), 30, "a page that a rule denied")
    wait_for(lambda: scoped.documents() == before - 4 + 1, 30, "the index without the blog")
    edited(scoped, lambda crawl: crawl["sources"][0]["rules"].__setitem__(1, "deny prefix /private/"))
    wait_for(lambda: scoped.documents() == before, 30, "the index as it was")


def test_a_slip_of_the_pen_takes_nothing_away_until_it_is_confirmed(scoped, site):
    before = scoped.documents()
    edited(scoped, lambda crawl: crawl["sources"][0]["rules"].insert(0, "deny prefix /docs"))
    wait_for(lambda: "keeps 13 pages" in state(scoped, site.base + "/")["state"], 30, "the state of the source")
    assert scoped.documents() == before
    tierce(scoped, "confirm", site.base.removeprefix("http://"))
    wait_for(lambda: scoped.documents() == before - 13, 30, "the index without the docs")


def test_a_source_that_was_taken_out_stays_until_it_is_purged(scoped, site):
    before = scoped.documents()
    assert "take it out first" in tierce(scoped, "purge", site.base + "/", check=False)
    edited(scoped, lambda crawl: crawl.__setitem__("sources", []))
    wait_for(lambda: "tierce purge" in state(scoped, site.base + "/")["state"], 30, "the state of the source")
    time.sleep(0.5)  # nothing goes by itself
    assert scoped.documents() == before > 0
    assert "no source" in tierce(scoped, "crawl", "purge", "http://127.0.0.77/", check=False)
    tierce(scoped, "crawl", "purge", site.base + "/")
    wait_for(lambda: scoped.documents() == 0, 30, "the empty index")
    wait_for(lambda: state(scoped, site.base + "/") is None, 30, "the source to be forgotten")


def test_quiet_hours_are_kept_and_said(scoped, site):
    hours = time.strftime("%H:00-", time.localtime(time.time() - 3600)) + time.strftime("%H:00", time.localtime(time.time() + 7200))
    site.log.clear()
    edited(scoped, lambda crawl: crawl.__setitem__("sources", [{"url": site.base + "/", "quiet_hours": [hours]}]))
    wait_for(lambda: "quiet until" in (state(scoped, site.base + "/") or {"state": ""})["state"], 30, "the quiet hours")
    assert not site.asked()
    edited(scoped, lambda crawl: crawl["sources"][0].pop("quiet_hours"))
    wait_for(lambda: "/docs/3" in site.asked(), 30, "the crawl after the quiet hours")
