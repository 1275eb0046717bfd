"""Port 8000, and gRPC through the proxies, with Google's own client."""
import subprocess
import textwrap

import grpc
import pytest

from grpc_client import GatewayClient
from sites import PythonSite
from stack import free_ports, wait_for

pytestmark = pytest.mark.sanitized


@pytest.fixture(params=["plain", "tls"])
def client(request, small_stack):
    client = GatewayClient(small_stack, tls=request.param == "tls")
    yield client
    client.close()


def test_search_says_what_http_says(client, small_stack):
    answer, http = client.search("hoop"), small_stack.search("hoop")
    assert [(r.url, r.title, r.snippet, r.inlinks) for r in answer.results] == \
        [(r["url"], r["title"], r["snippet"], r["inlinks"]) for r in http["results"]]
    assert answer.total == http["total"] and not answer.partial
    assert answer.shards.asked == 2 and answer.shards.answered == 2


def test_backlinks_say_what_http_says(client, small_stack, small_site):
    answer = client.backlinks(small_site.base + "/hoop")
    total, links = small_stack.backlinks(small_site.base + "/hoop")
    assert answer.total == total
    assert sorted((link.url, link.anchor) for link in answer.links) == sorted((l["url"], l["anchor"]) for l in links)


def test_explanations_say_what_http_says(client, small_stack, small_site):
    said = client.explain("oak barrel", small_site.base + "/stave")
    told = small_stack.explain("oak barrel", small_site.base + "/stave")
    assert said.matches and said.rank == told["rank"] == 1 and said.score == told["score"]
    assert [word.score for word in said.words] == [word["score"] for word in told["words"]]
    assert said.words[0].forms[0].term.decode() == "oak"
    assert [field.field for field in said.words[0].forms[0].fields] == [
        field["field"] for field in told["words"][0]["forms"][0]["fields"]]
    assert list(client.explain("elephants", small_site.base + "/stave").failed) == ["elephants"]


def test_the_depth_limit_is_told(client):
    with pytest.raises(grpc.RpcError) as refused:
        client.search("hoop", page=200, size=100)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_statistics_come_once_and_as_a_stream(small_stack):
    for tls in (False, True):
        client = GatewayClient(small_stack, tls=tls)
        if tls:  # the token is taken without TLS from loopback only; the proxy's hop is loopback
            pass
        assert len(client.stats().barrels) == 2
        stream = client.watch_stats()
        seen = [next(stream) for _ in range(3)]
        stream.cancel()
        assert all(len(message.barrels) == 2 for message in seen)
        client.close()


def test_urls_are_added(small_stack, tmp_path):
    site = PythonSite(tmp_path, words={"/": ("Mill", "A water mill grinds grpcmillword.")})
    client = GatewayClient(small_stack)
    answer = client.add_urls([site.base + "/", "gopher://x/"])
    assert answer.accepted == 1 and answer.rejected[0].url == "gopher://x/"
    wait_for(lambda: small_stack.urls("grpcmillword", admin=True), 20, "the page")
    client.close()
    site.close()


def test_health_is_served(client):
    answer = client.health_service.Check(client.health.HealthCheckRequest(service="tierce.v1.Gateway"), timeout=10)
    assert answer.status == client.health.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as refused:
        client.health_service.Check(client.health.HealthCheckRequest(service="nobody"), timeout=10)
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND


def test_reflection_lists_and_describes_the_service(client):
    request = client.reflection.ServerReflectionRequest
    answers = list(client.reflection_service.ServerReflectionInfo(
        iter([request(list_services="*"), request(file_containing_symbol="tierce.v1.Gateway")]), timeout=10))
    names = [service.name for service in answers[0].list_services_response.service]
    assert {"tierce.v1.Gateway", "grpc.health.v1.Health"} <= set(names)
    from google.protobuf import descriptor_pb2
    file = descriptor_pb2.FileDescriptorProto.FromString(answers[1].file_descriptor_response.file_descriptor_proto[0])
    assert file.package == "tierce.v1" and "WatchStats" in [m.name for m in file.service[0].method]


def test_an_unknown_method_is_unimplemented(client):
    call = client.channel.unary_unary("/tierce.v1.Gateway/Nothing")
    with pytest.raises(grpc.RpcError) as refused:
        call(b"", timeout=10)
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_the_guides_own_caddyfile_carries_grpc(small_stack, tmp_path):
    """The hosting guide's literal proxy: everything to port 8000 as h2c, on a port and certificate of the test's own."""
    if small_stack.proxy != "caddy":
        pytest.skip("Caddy's matter")
    port, = free_ports(1)
    (tmp_path / "Caddyfile").write_text(textwrap.dedent(f"""
        {{
            admin off
            auto_https disable_redirects
            skip_install_trust
        }}
        https://localhost:{port} {{
            tls internal
            reverse_proxy h2c://127.0.0.1:{small_stack.grpc}
        }}
    """))
    environment = {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    caddy = subprocess.Popen(["caddy", "run", "--config", tmp_path / "Caddyfile", "--adapter", "caddyfile"],
                             env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        root = tmp_path / "caddy/pki/authorities/local/root.crt"
        wait_for(root.exists, 20, "Caddy's certificate")
        channel = grpc.secure_channel(f"localhost:{port}", grpc.ssl_channel_credentials(root.read_bytes()))
        grpc.channel_ready_future(channel).result(20)
        client = GatewayClient(small_stack)
        stub = type(client.gateway)(channel)
        assert stub.Search(client.messages.SearchRequest(query="quenching"), timeout=10).total == 1
        channel.close()
        client.close()
    finally:
        caddy.terminate()
        caddy.wait(10)
