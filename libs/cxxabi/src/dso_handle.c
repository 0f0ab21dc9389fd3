/* One for each program and shared object that needs it. Compilers register a destructor with the address of
 * __dso_handle; what is still registered when the object goes runs then (libs/c/src/atexit.c). */
void __cxa_finalize(void *object);

extern const char __dso_handle;
__attribute__((visibility("hidden"))) const char __dso_handle = 0;

__attribute__((destructor)) static void run_destructors(void)
{
    __cxa_finalize((void *)&__dso_handle);
}
