"""A thousand devices at once, each an SSH client with its own key: all are up, REST lists them all,
all their ports answer; cut at once they are all back."""

import subprocess
import unittest

from cluster import BUILD, ClusterTestCase, echoes, wait_until

COUNT = 1000


class Crowd(ClusterTestCase):
    options = ("--slaves", "1")

    def setUp(self):
        self.keys = self.cluster.dir / "crowd"
        self.program = str(BUILD / "bin" / "tunnel-load")
        if not self.keys.exists():
            subprocess.run([self.program, "keys", "--count", str(COUNT), "--dir", str(self.keys)],
                           check=True, stdout=subprocess.DEVNULL)
            with self.cluster.authorized_keys.open("a") as file:
                file.write((self.keys / "authorized_keys").read_text())
        self.ports = self.cluster.dir / "ports"

    def start_crowd(self):
        slot = self.cluster.slot()
        crowd = subprocess.Popen(
            [self.program, "run", "--host", slot["host"], "--port", str(slot["port"]),
             "--keys", str(self.keys), "--count", str(COUNT), "--verify", "--ports", str(self.ports),
             "--hold-until-stdin-eof"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(crowd.stdout.close)
        self.addCleanup(crowd.wait)
        self.addCleanup(crowd.stdin.close)
        report = crowd.stdout.readline()
        self.assertIn(f"up={COUNT} failed=0", report)
        return crowd

    def listed(self):
        """Every tunnel that REST lists, page by page."""
        names, token = [], ""
        while True:
            page = self.cluster.get(f"/v1/tunnels?page_size=300&page_token={token}")
            names += [tunnel["client_key"] for tunnel in page["tunnels"]]
            token = page["next_page_token"]
            if not token:
                return names

    def slave_kilobytes(self):
        """Memory of the slave, a page that is shared counted in part (PSS)."""
        with open(f"/proc/{self.cluster.slaves[0].pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))

    def test_a_thousand_devices_are_up_listed_reached_and_gone_when_they_go(self):
        before = self.slave_kilobytes()
        crowd = self.start_crowd()
        if not self.cluster.is_sanitized:
            self.assertLess((self.slave_kilobytes() - before) / COUNT, 30, "KB for each idle tunnel")
        names = wait_until(lambda: len(set(self.listed())) == COUNT and self.listed(), 10,
                           "REST listing all devices")
        self.assertEqual(sorted(names), names, "pages are not in order")
        self.assertEqual(COUNT, len(names), "a device is listed twice")
        self.assertEqual(COUNT, self.cluster.get("/v1/cluster")["tunnels"])
        ports = dict(line.split() for line in self.ports.read_text().splitlines())
        for device in names[::50]:
            self.assertTrue(echoes(int(ports[device])), f"{device} does not answer")
        crowd.stdin.close()
        self.assertEqual(0, crowd.wait(30))
        wait_until(lambda: self.cluster.get("/v1/cluster")["tunnels"] == 0, 15, "all gone")

    def test_devices_that_are_cut_all_at_once_come_back_on_their_own_ports(self):
        crowd = self.start_crowd()
        before = self.ports.read_text()
        crowd.kill()
        crowd.wait()
        again = self.start_crowd()
        # Another program of this machine may have taken one of them meanwhile.
        same = set(before.splitlines()) & set(self.ports.read_text().splitlines())
        self.assertGreaterEqual(len(same), COUNT - 5, "devices came back on other ports")
        wait_until(lambda: self.cluster.get("/v1/cluster")["tunnels"] == COUNT, 10, "all listed")
        again.stdin.close()
        self.assertEqual(0, again.wait(30))


if __name__ == "__main__":
    unittest.main()
