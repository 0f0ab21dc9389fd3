/* The symbols of one module: finding a name, and whether a definition answers a reference. */
#ifndef RTLD_SYMBOLS_H
#define RTLD_SYMBOLS_H
#include "name.h"
#include "version.h"

/* What is looked for. */
struct reference {
    struct symbol_name name;
    const struct version *version; /* NULL: none */
    bool newest;                   /* without a version: the default one, as dlsym does; else the oldest */
    bool is_call;                  /* an undefined function's address in the program (canonical PLT) is no answer */
};

/* What answers it. */
struct definition {
    struct module *module; /* NULL: nothing */
    const struct elf_symbol *symbol;
};

/* A definition in one module that others may use; NULL: none. Adds the chain's steps to *work. */
const struct elf_symbol *module_lookup(const struct module *module, const struct reference *reference, uint64_t *work);

/* Symbols that the GNU hash table covers: [first, end). */
void module_hashed(const struct module *module, uint64_t *first, uint64_t *end);

/* Whether a symbol of the right name is an answer. MATCH_VERSIONED: an unversioned reference passes it over, but if it
 * is the module's only one, it is the answer. */
enum match { MATCH_NO, MATCH_YES, MATCH_VERSIONED };
enum match symbol_match(const struct module *module, uint64_t index, const struct elf_symbol *symbol,
                            const struct reference *reference);

/* A global or weak definition of default visibility, of an ordinary section and an ordinary type: most are. */
static inline bool symbol_is_plain(const struct elf_symbol *symbol)
{
    return (uint8_t)((symbol->st_info >> 4) - STB_GLOBAL) <= STB_WEAK - STB_GLOBAL &&
           (symbol->st_info & 15) <= STT_FUNC && symbol->st_other == STV_DEFAULT &&
           (uint16_t)(symbol->st_shndx - 1) < SHN_ABS - 1 && symbol->st_value;
}

/* Such a one of the very version that is wanted, or of a module without versions: symbol_match would say yes. */
static inline bool symbol_is_plain_answer(const struct module *module, uint64_t index, const struct elf_symbol *symbol,
                                          const struct version *wanted)
{
    return symbol_is_plain(symbol) &&
           (index >= module->versym.count || version_is_checked(wanted, version_at(module, index)));
}
#endif
