// The library that throws.
#include "failure.h"

#include <cstdio>
#include <typeinfo>

failure::~failure() = default;

int failure::code() const
{
    return code_;
}

void throw_failure(int code, const std::string &text)
{
    throw failure(code, text);
}

void throw_plain(int code)
{
    throw plain_failure{code};
}

void throw_boxed(double content)
{
    throw boxed_failure<double>{content};
}

shape *make_square()
{
    return new square;
}

const std::type_info &type_of_boxed()
{
    return typeid(boxed_failure<double>);
}

int number_of_thrower()
{
    return the_numbers().next();
}

namespace {
struct speaking {
    speaking() { std::puts("thread-local in the library: made"); }
    ~speaking() { std::puts("thread-local in the library: destroyed"); }
    int entered = 0;
};
thread_local speaking per_thread;

struct static_speaking {
    ~static_speaking() { std::puts("static in the library: destroyed"); }
} last_words;
} // namespace

void enter_thread_local()
{
    per_thread.entered++;
}
