/* An address that a program gave a call, and that leads nowhere: the call answers EFAULT. */
#include <errno.h>
#include <stdbool.h>
#include <system/call.h>

#include "calls.h"
#include "internal.h"

/* Places in struct signal_frame. */
enum { BASE = 13, RESULT = 14, INSTRUCTION = 15, STACK = 17 };

extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

void linux_call_failed(void);

/* The call that a thread is in: on its stack, not far above. */
static const struct call_mark *find_call(uint64_t stack)
{
    const struct call_mark *mark = (const void *)((stack + 7) & ~7ul);
    while (mark->mark != CALL_MARK || mark->frame != (const void *)(mark + 1))
        mark = (const void *)((const uint64_t *)mark + 1);
    return mark;
}

__attribute__((visibility("hidden"))) int signal_recover(struct signal_frame *frame)
{
    const uint64_t at = frame->registers[INSTRUCTION];
    if (frame->signal || at - (uint64_t)__ehdr_start >= (uint64_t)(_end - __ehdr_start))
        return false;
    frame->registers[BASE] = (uint64_t)find_call(frame->registers[STACK])->frame;
    frame->registers[RESULT] = (uint64_t)-EFAULT;
    frame->registers[INSTRUCTION] = (uint64_t)linux_call_failed;
    return true;
}
