/* The boot image's archive: what the packer writes, and kernel, loader and files service read.
 *
 * The archive is one page-aligned run of the image ELF file, loaded at a page-aligned physical address:
 *
 *     struct image_header           page 0, with zero bytes behind it
 *     struct image_file[files]      from page 1 on
 *     struct image_service[services]
 *     strings                       NUL-terminated UTF-8
 *     (padding to a page)           end of the directory, `directory_size` bytes in all
 *     file contents                 each on a page boundary, padded with zero bytes
 *     tree of digests               pages, from `tree_offset` to the end
 *
 * All numbers are little-endian. Offsets count from the archive's first byte; string fields are offsets
 * into the strings.
 *
 * Every byte is covered. The tree's first level has a digest of each page before it, at the page's number (page 0, the
 * header's, has zero bytes there); each further level a digest of each page of the level before; a level ends with zero
 * bytes to a page. The last level is one page, and `root` is its digest. The kernel checks a page when it is first used. The
 * header has a checksum, and may be signed; it holds what covers the rest of the ELF file: the kernel as it is loaded
 * (`kernel_checksum` and `signing_checksum`, which the kernel compares), and all bytes outside of the archive
 * (`container_digest`, for tools).
 */
#ifndef AMBILINK_IMAGE_H
#define AMBILINK_IMAGE_H
#include <stdint.h>

#define IMAGE_MAGIC 0x3130474d49424d41 /* "AMBIMG01" */
#define IMAGE_VERSION 7
#define IMAGE_DIGEST_SIZE 32
#define IMAGE_SIGNATURE_SIZE 64
/* What is signed: these bytes, then the header's fields before the signature. */
#define IMAGE_SIGNED_PREFIX "Ambilink image\0"
#define IMAGE_SIGNED_PREFIX_SIZE 16
#define IMAGE_ARGUMENTS_MAX 8
#define IMAGE_PRELOADS_MAX 8
#define IMAGE_PRIORITY_MAX 31
#define IMAGE_NO_FILE 0xffffffffu
#define IMAGE_UNREAD_RUNS 2

/* What the tree consists of, and how many bytes a digest has there. */
#define IMAGE_DIGEST_CRC32C 0        /* 4: detects corruption */
#define IMAGE_DIGEST_BLAKE3 1        /* 32, of a page without the zero blocks of 64 bytes at its end: what a signature can
                                      * vouch for */
#define IMAGE_TREE_LEVELS_MAX 8

struct image_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_size;        /* sizeof(struct image_header) */
    uint64_t total_size;         /* bytes, a multiple of the page size */
    uint64_t directory_size;     /* bytes with the header's page, a multiple of the page size */
    uint32_t file_count;
    uint32_t file_offset;
    uint32_t service_count;
    uint32_t service_offset;
    uint32_t string_offset;
    uint32_t string_size;
    uint32_t loader_file;        /* index of the file that the kernel starts */
    uint32_t loader_linker;      /* IMAGE_LINKER_KERNEL or IMAGE_LINKER_INTERP; IMAGE_LINKER_LOADER: it is static */
    uint64_t tree_offset;        /* a multiple of the page size */
    uint64_t image_size;         /* bytes of the ELF file */
    uint32_t digest_kind;        /* IMAGE_DIGEST_... */
    uint32_t digest_size;        /* bytes of one */
    uint32_t kernel_checksum;    /* CRC-32C of the bytes that the kernel's segments load, in their order, without image_place
                                  * and those of signing_checksum */
    uint32_t signing_checksum;   /* CRC-32C of the kernel's code for Ed25519 and BLAKE3: from its symbol kernel_signing_start to
                                  * kernel_signing_end */
    uint64_t release;            /* counts up; a signed image is refused by a kernel that wants a later one */
    uint8_t root[IMAGE_DIGEST_SIZE]; /* the first `digest_size` bytes; then zero */
    uint8_t container_digest[IMAGE_DIGEST_SIZE]; /* BLAKE2b-256 of the ELF file without the archive */
    uint8_t signer[32];          /* public key; zero: not signed */
    uint8_t signature[IMAGE_SIGNATURE_SIZE]; /* Ed25519, of the fields before */
    uint32_t header_checksum;    /* CRC-32C of the header, with 0 here */
    uint32_t reserved_end;
};

#define IMAGE_FILE_DATA 0
#define IMAGE_FILE_PROGRAM 1
#define IMAGE_FILE_LIBRARY 2
#define IMAGE_FILE_PAGES 3       /* writable pages as they are after relocation */
#define IMAGE_FILE_PACKED 4      /* struct image_packed */
#define IMAGE_FILE_MODULE 5      /* of the kernel, in the order of loading */
#define IMAGE_FILE_INTERPRETER 6 /* alone is given what links a program in its own process: image and log */

struct image_run {
    uint32_t page;               /* of the file */
    uint32_t pages;              /* how many */
};

struct image_file {
    uint32_t name;               /* "lib/libc.so" */
    uint32_t kind;               /* IMAGE_FILE_... */
    uint64_t offset;             /* a multiple of the page size */
    uint64_t size;               /* bytes; the last page is filled up with zero bytes */
    struct image_run unread[IMAGE_UNREAD_RUNS]; /* ascending: pages that no linker of it reads, code and constants */
    uint8_t digest[IMAGE_DIGEST_SIZE]; /* BLAKE2b-256 (RFC 7693) of them */
};

#define IMAGE_SERVICE_DAEMON 0   /* runs until the machine ends; its exit is a failure */
#define IMAGE_SERVICE_PROGRAM 1  /* must exit with status 0 before the machine passes */
#define IMAGE_SERVICE_ON_DEMAND 2 /* not started at boot, only by name */

#define IMAGE_GRANT_LOG 1        /* gets a handle to the kernel's log */
#define IMAGE_GRANT_IMAGE 2      /* gets a read-only handle to the whole archive */
#define IMAGE_GRANT_INPUT 4      /* gets a handle to the machine's keys */
#define IMAGE_GRANT_CONTROL 8    /* the loader service ends other services for it */
#define IMAGE_GRANT_INSPECT 16   /* the loader service says what lies where in other processes */
#define IMAGE_GRANT_PARTS 32     /* with IMAGE_GRANT_IMAGE: it may give others parts of the archive, which may be executed */

/* Who links a service. */
#define IMAGE_LINKER_LOADER 0
#define IMAGE_LINKER_KERNEL 1    /* before the loader service runs */
#define IMAGE_LINKER_INTERP 2    /* its PT_INTERP, in the process itself; the kernel maps both */
#define IMAGE_LINKER_PACK 3      /* the packer did */

/* When functions are bound, of objects that leave it open (no DF_BIND_NOW). */
#define IMAGE_BINDING_NOW 0      /* when the program is linked */
#define IMAGE_BINDING_LAZY 1     /* at their first call; not for IMAGE_LINKER_PACK */

#define IMAGE_CALLS_LINUX 1      /* its system calls are Linux' */

struct image_service {
    uint32_t name;
    uint32_t file;               /* index into the files */
    uint32_t role;               /* IMAGE_SERVICE_... */
    uint32_t grants;             /* IMAGE_GRANT_... */
    uint32_t stack_size;         /* bytes, a multiple of the page size */
    uint32_t argument_count;
    uint32_t argument[IMAGE_ARGUMENTS_MAX];
    uint32_t environment_count;
    uint32_t environment[IMAGE_ARGUMENTS_MAX];
    uint32_t packed_file;        /* index into the files, for IMAGE_LINKER_PACK; else IMAGE_NO_FILE */
    uint32_t linker;             /* IMAGE_LINKER_... */
    uint32_t calls;              /* 0: Ambilink's, or IMAGE_CALLS_LINUX */
    uint64_t memory;             /* bytes of page frames that it may have; 0: a share */
    uint64_t kernel_memory;      /* bytes of the kernel's own; 0: a share */

    /* Authority, as lists: strings of items, each but the last followed by a line end. An item is a name; in `starts`
     * and `opens` also "*", any name, and "FOLDER/" with a "*" behind it, any name below. */
    uint32_t registers;          /* names that it may register, at most IMAGE_REGISTERS_MAX */
    uint32_t starts;             /* services that it may start */
    uint32_t opens;              /* files of the image that it may open */

    uint32_t preload_count;      /* libraries that are searched right after the program, as by LD_PRELOAD */
    uint32_t preload[IMAGE_PRELOADS_MAX]; /* their names under "lib/" */
    uint32_t priority;           /* the highest that its threads may have, which its first one has: at most IMAGE_PRIORITY_MAX */
    uint32_t binding;            /* IMAGE_BINDING_... */
};

#define IMAGE_REGISTERS_MAX 32

/* A program that was linked at build time, with all that it needs, for fixed addresses: what to map, and its start
 * block (start.h), which lacks only handles and the archive's size. Offsets count from the file's start. */
#define IMAGE_PACKED_MAGIC 0x314b434150424d41 /* "AMBPACK1" */

struct image_packed {
    uint64_t magic;
    uint64_t low, high;          /* addresses that it spans */
    uint64_t entry;
    uint64_t program_headers, program_header_count;
    uint64_t block_address;      /* where the start block belongs, page-aligned */
    uint64_t block_offset, block_size;
    uint64_t link_offset;        /* of struct start_link within the block */
    uint32_t mapping_count, mapping_offset;
};

struct image_packed_mapping {
    uint64_t address, size;      /* multiples of the page size */
    uint64_t source;             /* offset in the file, a multiple of the page size */
    uint64_t source_size;        /* bytes to copy to zeroed memory; 0, and not writable: pages of the image itself */
    uint32_t file;               /* index into the files */
    uint32_t prot;               /* PROT_... */
    uint32_t module;             /* which of the objects it is a part of, in the order of loading */
    uint32_t reserved;
};
#endif
