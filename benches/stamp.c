/* Says when a process came to its first instruction. Stands in for the shell of a job: called
   as `stamp -c FILE`, it adds "SECONDS.MICROSECONDS PID\n" to FILE, and so it does as the
   interpreter of a script that begins with `#!stamp FILE`. Built with STAY, it does not end.
   Without a C library, whose start takes longer than everything else here (CPUID is slow in a
   virtual machine). Linux on x86-64 only. */

static long call(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

enum { WRITE = 1, OPEN = 2, PAUSE = 34, GETPID = 39, EXIT = 60, CLOCK_GETTIME = 228 };
enum { O_WRONLY = 1, O_CREAT = 0100, O_APPEND = 02000 };

static char *digits(char *end, long value, int width) {
    do {
        *--end = '0' + value % 10;
        value /= 10;
    } while (--width > 0 || value > 0);
    return end;
}

void begin(long *stack) {
    struct { long seconds, nanos; } now;
    call(CLOCK_GETTIME, 0, (long)&now, 0);
    char text[64], *end = text + sizeof text, *at = end;
    char **argv = (char **)(stack + 1);
    *--at = '\n';
    at = digits(at, call(GETPID, 0, 0, 0), 1);
    *--at = ' ';
    at = digits(at, now.nanos / 1000, 6);
    *--at = '.';
    at = digits(at, now.seconds, 1);
    char *path = argv[1][0] == '-' ? argv[2] : argv[1];
    long file = call(OPEN, (long)path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    call(WRITE, file, (long)at, end - at);
#ifdef STAY
    for (;;) call(PAUSE, 0, 0, 0);
#endif
    call(EXIT, 0, 0, 0);
}

__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");
