"""The processes that crawl are killed again and again while they do: no page is missing afterwards, and none was fetched twice
but what was under way in an open lease."""
import os
import random
import signal
import time

from farm import Farm, requests_together
from site_server import now_us
from stack import SOAK, Stack, wait_for

KILLS = 100 if SOAK else 10
SITES = 8
PAGES = 1000 if SOAK else 120
DELAY_S = 0.05
UNREPORTED = 32  # pages of a lease that may be fetched and not acknowledged: LEDGER_UNREPORTED_MAX in the downloader


def choose(number, dice):
    """A downloader's leases last half a minute after its death: those of the short test die late, and together."""
    if SOAK:
        return dice.choice(["downloader", "parser", "indexserver"])
    return ["parser", "indexserver", "parser", "indexserver", "indexserver", "parser", "indexserver", "downloader",
            "indexserver", "downloader"][number]


def kill(stack, program):
    """When it died, and that it is back."""
    pids = wait_for(lambda: stack.pids(program), 30, f"{program} running")
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return now_us()


def requests(farm):
    return sum(len(site.log()) for site in farm.sites)


def wait_for_progress(farm, dice):
    before = requests(farm)
    wait_for(lambda: requests(farm) > before + 5, 60, "the crawl going on")
    time.sleep(dice.uniform(0, 0.2))  # at any moment of it


def fetched_again(farm, kills):
    """Pairs of fetches of one page; each must have the death of who fetched, or of who was to be told, between them."""
    count = 0
    for site in farm.sites:
        last = {}
        for request in site.log():
            earlier = last.get(request.target)
            if earlier is not None:
                count += 1
                assert any(earlier.began_us <= when <= request.began_us for when, program in kills
                           if program in ("downloader", "indexserver")), (site.name, request.target)
            last[request.target] = request
    return count


def test_killed_at_any_moment_the_crawl_misses_no_page_and_fetches_none_twice(tmp_path):
    dice = random.Random(5)
    farm = Farm(SITES, net=11, bad=[], pages=PAGES)
    stack = Stack(tmp_path / "stack", crawl={"sources": farm.sources(delay=f"{int(DELAY_S * 1000)}ms")})
    kills = []
    try:
        stack.start()
        for number in range(KILLS):
            if not kills or kills[-1][1] != "downloader":
                wait_for_progress(farm, dice)
            program = choose(number, dice)
            kills.append((kill(stack, program), program))
        wanted = SITES * PAGES
        wait_for(lambda: stack.documents() >= wanted, 200, "all pages in the index")
        assert stack.documents() == wanted
        for site in farm.sites:
            assert {request.target for request in site.log()} == set(site.good) | {"/robots.txt", "/sitemap.xml"}
            assert requests_together([site]) == 1
            assert min(site.gaps()) >= DELAY_S - 0.001
        again = fetched_again(farm, kills)
        deaths = sum(program != "parser" for _, program in kills)
        print(f"{KILLS} kills, {wanted} pages, {again} fetched again")
        assert again <= deaths * SITES * UNREPORTED
    finally:
        stack.abandon()
        farm.close()
