// Opened and closed at run time: what it made goes with it.
#include "failure.h"

#include <cstdio>

namespace {
struct speaking {
    explicit speaking(const char *name) : name(name) { std::printf("%s: made\n", name); }
    ~speaking() { std::printf("%s: destroyed\n", name); }
    const char *name;
};
speaking lasting("static of the plugin");
thread_local speaking per_thread("thread-local of the plugin");
} // namespace

extern "C" void plugin_throw(int code)
{
    static speaking inner("static in a function of the plugin");
    throw failure(code, "from the plugin");
}

extern "C" const char *plugin_thread_local()
{
    return per_thread.name;
}
