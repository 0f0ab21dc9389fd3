#include "tree.h"

#include <stdlib.h>
#include <string.h>
#include <system/call.h>

static struct node root = {.is_folder = true, .number = 1};

static struct node *child(const struct node *folder, const char *name, size_t length)
{
    for (struct node *each = folder->first; each; each = each->next)
        if (strlen(each->name) == length && !memcmp(each->name, name, length))
            return each;
    return NULL;
}

/* The folder that the last part of a path lies in, and that part. */
static int64_t find_folder(const char *path, struct node **folder, const char **name)
{
    *folder = &root;
    for (unsigned depth = 0;; depth++) {
        size_t length = strcspn(path, "/");
        if (!length || length > TMP_NAME_MAX || (path[0] == '.' && (length == 1 || (length == 2 && path[1] == '.'))))
            return STATUS_INVALID;
        if (depth == DEPTH_MAX)
            return STATUS_TOO_LONG;
        *name = path;
        if (!path[length])
            return (*folder)->is_folder ? STATUS_OK : TMP_NOT_A_FOLDER;
        if (!(*folder)->is_folder)
            return TMP_NOT_A_FOLDER;
        struct node *next = child(*folder, path, length);
        if (!next)
            return STATUS_NOT_FOUND;
        *folder = next;
        path += length + 1;
    }
}

/* What a path names: another name of a file is not the file. */
static int64_t find_name(const char *path, struct node **found)
{
    struct node *folder;
    const char *name;
    if (!*path) {
        *found = &root;
        return STATUS_OK;
    }
    int64_t status = find_folder(path, &folder, &name);
    if (status != STATUS_OK)
        return status;
    *found = child(folder, name, strlen(name));
    return *found ? STATUS_OK : STATUS_NOT_FOUND;
}

int64_t tree_find(const char *path, struct node **found)
{
    const int64_t status = find_name(path, found);
    if (status == STATUS_OK && (*found)->file)
        *found = (*found)->file;
    return status;
}

static bool may_change(const struct owner *owner, const struct node *folder)
{
    return folder == &root || folder->owner == owner;
}

static void attach(struct node *node, struct node *folder, const char *name)
{
    struct node **end = &folder->first;
    while (*end)
        end = &(*end)->next;
    *end = node;
    node->parent = folder;
    node->next = NULL;
    strcpy(node->name, name);
    folder->changed = sys_clock(CLOCK_WALL);
}

static void detach(struct node *node)
{
    struct node **link = &node->parent->first;
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    node->parent->changed = sys_clock(CLOCK_WALL);
    node->parent = NULL;
}

static void free_unused(struct node *node)
{
    if (node->parent || node->opens || node->links)
        return;
    if (node->file) {
        node->file->links--;
        free_unused(node->file);
    }
    node_free_parts(node);
    node->owner->nodes--;
    free(node);
}

int64_t tree_make(struct owner *owner, const char *path, bool is_folder, struct node **made)
{
    static uint64_t last = 1;
    struct node *folder;
    const char *name;
    if (!*path)
        return TMP_EXISTS;
    int64_t status = find_folder(path, &folder, &name);
    if (status != STATUS_OK)
        return status;
    if (child(folder, name, strlen(name)))
        return TMP_EXISTS;
    if (!may_change(owner, folder))
        return STATUS_NO_RIGHT;
    if (owner->nodes >= NODES_OF_OWNER)
        return STATUS_LIMIT;
    struct node *node = calloc(1, sizeof *node);
    if (!node)
        return STATUS_NO_MEMORY;
    *node = (struct node){.owner = owner, .number = ++last, .is_folder = is_folder};
    node->changed = node->read = sys_clock(CLOCK_WALL);
    owner->nodes++;
    attach(node, folder, name);
    *made = node;
    return STATUS_OK;
}

int64_t tree_link(struct owner *owner, const char *from, const char *to)
{
    struct node *file, *name;
    int64_t status = tree_find(from, &file);
    if (status != STATUS_OK)
        return status;
    if (file->is_folder)
        return TMP_IS_FOLDER;
    if (file->owner != owner)
        return STATUS_NO_RIGHT;
    status = tree_make(owner, to, false, &name);
    if (status != STATUS_OK)
        return status;
    name->file = file;
    name->number = file->number;
    name->is_socket = file->is_socket;
    file->links++;
    return STATUS_OK;
}

static int64_t check_removable(const struct owner *owner, const struct node *node, bool is_folder)
{
    if (node == &root || node->owner != owner)
        return STATUS_NO_RIGHT;
    if (node->is_folder != is_folder)
        return node->is_folder ? TMP_IS_FOLDER : TMP_NOT_A_FOLDER;
    return node->first ? TMP_NOT_EMPTY : STATUS_OK;
}

int64_t tree_remove(struct owner *owner, const char *path, bool is_folder)
{
    struct node *node;
    int64_t status = find_name(path, &node);
    if (status == STATUS_OK)
        status = check_removable(owner, node, is_folder);
    if (status != STATUS_OK)
        return status;
    detach(node);
    free_unused(node);
    return STATUS_OK;
}

static bool is_within(const struct node *node, const struct node *whole)
{
    for (; node; node = node->parent)
        if (node == whole)
            return true;
    return false;
}

/* How deep the deepest of a node's own folders lies below it; the tree itself is no deeper than DEPTH_MAX. */
static unsigned height(const struct node *node)
{
    unsigned most = 0;
    for (const struct node *each = node->first; each; each = each->next) {
        unsigned below = height(each) + 1;
        most = below > most ? below : most;
    }
    return most;
}

static unsigned depth(const struct node *node)
{
    unsigned count = 0;
    for (; node->parent; node = node->parent)
        count++;
    return count;
}

int64_t tree_rename(struct owner *owner, const char *from, const char *to)
{
    struct node *node, *folder;
    const char *name;
    int64_t status = find_name(from, &node);
    if (status == STATUS_OK)
        status = find_folder(to, &folder, &name);
    if (status != STATUS_OK)
        return status;
    if (node == &root || node->owner != owner || !may_change(owner, folder))
        return STATUS_NO_RIGHT;
    if (is_within(folder, node))
        return STATUS_INVALID;
    if (depth(folder) + 1 + height(node) > DEPTH_MAX)
        return STATUS_TOO_LONG;
    struct node *other = child(folder, name, strlen(name));
    if (other && other->number == node->number) /* names of one file: both stay */
        return STATUS_OK;
    if (other && (status = check_removable(owner, other, node->is_folder)) != STATUS_OK)
        return status;
    if (other) {
        detach(other);
        free_unused(other);
    }
    detach(node);
    attach(node, folder, name);
    return STATUS_OK;
}

int64_t tree_list(const char *path, uint64_t index, struct node **found)
{
    int64_t status = tree_find(path, found);
    if (status != STATUS_OK)
        return status;
    if (!(*found)->is_folder)
        return TMP_NOT_A_FOLDER;
    for (*found = (*found)->first; *found && index; index--)
        *found = (*found)->next;
    return *found ? STATUS_OK : STATUS_NOT_FOUND;
}

void tree_describe(const struct node *node, struct tmp_status *status)
{
    *status = (struct tmp_status){node->number, node->size, node->is_folder, node->is_socket, 0, node->changed, node->read};
    status->links = node->is_folder ? 2 : (node->parent ? 1 : 0) + node->links;
    for (const struct node *each = node->first; each; each = each->next)
        status->links += each->is_folder;
}

int64_t tree_open(struct owner *owner, struct node *node, uint64_t client, bool writes)
{
    for (int64_t slot = 0; slot < OPENS_OF_OWNER; slot++) {
        struct open *open = &owner->opens[slot];
        if (open->node)
            continue;
        *open = (struct open){.node = node, .owner = owner, .client = client, .generation = open->generation + 1, .writes = writes};
        node->opens++;
        return slot;
    }
    return STATUS_LIMIT;
}

void tree_close(struct open *open)
{
    struct node *node = open->node;
    sys_handle_close(open->receives);
    open->node = NULL;
    node->opens--;
    locks_closed(open, node);
    free_unused(node);
}
