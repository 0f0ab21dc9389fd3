// The library that catches what others throw.
#include "failure.h"

#include <typeinfo>

std::string what_is_thrown(void (*function)())
{
    try {
        function();
    } catch (const failure &caught) {
        return "failure " + std::to_string(caught.code()) + ": " + caught.what();
    } catch (const plain_failure &caught) {
        return "plain " + std::to_string(caught.code);
    } catch (const boxed_failure<double> &caught) {
        return "boxed " + std::to_string(caught.content);
    } catch (const std::exception &caught) {
        return std::string("exception: ") + caught.what();
    } catch (int number) {
        return "number " + std::to_string(number);
    } catch (...) {
        return "something else";
    }
    return "nothing";
}

int code_of_failure(void (*function)())
{
    try {
        function();
    } catch (failure &caught) {
        if (caught.code() < 0)
            throw; // on to the program
        return caught.code();
    }
    return 0;
}

std::string colour_of(shape &each)
{
    const painted *side = dynamic_cast<const painted *>(&each); // to another base of the object, if it has it
    return side ? side->colour() : "not painted";
}

int number_of_catcher()
{
    return the_numbers().next();
}

bool is_square(const std::type_info &type)
{
    return type == typeid(square);
}
