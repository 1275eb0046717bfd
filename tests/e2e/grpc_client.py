"""A client for port 8000, from the project's own .proto files."""
import functools
import sys
import tempfile
from pathlib import Path

import grpc
from grpc_tools import protoc

from stack import ROOT


@functools.lru_cache(maxsize=None)
def stubs():
    folder = tempfile.mkdtemp(prefix="tierce-stubs-")
    for name in ["gateway", "health", "reflection"]:
        code = protoc.main(["protoc", f"-I{ROOT / 'proto'}", f"--python_out={folder}", f"--grpc_python_out={folder}",
                            str(ROOT / "proto" / f"{name}.proto")])
        assert code == 0, name
    sys.path.insert(0, folder)
    import gateway_pb2
    import gateway_pb2_grpc
    import health_pb2
    import health_pb2_grpc
    import reflection_pb2
    import reflection_pb2_grpc
    assert Path(gateway_pb2.__file__).parent == Path(folder)
    return gateway_pb2, gateway_pb2_grpc, health_pb2, health_pb2_grpc, reflection_pb2, reflection_pb2_grpc


class GatewayClient:
    """Calls with the admin token unless told otherwise. `tls`: through the proxy instead of port 8000."""

    def __init__(self, stack, tls=False):
        self.stack = stack
        self.messages, services, self.health, health_services, self.reflection, reflection_services = stubs()
        if tls:
            certificate = self.certificate()
            self.channel = grpc.secure_channel(f"localhost:{stack.https}", grpc.ssl_channel_credentials(certificate))
        else:
            self.channel = grpc.insecure_channel(f"127.0.0.1:{stack.grpc}")
        self.gateway = services.GatewayStub(self.channel)
        self.health_service = health_services.HealthStub(self.channel)
        self.reflection_service = reflection_services.ServerReflectionStub(self.channel)

    def certificate(self):
        for path in ["tls/cert.pem", "caddy/pki/authorities/local/root.crt"]:
            file = self.stack.data / path
            if file.exists() and (("caddy" in path) == (self.stack.proxy == "caddy")):
                return file.read_bytes()
        raise AssertionError("no certificate in " + str(self.stack.data))

    def metadata(self, token):
        token = self.stack.token if token == "own" else token
        return [("authorization", f"Bearer {token}")] if token else []

    def search(self, query, **fields):
        return self.gateway.Search(self.messages.SearchRequest(query=query, **fields), timeout=20)

    def backlinks(self, url, **fields):
        return self.gateway.Backlinks(self.messages.BacklinksRequest(url=url, **fields), timeout=20)

    def add_urls(self, urls, token="own"):
        return self.gateway.AddUrls(self.messages.AddUrlsRequest(urls=urls), metadata=self.metadata(token), timeout=20)

    def why(self, url, token="own"):
        return self.gateway.Why(self.messages.WhyRequest(url=url), metadata=self.metadata(token), timeout=20)

    def explain(self, query, url, token="own"):
        return self.gateway.Explain(self.messages.ExplainRequest(query=query, url=url), metadata=self.metadata(token),
                                    timeout=20)

    def stats(self, token="own"):
        return self.gateway.Stats(self.messages.StatsRequest(), metadata=self.metadata(token), timeout=20)

    def watch_stats(self, token="own", timeout=20):
        return self.gateway.WatchStats(self.messages.StatsRequest(), metadata=self.metadata(token), timeout=timeout)

    def close(self):
        self.channel.close()
