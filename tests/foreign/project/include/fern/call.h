/* Fern's system calls. A call is `int $0x66`: its number in r10, arguments in r12, r13, r14, r15, the result in r10, negative
 * for a failure; every other register is kept. */
#ifndef FERN_CALL_H
#define FERN_CALL_H
#include <stdint.h>

#define FERN_VECTOR 0x66
#define FERN_PAGE 4096
#define FERN_NAME_MAX 32

enum fern_call {
    /* For every process. */
    FERN_WRITE,      /* text, size: on its console */
    FERN_EXIT,       /* status */
    FERN_YIELD,
    FERN_THREAD,     /* its thread pointer */
    FERN_MEMORY,     /* size, whole pages: address of zeroed ones */
    FERN_RELEASE,    /* address, size: what is there of its own pages */
    FERN_ASK,        /* struct fern_question: the loader answers it */
    FERN_FREE,       /* how many page frames are free */
    /* For the loader. */
    FERN_MODULE,     /* index, struct fern_module: a module of the boot loader's, mapped here */
    FERN_PROCESS,    /* name: the number of a process with nothing in it */
    FERN_END,        /* process */
    FERN_MOVE,       /* process, struct fern_move: pages go there, and are here no more */
    FERN_TAKE,       /* process, address, size: pages of it go */
    FERN_START,      /* process, struct fern_thread */
    FERN_WAIT,       /* struct fern_event: a question, or the end of a process */
    FERN_ANSWER,     /* process, data, size, result */
    FERN_HALT,       /* the machine has nothing more to do */
    FERN_CALLS
};

struct fern_module {
    const uint8_t *bytes;
    uint64_t size;
    char name[FERN_NAME_MAX];
};

enum { FERN_WRITABLE = 1, FERN_EXECUTABLE = 2 };

struct fern_move {
    uint64_t from, to, size;
    uint64_t rights;
};

struct fern_thread {
    uint64_t entry, stack, pointer;
    uint64_t argument; /* in r12 */
};

struct fern_question {
    uint64_t kind, value;
    const char *text;
    uint64_t text_size;
    void *answer;      /* room for it */
    uint64_t answer_size;
};

#define FERN_TEXT_MAX 256

struct fern_event {
    uint64_t process;
    uint64_t ended;    /* 1: by exit; 2: by a fault; 0: it asks */
    int64_t status;    /* of an exit */
    uint64_t kind, value, answer_size;
    char text[FERN_TEXT_MAX];
};

#ifndef FERN_KERNEL
static inline int64_t fern_call(enum fern_call number, uint64_t first, uint64_t second, uint64_t third, uint64_t fourth)
{
    register uint64_t r10 __asm__("r10") = number;
    register uint64_t r12 __asm__("r12") = first;
    register uint64_t r13 __asm__("r13") = second;
    register uint64_t r14 __asm__("r14") = third;
    register uint64_t r15 __asm__("r15") = fourth;
    __asm__ volatile("int $0x66" : "+r"(r10) : "r"(r12), "r"(r13), "r"(r14), "r"(r15) : "memory");
    return (int64_t)r10;
}
#endif
#endif
