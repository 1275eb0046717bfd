"""Archives in and out: what is exported comes back byte for byte, and what others wrote is found without a network."""
import base64
import gzip
import hashlib
import re
import shutil
import subprocess
import zlib

import pytest

from sites import PythonSite
from stack import BIN, wait_for


@pytest.fixture(scope="module")
def proxy():
    return "nginx"


# ---- an independent reader: nothing of it is Tierce's -----------------------------------------------------------------
def members(data):
    """The plain bytes of each gzip member."""
    while data:
        unpacker = zlib.decompressobj(31)
        plain = unpacker.decompress(data) + unpacker.flush()
        assert unpacker.eof, "a member that does not end"
        yield plain
        data = unpacker.unused_data


def record(plain):
    """Version, fields and block of the one record that the bytes are."""
    head, block = plain.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:])
    size = int(fields["Content-Length"])
    assert block[size:] == b"\r\n\r\n", "a record is closed by two line ends and nothing else"
    return lines[0], fields, block[:size]


def digest(data):
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def check_response(fields, block):
    """What the standard asks of a response, by its own words."""
    assert fields["Content-Type"] == "application/http;msgtype=response"
    assert re.fullmatch(r"<urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}>", fields["WARC-Record-ID"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", fields["WARC-Date"])
    assert fields["WARC-Block-Digest"] == digest(block)
    head, body = block.split(b"\r\n\r\n", 1)
    assert fields["WARC-Payload-Digest"] == digest(body)
    names = [line.split(b":", 1)[0].lower() for line in head.split(b"\r\n")[1:]]
    assert b"content-encoding" not in names and b"transfer-encoding" not in names
    assert [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")] == [
        b"Content-Length: %d" % len(body)]
    return body


def archive(stack, path, *options):
    stack.tierce("export", *options, str(path))
    records = [record(plain) for plain in members(path.read_bytes())]
    assert all(version == "WARC/1.1" for version, _, _ in records)
    assert records[0][1]["WARC-Type"] == "warcinfo"
    return records


def empty_stack(make_stack):
    stack = make_stack()
    stack.start()
    return stack


def wait_for_documents(stack, count):
    wait_for(lambda: stack.documents() >= count, 60, f"{count} documents in the index")


class CodedSite(PythonSite):
    """Answers with a coding, and with headers that an archive must not lose."""

    def answer(self, path):
        status, headers, body = super().answer(path)
        if path in self.words:
            headers += [("X-Tierce-Note", "of the site's own"), ("Content-Encoding", "gzip"), ("ETag", '"1"')]
            body = gzip.compress(body)
        return status, headers, body


def test_a_round_trip_into_an_empty_installation_is_lossless(make_stack, tmp_path):
    site = CodedSite(tmp_path)
    first = make_stack(crawl={"sources": [{"url": site.base + "/", "delay": "0", "allow_private": True}]})
    first.start()
    site.wait_until_indexed(first)
    wait_for(lambda: first.why(site.base + "/old")["known"] and
             "leads to" in str(first.why(site.base + "/old")["stages"]), 30, "the redirect")
    site.close()

    exported = archive(first, tmp_path / "first.warc.gz")
    by_url = {}
    for _, fields, block in exported[1:]:
        by_url[fields["WARC-Target-URI"]] = (fields, block, check_response(fields, block))
    assert set(by_url) == {site.base + path for path in ("/", "/stave", "/hoop", "/quiet", "/new", "/attack", "/old",
                                                         "/robots.txt")}
    fields, block, body = by_url[site.base + "/stave"]
    assert fields["WARC-IP-Address"] == "127.0.0.1"
    assert b"strips of oak" in body and b"X-Tierce-Content-Encoding: gzip" in block
    assert b"X-Tierce-X-Tierce-Note: of the site's own" in block
    assert by_url[site.base + "/robots.txt"][2] == b"User-agent: *\nDisallow: /secret\n"
    assert first.tierce("export", "--source", "http://nowhere.invalid/", check=False).returncode == 1
    assert len(archive(first, tmp_path / "source.warc.gz", "--source", site.base + "/")) == len(exported)
    first.stop()

    second = empty_stack(make_stack)
    taken = second.tierce("import", str(tmp_path / "first.warc.gz"), "--json").stdout
    assert '"taken": 8' in taken and '"passed_over": []' in taken, taken
    wait_for_documents(second, len(site.indexable()))
    assert second.urls("oak", admin=True) == [site.base + "/stave"]
    assert second.urls("oak") == [], "a private page is not shown to everyone because it came in an archive"
    assert second.urls("noindexedword", admin=True) == []
    again = archive(second, tmp_path / "second.warc.gz")
    assert again[1:] == exported[1:], "the same records, in the same order, byte for byte"

    assert '"taken": 0' in second.tierce("import", str(tmp_path / "first.warc.gz"), "--json").stdout
    assert archive(second, tmp_path / "third.warc.gz")[1:] == exported[1:]
    second.stop()


def test_an_archive_that_wget_wrote_is_found_without_a_network(make_stack, tmp_path):
    if shutil.which("wget") is None:
        pytest.skip("wget is not installed")
    site = PythonSite(tmp_path)
    subprocess.run(["wget", "--quiet", "--recursive", "--level=inf", "--warc-file", tmp_path / "wget", "--directory-prefix",
                    tmp_path / "mirror", site.base + "/"], check=False, timeout=60, env={"no_proxy": "*"})
    pages = {path for _, path, status in site.log if status == 200 and path != "/robots.txt"}
    assert len(pages) >= 6, pages
    site.close()
    asked = len(site.log)
    stack = empty_stack(make_stack)
    stack.tierce("import", str(tmp_path / "wget.warc.gz"))
    wait_for_documents(stack, len(pages - {"/quiet"}))
    assert stack.urls("tuyere", admin=True) == [site.base + "/new"]
    assert len(site.log) == asked, "nothing was asked of the site"
    frontier = {stage["name"]: stage for stage in stack.why(site.base + "/new")["stages"]}["frontier"]
    assert "archive" in frontier["words"], frontier
    stack.stop()


def warc(kind, url, block, content_type="application/http;msgtype=response", **fields):
    head = {"WARC-Type": kind, "WARC-Record-ID": "<urn:uuid:00000000-0000-0000-0000-000000000000>",
            "WARC-Date": "2020-02-03T04:05:06Z", "Content-Type": content_type, **fields,
            "Content-Length": str(len(block))}
    if url is not None:
        head["WARC-Target-URI"] = url
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in head.items())
    return ("WARC/1.0\r\n" + lines + "\r\n").encode() + block + b"\r\n\r\n"


def html(word):
    return b"<title>%s</title><p>A page about %s." % (word, word)


def foreign_records():
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (html(b"chunkedword"), b" more")) + b"0\r\n\r\n"
    packed = gzip.compress(html(b"gzippedword"))
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    both = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    return [
        warc("warcinfo", None, b"software: nobody\r\n", "application/warc-fields"),
        warc("request", "http://a.example/", b"GET / HTTP/1.1\r\n\r\n", "application/http;msgtype=request"),
        warc("response", "http://a.example/", answer + b"\r\n" + html(b"plainword")),
        warc("response", "http://a.example/chunked", answer + b"Transfer-Encoding: chunked\r\n\r\n" + chunked),
        warc("response", "http://a.example/both",
             answer + b"Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n" + both),
        warc("response", "http://a.example/undone", answer + b"Content-Encoding: gzip\r\n\r\n" + html(b"undoneword")),
        warc("resource", "http://a.example/file", b"words of a resourceword", "text/plain"),
        warc("response", "http://a.example/image", b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n\x89PNG"),
        warc("response", "http://a.example/gone", b"HTTP/1.1 404 Not Found\r\n\r\n"),
        warc("response", "ftp://a.example/", answer + b"\r\n"),
        warc("revisit", "http://a.example/", b"HTTP/1.1 304 Not Modified\r\n\r\n"),
        warc("response", "http://127.0.0.1:9/", answer + b"\r\n" + html(b"privateword"), WARC_IP_Address="127.0.0.1"),
    ]


FOREIGN_WORDS = ["plainword", "chunkedword", "gzippedword", "undoneword", "resourceword"]


@pytest.mark.parametrize("packing", ["plain", "a member for each record", "one member"])
def test_the_records_of_others_are_taken_as_far_as_they_are_pages(make_stack, tmp_path, packing):
    data = b"".join(gzip.compress(each) if packing == "a member for each record" else each for each in foreign_records())
    data = gzip.compress(data) if packing == "one member" else data
    stack = empty_stack(make_stack)
    done = subprocess.run([BIN / "tierce", "--data", stack.data, "import", "--json", "-"], input=data, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    assert b'"taken": 6' in done.stdout, done.stdout
    for reason in (b"a type that is no page", b"an error of the server", b"no http or https URL", b"nothing new"):
        assert reason in done.stdout, (reason, done.stdout)
    wait_for_documents(stack, 6)
    for word in FOREIGN_WORDS:
        assert len(stack.urls(word)) == 1, word
    result = stack.search("plainword")["results"][0]
    assert result["fetched_at"] == "2020-02-03T04:05:06Z"
    assert stack.urls("privateword") == [] and len(stack.urls("privateword", admin=True)) == 1
    wait_for(lambda: "from an archive" in stack.tierce("status", "--json").stdout, 20, "the source in the status")
    stack.stop()


def test_a_damaged_archive_is_taken_as_far_as_it_goes(make_stack, tmp_path):
    whole = b"".join(foreign_records())
    (tmp_path / "cut.warc").write_bytes(whole[:len(whole) // 2])
    (tmp_path / "none.warc").write_bytes(b"<html>this is no archive</html>\n" * 100)
    stack = empty_stack(make_stack)
    done = stack.tierce("import", str(tmp_path / "cut.warc"), check=False)
    assert done.returncode == 1 and "ends within a record" in done.stderr, done
    wait_for(lambda: stack.urls("plainword"), 60, "the page before the cut")
    done = stack.tierce("import", str(tmp_path / "none.warc"), check=False)
    assert done.returncode == 1 and "no WARC file" in done.stderr, done
    done = stack.tierce("remove", "--site", "a.example")
    assert "removed" in stack.tierce("import", str(tmp_path / "cut.warc"), check=False).stdout
    wait_for(lambda: stack.urls("plainword") == [], 10, "the removal")
    stack.stop()
