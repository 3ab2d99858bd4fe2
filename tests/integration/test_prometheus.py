"""A real Prometheus, configured as deploy/prometheus says, scrapes a cluster: it knows every metric that is
documented, evaluates every alert rule, and has an answer to every question of the dashboard."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import tempfile
import unittest
import urllib.parse
import urllib.request
from pathlib import Path

from cluster import ROOT, ClusterTestCase, Program, echoes, wait_until

FOLDER = ROOT / "deploy" / "prometheus"
# What a dashboard's variables stand for here.
VARIABLES = {"$__rate_interval": "10s", "$instance": ".*"}
# Regions that feed a global stream are not part of this cluster.
ABSENT = {"mas4h_master_stream_source_lag_events", "mas4h_master_stream_source_silent_seconds"}
# Nor are validators that ask elsewhere.
ABSENT_PREFIXES = tuple(f"mas4h_master_{validator}_" for validator in ("certificates", "command", "service", "webhook"))
# Not a quick one: it reads its own files first, on a machine that is busy.
STARTED_WITHIN = 60


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Prometheus(Program):
    """It scrapes each half second, and keeps what it knows in a folder that goes with it."""

    def __init__(self, targets):
        self.folder = Path(tempfile.mkdtemp(prefix="mas4h-prometheus-"))
        self.url = f"http://127.0.0.1:{free_port()}"
        shutil.copy(FOLDER / "alerts.yml", self.folder)
        (self.folder / "prometheus.yml").write_text(self.configure(targets))
        super().__init__(["prometheus", f"--config.file={self.folder}/prometheus.yml",
                          f"--storage.tsdb.path={self.folder}/data",
                          f"--web.listen-address={self.url.removeprefix('http://')}"])

    @staticmethod
    def configure(targets):
        """The configuration of deploy/prometheus, with other machines and a faster clock."""
        text = (FOLDER / "prometheus.yml").read_text()
        text = re.sub(r"_interval: 15s", "_interval: 500ms", text)
        for job, addresses in targets.items():
            text, changed = re.subn(rf"(job_name: {job}\n(?:.*\n)*?\s+- targets: )\[.*\]",
                                    rf"\g<1>{json.dumps(addresses)}", text, count=1)
            if not changed:
                raise AssertionError(f"{job} is not in the configuration")
        return text

    def ask(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=10) as answer:
            document = json.load(answer)
        if document["status"] != "success":
            raise AssertionError(document)
        return document["data"]

    def query(self, expression):
        return self.ask("query", query=expression)["result"]

    def states(self):
        """{instance: up, down or unknown} of what it scrapes; empty before it listens."""
        with contextlib.suppress(OSError):
            return {target["scrapeUrl"]: target["health"] for target in self.ask("targets")["activeTargets"]}
        return {}

    def rules(self):
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]

    def stop(self, *arguments):
        super().stop(*arguments)
        shutil.rmtree(self.folder, ignore_errors=True)


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


class Scraped(ClusterTestCase):
    options = ("--slaves", "1")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        def addresses(services):
            urls = [service.described.get("metrics_url") or service.described["url"] for service in services]
            return [urllib.parse.urlsplit(url).netloc for url in urls]
        cls.prometheus = Prometheus({"mas4h-master": addresses(cls.cluster.masters),
                                     "mas4h-slave": addresses(cls.cluster.slaves),
                                     "mas4h-gateway": addresses(cls.cluster.gateways)})
        cls.addClassCleanup(cls.prometheus.stop)

    def setUp(self):
        def all_are_up():
            states = self.prometheus.states()
            return len(states) == 3 and set(states.values()) == {"up"}
        wait_until(all_are_up, STARTED_WITHIN, "everything being scraped")

    def test_1_it_knows_every_documented_metric(self):
        listed = subprocess.run([ROOT / "scripts" / "check-metrics.py", ROOT, "--list"], check=True,
                                stdout=subprocess.PIPE, text=True).stdout
        documented = {line.split(" ")[0] for line in listed.splitlines()} - ABSENT
        documented = {name for name in documented if not name.startswith(ABSENT_PREFIXES)}
        self.assertGreater(len(documented), 100)
        self.cluster.get("/v1/cluster")

        def missing():
            known = set(self.prometheus.ask("label/__name__/values"))
            return {name for name in documented if not {name, f"{name}_bucket"} & known}
        wait_until(lambda: not missing(), 15, "every documented metric")

    def test_2_every_panel_of_the_dashboard_has_an_answer(self):
        dashboard = json.loads((FOLDER / "grafana-dashboard.json").read_text())
        device = self.connect("scraped")
        self.assertTrue(echoes(device.port))
        unanswered = {}
        for panel in panels(dashboard):
            for target in panel["targets"]:
                expression = target["expr"]
                for name, value in VARIABLES.items():
                    expression = expression.replace(name, value)
                if not any(name in expression for name in ABSENT):
                    unanswered[expression] = panel["title"]
        self.assertGreater(len(unanswered), 50)

        def none_is_left():
            for expression in list(unanswered):
                if self.prometheus.query(expression):
                    del unanswered[expression]
            return not unanswered
        with contextlib.suppress(AssertionError):
            wait_until(none_is_left, 20, "an answer to every panel")
        self.assertEqual({}, unanswered)
        wait_until(lambda: self.prometheus.query("sum(mas4h_slave_tunnels)")[0]["value"][1] == "1", 5,
                   "the tunnel being counted")

    def test_3_a_cluster_that_is_well_raises_no_alert(self):
        rules = self.prometheus.rules()
        self.assertEqual(len(re.findall("- alert:", (FOLDER / "alerts.yml").read_text())), len(rules))
        wait_until(lambda: all(rule["health"] == "ok" for rule in self.prometheus.rules()), 10, "every rule evaluated")
        self.assertEqual([], [(alert["labels"], alert["state"]) for alert in self.prometheus.ask("alerts")["alerts"]])

    def test_4_a_slave_that_is_gone_is_noticed(self):
        slave = self.cluster.slaves[0]
        slave.kill()
        self.addCleanup(slave.start)

        def noticed():
            return [alert["labels"]["job"] for alert in self.prometheus.ask("alerts")["alerts"]
                    if alert["labels"]["alertname"] == "Mas4hServiceDown"] == ["mas4h-slave"]
        wait_until(noticed, 10, "the alert about a service that is down")


class TheDashboard(unittest.TestCase):
    def test_panels_have_their_own_place_and_number(self):
        dashboard = json.loads((FOLDER / "grafana-dashboard.json").read_text())
        taken, numbers = set(), set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(place["x"] + place["w"], 24)
            self.assertNotIn(panel["id"], numbers)
            taken |= cells
            numbers.add(panel["id"])

    def test_the_configuration_is_what_promtool_takes(self):
        for check, name in (("config", "prometheus.yml"), ("rules", "alerts.yml")):
            result = subprocess.run(["promtool", "check", check, FOLDER / name], text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual(0, result.returncode, result.stdout)


if __name__ == "__main__":
    unittest.main()
