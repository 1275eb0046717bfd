"""Sites that want to know who asks: the keys of config.yaml, the log-in, who sees the pages, where the secrets are not."""
import contextlib

import pytest

from site_server import Answer, SiteServer
from stack import wait_for

pytestmark = pytest.mark.sanitized

PASSWORD = "sécret"
FORM_PASSWORD = "sécret & more"
SECRETS = [PASSWORD, FORM_PASSWORD, "token-of-the-owner", "key of the owner", "id=of-the-owner", "secret-of-a-visit"]


@pytest.fixture(scope="module")
def proxy():
    return "nginx"


def home(kind, word):
    return Answer(f"<title>Home</title><p>The door of {word}. <a href='/members/1?need={kind}'>in</a>")


@pytest.fixture
def sites():
    """One for each way to make oneself known."""
    with contextlib.ExitStack() as stack:
        made = {kind: stack.enter_context(SiteServer()) for kind in ("basic", "bearer", "header", "cookie", "form", "wrong")}
        for kind, site in made.items():
            site.pages["/"] = home("form" if kind == "wrong" else kind, kind)
        yield made


def secret_file(folder, name, text):
    path = folder / name
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def sources_of(sites, folder):
    def login(site, password):
        return {"kind": "form", "url": site.url + "/login", "user": "reader", "user_field": "user",
                "password_file": secret_file(folder, f"form{site.port}", password + "\n")}

    access = {
        "basic": {"login": {"kind": "basic", "user": "reader", "password_file": secret_file(folder, "basic", PASSWORD)}},
        "bearer": {"login": {"kind": "bearer", "token_file": secret_file(folder, "token", "token-of-the-owner")}},
        "header": {"headers_file": secret_file(folder, "headers", "X-Api-Key: key of the owner\n")},
        "cookie": {"cookie_file": secret_file(folder, "cookie", "id=of-the-owner; theme=dark\n")},
        "form": {"login": login(sites["form"], FORM_PASSWORD)},
        "wrong": {"login": login(sites["wrong"], "wrong")},
    }
    return [{"url": site.url + "/", "allow_private": True, "delay": "0", **access[kind]} for kind, site in sites.items()]


def files_with(folder, words):
    """Which of the folder's files hold any of the words, as they stand."""
    return [(path.name, word) for path in folder.rglob("*") if path.is_file() and not path.is_socket()
            for word in words if word.encode() in path.read_bytes()]


def test_what_a_source_says_lets_the_crawl_in(make_stack, sites, tmp_path):
    stack = make_stack(crawl={"sources": sources_of(sites, tmp_path)})
    stack.start()
    wanted = {site.url + f"/members/1?need={kind}" for kind, site in sites.items() if kind != "wrong"}
    wait_for(lambda: wanted <= set(stack.urls("memberword", admin=True)), 30, "all that members see")
    assert stack.urls("memberword") == []

    form = sites["form"].log()
    assert [request.target for request in form if request.method == "POST"] == ["/login"]
    assert form[0].target == "/robots.txt"
    for kind, site in sites.items():  # nobody learns what is another's
        for request in site.log():
            assert "authorization" not in request.headers or kind in ("basic", "bearer"), (kind, request)
            assert "x-api-key" not in request.headers or kind == "header", (kind, request)

    wrong = sites["wrong"]
    wait_for(lambda: "/login" in wrong.targets(), 20, "an attempt to log in")
    source = wait_for(lambda: next((s for s in stack.stats()["sources"]
                                    if s["url"] == wrong.url + "/" and "log-in fails" in s["state"]), None), 20,
                      "the source that cannot log in")
    assert source["fetched"] == 0
    why = str(stack.why(wrong.url + "/"))
    assert "is the password right?" in why
    assert wrong.targets().count("/login") == 1

    for text in (stack.text(), str(stack.stats()), why):
        assert not any(word in text for word in SECRETS)
    assert files_with(stack.data, SECRETS) == []
