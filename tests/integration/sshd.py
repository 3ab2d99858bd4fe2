"""A real sshd as the service behind a device."""

import contextlib
import os
import signal
import socket
from pathlib import Path

from cluster import Program, accepts, run, wait_until


class Sshd:
    """An sshd of one's own, as a device has it: lets the current user in by one key."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        for name in ("host", "login"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        config = folder / "sshd_config"
        config.write_text(f"""ListenAddress 127.0.0.1
Port {self.port}
HostKey {folder}/host
PidFile none
AuthorizedKeysFile {folder}/login.pub
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
UsePAM no
Subsystem sftp internal-sftp
""")
        self.program = Program(["/usr/sbin/sshd", "-D", "-e", "-f", config])
        wait_until(lambda: accepts(self.port), 10, "sshd")

    def stop(self):
        self.program.stop(signal.SIGTERM)
