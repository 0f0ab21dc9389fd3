// What C++ must do on this system. The output is compared with that of the same sources on the development machine.
#include "failure.h"

#include <algorithm>
#include <any>
#include <bitset>
#include <charconv>
#include <chrono>
#include <complex>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <iomanip>
#include <iostream>
#include <limits>
#include <iterator>
#include <list>
#include <locale>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <numeric>
#include <optional>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string_view>
#include <typeindex>
#include <unordered_map>
#include <variant>
#include <vector>
#include <version>
#ifdef __cpp_lib_format
#include <format>
#endif

static std::string formatted(int number, double real)
{
#ifdef __cpp_lib_format
    return std::format("{:>6}|{:#x}|{:<8.3f}|{:+e}", number, number, real, real);
#else // the judge may be older
    char text[100];
    std::snprintf(text, sizeof text, "%6d|%#x|%-8.3f|%+e", number, number, real, real);
    return text;
#endif
}

static void exceptions()
{
    std::cout << what_is_thrown([] { throw_failure(7, "from the library"); }) << '\n';
    std::cout << what_is_thrown([] { throw failure(8, "from the program"); }) << '\n';
    std::cout << what_is_thrown([] { throw_plain(9); }) << '\n';
    std::cout << what_is_thrown([] { throw_boxed(1.5); }) << '\n';
    std::cout << what_is_thrown([] { throw 11; }) << '\n';
    std::cout << what_is_thrown([] { throw "text"; }) << '\n';
    std::cout << what_is_thrown([] {}) << '\n';
    std::cout << what_is_thrown([] { throw std::logic_error("of the standard library"); }) << '\n';
    std::cout << what_is_thrown([] { static_cast<void>(std::stoi("no number")); }).substr(0, 15) << '\n';
    std::cout << "code " << code_of_failure([] { throw_failure(5, "kept"); }) << '\n';
    try {
        code_of_failure([] { throw_failure(-3, "thrown again"); });
    } catch (const std::runtime_error &caught) {
        std::cout << "rethrown: " << caught.what() << ", code " << dynamic_cast<const failure &>(caught).code() << '\n';
    }
    try {
        try {
            throw_plain(1);
        } catch (...) {
            std::throw_with_nested(std::runtime_error("outer"));
        }
    } catch (const std::exception &outer) {
        try {
            std::rethrow_if_nested(outer);
        } catch (const plain_failure &inner) {
            std::cout << outer.what() << " with inner " << inner.code << '\n';
        }
    }
    std::exception_ptr kept;
    try {
        throw_boxed(2.25);
    } catch (...) {
        kept = std::current_exception();
    }
    std::cout << "kept: " << static_cast<bool>(kept) << ", in flight: " << std::uncaught_exceptions() << '\n';
    try {
        std::rethrow_exception(kept);
    } catch (const boxed_failure<double> &caught) {
        std::cout << "later: " << caught.content << '\n';
    }
    int destroyed = 0;
    struct counting {
        int &count;
        ~counting() { count += std::uncaught_exceptions(); }
    };
    try {
        counting one{destroyed}, two{destroyed};
        std::vector<counting> three;
        three.reserve(2);
        three.push_back({destroyed});
        throw_plain(2);
    } catch (const plain_failure &) {
    }
    std::cout << "unwound: " << destroyed << '\n';
    try {
        std::vector<int> large;
        large.resize(large.max_size() + 1);
    } catch (const std::length_error &) {
        std::cout << "too long\n";
    }
    try {
        std::cout << ::operator new(std::numeric_limits<std::size_t>::max() / 4) << '\n';
    } catch (const std::bad_alloc &) {
        std::cout << "too much\n";
    }
}

static void through_c()
{
    int number = 0;
    int sum = call_through_c([](void *context) { return ++*static_cast<int *>(context); }, &number, 4);
    std::cout << "through C: " << sum << ", frames left " << c_frames_left << '\n';
    c_frames_left = 0;
    try {
        call_through_c([](void *) -> int { throw_failure(3, "below C"); }, nullptr, 5);
    } catch (const failure &caught) {
        std::cout << "through C: " << caught.what() << ", frames left " << c_frames_left << '\n';
    }
}

static void types()
{
    std::cout << "same type: " << (type_of_boxed() == typeid(boxed_failure<double>)) << (type_of_boxed() == typeid(plain_failure))
              << (&type_of_boxed() == &typeid(boxed_failure<double>)) << (std::type_index(typeid(int)) == typeid(int)) << '\n';
    std::unique_ptr<shape> made(make_square());
    circle round;
    std::cout << "cast: " << colour_of(*made) << ", " << colour_of(round) << ", " << made->sides() << '\n';
    const shape &one = *made;
    std::cout << "square: " << is_square(typeid(one)) << is_square(typeid(round)) << ' '
              << (dynamic_cast<square *>(made.get()) != nullptr) << (dynamic_cast<circle *>(made.get()) != nullptr) << '\n';
    try {
        static_cast<void>(dynamic_cast<circle &>(*made));
    } catch (const std::bad_cast &) {
        std::cout << "bad cast\n";
    }
}

static int tries;
struct unwilling {
    unwilling()
    {
        if (++tries < 3)
            throw plain_failure{tries};
    }
};
static void enter_unwilling()
{
    static unwilling one;
}
static void statics()
{
    int sum = number_of_thrower() + number_of_catcher() + the_numbers().next();
    std::cout << "numbers: " << sum << ", made " << numbered::made << '\n';
    for (int i = 0; i < 4; i++) {
        try {
            enter_unwilling();
            std::cout << "static is there after " << tries << '\n';
        } catch (const plain_failure &caught) {
            std::cout << "static failed, try " << caught.code << '\n';
        }
    }
    std::once_flag once;
    int count = 0;
    for (int i = 0; i < 3; i++)
        std::call_once(once, [&] { count++; });
    std::mutex lock;
    std::lock_guard hold(lock);
    std::cout << "once: " << count << ", locked: " << !lock.try_lock() << '\n';
}

static void streams()
{
    std::cout << std::setw(8) << std::setfill('.') << 42 << std::hex << std::showbase << ' ' << 255 << std::dec << std::noshowbase << ' '
              << std::fixed << std::setprecision(3) << 3.14159 << ' ' << std::scientific << 12345.678 << std::defaultfloat
              << std::setprecision(6) << ' ' << std::boolalpha << true << std::noboolalpha << std::setfill(' ') << '\n';
    std::istringstream in("17 2.5 word 0x1f");
    int number = 0, hexadecimal = 0;
    double real = 0;
    std::string word;
    in >> number >> real >> word >> std::hex >> hexadecimal;
    std::cout << number << ' ' << real << ' ' << word << ' ' << hexadecimal << ' ' << in.eof() << in.fail() << '\n';
    std::ostringstream out;
    out << std::put_time(std::gmtime([] { static const std::time_t moment = 86400 * 365; return &moment; }()), "%Y-%m-%d") << ' '
        << std::quoted("a \"b\"");
    std::cout << out.str() << '\n';
    std::ifstream absent("etc/absent"), file("etc/words");
    int words = 0;
    while (file >> word)
        words++;
    std::cout << "absent: " << absent.is_open() << std::filesystem::exists("etc/absent") << ", words: " << words << ", bytes: "
              << std::filesystem::file_size("etc/words") << ' ' << std::filesystem::path("a/b.c").extension().string() << '\n';
    std::ios failing(nullptr);
    try {
        failing.exceptions(std::ios::badbit);
    } catch (const std::ios_base::failure &) {
        std::cout << "stream throws\n";
    }
    struct points : std::numpunct<char> {
        char do_thousands_sep() const override { return '\''; }
        std::string do_grouping() const override { return "\3"; }
    };
    std::ostringstream grouped;
    grouped.imbue(std::locale(std::locale::classic(), new points));
    grouped << 1234567;
    std::cout << grouped.str() << ' ' << std::locale::classic().name() << ' ' << std::use_facet<std::ctype<char>>(std::locale()).toupper('q')
              << '\n';
    try {
        std::locale none("no-such-locale");
        std::cout << "any locale\n"; // musl has every one
    } catch (const std::runtime_error &) {
        std::cout << "any locale\n";
    }
    std::wcout << L""; // made at start, like the others
    std::cout << formatted(77, 2.71828) << '\n';
}

static void containers()
{
    std::map<std::string, int> words;
    std::istringstream text("the one and the other and the rest");
    for (std::string word; text >> word;)
        words[word]++;
    for (const auto &[word, count] : words)
        std::cout << word << '=' << count << ' ';
    std::cout << '\n';
    std::vector<int> numbers(10);
    std::iota(numbers.begin(), numbers.end(), 1);
    std::ranges::sort(numbers, std::greater{});
    std::copy_if(numbers.begin(), numbers.end(), std::ostream_iterator<int>(std::cout, " "), [](int each) { return each % 2 == 0; });
    std::cout << std::accumulate(numbers.begin(), numbers.end(), 0) << ' ' << numbers.at(3) << '\n';
    try {
        static_cast<void>(numbers.at(10));
    } catch (const std::out_of_range &) {
        std::cout << "out of range\n";
    }
    std::optional<std::string> maybe;
    std::cout << maybe.value_or("empty");
    maybe = std::string(40, 'x');
    std::cout << ' ' << maybe->size() << '\n';
    std::variant<int, std::string, double> choice = "text";
    std::cout << choice.index() << ' ' << std::get<std::string>(choice) << ' ';
    try {
        static_cast<void>(std::get<int>(choice));
    } catch (const std::bad_variant_access &) {
        std::cout << "another alternative\n";
    }
    std::any anything = 5;
    try {
        static_cast<void>(std::any_cast<double>(anything));
    } catch (const std::bad_any_cast &) {
        std::cout << "another type, " << std::any_cast<int>(anything) << '\n';
    }
    std::unordered_map<std::string_view, std::size_t> sizes{{"one", 3}, {"three", 5}};
    std::set<int> ordered{3, 1, 2};
    std::deque<int> queue{1, 2};
    queue.push_front(0);
    std::list<int> listed{3, 1, 2};
    listed.sort();
    std::bitset<8> bits(0x55);
    std::cout << sizes.at("three") << *ordered.begin() << queue.front() << listed.back() << ' ' << bits << '\n';
    std::function<int(int)> function = [calls = 0](int each) mutable { return each + ++calls; };
    std::cout << function(1) << function(1) << ' ';
    try {
        std::function<void()>()();
    } catch (const std::bad_function_call &) {
        std::cout << "no function\n";
    }
    auto shared = std::make_shared<std::string>("shared");
    std::weak_ptr<std::string> weak = shared;
    std::cout << weak.use_count() << *weak.lock();
    shared.reset();
    std::cout << weak.expired() << '\n';
    std::mt19937 random(1);
    std::cout << random() << ' ' << std::regex_replace("a1b22", std::regex("[0-9]+"), "#") << ' ' << std::abs(std::complex<double>(3, 4)) << '\n';
    char digits[32];
    auto done = std::to_chars(digits, digits + sizeof digits, 0.1);
    int back = 0;
    std::from_chars(digits + 2, done.ptr, back);
    std::cout << std::string_view(digits, done.ptr) << ' ' << back << ' ';
    auto later = std::chrono::hours(25) + std::chrono::minutes(3);
    std::cout << std::chrono::duration_cast<std::chrono::seconds>(later).count() << '\n';
    unsigned __int128 wide = static_cast<unsigned __int128>(1) << 100;
    __int128 negative = -static_cast<__int128>(wide) + 12345;
    volatile int divisor = 1000003;
    std::cout << static_cast<unsigned long>(wide / divisor) << ' ' << static_cast<unsigned long>(wide % divisor) << ' '
              << static_cast<long>(negative / divisor) << ' ' << static_cast<long>(negative % -divisor) << '\n';
    std::promise<int> promise;
    promise.set_exception(std::make_exception_ptr(plain_failure{4}));
    try {
        promise.get_future().get();
    } catch (const plain_failure &caught) {
        std::cout << "future: " << caught.code << '\n';
    }
}

struct speaking {
    explicit speaking(const char *name) : name(name) { std::printf("%s: made\n", name); }
    ~speaking() { std::printf("%s: destroyed\n", name); }
    const char *name;
};
static speaking first("static of the program");
static thread_local speaking second("thread-local of the program");

int main()
{
    std::setvbuf(stdout, nullptr, _IOLBF, 0); // the same order on a pipe
    exceptions();
    through_c();
    types();
    statics();
    streams();
    containers();
    std::printf("%s\n", second.name);
    enter_thread_local();
    static speaking third("static of main");
    std::cout << "the end" << std::endl;
}
