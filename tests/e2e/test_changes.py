"""Pages that change, sites that are added and taken away, while everything runs."""
import json
import time

import pytest

from sites import PythonSite
from stack import wait_for

pytestmark = pytest.mark.sanitized


@pytest.fixture(scope="module")
def proxy():
    return "nginx"


@pytest.fixture
def other_site(tmp_path):
    site = PythonSite(tmp_path, words={"/": ("Vineyard", "Grapes and must. <a href='/press'>The press</a>")})
    site.word, site.home_word = f"must{site.port}word", f"grape{site.port}word"
    site.words["/"] = ("Vineyard", f"Here are {site.home_word}. <a href='/press'>The press</a>")
    site.words["/press"] = ("Press", f"A basket press squeezes {site.word}.")
    yield site
    site.close()


def finds(stack, word, url, seconds=20, admin=True):
    return wait_for(lambda: url in stack.urls(word, admin=admin), seconds, f"{word} at {url}")


def test_a_site_added_in_the_configuration_is_crawled_without_a_restart(small_stack, other_site):
    before = small_stack.pids("indexserver")
    small_stack.config["crawl"]["sources"].append(
        {"url": other_site.base + "/", "public": True, "allow_private": True, "delay": "0"})
    small_stack.write_config()
    finds(small_stack, other_site.word, other_site.base + "/press", admin=False)
    assert small_stack.pids("indexserver") == before


def test_a_bad_edit_is_refused_with_its_place_and_the_old_settings_stay(small_stack):
    good = small_stack.config_file.read_text()
    small_stack.config_file.write_text(good + "\nsearhc:\n  public: maybe\n")
    error = wait_for(lambda: small_stack.stats()["config"]["error"], 10, "the error in the statistics")
    line = len(good.splitlines()) + 2
    assert f"config.yaml:{line}:1" in error and "search" in error
    assert small_stack.urls("quenching")
    small_stack.config_file.write_text(good)
    wait_for(lambda: not small_stack.stats()["config"]["error"], 10, "the error gone")


def test_urls_are_added_by_post_once_they_are_in_the_log(small_stack, other_site):
    answer = small_stack.post("/api/v1/urls", {"urls": [other_site.base + "/", "ftp://x/", "nonsense", "http://example.org/"]})
    assert answer.status_code == 202
    value = answer.json()
    assert value["accepted"] == 1 and len(value["rejected"]) == 3
    reasons = {entry["url"]: entry["reason"] for entry in value["rejected"]}
    assert "crawl.contact" in reasons["http://example.org/"]
    finds(small_stack, other_site.word, other_site.base + "/press")


def test_pages_of_a_private_address_are_the_admins_until_said_public(small_stack, other_site):
    small_stack.tierce("crawl", other_site.base + "/")
    finds(small_stack, other_site.word, other_site.base + "/press", admin=True)
    assert small_stack.urls(other_site.word) == []
    assert small_stack.backlinks(other_site.base + "/press")[0] == 0
    small_stack.config["crawl"]["sources"].append(
        {"url": other_site.base + "/", "public": True, "allow_private": True, "delay": "0"})
    small_stack.write_config()
    finds(small_stack, other_site.word, other_site.base + "/press", admin=False)


def test_a_page_is_as_open_as_the_least_open_source_that_covers_it(small_stack, other_site):
    sources = small_stack.config["crawl"]["sources"]
    open_one = {"url": other_site.base + "/", "public": True, "allow_private": True, "delay": "0"}
    closed_one = {"url": other_site.base + "/press", "prefix": other_site.base + "/press", "allow_private": True, "delay": "0"}
    sources += [open_one, closed_one]
    small_stack.write_config()
    finds(small_stack, other_site.word, other_site.base + "/press", admin=True)
    finds(small_stack, other_site.home_word, other_site.base + "/", admin=False)
    assert small_stack.urls(other_site.word) == []
    sources.remove(closed_one)
    small_stack.write_config()
    finds(small_stack, other_site.word, other_site.base + "/press", admin=False)


def test_a_public_prefix_opens_nothing_that_an_admin_crawled_beside_it(small_stack, other_site):
    base, port = other_site.base, other_site.port
    wiki, ledger, rumour = f"wiki{port}word", f"ledger{port}word", f"rumour{port}word"
    press, private = base + "/wiki/press", base + "/private/"
    other_site.words = {
        "/wiki/": ("Wiki", "All about <a href='/wiki/press'>presses</a>"),
        "/wiki/press": ("Press", f"It says {wiki}."),
        "/private/": ("Ledger", f"It says {ledger}, and has <a href='/wiki/press'>{rumour}</a>."),
    }
    source = {"url": base + "/wiki/", "prefix": base + "/wiki/", "public": True, "allow_private": True, "delay": "0"}
    small_stack.config["crawl"]["sources"].append(source)
    small_stack.write_config()
    finds(small_stack, wiki, press, admin=False)
    small_stack.tierce("crawl", private)
    finds(small_stack, ledger, private, admin=True)
    wait_for(lambda: small_stack.backlinks(press, admin=True)[0] == 2, 10, "both links for the admin")
    # Nothing of it shows: no result, no total, no link, no count, no word of a link.
    assert small_stack.search(ledger)["total"] == 0
    total, links = small_stack.backlinks(press)
    assert total == 1 and [link["url"] for link in links] == [base + "/wiki/"]
    assert [result["inlinks"] for result in small_stack.search(wiki)["results"]] == [1]
    assert small_stack.urls(rumour) == []

    def edit_takes_effect(condition, **changes):
        source.update(changes)
        small_stack.write_config()
        begun = time.monotonic()
        wait_for(condition, 10, str(changes))
        assert time.monotonic() - begun < 2.0, changes

    edit_takes_effect(lambda: not small_stack.urls(wiki), public=False)
    assert small_stack.backlinks(press)[0] == 0
    del source["prefix"]
    edit_takes_effect(lambda: small_stack.urls(ledger) == [private], public=True)
    assert small_stack.backlinks(press)[0] == 2
    assert set(small_stack.urls(rumour)) == {press, private}


def test_a_removed_page_is_gone_within_a_second(small_stack, other_site):
    small_stack.tierce("crawl", other_site.base + "/")
    finds(small_stack, other_site.word, other_site.base + "/press")
    answer = small_stack.post("/api/v1/urls", {"url": other_site.base + "/press"}, method="DELETE")
    assert answer.status_code in (200, 202), answer.text
    begun = time.monotonic()
    wait_for(lambda: not small_stack.urls(other_site.word, admin=True), 5, "the page gone")
    assert time.monotonic() - begun < 1.5
    small_stack.tierce("remove", "--site", other_site.base.split("//")[1])
    wait_for(lambda: not small_stack.urls(other_site.home_word, admin=True), 5, "the site gone")


def test_an_updated_page_replaces_the_old_one(small_stack, other_site):
    small_stack.tierce("crawl", other_site.base + "/")
    finds(small_stack, other_site.word, other_site.base + "/press")
    other_site.words["/press"] = ("Press", f"Now it says fresh{other_site.port}word instead.")
    small_stack.tierce("crawl", other_site.base + "/press")
    finds(small_stack, f"fresh{other_site.port}word", other_site.base + "/press")
    assert small_stack.urls(other_site.word, admin=True) == []


def test_a_page_is_searchable_within_a_second_of_being_acknowledged(small_stack, other_site):
    small_stack.tierce("crawl", other_site.base + "/")
    wait_for(lambda: other_site.fetches("/press"), 20, "the fetch")
    fetched = other_site.fetches("/press")[0][0]
    finds(small_stack, other_site.word, other_site.base + "/press")
    assert time.monotonic() - fetched < 2.0


def test_the_crawl_can_be_paused_and_resumed(small_stack, other_site):
    small_stack.tierce("pause")
    small_stack.tierce("crawl", other_site.base + "/")
    status = json.dumps(wait_for(lambda: (lambda s: s if s["frontier"]["paused"] else None)(small_stack.stats()), 10))
    assert "pause" in status
    assert other_site.log == []
    small_stack.tierce("resume")
    finds(small_stack, other_site.word, other_site.base + "/press")
