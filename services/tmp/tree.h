/* Folders and files in memory, and what of them is open. Knows no messages; whose a node is its caller says.
 *
 * Memory of contents is brought by who writes (part_set). What the tree itself takes is bounded for each owner: nodes, open
 * files, and so parts. Every function returns STATUS_OK or a status of protocol/tmp.h. */
#ifndef TREE_H
#define TREE_H
#include <protocol/tmp.h>
#include <stdbool.h>
#include <stddef.h>

#define PART_FIRST 16384u /* bytes of a file's first part; each one behind ends where a power of two does */
#define PARTS 17
#define NODES_OF_OWNER 128
#define PARTS_OF_OWNER 160 /* with open files and waits within a process' table of handles for all owners */
#define OPENS_OF_OWNER 64
#define WAITS_OF_OWNER 16
#define LOCKS_OF_OWNER 64
#define DEPTH_MAX 32

struct part {
    handle_t memory; /* 0: not there, all zero */
    uint8_t *here;
};

struct owner {
    char name[32];
    unsigned nodes, parts, locks, waits;
    struct open {
        struct node *node; /* NULL: free */
        struct owner *owner;
        uint64_t client;   /* the process that opened it */
        handle_t receives; /* its endpoint */
        uint32_t generation;
        bool writes;
    } opens[OPENS_OF_OWNER];
};

/* Of a part of a file, a process', or with `open` of a whole one, of those who have that (flock). */
struct lock {
    struct lock *next;
    struct owner *owner;
    uint64_t client;
    const struct open *open;
    uint64_t start, last;
    bool is_exclusive;
};

struct node {
    struct node *parent, *first, *next; /* parent NULL: the root, or removed; then it may have other names */
    struct owner *owner;
    uint64_t number, size;
    int64_t changed, read;
    unsigned opens, links;
    struct node *file; /* of another name of a file: the file, whose `links` counts it */
    bool is_folder, is_socket;
    struct lock *locks;
    struct part parts[PARTS];
    char name[TMP_NAME_MAX + 1];
};

int64_t tree_find(const char *path, struct node **found);
/* STATUS_NO_RIGHT in another owner's folder. */
int64_t tree_make(struct owner *owner, const char *path, bool is_folder, struct node **made);
int64_t tree_remove(struct owner *owner, const char *path, bool is_folder);
int64_t tree_rename(struct owner *owner, const char *from, const char *to);
/* Another name for a file of the owner's. */
int64_t tree_link(struct owner *owner, const char *from, const char *to);
int64_t tree_list(const char *path, uint64_t index, struct node **found);
void tree_describe(const struct node *node, struct tmp_status *status);

/* Open files: the slot, or STATUS_LIMIT. */
int64_t tree_open(struct owner *owner, struct node *node, uint64_t client, bool writes);
/* With its locks. */
void tree_close(struct open *open);

/* Contents. */
struct span {
    uint64_t start, size; /* of the part that has an offset */
    struct part *part;
};
bool part_of(struct node *node, uint64_t offset, struct span *span);
/* Takes the handle, or leaves it where it returns a status. */
int64_t part_set(struct node *node, uint64_t offset, handle_t memory);
void node_resize(struct node *node, uint64_t size);
void node_free_parts(struct node *node);

/* Locks. What is asked for, or what is in the way of it. */
struct lock_wish {
    enum tmp_lock kind;
    bool is_whole; /* of the open file, as flock() has them */
    uint64_t start, last, client;
};
/* STATUS_OK, or TMP_LOCKED and *wish is what is in the way, of which nothing is changed; STATUS_LIMIT. */
int64_t lock_set(struct open *open, struct lock_wish *wish);
int64_t lock_test(const struct open *open, struct lock_wish *wish);
/* Signal the endpoint once when a lock of the node goes, which `client` waits for while `blocker` has it. STATUS_OK: it was taken.
 * TMP_DEADLOCK: the blocker waits for the client. */
int64_t lock_wait(struct open *open, uint64_t blocker, handle_t endpoint);
/* An open file is none any more: its own locks of the node go, and where the client has it not open any more, the client's. */
void locks_closed(const struct open *open, struct node *node);
#endif
