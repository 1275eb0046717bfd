"""A farm of small sites, each on a loopback address of its own: good ones, and one of every kind of bad ones. What was
asked of each, and when, stands in its own log."""
import bisect
import time
from email.utils import formatdate

from site_server import ROBOTS, Answer, Hangup, SiteServer, now_us, page, serve_bomb, serve_drip, serve_drip_headers
from site_server import serve_headers_many, serve_large, serve_loop, serve_reset

PAGES = 12  # of each site: the first leads to the others
SECOND_US = 1_000_000


class Site(SiteServer):
    """`good` are the paths that must be found in the index, whatever else the site does."""

    def __init__(self, address, name, count=PAGES, **keywords):
        super().__init__(host=address, **keywords)
        self.name = name
        self.source = {}  # what config.yaml says of it besides
        self.good = ["/"] + [f"/{n}" for n in range(1, count)]
        links = [(path, f"to {path}") for path in self.good[1:]]
        for number, path in enumerate(self.good):
            self.pages[path] = Answer(page(f"{name} {number}", self.text(number), links if path == "/" else links[:1]))

    def text(self, number):
        """No two pages are alike."""
        return " ".join(f"{self.name}word{number}x{n}" for n in range(40))

    def word(self, path):
        return f"{self.name}word{self.good.index(path)}x0"

    def link(self, *paths):
        """The first page leads there, too."""
        links = [(path, f"to {path}") for path in self.good[1:] + list(paths)]
        self.pages["/"] = Answer(page(f"{self.name} 0", self.text(0), links))

    # ---- what its log says ----
    def gaps(self):
        """Seconds between the end of each answer and the beginning of the next request."""
        log = self.log()
        return [(later.began_us - earlier.ended_us) / SECOND_US for earlier, later in zip(log, log[1:])]

    def longest_silence(self):
        log = self.log()
        return max([(later.began_us - earlier.began_us) / SECOND_US for earlier, later in zip(log, log[1:])], default=0)

    def asked(self, path):
        return [request for request in self.log() if request.target == path]


def together(intervals):
    """How many of these (begin, end) went on at a time, at most."""
    begins, ends = sorted(begin for begin, _ in intervals), sorted(end for _, end in intervals)
    return max((at + 1 - bisect.bisect_right(ends, begin) for at, begin in enumerate(begins)), default=0)


def requests_together(sites):
    return together([(request.began_us, request.ended_us) for site in sites for request in site.log()])


def connections_together(sites, late_us=150_000):
    """The server hears of a closed connection and of a new one in two threads: so much may the first be late."""
    now = now_us()
    return together([(at.opened_us, max(at.opened_us, (at.closed_us or now) - late_us))
                     for site in sites for at in site.connections()])


# ---- the bad ones ----

def first_times(count, bad, good):
    """A page that is `bad` so many times and then good."""
    asked = []

    def serve(x):
        asked.append(now_us())
        if len(asked) <= count:
            bad(x)
        else:
            x.send(good)
    return serve


def say(status, **headers):
    return lambda x: x.send(Answer(page("not now", "come again"), status, {k.replace("_", "-"): v for k, v in headers.items()}))


def say_date(status, seconds):
    return lambda x: x.send(Answer("later", status, {"Retry-After": formatdate(time.time() + seconds, usegmt=True)}))


def drip_slowly(x):
    """A byte a second."""
    x.query["ms"] = "1000"
    serve_drip(x)


def limited(site):
    site.pages["/3"] = first_times(1, say(429, Retry_After="2"), site.pages["/3"])


def busy(site):
    site.pages["/3"] = first_times(1, say(503, Retry_After="3"), site.pages["/3"])


def busy_until(site):
    site.pages["/3"] = first_times(1, say_date(503, 3), site.pages["/3"])


def busy_robots(site):
    site.pages["/robots.txt"] = first_times(1, say(503, Retry_After="2"), ROBOTS["allow"])


def resets(site):
    site.pages["/reset"] = serve_reset
    site.link("/reset", "/reset?at=headers", "/reset?at=body")


def flaky(site):
    site.pages["/3"] = first_times(1, serve_reset, site.pages["/3"])
    site.source["delay"] = "50ms"


def errors(site):
    for n in (1, 2, 3):
        site.pages[f"/error{n}"] = say(500)
    site.link("/error1", "/error2", "/error3")


def drips(site):
    site.pages = {"/": drip_slowly}
    site.good = []


def drips_pages(site):
    site.pages["/drip"] = drip_slowly
    site.link("/drip")


def loops(site):
    site.pages["/loop"] = lambda x: x.send(Answer("", 302, {"Location": "/loop"}))
    site.pages["/round"] = lambda x: x.send(Answer("", 301, {"Location": "/about"}))
    site.pages["/about"] = lambda x: x.send(Answer("", 301, {"Location": "/round"}))
    site.pages["/redirect/loop"] = serve_loop
    site.link("/loop", "/round", "/redirect/loop")


def calendar(site):
    """For every month there is a next one."""
    def month(x):
        at = int(x.text("month", "0"))
        x.send_page(f"Month {at}", f"nothing happens in month {at}",
                    [(f"/calendar?month={at + step}", "another month") for step in (1, 2, 12)])
    site.pages["/calendar"] = month
    site.link("/calendar?month=1")


def charsets(site):
    body = "<!doctype html><title>Falsch</title><meta charset=utf-8><p>Größe falscherzeichensatz" + site.name
    site.pages["/wrong"] = Answer(body.encode("latin-1"), content_type="text/html; charset=utf-16")
    site.pages["/unknown"] = Answer(body.encode("utf-8"), content_type="text/html; charset=no-such-thing")
    site.link("/wrong", "/unknown")


def huge(site):
    def serve(x):
        x.query["kb"] = "15000"
        serve_large(x)
    site.pages["/huge"] = serve
    site.link("/huge")


def bombs(site):
    def serve(x):
        x.query["mb"] = "50"
        serve_bomb(x)
    site.pages["/bomb"] = serve
    site.link("/bomb")


def hangs_robots(site):
    site.set_robots("drip")
    site.good = []


def endless_headers(site):
    site.pages["/drip/headers"] = serve_drip_headers
    site.pages["/headers/many"] = serve_headers_many
    site.link("/drip/headers", "/headers/many?kb=300")


def hangs(site):
    """Takes the request and says nothing."""
    def serve(x):
        while True:
            x.wait(1000)
    site.pages = {path: serve for path in ("/", "/robots.txt")}
    site.good = []


def closes(site):
    def serve(_):
        raise Hangup
    site.pages["/close"] = serve
    site.link("/close")


def slows(site):
    """Asks for more time than the source would leave it."""
    site.set_robots(Answer("User-agent: *\nCrawl-delay: 0.4\n", content_type="text/plain"))


BAD = [limited, busy, busy_until, busy_robots, resets, flaky, errors, drips, drips_pages, loops, calendar, charsets, huge, bombs,
       hangs_robots, endless_headers, hangs, closes, slows]


class Farm:
    """`count` sites at 127.0.NET.1 and on, the last of them bad ones; all serve until close()."""

    def __init__(self, count, net=7, bad=BAD, pages=PAGES):
        self.sites = []
        for number in range(count):
            kind = bad[count - 1 - number] if count - 1 - number < len(bad) else None
            name = kind.__name__.replace("_", "") if kind else f"good{number}"
            site = Site(f"127.0.{net}.{number + 1}", name, pages)
            if kind:
                kind(site)
            self.sites.append(site.start())

    def __getitem__(self, name):
        return next(site for site in self.sites if site.name == name)

    def good_sites(self):
        return [site for site in self.sites if site.name.startswith("good")]

    def good_pages(self):
        return [site.url + path for site in self.sites for path in site.good]

    def sources(self, **common):
        return [{"url": site.url + "/", "public": True, "allow_private": True, **common, **site.source} for site in self.sites]

    def close(self):
        for site in self.sites:
            site.stop()
