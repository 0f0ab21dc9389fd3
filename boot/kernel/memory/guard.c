#include "memory/guard.h"

struct page_guard page_guard;
