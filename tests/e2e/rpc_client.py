"""Speaks the internal protocol (docs/rpc.md) from outside: a second implementation, so that the page is tested too."""
import functools
import hashlib
import hmac
import os
import socket
import struct
import sys
import tempfile

from grpc_tools import protoc

from stack import ROOT

MAGIC = b"TIERCE1\n"
HEADER = struct.Struct("<IQHBBI")


@functools.lru_cache(maxsize=None)
def wire():
    folder = tempfile.mkdtemp(prefix="tierce-wire-")
    names = ["wire", "log", "page"]
    assert protoc.main(["protoc", f"-I{ROOT / 'proto'}", f"--python_out={folder}",
                        *[str(ROOT / "proto" / f"{name}.proto") for name in names]]) == 0
    sys.path.insert(0, folder)
    import log_pb2
    import wire_pb2
    return wire_pb2, log_pb2


class Refused(Exception):
    def __init__(self, status, text):
        super().__init__(f"status {status}: {text}")
        self.status = status


class Rpc:
    def __init__(self, port, key, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.call_id = 0
        hello = self._read(40)
        assert hello[:8] == MAGIC
        server_nonce, client_nonce = hello[8:], os.urandom(32)
        proof = lambda who: hmac.new(key, who + server_nonce + client_nonce, hashlib.sha256).digest()  # noqa: E731
        self.socket.sendall(MAGIC + client_nonce + proof(b"client"))
        assert hmac.compare_digest(self._read(32), proof(b"server"))

    def _read(self, size):
        data = b""
        while len(data) < size:
            chunk = self.socket.recv(size - len(data))
            if not chunk:
                raise ConnectionError("closed")
            data += chunk
        return data

    def call(self, method, request, reply_type, timeout_ms=10000):
        self.call_id += 1
        payload = request.SerializeToString()
        self.socket.sendall(HEADER.pack(len(payload), self.call_id, method, 1, 0, timeout_ms) + payload)
        size, call, _, kind, status, _ = HEADER.unpack(self._read(HEADER.size))
        body = self._read(size)
        assert call == self.call_id and kind == 2
        if status != 0:
            raise Refused(status, wire()[0].Failure.FromString(body).text)
        return reply_type.FromString(body)

    def submit(self, urls):
        messages, log = wire()
        return self.call(messages.SUBMIT, messages.SubmitRequest(urls=urls, origin=log.ORIGIN_OWNER), messages.SubmitReply)

    def lookup(self, url):
        messages, _ = wire()
        return self.call(messages.LOOKUP, messages.LookupRequest(url=url), messages.LookupReply)

    def stats(self):
        messages, _ = wire()
        return self.call(messages.ORCHESTRATOR_STATS, messages.Empty(), messages.Stats)

    def close(self):
        self.socket.close()
