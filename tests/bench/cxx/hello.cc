#include <iostream>

int main()
{
    std::cout << "hello" << ' ' << 42 << '\n';
}
