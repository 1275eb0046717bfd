"""Documents that are no web pages, and pages with the same text, from the site to the search."""
import http.server
import io
import json
import threading
import zipfile

import pytest

from stack import wait_for

W = ('xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
     'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"')
O = 'xmlns:office="o" xmlns:text="t" xmlns:xlink="x" xmlns:dc="d"'
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
LONG = " ".join(f"Sentence number {i} tells of vintnery and more." for i in range(40))


def pdf(title, lines, trailer="", link=""):
    """A PDF of one page, with a table of its objects."""
    stream = "BT /F 12 Tf 72 720 Td 14 TL " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
    annotation = f"/Annots[<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/URI/URI({link})>>>>]" if link else ""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
               "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
               f"/Resources<</Font<</F 5 0 R>>>>{annotation}>>",
               f"<</Length {len(stream)}>>stream\n{stream}\nendstream",
               "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
               f"<</Title({title})/ModDate(D:20240501120000Z)>>"]
    text, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(text))
        text += f"{number} 0 obj\n{body}\nendobj\n"
    table = len(text)
    text += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join(f"{at:010d} 00000 n \n" for at in places)
    text += f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R/Info 6 0 R{trailer}>>\nstartxref\n{table}\n%%EOF\n"
    return text.encode("latin-1")


def archive(**files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as out:
        for name, text in files.items():
            out.writestr(name.replace("__", "/"), text)
    return data.getvalue()


def docx(words, title="Hoops", target="/from-docx"):
    return archive(**{
        "word__document.xml": f"<w:document {W}><w:body><w:p><w:r><w:t>{words}</w:t></w:r><w:hyperlink r:id='r1'><w:r>"
                              f"<w:t>there</w:t></w:r></w:hyperlink></w:p></w:body></w:document>",
        "word___rels__document.xml.rels": f"<Relationships><Relationship Id='r1' Target='{target}' TargetMode='External'/>"
                                          "</Relationships>",
        "docProps__core.xml": f"<c xmlns:dc='d'><dc:title>{title}</dc:title></c>"})


def odt(words):
    return archive(**{
        "mimetype": "application/vnd.oasis.opendocument.text",
        "content.xml": f"<office:document-content {O}><office:body><office:text><text:h text:outline-level='1'>Oaken staves"
                       f"</text:h><text:p>{words}</text:p></office:text></office:body></office:document-content>"})


class Library:
    """A site whose answers are bytes with a type."""

    def __init__(self):
        self.answers = {}
        library = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):
                kind, body = library.answers.get(self.path, (None, b"gone"))
                self.send_response(404 if kind is None else 200)
                self.send_header("Content-Type", kind or "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def page(self, path, title, text):
        self.answers[path] = ("text/html; charset=utf-8", f"<!doctype html><html lang=en><title>{title}</title><h1>{title}</h1>"
                                                          f"<p>{text}</p></html>".encode())


@pytest.fixture(scope="module")
def library():
    site = Library()
    answers = site.answers
    answers["/cooper.pdf"] = ("application/pdf", pdf("Coopering in brief", ["The adze of the cooperpdf", "is sharp and sharp-",
                                                                           "ened again."], link=site.base + "/from-pdf"))
    answers["/locked.pdf"] = ("application/pdf", pdf("Locked", ["lockedword"], "/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2"
                                                     f"/P -4/O<{'00' * 32}>/U<{'00' * 32}>>>"))
    answers["/half.pdf"] = ("application/pdf", pdf("Half", ["halfword"])[:300])
    answers["/hoops.docx"] = (DOCX, docx("Words of the hoopdocx.", target=site.base + "/from-docx"))
    answers["/unnamed.docx"] = ("application/octet-stream", docx("Words of the octetdocx.", "Octets"))
    answers["/half.docx"] = (DOCX, docx("cutword")[:-200])
    answers["/bomb.docx"] = (DOCX, docx("bombword " + " " * (400 << 20), "Bomb"))
    answers["/staves.odt"] = ("application/vnd.oasis.opendocument.text", odt("Words of the staveodt."))
    answers["/notes.md"] = ("text/plain", b"# Notes on bungs\n\nA bungmarkdown is a stopper, see [this](/from-md).\n")
    answers["/tool.zip"] = ("application/zip", archive(readme="zipword"))
    for path in ("/from-pdf", "/from-docx", "/from-md"):
        site.page(path, path, f"Found by a link: linkedword{path[6:]}.")
    site.page("/copy/a", "Cellarage", LONG)
    site.page("/copy/bb", "Cellarage", LONG)
    site.page("/copy/ccc", "Cellarage", LONG.replace("number 20 tells", "number 20 speaks"))
    site.page("/copy/other", "Cellarage elsewhere", LONG)
    paths = [path for path in answers if not path.startswith("/from")]
    site.page("/", "Library", " ".join(f"<a href='{path}'>{path}</a>" for path in paths))
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture(scope="module")
def stack(library, tmp_path_factory):
    from stack import Stack
    stack = Stack(tmp_path_factory.mktemp("stack"), crawl={
        "sources": [{"url": library.base + "/", "public": True, "allow_private": True, "delay": "0"}]})
    try:
        stack.start()
        wait_for(lambda: stack.documents() >= 14, 60, "the library in the index")
        yield stack
    finally:
        stack.abandon()


@pytest.mark.parametrize("word, path, title, kind", [
    ("cooperpdf", "/cooper.pdf", "Coopering in brief", "pdf"),
    ("hoopdocx", "/hoops.docx", "Hoops", "docx"),
    ("octetdocx", "/unnamed.docx", "Octets", "docx"),
    ("staveodt", "/staves.odt", "Oaken staves", "odt"),
    ("bungmarkdown", "/notes.md", "Notes on bungs", "markdown")])
def test_a_document_is_found_by_its_text_and_kind_under_its_title(stack, library, word, path, title, kind):
    for query in (word, f"{word} type:{kind}"):
        results = stack.search(query)["results"]
        assert [(result["url"], result["title"]) for result in results] == [(library.base + path, title)]
    assert stack.urls(f"{word} type:html") == []


def test_a_word_that_a_line_parts_is_found_whole(stack, library):
    assert stack.urls("sharpened") == [library.base + "/cooper.pdf"]


def test_links_in_documents_are_followed(stack, library):
    for kind in ("pdf", "docx", "md"):
        wait_for(lambda: stack.urls(f"linkedword{kind}") == [f"{library.base}/from-{kind}"], 20, f"what the {kind} links to")


def test_what_cannot_be_read_costs_that_document_alone_and_is_explained(stack, library):
    wait_for(lambda: "password" in json.dumps(stack.why(library.base + "/locked.pdf")), 20, "the encrypted PDF's story")
    assert stack.urls("lockedword") == []
    assert stack.urls("zipword") == []
    assert "zip" in json.dumps(stack.why(library.base + "/tool.zip"))
    for path in ("/half.docx", "/half.pdf"):
        assert stack.why(library.base + path)["known"]


def test_what_expands_without_end_is_read_as_far_as_is_allowed(stack, library):
    assert stack.urls("bombword") == [library.base + "/bomb.docx"]


def test_pages_with_the_same_text_are_one_result_that_lists_them(stack, library):
    answer = stack.search("vintnery")
    assert answer["total"] == 4 and len(answer["results"]) == 2
    assert library.base + "/copy/other" in [result["url"] for result in answer["results"]]
    folded = [result for result in answer["results"] if result["duplicate_count"] > 0]
    assert len(folded) == 1 and folded[0]["duplicate_count"] == 2 and folded[0]["title"] == "Cellarage"
    alike = {folded[0]["url"]} | {duplicate["url"] for duplicate in folded[0]["duplicates"]}
    assert alike == {library.base + path for path in ("/copy/a", "/copy/bb", "/copy/ccc")}
    assert any("same or nearly the same text" in note for note in answer["notes"])
    html = stack.get("/search?q=vintnery").text
    assert "Also at" in html and "duplicates=show" in html


def test_they_are_results_of_their_own_where_that_is_asked_for(stack):
    answer = json.loads(stack.get("/api/v1/search?q=vintnery&duplicates=show").text)
    assert len(answer["results"]) == 4 and not any(result["duplicates"] for result in answer["results"])
    html = stack.get("/search?q=vintnery&duplicates=show").text
    assert "Also at" not in html
