"""The keys of the manifest's tables, with type, default and meaning; docs/reference/manifest.md is made of them."""

from ambilink.bootimage.layout import (
    ARGUMENTS_MAX,
    PAGE_SIZE,
    PRELOADS_MAX,
    PRIORITY_MAX,
    REGISTERS_MAX,
    SERVICE_NAME_MAX,
)
from ambilink.bootimage.multiboot_manifest import AMBILINK, TOP_KEYS
from ambilink.toml_file import REQUIRED, Key

REGISTRY = "names"  # services/names: the service that knows the others by their names
STACK_DEFAULT = 16 * PAGE_SIZE
STACK_MAX = 64 << 20

IMAGE_KEYS = {
    "format": Key(
        str,
        AMBILINK,
        "The boot protocol of the kernel: `ambilink`, which is this project's, or `multiboot2` or `multiboot1`, for "
        "which other keys hold: see below.",
    ),
    "kernel": Key(str, "kernel", "The kernel: a file of the build folder."),
    "loader": Key(
        str,
        "loader",
        "The service that the kernel starts, which links and starts the others. It is a static program, or a "
        "dynamic one that the kernel links.",
    ),
    "linker": Key(
        str,
        "loader",
        "What links the services: `loader` (the loader service), `kernel`, `interp` (the program's interpreter, in its "
        "own process), or `pack` (the packer, when the image is made).",
    ),
    "binding": Key(
        str,
        "now",
        "When functions are bound, of programs and libraries that leave it open (`-z lazy`; `-z now` is the default): "
        "`now`, when the program is linked, or `lazy`, each at its first call. Not for services that the packer links.",
    ),
    "interpreter": Key(
        str, "", "File under `lib/interp/` that lies where programs ask for their interpreter. Without it, `lib/ld.so`."
    ),
    "libraries": Key(list, [], "Libraries that programs open at run time (`dlopen`): file names under `lib/`."),
    "modules": Key(
        list, [], "Modules that the kernel links when it boots, in this order: files under `modules/`, without `.so`."
    ),
    "seed": Key(
        int,
        -1,
        "A number from 0 to 2^64 - 1, of which `pack` draws addresses. Without it they are drawn from the manifest's "
        "text: images differ, builds of one do not.",
    ),
    "sign": Key(
        str,
        "",
        "Private key that signs the image: a PEM file, by its path from the manifest's folder. The kernel gets its "
        "public key, and starts no other image; see [signing.md](../signing.md). Without `sign` and `key` the image is "
        "not signed, which is for development.",
    ),
    "key": Key(
        str,
        "",
        "Public key that the kernel gets, as a PEM file, for an image that `ambilink image sign` signs where the "
        "private key is.",
    ),
    "version": Key(int, 0, "Number of a signed image, which counts up with each that is released."),
    "least-version": Key(
        int, None, "The kernel of a signed image starts no image of an earlier `version`. By default the image's own."
    ),
}
SERVICE_KEYS = {
    "name": Key(str, REQUIRED, f"Name of the service, of its own, at most {SERVICE_NAME_MAX} bytes."),
    "program": Key(
        str,
        None,
        "The program: a file under `services/`, by default the one that is called as the service; with "
        '`calls = "linux"` a path from the manifest\'s folder.',
    ),
    "role": Key(
        str,
        "daemon",
        "`daemon`: it must not end. `program`: it must end with status 0; when all have, the boot's verdict is given. "
        "`on-demand`: it is started when it is asked for by name.",
    ),
    "grants": Key(
        list,
        [],
        "What it may reach: `log` (write the kernel's log), `image` (read all files of the image), `input` (take the "
        "machine's keys, which the module `input` receives), `control` (let the loader service end other services), "
        "`inspect` (ask the loader service what lies where in other processes), `parts` (with `image`: give others "
        "parts of it, which may be executed: `files` for programs of Linux).",
    ),
    "registers": Key(
        list,
        None,
        f"The names that it may register with `{REGISTRY}`, at most {REGISTERS_MAX}. By default its own name.",
    ),
    "starts": Key(
        list,
        [],
        f"The services that it may start by name (`loader_start`); `*` means all. `{REGISTRY}` is started once, "
        "at boot.",
    ),
    "opens": Key(
        list,
        [],
        "The files of the image that it may open: names as `[files]` has them, `folder/*` for all below a folder, `*` "
        "for all. Libraries that it needs, or opens by `dlopen`, need not be there.",
    ),
    "stack": Key(
        int,
        STACK_DEFAULT,
        f"Limit of its first thread's stack, in bytes: a multiple of {PAGE_SIZE}, up to {STACK_MAX >> 20} MiB. Its "
        "pages come, and are paid for, when they are touched.",
    ),
    "memory": Key(
        int,
        0,
        f"Bytes of memory that it may have, with its page tables and with what it starts: a multiple of {PAGE_SIZE}. "
        "Without it, a share of the machine's memory, as large as the others'; services that are started on demand "
        "then have no memory of their own, and use their starter's.",
    ),
    "kernel-memory": Key(
        int, 0, "Likewise bytes that the kernel may keep for it: handles, threads, mappings, messages under way."
    ),
    "priority": Key(
        int,
        0,
        f"The highest priority that its threads may have, up to {PRIORITY_MAX}; its first one has it. A thread runs "
        "before all threads of lower ones, whatever those do. Without it, 0: it shares the CPU.",
    ),
    "arguments": Key(list, [], f"Its arguments after the name, at most {ARGUMENTS_MAX}."),
    "environment": Key(dict, {}, f"Its environment variables, at most {ARGUMENTS_MAX}; the values are strings."),
    "linker": Key(
        str, None, 'What links this service. By default what links the image, and `interp` for `calls = "linux"`.'
    ),
    "binding": Key(str, None, "When its functions are bound: `now` or `lazy`. By default as the image says."),
    "preload": Key(
        list,
        [],
        f"Libraries that are searched right after the program, before those that it needs, in this order: file names "
        f"under `lib/`, at most {PRELOADS_MAX}. As by LD_PRELOAD.",
    ),
    "calls": Key(
        str,
        "ambilink",
        "Whose system calls it uses: `ambilink`, or `linux`, for a program that an ordinary toolchain built for Linux "
        "and that brings its libraries and its interpreter.",
    ),
    "sysroot": Key(
        str,
        "",
        'With `calls = "linux"`: the folder that is `/` for the program, by its path from the manifest\'s folder. Its '
        "interpreter and the libraries that it needs are found there as glibc or musl does, and are in the image by "
        "themselves; so is what `brings` names. Without it, `[files]` gives them.",
    ),
    "brings": Key(
        list,
        [],
        "Files of the sysroot that the program opens, and folders with all that is in them: paths without the leading "
        "`/`, which are their names in the image. They need not be in `opens`.",
    ),
}
# Tables of the file by heading: their keys, and what they are.
TABLES = {
    "Top of the file": (TOP_KEYS, "Before the first table."),
    "[image]": (IMAGE_KEYS, "The image as a whole. The table may be left out."),
    "[[service]]": (
        SERVICE_KEYS,
        'One service, in the order of their start. At least one has `role = "program"`: without it nothing decides '
        "the boot.",
    ),
    "[files]": (
        {},
        "Other files of the image. Each key is a name in the image, its value the path of the file, from the "
        "manifest's folder. The folders `modules/`, `services/` and `pack/` are taken.",
    ),
}
