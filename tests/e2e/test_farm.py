"""Fifty sites at once, bad ones among them. How kindly they were crawled is read from their own logs."""
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from farm import BAD, PAGES, SECOND_US, Farm, Site, connections_together, drips, requests_together, together
from stack import SANITIZED, SOAK, Stack, wait_for

SITES = 150 if SOAK else 50
DELAY_S = 0.1
TIMEOUT_S = 8  # how long a site that never ends its answer is listened to
SILENCE_S = 6  # nobody waits for it
# These are still sending, for all they know, when the other side has gone.
UNAWARE = {"drips", "dripspages", "hangsrobots", "endlessheaders", "hangs"}


def is_indexed(stack, url):
    return any(stage["name"] == "index" and stage["verdict"] == "ok" for stage in stack.why(url)["stages"])


def wait_until_indexed(stack, urls, seconds):
    missing = list(urls)

    def none_missing():
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda url: is_indexed(stack, url), missing))
        missing[:] = [url for url, good in zip(missing, found) if not good]
        return not missing
    try:
        wait_for(lambda: stack.stats()["frontier"]["fetched"] >= len(urls), seconds, "the fetches")
        wait_for(none_missing, seconds, "every good page in the index")
    except AssertionError as late:
        raise AssertionError(f"{late}: {missing[:5]}") from None


@pytest.fixture(scope="module")
def crawled(tmp_path_factory):
    """A farm, and the stack that has crawled it."""
    farm = Farm(SITES)
    stack = Stack(tmp_path_factory.mktemp("farm"), crawl={
        "timeout": f"{TIMEOUT_S}s", "sources": farm.sources(delay=f"{int(DELAY_S * 1000)}ms")})
    try:
        stack.start()
        wait_until_indexed(stack, farm.good_pages(), 60 if not SOAK else 200)
        yield farm, stack
    finally:
        stack.abandon()
        farm.close()


def test_every_good_page_is_found_by_its_words(crawled):
    farm, stack = crawled
    for site in farm.sites[::5]:
        for path in site.good[-1:]:
            assert stack.urls(site.word(path)) == [site.url + path]


def test_nobody_waits_for_a_site_that_sends_a_byte_a_second(crawled):
    farm, _ = crawled
    assert len(farm["drips"].asked("/")) >= 1
    silences = {site.name: site.longest_silence() for site in farm.good_sites()}
    assert max(silences.values()) < SILENCE_S * (3 if SANITIZED else 1), sorted(silences.items(), key=lambda at: -at[1])[:3]


def test_a_good_page_is_fetched_once_and_so_is_robots_txt(crawled):
    farm, _ = crawled
    for site in farm.good_sites():
        paths = sorted(request.target for request in site.log())
        assert paths == sorted(site.good + ["/robots.txt"]), site.name


def test_a_host_is_asked_one_thing_at_a_time_on_one_connection(crawled):
    farm, _ = crawled
    for site in farm.sites:
        if site.name not in UNAWARE:
            assert requests_together([site]) == 1, site.name
            assert connections_together([site]) == 1, site.name


def test_the_delay_lies_between_an_answer_and_the_next_request(crawled):
    farm, _ = crawled
    for site in farm.sites:
        if site.name not in UNAWARE | {"slows", "flaky"}:
            assert min(site.gaps(), default=1) >= DELAY_S - 0.001, site.name
    assert min(farm["flaky"].gaps()) >= 0.049
    assert min(farm["slows"].gaps()[1:]) >= 0.399, "its Crawl-delay"


@pytest.mark.parametrize("name, path, seconds", [("limited", "/3", 2), ("busy", "/3", 3), ("busyrobots", "/robots.txt", 2)])
def test_retry_after_in_seconds_is_obeyed(crawled, name, path, seconds):
    log = crawled[0][name].log()
    at = next(n for n, request in enumerate(log) if request.target == path and request.status in (429, 503))
    assert (log[at + 1].began_us - log[at].ended_us) / SECOND_US >= seconds - 0.01


def test_retry_after_as_a_date_is_obeyed(crawled):
    site = crawled[0]["busyuntil"]
    log = site.log()
    at = next(n for n, request in enumerate(log) if request.status == 503)
    # It names whole seconds, at least two and at most three of them away.
    assert (log[at + 1].began_us - log[at].ended_us) / SECOND_US >= 1.9


def test_a_host_that_errs_is_asked_less_and_less(crawled):
    log = crawled[0]["errors"].log()
    broken = [n for n, request in enumerate(log) if request.status == 500]
    waits = [(log[n + 1].began_us - log[n].ended_us) / SECOND_US for n in broken[1:] if n - 1 in broken and n + 1 < len(log)]
    assert all(wait >= 1.4 for wait in waits), waits


def test_a_calendar_without_end_costs_a_bounded_number_of_fetches(crawled):
    farm, stack = crawled
    site = farm["calendar"]
    months = [request.target for request in site.log() if request.target.startswith("/calendar")]
    assert 20 < len(months) <= 100, len(months)  # its budget is 52, besides what was leased by then
    assert is_indexed(stack, site.url + "/11")


def test_what_harms_is_refused_and_says_so(crawled):
    farm, stack = crawled

    def words(name, path):
        return wait_for(lambda: " ".join(stage["words"] for stage in stack.why(farm[name].url + path)["stages"]
                                         if stage["name"] == "fetch"), 20, path)
    assert "expands more than 100:1" in words("bombs", "/bomb")
    assert is_indexed(stack, farm["huge"].url + "/huge")


@pytest.mark.parametrize("downloaders", [1, 2])
def test_ten_hosts_on_one_address_share_two_connections(tmp_path, downloaders):
    sites = [Site("127.0.8.1", f"near{number}", PAGES).start() for number in range(10)]
    stack = Stack(tmp_path / "stack", crawl={"downloaders": downloaders, "sources": [
        {"url": site.url + "/", "public": True, "allow_private": True, "delay": "20ms"} for site in sites]})
    try:
        stack.start()
        wait_until_indexed(stack, [site.url + path for site in sites for path in site.good], 60)
        if downloaders == 1:
            assert connections_together(sites) <= 2
            assert requests_together(sites) <= 2
        # Of several downloaders none knows the address before each host's first request.
        pages = [(request.began_us, request.ended_us) for site in sites for request in site.log()[1:]]
        assert together(pages) <= 2
        for site in sites:
            assert min(site.gaps()) >= 0.019
            assert sorted(request.target for request in site.log()) == sorted(site.good + ["/robots.txt"])
    finally:
        stack.abandon()
        for site in sites:
            site.stop()


def test_pause_finishes_what_is_being_fetched_and_begins_nothing(tmp_path):
    farm = Farm(4, net=9, bad=[], pages=200)
    stack = Stack(tmp_path / "stack", crawl={"sources": farm.sources(delay="50ms")})
    try:
        stack.start()
        wait_for(lambda: all(len(site.log()) > 10 for site in farm.sites), 30, "a crawl that is under way")
        first, others = farm.sites[0], farm.sites[1:]
        stack.tierce("crawl", "pause", first.url + "/")
        asked = wait_for_silence(first)
        before = [len(site.log()) for site in others]
        wait_for(lambda: all(len(site.log()) > count + 10 for site, count in zip(others, before)), 20, "the others go on")
        assert len(first.log()) == asked
        stack.tierce("crawl", "resume", first.url + "/")
        wait_for(lambda: len(first.log()) > asked + 5, 20, "it goes on")
        stack.tierce("pause")
        counts = [wait_for_silence(site) for site in farm.sites]
        wait_for(lambda: stack.stats()["frontier"]["leased"] == 0, 20, "no lease")
        assert [len(site.log()) for site in farm.sites] == counts
        for site in farm.sites:  # nothing was given up half-way, nothing comes twice
            paths = [request.target for request in site.log()]
            assert len(paths) == len(set(paths))
            assert all(request.status == 200 for request in site.log())
    finally:
        stack.abandon()
        farm.close()


def wait_for_silence(site):
    """One request may have been under way when the command was answered, and no more: then there are none."""
    before = len(site.log())
    wait_for(lambda: site.log()[-1].ended_us > 0, 5)
    time.sleep(1)
    after = len(site.log())
    assert after <= before + 2
    return after


def test_all_fetches_together_keep_to_the_bandwidth(tmp_path):
    sites = [Site(f"127.0.10.{number + 1}", f"wide{number}", 4) for number in range(6)]
    for site in sites:
        for path in site.good[1:]:
            site.pages[path].body += "<p>" + " ".join(f"filler{n}" for n in range(4000))
        site.start()
    sent = sum(len(site.pages[path].bytes()) for site in sites for path in site.good)
    rate = 200 * 1000
    stack = Stack(tmp_path / "stack", crawl={"bandwidth": str(rate // 1024) + "K", "sources": [
        {"url": site.url + "/", "public": True, "allow_private": True, "delay": "0"} for site in sites]})
    try:
        stack.start()
        wait_until_indexed(stack, [site.url + path for site in sites for path in site.good], 60)
        began = min(request.began_us for site in sites for request in site.log())
        ended = max(request.ended_us for site in sites for request in site.log())
        # What the last answers hold is on its way when they are sent.
        last = 6 * 60 * 1000
        assert (ended - began) / SECOND_US >= (sent - last) / rate * 0.8
    finally:
        stack.abandon()
        for site in sites:
            site.stop()


def test_the_kinds_of_bad_sites_are_all_there(crawled):
    farm, _ = crawled
    assert {kind.__name__.replace("_", "") for kind in BAD} <= {site.name for site in farm.sites}
    assert drips in BAD
