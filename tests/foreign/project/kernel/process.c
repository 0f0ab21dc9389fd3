#include "kernel.h"

struct process processes[PROCESSES_MAX];
struct process *current;

int process_make(const char *name)
{
    for (int i = 0; i < PROCESSES_MAX; i++) {
        struct process *process = &processes[i];
        if (process->state != FREE)
            continue;
        memset(process, 0, sizeof *process);
        process->space = space_make();
        if (!process->space)
            return -1;
        process->state = MADE;
        memcpy(process->name, name, FERN_NAME_MAX - 1);
        return i;
    }
    return -1;
}

struct process *process_find(uint64_t number)
{
    return number < PROCESSES_MAX && processes[number].state != FREE ? &processes[number] : NULL;
}

void process_end(struct process *process, int64_t status, bool faulted)
{
    process->state = ENDED;
    process->status = status;
    process->faulted = faulted;
    if (process->is_loader)
        panic("the loader has ended, with", (uint64_t)status);
    process_tell();
}

void process_free(struct process *process)
{
    space_end(process->space);
    process->state = FREE;
}

void process_start(struct process *process, const struct fern_thread *thread)
{
    process->frame = (struct frame){
        .rip = thread->entry,
        .rsp = thread->stack,
        .r12 = thread->argument,
        .cs = USER_CODE,
        .ss = USER_DATA,
        .flags = 2,
    };
    process->thread_pointer = thread->pointer;
    /* As after FNINIT: all exceptions masked (FXSAVE's FCW and MXCSR). */
    *(uint16_t *)process->vectors = 0x37f;
    *(uint32_t *)(process->vectors + 24) = 0x1f80;
    process->state = READY;
}

static struct process *find_state(int state)
{
    for (unsigned i = 0; i < PROCESSES_MAX; i++)
        if ((int)processes[i].state == state)
            return &processes[i];
    return NULL;
}

void process_tell(void)
{
    struct process *loader = find_state(WAITS), *asks = find_state(ASKS), *about = asks ? asks : find_state(ENDED);
    if (!loader || !about)
        return;
    struct fern_event event = {.process = (uint64_t)(about - processes), .status = about->status};
    if (asks) {
        const struct fern_question *question = &asks->question;
        uint64_t size = question->text_size < FERN_TEXT_MAX - 1 ? question->text_size : FERN_TEXT_MAX - 1;
        event.kind = question->kind;
        event.value = question->value;
        event.answer_size = question->answer_size;
        if (!space_read(asks->space, (uint64_t)question->text, event.text, size))
            event.text[0] = 0;
        asks->state = ASKED;
    } else {
        event.ended = about->faulted ? 2 : 1;
        about->state = MADE; /* until the loader has it freed */
    }
    loader->frame.r10 = space_write(loader->space, loader->event, &event, sizeof event) ? 0 : (uint64_t)-1;
    loader->state = READY;
}

void process_next(struct frame *frame)
{
    static unsigned last;
    for (unsigned i = 1; i <= PROCESSES_MAX; i++) {
        struct process *next = &processes[(last + i) % PROCESSES_MAX];
        if (next->state != READY)
            continue;
        last = (last + i) % PROCESSES_MAX;
        current = next;
        *frame = next->frame;
        cpu_set_space(next->space);
        cpu_set_thread_pointer(next->thread_pointer);
        __asm__ volatile("fxrstor64 %0" : : "m"(next->vectors));
        return;
    }
    panic("no process can run", 0);
}
