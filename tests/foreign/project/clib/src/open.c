/* What programs ask the loader for while they run; thread-local storage of what came later. Programs have one thread. */
#include <loaderkit/program.h>

#include "internal.h"

#define LATER_MAX 16

static char message[FERN_TEXT_MAX];
static uint8_t *later[LATER_MAX]; /* blocks of modules, by id */

int64_t fernc_ask(enum fern_ask kind, uint64_t value, const char *text, void *answer, uint64_t size)
{
    const struct fern_question question = {kind, value, text, strlen(text), answer, size};
    return fern_call(FERN_ASK, (uint64_t)&question, 0, 0, 0);
}

uint64_t open_object(const char *name)
{
    union { struct fern_opened opened; char message[FERN_TEXT_MAX]; } answer = {.opened = {0}};
    if (fernc_ask(FERN_ASK_OPEN, 0, name, &answer, sizeof answer) < 0) {
        memcpy(message, answer.message, sizeof message - 1);
        return 0;
    }
    for (uint64_t i = 0; i < answer.opened.count; i++)
        ((void (*)(void))answer.opened.initializer[i])();
    return answer.opened.handle;
}

const char *open_message(void)
{
    return message;
}

void *__tls_get_addr(const uint64_t place[2])
{
    void *address = program_tls_address(fernc_start->info, fernc_start->thread_pointer, place[0], place[1]);
    if (address || place[0] >= LATER_MAX)
        return address;
    if (!later[place[0]]) {
        struct start_tls tls = {0};
        if (fernc_ask(FERN_ASK_TLS, place[0], "", &tls, sizeof tls) < 0)
            return NULL;
        uint8_t *block = memory((tls.size + FERN_PAGE - 1) & ~(FERN_PAGE - 1ull));
        memcpy(block, (const void *)tls.image, tls.image_size);
        later[place[0]] = block;
    }
    return later[place[0]] + place[1];
}

void *open_symbol(uint64_t handle, const char *name)
{
    struct fern_symbol symbol = {0};
    if (fernc_ask(FERN_ASK_SYMBOL, handle, name, &symbol, sizeof symbol) < 0)
        return NULL;
    const uint64_t place[2] = {symbol.module, symbol.address};
    return symbol.module ? __tls_get_addr(place) : (void *)symbol.address;
}

int open_close(uint64_t handle)
{
    uint64_t finalizers[FERN_FUNCTIONS_MAX];
    int64_t count = fernc_ask(FERN_ASK_CLOSE, handle, "", finalizers, sizeof finalizers);
    if (count < 0)
        return -1;
    for (int64_t i = 0; i < count; i++)
        ((void (*)(void))finalizers[i])();
    return (int)fernc_ask(FERN_ASK_SWEEP, 0, "", NULL, 0);
}
