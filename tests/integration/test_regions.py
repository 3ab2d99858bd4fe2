"""Two regions, each with a nats-server, master, slave and gateway of its own, joined by a gateway connection
of NATS or as leaf node and hub. The link between them runs through a forwarder that can be cut: then each
region serves its own devices, and when it is back both show the same."""

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from cluster import BUILD, EchoServer, Program, accepts, echoes, run, ssh_command, ssh_device, wait_until
from own_service import OwnService

SLOTS = 50
STRANGERS = 3
MERGED_S = 10


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Forwarder:
    """The network between two servers. While it is cut, connections end at once and nothing passes; while it is
    silent, they stay, and what is sent goes nowhere."""

    def __init__(self, target):
        self.target = target
        self.is_cut = False
        self.is_silent = False
        self.lock = threading.Lock()
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                self._join(self.listener.accept()[0])

    def _join(self, near):
        with self.lock:
            far = None
            with contextlib.suppress(OSError):
                far = None if self.is_cut else socket.create_connection(("127.0.0.1", self.target), 5)
            if far is None:
                near.close()
                return
            far.settimeout(None)
            self.sockets += [near, far]
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if not self.is_silent:
                    sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        with self.lock:
            self.is_cut = True
            for end in self.sockets:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
            self.sockets = []

    def silence(self):
        self.is_silent = True

    def restore(self):
        if self.is_silent:  # what was swallowed is missing in the middle of a line
            self.cut()
        self.is_cut = self.is_silent = False

    def close(self):
        self.cut()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Region:
    """What one region has. Its name is that of its NATS cluster, too."""

    def __init__(self, folder, name, keys, nats_text):
        self.dir = folder / name
        self.dir.mkdir()
        self.name = name
        self.authorized_keys = keys
        self.port = free_port()
        file = self.dir / "nats.conf"
        file.write_text(f'server_name: {name}-1\nlisten: "127.0.0.1:{self.port}"\n{nats_text}\n')
        self.programs = [Program([shutil.which("nats-server") or "/usr/sbin/nats-server", "-c", file])]
        self.description = {"nats_url": f"nats://127.0.0.1:{self.port}"}
        wait_until(lambda: accepts(self.port), 15, f"the nats-server of {name}")

    def start(self, settings):
        cluster = {"cluster": {"silent_after_ms": "3s", "lost_after_ms": "5s"}}
        self.master = self._own("master", {**cluster, "dispatch": {"slots_per_second": 0}, **settings.get("master", {})})
        self.slave = self._own("slave", {"slave": {"region": self.name}, **settings.get("slave", {})})
        self.gateway = self._own("gateway", {})

    def _own(self, kind, settings):
        service = OwnService(self, kind, f"{kind}-{self.name}", settings)
        self.programs.append(service)
        return service

    def stop(self):
        for program in reversed(self.programs):
            program.stop()

    def request(self, method, path, body=None):
        host = self.gateway.address("http")
        with contextlib.closing(http.client.HTTPConnection(host, timeout=10)) as connection:
            connection.request(method, path, body and json.dumps(body))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def slot(self):
        status, document = self.request("POST", "/v1/slots", {"region": self.name})
        return document["slot"] if status == 200 else None

    def slaves(self):
        """{id: state} of the slaves that its gateway shows."""
        return {s["slave_id"]: s["state"] for s in self.request("GET", "/v1/slaves")[1].get("slaves", [])}

    def tunnels(self):
        """{client key: region} of the tunnels that its gateway shows."""
        return {t["client_key"]: t["region"] for t in self.request("GET", "/v1/tunnels")[1].get("tunnels", [])}

    def dispatched(self):
        return self._master_sum("dispatches_total")

    def masters_known(self):
        return self.gateway.metrics()['mas4h_gateway_masters{state="asked"}']

    def keys_judged(self):
        return self._master_sum("authorizations_total")

    def _master_sum(self, noun):
        return sum(value for name, value in self.master.metrics().items() if name.startswith(f"mas4h_master_{noun}"))

    def known_hosts(self, slot):
        path = self.dir / "known_hosts"
        path.write_text("".join(f"[{slot['host']}]:{slot['port']} {key}\n" for key in slot["host_keys"]))
        return path


class RegionPair:
    """Two regions and their devices; `join` starts the two nats-servers. Regions take `settings` of their own
    for master and slave: {region: {kind: {section: {key: value}}}}."""

    settings = {}

    def setUp(self):
        parent = BUILD / "integration"
        parent.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="regions-", dir=parent))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.keys = self.folder / "devices.keys"
        self.keys.write_text("")
        self.links = []
        self.echo = EchoServer()
        self.addCleanup(self.echo.close)
        self.regions = self.join()
        for region in self.regions:
            region.start(self.settings.get(region.name, {}))

    def link(self, port):
        """The port under which the other region knows that one."""
        forwarder = Forwarder(port)
        self.addCleanup(forwarder.close)
        self.links.append(forwarder)
        return forwarder.port

    def region(self, name, nats_text):
        region = Region(self.folder, name, self.keys, nats_text)
        self.addCleanup(region.stop)
        return region

    def new_key(self, name):
        path = self.folder / f"{name}.key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path))
        return path

    def authorize(self, name):
        path = self.new_key(name)
        kind, key = Path(f"{path}.pub").read_text().split()[:2]
        with self.keys.open("a") as file:
            file.write(f"{kind} {key} {name}\n")
        return path

    def connect(self, region, name):
        """A device that asks the gateway of its region for a slot, and is served in its region."""
        key = self.authorize(name)
        slot = wait_until(region.slot, 10, f"a slot in {region.name}")
        self.assertEqual(f"slave-{region.name}", slot["slave_id"])
        device = ssh_device(region, slot, key, self.echo.port)
        self.addCleanup(device.stop)
        self.assertTrue(echoes(device.port))
        wait_until(lambda: region.tunnels().get(name) == region.name, 10, f"{region.name} showing {name}")

    def knock(self, region, name):
        """A device with a key that nobody knows comes, and is sent away."""
        slot = region.slot()
        done = subprocess.run([str(part) for part in ssh_command(region, slot, self.new_key(name), "-N", "-T")], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=20)
        self.assertIn("Permission denied", done.stderr)

    def wait_until_both_show(self, tunnels, seconds):
        slaves = {f"slave-{region.name}": "ready" for region in self.regions}
        for region in self.regions:
            wait_until(lambda: (region.slaves(), region.tunnels()) == (slaves, tunnels), seconds,
                       f"all slaves and tunnels in {region.name}")


class TwoRegions(RegionPair):
    """The tests. `joined` is what the nats-servers log about the connection of both."""

    def test_each_region_serves_its_own_devices_while_the_link_is_cut_and_both_views_merge_after(self):
        self.serve_and_merge(Forwarder.cut)

    def serve_and_merge(self, cut):
        """`cut` is done to each link in the middle."""
        eu, us = self.regions
        self.connect(eu, "before-eu")
        self.connect(us, "before-us")
        tunnels = {"before-eu": "eu", "before-us": "us"}
        self.wait_until_both_show(tunnels, 20)

        for link in self.links:
            cut(link)
        for near, far in ((eu, us), (us, eu)):
            name = f"meanwhile-{near.name}"
            self.connect(near, name)
            tunnels[name] = near.name
            wait_until(lambda: set(near.tunnels()) == {f"before-{near.name}", name}, 20,
                       f"{near.name} having lost the tunnels of {far.name}")
            self.assertEqual("ready", near.slaves()[f"slave-{near.name}"])
            self.assertNotEqual("ready", near.slaves().get(f"slave-{far.name}"))

        before = [region.programs[0].output.count(self.joined) for region in self.regions]
        for link in self.links:
            link.restore()
        for region, count in zip(self.regions, before):
            wait_until(lambda: region.programs[0].output.count(self.joined) > count, 20,
                       f"{region.name} being joined again")
        self.wait_until_both_show(tunnels, MERGED_S)

    def are_asked_of(self, region, slots):
        before = region.dispatched()
        for _ in range(slots):
            self.assertTrue(region.slot())
        return region.dispatched() - before == slots

    def test_a_region_asks_masters_of_the_other_only_when_it_has_none(self):
        self.wait_until_both_show({}, 20)
        for near, far in (self.regions, self.regions[::-1]):
            # Who has just started may have heard the hello of a far one only.
            wait_until(lambda: near.masters_known() == 2 and self.are_asked_of(near, 10), 30, f"{near.name} asking its master")
            before = near.dispatched(), far.dispatched()
            for _ in range(SLOTS):
                self.assertTrue(near.slot())
            self.assertEqual((SLOTS, 0), (near.dispatched() - before[0], far.dispatched() - before[1]))
            before = near.keys_judged(), far.keys_judged()
            for number in range(STRANGERS):
                self.knock(near, f"stranger-{near.name}-{number}")
            asked = near.keys_judged() - before[0], far.keys_judged() - before[1]
            self.assertGreaterEqual(asked[0], STRANGERS)
            self.assertLessEqual(asked[1], near.slave.metrics()["mas4h_slave_key_questions_repeated_total"])
        eu, us = self.regions
        before = us.dispatched()
        eu.master.stop()
        self.assertEqual("slave-eu", wait_until(eu.slot, 10, "a slot in eu from the master of us")["slave_id"])
        self.assertGreater(us.dispatched(), before)


class Gateways(TwoRegions, unittest.TestCase):
    joined = "Outbound gateway connection to"

    def join(self):
        ports = {name: free_port() for name in ("eu", "us")}
        known = {name: self.link(port) for name, port in ports.items()}
        return [self.region(name, f"""
            cluster {{ name: {name}, listen: "127.0.0.1:-1" }}
            gateway {{ name: {name}, listen: "127.0.0.1:{ports[name]}", advertise: "127.0.0.1:{known[name]}"
                       gateways: [ {{ name: {far}, urls: ["nats://127.0.0.1:{known[far]}"] }} ] }}""")
                for name, far in (("eu", "us"), ("us", "eu"))]


class LeafNodes(TwoRegions, unittest.TestCase):
    joined = "Leafnode connection created"

    def join(self):
        port = free_port()
        known = self.link(port)
        pings = 'ping_interval: "1s", ping_max: 2'
        return [self.region("eu", f'{pings}\nleafnodes {{ listen: "127.0.0.1:{port}", advertise: "127.0.0.1:{known}" }}'),
                self.region("us", f'{pings}\nleafnodes {{ reconnect: 1, remotes: [ {{ url: "nats-leaf://127.0.0.1:{known}" }} ] }}')]

    def test_a_link_that_swallows_everything_is_as_one_that_is_cut(self):
        self.serve_and_merge(Forwarder.silence)


if __name__ == "__main__":
    unittest.main()
