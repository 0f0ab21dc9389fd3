#include <system/call.h>

#include "invoke.h"

static uint64_t word(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

int64_t sys_handle_close(handle_t handle)
{
    return invoke(SYS_HANDLE_CLOSE, handle, 0, 0, 0, 0, 0);
}

int64_t sys_handle_duplicate(handle_t handle, uint32_t rights, uint64_t badge)
{
    return invoke(SYS_HANDLE_DUPLICATE, handle, rights, badge, 0, 0, 0);
}

int64_t sys_memory_create(uint64_t size)
{
    return sys_memory_create_for(0, size);
}

int64_t sys_memory_create_for(handle_t payer, uint64_t size)
{
    return invoke(SYS_MEMORY_CREATE, size, payer, 0, 0, 0, 0);
}

int64_t sys_memory_create_growing(handle_t payer, uint64_t size, uint64_t present)
{
    return invoke(SYS_MEMORY_CREATE, size, payer, MEMORY_GROWS + present, 0, 0, 0);
}

int64_t sys_memory_size(handle_t memory)
{
    return invoke(SYS_MEMORY_SIZE, memory, 0, 0, 0, 0, 0);
}

int64_t sys_process_create(const char *name, uint64_t length)
{
    return sys_process_create_for(0, 0, 0, name, length);
}

int64_t sys_process_create_for(handle_t payer, uint64_t memory, uint64_t kernel_memory, const char *name, uint64_t length)
{
    return invoke(SYS_PROCESS_CREATE, word(name), length, payer, memory, kernel_memory, 0);
}

int64_t sys_process_grant(handle_t process, handle_t handle, uint32_t rights, uint64_t badge)
{
    return invoke(SYS_PROCESS_GRANT, process, handle, rights, badge, 0, 0);
}

int64_t sys_process_map(handle_t process, handle_t memory, uint64_t offset, uint64_t size, uint64_t address,
                        unsigned prot)
{
    return invoke(SYS_PROCESS_MAP, process, memory, offset, size, address, prot);
}

int64_t sys_process_map_all(handle_t process, const struct map_request *list, uint64_t count)
{
    return invoke(SYS_PROCESS_MAP_ALL, process, word(list), count, 0, 0, 0);
}

int64_t sys_process_unmap(handle_t process, uint64_t address, uint64_t size)
{
    return invoke(SYS_PROCESS_UNMAP, process, address, size, 0, 0, 0);
}

int64_t sys_process_protect(handle_t process, uint64_t address, uint64_t size, unsigned prot)
{
    return invoke(SYS_PROCESS_PROTECT, process, address, size, prot, 0, 0);
}

int64_t sys_process_watch(handle_t process, handle_t endpoint, uint64_t badge)
{
    return invoke(SYS_PROCESS_WATCH, process, endpoint, badge, 0, 0, 0);
}

void sys_process_exit(int64_t status)
{
    for (;;)
        invoke(SYS_PROCESS_EXIT, 0, (uint64_t)status, 0, 0, 0, 0);
}

int64_t sys_process_end(handle_t process, int64_t status)
{
    return invoke(SYS_PROCESS_EXIT, process, (uint64_t)status, 0, 0, 0, 0);
}

int64_t sys_thread_create(handle_t process, uint64_t entry, uint64_t stack, uint64_t argument)
{
    return invoke(SYS_THREAD_CREATE, process, entry, stack, argument, 0, 0);
}

int64_t sys_thread_create_with(handle_t process, uint64_t entry, uint64_t stack, uint64_t argument, uint64_t thread_pointer,
                               int32_t *number)
{
    return invoke(SYS_THREAD_CREATE, process, entry, stack, argument, thread_pointer, word(number));
}

void sys_thread_exit(void)
{
    sys_thread_exit_unmapping(0, 0);
}

void sys_thread_exit_unmapping(uint64_t address, uint64_t size)
{
    invoke(SYS_THREAD_EXIT, address, size, 0, 0, 0, 0);
    for (;;) /* no memory, to take a part of a mapping away: it stays */
        invoke(SYS_THREAD_EXIT, 0, 0, 0, 0, 0, 0);
}

int64_t sys_thread_exit_word(const void *address)
{
    return invoke(SYS_THREAD_EXIT_WORD, word(address), 0, 0, 0, 0, 0);
}

int64_t sys_thread_number(void)
{
    return invoke(SYS_THREAD_NUMBER, 0, 0, 0, 0, 0, 0);
}

int64_t sys_thread_set_tls(void *thread_pointer)
{
    return invoke(SYS_THREAD_SET_TLS, word(thread_pointer), 0, 0, 0, 0, 0);
}

int64_t sys_thread_yield(void)
{
    return invoke(SYS_THREAD_YIELD, 0, 0, 0, 0, 0, 0);
}

int64_t sys_thread_sleep(uint64_t nanoseconds)
{
    return invoke(SYS_THREAD_SLEEP, nanoseconds, 0, 0, 0, 0, 0);
}

int64_t sys_endpoint_create(void)
{
    return invoke(SYS_ENDPOINT_CREATE, 0, 0, 0, 0, 0, 0);
}

int64_t sys_endpoint_join(handle_t member, handle_t set, uint64_t badge)
{
    return invoke(SYS_ENDPOINT_JOIN, member, set, badge, 0, 0, 0);
}

int64_t sys_endpoint_signal(handle_t endpoint, uint32_t bits)
{
    return invoke(SYS_ENDPOINT_SIGNAL, endpoint, bits, 0, 0, 0, 0);
}

int64_t sys_call(handle_t endpoint, const struct message *request, struct message *reply)
{
    return invoke(SYS_CALL, endpoint, word(request), word(reply), 0, 0, 0);
}

int64_t sys_receive(handle_t endpoint, struct message *request, handle_t *reply)
{
    return invoke(SYS_RECEIVE, endpoint, word(request), word(reply), 0, 0, 0);
}

int64_t sys_call_until(handle_t endpoint, const struct message *request, struct message *reply, uint64_t deadline)
{
    return invoke(SYS_CALL, endpoint, word(request), word(reply), deadline, 0, 0);
}

int64_t sys_receive_until(handle_t endpoint, struct message *request, handle_t *reply, uint64_t deadline)
{
    return invoke(SYS_RECEIVE, endpoint, word(request), word(reply), deadline, 0, 0);
}

int64_t sys_futex_wait(const void *address, uint32_t value, unsigned flags, uint64_t deadline)
{
    return invoke(SYS_FUTEX_WAIT, word(address), value, flags, deadline, 0, 0);
}

int64_t sys_futex_wake(const void *address, uint64_t count, unsigned flags)
{
    return invoke(SYS_FUTEX_WAKE, word(address), count, flags, 0, 0, 0);
}

int64_t sys_futex_requeue(const void *address, uint64_t count, const void *other, uint64_t moved, unsigned flags,
                          uint32_t value)
{
    return invoke(SYS_FUTEX_REQUEUE, word(address), count, word(other), moved, flags, value);
}

int64_t sys_process_priority(handle_t process, unsigned priority)
{
    return invoke(SYS_PROCESS_PRIORITY, process, priority, 0, 0, 0, 0);
}

int64_t sys_thread_name(const char *name, uint64_t length)
{
    return invoke(SYS_THREAD_NAME, word(name), length, 0, 0, 0, 0);
}

int64_t sys_reply(handle_t reply, const struct message *message)
{
    return invoke(SYS_REPLY, reply, word(message), 0, 0, 0, 0);
}

int64_t sys_clock(unsigned clock)
{
    return invoke(SYS_CLOCK, clock, 0, 0, 0, 0, 0);
}

int64_t sys_log_write(handle_t system, const char *text, uint64_t size)
{
    return invoke(SYS_LOG_WRITE, system, word(text), size, 0, 0, 0);
}

int64_t sys_machine_exit(handle_t system, unsigned verdict)
{
    return invoke(SYS_MACHINE_EXIT, system, verdict, 0, 0, 0, 0);
}

int64_t sys_machine_counts(handle_t system, struct machine_counts *counts)
{
    return invoke(SYS_MACHINE_COUNTS, system, word(counts), 0, 0, 0, 0);
}

int64_t sys_input_read(handle_t system)
{
    return invoke(SYS_INPUT_READ, system, 0, 0, 0, 0, 0);
}

int64_t sys_input_watch(handle_t system, handle_t endpoint, unsigned forgets)
{
    return invoke(SYS_INPUT_WATCH, system, endpoint, forgets, 0, 0, 0);
}

int64_t sys_process_number(handle_t process)
{
    return invoke(SYS_PROCESS_NUMBER, process, 0, 0, 0, 0, 0);
}

int64_t sys_image_check(const void *address, uint64_t size)
{
    return invoke(SYS_IMAGE_CHECK, (uint64_t)address, size, 0, 0, 0, 0);
}

int64_t sys_service_start(handle_t system, uint64_t index, handle_t payer, struct loaded_process *loaded)
{
    return invoke(SYS_SERVICE_START, system, index, word(loaded), payer, 0, 0);
}

int64_t sys_invoke(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    return invoke(number, a, b, c, d, e, f);
}
