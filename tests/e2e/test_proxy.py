"""What the proxies promise, the same through either."""
import socket
import ssl
import subprocess
import time

import pytest

from stack import wait_for


def tls(stack, alpn=None, **keywords):
    context = ssl._create_unverified_context()
    if alpn:
        context.set_alpn_protocols(alpn)
    for name, value in keywords.items():
        setattr(context, name, value)
    return context.wrap_socket(socket.create_connection(("localhost", stack.https), timeout=30), server_hostname="localhost")


def raw(stack, request, seconds=20):
    """Sends bytes and returns what comes until the end."""
    with tls(stack) as connection:
        connection.settimeout(seconds)
        connection.sendall(request)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except (TimeoutError, ConnectionResetError, ssl.SSLError):
            pass
        return received


def test_http_2_is_spoken(small_stack):
    with tls(small_stack, alpn=["h2", "http/1.1"]) as connection:
        assert connection.selected_alpn_protocol() == "h2"
    done = subprocess.run(["curl", "-sk", "--http2", "-o", "/dev/null", "-w", "%{http_version} %{http_code}",
                           small_stack.base + "/search?q=hoop"], capture_output=True, text=True, timeout=20)
    assert done.stdout == "2 200"


def test_old_tls_is_refused(small_stack):
    with pytest.raises((ssl.SSLError, OSError)):
        tls(small_stack, maximum_version=ssl.TLSVersion.TLSv1_1)


@pytest.mark.parametrize("path", ["/", "/search?q=hoop", "/healthz", "/handbook/", "/api/v1/search?q=hoop", "/nowhere"])
def test_security_headers_stand_on_every_answer(small_stack, path):
    headers = small_stack.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Permissions-Policy" in headers
    assert "Status" not in headers
    assert not any(char.isdigit() for char in headers.get("Server", ""))
    if "html" in headers.get("Content-Type", ""):
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_static_files_and_the_handbook_come_from_the_proxy_itself(small_stack):
    page = small_stack.get("/handbook/")
    assert page.status_code == 200 and page.headers.get("Content-Encoding") == "gzip"
    assert "Cache-Control" in page.headers
    assert small_stack.get("/handbook/../../etc/passwd").status_code in (400, 403, 404)
    assert small_stack.get("/static/nothing.css").status_code == 404


def test_large_bodies_are_refused(small_stack):
    answer = small_stack.session.post(small_stack.base + "/api/v1/urls", data=b"x" * (3 << 20), timeout=30,
                                      headers={**small_stack.admin(), "Content-Type": "application/json"})
    assert answer.status_code == 413


def test_a_chunked_body_arrives_whole(small_stack):
    def chunks():
        yield b'{"urls": ["http://127.0.0.1:2/'
        yield b'chunked"]}'
    answer = small_stack.session.post(small_stack.base + "/api/v1/urls", data=chunks(), timeout=30,
                                      headers={**small_stack.admin(), "Content-Type": "application/json"})
    assert answer.status_code == 202 and answer.json()["accepted"] == 1


def test_unknown_methods_are_refused(small_stack):
    for method in ["TRACE", "PUT", "BREW"]:
        assert small_stack.session.request(method, small_stack.base + "/", timeout=10).status_code == 405, method
    assert small_stack.session.head(small_stack.base + "/", timeout=10).status_code == 200


def test_a_half_sent_header_is_cut_off(small_stack):
    begun = time.monotonic()
    raw(small_stack, b"GET / HTTP/1.1\r\nHost: localhost\r\nX-", seconds=60)
    assert time.monotonic() - begun < 40


def test_a_huge_header_is_refused(small_stack):
    answer = raw(small_stack, b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 100000 + b"\r\n\r\n")
    assert answer == b"" or answer.split()[1] in (b"400", b"413", b"431"), answer[:100]


def test_idle_connections_starve_no_one(small_stack):
    """Many clients that keep their connections and say nothing: others are answered at once."""
    idle = []
    for _ in range(60):
        connection = tls(small_stack)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" in connection.recv(65536)[:20]
        idle.append(connection)
    for _ in range(20):
        begun = time.monotonic()
        assert small_stack.get("/healthz").status_code == 200
        assert time.monotonic() - begun < 2
    for connection in idle:
        connection.close()


def test_live_viewers_leave_room_for_searchers(small_stack):
    viewers = []
    for _ in range(40):
        viewers.append(small_stack.session.get(small_stack.base + "/api/v1/stats/stream", headers=small_stack.admin(),
                                               stream=True, timeout=20))
    codes = {viewer.status_code for viewer in viewers}
    assert codes <= {200, 503} and 200 in codes
    for _ in range(20):
        begun = time.monotonic()
        assert small_stack.get("/search?q=hoop").status_code == 200
        assert time.monotonic() - begun < 2
    for viewer in viewers:
        viewer.close()
    def free():
        with small_stack.session.get(small_stack.base + "/api/v1/stats/stream", headers=small_stack.admin(), stream=True,
                                     timeout=20) as again:
            return again.status_code == 200
    wait_for(free, 15, "room for a viewer again")
