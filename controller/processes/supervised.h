/* SPDX-License-Identifier: MIT */
/* One worker under supervision, the table of all, their deadlines, and the news of them.
 *
 *            start                ready             connect               connected
 *   (none) ----------> STARTING --------> READY -----------> CONNECTING ----------> CONNECTED
 *                       ^    ^              ^                    | error | disconnect  | disconnect
 *              start    |    |              +--------------------+       v             v
 *   DEAD ---------------+    |              +------------------------ DISCONNECTING <--+
 *    ^                       |                    disconnected
 *    |                       +-- connection lost, in any state: it says anew how it stands
 *    +-- its process ended without being told to, in any state; or could not be started
 *
 * These are the states of the worker that is wanted. The process that there is may still be another's, which
 * is being ended (`ending`): then what it says is ignored, and the one that is wanted waits (`next`).
 *
 * One thread, the loop's. Times are milliseconds of supervised_now(). */
#ifndef XENRECON_SUPERVISED_H
#define XENRECON_SUPERVISED_H

#include <uv.h>

#include "controller/base/patience.h"
#include "controller/base/queue.h"
#include "controller/base/run_dir.h"
#include "controller/processes/output.h"
#include "controller/processes/tail.h"
#include "controller/processes/worker_launch.h"
#include "controller/processes/worker_process.h"
#include "controller/processes/worker_record.h"
#include "controller/processes/worker_socket.h"
#include "controller/processes/workers_config.h"
#include "reconcilers/worker.h"
#include "schemas/arena.h"

enum {
    SAID_SIZE = WORKER_DIED_SIZE, /* of what is said about a worker: it goes to the store */
    BUCKETS = 256,                /* a power of two */
};

enum ending {
    ENDING_NOT,
    ENDING_TOLD, /* SIGTERM */
    ENDING_KILLED,
};

struct supervised {
    LIST_ENTRY(supervised) same_bucket;
    TAILQ_ENTRY(supervised) news;
    struct workers *w;
    struct device_key key;
    char name[DEVICE_KEY_SIZE];
    struct worker facts;                  /* as workers_ask() tells them; that leaves out an unwanted one */
    struct worker_record record;          /* of the process that runs, or of the last that ran */
    struct worker_process *process;       /* NULL: none runs */
    struct worker_connection *connection; /* NULL: it is not connected, or has not said hello */
    struct output *output;                /* of the process that runs, or ran last; NULL: none is read */
    struct format_server *formats;        /* that its workers may connect to; NULL: they have none */
    struct worker_launch *next;           /* to be started when the process has ended; NULL: none is */
    enum ending ending;                   /* of the process */
    bool has_news;                        /* it is in the list of news */
    bool swept; /* ended because nobody asked for it; forgotten then, unless somebody has asked meanwhile */
    bool unwanted;       /* workers_stop() was called: forgotten when the process has ended */
    bool fresh;          /* the next process gets an empty state file */
    bool held;           /* another process still has its state file: it is DEAD until that has ended */
    bool found, asked;   /* it ran before this process did; workers_ask() was called for it */
    bool told;           /* it was told to connect or disconnect, on this connection */
    unsigned misconduct; /* connections of this process that were closed for what it sent */
    uint64_t logged_at;
    uint64_t served_at;      /* when the process connected for the first time; 0: not yet */
    uint32_t streak;         /* deaths in a row; one that served for longer than retry_max begins anew */
    uint64_t deadline;       /* 0: none */
    uint32_t allowed;        /* how long it had until the deadline */
    const char *awaited;     /* what it is to do until the deadline: a phrase after "did not" */
    struct tail printed;     /* by it, and by those before it */
    uint64_t printed_before; /* printed.total when the process began */
    struct arena published;  /* the memory of facts.published */
    char said[SAID_SIZE];    /* the memory of facts.said */
    char image[SAID_SIZE];   /* the memory of facts.image */
    char died[SAID_SIZE];    /* the memory of facts.died */
    char lost[SAID_SIZE];    /* the memory of facts.lost */
    char cause[SAID_SIZE];   /* why it was killed; empty: it was not */
};

LIST_HEAD(bucket, supervised);
TAILQ_HEAD(news, supervised);

struct workers {
    struct workers_config cfg;
    void (*overdue)(struct supervised *s);                 /* called when its deadline has passed */
    void (*kill)(struct supervised *s, const char *cause); /* kills it: it will be DEAD */
    struct run_dir dir;
    struct worker_socket *socket;
    struct format_servers *formats;
    struct bucket buckets[BUCKETS];
    struct news news;
    unsigned running;         /* processes that run */
    uint64_t deaths;          /* workers that ended without being told to, ever */
    struct patience patience; /* for the deadlines */
    uv_timer_t teller;
    unsigned handles; /* handles of libuv that are still to be closed */
    bool closed;
};

uint64_t supervised_now(const struct workers *w); /* decide()'s clock; never 0 */
struct supervised *supervised_find(const struct workers *w,
                                   const struct device_key *key); /* NULL: there is none */
struct supervised *supervised_new(struct workers *w, const struct device_key *key);
void supervised_free(struct supervised *s); /* its process goes on, if there is one */
void supervised_tell(struct supervised *s); /* has cfg.changed called for it, later */
void supervised_say(struct supervised *s,
                    const char *text); /* sets facts.said, made printable; NULL: to nothing */
void supervised_say_lost(struct supervised *s, const char *text);  /* sets facts.lost, likewise */
void supervised_say_image(struct supervised *s, const char *text); /* sets facts.image, likewise */
/* It has so many milliseconds. "did not <awaited> within 60.0 s" is why it is killed otherwise. */
void supervised_await(struct supervised *s, uint32_t allowed, const char *awaited);
uint64_t supervised_look(void *arg, uint64_t now); /* for patience_open(); `arg` is the workers */

#endif
