/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <ucontext.h>
#include <unistd.h>
#include <xengnttab.h> /* first: the next two want Xen's types */

#include <xen/sys/evtchn.h>
#include <xen/sys/gntdev.h>

#include "reconcilers/block/say.h"

#ifndef __LP64__
/* cppcheck-suppress preprocessorErrorDirective */
#error "xenrecon-blk is for 64-bit systems: others have system calls that it does not know"
#endif

/* Where the caller of a system call looks for its result. */
#if defined __x86_64__
#define RESULT(context) ((context)->uc_mcontext.gregs[REG_RAX])
#elif defined __aarch64__
#define RESULT(context) ((context)->uc_mcontext.regs[0])
#elif defined __riscv
#define RESULT(context) ((context)->uc_mcontext.__gregs[REG_A0])
#else
/* cppcheck-suppress preprocessorErrorDirective */
#error "xenrecon-blk knows x86-64, arm64 and riscv64: say here where a system call has its result"
#endif

/* ---- the lists ---- */

static const int allowed[] = {
    /* the image (fallocate() and a ring below) */
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(preadv2),
    SCMP_SYS(pwritev2),
    SCMP_SYS(fdatasync),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    /* the controller (socket() below), events, the log */
    SCMP_SYS(connect),
    SCMP_SYS(sendto),
    SCMP_SYS(recvfrom),
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(close),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(fcntl),
    /* the loop and its threads */
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    /* memory (mmap() and mprotect() below) */
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    /* abort() (tgkill() below) */
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
};

static const unsigned long ioctls[] = {
    IOCTL_GNTDEV_MAP_GRANT_REF,
    IOCTL_GNTDEV_UNMAP_GRANT_REF,
    IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR,
    IOCTL_GNTDEV_GRANT_COPY,
    IOCTL_EVTCHN_BIND_INTERDOMAIN,
    IOCTL_EVTCHN_UNBIND,
    IOCTL_EVTCHN_NOTIFY,
    BLKGETSIZE64,
    BLKDISCARD,
    FIONBIO,
};

struct call {
    int number; /* negative: this architecture has none */
    const char *name;
};
#define CALL(name)            \
    {                         \
        SCMP_SYS(name), #name \
    }

/* What an intruder wants, and libc would not try on the chance that it works. What is on both lists is
 * allowed in some forms, and forbidden in all others. */
static const struct call forbidden[] = {
    /* programs and processes. Not clone3(): libc tries that first, and its flags are out of a filter's sight
     */
    CALL(execve),
    CALL(execveat),
    CALL(fork),
    CALL(vfork),
    CALL(clone),
    CALL(ptrace),
    CALL(process_vm_readv),
    CALL(process_vm_writev),
    CALL(process_madvise),
    CALL(pidfd_open),
    CALL(pidfd_getfd),
    CALL(pidfd_send_signal),
    CALL(kcmp),
    CALL(kill),
    CALL(tkill),
    CALL(tgkill),
    CALL(rt_sigqueueinfo),
    CALL(rt_tgsigqueueinfo),
    CALL(rt_sigaction), /* of SIGSYS: what keeps the process in is not for it to change */
    /* memory that can be executed */
    CALL(mmap),
    CALL(mprotect),
    CALL(pkey_mprotect),
    CALL(shmat),
    CALL(userfaultfd),
    /* files by name */
    CALL(open),
    CALL(openat),
    CALL(openat2),
    CALL(creat),
    CALL(open_by_handle_at),
    CALL(truncate),
    CALL(ftruncate),
    CALL(fallocate),
    CALL(unlink),
    CALL(unlinkat),
    CALL(rmdir),
    CALL(rename),
    CALL(renameat),
    CALL(renameat2),
    CALL(link),
    CALL(linkat),
    CALL(symlink),
    CALL(symlinkat),
    CALL(mkdir),
    CALL(mkdirat),
    CALL(mknod),
    CALL(mknodat),
    CALL(chmod),
    CALL(fchmod),
    CALL(fchmodat),
    CALL(chown),
    CALL(lchown),
    CALL(fchown),
    CALL(fchownat),
    CALL(setxattr),
    CALL(lsetxattr),
    CALL(chdir),
    CALL(fchdir),
    CALL(chroot),
    CALL(pivot_root),
    CALL(mount),
    CALL(umount2),
    CALL(move_mount),
    CALL(open_tree),
    CALL(fsopen),
    CALL(fsconfig),
    CALL(fsmount),
    CALL(fspick),
    CALL(fanotify_init),
    /* the network */
    CALL(socket),
    CALL(bind),
    CALL(listen),
    CALL(accept),
    CALL(accept4),
    /* rights */
    CALL(setuid),
    CALL(setgid),
    CALL(setreuid),
    CALL(setregid),
    CALL(setresuid),
    CALL(setresgid),
    CALL(setfsuid),
    CALL(setfsgid),
    CALL(setgroups),
    CALL(capset),
    CALL(unshare),
    CALL(setns),
    /* the kernel and the host */
    CALL(bpf),
    CALL(perf_event_open),
    CALL(io_uring_setup),
    CALL(io_uring_enter),
    CALL(io_uring_register),
    CALL(init_module),
    CALL(finit_module),
    CALL(delete_module),
    CALL(kexec_load),
    CALL(kexec_file_load),
    CALL(reboot),
    CALL(swapon),
    CALL(swapoff),
    CALL(acct),
    CALL(quotactl),
    CALL(syslog),
    CALL(add_key),
    CALL(request_key),
    CALL(keyctl),
    CALL(settimeofday),
    CALL(clock_settime),
    CALL(adjtimex),
    CALL(clock_adjtime),
    CALL(sethostname),
    CALL(setdomainname),
    CALL(iopl),
    CALL(ioperm),
    CALL(modify_ldt),
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- what is kept back ---- */

enum { NUMBERS = 1024, BITS = 64 };

static struct calls_watch watch;
static uint64_t unknown[NUMBERS / BITS]; /* the numbers that were answered with ENOSYS … */
static uint64_t said[NUMBERS / BITS];    /* … and those of them that were said; of one thread */

/* NULL: it is not one of them. */
static const char *forbidden_name(int number)
{
    for (size_t i = 0; i < COUNT(forbidden); i++)
        if (forbidden[i].number == number)
            return forbidden[i].name;
    return NULL;
}

/* True: for the first time. */
static bool note_unknown(int number)
{
    if (number < 0 || number >= NUMBERS)
        return false;
    uint64_t bit = 1ULL << number % BITS;
    return !(__atomic_fetch_or(&unknown[number / BITS], bit, __ATOMIC_RELAXED) & bit);
}

/* The kernel ends us at the first of these: a call that is kept back while SIGSYS is blocked, as it is in its
 * handler, kills. Without the filter, the signal does once the handler has returned. */
static void end(void)
{
    signal(SIGSYS, SIG_DFL);
    raise(SIGSYS);
}

static void on_kept_back(int signal, siginfo_t *info, void *context)
{
    static bool ending;
    int error = errno;
    (void)signal;
    bool sent = info->si_code <= 0; /* by kill() */
    const char *name = sent ? NULL : forbidden_name(info->si_syscall);
    if (name && !__atomic_exchange_n(&ending, true, __ATOMIC_RELAXED))
        watch.forbidden(name);
    if (name || sent) {
        end();
        return;
    }
    if (note_unknown(info->si_syscall))
        watch.unknown();
    /* a register, signed or not, by the architecture */
    RESULT((ucontext_t *)context) = (__typeof__(RESULT((ucontext_t *)context)))-ENOSYS;
    errno = error;
}

void calls_say_unknown(void)
{
    for (int number = 0; number < NUMBERS; number++) {
        uint64_t bit = 1ULL << number % BITS;
        if (!(__atomic_load_n(&unknown[number / BITS], __ATOMIC_RELAXED) & ~said[number / BITS] & bit))
            continue;
        said[number / BITS] |= bit;
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
        say("system call %s (%d) is not on the list: answered as if there were none (ENOSYS)",
            name ? name : "without a name", number);
        free(name);
    }
}

/* ---- the filters ---- */

int calls_rule(void *filter, uint32_t action, int call)
{
    int error = seccomp_rule_add(filter, action, call, 0);
    return error == -EDOM ? 0 : error; /* this architecture has no such call */
}

/* Where the argument compares like that. */
static int add_when(scmp_filter_ctx filter, uint32_t action, int call, struct scmp_arg_cmp what)
{
    int error = seccomp_rule_add_array(filter, action, call, 1, &what);
    return error == -EDOM ? 0 : error;
}

static struct scmp_arg_cmp masked(unsigned arg, uint32_t mask, unsigned long value)
{
    return (struct scmp_arg_cmp){
        .arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = (uint32_t)value};
}

static int fill(scmp_filter_ctx filter, int ring)
{
    const struct scmp_arg_cmp below_sigsys = {.arg = 0, .op = SCMP_CMP_LT, .datum_a = SIGSYS};
    int error = 0;
    for (size_t i = 0; i < COUNT(allowed) && !error; i++)
        error = calls_rule(filter, SCMP_ACT_ALLOW, allowed[i]);
    for (size_t i = 0; i < COUNT(ioctls) && !error; i++)
        error = add_when(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), masked(1, UINT32_MAX, ioctls[i]));
    if (!error)
        error = add_when(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), masked(0, UINT32_MAX, AF_UNIX));
    if (!error)
        error = add_when(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), masked(2, PROT_EXEC, 0));
    if (!error)
        error = add_when(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), masked(2, PROT_EXEC, 0));
    if (!error)
        error = add_when(filter, SCMP_ACT_ALLOW, SCMP_SYS(rt_sigaction), below_sigsys);
    if (!error && ring >= 0)
        error = add_when(filter, SCMP_ACT_ALLOW, SCMP_SYS(io_uring_enter),
                         masked(0, UINT32_MAX, (unsigned long)ring));
    if (!error)
        error = add_when(filter, SCMP_ACT_ALLOW, SCMP_SYS(fallocate),
                         masked(1, UINT32_MAX, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE));
    if (!error) /* abort() */
        error = add_when(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill),
                         masked(0, UINT32_MAX, (unsigned long)getpid()));
    /* A thread more: libc tries with all signals blocked, when no handler can be run. It may come to a
     * process by clone3() as well, but then tries clone() for it */
    if (!error)
        error = calls_rule(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
    if (!error)
        error =
            add_when(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone), masked(0, CLONE_THREAD, CLONE_THREAD));
    return error;
}

/* Takes over the filter, or frees it if there was an error. */
static int load(scmp_filter_ctx filter, int error)
{
    if (!error)
        error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (!error) /* calls of another architecture's */
        error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (!error)
        error = seccomp_load(filter);
    seccomp_release(filter);
    return error;
}

int calls_without_rings(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        return -ENOMEM;
    return load(filter, calls_rule(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup)));
}

int calls_restrict(const struct calls_watch *config, int ring)
{
    struct sigaction action = {.sa_sigaction = on_kept_back, .sa_flags = SA_SIGINFO};
    watch = *config;
    sigfillset(&action.sa_mask);
    if (sigaction(SIGSYS, &action, NULL))
        return -errno;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    if (!filter)
        return -ENOMEM;
    return load(filter, fill(filter, ring));
}
