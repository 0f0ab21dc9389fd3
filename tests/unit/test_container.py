"""The boot image as an ELF file, judged by other readers of ELF."""

import hashlib
import subprocess
import sys
from itertools import pairwise

import lief
import pytest
from elftools.elf.elffile import ELFFile

from ambilink.bootimage.container import build as build_image
from ambilink.bootimage.container import read
from ambilink.bootimage.layout import parse
from ambilink.errors import AmbilinkError


def test_pyelftools_reads_it(build):
    image = read(build / "boot.img")
    with (build / "boot.img").open("rb") as stream:
        elf = ELFFile(stream)
        loads = [segment for segment in elf.iter_segments() if segment["p_type"] == "PT_LOAD"]
        archive = loads[-1]
        assert archive["p_paddr"] == image.archive_address and archive["p_offset"] % 4096 == 0
        assert archive["p_flags"] == 4 and archive.data() == image.archive.data
        ends = sorted((load["p_paddr"], load["p_paddr"] + load["p_memsz"]) for load in loads)
        assert all(first[1] <= second[0] for first, second in pairwise(ends))
        for file in image.archive.files:
            assert elf.get_section_by_name(file.name).data() == image.archive.contents(file)
        with (build / "kernel").open("rb") as kernel:
            symbol = ELFFile(kernel).get_section_by_name(".symtab").get_symbol_by_name("kernel_main")[0]
        assert elf.get_section_by_name(".symtab").get_symbol_by_name("kernel_main")[0]["st_value"] == symbol["st_value"]


def test_lief_reads_it(build):
    binary = lief.ELF.parse(str(build / "boot.img"))
    assert binary.header.entrypoint and "lib/libc.so" in {section.name for section in binary.sections}


def test_the_kernel_knows_where_the_archive_lies(build):
    image = read(build / "boot.img")
    data = (build / "boot.img").read_bytes()
    with (build / "boot.img").open("rb") as stream:
        elf = ELFFile(stream)
        address = image.symbols["image_place"]
        load = next(
            s
            for s in elf.iter_segments()
            if s["p_type"] == "PT_LOAD" and s["p_vaddr"] <= address < s["p_vaddr"] + s["p_filesz"]
        )
        at = load["p_offset"] + address - load["p_vaddr"]
    assert int.from_bytes(data[at : at + 8], "little") == image.archive_address
    assert int.from_bytes(data[at + 8 : at + 16], "little") == len(image.archive.data)


def test_a_kernel_without_the_symbol_is_refused(build):
    archive = read(build / "boot.img").archive
    with pytest.raises(AmbilinkError, match="has no initialised data symbol image_place"):
        build_image(build / "conformance", archive.data, parse(archive.data, "x"))


def run(*words):
    return subprocess.run([sys.executable, "-m", "ambilink", "image", *map(str, words)], capture_output=True, text=True)


def test_listing(build):
    done = run("ls", build / "boot.img")
    assert done.returncode == 0
    libc = next(line.split() for line in done.stdout.splitlines() if line.startswith("lib/libc.so"))
    digest = hashlib.blake2b(
        read(build / "boot.img").archive.contents(read(build / "boot.img").archive.file("lib/libc.so")), digest_size=32
    )
    assert libc[1] == "library" and libc[3] == digest.hexdigest()[:16]
    assert "service greet etc/motd: services/greet, program" in done.stdout


def test_extracting(build, tmp_path, top):
    assert run("extract", build / "boot.img", "etc/motd", "lib/libc.so", "--output", tmp_path).returncode == 0
    assert (tmp_path / "etc/motd").read_bytes() == (top / "boot/system/files/motd").read_bytes()
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"motd", "libc.so"}
    with (tmp_path / "lib/libc.so").open("rb") as stream:  # stripped, and still sound by its dynamic segment
        elf = ELFFile(stream)
        assert elf.num_sections() == 0 and elf.num_segments() > 3
    done = run("extract", build / "boot.img", "no/such", "--output", tmp_path)
    assert done.returncode == 1 and "has no file 'no/such'; `ambilink image ls` lists them" in done.stderr


def test_verifying(build):
    done = run("verify", build / "boot.img")
    assert done.returncode == 0 and " bytes match their digests\nnot signed: " in done.stdout
