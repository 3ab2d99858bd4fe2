"""A stream of events for each region, and a global one that copies them: leaf node and hub with a JetStream domain
each, as docs/OPERATIONS.md says. A cut of the link loses no event."""

import base64
import json
import re
import unittest

import test_regions
from cluster import wait_until
from test_stream import jetstream

COPIED_S = 40


class RegionStreams(test_regions.RegionPair, unittest.TestCase):
    settings = {
        "eu": {"master": {"events": {"stream_region": "eu", "sources": "eu, us@us"}},
               "slave": {"events": {"acknowledge": "required"}}},
        "us": {"master": {"events": {"stream_region": "us"}},
               "slave": {"events": {"acknowledge": "required"}}},
    }

    def join(self):
        port = test_regions.free_port()
        known = self.link(port)
        eu = self.region("eu", f"""
            jetstream {{ store_dir: "{self.folder}/store-eu", domain: eu }}
            leafnodes {{ listen: "127.0.0.1:{port}", advertise: "127.0.0.1:{known}" }}""")
        us = self.region("us", f"""
            jetstream {{ store_dir: "{self.folder}/store-us", domain: us }}
            leafnodes {{ reconnect: 1, remotes: [ {{ url: "nats-leaf://127.0.0.1:{known}" }} ] }}""")
        return [eu, us]

    @staticmethod
    def ids(region, stream):
        """The ids of the events in a stream, in its order."""
        state = jetstream(region.port, f"STREAM.INFO.{stream}").get("state", {})
        found = []
        for seq in range(1, state.get("last_seq", 0) + 1):
            answer = jetstream(region.port, f"STREAM.MSG.GET.{stream}", json.dumps({"seq": seq}))
            header = base64.b64decode(answer["message"]["hdrs"]).decode()
            found.append(re.search(r"Nats-Msg-Id: *(\S+)", header).group(1))
        return found

    def wait_until_all_is_global(self):
        eu, us = self.regions

        def is_whole():
            wished = sorted(self.ids(eu, "MAS4H_EVENTS_EU") + self.ids(us, "MAS4H_EVENTS_US"))
            return wished == sorted(self.ids(eu, "MAS4H_EVENTS")) and wished

        ids = wait_until(is_whole, COPIED_S, "every event of both regions in the global stream, once")
        for region in self.regions:
            seqs = [int(event.split(":")[2]) for event in ids if event.startswith(f"slave-{region.name}:")]
            self.assertEqual(list(range(1, len(seqs) + 1)), sorted(seqs))
            self.assertEqual(len(seqs), int(region.slave.metrics()["mas4h_slave_events_total"]))
        return ids

    def test_events_of_both_regions_are_in_the_global_stream_and_a_cut_loses_none(self):
        eu, us = self.regions
        for region in self.regions:
            region.master.wait_for(f"MAS4H_EVENTS_{region.name.upper()} .*the stream of events is there")
            self.connect(region, f"before-{region.name}")
        before = self.wait_until_all_is_global()
        self.assertTrue(any(":" in event and event.startswith("slave-us") for event in before))

        for link in self.links:
            link.cut()
        for region in self.regions:
            self.connect(region, f"meanwhile-{region.name}")
            wait_until(lambda: region.slave.metrics()["mas4h_slave_outbox_events"] == 0, 15,
                       f"the stream of {region.name} having the events")
        self.assertLess(len(self.ids(eu, "MAS4H_EVENTS")), len(before) + 2, "the cut is none")
        for link in self.links:
            link.restore()
        self.assertGreaterEqual(len(self.wait_until_all_is_global()), len(before) + 2)
        metrics = eu.master.metrics()
        self.assertEqual(1, metrics['mas4h_master_stream_state{stream="MAS4H_EVENTS",state="right"}'])


if __name__ == "__main__":
    unittest.main()
