"""Who may do what: every listening socket, every route, every call, without a token."""
import re
import socket
import subprocess
import urllib.parse

import grpc
import pytest

from grpc_client import GatewayClient
from stack import wait_for

pytestmark = pytest.mark.sanitized

PUBLIC = ["/", "/search?q=hoop", "/backlinks?url=http://127.0.0.1/", "/api/v1/search?q=hoop",
          "/api/v1/backlinks?url=http://127.0.0.1/", "/healthz", "/readyz", "/opensearch.xml", "/api/v1/openapi.json",
          "/robots.txt"]
ADMIN = [("GET", "/admin"), ("GET", "/api/v1/why?url=http://127.0.0.1/"), ("GET", "/api/v1/stats"),
         ("GET", "/api/v1/explain?q=hoop&url=http://127.0.0.1/"),
         ("GET", "/api/v1/stats/stream"), ("GET", "/metrics"), ("POST", "/api/v1/urls"), ("DELETE", "/api/v1/urls"),
         ("POST", "/api/v1/crawl")]


def listeners():
    """(address, port, pid) of every TCP listener of this machine."""
    found = []
    for line in subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout.splitlines():
        address = line.split()[3]
        host, port = address.rsplit(":", 1)
        for pid in set(re.findall(r"pid=(\d+)", line)):
            found.append((host.strip("[]").removeprefix("::ffff:"), int(port), int(pid)))
    return found


def test_everything_listens_on_loopback_and_only_where_it_should(small_stack):
    own = small_stack.processes()
    seen = {}
    for host, port, pid in listeners():
        if pid in own:
            assert host in ("127.0.0.1", "::1"), (host, port, own.get(pid))
            seen[port] = own.get(pid, "")
    ports = [small_stack.https, small_stack.http, small_stack.grpc, small_stack.orchestrator, small_stack.indexserver]
    for port in ports:
        assert port in seen, (port, seen)
    others = {port: command for port, command in seen.items() if port not in ports}
    assert all("barrel" in command for command in others.values()), others
    for closed in (80, 443, 2019):
        assert closed not in seen


def test_public_routes_answer_without_a_token(small_stack):
    for path in PUBLIC:
        assert small_stack.get(path).status_code == 200, path


def test_everything_else_asks_for_the_token(small_stack):
    for method, path in ADMIN:
        answer = small_stack.session.request(method, small_stack.base + path, json={"urls": ["http://127.0.0.1/"]},
                                             timeout=10)
        assert answer.status_code == 401, (method, path, answer.status_code)
        wrong = small_stack.session.request(method, small_stack.base + path, json={}, timeout=10,
                                            headers={"Authorization": "Bearer " + "0" * 64})
        assert wrong.status_code == 401, (method, path)
    assert "tierce login" in small_stack.get("/admin").text


def test_a_client_cannot_speak_for_the_proxy(small_stack):
    for name in ["X-Forwarded-For", "X-Real-IP", "X_Forwarded_For", "Remote-Addr", "Forwarded", "Proxy"]:
        answer = small_stack.get("/api/v1/stats", headers={name: "127.0.0.1"})
        assert answer.status_code == 401, name


def test_a_log_in_link_works_once_and_its_cookie_is_locked_to_this_host(small_stack):
    link = next(line.split()[-1] if "http" in line.split()[-1] else re.search(r"https://\S+", line).group(0)
                for line in small_stack.tierce("login").stdout.splitlines() if "https://" in line)
    path = urllib.parse.urlsplit(link)
    answer = small_stack.get(path.path + "?" + path.query)
    cookie = answer.headers["Set-Cookie"]
    for word in ["Secure", "HttpOnly", "SameSite=", "__Host-"]:
        assert word in cookie
    again = small_stack.get(path.path + "?" + path.query)
    assert again.status_code in (401, 403)
    credential = {"Cookie": cookie.split(";")[0]}
    assert small_stack.get("/admin", headers=credential).status_code == 200
    # With the cookie, a write needs the page's own origin: other sites cannot ride on it.
    body = {"urls": ["http://127.0.0.1:1/"]}
    for origin in [None, "https://evil.example", "null", f"https://localhost:{small_stack.https + 1}"]:
        headers = {**credential, **({"Origin": origin} if origin else {})}
        assert small_stack.post("/api/v1/urls", body, admin=False, headers=headers).status_code == 403, origin
    good = {**credential, "Origin": small_stack.base}
    assert small_stack.post("/api/v1/urls", body, admin=False, headers=good).status_code == 202
    form = small_stack.session.post(small_stack.base + "/api/v1/urls", data="urls=http://127.0.0.1:1/", headers=good,
                                    timeout=10)
    assert form.status_code in (400, 415)
    foreign = small_stack.post("/api/v1/urls", body, headers={"Host": "evil.example"})
    assert foreign.status_code in (400, 403, 421), foreign.status_code


def test_grpc_asks_for_the_token_too(small_stack):
    client = GatewayClient(small_stack)
    assert client.search("quenching").total == 1
    assert client.backlinks("http://127.0.0.1/").total == 0
    for call in [lambda: client.add_urls(["http://127.0.0.1/"], token=None), lambda: client.why("http://x/", token=None),
                 lambda: client.explain("hoop", "http://x/", token=None),
                 lambda: client.stats(token=None), lambda: next(iter(client.watch_stats(token=None))),
                 lambda: client.stats(token="0" * 64)]:
        with pytest.raises(grpc.RpcError) as refused:
            call()
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
    client.close()


def test_internal_ports_answer_no_one_without_the_key(small_stack):
    own = small_stack.processes()
    public = (small_stack.https, small_stack.http, small_stack.grpc)
    internal = [port for _, port, pid in listeners() if pid in own and port not in public]
    assert len(internal) >= 4
    for port in internal:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"TIERCE1\n" + b"\0" * 32 + b"\0" * 32 + b"\0" * 200)
            received = b""
            try:
                while chunk := connection.recv(1000):
                    received += chunk
            except ConnectionResetError:
                pass
            assert len(received) <= 40, (port, received)


def test_secrets_stand_in_no_argument_list_and_no_log(small_stack):
    small_stack.search("averyprivatequestion")
    secrets = [small_stack.token, (small_stack.data / "cluster.key").read_text().strip()]
    for pid, command in small_stack.processes().items():
        for secret in secrets:
            assert secret not in command, pid
    text = small_stack.text()
    for secret in [*secrets, "averyprivatequestion"]:
        assert secret not in text
    for path in ["admin.token", "cluster.key"]:
        assert (small_stack.data / path).stat().st_mode & 0o077 == 0
    for path in small_stack.data.rglob("*.log"):
        assert "averyprivatequestion" not in path.read_text(errors="replace")


def test_searching_may_be_kept_to_the_admin(small_stack):
    small_stack.config["search"]["public"] = False
    small_stack.write_config()
    wait_for(lambda: small_stack.get("/api/v1/search?q=hoop").status_code == 401, 10, "the closed search")
    assert small_stack.get("/api/v1/search?q=hoop", admin=True).status_code == 200
    small_stack.config["search"]["public"] = True
    small_stack.write_config()
    wait_for(lambda: small_stack.get("/api/v1/search?q=hoop").status_code == 200, 10, "the open search")


def test_too_many_requests_from_one_address_are_told_when_to_come_back(small_stack):
    small_stack.config["search"].update({"rate_per_minute": 60, "burst": 5})
    small_stack.write_config()

    def limited():
        answer = small_stack.get("/api/v1/search?q=hoop")
        return [answer] if answer.status_code == 429 else None
    answer = wait_for(limited, 15, "a refusal")[0]
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert small_stack.get("/healthz").status_code == 200
    client = GatewayClient(small_stack)
    with pytest.raises(grpc.RpcError) as refused:
        for _ in range(50):
            client.search("hoop")
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    client.close()
    small_stack.config["search"].update({"rate_per_minute": "none"})
    small_stack.write_config()
    wait_for(lambda: small_stack.get("/api/v1/search?q=hoop").status_code == 200, 10, "no limit")
