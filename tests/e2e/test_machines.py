"""Two machines: the second is a network namespace behind a pair of virtual cables."""
import os
import shutil
import subprocess

import grpc
import pytest

from grpc_client import stubs
from stack import BIN, ROOT, wait_for

HERE, THERE = "198.18.231.1", "198.18.231.2"  # of the range for tests of networks, RFC 2544


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=20)


@pytest.fixture
def elsewhere():
    """The command that runs another one on the second machine."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("needs root and ip(8), to make a second machine")
    name, cable = f"tierce-{os.getpid()}", f"tierce{os.getpid() % 100000}"
    try:
        ip("netns", "add", name)
    except subprocess.CalledProcessError as refused:
        pytest.skip(f"no network namespace can be made here: {refused.stderr.decode()}")
    try:
        ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("address", "add", f"{HERE}/30", "dev", cable)
        ip("link", "set", cable, "up")
        ip("-n", name, "address", "add", f"{THERE}/30", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        ip("-n", name, "link", "set", "lo", "up")
        yield ["ip", "netns", "exec", name]
    finally:
        subprocess.run(["ip", "link", "del", cable], capture_output=True, timeout=20)
        ip("netns", "del", name)


@pytest.fixture
def first(make_stack):
    """The first machine, whose orchestrator listens for others too; its handbook is indexed."""
    stack = make_stack(crawl={"handbook": True})
    stack.write_config()
    stack.process = subprocess.Popen(
        [BIN / "orchestrator", "--config", stack.config_file, "--data", stack.data, "--host", "0.0.0.0", "--port",
         str(stack.orchestrator), "--indexserver-port", str(stack.indexserver), "--shards", "2", "--proxy", "nginx",
         "--proxy-folder", ROOT / "proxy", "--share-folder", ROOT / "build/share"],
        stdin=subprocess.DEVNULL, stdout=open(stack.folder / "log", "w"), stderr=subprocess.STDOUT, start_new_session=True)

    def finds():
        try:
            return stack.search("politeness")["results"]
        except (OSError, AssertionError):
            return None
    wait_for(finds, 60, "the handbook")
    return stack


def barrels(stack):
    return {barrel["name"]: barrel for barrel in stack.stats()["barrels"]}


def test_what_joins_from_another_machine_is_reached_there_and_reaches_the_first(first, elsewhere, tmp_path):
    key = first.data / "cluster.key"
    orchestrator = f"{HERE}:{first.orchestrator}"
    log = open(tmp_path / "log", "w+")

    def start(program, *arguments):
        return subprocess.Popen([*elsewhere, BIN / program, "--orchestrator", orchestrator, "--key-file", key, *arguments],
                                stdout=log, stderr=log, cwd=tmp_path)

    barrel = start("barrel", "--data", first.folder / "far", "--name", "far", "--shard", "0")
    named = start("barrel", "--data", first.folder / "named", "--name", "named", "--shard", "1", "--advertise-host",
                  "far.example", "--port", "4711")
    gateway = start("gateway", "--port", "8000")
    try:
        def is_whole():
            assert barrel.poll() is None and gateway.poll() is None, (tmp_path / "log").read_text()
            known = barrels(first)
            far, near = known.get("far"), known.get("barrel-0-0")
            return far and near and far["state"] == "ready" and far["documents"] == near["documents"] and \
                not far["rebuilding"] and known
        known = wait_for(is_whole, 30, "the barrel elsewhere")  # it has read the log, from here
        assert known["far"]["address"].startswith(THERE + ":"), known["far"]
        assert wait_for(lambda: barrels(first).get("named"), 30, "the named one")["address"] == "far.example:4711"

        # whoever searches elsewhere asks the barrels here, and whoever searches here the barrel there
        messages, services, *_ = stubs()
        with grpc.insecure_channel(f"{THERE}:8000") as channel:
            def searched():
                try:
                    return services.GatewayStub(channel).Search(messages.SearchRequest(query="politeness"), timeout=20)
                except grpc.RpcError:
                    return None
            answer = wait_for(searched, 30, "an answer from the gateway elsewhere")
            assert answer.results and answer.shards.answered == 2 and not answer.partial, answer
        named.terminate()
        named.wait(20)
        [near] = [pid for pid in first.pids("barrel") if f"{first.data}/barrel-0-0" in first.processes()[pid]]
        os.kill(near, 19)  # SIGSTOP: the other replica of its shard answers instead
        try:
            for number in range(5):
                answer = first.search(f"politeness OR nothing{number}")
                assert answer["results"] and not answer["partial"], answer
        finally:
            os.kill(near, 18)
    finally:
        for process in (barrel, named, gateway):
            process.terminate()
        for process in (barrel, named, gateway):
            process.wait(20)
    refused = subprocess.run([*elsewhere, BIN / "barrel", "--orchestrator", orchestrator, "--key-file", key, "--data",
                              first.folder / "deaf", "--host", "127.0.0.1"], capture_output=True, text=True, timeout=30)
    assert refused.returncode != 0 and "--host ::" in refused.stderr, refused.stderr
