// How a program ends when nothing catches; what threads say, as a process has one; a replaced operator new.
#include "failure.h"

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <new>
#include <string>
#include <system_error>
#include <thread>

static int allocated;

void *operator new(std::size_t size)
{
    allocated++;
    return std::malloc(size);
}

void operator delete(void *memory) noexcept
{
    std::free(memory);
}

void operator delete(void *memory, std::size_t) noexcept
{
    std::free(memory);
}

int main(int, char **arguments)
{
    if (std::strcmp(arguments[1], "uncaught") == 0)
        throw_failure(1, "last words");
    if (std::strcmp(arguments[1], "noexcept") == 0)
        []() noexcept { throw_plain(2); }();
    if (std::strcmp(arguments[1], "new") == 0) {
        std::string text = std::to_string(1);
        int before = allocated;
        text.append(100, 'x'); // by code of the library
        std::cout << "allocated " << allocated - before << '\n';
        return 0;
    }
    try {
        std::string text;
        std::thread([&text] {
            struct Noted {
                std::string *to = nullptr;
                ~Noted() { *to = "destroyed, " + *to; }
            };
            static thread_local Noted noted;
            noted.to = &text;
            try {
                throw 5;
            } catch (int caught) {
                text = "caught " + std::to_string(caught);
            }
        }).join();
        std::cout << text << ", a thread ran\n";
    } catch (const std::system_error &caught) {
        std::cout << caught.code() << ' ' << caught.what() << '\n';
    }
}
