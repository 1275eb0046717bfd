"""What a stranger sees first: one command, an address, and a search that finds something."""
import re
import signal
import subprocess
import time

import pytest

from stack import BIN, Stack, wait_for


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, proxy):
    """As `make run` on a bare tree: nothing configured, the handbook indexed."""
    stack = Stack(tmp_path_factory.mktemp("fresh"), proxy=proxy, crawl={"handbook": True})
    try:
        stack.start()
        yield stack
    finally:
        stack.abandon()


def test_it_prints_the_address_the_certificate_and_a_one_time_link(fresh):
    text = fresh.text()
    assert f"https://localhost:{fresh.https}" in text
    assert re.search(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", text) and "warn once" in text
    assert re.search(rf"https://localhost:{fresh.https}/admin/login\?code=[0-9a-f]+", text)
    another = re.search(r"`(.* login)` makes another", text).group(1)  # as it is typed where `tierce up` was
    assert f"{fresh.base}/admin/login" in subprocess.run(another.split(), capture_output=True, text=True, check=True).stdout


def test_the_first_search_finds_the_handbook_without_a_network(fresh):
    answer = fresh.search("search")
    assert answer["total"] > 0
    assert all(result["url"].startswith(f"https://localhost:{fresh.https}/handbook/") for result in answer["results"])
    page = fresh.get(answer["results"][0]["url"].split(str(fresh.https))[1])
    assert page.status_code == 200 and "<html" in page.text
    assert fresh.urls("robots.txt disallow")


def test_nothing_of_itself_but_the_handbook_is_crawled(fresh):
    why = fresh.why(fresh.base + "/search?q=x")
    assert not any(stage["name"] == "index" and stage["verdict"] == "ok" for stage in why["stages"])


def test_plain_http_is_sent_to_https_and_there_is_no_hsts_for_localhost(fresh):
    answer = fresh.session.get(f"http://localhost:{fresh.http}/search?q=x", allow_redirects=False, timeout=10)
    assert answer.status_code == 308
    assert answer.headers["Location"] == fresh.base + "/search?q=x"
    assert "Strict-Transport-Security" not in fresh.get("/").headers


def test_a_second_one_with_the_same_data_says_who_is_there(fresh):
    second = subprocess.run([BIN / "tierce", "up", "--config", fresh.config_file, "--data", fresh.data, "--proxy",
                             fresh.proxy], capture_output=True, text=True, timeout=30)
    assert second.returncode != 0
    assert "running already" in second.stderr and fresh.base in second.stderr
    assert fresh.get("/healthz").status_code == 200


def test_a_taken_port_is_named_with_its_holder_and_the_cure(make_stack, fresh):
    other = make_stack(proxy=fresh.proxy, ports={"https": fresh.https})
    with pytest.raises(AssertionError) as failed:
        other.start(ready_within=30)
    assert str(fresh.https) in str(failed.value) and "in use" in str(failed.value)


def test_control_c_stops_everything_and_loses_nothing(fresh):
    before = {r["url"] for r in fresh.search("search", size=50)["results"]}
    assert fresh.stop(signal.SIGINT) == 0
    assert fresh.processes() == {}
    begun = time.monotonic()
    fresh.start()
    assert {r["url"] for r in fresh.search("search", size=50)["results"]} == before
    assert time.monotonic() - begun < 5


def test_idle_memory_is_under_200_mb(fresh):
    total = sum(fresh.memory_kib(pid) for pid in fresh.processes())
    assert total < 200 * 1000 * 1000 / 1024, f"{total / 1024:.0f} MiB"


def test_bad_configurations_are_told_by_place_and_cure(tmp_path):
    for text, words in [("searhc: 1\n", ["config.yaml:1:1", "searhc", "search"]),
                        ("ports:\n  https: yes\n", ["config.yaml:2:10", "ports.https", "65535"]),
                        ("crawl:\n  delay: fast\n", ["config.yaml:2:10", "crawl.delay", "500ms"]),
                        ("crawl: [\n", ["config.yaml:"])]:
        file = tmp_path / "config.yaml"
        file.write_text(text)
        done = subprocess.run([BIN / "tierce", "check-config", file], capture_output=True, text=True, timeout=20)
        assert done.returncode == 1, text
        for word in words:
            assert word in done.stdout + done.stderr, (word, done.stdout, done.stderr)
        up = subprocess.run([BIN / "tierce", "up", "--config", file, "--data", tmp_path / "var"], capture_output=True,
                            text=True, timeout=30)
        assert up.returncode == 1 and "config.yaml:" in up.stdout + up.stderr
    (tmp_path / "config.yaml").write_text("")
    assert subprocess.run([BIN / "tierce", "check-config", tmp_path / "config.yaml"], timeout=20).returncode == 0


def test_programs_started_by_hand_with_the_guides_flags_join(fresh, tmp_path):
    orchestrator = f"localhost:{fresh.orchestrator}"
    key = fresh.data / "cluster.key"
    log = open(tmp_path / "gateway.log", "w+")
    gateway = subprocess.Popen([BIN / "gateway", "--port", "0", "--orchestrator", orchestrator, "--advertise-host",
                                "myproject.ddns.net", "--key-file", key], stdout=log, stderr=log)
    downloader = subprocess.Popen([BIN / "downloader", "--orchestrator", orchestrator, "--key-file", key],
                                  stdout=log, stderr=log)
    try:
        def joined():
            members = fresh.stats()["processes"]
            pids = {member["pid"] for member in members if member["state"] == "ready"}
            return {gateway.pid, downloader.pid} <= pids
        wait_for(joined, 15, "both among the members")
        assert gateway.poll() is None
    finally:
        for process in (gateway, downloader):
            process.terminate()
            assert process.wait(15) == 0
    wrong = tmp_path / "wrong.key"
    wrong.write_text("0" * 64)
    wrong.chmod(0o600)
    for arguments, words in [(["--key-file", wrong], ["--key-file"]), ([], ["cluster", "key"]),
                             (["--key-file", key, "--port", str(fresh.grpc)], ["in use", "PID", "--port"])]:
        port = [] if "--port" in arguments else ["--port", "0"]
        refused = subprocess.run([BIN / "gateway", *port, "--orchestrator", orchestrator, *arguments], capture_output=True,
                                 text=True, timeout=30, cwd=tmp_path)
        assert refused.returncode != 0
        for word in words:
            assert word in refused.stderr, (word, refused.stderr)
