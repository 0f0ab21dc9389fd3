/* In the kernel test-kernel-starts: what starts services in steps (SYS_SERVICE_START) is tried at each of them. The thread that
 * asked yields after each step; for the process "starter" steps are small, too. How long the first process' longest entries
 * into the kernel took is logged at the machine's end. The linker puts the functions of this file in the place of the kernel's
 * own (--wrap). */
#include "base/clock.h"
#include "base/log.h"
#include "base/work.h"
#include "entry.h"
#include "object/thread.h"
#include "process/process.h"
#include "start/service.h"

extern const uint64_t switches_between_checks;
const uint64_t switches_between_checks = 31;

static uint64_t longest_start, longest_other, steps, in_checks;
static unsigned steps_of_start;
static bool is_measured;

#define SMALL_STEPS 100 /* at the beginning of each start */

int64_t __real_service_start_begin(uint64_t index, struct process *caller, struct budget *budget, void **object);
int64_t __wrap_service_start_begin(uint64_t index, struct process *caller, struct budget *budget, void **object);
int64_t __real_service_start_go_on(struct loaded_process *loaded);
int64_t __wrap_service_start_go_on(struct loaded_process *loaded);
struct frame *__real_system_call_handle(struct frame *frame);
struct frame *__wrap_system_call_handle(struct frame *frame);
void __real_thread_switches(void);
void __wrap_thread_switches(void);
void __real_machine_ends(void);
void __wrap_machine_ends(void);

static bool is_starter(void)
{
    return *current_thread->process->record.name == 's';
}

static void make_fine(void)
{
    if (is_starter())
        work_left = steps_of_start++ < SMALL_STEPS ? 1 : 16;
}

int64_t __wrap_service_start_begin(uint64_t index, struct process *caller, struct budget *budget, void **object)
{
    steps_of_start = 0;
    make_fine();
    return __real_service_start_begin(index, caller, budget, object);
}

int64_t __wrap_service_start_go_on(struct loaded_process *loaded)
{
    make_fine();
    int64_t status = __real_service_start_go_on(loaded);
    steps++;
    if (status == CALL_AGAIN)
        thread_yield();
    return status;
}

/* Of calls of the first process: the starter's steps are not those of a system. */
struct frame *__wrap_system_call_handle(struct frame *frame)
{
    const uint64_t call = frame->rax;
    uint64_t *longest = call == SYS_SERVICE_START                            ? &longest_start
                        : call == SYS_MEMORY_CREATE || call == SYS_PROCESS_MAP ? &longest_other
                                                                               : NULL;
    if (!longest || is_starter())
        return __real_system_call_handle(frame);
    const uint64_t begun = clock_since_boot();
    is_measured = true;
    in_checks = 0;
    struct frame *next = __real_system_call_handle(frame);
    is_measured = false;
    const uint64_t took = clock_since_boot() - begun - in_checks;
    *longest = took > *longest ? took : *longest;
    return next;
}

void __wrap_thread_switches(void)
{
    const uint64_t begun = is_measured ? clock_since_boot() : 0;
    __real_thread_switches();
    in_checks += is_measured ? clock_since_boot() - begun : 0;
}

void __wrap_machine_ends(void)
{
    log_format("starts: %u steps, the longest entry took %u ns, of other calls %u ns\n", steps, longest_start, longest_other);
    __real_machine_ends();
}
