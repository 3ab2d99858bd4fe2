"""mas4hctl as an operator types it, against a real cluster; and against a gateway that the test
plays, for what a real one seldom does."""

import contextlib
import http.server
import json
import os
import pty
import re
import select
import signal
import ssl
import subprocess
import tempfile
import termios
import threading
import time
import unittest
import urllib.parse

from cluster import BUILD, ROOT, ClusterTestCase, Program, run, wait_until

CTL = BUILD / "bin" / "mas4hctl"
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("MAS4H") and k != "NO_COLOR"}


def ctl(url, *arguments, environment=None, stdin=subprocess.DEVNULL):
    return subprocess.run(
        [str(CTL), *arguments], env={**CLEAN, "HOME": "/nonexistent", "MAS4H_GATEWAY": url, **(environment or {})},
        stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)


class Terminal:
    """A program on a terminal of its own, of a given size."""

    def __init__(self, command, environment, rows=24, columns=100):
        pid, self.fd = pty.fork()
        if pid == 0:
            os.execve(str(command[0]), [str(c) for c in command], environment)
        self.pid, self.output, self.status = pid, "", None
        termios.tcsetwinsize(self.fd, (rows, columns))

    def read(self):
        with contextlib.suppress(OSError):
            while select.select([self.fd], [], [], 0)[0]:
                data = os.read(self.fd, 65536)
                if not data:
                    break
                self.output += data.decode(errors="replace")
        return self.output

    def wait_for(self, pattern, seconds=15):
        return wait_until(lambda: re.search(pattern, self.read()), seconds, f"{pattern!r} in {self.output!r}")

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self, seconds=15):
        def ended():
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            return pid
        wait_until(ended, seconds, "the end of the program")
        self.read()
        os.close(self.fd)
        return self.status

    def kill(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self.fd)


class OnACluster(ClusterTestCase):
    options = ("--slaves", "3")

    def setUp(self):
        self.url = self.cluster.gateways[0].described["url"]

    def ctl(self, *arguments, **options):
        return ctl(self.url, *arguments, **options)

    def done(self, *arguments, **options):
        result = self.ctl(*arguments, **options)
        self.assertEqual((0, ""), (result.returncode, result.stderr), arguments)
        return result.stdout

    def connect(self, name, slave="slave-1"):
        return super().connect(name, self.cluster.slot_on(slave))

    def test_it_shows_the_cluster_slaves_and_tunnels(self):
        device = self.connect("door-1")
        self.connect("window-1", "slave-2")
        self.assertRegex(self.done("status"), r"(?s)slaves +\d ready of 3\n.*REGION.*\nlocal +\d/3.*MASTER.*\nmaster-1 ")
        self.assertRegex(self.done("slaves"), r"SLAVE +REGION +STATE.*\nslave-1 +local +ready .*\nslave-2 +local +ready ")
        self.assertRegex(self.done("slave", "slave-2"), r"slave +slave-2\nregion +local\nstate +ready\n")
        lines = self.done("tunnels", "--prefix", "door-", "--slave", "slave-1").splitlines()
        self.assertEqual(2, len(lines))
        self.assertRegex(lines[1], rf"^door-1 +slave-1 +local +127\.0\.0\.1:{device.port} ")
        self.assertEqual("door-1\nwindow-1\n", self.done("tunnels", "-q"))
        self.assertIn(f"ssh -p {device.port} 127.0.0.1\n", self.done("tunnel", "door-1"))

    def test_json_is_what_rest_says(self):
        self.connect("json-1")
        self.assertEqual(self.cluster.get("/v1/tunnels/json-1"), json.loads(self.done("tunnel", "json-1", "--json")))
        self.assertEqual({"slaves", "regions", "masters"} & set(json.loads(self.done("status", "--json"))),
                         {"slaves", "regions", "masters"})
        slaves = [json.loads(line) for line in self.done("slaves", "--json").splitlines()]
        self.assertEqual(["slave-1", "slave-2", "slave-3"], [s["slave_id"] for s in slaves])
        self.assertTrue(json.loads(self.done("slot", "--json"))["slot"]["host_keys"])

    def test_a_slot_names_a_slave_and_its_host_key(self):
        self.assertRegex(self.done("slot", "--client-key", "x"), r"connect to +127\.0\.0\.1:\d+\n(?s:.*)host key +ssh-ed25519 AAAA")
        refused = self.ctl("slot", "--region", "nowhere")
        self.assertEqual(1, refused.returncode)
        self.assertIn("(no_capacity", refused.stderr)

    def test_a_kick_is_confirmed_and_the_device_is_gone(self):
        device = self.connect("kicked-1")
        unasked = self.ctl("kick", "kicked-1")
        self.assertEqual((2, True), (unasked.returncode, "--yes" in unasked.stderr))
        environment = {**CLEAN, "MAS4H_GATEWAY": self.url, "HOME": "/nonexistent"}
        for answer, expected in (("n\n", 1), ("y\n", 0)):
            terminal = Terminal([CTL, "kick", "kicked-1"], environment)
            self.addCleanup(terminal.kill)
            terminal.wait_for(r"Disconnect kicked-1\? \[y/N\]")
            terminal.type(answer)
            self.assertEqual(expected, terminal.end())
        self.assertNotEqual(0, device.end()[0])
        wait_until(lambda: self.ctl("tunnel", "kicked-1").returncode == 1, 10, "the tunnel being gone")
        self.assertIn("not_found", self.ctl("kick", "--yes", "kicked-1").stderr)

    def test_no_event_is_missed_while_the_gateway_is_restarted(self):
        follower = Program([CTL, "events", "--follow", "--type", "connect,disconnect", "--client-key", "seen-1"],
                           {"MAS4H_GATEWAY": self.url})
        self.addCleanup(follower.stop)
        asked = wait_until(lambda: self.cluster.gateways[0].log_lines("/v1/events") or
                           re.search(r"mas4h_gateway_event_readers [1-9]", self.metrics()), 10, "the reader")
        self.assertTrue(asked)
        device = self.connect("seen-1")
        follower.wait_for(r"connect +local/slave-1 +seen-1 at port \d+")
        self.cluster.gateways[0].kill(signal.SIGTERM)
        device.stop()  # while nobody tells
        self.cluster.gateways[0].start()
        follower.wait_for(r"disconnect +local/slave-1 +seen-1 ", 20)

    def metrics(self):
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            return run("curl", "-sf", f"{self.url}/metrics")
        return ""

    def test_events_as_lines_of_json_until_there_are_enough(self):
        follower = Program([CTL, "events", "--json", "--type", "load", "--limit", "2"], {"MAS4H_GATEWAY": self.url})
        self.addCleanup(follower.stop)
        status, output = follower.end()
        events = [json.loads(line) for line in output.splitlines()]
        self.assertEqual((0, ["load", "load"]), (status, [e["type"] for e in events]))

    def test_top_fills_the_screen_and_ends_at_q(self):
        environment = {**CLEAN, "MAS4H_GATEWAY": self.url, "HOME": "/nonexistent", "TERM": "xterm", "LANG": "C.UTF-8"}
        top = Terminal([CTL, "top", "--interval", "0.2", "--timeout", "0.5"], environment)
        self.addCleanup(top.kill)
        top.wait_for(r"slave-1 .*ready.*\[\.{20}\]|slave-1 .*ready.*\[\|")
        top.wait_for(r"(?s)tunnels/s.*tunnels/s.*tunnels/s")
        os.kill(self.cluster.gateways[0].pid, signal.SIGSTOP)
        try:
            top.output = ""
            top.wait_for("not up to date for", 20)
        finally:
            os.kill(self.cluster.gateways[0].pid, signal.SIGCONT)
        top.type("q")
        self.assertEqual(0, top.end())
        self.assertTrue(top.output.endswith("\x1b[?25h\x1b[?1049l"), top.output[-40:])
        self.assertEqual(2, self.ctl("top").returncode)

    def test_a_drain_is_waited_for(self):
        self.connect("leaves", "slave-3")
        result = self.ctl("drain", "slave-3", "--yes", "--wait")
        self.assertEqual((0, "slave-3 drains; tunnels that have to leave: 1\n", ""),
                         (result.returncode, result.stdout, result.stderr))
        self.assertIsNone(self.cluster.tunnel("leaves"))
        self.assertEqual(1, self.ctl("drain", "nobody", "--yes").returncode)

    def test_a_token_made_here_is_what_a_gateway_takes(self):
        made = self.ctl("token", "new", "--name", "ops", "--scope", "read")
        token, line = made.stdout.splitlines()
        self.assertRegex(token, r"^m4h_[A-Za-z0-9_-]{43}$")
        tokens = self.cluster.dir / "tokens"
        tokens.write_text(line + "\n")
        secret = self.cluster.dir / "token"
        secret.write_text(token + "\n")
        gateway = self.cluster.gateways[0]
        gateway.restart_as_child(MAS4H_GATEWAY_ACCESS_TOKENS_FILE=str(tokens))
        try:
            refused = self.ctl("status")
            self.assertEqual((4, ""), (refused.returncode, refused.stdout))
            self.assertIn("--token-file", refused.stderr)
            self.assertIn("slave-1", self.done("slaves", "--token-file", str(secret)))
            self.assertIn("slave-1", self.done("slaves", environment={"MAS4H_TOKEN": token}))
            config = self.cluster.dir / "ctl.conf"
            config.write_text(f"[gateway]\nurl = {self.url}\ntoken_file = {secret}\n")
            self.assertIn("slave-1", ctl("", "slaves", "--config", str(config)).stdout)
            forbidden = self.ctl("kick", "--yes", "nobody", "--token-file", str(secret))
            self.assertEqual(4, forbidden.returncode, forbidden.stderr)
        finally:
            gateway.restart_as_child()

    def test_bash_completes_commands_options_slaves_and_devices(self):
        self.connect("complete-1")
        script = f"""
            source {ROOT}/deploy/ctl/mas4hctl.bash
            PATH={CTL.parent}:$PATH
            complete_line() {{
                COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
                _mas4hctl; printf '%s ' "${{COMPREPLY[@]}}"; echo
            }}
            complete_line mas4hctl sl
            complete_line mas4hctl tunnels --pre
            complete_line mas4hctl drain sl
            complete_line mas4hctl kick comp
            complete_line mas4hctl events --type rel
            complete_line mas4hctl --gateway {self.url} tunnels --slave slave-2
            complete_line mas4hctl token ''"""
        result = subprocess.run(["bash", "-c", script], env={**CLEAN, "MAS4H_GATEWAY": self.url}, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30, check=True)
        self.assertEqual(["slaves slave slot", "--prefix", "slave-1 slave-2 slave-3", "complete-1", "reload", "slave-2", "new"],
                         [line.strip() for line in result.stdout.splitlines()], result.stderr)


    def test_completion_at_the_prompt_asks_the_gateway_of_the_line(self):
        self.connect("prompt-1")
        environment = {**CLEAN, "HOME": "/nonexistent", "TERM": "dumb", "PATH": f"{CTL.parent}:{os.environ['PATH']}"}
        bash = Terminal(["/bin/bash", "--norc", "--noprofile", "-i"], environment)
        self.addCleanup(bash.kill)
        bash.type(f"source {ROOT}/deploy/ctl/mas4hctl.bash; PS1='>> '\n")
        bash.wait_for("\n>> ")
        for option in (f"--gateway {self.url}", f"--gateway={self.url}"):
            bash.output = ""
            bash.type(f"mas4hctl {option} tunnel pro\t-q\n")
            bash.wait_for(r"tunnel prompt-1 -q(?s:.*)tunnel takes no --quiet")
        bash.type("exit\n")


class Played(http.server.BaseHTTPRequestHandler):
    """A gateway whose answers the test writes: `answers` of the server, by path."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        self.server.seen.append((self.command, url.path, query, dict(self.headers)))
        status, headers, body = self.server.answer(url.path, query, self.headers)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    do_POST = do_DELETE = do_GET

    def log_message(self, *arguments):
        pass


class OnAPlayedGateway(unittest.TestCase):
    def play(self, answer, tls=None):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Played)
        server.answer, server.seen = answer, []
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.server = server
        return f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}"

    def test_all_pages_are_followed_and_no_more_than_asked_for(self):
        def answer(path, query, headers):
            first, size = int(query.get("page_token", "0")), int(query["page_size"])
            names = range(first, min(first + size, 1200))
            page = {"tunnels": [{"client_key": f"d{n:05}", "port": n} for n in names],
                    "next_page_token": str(first + size) if first + size < 1200 else ""}
            return 200, {}, json.dumps(page).encode()
        url = self.play(answer)
        expected = [f"d{n:05}" for n in range(1200)]
        self.assertEqual(expected, ctl(url, "tunnels", "-q").stdout.split())
        lines = ctl(url, "tunnels", "--json").stdout.splitlines()
        self.assertEqual(expected, [json.loads(line)["client_key"] for line in lines])
        table = ctl(url, "tunnels").stdout.splitlines()
        self.assertEqual((1201, "CLIENT KEY"), (len(table), table[0][:10]))
        self.assertEqual(expected[:700], ctl(url, "tunnels", "-q", "-n", "700").stdout.split())
        self.assertEqual("200", self.server.seen[-1][2]["page_size"])

    def test_each_kind_of_failure_has_its_exit_code(self):
        def problem(status, code):
            return status, {"Content-Type": "application/problem+json"}, json.dumps(
                {"code": code, "detail": f"this is {code}", "retry_after_ms": 0}).encode()
        answers = {"/a": problem(404, "not_found"), "/b": problem(503, "unavailable"),
                   "/c": problem(503, "no_capacity"), "/d": problem(401, "unauthorized"),
                   "/e": problem(429, "throttled"), "/f": (200, {}, b"<html>hello"), "/g": (502, {}, b"bad gateway"),
                   "/h": (301, {"Location": "http://127.0.0.1:1/"}, b"")}
        url = self.play(lambda path, query, headers: answers[path.removesuffix("/v1/cluster")])
        for path, expected in zip("abcdefgh", (1, 3, 1, 4, 1, 3, 3, 1)):
            with self.subTest(path=path):
                result = ctl(f"{url}/{path}/", "status", environment={"MAS4H_TOKEN": "secret"})
                self.assertEqual(expected, result.returncode, result.stderr)
                self.assertTrue(result.stderr.startswith("mas4hctl: "))
                self.assertNotIn("secret", result.stderr + result.stdout)
        self.assertEqual("Bearer secret", self.server.seen[0][3]["Authorization"])
        self.assertEqual(3, ctl("http://127.0.0.1:1", "status").returncode)
        self.assertEqual(2, ctl("ftp://127.0.0.1", "status").returncode)
        self.assertEqual(2, ctl(url, "frobnicate").returncode)

    def test_a_gateway_by_https_has_to_be_the_one_that_was_meant(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = f"{folder}/cert.pem", f"{folder}/key.pem"
            run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=gateway", "-addext", "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key)
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate, key)
            url = self.play(lambda *arguments: (200, {}, b'{"slaves": [], "next_page_token": ""}'), tls)
            self.assertEqual(0, ctl(url, "slaves", "--cacert", certificate).returncode)
            self.assertEqual(1, len(self.server.seen))
            for wrong in (url, url.replace("127.0.0.1", "localhost")):
                options = () if wrong == url else ("--cacert", certificate)
                self.assertEqual(3, ctl(wrong, "slaves", *options, environment={"MAS4H_TOKEN": "secret"}).returncode)
            self.assertEqual(1, len(self.server.seen))

    def test_a_name_is_one_segment_of_the_path_whatever_it_is(self):
        url = self.play(lambda *arguments: (404, {}, b""))
        for name, expected in (("..", "/v1/tunnels/.."), ("a/b?c#d", "/v1/tunnels/a%2Fb%3Fc%23d")):
            self.assertEqual(1, ctl(url, "kick", "--yes", name).returncode)
            self.assertEqual(("DELETE", expected), self.server.seen[-1][:2])

    def test_a_gateway_that_does_not_answer_is_given_up(self):
        url = self.play(lambda *arguments: time.sleep(1) or (200, {}, b"{}"))
        begun = time.monotonic()
        result = ctl(url, "status", "--timeout", "0.2")
        self.assertEqual(3, result.returncode)
        self.assertLess(time.monotonic() - begun, 0.9)

    def test_following_resumes_after_the_last_event_it_saw(self):
        def event(number):
            document = {"event_id": f"s:1:{number}", "type": "stop", "slave_id": f"s{number}", "region": "eu",
                        "time": "2026-01-31T12:00:00.000Z"}
            return f"id: {number}\nevent: stop\ndata: {json.dumps(document)}\n\n"

        def answer(path, query, headers):
            last = int(headers.get("Last-Event-ID", "6"))
            if last >= 12:
                return 400, {}, b""
            body = "retry: 10\nevent: hello\ndata: {}\n\n" + event(last + 1) + event(last + 2) + "data: cut off"
            return 200, {"Content-Type": "text/event-stream", "Connection": "close"}, body.encode()
        url = self.play(answer)
        result = ctl(url, "events", "--follow", "--after", "6", "--region", "eu")
        self.assertEqual(["eu/s7", "eu/s8", "eu/s9", "eu/s10", "eu/s11", "eu/s12"],
                         [line.split()[2] for line in result.stdout.splitlines()])
        self.assertEqual(1, result.returncode)
        self.assertEqual({"region": "eu"}, self.server.seen[0][2])

    def test_what_a_stranger_wrote_cannot_reach_the_terminal(self):
        tunnel = {"client_key": "a\x1b[2Jb", "port": 1, "client_version": "\u009b31m\r\n"}
        url = self.play(lambda *arguments: (200, {}, json.dumps(tunnel).encode()))
        result = ctl(url, "tunnel", "x")
        self.assertEqual(0, result.returncode)
        self.assertFalse(re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", result.stdout), result.stdout)

    def test_a_token_goes_out_whole_or_not_at_all(self):
        asked = []

        def answer(path, query, headers):
            asked.append(headers["Authorization"])
            return 200, {}, b'{"slaves": [], "next_page_token": ""}'
        url = self.play(answer)
        with tempfile.NamedTemporaryFile("w") as secret:
            for length in (256, 257, 5000):
                token = "t" * length
                secret.truncate(0)
                secret.seek(0)
                secret.write(token + "\n")
                secret.flush()
                for result in (ctl(url, "slaves", "--token-file", secret.name),
                               ctl(url, "slaves", environment={"MAS4H_TOKEN": token})):
                    self.assertEqual(0 if length == 256 else 2, result.returncode, result.stderr)
                    self.assertEqual(length > 256, "longer than 256 bytes" in result.stderr)
        self.assertEqual(["Bearer " + "t" * 256] * 2, asked)

    def test_colors_are_for_terminals_or_who_asks(self):
        slaves = {"slaves": [{"slave_id": "s", "state": "ready"}], "next_page_token": ""}
        url = self.play(lambda *arguments: (200, {}, json.dumps(slaves).encode()))
        self.assertNotIn("\x1b", ctl(url, "slaves").stdout)
        self.assertIn("\x1b[32mready", ctl(url, "slaves", "--color", "always").stdout)
        for settings, expected in (({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False),
                                   ({"TERM": "xterm", "NO_COLOR": "1"}, False)):
            terminal = Terminal([CTL, "slaves"], {**CLEAN, **settings, "MAS4H_GATEWAY": url, "HOME": "/nonexistent"})
            self.addCleanup(terminal.kill)
            self.assertEqual(0, terminal.end())
            self.assertEqual(expected, "\x1b[32mready" in terminal.output, settings)

    def test_a_reader_that_goes_away_ends_it_quietly(self):
        page = {"tunnels": [{"client_key": "d" * 60}] * 500, "next_page_token": "on"}
        url = self.play(lambda *arguments: (200, {}, json.dumps(page).encode()))
        result = subprocess.run(["bash", "-c", f"{CTL} tunnels -q 2>&1 >/dev/full | head -c 500; {CTL} tunnels -q | head -1"],
                                env={**CLEAN, "MAS4H_GATEWAY": url}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, timeout=30)
        self.assertIn("No space left", result.stdout)
        self.assertEqual(("d" * 60, ""), (result.stdout.splitlines()[-1], result.stderr))


class Documented(unittest.TestCase):
    """The manual and the completion know every command and option that --help names."""

    def words(self):
        shown = run(str(CTL), "--help")
        return re.findall(r"^  ([a-z]+)[ \n]", shown, re.M), re.findall(r"--[a-z-]+", shown)

    def test_the_manual_names_all(self):
        manual = (ROOT / "docs" / "man" / "mas4hctl.1").read_text()
        commands, options = self.words()
        self.assertGreater(len(commands), 9)
        for word in commands:
            self.assertRegex(manual, rf"(?m)^\.(It Cm|Cm).*\b{word}\b")
        for option in options:
            self.assertIn(f"Fl -{option[2:]}", manual.replace("Fl \\-", "Fl -"))

    def test_the_completion_names_all(self):
        script = (ROOT / "deploy" / "ctl" / "mas4hctl.bash").read_text()
        commands, options = self.words()
        for word in [*commands, *options]:
            self.assertRegex(script, rf"(?m)(^|[\s'\"(|]){re.escape(word)}($|[\s'\")|=])")

    def test_the_manual_is_without_fault(self):
        manual = ROOT / "docs" / "man" / "mas4hctl.1"
        result = subprocess.run(["mandoc", "-Tlint", "-Wwarning", str(manual)], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual((0, ""), (result.returncode, result.stdout))


if __name__ == "__main__":
    unittest.main()
