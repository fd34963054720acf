/* Raw system calls for the Node puppet, which has none of its own: `attack NAME ARGUMENT…` tries one thing and
 * prints {"ok":true} or {"ok":false,"errno":"EPERM"}. It never decides whether the attack should succeed.
 *
 * C and not Rust: the only user-space unsafe code of the project is `enforce`, and attacks are nothing but unsafe.
 * Built by the harness with the C compiler that Rust links with. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int fails(int number) {
    errno = number;
    return -1;
}

/* A word of the command line: a number, `bytes:<hex>` or `text:<string>`; the last two by address. */
static long word(const char *text) {
    if (strncmp(text, "text:", 5) == 0) return (long)(text + 5);
    if (strncmp(text, "bytes:", 6) != 0) return (long)strtoull(text, NULL, 0);
    size_t length = strlen(text + 6) / 2;
    unsigned char *bytes = calloc(1, length + 1);
    for (size_t i = 0; i < length; i++) sscanf(text + 6 + 2 * i, "%2hhx", &bytes[i]);
    return (long)bytes;
}

static int raw_syscall(int count, char **words) {
    long a[6] = {0};
    for (int i = 1; i < count && i <= 6; i++) a[i - 1] = word(words[i]);
    long number = word(words[0]);
    long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (result == 0 && (number == SYS_clone || number == SYS_clone3 || number == SYS_fork)) _exit(0);
    return result == -1 ? -1 : 0;
}

/* int 0x80 enters the i386 table whatever the process is: getpid is 20 there. */
static int i386_getpid(void) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    return result > 0 ? 0 : fails((int)-result);
}

static int memfd_exec(const char *by) {
    char copy[1 << 16];
    int memory = memfd_create("payload", 0);
    int source = open("/bin/true", O_RDONLY);
    if (memory < 0 || source < 0) return -1;
    for (ssize_t n; (n = read(source, copy, sizeof copy)) > 0;)
        if (write(memory, copy, (size_t)n) != n) return -1;
    pid_t child = fork();
    if (child == 0) {
        char *argv[] = {"true", NULL}, *envp[] = {NULL}, path[64];
        if (strcmp(by, "execveat") == 0) syscall(SYS_execveat, memory, "", argv, envp, AT_EMPTY_PATH);
        snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
        if (strcmp(by, "execveat") != 0) execve(path, argv, envp);
        _exit(errno);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) < 0) return -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : fails(WIFEXITED(status) ? WEXITSTATUS(status) : EPERM);
}

static int read_memory_of(pid_t pid) {
    char path[64], page[64];
    unsigned long address;
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    FILE *maps = fopen(path, "r");
    if (!maps || fscanf(maps, "%lx", &address) != 1) return -1;
    struct iovec local = {page, sizeof page}, remote = {(void *)address, sizeof page};
    return process_vm_readv(pid, &local, 1, &remote, 1, 0) < 0 ? -1 : 0;
}

static int take_descriptor_of(pid_t pid) {
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    return process < 0 || syscall(SYS_pidfd_getfd, process, 0, 0) < 0 ? -1 : 0;
}

/* Pushes a character into a terminal as if it had been typed. Where no terminal can be opened the request goes to
 * stdin: an unguarded kernel says ENOTTY there, a filter EPERM. */
static int type_into_terminal(unsigned long high) {
    int slave = 0;
    if (setsid() < 0 && getpid() != getsid(0)) return -1;
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0) slave = open(ptsname(master), O_RDWR);
    if (slave < 0) slave = 0;
    return syscall(SYS_ioctl, slave, 0x5412UL | high << 32, "x") < 0 ? -1 : 0;
}

static int attack(int count, char **words) {
    const char *name = words[0], *first = count > 1 ? words[1] : "";
    if (strcmp(name, "syscall") == 0 && count > 1) return raw_syscall(count - 1, words + 1);
    if (strcmp(name, "i386") == 0) return i386_getpid();
    if (strcmp(name, "memfd_exec") == 0) return memfd_exec(first);
    if (strcmp(name, "process_vm_readv") == 0) return read_memory_of(atoi(first));
    if (strcmp(name, "pidfd_getfd") == 0) return take_descriptor_of(atoi(first));
    if (strcmp(name, "tiocsti") == 0) return type_into_terminal(strtoul(first, NULL, 0));
    fprintf(stderr, "attack: unknown attack %s\n", name);
    exit(2);
}

int main(int count, char **words) {
    if (count < 2) return 2;
    if (attack(count - 1, words + 1) == 0) return puts("{\"ok\":true}") < 0;
    printf("{\"ok\":false,\"errno\":\"%s\"}\n", strerrorname_np(errno));
    return 0;
}
