#include "number.h"

unsigned number_operation_flags(enum number_operation operation, struct number a, struct number b)
{
    bool infinite_a = a.kind == NUMBER_INFINITE, infinite_b = b.kind == NUMBER_INFINITE;
    bool zero_a = a.kind == NUMBER_ZERO, zero_b = b.kind == NUMBER_ZERO;
    bool invalid = false;
    switch (operation) {
    case OPERATION_ADD:
    case OPERATION_SUBTRACT:
        invalid = infinite_a && infinite_b && (a.negative != b.negative) == (operation == OPERATION_ADD);
        break;
    case OPERATION_MULTIPLY:
        invalid = (infinite_a && zero_b) || (infinite_b && zero_a);
        break;
    case OPERATION_DIVIDE:
        invalid = (infinite_a && infinite_b) || (zero_a && zero_b);
    }
    if (invalid)
        return FLAG_INVALID;
    return operation == OPERATION_DIVIDE && zero_b && !infinite_a ? FLAG_ZERO_DIVIDE : 0;
}

struct number number_operate(enum number_operation operation, struct number a, struct number b, bool zero_is_negative)
{
    bool infinite = a.kind == NUMBER_INFINITE || b.kind == NUMBER_INFINITE;
    switch (operation) {
    case OPERATION_SUBTRACT:
        b = number_negated(b);
        __attribute__((fallthrough));
    case OPERATION_ADD:
        return !infinite ? number_add(a, b, zero_is_negative) : a.kind == NUMBER_INFINITE ? a : b;
    case OPERATION_MULTIPLY:
        return infinite ? number_infinite(a.negative != b.negative) : number_multiply(a, b);
    default:
        if (a.kind == NUMBER_INFINITE || b.kind == NUMBER_ZERO)
            return number_infinite(a.negative != b.negative);
        return b.kind == NUMBER_INFINITE ? number_zero(a.negative != b.negative) : number_divide(a, b);
    }
}

int number_order(struct number a, struct number b)
{
    bool zeros = a.kind == NUMBER_ZERO && b.kind == NUMBER_ZERO;
    if (zeros || a.negative != b.negative)
        return zeros ? 0 : a.negative ? -1 : 1;
    int sizes;
    if (a.kind == NUMBER_INFINITE || b.kind == NUMBER_INFINITE)
        sizes = (a.kind == NUMBER_INFINITE) - (b.kind == NUMBER_INFINITE);
    else
        sizes = number_compare_sizes(a, b);
    return a.negative ? -sizes : sizes;
}
