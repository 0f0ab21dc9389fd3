// A C++ library: virtual functions, globals with constructors and destructors, thread-local data.
#ifndef SHAPES_H
#define SHAPES_H

class Shape {
public:
    explicit Shape(const char *name);
    virtual ~Shape();
    virtual int area() const = 0;
    const char *name() const { return name_; }
    static int count(); // of those that are alive
private:
    const char *name_;
};

class Square : public Shape {
public:
    explicit Square(int side) : Shape("square"), side_(side) {}
    int area() const override;
private:
    int side_;
};

// A counter with a constructor and a destructor of each thread's.
struct Tally {
    explicit Tally(int first);
    ~Tally();
    int next() { return ++value; }
    int value;
};
Tally &tally();

extern const Shape &unit; // of the library's own
#endif
