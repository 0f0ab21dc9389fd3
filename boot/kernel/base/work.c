#include "base/work.h"

unsigned work_left = WORK_OF_ENTRY;
uint64_t work_waiting, work_waited;
bool collection_due;
