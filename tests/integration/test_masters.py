"""Three masters, of which any may be killed or stand still at any time: no request fails beyond one retry by the
client, and all of them see the same within 5 s after the last fault."""

import contextlib
import os
import signal
import socket
import threading
import time
import unittest
import urllib.request

from cluster import ClusterTestCase, wait_until

EQUAL_WITHIN_S = 5
ASKERS = 16


class Asker:
    """A client that goes on asking both gateways, and asks once more where an answer is not good."""

    def __init__(self, cluster, number):
        self.cluster = cluster
        self.number = number
        self.times = []
        self.retried = 0
        self.failures = []
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _ask(self, gateway):
        method, path, body = [("POST", "/v1/slots", {}), ("GET", "/v1/tunnels", None)][len(self.times) % 2]
        with contextlib.suppress(OSError):
            return self.cluster.request(method, path, body, gateway=gateway)[0]
        return None

    def _run(self):
        while not self.ending.wait(0.01):
            began = time.monotonic()
            statuses = [self._ask(self.number % 2)]
            if statuses[0] != 200:
                self.retried += 1
                statuses.append(self._ask((self.number + 1) % 2))
            if statuses[-1] != 200:
                self.failures.append(statuses)
            self.times.append(time.monotonic() - began)

    def end(self):
        self.ending.set()
        self.thread.join(30)


class ThreeMasters(ClusterTestCase):
    options = ("--masters", "3", "--gateways", "2", "--slaves", "2")
    # Far more than the slaves would be given in earnest.
    environment = {"MAS4H_MASTER_DISPATCH_SLOTS_PER_SECOND": "0", "MAS4H_MASTER_DISPATCH_RESERVATION_MS": "0"}

    def view(self, master):
        """What that master answers when asked for all tunnels: bytes, in order of client key."""
        host, port = self.cluster.description["nats_url"].removeprefix("nats://").split(":")
        with contextlib.closing(socket.create_connection((host, int(port)), 5)) as connection:
            stream = connection.makefile("rb")
            stream.readline()
            connection.sendall(b'CONNECT {"verbose":false}\r\nSUB view 1\r\n'
                               b"PUB mas4h.v1.master.%s.status.tunnels view 0\r\n\r\n" % master.identity.encode())
            while line := stream.readline():
                if line.startswith(b"MSG "):
                    return stream.read(int(line.split()[-1]))
        return None

    def wait_until_views_are(self, names):
        def all_equal():
            views = [self.view(master) for master in self.cluster.masters]
            return len(set(views)) == 1 and all(name.encode() in views[0] for name in names) and \
                b"gone" not in views[0]
        wait_until(all_equal, EQUAL_WITHIN_S, "all masters seeing the same")

    def restart(self, master):
        master.start()
        # While it learns it answers nothing, so it is not to be missed when the next one falls.
        wait_until(lambda: self.view(master), 10, f"{master.identity} answering")

    def repeats(self, master):
        """(how often gateways left that master for another one, how many of their questions were asked again)"""
        left = sum(len(gateway.log_lines(f"master={master.identity} ", "others are asked"))
                   for gateway in self.cluster.gateways)
        asked_again = 0
        for gateway in self.cluster.gateways:
            with urllib.request.urlopen(gateway.described["url"] + "/metrics", timeout=5) as answer:
                text = answer.read().decode()
            asked_again += sum(int(float(line.split()[-1])) for line in text.splitlines()
                               if line.startswith("mas4h_gateway_rpc_repeats_total "))
        return left, asked_again

    def test_any_master_may_fall_or_stand_still(self):
        first, second, third = self.cluster.masters
        self.cluster.wait_until_ready()
        self.connect("before")
        gone = self.connect("gone")
        askers = [Asker(self.cluster, number) for number in range(ASKERS)]
        for asker in askers:
            self.addCleanup(asker.end)
        first.kill()
        self.connect("while-one-is-dead")
        self.restart(first)
        os.kill(second.pid, signal.SIGSTOP)
        try:
            asked = [len(asker.times) for asker in askers]
            gone.stop()
            time_up = time.monotonic() + 4
            for number in range(4):
                self.connect(f"while-one-stands-still-{number}")
            wait_until(lambda: time.monotonic() > time_up, 10, "four seconds of standing still")
            times = sorted(t for asker, n in zip(askers, asked) for t in asker.times[n:])
        finally:
            os.kill(second.pid, signal.SIGCONT)
        third.kill()
        third.start()
        self.wait_until_views_are(["before", "while-one-is-dead"])
        before, retried = self.repeats(first), sum(asker.retried for asker in askers)
        first.kill(signal.SIGTERM)
        after = self.repeats(first)
        for asker in askers:
            asker.end()
        self.assertEqual(before[0], after[0], "a master that ends cleanly lets nobody wait")
        self.assertEqual(retried, sum(asker.retried for asker in askers))
        self.assertEqual([], [failure for asker in askers for failure in asker.failures])
        self.assertGreater(len(times), 20)
        self.assertLess(times[len(times) * 99 // 100], 1)
        for slave in self.cluster.slaves:
            self.assertEqual([], slave.log_lines("reason=no_master"))
        print(f"asked {sum(len(a.times) for a in askers)} times, {sum(a.retried for a in askers)} asked again; while one "
              f"stood still: {len(times)}, p50 {times[len(times) // 2] * 1000:.0f} ms, "
              f"p99 {times[len(times) * 99 // 100] * 1000:.0f} ms; as one was ended: {after[1] - before[1]} tries repeated",
              flush=True)


if __name__ == "__main__":
    unittest.main()
