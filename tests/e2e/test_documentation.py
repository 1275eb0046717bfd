"""Large sites as they are, with other languages, old charsets, copies and broken links, held against a plain reading."""
import html
import html.parser
import re
from pathlib import Path
from urllib.parse import quote, unquote, urldefrag, urljoin, urlsplit

import pytest

from conftest import unpacked
from sites import NginxSite
from stack import SOAK, Stack, wait_for

LINKS = {"a": "href", "area": "href", "frame": "src", "iframe": "src"}  # what a reader can follow


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.base, self.found, self.leads_on = None, [], False

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "base" and self.base is None:
            self.base = attributes.get("href")
        if tag == "meta" and (attributes.get("http-equiv") or "").lower() == "refresh" and "url" in attributes.get("content", "").lower():
            self.leads_on = True
            self.found.append(re.split("url=", attributes["content"], flags=re.I)[1].strip("'\" "))
        if attributes.get(LINKS.get(tag, "")) is not None:
            self.found.append(attributes[LINKS[tag]])


def normal(url):
    """The normal form of docs/urls.md, as far as these sites need it; None: nothing to fetch."""
    url = urldefrag(re.sub(r"[\t\r\n]", "", url.strip())).url
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return None
    path = quote(unquote(parts.path, errors="surrogateescape"), safe="/:@!$&'()*+,;=-._~", errors="surrogateescape")
    query = "?" + quote(parts.query, safe="/?:@!$&'()*+,;=-._~%") if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{path}{query}"


class Reading:
    """What is reachable from the first page: `pages` are there, `broken` are not, `other` is no text; of the pages those that
    lead on by themselves are no documents."""

    def __init__(self, folder, base, first):
        self.pages, self.broken, self.other, self.leading_on = set(), set(), set(), set()
        todo = [base + first]
        seen = set(todo)
        while todo:
            url = todo.pop()
            path = Path(folder) / unquote(urlsplit(url).path.lstrip("/"))
            if path.is_dir() and not url.endswith("/"):
                targets = [url + "/"]  # NGINX redirects
                self.other.add(url)
            else:
                if path.is_dir():
                    path = path / "index.html"
                targets = self.read(path, url)
            for target in targets:
                target = normal(target)
                if target is not None and target.startswith(base + "/") and target not in seen:
                    seen.add(target)
                    todo.append(target)

    def documents(self):
        return len(self.pages) - len(self.leading_on)

    def read(self, path, url):
        if not path.is_file():
            self.broken.add(url)
            return []
        if path.suffix not in (".html", ".htm"):
            self.other.add(url)
            return []
        self.pages.add(url)
        page = Links()
        page.feed(path.read_bytes().decode("latin-1"))
        if page.leads_on:
            self.leading_on.add(url)
        base = url if page.base is None else urljoin(url, page.base)
        return [urljoin(base, href.strip()) for href in page.found]


def crawl(tmp_path, folder, first, seconds):
    """The site, a stack that has crawled it, and the plain reading."""
    (tmp_path / "site").mkdir()
    site = NginxSite(folder, tmp_path / "site", charset="off")
    reading = Reading(folder, site.base, first)
    stack = Stack(tmp_path / "stack", crawl={"handbook": False, "max_pages": 20000, "sources": [
        {"url": site.base + first, "public": True, "allow_private": True, "delay": "0"}]})
    stack.start()

    def done():
        frontier = stack.stats()["frontier"]
        return frontier["fetched"] >= len(reading.pages) and frontier["queued"] == 0 and frontier["leased"] == 0
    try:
        wait_for(done, seconds, f"all {len(reading.pages)} pages")
        wait_for(lambda: stack.documents() >= reading.documents(), 120, "their index")
    except AssertionError:
        print(stack.stats()["frontier"], len(reading.pages), stack.documents())
        raise
    return site, stack, reading


def check_fetches(site, reading):
    """Every page once, every broken link once, nothing that nobody links to."""
    paths = [path for _, status, _, path in site.log() if status == 200]
    fetched = {site.base + path for path in paths if path.endswith((".html", ".htm", "/")) or "." not in path.rsplit("/", 1)[1]}
    asked = {path for _, status, _, path in site.log() if status in (403, 404)} - {"/robots.txt", "/sitemap.xml"}
    assert fetched - reading.other == reading.pages
    # Python's urljoin() drops empty parts of a path, which browsers keep
    assert {re.sub("/+", "/", path) for path in asked} == {re.sub("/+", "/", url[len(site.base):]) for url in reading.broken}
    assert len(paths) == len(set(paths)), "a page was fetched twice"


def titles_by_language(folder, count):
    """(language, title) of some pages that are no copies, decoded as each page declares."""
    for language in sorted(path.name for path in folder.iterdir() if (path / "index.html").is_file()):
        own = [path for path in sorted((folder / language).rglob("*.html")) if not path.is_symlink()]
        for path in own[:: max(1, len(own) // count)][:count]:
            body = path.read_bytes()
            charset = re.search(rb"charset=([\w-]+)", body).group(1).decode()
            title = re.search(r"<title>(.*?)</title>", body.decode(charset), re.S).group(1)
            yield language, " ".join(html.unescape(title).split())


def check_titles(stack, folder, count):
    """Every language's words came through its charset."""
    wrong, languages = [], set()
    for language, title in titles_by_language(folder, count):
        languages.add(language)
        found = [result["title"] for result in stack.search(f'"{title}"')["results"]]
        if title not in found:
            wrong.append((language, title, found[:3]))
    assert wrong == []
    assert len(languages) >= 10, languages


def test_a_manual_in_ten_languages_and_several_charsets_is_found_whole(tmp_path):
    folder = unpacked("apache2-doc") / "manual"
    site, stack, reading = crawl(tmp_path, folder, "/index.html", 300)
    try:
        assert len(reading.pages) > 2500
        check_fetches(site, reading)
        assert stack.documents() == reading.documents()
        check_titles(stack, folder, 12 if SOAK else 4)
    finally:
        stack.abandon()
        site.close()


def test_a_site_with_thousands_of_broken_links_is_crawled_to_its_end(tmp_path):
    folder = unpacked("libboost1.81-doc")
    site, stack, reading = crawl(tmp_path, folder, "/doc/html/index.html", 900)
    try:
        print(len(reading.pages), len(reading.broken), len(reading.other))
        check_fetches(site, reading)
        assert stack.documents() == reading.documents()
    finally:
        stack.abandon()
        site.close()
