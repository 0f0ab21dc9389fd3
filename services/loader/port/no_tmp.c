/* The loader has no files that can be written: these take the place of libposix's functions for them (its files_call.c
 * and what that needs), so that a static loader does not carry what it never calls. */
#include <errno.h>

#define ABSENT(name)    \
    long name(void);    \
    long name(void)     \
    {                   \
        return -ENOSYS; \
    }

ABSENT(tmp_error)
ABSENT(tmp_file_look)
ABSENT(tmp_read)
ABSENT(tmp_write)
ABSENT(file_lock)
ABSENT(place_open)
ABSENT(place_status)
ABSENT(place_look)
ABSENT(memory_map_file)
ABSENT(call_of_files)
