/* SPDX-License-Identifier: MIT */
#include "controller/base/progress.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "schemas/printable.h"

enum { FIRST = 1000, AGAIN = 250 }; /* milliseconds */

static struct {
    bool quiet, running; /* the main thread's; what follows is of both, under the lock */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool over, drawn;
    struct timespec begun;
    const char *unit;
    char what[256];
} progress;
static size_t done_now, total_now; /* of both threads, without the lock: atomic */

static struct timespec now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t;
}

void progress_quiet(void)
{
    progress.quiet = true;
}

static void erase(void)
{
    if (progress.drawn)
        fputs("\r\033[K", stderr);
    progress.drawn = false;
}

/* No longer than the terminal is wide: what is wrapped could not be erased. */
static void draw(void)
{
    struct winsize size = {0};
    char text[sizeof progress.what + 96], count[64] = "";
    size_t done = __atomic_load_n(&done_now, __ATOMIC_RELAXED);
    size_t total = __atomic_load_n(&total_now, __ATOMIC_RELAXED);
    struct timespec t = now();
    unsigned seconds =
        (unsigned)(t.tv_sec - progress.begun.tv_sec - (t.tv_nsec < progress.begun.tv_nsec ? 1 : 0));
    if (total)
        snprintf(count, sizeof count, ": %zu of %zu%s", done, total, progress.unit);
    else if (done)
        snprintf(count, sizeof count, ": %zu%s", done, progress.unit);
    snprintf(text, sizeof text, "xenrecon: %s%s, %u s", progress.what, count, seconds);
    ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
    fprintf(stderr, "\r%.*s\033[K", size.ws_col ? size.ws_col - 1 : 79, text);
    progress.drawn = true;
}

static struct timespec later(struct timespec t, long milliseconds)
{
    t.tv_nsec += milliseconds % 1000 * 1000000;
    t.tv_sec += milliseconds / 1000 + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void *run(void *arg)
{
    pthread_mutex_lock(&progress.lock);
    struct timespec due = later(progress.begun, FIRST);
    while (!progress.over) {
        if (pthread_cond_timedwait(&progress.ended, &progress.lock, &due) == ETIMEDOUT && !progress.over) {
            draw();
            due = later(now(), AGAIN);
        }
    }
    erase();
    pthread_mutex_unlock(&progress.lock);
    return arg;
}

/* Signals are blocked in the thread: the main thread deals with them. */
static bool start_thread(void)
{
    static bool registered;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&progress.thread, NULL, run, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started && !registered)
        registered = atexit(progress_end) == 0;
    return started;
}

static bool wanted(void)
{
    const char *term = getenv("TERM");
    return !progress.quiet && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

static void start(void)
{
    pthread_condattr_t monotonic;
    progress.over = progress.drawn = false;
    progress.begun = now();
    pthread_mutex_init(&progress.lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&progress.ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    progress.running = start_thread();
}

void progress_begin(const char *unit, const char *format, ...)
{
    char what[sizeof progress.what];
    va_list ap;
    if (!progress.running && !wanted())
        return;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    if (progress.running)
        pthread_mutex_lock(&progress.lock);
    progress.unit = unit;
    printable_copy(progress.what, sizeof progress.what, what, strlen(what), false);
    progress_at(0, 0);
    if (progress.running)
        pthread_mutex_unlock(&progress.lock);
    else
        start();
}

void progress_at(size_t done, size_t total)
{
    __atomic_store_n(&total_now, total, __ATOMIC_RELAXED);
    __atomic_store_n(&done_now, done, __ATOMIC_RELAXED);
}

void progress_hold(void)
{
    if (!progress.running)
        return;
    pthread_mutex_lock(&progress.lock);
    erase();
}

void progress_release(void)
{
    if (progress.running)
        pthread_mutex_unlock(&progress.lock);
}

void progress_end(void)
{
    if (!progress.running)
        return;
    progress.running = false;
    pthread_mutex_lock(&progress.lock);
    progress.over = true;
    pthread_cond_signal(&progress.ended);
    pthread_mutex_unlock(&progress.lock);
    pthread_join(progress.thread, NULL);
    pthread_mutex_destroy(&progress.lock);
    pthread_cond_destroy(&progress.ended);
}
