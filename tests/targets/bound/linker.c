/* What code with thread-local data calls, in the dynamic linker. */
void *__tls_get_addr(void *index)
{
    return index;
}
