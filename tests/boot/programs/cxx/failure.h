// Types that three objects share: the program, the library that throws and the one that catches.
#ifndef CXX_FAILURE_H
#define CXX_FAILURE_H
#include <stdexcept>
#include <string>

// Its virtual functions, and so its type information, are in the throwing library alone.
class failure : public std::runtime_error {
public:
    failure(int code, const std::string &text) : std::runtime_error(text), code_(code) {}
    ~failure() override;
    virtual int code() const;

private:
    int code_;
};

// All of it is in this header: each object has type information of its own, and the linker makes them one.
struct plain_failure {
    int code;
};
template <typename value> struct boxed_failure {
    value content;
};
struct shape {
    virtual ~shape() = default;
    virtual int sides() const { return 0; }
};
struct painted {
    virtual ~painted() = default;
    virtual const char *colour() const { return "none"; }
};
struct square : shape, painted {
    int sides() const override { return 4; }
    const char *colour() const override { return "red"; }
};
struct circle : shape {};

// One for all objects, made by the first that asks.
struct numbered {
    numbered() { made++; }
    int next() { return ++last; }
    int last = 0;
    static inline int made = 0;
};
inline numbered &the_numbers()
{
    static numbered one;
    return one;
}

// In the throwing library.
[[noreturn]] void throw_failure(int code, const std::string &text);
[[noreturn]] void throw_plain(int code);
[[noreturn]] void throw_boxed(double content);
shape *make_square();
const std::type_info &type_of_boxed();
int number_of_thrower();
void enter_thread_local();

// In the catching library.
std::string what_is_thrown(void (*function)());
int code_of_failure(void (*function)());
std::string colour_of(shape &each);
int number_of_catcher();
bool is_square(const std::type_info &type);

// C, between two C++ frames: it knows nothing of exceptions, and frees what it holds by __attribute__((cleanup)).
extern "C" int call_through_c(int (*function)(void *), void *context, int depth);
extern "C" int c_frames_left;

#endif
