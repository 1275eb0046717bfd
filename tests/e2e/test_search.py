"""A small site, crawled and searched over HTTPS, through either proxy."""
import json
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from urllib.parse import quote

import pytest

from stack import wait_for

pytestmark = pytest.mark.sanitized


def test_a_word_finds_the_page_that_is_about_it(small_stack, small_site):
    assert small_stack.urls("quenching") == [small_site.base + "/hoop"]
    assert small_stack.urls("staves")[0] == small_site.base + "/stave"


def test_the_answer_has_the_promised_shape(small_stack, small_site):
    answer = small_stack.search("hoop")
    assert set(answer) >= {"query", "read_as", "notes", "page", "size", "total", "total_relation", "partial", "cursor",
                           "took_ms", "shards", "results"}
    assert answer["query"] == "hoop" and answer["page"] == 1 and answer["size"] == 10
    assert answer["total"] == len(answer["results"]) and answer["total_relation"] == "eq"
    assert answer["partial"] is False and answer["shards"] == {"asked": 2, "answered": 2}
    first = answer["results"][0]
    assert set(first) >= {"url", "title", "snippet", "score", "language", "inlinks", "fetched_at"}
    assert first["url"] == small_site.base + "/hoop" and first["title"] == "Hoops"
    assert "<mark>" in first["snippet"] and first["language"] == "en"
    assert first["inlinks"] == 2 and first["fetched_at"].endswith("Z")
    scores = [result["score"] for result in answer["results"]]
    assert scores == sorted(scores, reverse=True)


def test_pages_with_all_words_come_first_and_phrases_stand_together(small_stack, small_site):
    answer = small_stack.search("oak barrel")
    assert answer["results"][0]["url"] == small_site.base + "/stave"
    assert answer["total"] == len(answer["results"]) > 1
    assert any("Only one page has all of this" in note for note in answer["notes"])
    answer = small_stack.search("oak quenching")
    assert answer["total"] > 0 and any("No page has all of this" in note for note in answer["notes"])
    assert "No page has all of this" in small_stack.get("/search?q=oak+quenching").text
    assert small_stack.urls("oak quenching site:elsewhere.example") == []
    assert small_site.base + "/stave" not in small_stack.urls("oak quenching barrel -strips")
    assert small_stack.urls('"oak quenching"') == []
    assert small_stack.urls('"narrow strips of oak"') == [small_site.base + "/stave"]
    assert small_stack.urls('"oak of strips narrow"') == []
    assert small_site.base + "/stave" not in small_stack.urls("barrel -oak")


def test_anchor_text_counts_for_its_target(small_stack, small_site):
    assert small_stack.urls("what holds them")[0] == small_site.base + "/hoop"


def test_backlinks_tell_who_links_with_which_words(small_stack, small_site):
    total, links = small_stack.backlinks(small_site.base + "/hoop")
    assert total == 2  # a page that is not to be indexed is not shown as a link either
    assert sorted((link["url"], link["title"], link["anchor"]) for link in links) == [
        (small_site.base + "/", "Cooper's Yard", "Hoops of iron"),
        (small_site.base + "/stave", "Staves", "what holds them")]


def test_robots_and_noindex_are_kept_and_explained(small_stack, small_site):
    assert small_stack.urls("unfindableword") == []
    assert small_stack.urls("noindexedword") == []
    assert small_site.fetches("/secret") == []
    story = json.dumps(small_stack.why(small_site.base + "/secret"))
    assert "Disallow: /secret" in story and "line 2" in story
    assert "noindex" in json.dumps(small_stack.why(small_site.base + "/quiet"))
    unknown = small_stack.why("http://elsewhere.example/")
    assert unknown["known"] is False and "tierce crawl" in json.dumps(unknown)


def adds_up(story):
    """Whether the parts of an explanation give its scores, to the last bit."""
    counted = sum(word["score"] for word in story["words"])
    gained = sum(word["closeness"] for word in story["words"]) + story["title"] + story["url_score"]
    assert story["words_score"] == counted and story["gain"] == gained
    assert story["factor"] == story["link_factor"] and 1 <= story["freshness_factor"] <= 1.05
    assert story["first_score"] == counted * story["factor"]
    assert story["second_score"] == (counted + gained) * (story["factor"] * story["freshness_factor"])
    return story["score"] == (story["second_score"] if story["in_window"] else story["first_score"])


def test_every_score_is_explained_part_by_part(small_stack, small_site):
    for query in ("hoop", "oak barrel", "hoops OR staves", '"narrow strips" oak', "iron -quenching", "hoo*"):
        answer = small_stack.search(query)
        assert answer["results"]
        for place, result in enumerate(answer["results"]):
            story = small_stack.explain(query, result["url"])
            if not story["matches"]:  # it stands behind those with all words, and lacks some
                assert story["failed"] and any("a part of it" in note for note in answer["notes"])
                continue
            assert story["found"] and story["matches"] and story["failed"] == []
            assert adds_up(story) and story["score"] == result["score"]
            assert story["rank"] == place + 1
            assert all(word["counts"] for word in story["words"] if word["score"] > 0)
    assert small_stack.explain("hoop", small_site.base + "/hoop")["inlinks"] == 2


def test_an_explanation_names_what_a_page_does_not_match(small_stack, small_site):
    story = small_stack.explain("hoops elephants -iron site:elsewhere.example", small_site.base + "/hoop")
    assert story["found"] and not story["matches"] and story["score"] == 0
    assert story["failed"] == ["elephants", "-iron", "site:elsewhere.example"]
    assert not small_stack.explain("hoops", small_site.base + "/nowhere")["found"]
    assert small_stack.get("/api/v1/explain?q=hoops", admin=True).status_code == 400
    assert small_stack.get("/api/v1/explain?q=hoops&url=http://x/").status_code == 401


def test_the_terminal_explains_scores(small_stack, small_site):
    told = small_stack.tierce("explain", small_site.base + "/stave", "oak", "barrel")
    assert "place 1" in told.stdout and "oak" in told.stdout and "pages that link to it" in told.stdout
    assert adds_up(json.loads(small_stack.tierce("explain", "--json", small_site.base + "/stave", "oak").stdout))


def test_a_redirect_leads_to_the_page_under_its_new_address(small_stack, small_site):
    assert small_stack.urls("tuyere") == [small_site.base + "/new"]
    assert "/new" in json.dumps(small_stack.why(small_site.base + "/old"))


def test_robots_txt_is_asked_first_and_once(small_stack, small_site):
    paths = [path for _, path, _ in small_site.log]
    assert paths[0] == "/robots.txt" and paths.count("/robots.txt") == 1
    assert len(paths) == len(set(paths)), "a page was fetched twice"


def test_crawled_words_never_become_markup(small_stack):
    answer = small_stack.search("escapedword")
    assert all("<script" not in result["snippet"].lower() for result in answer["results"])
    page = small_stack.get("/search?q=" + quote('escapedword "><script>alert(3)</script>')).text.lower()
    assert "<script>alert" not in page
    found = small_stack.get("/search?q=escapedword").text
    assert "&lt;script&gt;alert(2)" in found and "<script>alert" not in found


def test_the_result_page_is_small_and_complete_without_javascript(small_stack, small_site):
    answer = small_stack.get("/search?q=staves")
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert small_site.base + "/stave" in answer.text and "<mark>" in answer.text
    style = small_stack.get(answer.text.split('rel="stylesheet" href="')[1].split('"')[0])
    assert style.status_code == 200
    assert len(answer.content) + len(style.content) < 20 * 1024
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]


def test_a_bad_query_is_read_as_well_as_it_can_be(small_stack):
    for query in ["", '"', "((((", "AND OR NOT", "-", 'a"b', "x" * 5000, "site:", "\x00", "%", "a OR", "🦉" * 300]:
        answer = small_stack.get("/api/v1/search?q=" + quote(query))
        assert answer.status_code == 200, (query[:20], answer.status_code, answer.text)
        assert isinstance(answer.json()["read_as"], str)
        assert small_stack.get("/search?q=" + quote(query)).status_code == 200


def test_paging_is_stable_and_its_depth_is_limited(small_stack):
    first = small_stack.search("the", size=2)
    second = small_stack.search("the", size=2, page=2, cursor=first["cursor"])
    assert not {r["url"] for r in first["results"]} & {r["url"] for r in second["results"]}
    deep = small_stack.get("/api/v1/search?q=the&page=101&size=10")
    assert deep.status_code == 400 and deep.headers["Content-Type"] == "application/problem+json"
    assert "1,000" in deep.json()["detail"] or "1000" in deep.json()["detail"]
    forged = small_stack.get("/api/v1/search?q=the&page=2&cursor=" + "A" * 40)
    assert forged.status_code == 400


def test_opensearch_openapi_robots_and_health_are_there(small_stack):
    description = ElementTree.fromstring(small_stack.get("/opensearch.xml").content)
    assert "OpenSearchDescription" in description.tag
    assert small_stack.base in small_stack.get("/opensearch.xml").text
    api = small_stack.get("/api/v1/openapi.json").json()
    assert api["openapi"].startswith("3.1") and "/api/v1/search" in api["paths"]
    robots = small_stack.get("/robots.txt").text
    for path in ["/search", "/backlinks", "/admin", "/api", "/suggest"]:
        assert f"Disallow: {path}\n" in robots
    assert small_stack.get("/healthz").status_code == 200
    assert small_stack.get("/readyz").status_code == 200
    assert small_stack.get("/nowhere").status_code == 404


def test_statistics_name_searches_barrels_frontier_and_downloaders(small_stack):
    for _ in range(3):
        small_stack.search("hoop of iron")
    stats = wait_for(lambda: (lambda s: s if any(t["query"] == "hoop of iron" and t["count"] >= 3
                                                 for t in s["top_searches"]) else None)(small_stack.stats()),
                     10, "the search among the top ten")
    assert len(stats["top_searches"]) <= 10
    assert sorted(barrel["shard"] for barrel in stats["barrels"]) == [0, 1]
    for barrel in stats["barrels"]:
        assert barrel["position"] > 0 and "mean_response_ms" in barrel
    assert sum(barrel["bytes"] for barrel in stats["barrels"]) > 0  # one of the shards may have got no page
    assert stats["frontier"]["fetched"] >= 5 and stats["downloaders"][0]["pages"] >= 5


def test_live_statistics_flow_through_the_proxy(small_stack):
    begun = time.monotonic()
    with small_stack.session.get(small_stack.base + "/api/v1/stats/stream", headers=small_stack.admin(), stream=True,
                                 timeout=20) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        seen = []
        for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
            if line.startswith("data:"):
                seen.append((time.monotonic() - begun, json.loads(line[5:])))
            if len(seen) == 3:
                break
    assert seen[2][0] - seen[0][0] > 0.5, "the events came all at once: the proxy keeps them back"
    assert "barrels" in seen[0][1]


def test_the_command_line_says_the_same(small_stack, small_site):
    found = json.loads(small_stack.tierce("--json", "search", "quenching").stdout)
    assert found["results"][0]["url"] == small_site.base + "/hoop"
    assert small_site.base + "/hoop" in small_stack.tierce("search", "quenching").stdout
    status = json.loads(small_stack.tierce("--json", "status").stdout)
    assert len(status["barrels"]) == 2
    assert "Disallow" in small_stack.tierce("why", small_site.base + "/secret").stdout
    assert small_stack.tierce("nonsense", check=False).returncode == 2


def test_metrics_are_prometheus_text(small_stack):
    text = small_stack.get("/metrics", admin=True).text
    names = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if line and not line.startswith("#")}
    assert len(names) > 10 and all(name.startswith("tierce_") for name in names)
    for name in names:
        assert f"# TYPE {name} " in text or f"# TYPE {name.rsplit('_', 1)[0]} " in text
    tool = subprocess.run(["which", "promtool"], capture_output=True)
    if tool.returncode == 0:
        subprocess.run(["promtool", "check", "metrics"], input=text, text=True, check=True)
