#include "base/record.h"

struct kernel_record kernel_record;
