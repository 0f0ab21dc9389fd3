"""`ambilink image`: pack, list, extract, verify."""

import argparse
import sys
from pathlib import Path

from ambilink.cli.arguments import Commands, folder, input_file, output_file, output_folder, profile_name
from ambilink.errors import AmbilinkError
from ambilink.machine.model import EXIT_FAIL, EXIT_PASS


def add(commands: "Commands[argparse.ArgumentParser]") -> None:
    image = commands.add_parser("image", help="pack, list, extract or verify a boot image")
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
    listing.set_defaults(run=_image_list)
    extract = actions.add_parser("extract", help="write files of an image to a folder")
    extract.add_argument("image", type=input_file)
    extract.add_argument("names", nargs="*", help="files to extract (default: all)")
    extract.add_argument("--output", type=output_folder, default=Path(), metavar="DIR")
    extract.set_defaults(run=_image_extract)
    verify = actions.add_parser("verify", help="compare every byte with its digest")
    verify.add_argument("image", type=input_file)
    verify.set_defaults(run=_image_verify)


def _image_pack(options: argparse.Namespace) -> int:
    from ambilink.bootimage.outputs import Outputs, make
    from ambilink.compile.profile import load_profile

    outputs = Outputs(options.output, options.iso, options.tree)
    print("\n".join(make(options.manifest, options.root, load_profile(options.profile), outputs)))
    return EXIT_PASS


def _image_list(options: argparse.Namespace) -> int:
    from ambilink.bootimage.container import read

    archive = read(options.image).archive
    width = max(len(file.name) for file in archive.files)
    for file in archive.files:
        print(f"{file.name:<{width}}  {file.kind.name.lower():<7}  {file.size:>9,}  {file.digest.hex()[:16]}")
    for service in archive.services:
        words = " ".join([service.name, *service.arguments])
        print(f"service {words}: {service.file}, {service.role.name.lower().replace('_', '-')}")
    return EXIT_PASS


def _image_extract(options: argparse.Namespace) -> int:
    from ambilink.bootimage.container import read
    from ambilink.bootimage.layout import damaged
    from ambilink.files import write_below

    archive = read(options.image).archive
    for name in options.names:
        if archive.file(name) is None:
            raise AmbilinkError(options.image, f"has no file {name}", "ambilink image ls lists them")
    bad = {name: each.what for each in damaged(archive) for name in each.files}
    for file in archive.files:
        if options.names and file.name not in options.names:
            continue
        if file.name in bad:
            raise AmbilinkError(options.image, f"{bad[file.name]}: the image was altered")
        if any(part in ("", ".", "..") for part in file.name.split("/")):
            raise AmbilinkError(
                options.image, f"the name {file.name!r} leads out of the folder", "do not trust this image"
            )
        write_below(options.output, file.name, archive.contents(file))
        print(options.output / file.name)
    return EXIT_PASS


def _image_verify(options: argparse.Namespace) -> int:
    from ambilink.bootimage.container import damaged, read

    image = read(options.image)
    bad = damaged(image)
    for what in bad:
        print(f"{options.image}: {what}: the image was altered", file=sys.stderr)
    if bad:
        return EXIT_FAIL
    header, count = image.archive.header, len(image.archive.files)
    print(f"{options.image}: kernel, symbols, and {count} files of {header.total_size:,} bytes match their digests")
    return EXIT_PASS
