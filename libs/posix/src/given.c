/* What a process is given by the one that started it: arguments, environment, descriptors, what it does not take of signals. That
 * one may have fewer rights, so what it sends is not trusted. */
#include "given.h"

#include <ambilink/start.h>
#include <protocol/loader.h>
#include <string.h>
#include <sys/mman.h>
#include <system/call.h>
#include <system/signal.h>
#include <system/start.h>

#include "signals.h"

/* A static program has these where it uses descriptors, or signals, itself. */
extern __typeof(descriptor_set) descriptor_set __attribute__((weak));
extern __typeof(descriptor_adopt) descriptor_adopt __attribute__((weak));
extern __typeof(working_folder) working_folder __attribute__((weak));
extern __typeof(place_open) place_open __attribute__((weak));
extern __typeof(signal_ignore_set) signal_ignore_set __attribute__((weak));
extern __typeof(signal_begin) signal_begin __attribute__((weak));

static handle_t ask(void)
{
    const struct message request = {.word = {LOADER_GIVEN}};
    struct message reply = {0};
    if (sys_call(sys_start_handle(START_HANDLE_LOADER), &request, &reply) != STATUS_OK || reply.word[0] || !reply.handle_count)
        return 0;
    return reply.handle[0];
}

static uint64_t *copy_strings(uint64_t *to, uint64_t count, char **from, const char *end)
{
    for (uint64_t i = 0; i < count && *from < end; i++) {
        *to++ = (uint64_t)(uintptr_t)*from;
        *from += strnlen(*from, (size_t)(end - *from)) + 1;
    }
    *to++ = 0;
    return to;
}

/* Whether a text is that many strings, each with its end. */
static bool has_strings(const char *text, uint64_t size, uint64_t count)
{
    uint64_t ends = 0;
    for (uint64_t i = 0; i < size; i++)
        ends += !text[i];
    return ends == count && (!size || !text[size - 1]);
}

/* A first stack as the kernel would have made it, with the old one's auxiliary vector. NULL: no memory, or the strings
 * are not as many as they are said to be. */
static uint64_t *make_stack(const uint64_t *stack, const struct message *message)
{
    const uint64_t *auxiliary = stack + stack[0] + 2;
    while (*auxiliary++)
        ;
    const uint64_t *end = auxiliary;
    while (*end)
        end += 2;
    const size_t size_of_vector = (size_t)(end + 2 - auxiliary) * sizeof *end;
    const uint64_t arguments = message->word[GIVEN_ARGUMENTS], environment = message->word[GIVEN_ENVIRONMENT];
    if (arguments > message->size || environment > message->size || !has_strings(message->data, message->size, arguments + environment))
        return NULL;
    const size_t words = (size_t)(arguments + environment + 3) * sizeof *stack;
    const long made = memory_map(0, words + size_of_vector + message->size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made < 0)
        return NULL;
    uint64_t *new = (uint64_t *)made, *at = new;
    char *strings = (char *)made + words + size_of_vector;
    memcpy(strings, message->data, message->size);
    const char *behind = strings + message->size;
    *at++ = arguments;
    at = copy_strings(at, arguments, &strings, behind);
    at = copy_strings(at, environment, &strings, behind);
    memcpy(at, auxiliary, size_of_vector);
    return new;
}

static void close_others(uint64_t those)
{
    const struct descriptor closed = {.kind = CLOSED};
    for (long number = 0; descriptor_set && number < DESCRIPTORS; number++)
        if (!(those >> number & 1))
            descriptor_set(number, &closed);
}

static void take_descriptor(const struct message *message)
{
    struct given_descriptor given;
    const uint64_t number = message->word[1];
    const handle_t handle = message->handle_count ? message->handle[0] : 0;
    bool is_taken = false;
    if (descriptor_set && message->size == sizeof given && number < DESCRIPTORS) {
        memcpy(&given, message->data, sizeof given);
        struct descriptor *file = &given.file;
        given.path[sizeof given.path - 1] = 0;
        file->opened.file = handle;
        file->calls = NULL;
        is_taken = file->kind != OTHER || descriptor_adopt;
        if (file->kind == OTHER && descriptor_adopt)
            descriptor_adopt(file);
        if (file->kind == FOLDER)
            is_taken = place_open && place_open(AT_FDCWD, given.path, O_RDONLY | O_DIRECTORY, file) == 0;
        if (is_taken)
            descriptor_set((long)number, file);
    }
    if (handle && !is_taken)
        sys_handle_close(handle);
}

/* A path that stays where it is. */
static void set_folder(const struct message *message)
{
    if (!&working_folder || !message->size)
        return;
    const long kept = memory_map(0, message->size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (kept >= 0)
        working_folder = memcpy((void *)kept, message->data, message->size);
}

static void set_signals(const struct message *message)
{
    if (message->word[GIVEN_MASK] && signal_begin)
        signal_begin();
    sys_signal_mask(SIGNAL_SET, message->word[GIVEN_MASK], NULL);
    if (signal_ignore_set)
        signal_ignore_set(message->word[GIVEN_IGNORED]);
}

uint64_t *given_take(uint64_t *stack)
{
    const handle_t endpoint = ask();
    const long buffer = endpoint ? memory_map(0, MESSAGE_DATA_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : -1;
    for (bool is_more = endpoint && buffer >= 0; is_more;) {
        struct message message = {.data = (void *)buffer, .size = MESSAGE_DATA_MAX};
        const struct message answer = {0};
        handle_t reply = 0;
        if (sys_receive(endpoint, &message, &reply) != STATUS_OK || !reply)
            break;
        if (message.word[0] == GIVEN_STRINGS) {
            uint64_t *made = make_stack(stack, &message);
            stack = made ? made : stack;
            close_others(message.word[GIVEN_DESCRIPTORS]);
            set_signals(&message);
        } else if (message.word[0] == GIVEN_DESCRIPTOR) {
            take_descriptor(&message);
        } else if (message.word[0] == GIVEN_FOLDER) {
            set_folder(&message);
        } else {
            is_more = false;
        }
        sys_reply(reply, &answer);
    }
    if (endpoint && buffer >= 0)
        memory_unmap((unsigned long)buffer, MESSAGE_DATA_MAX);
    if (endpoint)
        sys_handle_close(endpoint);
    return stack;
}
