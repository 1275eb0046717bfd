#!/usr/bin/env python3
"""A web server for tests: an ordinary small site, and every hostile thing a crawler may meet.

As a program it listens on a free port, prints "listening on http://127.0.0.1:PORT", and serves until
its standard input ends or it is told to stop:

    site_server.py [--host 127.0.0.1] [--port 0] [--folder DIR] [--robots VARIANT] [--tls CERT KEY]

As a module:

    with SiteServer(folder="/usr/share/doc/x/html", robots="allow") as site:
        requests.get(site.url + "/index.html")
        site.log()            # a list of Request, oldest first
        site.connections()    # a list of Connection
        site.pages["/x"] = Answer(body="<p>hello")   # pages of one's own, tried first

What it serves, in this order: pages set by the test; /_log, /_log.txt, /_log/clear, /_robots/VARIANT;
/robots.txt; the hostile paths below; files of the folder; else 404. Parameters stand in the query.

    /page/N?of=M&ms=0           page N of M, linking to the next, the one before and the first
    /html?text=..&title=..      a page with this text
    /redirect?to=URL&status=302
    /redirect/chain/N           N redirects, then a page;  /redirect/loop  never ends
    /status/N?retry_after=V     any status
    /drip?ms=200&bytes=1        a page that comes a byte at a time, for ever;  &first=5000: but for the first of it
    /drip/headers?ms=200        headers that do
    /slow?ms=1000               answers after a while
    /bomb/gzip?mb=100           zeros that were compressed well
    /bomb/twice?mb=100          gzip inside gzip
    /headers?kb=100             one long header;  /headers/many?kb=100  many short ones
    /early?n=3                  1xx answers before the answer
    /large?kb=1024&length=1     a large text;  length=0: without Content-Length
    /type?is=image/png&kb=1     a body of that type
    /gzip?text=..               a page compressed once
    /charset?is=utf-8&said=latin1   a page in one charset that claims another
    /etag                       304 for whoever knows its validators
    /close?at=start|headers|body&status=200   the connection is closed there
    /reset?at=start|headers|body&status=200   the same, with a TCP reset
    /garbage                    no HTTP at all
    /chunked?damaged=1          a chunked body, or one whose chunks are wrong
    /chunked/extension          a chunk whose extension never ends;  /chunked/trailers?kb=100  long trailers
    /length?says=N&sends=M      a body of M bytes whose Content-Length says N;  &and=K  and another one K
    /endless                    a body that never ends, without Content-Length
    /empty/gzip                 a packed body that goes on for ever and stands for nothing
    /tags?robots=noindex        X-Robots-Tag
    /members/N?need=basic       for whoever makes himself known: basic, bearer, header, cookie, form;  &ms=500 after a while
    /login                      POST user=reader&password=secret: a cookie for /members/N?need=form;  ?ms=500 after a while
    /_logout                    ends all sessions of /login
"""

import argparse
import base64
import functools
import gzip
import html
import json
import mimetypes
import os
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse
import zlib
from dataclasses import asdict, dataclass, field
from email.utils import formatdate

REQUEST_BYTES_MAX = 256 * 1024
ETAG = '"tierce-1"'
LAST_MODIFIED = "Sat, 01 Nov 2025 10:00:00 GMT"


@dataclass
class Request:
    """One request as it came. Times are microseconds of CLOCK_BOOTTIME: when its head had been read, and just before its
    answer was sent (of an answer that comes in pieces: when the last was). So what lies between the end of one and the
    beginning of the next is never less than what the client left."""

    connection: int
    number: int  # on its connection, from 1
    method: str
    target: str
    host: str
    headers: dict
    status: int = 0
    began_us: int = 0
    ended_us: int = 0
    body: str = ""


@dataclass
class Connection:
    number: int
    peer: str
    opened_us: int
    closed_us: int = 0  # 0: still open


@dataclass
class Answer:
    body: object = ""  # str or bytes
    status: int = 200
    headers: dict = field(default_factory=dict)
    content_type: str = "text/html; charset=utf-8"

    def bytes(self):
        return self.body.encode() if isinstance(self.body, str) else self.body


class Hangup(Exception):
    """The connection ends here."""


def now_us():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def page(title, text, links=()):
    anchors = "".join(f'<li><a href="{html.escape(url)}">{html.escape(words)}</a>' for url, words in links)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(title)}</title>"
        f"<h1>{html.escape(title)}</h1><p>{html.escape(text)}</p><ul>{anchors}</ul></html>"
    )


@functools.lru_cache(maxsize=8)
def zeros_gzip(megabytes):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1024 * 1024)
    return b"".join([packer.compress(block) for _ in range(megabytes)] + [packer.flush()])


ROBOTS = {
    "allow": Answer("User-agent: *\nDisallow:\n", content_type="text/plain"),
    "deny": Answer("User-agent: *\nDisallow: /\n", content_type="text/plain"),
    "private": Answer(
        "User-agent: *\nDisallow: /private\nAllow: /private/open\n", content_type="text/plain"
    ),
    "named": Answer(
        "User-agent: tierce\nDisallow: /not-for-tierce\n\nUser-agent: *\nDisallow: /\n",
        content_type="text/plain",
    ),
    "delay": Answer("User-agent: *\nCrawl-delay: 1\n", content_type="text/plain"),
    "sitemap": Answer(
        "Sitemap: /sitemap.xml\nUser-agent: *\nDisallow:\n", content_type="text/plain"
    ),
    "missing": Answer("not here", 404),
    "forbidden": Answer("no", 403),
    "broken": Answer("oops", 500),
    "limited": Answer("too many", 429, {"Retry-After": "1"}),
    "busy": Answer("later", 503, {"Retry-After": "1"}),
    "html": Answer(page("not a robots.txt", "but a page with status 200")),
    "huge": Answer(
        "User-agent: *\nDisallow: /first\n" + "# filler\n" * 100000 + "Disallow: /\n",
        content_type="text/plain",
    ),
    "bom": Answer(b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /private\r\n", content_type="text/plain"),
}


class Exchange:
    """One request being answered on its connection."""

    def __init__(self, server, stream, request):
        self.server = server
        self.stream = stream
        self.request = request
        self.path, _, query = request.target.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))

    def text(self, name, default=""):
        return self.query.get(name, default)

    def number(self, name, default):
        return int(self.query.get(name, default))

    def send_raw(self, data):
        self.stream.sendall(data)

    def head(self, status, headers):
        self.request.status = status
        lines = [f"HTTP/1.1 {status} Because"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def send(self, answer):
        body = answer.bytes()
        headers = {"Date": formatdate(usegmt=True)}
        if answer.content_type:
            headers["Content-Type"] = answer.content_type
        if answer.status not in (204, 304):
            headers["Content-Length"] = len(body)
        headers.update(answer.headers)
        if self.request.method == "HEAD" or answer.status in (204, 304):
            body = b""
        data = self.head(answer.status, headers) + body
        self.request.ended_us = now_us()
        self.send_raw(data)

    def send_page(self, title, text, links=(), **more):
        self.send(Answer(page(title, text, links), **more))

    def wait(self, milliseconds):
        """Sleeps, unless the server is stopped meanwhile."""
        if self.server.stopping.wait(milliseconds / 1000):
            raise Hangup

    def reset(self):
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Hangup


# ---- the hostile paths: each a function of an Exchange --------------------------------------------------------------


def serve_numbered_page(x):
    number, last = int(x.path.rsplit("/", 1)[1]), x.number("of", 10)
    x.wait(x.number("ms", 0))
    suffix = "?" + x.request.target.partition("?")[2] if x.query else ""
    links = [(f"/page/{n}{suffix}", f"to page {n}") for n in (number - 1, number + 1) if 0 <= n < last]
    links.append((f"/page/0{suffix}", "the first page"))
    x.send_page(f"Page {number} of {last}", f"This is the page number{number} of a small site.", links)


def serve_html(x):
    x.send_page(x.text("title", "A page"), x.text("text", "words"))


def serve_redirect(x):
    x.send(Answer("elsewhere", x.number("status", 302), {"Location": x.text("to", "/html")}))


def serve_chain(x):
    left = int(x.path.rsplit("/", 1)[1])
    if left == 0:
        x.send_page("The end of the chain", "arrived")
    else:
        x.send(Answer("on", 301, {"Location": f"/redirect/chain/{left - 1}"}))


def serve_loop(x):
    x.send(Answer("round", 302, {"Location": "/redirect/loop"}))


def serve_status(x):
    headers = {"Retry-After": x.text("retry_after")} if "retry_after" in x.query else {}
    x.send(Answer(page("A status", "said so"), int(x.path.rsplit("/", 1)[1]), headers))


def serve_drip(x):
    x.send_raw(x.head(200, {"Content-Type": "text/html", "Content-Length": 10_000_000}))
    x.send_raw(b"x" * x.number("first", 0))
    while True:
        x.send_raw(b"x" * x.number("bytes", 1))
        x.wait(x.number("ms", 200))


def serve_drip_headers(x):
    x.send_raw(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        x.send_raw(b"x")
        x.wait(x.number("ms", 200))


def serve_slow(x):
    x.wait(x.number("ms", 1000))
    x.send_page("Slow", "but it came")


def serve_bomb(x):
    x.send(Answer(zeros_gzip(x.number("mb", 100)), 200, {"Content-Encoding": "gzip"}))


def serve_bomb_twice(x):
    body = gzip.compress(zeros_gzip(x.number("mb", 100)))
    x.send(Answer(body, 200, {"Content-Encoding": "gzip, gzip"}))


def serve_headers(x):
    x.send_page("Long header", "x", headers={"X-Long": "x" * (x.number("kb", 100) * 1024)})


def serve_headers_many(x):
    more = {f"X-Header-{n}": "x" * 100 for n in range(x.number("kb", 100) * 1024 // 120)}
    x.send_page("Many headers", "x", headers=more)


def serve_early(x):
    for _ in range(x.number("n", 3)):
        x.send_raw(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
    x.send_page("After early hints", "the answer itself")


def serve_large(x):
    size = x.number("kb", 1024) * 1024
    line = b"<p>another line of a rather large page, as they come\n"
    body = (line * (size // len(line) + 1))[:size]
    if x.number("length", 1):
        x.send(Answer(body))
    else:
        x.send_raw(x.head(200, {"Content-Type": "text/html", "Connection": "close"}) + body)
        raise Hangup


def serve_type(x):
    x.send(Answer(b"\x89PNG" + bytes(x.number("kb", 1) * 1024), content_type=x.text("is", "image/png")))


def serve_gzip(x):
    body = gzip.compress(page("Compressed", x.text("text", "words")).encode())
    x.send(Answer(body, 200, {"Content-Encoding": "gzip"}))


def serve_charset(x):
    charset, said = x.text("is", "utf-8"), x.text("said", "utf-8")
    body = "<!doctype html><title>Zeichensätze</title><p>Größe, Straße, façade, naïve</p>"
    content_type = f"text/html; charset={said}" if said else "text/html"
    x.send(Answer(body.encode(charset), content_type=content_type))


def serve_etag(x):
    same = x.request.headers.get("if-none-match") == ETAG
    if "if-none-match" not in x.request.headers:
        same = x.request.headers.get("if-modified-since") == LAST_MODIFIED
    headers = {"ETag": ETAG, "Last-Modified": LAST_MODIFIED}
    x.send_page("Unchanging", "always the same", status=304 if same else 200, headers=headers)


def serve_close(x, end=None):
    at = x.text("at", "start")
    if at == "headers":
        x.send_raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-Cut: he")
    elif at == "body":
        x.send_raw(x.head(x.number("status", 200), {"Content-Type": "text/html", "Content-Length": 1000}))
        x.send_raw(b"<p>the beginning")
    if end is not None:
        x.wait(50)  # what was sent must have left: a reset throws away what has not
        end()
    raise Hangup


def serve_reset(x):
    serve_close(x, x.reset)


def serve_garbage(x):
    x.send_raw(b"\x00\x01\x02 this is no answer of any protocol\r\n\r\n")
    raise Hangup


def serve_chunked(x):
    x.send_raw(x.head(200, {"Content-Type": "text/html", "Transfer-Encoding": "chunked"}))
    body = page("In chunks", "piece by piece").encode()
    for at in range(0, len(body), 10):
        part = body[at : at + 10]
        x.send_raw(b"%x\r\n%s\r\n" % (len(part), part))
    if x.number("damaged", 0):
        x.send_raw(b"nonsense\r\n")
        raise Hangup
    x.send_raw(b"0\r\nX-Trailer: yes\r\n\r\n")


def serve_chunk_extension(x):
    x.send_raw(x.head(200, {"Content-Type": "text/html", "Transfer-Encoding": "chunked"}) + b"5;x=")
    while True:
        x.send_raw(b"y" * 16384)


def serve_trailers(x):
    x.send_raw(x.head(200, {"Content-Type": "text/html", "Transfer-Encoding": "chunked"}) + b"5\r\n<p>hi\r\n0\r\n")
    for n in range(x.number("kb", 100)):
        x.send_raw(b"X-Trailer-%d: %s\r\n" % (n, b"t" * 1000))
    x.send_raw(b"\r\n")


def serve_length(x):
    lengths = [x.text("says")] + ([x.text("and")] if "and" in x.query else [])
    lines = "".join(f"Content-Length: {length}\r\n" for length in lengths)
    x.request.status = 200
    x.send_raw(f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{lines}\r\n".encode() + b"w" * x.number("sends", 0))
    raise Hangup


def serve_endless(x):
    x.send_raw(x.head(200, {"Content-Type": "text/html", "Connection": "close"}))
    while True:
        x.send_raw(b"<p>more and more\n" * 1000)


def serve_empty_gzip(x):
    x.send_raw(x.head(200, {"Content-Type": "text/html", "Content-Encoding": "gzip", "Connection": "close"}))
    x.send_raw(b"\x1f\x8b\x08" + bytes(7))
    while True:
        x.send_raw(b"\x00\x00\x00\xff\xff" * 2000)  # a stored block of no bytes


def serve_tags(x):
    x.send_page("Tagged", "with a header", headers={"X-Robots-Tag": x.text("robots", "noindex")})


# What a request must have, and the answer to one that has not.
KNOWN = {
    "basic": ("authorization", "Basic " + base64.b64encode("reader:sécret".encode()).decode()),
    "bearer": ("authorization", "Bearer token-of-the-owner"),
    "header": ("x-api-key", "key of the owner"),
    "cookie": ("cookie", "id=of-the-owner; theme=dark"),
}


def serve_members(x):
    need = x.text("need", "basic")
    x.wait(x.number("ms", 0))
    if need == "form":
        cookies = dict(pair.partition("=")[::2] for pair in x.request.headers.get("cookie", "").split("; "))
        known = cookies.get("session") in x.server.sessions
        refusal = Answer("first log in", 302, {"Location": "/login?from=" + urllib.parse.quote(x.request.target)})
    else:
        name, value = KNOWN[need]
        known = x.request.headers.get(name) == value
        refusal = Answer("who are you?", 401, {"WWW-Authenticate": 'Basic realm="members"'})
    if not known:
        x.send(refusal)
        return
    headers = {"Set-Cookie": "seen=secret-of-a-visit; Path=/never"}
    x.send_page("Members", f"for those who are known by {need}: memberword", headers=headers)


def serve_login(x):
    fields = dict(urllib.parse.parse_qsl(x.request.body))
    x.wait(x.number("ms", 0))
    if x.request.method != "POST":
        x.send_page("Log in", "a form")
    elif fields.get("user") != "reader" or fields.get("password") != "sécret & more":
        x.send(Answer("wrong", 302, {"Location": "/login?wrong=1"}))
    else:
        session = f"s{len(x.server.sessions)}x{now_us()}"
        x.server.sessions.add(session)
        x.send(Answer("welcome", 303, {"Location": "/", "Set-Cookie": f"session={session}; Path=/; HttpOnly"}))


PATHS = {
    "/login": serve_login,
    "/html": serve_html,
    "/redirect": serve_redirect,
    "/redirect/loop": serve_loop,
    "/drip": serve_drip,
    "/drip/headers": serve_drip_headers,
    "/slow": serve_slow,
    "/bomb/gzip": serve_bomb,
    "/bomb/twice": serve_bomb_twice,
    "/headers": serve_headers,
    "/headers/many": serve_headers_many,
    "/early": serve_early,
    "/large": serve_large,
    "/type": serve_type,
    "/gzip": serve_gzip,
    "/charset": serve_charset,
    "/etag": serve_etag,
    "/close": serve_close,
    "/reset": serve_reset,
    "/garbage": serve_garbage,
    "/chunked": serve_chunked,
    "/chunked/extension": serve_chunk_extension,
    "/chunked/trailers": serve_trailers,
    "/length": serve_length,
    "/endless": serve_endless,
    "/empty/gzip": serve_empty_gzip,
    "/tags": serve_tags,
}
PREFIXES = {
    "/page/": serve_numbered_page,
    "/redirect/chain/": serve_chain,
    "/status/": serve_status,
    "/members/": serve_members,
}


class SiteServer:
    """Serves on its own threads from start() (or `with`) until stop()."""

    def __init__(self, host="127.0.0.1", port=0, folder=None, robots="allow", tls=None):
        self.folder = os.path.realpath(folder) if folder else None
        self.pages = {}  # path -> Answer, or a function of an Exchange
        self.sessions = set()  # of /login
        self.stopping = threading.Event()
        self._robots = robots
        self._lock = threading.Lock()
        self._requests = []
        self._connections = []
        self._streams = set()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=256)
        self._tls = None
        if tls:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(*tls)
            self._tls.set_alpn_protocols(["h2", "http/1.1"])
        self.host, self.port = host, self._listener.getsockname()[1]
        name = f"[{host}]" if ":" in host else host
        self.authority = f"{name}:{self.port}"
        self.url = f"{'https' if tls else 'http'}://{self.authority}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def start(self):
        self._thread.start()
        return self

    def stop(self):
        self.stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            try:
                stream.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def set_robots(self, robots):
        """One of ROBOTS, "redirect/N" (N redirects, then "private"), "drip", "close", or an Answer."""
        self._robots = robots

    def log(self):
        with self._lock:
            return [request for request in self._requests if not request.target.startswith("/_")]

    def connections(self):
        with self._lock:
            return list(self._connections)

    def clear_log(self):
        with self._lock:
            self._requests.clear()

    def targets(self):
        return [request.target for request in self.log()]

    # ---- connections ----

    def _accept(self):
        while True:
            try:
                stream, peer = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(stream, peer[0]), daemon=True).start()

    def _converse(self, stream, peer):
        with self._lock:
            connection = Connection(len(self._connections) + 1, peer, now_us())
            self._connections.append(connection)
            self._streams.add(stream)
        plain = stream
        try:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                stream = self._tls.wrap_socket(stream, server_side=True)
            self._serve_requests(stream, connection)
        except (OSError, Hangup, ValueError):
            pass
        finally:
            connection.closed_us = now_us()
            with self._lock:
                self._streams.discard(plain)
            stream.close()

    def _serve_requests(self, stream, connection):
        received, number = b"", 0
        while not self.stopping.is_set():
            while b"\r\n\r\n" not in received:
                more = stream.recv(65536)
                if not more or len(received) > REQUEST_BYTES_MAX:
                    return
                received += more
            head, _, received = received.partition(b"\r\n\r\n")
            number += 1
            request = self._read_request(head, connection.number, number)
            size = int(request.headers.get("content-length", 0))
            while len(received) < size:
                more = stream.recv(65536)
                if not more:
                    return
                received += more
            request.body, received = received[:size].decode("latin-1"), received[size:]
            with self._lock:
                self._requests.append(request)
            try:
                self._answer(Exchange(self, stream, request))
            finally:
                request.ended_us = request.ended_us or now_us()
            if request.headers.get("connection", "").lower() == "close":
                return

    @staticmethod
    def _read_request(head, connection, number):
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return Request(
            connection, number, method, target, headers.get("host", ""), headers, began_us=now_us()
        )

    # ---- answers ----

    def _answer(self, x):
        own = self.pages.get(x.path)
        if own is not None:
            own(x) if callable(own) else x.send(own)
        elif x.path.startswith("/_"):
            self._answer_control(x)
        elif x.path.startswith("/robots.txt"):
            self._answer_robots(x)
        elif x.path in PATHS:
            PATHS[x.path](x)
        else:
            for prefix, serve in PREFIXES.items():
                if x.path.startswith(prefix):
                    serve(x)
                    return
            self._answer_file(x)

    def _answer_control(self, x):
        if x.path == "/_log":
            x.send(Answer(json.dumps([asdict(r) for r in self.log()]), content_type="application/json"))
        elif x.path == "/_log.txt":
            lines = [
                f"{r.began_us} {r.ended_us} {r.connection} {r.number} {r.status} {r.host} {r.target}\n"
                for r in self.log()
            ]
            x.send(Answer("".join(lines), content_type="text/plain"))
        elif x.path == "/_log/clear":
            self.clear_log()
            x.send(Answer("cleared"))
        elif x.path == "/_logout":
            self.sessions.clear()
            x.send(Answer("ended"))
        elif x.path.startswith("/_robots/"):
            self.set_robots(x.path[len("/_robots/") :])
            x.send(Answer("set"))
        else:
            x.send(Answer("unknown", 404))

    def _answer_robots(self, x):
        """/robots.txt, or a step of its redirects: /robots.txt/N."""
        robots = self._robots
        if isinstance(robots, Answer):
            x.send(robots)
        elif robots.startswith("redirect/"):
            step = int(x.path.rpartition("/")[2]) if x.path != "/robots.txt" else int(robots[9:])
            if step == 0:
                x.send(ROBOTS["private"])
            else:
                x.send(Answer("on", 301, {"Location": f"/robots.txt/{step - 1}"}))
        elif robots == "drip":
            serve_drip(x)
        elif robots == "close":
            raise Hangup
        else:
            x.send(ROBOTS[robots])

    def _answer_file(self, x):
        if self.folder is None:
            x.send(Answer(page("Not found", x.path), 404))
            return
        path = os.path.realpath(os.path.join(self.folder, urllib.parse.unquote(x.path).lstrip("/")))
        if os.path.isdir(path):
            path = os.path.join(path, "index.html")
        inside = path == self.folder or path.startswith(self.folder + os.sep)
        if not inside or not os.path.isfile(path):
            x.send(Answer(page("Not found", x.path), 404))
            return
        with open(path, "rb") as file:
            body = file.read()
        content_type = mimetypes.guess_type(path)[0] or "application/octet-stream"
        x.send(Answer(body, content_type=content_type))


def main():
    parser = argparse.ArgumentParser(description="A web server for tests.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--folder")
    parser.add_argument("--robots", default="allow")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    given = parser.parse_args()
    with SiteServer(given.host, given.port, given.folder, given.robots, given.tls) as site:
        print(f"listening on {site.url}", flush=True)
        try:
            while sys.stdin.read(1):
                pass
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
