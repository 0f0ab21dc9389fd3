/* The system calls. */
#include "kernel.h"

#define FAILED ((uint64_t)-1)
#define MEMORY_LOW 0x600000000000 /* where FERN_MEMORY and FERN_MODULE begin */
#define LARGE (1ull << 20)
#define LARGE_LOW 0x700000000000 /* where pieces of that size do, out of the way of searches for the others */

static bool is_pages(uint64_t address, uint64_t size)
{
    return address % FERN_PAGE == 0 && size % FERN_PAGE == 0 && size && size < USER_TOP && address < USER_TOP - size;
}

static uint64_t write_text(uint64_t text, uint64_t size)
{
    char part[64];
    for (uint64_t done = 0, length; done < size; done += length) {
        length = size - done < sizeof part ? size - done : sizeof part;
        if (!space_read(current->space, text + done, part, length))
            return FAILED;
        log_text(current->name, part, length);
    }
    return size;
}

static void release(uint64_t space, uint64_t address, uint64_t size)
{
    for (uint64_t i = 0; i < size; i += FERN_PAGE) {
        unsigned rights;
        uint64_t frame = space_unmap(space, address + i, &rights);
        if (frame && !(rights & PAGE_LENT))
            frame_give(frame);
    }
}

static uint64_t memory(uint64_t size)
{
    uint64_t from = size < LARGE ? MEMORY_LOW : LARGE_LOW;
    uint64_t address = is_pages(from, size) ? space_room(current->space, from, size) : 0;
    if (!address)
        return FAILED;
    for (uint64_t i = 0; i < size; i += FERN_PAGE) {
        uint64_t frame = frame_take();
        if (frame && space_map(current->space, address + i, frame, PAGE_WRITABLE))
            continue;
        if (frame)
            frame_give(frame);
        release(current->space, address, i);
        return FAILED;
    }
    return address;
}

/* Modules are page-aligned; the bytes behind one's end on its last page are the boot loader's. */
static uint64_t map_module(uint64_t index, uint64_t result)
{
    if (index >= module_count)
        return FAILED;
    const struct module *module = &modules[index];
    uint64_t address = space_room(current->space, MEMORY_LOW, module->size);
    if (!address || module->start % FERN_PAGE)
        return FAILED;
    for (uint64_t i = 0; i < module->size; i += FERN_PAGE)
        if (!space_map(current->space, address + i, module->start + i, PAGE_LENT)) {
            release(current->space, address, i);
            return FAILED;
        }
    struct fern_module found = {.bytes = (const uint8_t *)address, .size = module->size};
    memcpy(found.name, module->name, sizeof found.name);
    return space_write(current->space, result, &found, sizeof found) ? 0 : FAILED;
}

static uint64_t make_process(uint64_t name)
{
    char text[FERN_NAME_MAX] = {0};
    for (unsigned i = 0; i < FERN_NAME_MAX - 1; i++)
        if (!space_read(current->space, name + i, text + i, 1) || !text[i])
            break;
    return (uint64_t)(int64_t)process_make(text);
}

/* Pages go from the loader to a process: the same frames, never in both. */
static uint64_t move(struct process *to, uint64_t request)
{
    struct fern_move move;
    if (!space_read(current->space, request, &move, sizeof move) || !is_pages(move.from, move.size) ||
        !is_pages(move.to, move.size) || move.rights >= (FERN_WRITABLE | FERN_EXECUTABLE))
        return FAILED;
    for (uint64_t i = 0; i < move.size; i += FERN_PAGE) {
        unsigned rights;
        uint64_t frame = space_find(current->space, move.from + i, &rights);
        if (!frame || rights & PAGE_LENT || !space_map(to->space, move.to + i, frame, (unsigned)move.rights)) {
            /* Back again. */
            while (i) {
                i -= FERN_PAGE;
                frame = space_unmap(to->space, move.to + i, &rights);
                space_map(current->space, move.from + i, frame, PAGE_WRITABLE);
            }
            return FAILED;
        }
        space_unmap(current->space, move.from + i, &rights);
    }
    return 0;
}

static uint64_t start_thread(struct process *process, uint64_t thread)
{
    struct fern_thread read;
    if (process->state != MADE || !space_read(current->space, thread, &read, sizeof read))
        return FAILED;
    process_start(process, &read);
    return 0;
}

static uint64_t answer(struct process *process, uint64_t data, uint64_t size, uint64_t result)
{
    if (process->state != ASKED)
        return FAILED;
    uint8_t part[64];
    for (uint64_t done = 0, length; done < size && done < process->question.answer_size; done += length) {
        length = size - done < sizeof part ? size - done : sizeof part;
        if (!space_read(current->space, data + done, part, length) ||
            !space_write(process->space, (uint64_t)process->question.answer + done, part, length))
            return FAILED;
    }
    process->frame.r10 = result;
    process->state = READY;
    return 0;
}

/* What the loader may do to a process. */
static uint64_t manage(uint64_t number, struct process *process, uint64_t second, uint64_t third, uint64_t fourth)
{
    switch (number) {
    case FERN_END:
        process_free(process);
        return 0;
    case FERN_MOVE:
        return move(process, second);
    case FERN_TAKE:
        if (!is_pages(second, third))
            return FAILED;
        release(process->space, second, third);
        return 0;
    case FERN_START:
        return start_thread(process, second);
    default:
        return answer(process, second, third, fourth);
    }
}

static uint64_t call_loader(uint64_t number, uint64_t first, uint64_t second, uint64_t third, uint64_t fourth)
{
    if (!current->is_loader)
        return FAILED;
    struct process *process;
    switch (number) {
    case FERN_MODULE:
        return map_module(first, second);
    case FERN_PROCESS:
        return make_process(first);
    case FERN_WAIT:
        current->event = first;
        current->state = WAITS;
        return 0;
    case FERN_HALT:
        log_line("fern: the loader halts the machine", "", 0);
        cpu_halt();
    default:
        process = number < FERN_CALLS ? process_find(first) : NULL;
        return process && process != current ? manage(number, process, second, third, fourth) : FAILED;
    }
}

static uint64_t call(uint64_t number, uint64_t first, uint64_t second, uint64_t third, uint64_t fourth)
{
    switch (number) {
    case FERN_WRITE:
        return write_text(first, second);
    case FERN_EXIT:
        process_end(current, (int64_t)first, false);
        return 0;
    case FERN_YIELD:
        return 0;
    case FERN_THREAD:
        current->thread_pointer = first;
        return 0;
    case FERN_MEMORY:
        return memory(first);
    case FERN_RELEASE:
        if (!is_pages(first, second))
            return FAILED;
        release(current->space, first, second);
        return 0;
    case FERN_ASK:
        if (!space_read(current->space, first, &current->question, sizeof current->question))
            return FAILED;
        current->state = ASKS;
        return 0;
    case FERN_FREE:
        return memory_free();
    default:
        return call_loader(number, first, second, third, fourth);
    }
}

void call_dispatch(struct frame *frame)
{
    struct process *caller = current;
    caller->frame = *frame;
    __asm__ volatile("fxsave64 %0" : "=m"(caller->vectors));
    caller->frame.r10 = call(frame->r10, frame->r12, frame->r13, frame->r14, frame->r15);
    process_tell();
    process_next(frame);
}
