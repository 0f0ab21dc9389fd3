/* The GNU hash table of one module. */
#ifndef RTLD_GNU_HASH_H
#define RTLD_GNU_HASH_H
#include "module.h"

/* Bucket count, first symbol, bloom words, bloom shift; bloom filter; buckets; chain. */
struct gnu_hash {
    uint32_t bucket_count, bloom_count, bloom_shift;
    uint64_t first;
    const uint64_t *bloom;
    const uint32_t *buckets, *chain;
    uint64_t chain_count; /* how many fit */
};

/* False: there is none, or it does not fit. */
static inline bool gnu_hash_read(const struct module *module, struct gnu_hash *table)
{
    if (!module->gnu_hash.count)
        return false;
    const uint32_t *words = module->gnu_hash.data;
    uint64_t head = 16 + (uint64_t)words[2] * 8 + (uint64_t)words[0] * 4;
    if (!words[0] || head > module->gnu_hash.count)
        return false;
    table->bucket_count = words[0];
    table->first = words[1];
    table->bloom_count = words[2];
    table->bloom_shift = words[3] & 31;
    table->bloom = (const uint64_t *)(words + 4);
    table->buckets = words + 4 + (uint64_t)words[2] * 2;
    table->chain = table->buckets + words[0];
    table->chain_count = (module->gnu_hash.count - head) / 4;
    return true;
}
#endif
