"""A relay that takes POST out of GetCACaps: what makes a client fall back to GET."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

POST_WORDS = {b"POSTPKIOperation", b"SCEPStandard"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=20)
        try:
            upstream.putrequest("GET", self.path, skip_accept_encoding=True)  # as it came
            upstream.endheaders()
            reply = upstream.getresponse()
            body = reply.read()
        finally:
            upstream.close()
        if "operation=GetCACaps" in self.path:
            body = b"\n".join(word for word in body.split() if word not in POST_WORDS) + b"\n"
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.headers["Content-Type"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class GetOnly:
    def __init__(self, upstream):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.upstream = upstream
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
