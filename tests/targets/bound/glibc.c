/* What the program calls in the C library. */
int getpid(void)
{
    return 0;
}
