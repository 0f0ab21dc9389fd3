/* In each program and library with C++: its name for __cxa_atexit, and the end of what it registered. */
void __cxa_finalize(void *object);

__attribute__((visibility("hidden"))) const void *const __dso_handle = &__dso_handle;

__attribute__((destructor)) static void finalize(void)
{
    __cxa_finalize((void *)&__dso_handle);
}
