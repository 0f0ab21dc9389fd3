/* What the kernel hands to the loader service about the processes that it started itself. */
#ifndef AMBILINK_LOADED_H
#define AMBILINK_LOADED_H
#include <ambilink/abi.h>

/* Filled by SYS_SERVICE_START too. The handles are the loader service's. */
struct loaded_process {
    uint64_t number;
    uint32_t service;          /* index into the boot image's services */
    handle_t process;          /* RIGHT_MANAGE */
    handle_t block;            /* memory of its start block, readable and writable; 0: it has none */
    uint32_t reserved;
    uint64_t block_address, block_size; /* in the process */
    uint64_t low;              /* nothing lies below this address of the process, down to half of it */
};

/* Read-only in the loader service; start_info.loaded leads to it. */
struct loaded_table {
    uint64_t size;             /* bytes in all */
    uint32_t process_count;
    uint32_t failures;         /* services and kernel modules that the kernel could not start, which it logged */
    uint64_t share_memory, share_kernel_memory; /* bytes: the budget of a service that the manifest gives none */
    struct loaded_process process[];
};
#endif
