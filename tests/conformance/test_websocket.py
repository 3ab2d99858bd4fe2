"""The table of docs/WEBSOCKET-CONFORMANCE.md, run: every case against lib/http's server, over a raw socket.

    M4H_ECHO=BUILD/bin/websocket_echo /usr/bin/python3 -m unittest -v test_websocket

M4H_CASES=6.4 runs those whose number begins so; M4H_WRITE_TABLE=1 writes the table."""

import os
import pathlib
import subprocess
import unittest
from concurrent.futures import ThreadPoolExecutor

import cases
import cases_closing
import cases_framing
import cases_handshake
import cases_limits
import cases_utf8

TABLE = pathlib.Path(__file__).parents[2] / "docs" / "WEBSOCKET-CONFORMANCE.md"
HEAD = """# WebSocket conformance

What the gateway's WebSocket layer (`lib/http`, with wslay cutting frames) does in each case, over a raw socket, by
`tests/conformance`. The test `conformance_websocket` runs all of them and fails where one ends otherwise, or where this
file is not what it wrote: `M4H_WRITE_TABLE=1` writes it again.

The numbers of groups 1 to 7, 9 and 10 are those of the Autobahn test suite, which cannot be run here (it is a package
for a Python that is gone): the cases were written anew after RFC 6455, and each is judged strictly. Where that suite
accepts two behaviours - the answer to a message that came before a breach, the close code that comes back - here
one of them is demanded. Its groups 12 and 13 are about compression, which is not offered (H.27). H is the opening
handshake, M masks, L lengths.

Nothing is said in the last column of a case after which the connection is as good as before. "fails with 1002": a
close frame with that code, and the end of the connection, with nothing between.
"""
TITLES = {"H": "Opening handshake", "1": "Framing", "2": "Pings and pongs", "3": "Reserved bits", "4": "Opcodes",
          "5": "Fragmentation", "6": "UTF-8", "7": "Closing", "9": "Sizes and numbers", "10": "Writes", "M": "Masks",
          "L": "Forms of a length"}


def all_cases():
    yield from ((case, cases_handshake.run) for case in cases_handshake.CASES)
    for module in (cases_framing, cases_utf8, cases_closing, cases_limits):
        yield from ((case, cases.run) for case in module.cases())


def table(ran):
    lines, group = [HEAD], None
    for case in ran:
        if case.number.split(".")[0] != group:
            group = case.number.split(".")[0]
            lines += ["", f"## {group} {TITLES[group]}", "", "| case | what the client sends | what it gets |", "|---|---|---|"]
        expected = "" if case.expected() == "open" else case.expected()
        lines.append(f"| {case.number} | {case.title} | {expected} |")
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


class TheServerKeepsEveryRuleOfTheProtocol(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = subprocess.Popen([os.environ["M4H_ECHO"]], stdout=subprocess.PIPE, text=True)
        cls.port = int(cls.server.stdout.readline())

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        code = cls.server.wait(20)
        cls.server.stdout.close()
        assert code == 0, f"the server ended with {code}"

    def judge(self, pair):
        case, run = pair
        try:
            run(case, self.port)
        except AssertionError as error:
            return f"{case.number} {case.title}: {error}"
        return None

    def test_in_every_case_of_the_table(self):
        wanted = os.environ.get("M4H_CASES", "")
        chosen = [pair for pair in all_cases() if pair[0].number.startswith(wanted)]
        numbers = [case.number for case, _ in chosen]
        self.assertEqual(len(numbers), len(set(numbers)))
        with ThreadPoolExecutor(4) as pool:
            failures = [failure for failure in pool.map(self.judge, chosen) if failure]
        print(f"{len(chosen)} cases, {len(failures)} failed")
        self.assertEqual(failures, [], "\n" + "\n".join(failures))
        if wanted:
            return
        if os.environ.get("M4H_WRITE_TABLE"):
            TABLE.write_text(table([case for case, _ in chosen]), encoding="utf-8")
        self.assertEqual(TABLE.read_text(encoding="utf-8"), table([case for case, _ in chosen]))


if __name__ == "__main__":
    unittest.main()
