/* Thread-local data at a fixed offset from the thread pointer, in a library that comes later. */
_Thread_local long fixed_data[4] = {1, 2, 3, 4};

long fixed_sum(void)
{
    fixed_data[0]++;
    return fixed_data[0] + fixed_data[1] + fixed_data[2] + fixed_data[3];
}
