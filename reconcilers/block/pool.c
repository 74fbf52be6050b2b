/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#include "reconcilers/block/engine.h"
#include "schemas/mem.h"

enum { STACK_SIZE = 64 * 1024 /* what they call takes little; a page or two of it are ever touched */ };

struct queue {
    struct io *first, **end;
};

struct pool {
    struct pool_config config;
    uv_async_t finished;
    struct queue added; /* of the loop's thread */
    unsigned n_added;
    pthread_mutex_t lock;
    pthread_cond_t more, up;
    struct queue waiting, done; /* under the lock, and the rest */
    unsigned sleeping;
    unsigned n_up; /* threads that are done with what libc does at their start */
    bool ending;
    unsigned n_threads;
    pthread_t threads[];
};

static void clear(struct queue *q)
{
    q->first = NULL;
    q->end = &q->first;
}

static void append(struct queue *q, struct io *io)
{
    io->next = NULL;
    *q->end = io;
    q->end = &io->next;
}

/* Moves all of `from` behind `to`. */
static void append_all(struct queue *to, struct queue *from)
{
    if (!from->first)
        return;
    *to->end = from->first;
    to->end = from->end;
    clear(from);
}

/* ---- threads ---- */

/* What a thread takes at a time. False: there is nothing any more. */
static bool take(struct pool *p, struct queue *ret_taken)
{
    clear(ret_taken);
    while (!p->waiting.first && !p->ending) {
        p->sleeping++;
        pthread_cond_wait(&p->more, &p->lock);
        p->sleeping--;
    }
    if (p->config.batches) {
        append_all(ret_taken, &p->waiting);
    } else if (p->waiting.first) {
        struct io *io = p->waiting.first;
        p->waiting.first = io->next;
        if (!io->next)
            clear(&p->waiting);
        append(ret_taken, io);
    }
    return ret_taken->first != NULL;
}

static void *thread(void *arg)
{
    struct pool *p = arg;
    struct queue taken;
    pthread_mutex_lock(&p->lock);
    p->n_up++;
    pthread_cond_signal(&p->up);
    while (take(p, &taken)) {
        pthread_mutex_unlock(&p->lock);
        for (struct io *io = taken.first; io; io = io->next)
            p->config.work(p->config.arg, io);
        pthread_mutex_lock(&p->lock);
        append_all(&p->done, &taken);
        uv_async_send(&p->finished);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* ---- the loop's side ---- */

static void on_finished(uv_async_t *async)
{
    struct pool *p = async->data;
    struct queue done;
    clear(&done);
    pthread_mutex_lock(&p->lock);
    append_all(&done, &p->done);
    pthread_mutex_unlock(&p->lock);
    for (struct io *io = done.first, *next; io; io = next) {
        next = io->next; /* who is told may submit it again */
        p->config.done(p->config.arg, io);
    }
}

void pool_add(struct pool *p, struct io *io)
{
    append(&p->added, io);
    p->n_added++;
}

void pool_start(struct pool *p)
{
    if (p->n_added == 0)
        return;
    pthread_mutex_lock(&p->lock);
    append_all(&p->waiting, &p->added);
    unsigned wake = p->sleeping < p->n_added ? p->sleeping : p->n_added;
    pthread_mutex_unlock(&p->lock);
    p->n_added = 0;
    while (wake-- > 0)
        pthread_cond_signal(&p->more);
}

/* ---- life ---- */

static int start_threads(struct pool *p)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int error = pthread_attr_init(&attr);
    if (error)
        return -error;
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    sigfillset(&all); /* signals are the loop's, but for those of a thread's own doing */
    sigdelset(&all, SIGSYS);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (p->n_threads < p->config.n_threads && !error) {
        error = pthread_create(&p->threads[p->n_threads], &attr, thread, p);
        p->n_threads += !error;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    /* the calls that a thread makes until then are not on the list of calls.c */
    pthread_mutex_lock(&p->lock);
    while (p->n_up < p->n_threads)
        pthread_cond_wait(&p->up, &p->lock);
    pthread_mutex_unlock(&p->lock);
    return p->n_threads > 0 ? 0 : -error;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

int pool_new(const struct pool_config *config, struct pool **ret_pool)
{
    struct pool *p = xcalloc(1, sizeof *p + config->n_threads * sizeof *p->threads);
    p->config = *config;
    clear(&p->added);
    clear(&p->waiting);
    clear(&p->done);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->more, NULL);
    pthread_cond_init(&p->up, NULL);
    uv_async_init(config->loop, &p->finished, on_finished);
    uv_unref((uv_handle_t *)&p->finished); /* who waits for work keeps the loop up */
    p->finished.data = p;
    int error = start_threads(p);
    if (error) {
        pool_free(p);
        return error;
    }
    *ret_pool = p;
    return 0;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->n_threads; i++)
        pthread_join(p->threads[i], NULL);
    pthread_cond_destroy(&p->more);
    pthread_cond_destroy(&p->up);
    pthread_mutex_destroy(&p->lock);
    uv_close((uv_handle_t *)&p->finished, on_closed);
}
