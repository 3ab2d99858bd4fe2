"""The answers of a real cluster held against the description that the gateway itself serves at /openapi.json: every
operation, status, header, media type and member. And what goes with REST: request ids in all logs, HEAD, 304, and 503 in
time where no master is left."""

import asyncio
import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import re
import shutil
import subprocess
import time
import unittest

import websockets

from cluster import BUILD, ROOT, ClusterTestCase, wait_until

TOOLS = BUILD / "openapi-node"  # the test openapi_tools fills it
TOKEN = "m4h_" + "A" * 43


class Answers(ClusterTestCase):
    environment = {"MAS4H_MASTER_LOG_LEVEL": "debug"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.wait_until_ready()
        cls.answers = []

    def ask(self, method, path, expected, body=None, headers=None):
        """One request, whose answer is kept for the validator; (headers, body)."""
        host = self.cluster.gateways[0].described["url"].removeprefix("http://")
        with contextlib.closing(http.client.HTTPConnection(host, timeout=10)) as connection:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            text = response.read().decode()
        found = {name.lower(): value for name, value in response.getheaders()}
        self.assertEqual(expected, response.status, f"{method} {path}: {text}")
        self.answers.append({"method": method, "path": path, "status": response.status, "headers": found, "body": text})
        return found, text

    def validate(self):
        if shutil.which("node") is None or not (TOOLS / "node_modules").is_dir():
            self.skipTest("the validator is not installed: no node, no npm or no network")
        document, answers = self.cluster.dir / "openapi.json", self.cluster.dir / "answers.ndjson"
        document.write_text(self.ask("GET", "/openapi.json", 200)[1])
        answers.write_text("".join(json.dumps(answer) + "\n" for answer in self.answers))
        shutil.copy(ROOT / "tests" / "integration" / "openapi_answers.mjs", TOOLS)
        done = subprocess.run(["node", TOOLS / "openapi_answers.mjs", document, answers],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        self.assertEqual(0, done.returncode, done.stdout)
        described = {f"{method.upper()} {path}" for path, item in json.loads(document.read_text())["paths"].items()
                     for method in item if method in ("get", "post", "delete", "put", "patch")}
        seen = json.loads(done.stdout.splitlines()[-1])["operations"]
        self.assertEqual(described, set(seen), "not every operation of the document was asked for")

    # --- the parts ---

    def ask_for_status(self):
        for path in ("/v1/cluster", "/v1/slaves", "/v1/slaves/slave-1", "/v1/tunnels", "/v1/tunnels/api-1",
                     "/v1/tunnels?page_size=1&client_key_prefix=api", "/v1/session", "/v1", "/", "/web/icon.svg",
                     "/healthz", "/readyz", "/metrics", "/openapi.json"):
            headers, body = self.ask("GET", path, 200)
            head, _ = self.ask("HEAD", path, 200)
            # These two are never the same twice.
            if path not in ("/metrics", "/v1/cluster", "/v1/slaves", "/v1/slaves/slave-1"):
                self.assertEqual(headers["content-length"], head["content-length"], path)
            if "etag" in headers and path.startswith("/v1/tunnels"):
                self.ask("GET", path, 304, headers={"If-None-Match": headers["etag"]})
                other, _ = self.ask("GET", path, 200, headers={"If-None-Match": '"other"'})
                self.assertEqual(headers["etag"], other["etag"], path)

    def ask_what_is_wrong(self):
        json_type = {"Content-Type": "application/json"}
        for method, path, expected, body, headers in (
                ("GET", "/v1/nothing", 404, None, {}), ("GET", "/v1/slaves/nobody", 404, None, {}),
                ("GET", "/v1/tunnels/nobody", 404, None, {}), ("GET", "/web/nothing.js", 404, None, {}),
                ("DELETE", "/v1/tunnels/nobody", 404, None, {}), ("POST", "/v1/slaves/nobody/drain", 404, None, {}),
                ("PUT", "/v1/cluster", 405, None, {}), ("POST", "/v1/tunnels", 405, None, {}),
                ("GET", "/v1/cluster", 406, None, {"Accept": "text/html"}),
                ("POST", "/v1/slots", 406, "{}", {"Accept": "text/html"}),
                ("GET", "/v1/tunnels?page_size=x", 400, None, {}), ("GET", "/v1/tunnels?region=%ff", 400, None, {}),
                ("GET", "/v1/tunnels/%ff", 400, None, {}), ("GET", "/v1/events?type=nothing", 400, None, {}),
                ("POST", "/v1/slots", 400, "{", json_type), ("POST", "/v1/slots", 422, '{"region": 7}', json_type),
                ("POST", "/v1/slots", 415, "<region/>", {"Content-Type": "text/xml"}),
                ("POST", "/v1/slots", 413, " " * 20000, json_type),
                ("POST", "/v1/slots", 503, '{"region": "nowhere"}', json_type),
                ("GET", "/v1/tunnels?page_token=" + "0" * 3000, 414, None, {}),
                ("GET", "/v1/slots", 426, None, {})):
            with self.subTest(method=method, path=path[:40], expected=expected):
                _, text = self.ask(method, path, expected, body, headers)
                self.assertEqual(expected, json.loads(text)["status"])

    def ask_about_records(self):
        line, name = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIvDsPuGMlni8vHnv65y07XdX3GXvaHbVnBPX1x89bTj", "/v1/devices/pump-1"
        typed = {"Content-Type": "application/json"}
        said = {"public_key": line, "client_key": "pump-1", "ports": [22, "8000-8010"], "limits": {"max_channels": 3}}
        self.ask("POST", "/v1/devices", 201, json.dumps(said), typed)
        self.ask("POST", "/v1/devices", 409, json.dumps(said), typed)
        self.ask("POST", "/v1/devices", 422, '{"limit": {}}', typed)
        self.ask("PATCH", name, 422, '{"labels": 7}', typed)
        _, text = self.ask("GET", name, 200)
        self.ask("PATCH", name, 200, text, typed)
        operator = {"operator": {"name": "ann", "rules": [{"devices": "pump-*", "ports": [22]}]}}
        self.ask("PATCH", name, 200, json.dumps(operator), typed)
        name = "/v1/devices/" + json.loads(text)["key_fingerprint"].replace("/", "%2F").replace("+", "%2B")
        for path in ("/v1/devices", "/v1/devices?state=disabled&page_size=1", name):
            self.ask("GET", path, 200)
        self.ask("GET", "/v1/devices?state=gone", 400)
        self.ask("GET", "/v1/devices/nobody", 404)
        self.ask("POST", f"{name}/approve", 409)
        self.ask("DELETE", f"{name}?reason=sold", 204)
        self.ask("DELETE", name, 404)
        self.ask("POST", "/v1/revocations", 201, '{"client_key": "pump-1", "reason": "stolen"}', typed)
        self.ask("POST", "/v1/revocations", 422, "{}", typed)
        self.ask("GET", "/v1/revocations?banned=true", 200)
        self.ask("DELETE", "/v1/revocations/device%3Apump-1", 204)
        self.ask("DELETE", "/v1/revocations/device%3Apump-1", 404)

    def ask_for_slots(self):
        self.ask("POST", "/v1/slots", 200)
        self.ask("POST", "/v1/slots", 200, '{"region": "local", "client_key": "api-2"}', {"Content-Type": "application/json"})

        async def over_websocket():
            url = self.cluster.gateways[0].described["url"].replace("http://", "ws://") + "/v1/slots"
            async with websockets.connect(url, subprotocols=["mas4h.slot.v1.json"]) as socket:
                for message in ({"request_id": "1"}, {"request_id": "2", "region": "nowhere"}, {"request_id": "3", "region": 7}):
                    await socket.send(json.dumps(message))
                return [json.loads(await socket.recv()) for _ in range(3)]

        for answer in asyncio.run(over_websocket()):
            self.answers.append({"schema": "SlotAnswer", "document": answer})

    def read_events(self):
        """The stream of events while a device goes: its head is an answer, each event a document."""
        host = self.cluster.gateways[0].described["url"].removeprefix("http://")
        with contextlib.closing(http.client.HTTPConnection(host, timeout=10)) as connection:
            connection.request("GET", "/v1/events?type=disconnect,load&client_key=api-1&type=load", headers={})
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            self.answers.append({"method": "GET", "path": "/v1/events", "status": response.status,
                                 "headers": headers, "body": ""})
            self.assertEqual(b"retry: 2000\n", response.readline())
            self.ask("DELETE", "/v1/tunnels/api-1", 204)
            while True:
                line = response.readline().decode()
                if line.startswith("data: {\"event_id\""):
                    event = json.loads(line.removeprefix("data: "))
                    self.answers.append({"schema": "Event", "document": event})
                    if event["type"] == "disconnect":
                        self.assertEqual("kicked", event["disconnect"]["reason"])
                        return

    def ask_with_tokens(self):
        tokens = self.cluster.dir / "tokens"
        tokens.write_text(f"slots slot sha256:{hashlib.sha256(TOKEN.encode()).hexdigest()}\n")
        tokens.chmod(0o600)
        self.cluster.gateways[0].restart_as_child(MAS4H_GATEWAY_ACCESS_TOKENS_FILE=str(tokens))
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        for path in ("/v1/cluster", "/v1/tunnels", "/v1/tunnels/x", "/v1/slaves", "/v1/session"):
            self.ask("GET", path, 401)
        self.ask("GET", "/v1/cluster", 403, headers=bearer)
        self.ask("DELETE", "/v1/tunnels/x", 403, headers=bearer)
        self.ask("POST", "/v1/session", 204, headers=bearer)
        self.ask("GET", "/v1/session", 200, headers=bearer)
        self.ask("DELETE", "/v1/session", 204, headers={"X-Mas4h-Request": "1"})
        self.cluster.gateways[0].restart_as_child()
        self.cluster.wait_until_ready()

    def drain(self):
        self.ask("POST", "/v1/slaves/slave-2/drain", 202)
        slave = self.cluster.slave("slave-2")
        slave.kill(15)
        wait_until(lambda: self.cluster.get("/v1/slaves/slave-2")["state"] == "stopped", 10, "the slave having stopped")
        self.ask("POST", "/v1/slaves/slave-2/drain", 409)

    def lose_the_master(self):
        """503 within 2 s, on every path that needs a master; never a hang."""
        self.cluster.masters[0].kill()

        def ask(method, path):
            before = time.monotonic()
            headers, _ = self.ask(method, path, 503)
            self.assertLess(time.monotonic() - before, 2, path)
            self.assertIn("retry-after", headers)

        with concurrent.futures.ThreadPoolExecutor() as pool:
            asked = [pool.submit(ask, *one) for one in (
                ("GET", "/v1/cluster"), ("GET", "/v1/tunnels"), ("GET", "/v1/tunnels/api-1"), ("GET", "/v1/slaves/slave-1"),
                ("POST", "/v1/slots"), ("DELETE", "/v1/tunnels/api-1"), ("POST", "/v1/slaves/slave-1/drain"))]
            for one in asked:
                one.result()

    def test_every_answer_is_as_the_document_says(self):
        self.connect("api-1")
        self.ask_for_status()
        self.ask_what_is_wrong()
        self.ask_for_slots()
        self.ask_about_records()
        self.read_events()
        self.ask("GET", "/v1/audit?action=kick&page_size=5", 200)
        self.ask("GET", "/v1/audit?since=yesterday", 400)
        self.ask_with_tokens()
        self.drain()
        self.lose_the_master()
        self.validate()

    def test_a_request_id_is_in_the_logs_of_gateway_master_and_slave(self):
        self.connect("logged")
        for method, path in (("GET", "/v1/cluster"), ("GET", "/v1/slaves"), ("GET", "/v1/tunnels?region=local"),
                             ("GET", "/v1/tunnels/logged"), ("POST", "/v1/slots"), ("DELETE", "/v1/tunnels/logged")):
            name = f"id{re.sub('[^a-z]', '-', path)}-{method}"
            headers, text = self.ask(method, path, 204 if method == "DELETE" else 200, headers={"X-Request-Id": name})
            self.assertEqual(name, headers["x-request-id"])
            self.assertTrue(self.cluster.gateways[0].log_lines(f"request_id={name} ", "status=20", f"method={method}"))
            wait_until(lambda: self.cluster.masters[0].log_lines(f'request="{name}"')
                       or self.cluster.masters[0].log_lines(f"request={name} "), 5, f"{name} in the master's log")
        wait_until(lambda: any(slave.log_lines(f"request_id={name}") for slave in self.cluster.slaves), 5,
                   "the kick's request id in the slave's log")


if __name__ == "__main__":
    unittest.main()
