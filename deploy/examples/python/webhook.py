#!/usr/bin/env python3
"""A webhook for masters with `[authorize] validators = webhook`: they post it a question about a key, it
answers whose key that is. This one reads its answers from a file, anew for each question; a company's own
asks its inventory instead. Nothing but Python's own library; docs/PROTOCOL.md describes the documents.

    webhook.py --devices devices.json --listen 127.0.0.1:8090 [--token-file FILE]

devices.json: {"ssh-ed25519 AAAA...": {"result": "allow", "client_key": "pump-1", "labels": {"site": "berlin"}}}
"""

import argparse
import hmac
import http.server
import json
import pathlib


class Webhook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept open between questions

    def do_POST(self):
        question = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.is_trusted():
            self.answer(401, {"error": "the token is wrong"})
            return
        devices = json.loads(self.server.options.devices.read_text())
        self.answer(200, devices.get(json.loads(question)["public_key"], {"result": "unknown"}))

    def is_trusted(self):
        if self.server.options.token_file is None:
            return True
        token = self.server.options.token_file.read_text().split("\n")[0]
        return hmac.compare_digest(self.headers.get("Authorization", ""), f"Bearer {token}")

    def answer(self, status, document):
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # as many as a master's connections


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=pathlib.Path, default="devices.json")
    parser.add_argument("--listen", default="127.0.0.1:8090")
    parser.add_argument("--token-file", type=pathlib.Path)
    options = parser.parse_args()
    host, _, port = options.listen.rpartition(":")
    server = Server((host, int(port)), Webhook)
    server.options = options
    print(f"answers at http://{host}:{server.server_address[1]}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
