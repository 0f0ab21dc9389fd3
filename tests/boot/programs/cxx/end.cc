// How a program ends when nothing catches, and what threads say: a process has one.
#include "failure.h"

#include <cstring>
#include <iostream>
#include <system_error>
#include <thread>

int main(int, char **arguments)
{
    if (std::strcmp(arguments[1], "uncaught") == 0)
        throw_failure(1, "last words");
    if (std::strcmp(arguments[1], "noexcept") == 0)
        []() noexcept { throw_plain(2); }();
    try {
        std::thread([] {}).join();
        std::cout << "a thread ran\n";
    } catch (const std::system_error &caught) {
        std::cout << caught.code() << ' ' << caught.what() << '\n';
    }
}
