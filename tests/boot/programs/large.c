/* Has much writable memory. */
static volatile char large[256 << 20];

int main(void)
{
    return large[0];
}
