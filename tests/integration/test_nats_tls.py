"""The bus by TLS, with a real nats-server and an authority of our own: a service trusts the authority of
[nats] tls_ca and the name in the certificate, and nothing else."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from cluster import BUILD, Program, read_text, run, wait_until


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder, name):
        self.folder = folder
        self.key = folder / f"{name}.key"
        self.certificate = folder / f"{name}.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", f"/CN={name}", "-keyout", str(self.key), "-out", str(self.certificate))

    def issue(self, name, alternative):
        """(certificate, key) of a server whose address is `alternative`."""
        key, certificate = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(request))
        extensions.write_text(f"subjectAltName={alternative}\n")
        run("openssl", "x509", "-req", "-days", "2", "-in", str(request), "-CA", str(self.certificate),
            "-CAkey", str(self.key), "-CAcreateserial", "-extfile", str(extensions),
            "-out", str(certificate))
        return certificate, key


class NatsServer:
    def __init__(self, folder, *options):
        self.ports = Path(tempfile.mkdtemp(prefix="ports-", dir=folder))
        self.log = self.ports / "log"
        program = shutil.which("nats-server") or "/usr/sbin/nats-server"
        self.process = subprocess.Popen(
            [program, "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", self.ports, "-D", "-l", self.log,
             *options], start_new_session=True)
        file = self.ports / f"nats-server_{self.process.pid}.ports"
        wait_until(lambda: "}" in read_text(file), 15, "nats-server listening")
        self.port = int(read_text(file).partition("127.0.0.1:")[2].partition('"')[0])

    def close(self):
        self.process.terminate()
        self.process.wait(10)


class NatsTls(unittest.TestCase):
    def setUp(self):
        parent = BUILD / "integration"
        parent.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="nats-tls-", dir=parent))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.authority = Authority(self.folder, "ours")

    def server(self, alternative="IP:127.0.0.1"):
        certificate, key = self.authority.issue("server", alternative)
        server = NatsServer(self.folder, "--tls", "--tlscert", certificate, "--tlskey", key)
        self.addCleanup(server.close)
        return server

    def master(self, server, tls_ca, host="127.0.0.1"):
        self.ready_file = self.folder / "ready"
        settings = {"nats.url": f"tls://{host}:{server.port}", "nats.tls_ca": tls_ca,
                    "run.ready_file": self.ready_file, "http.listen": "127.0.0.1:0"}
        arguments = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        master = Program([BUILD / "bin" / "mas4h-master", *arguments])
        self.addCleanup(self.end, master)
        return master

    @staticmethod
    def end(master):
        with contextlib.suppress(ProcessLookupError):
            os.kill(master.process.pid, signal.SIGTERM)
        master.end()

    def refused(self, master, server):
        """Waits until a handshake has failed, and says whether the master never came in."""
        wait_until(lambda: "TLS handshake error" in read_text(server.log), 15, "a handshake that fails")
        master.wait_for('reason="SSL Error: .*(certificate|mismatch).*" .*cannot connect')
        return not self.ready_file.exists()

    def test_a_master_speaks_tls_with_a_server_of_its_authority(self):
        server = self.server()
        self.master(server, self.authority.certificate)
        wait_until(self.ready_file.exists, 20, "a ready master")
        self.assertIn("TLS handshake complete", read_text(server.log))

    def test_a_server_of_another_authority_is_not_trusted(self):
        server = self.server()
        master = self.master(server, Authority(self.folder, "other").certificate)
        self.assertTrue(self.refused(master, server))

    def test_a_certificate_of_another_host_is_not_trusted(self):
        server = self.server("IP:192.0.2.1")
        master = self.master(server, self.authority.certificate)
        self.assertTrue(self.refused(master, server))

    def test_a_certificate_names_the_host_that_was_asked_for(self):
        server = self.server("DNS:localhost")
        self.master(server, self.authority.certificate, host="localhost")
        wait_until(self.ready_file.exists, 20, "a ready master")


if __name__ == "__main__":
    unittest.main()
