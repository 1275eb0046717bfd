"""Suggestions while one types, and other spellings for what finds nothing: what they hold, who is told, what they cost."""
import re
import xml.etree.ElementTree as ElementTree
from urllib.parse import quote

import pytest

from grpc_client import GatewayClient
from sites import PythonSite
from stack import wait_for

pytestmark = pytest.mark.sanitized

SECRETS = {
    "/": ("The hidden cellar", "Where the confidentialcask is kept. <a href='/key'>key</a>"),
    "/key": ("Zythepsary plans", "The zythepsary opens in spring; hoop."),
}


@pytest.fixture(scope="module")
def hidden_site(tmp_path_factory, small_stack):
    """Pages that are for the admin alone."""
    site = PythonSite(tmp_path_factory.mktemp("hidden"), words=SECRETS)
    sources = small_stack.config["crawl"]["sources"]
    source = {"url": site.base + "/", "public": False, "allow_private": True, "delay": "0"}
    sources.append(source)
    small_stack.write_config()
    wait_for(lambda: small_stack.urls("zythepsary", admin=True) and small_stack.urls("confidentialcask", admin=True), 30,
             "the hidden pages")
    yield source
    sources.remove(source)
    small_stack.write_config()
    site.close()


def suggest(stack, typed, admin=False):
    answer = stack.get("/suggest?q=" + quote(typed), admin=admin)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/x-suggestions+json"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    query, suggestions = answer.json()
    assert query == typed
    return suggestions


def test_the_last_word_is_completed_from_all_shards(small_stack):
    assert suggest(small_stack, "quen") == ["quenching"]
    assert suggest(small_stack, "sta") == ["Staves", "stave"]  # as its title has it, though most pages write it small
    assert sorted(suggest(small_stack, "Iron ho")) == ["Iron holds", "Iron hoop", "Iron hoops"]
    assert suggest(small_stack, "nosuchbeginning") == []
    assert suggest(small_stack, "") == []
    assert suggest(small_stack, "site:exa") == []


def test_titles_are_suggested_as_they_are_written(small_stack):
    assert "The new forge" in suggest(small_stack, "new fo")
    assert "Cooper's Yard" in suggest(small_stack, "coop")
    assert any(text.startswith("<script>") for text in suggest(small_stack, "attac"))  # text, which JSON does not interpret


def test_every_suggestion_finds_something(small_stack):
    for typed in ["s", "st", "the ", "h", "iron h", "b", "forge", "the new"]:
        for suggestion in suggest(small_stack, typed):
            assert small_stack.search(suggestion)["total"] > 0, (typed, suggestion)


def test_browsers_are_told_where_suggestions_are(small_stack):
    description = ElementTree.fromstring(small_stack.get("/opensearch.xml").content)
    urls = {url.get("type"): url.get("template") for url in description.iter("{http://a9.com/-/spec/opensearch/1.1/}Url")}
    assert urls["application/x-suggestions+json"] == small_stack.base + "/suggest?q={searchTerms}"


def test_another_spelling_is_proposed_where_it_finds_more(small_stack):
    answer = small_stack.search("quenchnig")
    assert answer["total"] == 0 and answer["did_you_mean"] == {"query": "quenching", "total": 1}
    answer = small_stack.search("iron Qenching")
    assert answer["did_you_mean"] == {"query": "iron quenching", "total": 1}
    page = small_stack.get("/search?q=quenchnig").text
    assert re.search(r'Did you mean <a href="/search\?q=quenching">quenching</a>\?', page)


def test_no_other_spelling_is_proposed_where_it_would_not_help(small_stack):
    for query in ["quenching", "staves", '"quenchnig"', "hoop -quenchnig", "site:quenchnig hoop", "xyzzyplugh",
                  "oak quenching"]:
        assert "did_you_mean" not in small_stack.search(query), query
        assert "Did you mean" not in small_stack.get("/search?q=" + quote(query)).text


def test_grpc_says_the_same(small_stack):
    client = GatewayClient(small_stack)
    answer = client.gateway.Suggest(client.messages.SuggestRequest(query="quen"), timeout=20)
    assert answer.query == "quen" and list(answer.suggestions) == ["quenching"]
    found = client.search("quenchnig")
    assert found.did_you_mean.query == "quenching" and found.did_you_mean.total == 1
    assert not client.search("quenching").HasField("did_you_mean")
    client.close()


def test_strangers_are_not_told_what_only_hidden_pages_say(small_stack, hidden_site):
    assert suggest(small_stack, "zyth", admin=True) == ["zythepsary", "Zythepsary plans"]
    assert suggest(small_stack, "confi", admin=True) == ["confidentialcask"]
    assert small_stack.search("zythepsry", admin=True)["did_you_mean"] == {"query": "zythepsary", "total": 1}
    for typed in ["z", "zy", "zyth", "zythepsary", "hidden", "hidden ce", "confi", "confidentialcas", "the hid", "hoop z"]:
        shown = " ".join(suggest(small_stack, typed)).lower()
        assert not re.search("zythe|confidentialcask|hidden|cellar", shown.replace(typed, "")), typed
    for typed in ["zythepsry", "confidentialcsak", "celar", "zythepsary"]:
        assert "did_you_mean" not in small_stack.search(typed), typed


def test_what_a_scope_shows_and_hides_is_suggested_and_not(small_stack, hidden_site):
    hidden_site["public"] = True
    small_stack.write_config()
    wait_for(lambda: suggest(small_stack, "zyth") == ["zythepsary", "Zythepsary plans"], 30, "it to be public")
    hidden_site["public"] = False
    small_stack.write_config()
    wait_for(lambda: suggest(small_stack, "zyth") == [], 30, "it to be hidden")


def test_four_suggestions_count_as_one_request(small_stack):
    small_stack.config["search"].update(rate_per_minute=60, burst=5)
    small_stack.write_config()

    def statuses(path, count):
        return [small_stack.get(path).status_code for _ in range(count)]

    try:
        wait_for(lambda: 429 in statuses("/search?q=hoop", 12), 20, "the limit")
        wait_for(lambda: small_stack.get("/search?q=hoop").status_code == 200, 20, "an allowance")
        wait_for(lambda: 429 in statuses("/suggest?q=ho", 40), 20, "suggestions to be limited")
        limited = wait_for(lambda: [a for a in [small_stack.get("/suggest?q=ho")] if a.status_code == 429], 20, "it again")
        assert 1 <= int(limited[0].headers["Retry-After"]) <= 5
    finally:
        small_stack.config["search"].update(rate_per_minute="none")
        small_stack.config["search"].pop("burst")
        small_stack.write_config()
        wait_for(lambda: 429 not in statuses("/suggest?q=ho", 30), 20, "no limit")
