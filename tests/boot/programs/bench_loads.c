#include "bench_loads.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static uint32_t random_state;

static uint32_t next_random(void)
{
    random_state = random_state * 1664525 + 1013904223;
    return random_state >> 8;
}

/* A machine with a stack that counts primes. */

enum { PUSH, LOAD, STORE, ADD, MULTIPLY, REMAINDER, LESS, JUMP, JUMP_IF_ZERO, END };
enum { CANDIDATE, DIVISOR, FOUND, LIMIT, VARIABLES };

static const int8_t primes[] = {
    PUSH, 2, STORE, CANDIDATE,
    /* 4: for each candidate */ LOAD, CANDIDATE, LOAD, LIMIT, LESS, JUMP_IF_ZERO, 60,
    PUSH, 2, STORE, DIVISOR,
    /* 15: until a divisor's square is larger */ LOAD, DIVISOR, LOAD, DIVISOR, MULTIPLY, LOAD, CANDIDATE, PUSH, 1, ADD,
    LESS, JUMP_IF_ZERO, 44,
    LOAD, CANDIDATE, LOAD, DIVISOR, REMAINDER, JUMP_IF_ZERO, 51,
    LOAD, DIVISOR, PUSH, 1, ADD, STORE, DIVISOR, JUMP, 15,
    /* 44: none divides it */ LOAD, FOUND, PUSH, 1, ADD, STORE, FOUND,
    /* 51 */ LOAD, CANDIDATE, PUSH, 1, ADD, STORE, CANDIDATE, JUMP, 4,
    /* 60 */ END,
};

static long interpret(const int8_t *code, long limit)
{
    long stack[16], variables[VARIABLES] = {[LIMIT] = limit};
    long *top = stack;
    for (const int8_t *at = code;;) {
        switch (*at++) {
        case PUSH: *top++ = *at++; break;
        case LOAD: *top++ = variables[*at++]; break;
        case STORE: variables[*at++] = *--top; break;
        case ADD: top--; top[-1] += *top; break;
        case MULTIPLY: top--; top[-1] *= *top; break;
        case REMAINDER: top--; top[-1] %= *top; break;
        case LESS: top--; top[-1] = top[-1] < *top; break;
        case JUMP: at = code + *at; break;
        case JUMP_IF_ZERO: at = *--top ? at + 1 : code + *at; break;
        default: return variables[FOUND];
        }
    }
}

unsigned long load_interpreter(unsigned long rounds)
{
    unsigned long sum = 0;
    for (unsigned long i = 0; i < rounds; i++)
        sum += (unsigned long)interpret(primes, 20000);
    return sum;
}

/* A search tree whose keys are texts. */

struct node {
    struct node *child[2];
    char key[16];
};

static struct node *insert(struct node *node, struct node *added)
{
    if (node == NULL)
        return added;
    int side = strcmp(added->key, node->key) > 0;
    node->child[side] = insert(node->child[side], added);
    return node;
}

static unsigned long depths(const struct node *node, unsigned long depth)
{
    return node == NULL ? depth : depths(node->child[0], depth + 1) + depths(node->child[1], depth + 1);
}

unsigned long load_tree(unsigned long rounds)
{
    enum { NODES = 4000 };
    static struct node nodes[NODES];
    unsigned long sum = 0;
    for (unsigned long round = 0; round < rounds; round++) {
        struct node *root = NULL;
        memset(nodes, 0, sizeof nodes);
        for (size_t i = 0; i < NODES; i++) {
            for (size_t letter = 0; letter < 12; letter++)
                nodes[i].key[letter] = (char)('a' + next_random() % 3);
            root = insert(root, &nodes[i]);
        }
        sum += depths(root, 0);
    }
    return sum;
}

static int compare(const void *first, const void *second)
{
    uint32_t one = *(const uint32_t *)first, other = *(const uint32_t *)second;
    return (one > other) - (one < other);
}

unsigned long load_sort(unsigned long rounds)
{
    enum { NUMBERS = 30000 };
    static uint32_t numbers[NUMBERS];
    unsigned long sum = 0;
    for (unsigned long round = 0; round < rounds; round++) {
        for (size_t i = 0; i < NUMBERS; i++)
            numbers[i] = next_random();
        qsort(numbers, NUMBERS, sizeof *numbers, compare);
        sum += numbers[NUMBERS / 2];
    }
    return sum;
}

/* Matches of earlier bytes by a hash of three, as LZ77 has it. */

enum { BYTES = 1 << 16, HASHES = 1 << 12 };

static size_t compress(const uint8_t *from, uint8_t *to)
{
    static uint32_t seen[HASHES];
    size_t written = 0;
    memset(seen, 0, sizeof seen);
    for (size_t at = 0; at + 3 < BYTES;) {
        uint32_t hash = ((uint32_t)from[at] * 0x9e3779b1u ^ (uint32_t)from[at + 1] << 7 ^ from[at + 2]) % HASHES;
        size_t other = seen[hash], length = 0;
        seen[hash] = (uint32_t)at;
        while (other < at && at + length < BYTES && length < 255 && from[other + length] == from[at + length])
            length++;
        if (length > 3) {
            to[written++] = (uint8_t)length;
            to[written++] = (uint8_t)(at - other);
            at += length;
        } else {
            to[written++] = from[at++];
        }
    }
    return written;
}

unsigned long load_compression(unsigned long rounds)
{
    static uint8_t from[BYTES], to[2 * BYTES];
    unsigned long sum = 0;
    for (unsigned long round = 0; round < rounds; round++) {
        for (size_t i = 0; i < BYTES; i++)
            from[i] = next_random() % 8 ? from[(i * 7) % (i + 1)] + 1 : (uint8_t)next_random();
        sum += compress(from, to);
    }
    return sum;
}

unsigned long load_numbers(unsigned long rounds)
{
    enum { SIDE = 48 };
    static double a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j++) {
            a[i][j] = 1.0 / (double)(i + j + 1);
            b[i][j] = (double)(i * j % 7) - 3;
        }
    for (unsigned long round = 0; round < rounds; round++)
        for (size_t i = 0; i < SIDE; i++)
            for (size_t j = 0; j < SIDE; j++) {
                double sum = c[i][j] * 0.5;
                for (size_t k = 0; k < SIDE; k++)
                    sum += a[i][k] * b[k][j];
                c[i][j] = sum;
            }
    return (unsigned long)(c[SIDE - 1][SIDE - 1] * 1e6);
}
