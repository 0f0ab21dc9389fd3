"""`ambilink image`: pack, list, extract, verify, sign."""

import argparse
import sys
from pathlib import Path

from ambilink.cli.arguments import Commands, folder, input_file, output_file, output_folder, profile_name, release
from ambilink.errors import AmbilinkError
from ambilink.machine.model import EXIT_FAIL, EXIT_PASS
from ambilink.report.visible import visible


def add(commands: "Commands[argparse.ArgumentParser]") -> None:
    image = commands.add_parser("image", help="pack, list, extract, verify or sign a boot image")
    actions = image.add_subparsers(required=True, metavar="ACTION")
    pack = actions.add_parser("pack", help="make an image from a manifest and a build folder")
    pack.add_argument("manifest", type=input_file)
    pack.add_argument("--root", type=folder, required=True, help="build folder with kernel, services/ and lib/")
    pack.add_argument("--output", type=output_file, required=True)
    pack.add_argument("--iso", type=output_file, metavar="FILE", help="an ISO besides, by grub-mkrescue")
    pack.add_argument(
        "--tree", type=output_folder, metavar="DIR", help="a folder for GRUB besides, with boot/grub/grub.cfg"
    )
    pack.add_argument(
        "--profile", type=profile_name, default="ambilink", metavar="NAME", help="a profile's name or TOML file"
    )
    pack.set_defaults(run=_image_pack)
    listing = actions.add_parser("ls", help="list files and services")
    listing.add_argument("image", type=input_file)
    listing.add_argument("--rights", action="store_true", help="print who may do what after the boot instead")
    listing.set_defaults(run=_image_list)
    extract = actions.add_parser("extract", help="write files of an image to a folder")
    extract.add_argument("image", type=input_file)
    extract.add_argument("names", nargs="*", help="files to extract (default: all)")
    extract.add_argument("--output", type=output_folder, default=Path(), metavar="DIR")
    extract.set_defaults(run=_image_extract)
    verify = actions.add_parser("verify", help="compare every byte with its digest")
    verify.add_argument("image", type=input_file)
    verify.add_argument("--key", type=input_file, metavar="FILE", help="public key (PEM) of the required signer")
    verify.add_argument(
        "--least-version", type=release, metavar="N", help="with --key: refuse an earlier version"
    )
    verify.set_defaults(run=_image_verify, usage=verify)
    sign = actions.add_parser("sign", help="sign an image; its kernel then starts no other")
    sign.add_argument("image", type=input_file)
    sign.add_argument("--key", type=input_file, required=True, metavar="FILE", help="private key (PEM, Ed25519)")
    sign.add_argument("--version", type=release, metavar="N", help="the image's version (default: it keeps its own)")
    sign.add_argument(
        "--least-version", type=release, metavar="N", help="its kernel refuses earlier ones (default: its version)"
    )
    sign.add_argument("--output", type=output_file, metavar="FILE", help="default: the image itself")
    sign.set_defaults(run=_image_sign)
    key = actions.add_parser("key", help="make a pair of keys for signing")
    key.add_argument("private", type=output_file, help="private key to write: keep it secret, and a copy of it safe")
    key.add_argument("--public", type=output_file, required=True, metavar="FILE", help="public key to write")
    key.set_defaults(run=_image_key)


def _image_pack(options: argparse.Namespace) -> int:
    from ambilink.bootimage.outputs import Outputs, make
    from ambilink.compile.profile import load_profile

    outputs = Outputs(options.output, options.iso, options.tree)
    print("\n".join(make(options.manifest, options.root, load_profile(options.profile), outputs)))
    return EXIT_PASS


def _image_list(options: argparse.Namespace) -> int:
    from ambilink.bootimage.container import read
    from ambilink.bootimage.layout import BindTime
    from ambilink.bootimage.signing import described

    image = read(options.image)
    archive = image.archive
    if options.rights:
        from ambilink.report.rights import rights_table

        print("\n".join(rights_table(archive)))
        return EXIT_PASS
    width = max((len(visible(file.name)) for file in archive.files), default=0)
    for file in archive.files:
        print(f"{visible(file.name):<{width}}  {file.kind.name.lower():<7}  {file.size:>9,}  {file.digest.hex()[:16]}")
    for service in archive.services:
        words = visible(" ".join([service.name, *service.arguments]))
        sizes = (service.memory, "memory"), (service.kernel_memory, "kernel memory")
        given = [f"{size:,} bytes of {what}" for size, what in sizes if size]
        role = service.role.name.lower().replace("_", "-")
        given += ["functions are bound when called"] if service.binding is BindTime.LAZY else []
        print(", ".join([f"service {words}: {visible(service.file)}", role, *given]))
    print(described(image))
    return EXIT_PASS


def _image_extract(options: argparse.Namespace) -> int:
    from ambilink.bootimage.container import read
    from ambilink.bootimage.extraction import extract

    for path in extract(read(options.image).archive, options.image, options.names, options.output):
        print(path)
    return EXIT_PASS


def _image_verify(options: argparse.Namespace) -> int:
    from ambilink.bootimage.container import damaged, read
    from ambilink.bootimage.keys import key_name, read_public
    from ambilink.bootimage.signing import described, mistrusted

    if options.least_version is not None and not options.key:
        options.usage.error("--least-version needs --key: a version that is not signed can be altered")
    public = read_public(options.key) if options.key else None
    image = read(options.image)
    bad = [f"{what}: the image was altered" for what in damaged(image)]
    if public and not bad:
        bad = mistrusted(image, public, options.least_version or 0)
    for what in bad:
        print(f"{options.image}: {what}", file=sys.stderr)
    if bad:
        return EXIT_FAIL
    header, count = image.archive.header, len(image.archive.files)
    print(f"{options.image}: kernel, symbols, and {count} files of {header.total_size:,} bytes match their digests")
    if public:
        print(f"key {key_name(public)} signed it, version {header.release}")
    else:
        print(described(image) + ("; --key checks that" if any(header.signer) else ""))
    return EXIT_PASS


def _image_sign(options: argparse.Namespace) -> int:
    from ambilink.bootimage.container import damaged, parse, read
    from ambilink.bootimage.keys import read_private
    from ambilink.bootimage.signing import described, resign
    from ambilink.files import write_output

    key, image = read_private(options.key), read(options.image)
    for what in damaged(image):
        raise AmbilinkError(options.image, f"{what}: the image was altered", "pack the image again")
    output = options.output or options.image
    data = resign(image, key, options.version, options.least_version)
    write_output(output, data)
    print(f"{output}: {described(parse(output, data))}")
    return EXIT_PASS


def _image_key(options: argparse.Namespace) -> int:
    from ambilink.bootimage.keys import make_keys

    print(f"{options.private}, {options.public}: key {make_keys(options.private, options.public)}")
    return EXIT_PASS
