"""BuildGrid, a server of the Remote Execution API: in an environment of its own, on the loopback interface."""

import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

PINS = Path(__file__).with_name("buildgrid.txt")
TOP = Path(__file__).resolve().parents[1]
SETTINGS = """\
server: [!channel {{address: "127.0.0.1:{port}", {transport}}}]
authorization: {{method: none}}
storages: [!disk-storage &storage {{path: {folder}/storage}}]
caches:
  - !lru-action-cache &results
    {{storage: *storage, max-cached-refs: 100000, allow-updates: true, cache-failed-actions: false}}
instances:
  - name: ''
    services: &all [!action-cache {{cache: *results}}, !cas {{storage: *storage}}, !bytestream {{storage: *storage}}]
  - name: team/a
    services: *all
thread-pool-size: 10
"""
CERTIFICATE = """\
import datetime, ipaddress, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
key = ec.generate_private_key(ec.SECP256R1())
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "cache")])
now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
made = made.not_valid_before(now - day).not_valid_after(now + day).add_extension(address, False)
made = made.add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256())
form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
open(sys.argv[1], "wb").write(made.public_bytes(serialization.Encoding.PEM))
open(sys.argv[2], "wb").write(key.private_bytes(*form))
"""


class NotFetchedError(Exception):
    """The package index cannot be reached, or has no wheels for this machine."""


def install() -> Path:
    """Its Python; the environment is kept for the next time."""
    folder = TOP / "build/.ambilink/buildgrid"
    python, stamp = folder / "bin/python", folder / "stamp"
    if not stamp.is_file() or stamp.read_text() != PINS.read_text():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "--python", python, "install"]
        words = ["--no-compile", "--only-binary=:all:", "--retries", "0", "--timeout", "10", "--require-hashes", "-r"]
        done = subprocess.run([*pip, *words, PINS], capture_output=True, text=True)
        if done.returncode:
            raise NotFetchedError(done.stderr.strip().splitlines()[-1])
        stamp.write_text(PINS.read_text())
    return python


@dataclass
class Server:
    python: Path
    folder: Path
    secure: bool = False
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def place(self) -> str:
        return f"grpc{'s' if self.secure else ''}://127.0.0.1:{self.port}"

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"

    def start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        transport = "insecure-mode: true"
        if self.secure:
            key = self.folder / "key.pem"
            subprocess.run([self.python, "-c", CERTIFICATE, self.certificate, key], check=True)
            credentials = f"tls-server-cert: {self.certificate}, tls-server-key: {key}"
            transport = f"insecure-mode: false, credentials: {{{credentials}}}"
        file = self.folder / "server.yml"
        file.write_text(SETTINGS.format(port=self.port, folder=self.folder, transport=transport))
        log = (self.folder / "log").open("wb")
        words = [self.python.with_name("bgd"), "server", "start", file]
        self.process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        for _ in range(1200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"the server does not listen\n{(self.folder / 'log').read_text()[-3000:]}")

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def blobs(self) -> list[Path]:
        return [path for path in (self.folder / "storage").rglob("*") if path.is_file()]
