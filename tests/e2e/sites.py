"""Sites to crawl, served on loopback, that know what was asked of them."""
import http.server
import re
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

from stack import free_ports, wait_for

WORDS = {
    "/": ("Cooper's Yard", "The yard where barrels are made. <a href='/stave'>Staves</a> <a href='/hoop'>Hoops of iron</a> "
                           "<a href='/secret'>a locked door</a> <a href='/old'>the old forge</a>"),
    "/stave": ("Staves", "A stave is one of the narrow strips of oak that form the sides of a barrel. Each stave is "
                         "jointed. <a href='/'>Back to the yard</a> <a href='/hoop'>what holds them</a>"),
    "/hoop": ("Hoops", "An iron hoop binds the staves together. Quenching hardens the hoop. <a href='/stave'>staves</a>"
                       " <a href='/quiet'>quiet</a>"),
    "/secret": ("Secret", "Forbidden by robots: unfindableword."),
    "/quiet": ("Quiet", "<meta name='robots' content='noindex'>noindexedword here. <a href='/hoop'>hoop</a>"),
    "/new": ("The new forge", "Where the forge moved to: tuyere and bellows. <a href='/'>yard</a>"),
    "/attack": ("<script>alert(1)</script>Attack", "Words with &lt;script&gt;alert(2)&lt;/script&gt; escapedword inside."),
}


class PythonSite:
    """A small site with known words, a robots.txt, a redirect; `log` keeps (time, path, status)."""

    def __init__(self, _folder, words=None, host="127.0.0.1"):
        self.words = dict(WORDS if words is None else words)
        self.words["/"] = (self.words["/"][0], self.words["/"][1] + " <a href='/attack'>odd words</a>")
        self.log = []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # headers and body go in two pieces: each answer would wait 40 ms

            def do_GET(self):
                status, headers, body = site.answer(self.path)
                site.log.append((time.monotonic(), self.path, status))
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((host, 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.base = f"http://{host}:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path):
        if path == "/robots.txt":
            return 200, [("Content-Type", "text/plain")], b"User-agent: *\nDisallow: /secret\n"
        if path == "/old":
            return 301, [("Location", "/new")], b""
        if path not in self.words:
            return 404, [("Content-Type", "text/html")], b"<title>Not here</title>"
        title, body = self.words[path]
        text = f"<!doctype html><html lang=en><title>{title}</title><h1>{title}</h1><p>{body}</p></html>"
        return 200, [("Content-Type", "text/html; charset=utf-8")], text.encode()

    def indexable(self):
        return [path for path in self.words if path not in ("/secret", "/quiet")]

    def wait_until_indexed(self, stack, seconds=30):
        wait_for(lambda: stack.documents() >= len(self.indexable()), seconds, "the small site in the index")

    def fetches(self, path):
        return [entry for entry in self.log if entry[1] == path]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class NginxSite:
    """A folder of files served by NGINX, with an access log."""

    def __init__(self, folder, run, hosts=None, charset="utf-8"):
        """hosts: addresses to listen on; each serves the folder of its name in `folder`. charset: as the header says."""
        self.folder, self.run = Path(folder), Path(run)
        self.port, = free_ports(1)
        listen = " ".join(f"listen {host}:{self.port};" for host in hosts or ["127.0.0.1"])
        self.base = f"http://127.0.0.1:{self.port}"
        self.access_log = self.run / "access.log"
        (self.run / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; pid {self.run}/pid; error_log {self.run}/error.log;
{"user root;" if self.folder.owner() else ""}
events {{ worker_connections 256; }}
http {{
  log_format line '$msec $status $connection $request_uri';
  access_log {self.access_log} line;
  client_body_temp_path {self.run}/b; proxy_temp_path {self.run}/p; fastcgi_temp_path {self.run}/f;
  uwsgi_temp_path {self.run}/u; scgi_temp_path {self.run}/s;
  types {{ text/html html; text/css css; image/svg+xml svg; }}
  default_type application/octet-stream; charset {charset};
  server {{ {listen} root {self.folder}{'/$server_addr' if hosts else ''}; index index.html; }}
}}
""")
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([program, "-e", self.run / "error.log", "-c", self.run / "nginx.conf", "-p", self.run])
        wait_for(lambda: (self.run / "pid").exists(), 10, "the site's nginx")

    def log(self):
        """(seconds, status, connection, path) of each request."""
        lines = self.access_log.read_text().splitlines() if self.access_log.exists() else []
        found = [re.match(r"([\d.]+) (\d+) (\d+) (.*)", line) for line in lines]
        return [(float(m.group(1)), int(m.group(2)), int(m.group(3)), m.group(4)) for m in found if m]

    def clear_log(self):
        self.access_log.write_text("")

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
