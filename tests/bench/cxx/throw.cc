// throw COUNT FRAMES: so many exceptions go through so many frames that have something to destroy.
#include <cstdlib>
#include <stdexcept>

struct guard {
    explicit guard(volatile int *count) : count(count) {}
    ~guard() { *count = *count + 1; }
    volatile int *count;
};

[[gnu::noinline]] static int go(int depth, volatile int *count)
{
    guard here(count);
    if (depth <= 1)
        throw std::runtime_error("deep");
    return go(depth - 1, count) + *count; // no tail call
}

int main(int, char **arguments)
{
    int wanted = std::atoi(arguments[1]), frames = std::atoi(arguments[2]), caught = 0;
    volatile int destroyed = 0;
    for (int i = 0; i < wanted; i++) {
        try {
            go(frames, &destroyed);
        } catch (const std::exception &) {
            caught++;
        }
    }
    return caught == wanted && destroyed == wanted * frames ? EXIT_SUCCESS : EXIT_FAILURE;
}
