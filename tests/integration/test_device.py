"""deploy/device/mas4h-device: it connects with what a small machine has, believes only the host keys
that the gateway named, and is not led astray by an answer."""

import http.server
import json
import os
import shutil
import signal
import threading
import unittest

from cluster import ROOT, ClusterTestCase, Device, echoes, processes_naming, run, wait_until

SCRIPT = ROOT / "deploy" / "device" / "mas4h-device"
# Besides the ssh client and the one that fetches: what any small system has.
TOOLS = ("sh", "sed", "awk", "grep", "head", "od", "date", "sleep", "mkdir", "rm", "id", "uname", "tr",
         "cat", "setsid")


class FakeGateway:
    """Answers every request for a slot as it is told."""

    def __init__(self, status, answer, headers=()):
        self.requests = []
        self.authorizations = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(handler):
                length = int(handler.headers.get("Content-Length", 0))
                self.requests.append((handler.path, handler.rfile.read(length)))
                self.authorizations.append(handler.headers.get("Authorization"))
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                handler.send_response(status)
                for name, value in (*headers, ("Content-Length", str(len(content)))):
                    handler.send_header(name, value)
                handler.end_headers()
                handler.wfile.write(content)

            def log_message(handler, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class DeviceScript(ClusterTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway_url = cls.cluster.description["gateways"][0]["url"]

    def settings_of(self, name, gateways, **settings):
        return {"MAS4H_DEVICE_GATEWAYS": gateways, "MAS4H_DEVICE_PORT": str(self.echo.port),
                "MAS4H_DEVICE_HOST": "127.0.0.1",
                "MAS4H_DEVICE_STATE_DIR": str(self.cluster.dir / f"state of {name} 100%"),
                **{f"MAS4H_DEVICE_{key}": value for key, value in settings.items()}}

    def start_script(self, environment):
        device = Device(["sh", SCRIPT], environment)
        self.addCleanup(device.stop)
        return device

    def let_in(self, name, environment):
        settings = (f"{key}={value}" for key, value in environment.items())
        public = run("env", *settings, "sh", str(SCRIPT), "--public-key")
        self.cluster.authorize(name, next(line for line in public.splitlines() if " AAAA" in line))

    def fake(self, *arguments, **options):
        gateway = FakeGateway(*arguments, **options)
        self.addCleanup(gateway.close)
        return gateway

    def path_with(self, *programs):
        """A PATH that holds these and the tools alone."""
        folder = self.cluster.dir / f"bin-{'-'.join(programs)}"
        if not folder.exists():
            folder.mkdir()
            for program in (*TOOLS, *programs):
                (folder / program).symlink_to(shutil.which(program))
        return str(folder)

    def test_it_connects_with_what_is_there(self):
        for fetcher, client, maker in (("curl", "ssh", "ssh-keygen"), ("wget", "ssh", "ssh-keygen"),
                                       ("curl", "dbclient", "dropbearkey")):
            if shutil.which(fetcher) is None:
                continue
            with self.subTest(fetcher=fetcher, client=client):
                name = f"script-{fetcher}-{client}"
                environment = {**self.settings_of(name, f"http://127.0.0.1:1 {self.gateway_url}/"),
                               "PATH": self.path_with(fetcher, client, maker)}
                self.let_in(name, environment)
                device = self.start_script(environment)
                self.assertTrue(echoes(device.port))
                wait_until(lambda: self.cluster.tunnel(name), 10, "REST showing it")

                os.kill(device.process.pid, signal.SIGTERM)
                self.assertEqual(0, device.end()[0])
                state = environment["MAS4H_DEVICE_STATE_DIR"]
                self.assertEqual([], processes_naming(state))
                left = {f.name for f in (self.cluster.dir / state).rglob("*") if f.is_file()}
                self.assertEqual({f"id_{client}"}, left - {f"id_{client}.pub"})

    def test_it_comes_back_after_its_connection_is_cut(self):
        environment = self.settings_of("script-back", self.gateway_url)
        self.let_in("script-back", environment)
        device = self.start_script(environment)
        first = wait_until(lambda: self.cluster.tunnel("script-back"), 15, "the first tunnel")
        self.cluster.request("DELETE", "/v1/tunnels/script-back")

        def second():
            now = self.cluster.tunnel("script-back")
            return now and now["tunnel_id"] != first["tunnel_id"]
        wait_until(second, 20, "the second tunnel")
        self.assertTrue(device.said("next try in"))

    def test_it_does_not_talk_to_a_slave_with_another_host_key(self):
        for client in ("ssh", "dbclient"):
            with self.subTest(client=client):
                name = f"script-pinned-{client}"
                slot = self.cluster.slot()
                other = self.cluster.make_key(f"other-host-key-{client}", authorized=False)
                slot["host_keys"] = [" ".join(other.with_suffix(".key.pub").read_text().split()[:2])]
                gateway = self.fake(200, {"slot": slot})
                environment = self.settings_of(name, gateway.url, CLIENT=client)
                self.let_in(name, environment)
                device = self.start_script(environment)
                device.wait_for("ended after 0 s|ended after 1 s", 20)
                device.wait_for("verification failed|host key mismatch")
                self.assertIsNone(self.cluster.tunnel(name))

    def test_it_stays_away_as_long_as_the_gateway_asks(self):
        for headers, answer in ((("Retry-After", "37"),), {"title": "x"}), ((), {"title": "x", "retry_after_ms": 36500}):
            with self.subTest(answer=answer):
                gateway = self.fake(503, answer, headers=headers)
                device = self.start_script(self.settings_of("script-away", gateway.url))
                waits = int(device.wait_for(r"next try in (\d+) s").group(1))
                self.assertTrue(38 <= waits <= 40, waits)
                self.assertEqual(1, len(gateway.requests))

    def test_its_token_comes_from_a_file_and_stands_on_no_command_line(self):
        token = self.cluster.dir / "token of the device"
        token.write_text("m4h_0123456789abcdef-_\n")
        for fetcher in ("curl", "wget"):
            if shutil.which(fetcher) is None:
                continue
            with self.subTest(fetcher=fetcher):
                gateway = self.fake(503, {"title": "x"})
                device = self.start_script({**self.settings_of(f"token {fetcher}", gateway.url,
                                                               TOKEN_FILE=str(token)),
                                            "PATH": self.path_with(fetcher, "ssh", "ssh-keygen")})
                device.wait_for("next try")
                self.assertEqual(["Bearer m4h_0123456789abcdef-_"], gateway.authorizations)
                self.assertEqual([], processes_naming("m4h_0123456789abcdef"))
                device.stop()
        token.write_text('x" --output "y')
        status, output = Device(["sh", SCRIPT, "--check"], self.settings_of(
            "token wrong", "http://127.0.0.1:1", TOKEN_FILE=str(token))).end()
        self.assertEqual(78, status)
        self.assertIn("does not hold one token", output)

    def test_an_answer_cannot_run_a_command_or_add_a_host_key(self):
        mark = self.cluster.dir / "run-by-an-answer"
        keys = self.cluster.slot()["host_keys"]
        for answer in ({"slot": {"host": f"-oProxyCommand=touch {mark}", "port": 22, "host_keys": keys}},
                       {"slot": {"host": "127.0.0.1", "port": f"22 -o ProxyCommand='touch {mark}'", "host_keys": keys}},
                       {"slot": {"host": "127.0.0.1", "port": 22,
                                 "host_keys": ["ssh-ed25519 AAAA\n* ssh-rsa AAAA"]}},
                       {"slot": {"host": f"$(touch {mark})", "port": 22, "host_keys": keys}},
                       {"slot": {"port": 0}}, {"slot": [1, {}]}, [], b"{" * 100_000, b"", b"\0\xff{}"):
            with self.subTest(answer=str(answer)[:60]):
                gateway = self.fake(200, answer)
                device = self.start_script(self.settings_of("script-led", gateway.url))
                device.wait_for("is not a slot|no answer")
                device.stop()
                self.assertNotIn(" slave ", device.output)
        self.assertFalse(mark.exists())

    def test_a_wrong_setting_ends_it_with_status_78(self):
        for name, value in (("GATEWAYS", "ftp://x"), ("PORT", "99999"), ("REGION", "EU!"), ("HOST", "-x"),
                            ("CLIENT", "telnet"), ("STATE_DIR", "relative"), ("KEY", "/nonexistent")):
            with self.subTest(name=name):
                environment = {**self.settings_of("script-wrong", self.gateway_url),
                               f"MAS4H_DEVICE_{name}": value}
                status, output = self.start_script(environment).end()
                self.assertEqual(78, status)
                self.assertIn(f"MAS4H_DEVICE_{name}", output)

    def test_settings_come_from_a_file_that_is_not_run(self):
        file = self.cluster.dir / "device.conf"
        file.write_text("# one\n\nMAS4H_DEVICE_GATEWAYS=\"http://127.0.0.1:9\"\n  MAS4H_DEVICE_PORT=$(touch x)\n")
        status, output = Device(["sh", SCRIPT, "--check", "--config", file]).end()
        self.assertEqual(78, status)
        self.assertIn("$(touch x)", output)
        file.write_text("MAS4H_DEVICE_GATEWAYS=http://127.0.0.1:9\nMAS4H_DEVICE_COLOUR=red\n")
        status, output = Device(["sh", SCRIPT, "--check", "--config", file]).end()
        self.assertEqual(78, status)
        self.assertIn("device.conf:2: there is no setting MAS4H_DEVICE_COLOUR", output)


if __name__ == "__main__":
    unittest.main()
