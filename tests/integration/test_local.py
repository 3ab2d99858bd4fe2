"""deploy/local.sh as a person uses it: up, the demo device, a second up, down, Ctrl-C; and the device
script beside it."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import unittest.mock
import urllib.error
import urllib.request
from pathlib import Path

from cluster import BUILD, FINDINGS, ROOT, Program, accepts, processes_naming, wait_until

LOCAL = ROOT / "deploy" / "local.sh"
ENVIRONMENT = {"MAS4H_BUILD_DIR": str(BUILD)}


class Local(unittest.TestCase):
    def setUp(self):
        (BUILD / "integration").mkdir(parents=True, exist_ok=True)
        self.dir = Path(tempfile.mkdtemp(prefix="local-", dir=BUILD / "integration"))
        self.addCleanup(shutil.rmtree, self.dir)
        self.addCleanup(self.local, "down")

    def local(self, *arguments):
        return subprocess.run(
            ["bash", str(LOCAL), *arguments, "--dir", str(self.dir)], env={**os.environ, **ENVIRONMENT},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180)

    def description(self):
        return json.loads((self.dir / "cluster.json").read_text())

    def assert_gone(self):
        self.assertEqual([], processes_naming(f"{self.dir}/"))
        self.assertFalse((self.dir / "cluster.json").exists())
        findings = [p.name for p in self.dir.glob("log/*.log") if FINDINGS.search(p.read_text(errors="replace"))]
        self.assertEqual([], findings)

    def test_up_shows_a_demo_device_that_answers_and_down_leaves_nothing(self):
        up = self.local("up", "--detach")
        self.assertEqual(0, up.returncode, up.stdout)
        described = self.description()
        self.assertEqual((1, 2, 1), tuple(len(described[k]) for k in ("masters", "slaves", "gateways")))
        for kind in ("masters", "slaves"):
            for service in described[kind]:
                with urllib.request.urlopen(service["metrics_url"], timeout=5) as answer:
                    self.assertEqual(200, answer.status)
        url = re.search(r"demo device.*\n +curl (http://127\.0\.0\.1:\d+/)", up.stdout).group(1)
        with urllib.request.urlopen(url, timeout=5) as page:
            self.assertIn(b"demo device", page.read())

        second = self.local("up", "--detach")
        self.assertEqual(1, second.returncode)
        self.assertIn("runs in", second.stdout)
        self.assertEqual(described, self.description())

        down = self.local("down")
        self.assertEqual((0, ""), (down.returncode, down.stdout))
        self.assert_gone()
        again = self.local("down")
        self.assertEqual(0, again.returncode)
        self.assertIn("no cluster runs", again.stdout)

    def test_a_second_cluster_in_the_same_folder_is_up_quickly_with_the_same_keys(self):
        keys = []
        for _ in range(2):
            started = time.monotonic()
            up = self.local("up", "--detach")
            taken = time.monotonic() - started
            self.assertEqual(0, up.returncode, up.stdout)
            url = self.description()["gateways"][0]["url"]
            with urllib.request.urlopen(f"{url}/v1/slaves", timeout=5) as answer:
                keys.append([s["host_keys"] for s in json.load(answer)["slaves"]])
            self.local("down")
        self.assertLess(taken, 30)
        self.assertEqual(keys[0], keys[1])
        self.assert_gone()

    def test_a_cluster_whose_gateway_asks_for_tokens_comes_up_without_the_demo_device(self):
        tokens = self.dir / "tokens"
        tokens.write_text("ops operate sha256:" + hashlib.sha256(b"m4h_secret").hexdigest() + "\n")
        with unittest.mock.patch.dict(ENVIRONMENT, MAS4H_GATEWAY_ACCESS_TOKENS_FILE=os.path.relpath(tokens)):
            up = self.local("up", "--detach")
        self.assertEqual(0, up.returncode, up.stdout)
        self.assertIn("asks for a token", up.stdout)
        url = self.description()["gateways"][0]["url"] + "/v1/cluster"
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url, timeout=5)
        refused.exception.close()
        self.assertEqual(401, refused.exception.code)
        request = urllib.request.Request(url, headers={"Authorization": "Bearer m4h_secret"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            self.assertEqual(2, json.load(answer)["slaves_ready"])

    def test_ctrl_c_stops_all_with_status_0(self):
        cluster = Program(["bash", LOCAL, "--dir", self.dir], ENVIRONMENT)
        self.addCleanup(cluster.stop, signal.SIGKILL)
        cluster.wait_for("Ctrl-C stops the cluster", 120)
        os.killpg(cluster.process.pid, signal.SIGINT)
        status, output = cluster.end(60)
        self.assertEqual(0, status, output)
        self.assert_gone()

    def test_down_ends_a_cluster_that_runs_in_the_foreground(self):
        cluster = Program(["bash", LOCAL, "--dir", self.dir, "--no-device"], ENVIRONMENT)
        self.addCleanup(cluster.stop, signal.SIGKILL)
        cluster.wait_for("Ctrl-C stops the cluster", 120)
        self.assertEqual(0, self.local("down").returncode)
        status, output = cluster.end(30)
        self.assertEqual(0, status, output)
        self.assert_gone()

    def test_down_ends_what_is_left_of_a_device_that_was_killed(self):
        self.assertEqual(0, self.local("up", "--detach").returncode)
        os.kill(self.description()["devices"][0]["pid"], signal.SIGKILL)
        self.assertEqual(0, self.local("down").returncode)
        self.assert_gone()

    def test_a_service_that_does_not_start_is_told_of_and_nothing_stays(self):
        environment = {**ENVIRONMENT, "MAS4H_SLAVE_TUNNEL_PORT_MIN": "no number"}
        up = Program(["bash", LOCAL, "--dir", self.dir, "--detach"], environment)
        status, output = up.end(90)
        self.assertNotEqual(0, status)
        self.assertIn("slave-1", output)
        self.assertIn("port_min", output)
        self.assert_gone()

    def test_the_command_for_a_device_of_your_own_works(self):
        up = self.local("up", "--detach")
        let_in, connect = re.findall(r"^  (MAS4H_DEVICE_GATEWAYS=.*)$", up.stdout, re.MULTILINE)
        subprocess.run(["bash", "-c", let_in], check=True, timeout=30)
        echo_port = self.description()["devices"][0]["port"]
        device = Program(["bash", "-c", f"MAS4H_DEVICE_PORT={echo_port} {connect}"])
        self.addCleanup(device.stop)
        port = int(device.wait_for(r"Allocated port (\d+)", 30).group(1))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
            self.assertIn(b"demo device", page.read())

    def test_the_device_script_comes_back_when_its_slave_was_killed(self):
        self.assertEqual(0, self.local("up", "--detach").returncode)
        described = self.description()
        url = f"{described['gateways'][0]['url']}/v1/tunnels/demo-device"

        def tunnel():
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    return json.load(answer)
            except OSError:
                return None
        before = tunnel()
        slave = next(s for s in described["slaves"] if s["id"] == before["slave_id"])
        os.kill(slave["pid"], signal.SIGKILL)

        def is_back():
            now = tunnel()
            return now and now["tunnel_id"] != before["tunnel_id"] and accepts(now["port"])
        wait_until(is_back, 40, "the demo device on the other slave")


if __name__ == "__main__":
    unittest.main()
