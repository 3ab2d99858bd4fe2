"""/metrics of each service is what Prometheus expects, tells of what happened, and grows with nothing
that a stranger chooses."""

import collections
import contextlib
import json
import re
import shutil
import socket
import subprocess
import unittest
import urllib.request

from cluster import ROOT, ClusterTestCase, Program, echoes, ssh_command, wait_until

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9.e+-]+|\+Inf|NaN)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
PROCESS = ("process_resident_memory_bytes", "process_cpu_seconds_total", "process_start_time_seconds",
           "process_open_fds", "process_max_fds")


class Metrics(ClusterTestCase):
    options = ("--slaves", "1")
    # All validators that have metrics of their own; the first one knows the devices of these tests.
    environment = {"MAS4H_MASTER_AUTHORIZE_VALIDATORS": "authorized_keys,certificates,webhook,command,service",
                   "MAS4H_MASTER_CERTIFICATES_CA_KEYS": "/nonexistent",
                   "MAS4H_MASTER_COMMAND_PROGRAM": "/bin/true",
                   "MAS4H_MASTER_WEBHOOK_ON_FAILURE": "next", "MAS4H_MASTER_SERVICE_ON_FAILURE": "next",
                   "MAS4H_MASTER_WEBHOOK_URL": "http://127.0.0.1:9/"}

    def fetch(self, service):
        with urllib.request.urlopen(self.url(service), timeout=5) as answer:
            self.assertTrue(answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
            return answer.read().decode()

    @staticmethod
    def url(service):
        return service.described.get("metrics_url") or f"{service.described['url']}/metrics"

    def parse(self, text):
        """({name: type}, {name: {frozenset of labels: value}}), as strictly as a scraper."""
        types, samples = {}, collections.defaultdict(dict)
        self.assertTrue(text.endswith("\n"))
        described = None
        for line in text.splitlines():
            if line.startswith("# HELP "):
                described = line.split(" ", 3)[2]
                self.assertNotIn(described, types, "described twice")
                self.assertGreater(len(line.split(" ", 3)[3]), 5, line)
            elif line.startswith("# TYPE "):
                name, kind = line.split(" ")[2:]
                self.assertEqual(described, name, "a TYPE without its HELP")
                types[name] = kind
            else:
                name, labels, value = SAMPLE.match(line).groups()
                family = name
                if types.get(re.sub("_(bucket|sum|count)$", "", name)) == "histogram":
                    family = re.sub("_(bucket|sum|count)$", "", name)
                self.assertEqual(described, family, f"{name} stands with another metric")
                key = frozenset(LABEL.findall(labels or ""))
                self.assertNotIn(key, samples[name], f"{line} is there twice")
                samples[name][key] = float(value)
        return types, samples

    def value(self, service, name, **labels):
        samples = self.parse(self.fetch(service))[1]
        return samples[name][frozenset(labels.items())]

    def services(self):
        return [*self.cluster.masters, *self.cluster.slaves, *self.cluster.gateways]

    def test_the_text_is_what_a_scraper_takes(self):
        device = self.connect("scraped")
        self.assertTrue(echoes(device.port))
        promtool = shutil.which("promtool")
        for service in self.services():
            with self.subTest(service=service.identity):
                text = self.fetch(service)
                types, samples = self.parse(text)
                for name, kind in types.items():
                    self.assertEqual(kind == "counter", name.endswith("_total"), name)
                if promtool is not None:
                    result = subprocess.run([promtool, "check", "metrics"], input=text, text=True,
                                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                    self.assertEqual((0, ""), (result.returncode, result.stdout))
                for name in PROCESS:
                    self.assertGreater(samples[name][frozenset()], 0, name)
                build = next(iter(samples["mas4h_build_info"]))
                self.assertEqual({"service", "version"}, {name for name, _ in build})

    def test_what_operators_read_of_metrics_is_what_there_is(self):
        documented = subprocess.run([ROOT / "scripts" / "check-metrics.py", ROOT, "--list"], check=True,
                                    stdout=subprocess.PIPE, text=True).stdout.split("\n")
        documented = {name: set(labels.split(",")) - {""} for name, _, labels in
                      (line.partition(" ") for line in documented if line)}
        met = collections.defaultdict(set)
        for service in self.services():
            types, samples = self.parse(self.fetch(service))
            for name in types:
                met[name] |= set()
            for name, values in samples.items():
                family = re.sub("_(bucket|sum|count)$", "", name)
                family = family if types.get(family) == "histogram" else name
                met[family] |= {label for key in values for label, _ in key} - {"le"}
        self.assertEqual(set(documented), set(met))
        for name, labels in met.items():
            if labels:  # without a value there is none to be seen
                self.assertEqual(documented[name], labels, name)

    def test_histograms_of_the_lag_of_each_loop_add_up(self):
        for service in self.services():
            with self.subTest(service=service.identity):
                _, samples = self.parse(self.fetch(service))
                name = "mas4h_loop_lag_seconds"
                loops = sorted(dict(key)["loop"] for key in samples[f"{name}_count"])
                self.assertEqual("main", loops[0])
                self.assertEqual(service in self.cluster.slaves, "worker-0" in loops)
                for loop in loops:
                    buckets = sorted(
                        (float(dict(key)["le"]), value) for key, value in samples[f"{name}_bucket"].items()
                        if dict(key)["loop"] == loop)
                    counts = [value for _, value in buckets]
                    self.assertEqual(sorted(counts), counts, "buckets hold those before them")
                    self.assertEqual(float("inf"), buckets[-1][0])
                    label = frozenset({("loop", loop)})
                    self.assertEqual(counts[-1], samples[f"{name}_count"][label])
                    # A worker to which nobody came yet has had nothing to do, or next to it.
                    self.assertGreaterEqual(samples[f"{name}_sum"][label], 0)
                self.assertGreater(samples[f"{name}_count"][frozenset({("loop", "main")})], 0)

    def test_handshakes_are_counted_by_how_they_ended(self):
        slave = self.cluster.slaves[0]

        def ended(result):
            return self.value(slave, "mas4h_slave_handshakes_total", result=result)
        before = {result: ended(result) for result in ("authenticated", "denied", "lost", "protocol_error")}
        self.connect("counted")
        self.assertEqual(before["authenticated"] + 1, ended("authenticated"))

        key = self.cluster.make_key("counted-stranger", authorized=False)
        stranger = Program(ssh_command(self.cluster, self.cluster.slot(), key, "-N"))
        self.addCleanup(stranger.stop)
        stranger.end()
        wait_until(lambda: ended("denied") == before["denied"] + 1, 5, "a denial counted")
        self.assertGreater(self.value(slave, "mas4h_slave_refusals_total", reason="key_denied"), 0)

        address = ("127.0.0.1", slave.described["port"])
        with contextlib.closing(socket.create_connection(address, 5)) as visitor:
            visitor.recv(100)
        wait_until(lambda: ended("lost") == before["lost"] + 1, 5, "a visitor counted")
        with contextlib.closing(socket.create_connection(address, 5)) as visitor:
            visitor.sendall(b"GET / HTTP/1.1\r\n\r\n" * 100)
            wait_until(lambda: ended("protocol_error") + ended("lost") ==
                       before["protocol_error"] + before["lost"] + 2, 8, "noise counted")

    def test_what_goes_through_is_counted(self):
        slave = self.cluster.slaves[0]
        device = self.connect("bytes")
        operators = self.value(slave, "mas4h_slave_operators_total")
        received = self.value(slave, "mas4h_slave_received_bytes_total")
        self.assertTrue(echoes(device.port, b"x" * 5000))
        self.assertEqual(operators + 1, self.value(slave, "mas4h_slave_operators_total"))
        self.assertEqual(received + 5000, self.value(slave, "mas4h_slave_received_bytes_total"))
        self.assertEqual(1, self.value(slave, "mas4h_slave_nats_connected"))
        self.assertGreater(self.value(slave, "mas4h_slave_keys_judged_total", by="master"), 0)

    def test_latencies_are_counted_where_they_arise(self):
        def count(service, name, **labels):
            samples = self.parse(self.fetch(service))[1]
            self.assertEqual(samples[f"{name}_count"][frozenset(labels.items())],
                             samples[f"{name}_bucket"][frozenset({**labels, "le": "+Inf"}.items())])
            return samples[f"{name}_count"][frozenset(labels.items())]
        master, slave, gateway = self.cluster.masters[0], self.cluster.slaves[0], self.cluster.gateways[0]
        counts = ((master, "mas4h_master_request_duration_seconds", {"request": "dispatch"}),
                  (master, "mas4h_master_request_duration_seconds", {"request": "authorize"}),
                  (master, "mas4h_master_request_duration_seconds", {"request": "status"}),
                  (gateway, "mas4h_gateway_slot_duration_seconds", {"by": "rest"}),
                  (gateway, "mas4h_gateway_rpc_duration_seconds", {"to": "masters"}),
                  (slave, "mas4h_slave_handshake_duration_seconds", {"result": "authenticated"}),
                  (slave, "mas4h_slave_key_question_duration_seconds", {"result": "answered"}),
                  (slave, "mas4h_slave_event_acknowledgement_seconds", {}))
        before = [count(service, name, **labels) for service, name, labels in counts]
        self.connect("latent")
        self.cluster.get("/v1/slaves/slave-1")
        for (service, name, labels), then in zip(counts, before, strict=True):
            wait_until(lambda: count(service, name, **labels) > then, 5, f"{name} {labels}")
        labels = {"route": "/v1/slaves/{slave_id}", "method": "GET", "class": "2xx"}
        took = "mas4h_gateway_http_request_duration_seconds"
        then = count(gateway, took, **labels)
        self.cluster.get("/v1/slaves/slave-1")
        self.assertEqual(then + 1, count(gateway, took, **labels))
        self.assertLess(self.value(gateway, f"{took}_sum", **labels), 5)

    def test_strangers_and_devices_add_no_label(self):
        routes = json.loads((ROOT / "services" / "gateway" / "openapi" / "openapi.json").read_text())["paths"]

        def series():
            found = collections.defaultdict(set)
            for service in self.services():
                for name, values in self.parse(self.fetch(service))[1].items():
                    if name.startswith("mas4h_gateway_http_request_duration_seconds"):
                        for labels in map(dict, values):
                            self.assertIn(labels["route"], {*routes, "none"})
                            self.assertIn(labels["class"], ("1xx", "2xx", "3xx", "4xx", "5xx"))
                    else:
                        found[service.identity] |= {(name, key) for key in values}
            return found
        before = series()
        device = self.connect("label-device")
        self.assertTrue(echoes(device.port))
        key = self.cluster.make_key("label-stranger", authorized=False)
        for _ in range(3):
            stranger = Program(ssh_command(self.cluster, self.cluster.slot(), key, "-N", "-l", "x\"y"))
            self.addCleanup(stranger.stop)
            stranger.end()
        for path in ("/v1/tunnels/none", "/nowhere", "/v1/slaves/x"):
            self.cluster.request("GET", path)
        self.assertEqual(before, series())


if __name__ == "__main__":
    unittest.main()
