#include "base/trie.h"

#include <stddef.h>

/* Addresses of words are alike in their lowest bits. */
static uint64_t spread(uint64_t key)
{
    key *= 0x9e3779b97f4a7c15; /* odd: no two keys become one */
    return key >> 32 | key << 32;
}

struct trie_node *trie_find(const struct trie *trie, uint64_t key)
{
    struct trie_node *node = trie->root;
    for (uint64_t bits = spread(key); node && node->key != key; bits >>= 1)
        node = node->child[bits & 1];
    return node;
}

static void put(struct trie_node *node, struct trie_node **link)
{
    *link = node;
    node->link = link;
    for (unsigned side = 0; side < 2; side++)
        if (node->child[side])
            node->child[side]->link = &node->child[side];
}

void trie_add(struct trie *trie, struct trie_node *node, uint64_t key)
{
    struct trie_node **link = &trie->root;
    for (uint64_t bits = spread(key); *link; bits >>= 1)
        link = &(*link)->child[bits & 1];
    *node = (struct trie_node){.key = key};
    put(node, link);
}

void trie_remove(struct trie_node *node)
{
    /* Any node that has nothing below it may stand where one above it stood. */
    struct trie_node *last = node;
    while (last->child[0] || last->child[1])
        last = last->child[last->child[0] == NULL];
    *last->link = NULL;
    if (last == node)
        return;
    last->child[0] = node->child[0];
    last->child[1] = node->child[1];
    put(last, node->link);
}

void trie_replace(struct trie_node *node, struct trie_node *by)
{
    by->key = node->key;
    by->child[0] = node->child[0];
    by->child[1] = node->child[1];
    put(by, node->link);
}
