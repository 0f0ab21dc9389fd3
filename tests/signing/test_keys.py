"""Keys and the commands that use them: what is wrong is said, with a remedy, and nothing is written."""

import os
import stat
import subprocess
import sys

import pytest
import toml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ambilink.bootimage import container, keys, signing
from ambilink.bootimage.manifest import read
from ambilink.cli import main
from ambilink.errors import AmbilinkError

PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8
PLAIN = serialization.NoEncryption()


@pytest.fixture
def command(capsys):
    """Run `ambilink image`: exit status, output, errors."""

    def run(*words) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["image", *map(str, words)])
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Keys that will do, and others."""
    folder = tmp_path_factory.mktemp("keys")
    keys.make_keys(folder / "own.pem", folder / "own-public.pem")
    keys.make_keys(folder / "other.pem", folder / "other-public.pem")
    secret = Ed25519PrivateKey.generate()
    locked = serialization.BestAvailableEncryption(b"word")
    (folder / "encrypted.pem").write_bytes(secret.private_bytes(PEM, PKCS8, locked))
    (folder / "x25519.pem").write_bytes(x25519.X25519PrivateKey.generate().private_bytes(PEM, PKCS8, PLAIN))
    public = x25519.X25519PrivateKey.generate().public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    (folder / "x25519-public.pem").write_bytes(public.public_bytes(PEM, form))
    (folder / "noise.pem").write_bytes(b"\0\xff" * 40)
    (folder / "empty.pem").write_bytes(b"")
    return folder


WRONG_KEYS = {
    "encrypted.pem": "is encrypted",
    "x25519.pem": "is a key of another kind than Ed25519",
    "own-public.pem": "is no private key in PEM form",
    "noise.pem": "is no private key in PEM form",
    "empty.pem": "is no private key in PEM form",
}


def test_a_new_pair_of_keys(command, tmp_path):
    private, public = tmp_path / "key.pem", tmp_path / "public.pem"
    status, said, _ = command("key", private, "--public", public)
    assert status == 0 and keys.key_name(keys.read_public(public)) in said
    assert stat.S_IMODE(os.stat(private).st_mode) == 0o600
    assert keys.read_private(private).public == keys.read_public(public) == keys.read_public(private)
    before = private.read_bytes(), public.read_bytes()
    for words in ((private, "--public", tmp_path / "new.pem"), (tmp_path / "new.pem", "--public", public)):
        status, _, wrong = command("key", *words)
        assert status == 1 and "is there already" in wrong
    assert before == (private.read_bytes(), public.read_bytes()) and not (tmp_path / "new.pem").exists()
    status, _, wrong = command("key", tmp_path / "same.pem", "--public", tmp_path / "same.pem")
    assert status == 1 and "two files" in wrong and not (tmp_path / "same.pem").exists()


@pytest.mark.parametrize("name", WRONG_KEYS)
def test_keys_that_do_not_sign(command, folder, build, tmp_path, name):
    output = tmp_path / "signed.img"
    status, said, wrong = command("sign", build / "boot.img", "--key", folder / name, "--output", output)
    assert (status, said) == (1, "") and f"{name}: {WRONG_KEYS[name]}; " in wrong and not output.exists()


@pytest.mark.parametrize("name", ["x25519-public.pem", "noise.pem", "encrypted.pem"])
def test_keys_that_do_not_verify(command, folder, build, name):
    status, said, wrong = command("verify", build / "boot.img", "--key", folder / name)
    assert (status, said) == (1, "") and f"{name}: is " in wrong


def test_signing_and_verifying(command, folder, build, tmp_path):
    image, own, public = tmp_path / "signed.img", folder / "own.pem", folder / "own-public.pem"
    name = keys.key_name(keys.read_public(public))
    status, said, _ = command("verify", build / "boot.img")
    assert status == 0 and "not signed" in said
    assert "not signed" in command("ls", build / "boot.img")[1]
    status, _, wrong = command("verify", build / "boot.img", "--key", public)
    assert status == 1 and "boot.img: is not signed" in wrong
    status, said, _ = command("sign", build / "boot.img", "--key", own, "--version", 6, "--output", image)
    assert status == 0 and f"signed by key {name}, version 6" in said
    assert f"signed by key {name}, version 6" in command("ls", image)[1]
    status, said, _ = command("verify", image)
    assert status == 0 and said.rstrip().endswith("--key checks that")
    status, said, _ = command("verify", image, "--key", public, "--least-version", 6)
    assert status == 0 and f"key {name} signed it, version 6" in said
    status, _, wrong = command("verify", image, "--key", public, "--least-version", 7)
    assert status == 1 and "is version 6, and version 7 or later is wanted" in wrong
    status, _, wrong = command("verify", image, "--key", folder / "other-public.pem")
    assert status == 1 and f"is signed by key {name}, not " in wrong
    status, _, wrong = command("verify", image, "--least-version", 7)
    assert status == 2 and "needs --key" in wrong
    # Signed again in place; its kernel keeps its key, and the least version until another is given.
    before = image.read_bytes()
    status, _, wrong = command("sign", image, "--key", folder / "other.pem")
    assert status == 1 and f"has a kernel for images of key {name}" in wrong and image.read_bytes() == before
    status, _, wrong = command("sign", image, "--key", own, "--version", 5)
    assert status == 1 and "version 6 and later" in wrong and image.read_bytes() == before
    assert command("sign", image, "--key", own, "--version", 8)[0] == 0
    assert signing.trust_of(container.read(image)).least_release == 6
    damaged = bytearray(image.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    image.write_bytes(damaged)
    status, _, wrong = command("sign", image, "--key", own)
    assert status == 1 and "the image was altered" in wrong and image.read_bytes() == bytes(damaged)


def test_without_the_package(build, folder, tmp_path):
    """Reading images that are not signed needs neither package; signing says what is missing."""
    for name in ("cryptography", "blake3"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not here')\n")
    variables = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.pathsep.join(sys.path)}"}

    def run(*words):
        command = [sys.executable, "-m", "ambilink", "image", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, env=variables)

    signed = tmp_path / "signed.img"
    signed.write_bytes(signing.resign(container.read(build / "boot.img"), keys.read_private(folder / "own.pem"), 1, 1))
    assert run("verify", build / "boot.img").returncode == 0
    for words in (
        ("sign", build / "boot.img", "--key", folder / "own.pem", "--output", tmp_path / "x"),
        ("ls", signed),
        ("verify", signed),
        ("extract", signed, "--output", tmp_path / "x"),
        ("verify", build / "boot.img", "--key", folder / "own-public.pem"),
        ("key", tmp_path / "key.pem", "--public", tmp_path / "public.pem"),
    ):
        done = run(*words)
        assert done.returncode == 1 and "pip install 'ambilink[sign]'" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "key.pem").exists() and not (tmp_path / "x").exists()


SERVICE = {"service": [{"name": "exit", "program": "test-exit", "role": "program"}]}


def manifest_with(settings: dict) -> str:
    """[image] in line 1, and its keys from line 2 on."""
    return toml.dumps({"image": settings}) + toml.dumps(SERVICE)


MANIFESTS = {
    "version alone": ({"version": 2}, ":2: image.version is for signed images"),
    "least version alone": ({"least-version": 2}, ":2: image.least-version is for signed images"),
    "negative": ({"sign": "own.pem", "version": -1}, ":3: image.version is -1"),
    "too large": ({"sign": "own.pem", "version": 1 << 63}, ":3: image.version is 9223372036854775808"),
    "above itself": ({"sign": "own.pem", "version": 2, "least-version": 3}, ":4: image.least-version is 3"),
    "empty path": ({"sign": ""}, ":2: image.sign is"),
    "a number": ({"key": 7}, ":2: image.key"),
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_manifests_that_cannot_be_signed(tmp_path, case):
    settings, message = MANIFESTS[case]
    path = tmp_path / "system.toml"
    path.write_text(manifest_with(settings))
    with pytest.raises(AmbilinkError) as caught:
        read(path)
    assert f"system.toml{message}" in str(caught.value)


PACKED = {
    "no such key": ({"sign": "none.pem"}, ":2: sign: ", "none.pem cannot be read (No such file or directory)"),
    "wrong kind": ({"key": "x25519-public.pem"}, ":2: key: ", "is a key of another kind"),
    "encrypted": ({"sign": "encrypted.pem"}, ":2: sign: ", "is encrypted"),
    "two owners": ({"sign": "own.pem", "key": "other-public.pem"}, ":3: key: ", "leave out image.key"),
}


@pytest.mark.parametrize("case", PACKED)
def test_keys_of_a_manifest(command, folder, build, tmp_path, case):
    settings, place, message = PACKED[case]
    manifest, image = folder / "system.toml", tmp_path / "boot.img"
    manifest.write_text(manifest_with(settings))
    status, _, wrong = command("pack", manifest, "--root", build, "--output", image)
    assert status == 1 and f"system.toml{place}" in wrong and message in wrong and not image.exists()
