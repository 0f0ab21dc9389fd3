/* A set of keys: a digital search tree. Each node has a key of its own, and below it those that agree with it in as many
 * bits as it is deep, from the lowest on. So no function takes more than 64 steps, whatever the keys are, and nothing is
 * ever balanced. Nodes lie in what waits, so that nothing can fail. */
#ifndef BASE_TRIE_H
#define BASE_TRIE_H
#include <stdint.h>

struct trie_node {
    struct trie_node *child[2];
    struct trie_node **link; /* what leads to it */
    uint64_t key;
};

struct trie {
    struct trie_node *root; /* NULL: it is empty */
};

/* The node with a key; NULL: there is none. */
struct trie_node *trie_find(const struct trie *trie, uint64_t key);
/* No other node has its key. */
void trie_add(struct trie *trie, struct trie_node *node, uint64_t key);
void trie_remove(struct trie_node *node);
/* Another one, which is in no trie, takes its place and its key. */
void trie_replace(struct trie_node *node, struct trie_node *by);
#endif
