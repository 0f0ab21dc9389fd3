// Opens a C++ library twice. With the argument "thread-local", an object of the thread lies in it when it is closed.
#include "failure.h"

#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>

static struct speaking {
    ~speaking() { std::puts("static of the program: destroyed"); }
} lasting;

template <typename function> static function *symbol(void *library, const char *name)
{
    return reinterpret_cast<function *>(dlsym(library, name));
}

int main(int argc, char **)
{
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    for (int round = 1; round <= 2; round++) {
        void *library = dlopen("libcxx_plugin.so", RTLD_NOW);
        if (!library) {
            std::printf("%s\n", dlerror());
            return EXIT_FAILURE;
        }
        try {
            symbol<void(int)>(library, "plugin_throw")(round);
        } catch (const failure &caught) {
            std::printf("caught %d: %s\n", caught.code(), caught.what());
        }
        if (argc > 1)
            std::printf("%s\n", symbol<const char *()>(library, "plugin_thread_local")());
        std::printf("closed: %d\n", dlclose(library));
    }
}
