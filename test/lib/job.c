/* SPDX-License-Identifier: MIT */
/* Runs a test for lib/jobs.sh:   job SECONDS FIGURES COMMAND...
 *
 * Ends it when it takes longer than that, and whatever it leaves behind in any case: also what left the
 * process group becomes a child of this one. The status is the command's, 128 and the signal's number, or 124
 * when it took too long. FIGURES is written: how many milliseconds of CPU all of them took, one number. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TOO_LONG = 124, CANNOT_RUN = 127, GRACE = 20 /* seconds, for what is told to end */ };

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "job: %s: %s\n", what, strerror(errno));
    exit(CANNOT_RUN);
}

static time_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static pid_t start(char **argv, const sigset_t *signals)
{
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid > 0)
        return pid;
    setpgid(0, 0);
    sigprocmask(SIG_UNBLOCK, signals, NULL);
    execvp(argv[0], argv);
    die(argv[0]);
}

/* Reaps all who have ended; whether the command has, and how. */
static int reap(pid_t command, int *ret_how)
{
    int how, over = 0;
    for (pid_t pid; (pid = waitpid(-1, &how, WNOHANG)) > 0;) {
        if (pid == command) {
            *ret_how = how;
            over = 1;
        }
    }
    return over;
}

/* Who is told to end is told so once, and killed when that was of no use. */
static int wait_for(pid_t command, const sigset_t *signals, time_t end, int *ret_how)
{
    int told = 0, late = 0;
    while (!reap(command, ret_how)) {
        struct timespec pause = {.tv_sec = end > now() ? end - now() : 0};
        int signo = sigtimedwait(signals, NULL, &pause);
        if (signo == SIGCHLD || (signo < 0 && errno == EINTR))
            continue;
        late |= signo < 0 && !told;
        kill(-command, told ? SIGKILL : SIGTERM);
        told = 1;
        end = now() + GRACE;
    }
    return late;
}

/* The children of this process, who are those of others that have ended. */
static void end_orphans(void)
{
    for (;;) {
        int pid, n = 0;
        FILE *children = fopen("/proc/thread-self/children", "r");
        while (children && fscanf(children, "%d", &pid) == 1) {
            kill(pid, SIGKILL);
            n++;
        }
        if (children)
            fclose(children);
        if (n == 0 || waitpid(-1, NULL, 0) < 0)
            return;
    }
}

static void tell(const char *path)
{
    struct rusage used;
    FILE *figures = fopen(path, "w");
    getrusage(RUSAGE_CHILDREN, &used);
    if (!figures || fprintf(figures, "%ld\n",
                            (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
                                (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000) < 0)
        die(path);
    fclose(figures);
}

int main(int argc, char **argv)
{
    sigset_t signals;
    if (argc < 4 || atoi(argv[1]) <= 0) {
        fputs("usage: job SECONDS FIGURES COMMAND...\n", stderr);
        return CANNOT_RUN;
    }
    sigemptyset(&signals);
    for (const int *s = (const int[]){SIGCHLD, SIGTERM, SIGINT, SIGHUP, 0}; *s; s++)
        sigaddset(&signals, *s);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        die("prctl");
    int how = 0;
    pid_t command = start(argv + 3, &signals);
    int late = wait_for(command, &signals, now() + atoi(argv[1]), &how);
    end_orphans();
    tell(argv[2]);
    if (late)
        return TOO_LONG;
    return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
}
