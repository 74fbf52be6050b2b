/* SPDX-License-Identifier: MIT */
/* xenrecon-blk: serves one disk of one guest. Started by the controller, never by hand: what it must know
 * comes in the environment and in two descriptors (xenrecon-worker(7)). Opens everything, locks itself in,
 * serves. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "reconcilers/block/calls.h"
#include "reconcilers/block/disk.h"
#include "reconcilers/block/formats.h"
#include "reconcilers/block/grow.h"
#include "reconcilers/block/guest.h"
#include "reconcilers/block/inherited.h"
#include "reconcilers/block/jail.h"
#include "reconcilers/block/journal.h"
#include "reconcilers/block/keeper.h"
#include "reconcilers/block/link.h"
#include "reconcilers/block/network.h"
#include "reconcilers/block/raw.h"
#include "reconcilers/block/say.h"
#include "reconcilers/block/server.h"
#include "reconcilers/block/session.h"
#include "reconcilers/block/unflushed.h"
#include "reconcilers/block/vhost.h"
#include "reconcilers/block/vhost_user.h"
#include "schemas/message.h"
#include "schemas/value.h"

enum { DOMID_MAX = 0x7fef };

static const char usage[] =
    "usage: xenrecon-blk --image PARAMS [OPTION]...\n"
    "       xenrecon-blk --serve-formats [--io-uring] [--secrets=FOLDER] -- PROGRAM [ARGUMENT]...\n"
    "       xenrecon-blk --serve-network -- PROGRAM [ARGUMENT]...\n"
    "       xenrecon-blk --grow DEVICE SIZE [RUNTIME-DIR]\n"
    "\n"
    "Serves a raw file or a block device to one guest, as the worker of xenrecon(8) for it.\n"
    "\n"
    "  --image PARAMS      PATH, or raw:, aio:, phy: or file: and PATH; without a path an empty drive\n"
    "  --mode r|w|w!       read-only or writable (default: w); w! is known to be shared\n"
    "  --device-type TYPE  disk (default) or cdrom, which is read-only and may be empty\n"
    "  --discard[=0|1]     let the guest give blocks back, where the storage can (default: 1)\n"
    "  --direct[=0|1]      past the page cache (O_DIRECT)\n"
    "  --network SOCKET    who opens images over the network (default: nobody)\n"
    "  --no-jail           keep all rights: ONLY for tests on machines without Xen\n"
    "  --serve-network     be what opens images over the network, as systemd starts it\n"
    "  --serve-formats     be what opens images in other formats, as xenrecon starts it\n"
    "  --grow              make an image in another format longer, while its guest uses it\n"
    "  --help\n";

struct options {
    struct disk_options disk;
    bool no_jail;
};

struct inherited {
    const char *device, *socket;
    uint16_t domid;
    char token[TOKEN_DIGITS + 1];
    int state;
    struct journal *journal;
    struct jail jail;
};

struct process {
    uv_loop_t loop;
    uv_signal_t signals[3];
    uv_async_t unknown_calls;
    struct session *session;
    struct disk *disk;
    uv_poll_t lease; /* of what is kept elsewhere: news of its size */
    bool leased, well;
};

/* What the disk is kept on, and by whom: one of them. */
struct storage {
    struct disk disk;
    struct raw *raw;
    struct vhost *vhost;
    struct unflushed *unflushed; /* with vhost */
    int lease;                   /* of the server that keeps it; -1: none does */
};

static struct process process;

static void die(int status, const char *what) __attribute__((noreturn));
static void die(int status, const char *what)
{
    say("%s", what);
    exit(status);
}

/* ---- options ---- */

/* Empty is a key that the toolstack did not write. */
static bool flag(const char *value, bool absent)
{
    if (value && *value && strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
        die(EXIT_USAGE, "--discard and --direct are 0 or 1");
    return !value || (*value ? *value == '1' : absent);
}

static bool one_of(const char *value, const char *yes, const char *no)
{
    if (strcmp(value, yes) != 0 && strcmp(value, no) != 0)
        die(EXIT_USAGE, "--mode is r, w or w!, --device-type is disk or cdrom");
    return strcmp(value, yes) == 0;
}

static struct options parse_options(int argc, char **argv)
{
    enum { IMAGE = 1, MODE, TYPE, DISCARD, DIRECT, NETWORK, NO_JAIL, HELP };
    static const struct option known[] = {
        {"image", required_argument, NULL, IMAGE},
        {"mode", required_argument, NULL, MODE},
        {"device-type", required_argument, NULL, TYPE},
        {"discard", optional_argument, NULL, DISCARD},
        {"direct", optional_argument, NULL, DIRECT},
        {"network", required_argument, NULL, NETWORK},
        {"no-jail", no_argument, NULL, NO_JAIL},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    struct options o = {.disk.discard = true}; /* as blkif.h has it for `discard-enable` */
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == IMAGE)
            o.disk.image = optarg;
        else if (c == MODE)
            o.disk.read_only = one_of(strcmp(optarg, "w!") == 0 ? "w" : optarg, "r", "w");
        else if (c == TYPE)
            o.disk.cdrom = one_of(optarg, "cdrom", "disk");
        else if (c == DISCARD)
            o.disk.discard = flag(optarg, true);
        else if (c == DIRECT)
            o.disk.direct = flag(optarg, false);
        else if (c == NETWORK)
            o.disk.network = optarg;
        else if (c == NO_JAIL)
            o.no_jail = true;
        else if (c == HELP)
            exit(fputs(usage, stdout) == EOF);
        else
            exit(EXIT_USAGE);
    }
    if (optind != argc || !o.disk.image) {
        fputs(usage, stderr);
        exit(EXIT_USAGE);
    }
    return o;
}

/* ---- what the controller left us ---- */

/* A part of the state file: the journal, and behind it what is kept until it is flushed. */
static void *map_state(int fd, size_t from, size_t size)
{
    struct stat st;
    void *at = MAP_FAILED;
    bool fits = fstat(fd, &st) == 0 && st.st_size >= (off_t)(from + size);
    if (fits || ftruncate(fd, (off_t)(from + size)) == 0)
        at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)from);
    if (at == MAP_FAILED) {
        say("the state file: %s", strerror(errno));
        exit(1);
    }
    return at;
}

static void inherit(struct inherited *in)
{
    in->device = inherited_text("XENRECON_DEVICE");
    in->socket = inherited_text("XENRECON_SOCKET");
    in->domid = (uint16_t)inherited_number("XENRECON_FRONTEND_DOMID", DOMID_MAX);
    inherited_token(in->token);
    in->state = (int)inherited_number("XENRECON_STATE_FD", FD_MAX);
    in->journal = map_state(in->state, 0, sizeof *in->journal);
    journal_open(in->journal);
    in->jail.new_user = getenv("XENRECON_UID") != NULL;
    if (in->jail.new_user) {
        in->jail.uid = inherited_number("XENRECON_UID", UINT32_MAX - 1);
        in->jail.gid = inherited_number("XENRECON_GID", UINT32_MAX - 1);
    }
}

/* ---- the loop's news ---- */

static void on_signal(uv_signal_t *handle, int number)
{
    struct process *p = handle->data;
    if (!p->session)
        return; /* it is over already */
    if (number == SIGHUP)
        session_look_at_size(p->session);
    else
        session_stop(p->session);
}

static void on_finished(void *arg, bool well)
{
    struct process *p = arg;
    p->well = well;
    uv_stop(&p->loop);
}

static void on_gone(void *arg, const char *why)
{
    struct process *p = arg;
    char text[128];
    snprintf(text, sizeof text, "the server of formats: %s", why);
    if (p->session)
        session_give_up(p->session, text);
}

static void on_lease(uv_poll_t *poll, int status, int events)
{
    struct process *p = poll->data;
    uv_os_fd_t fd;
    uint64_t size;
    bool gone = status < 0 || uv_fileno((uv_handle_t *)poll, &fd) != 0;
    (void)events;
    if (!gone && formats_size(fd, &size, &gone) && p->session) {
        p->disk->size = size;
        session_look_at_size(p->session);
    }
    if (gone)
        uv_poll_stop(poll);
}

/* ---- system calls that were kept back ---- */

static void on_forbidden(const char *name)
{
    char text[64] = "system call ";
    strncat(text, name, 32);
    strncat(text, " is not allowed", sizeof text - strlen(text) - 1);
    say_in_handler(text);
    link_last_words(text);
}

static void on_unknown(void)
{
    uv_async_send(&process.unknown_calls); /* which a handler may do */
}

static void say_unknown(uv_async_t *handle)
{
    (void)handle;
    calls_say_unknown();
}

/* ---- the process ---- */

/* All that the loop opens for itself is opened here. */
static void set_up_loop(struct process *p)
{
    static const int numbers[] = {SIGHUP, SIGTERM, SIGINT};
    uv_loop_init(&p->loop);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        uv_signal_init(&p->loop, &p->signals[i]);
        p->signals[i].data = p;
        uv_signal_start(&p->signals[i], on_signal, numbers[i]);
    }
    uv_async_init(&p->loop, &p->unknown_calls, say_unknown);
    uv_unref((uv_handle_t *)&p->unknown_calls);
}

/* Signals stay caught, and so the loop open: the SIGTERM that comes with `stop` must not end us half-way. */
static void tear_down(struct process *p, const struct storage *storage)
{
    session_free(p->session);
    raw_close(storage->raw);
    vhost_close(storage->vhost);
    unflushed_free(storage->unflushed);
    if (p->leased)
        uv_close((uv_handle_t *)&p->lease, NULL);
    p->session = NULL;
    for (size_t i = 0; i < sizeof p->signals / sizeof *p->signals; i++)
        uv_unref((uv_handle_t *)&p->signals[i]);
    uv_run(&p->loop, UV_RUN_DEFAULT);
}

/* Where the socket is for us; `why` is set when the jail does not hold. */
static const char *lock_in(struct inherited *in, bool no_jail, char why[256])
{
    bool chrooted = false;
    const char *slash = strrchr(in->socket, '/');
    if (no_jail) {
        say("--no-jail: THIS WORKER KEEPS ALL ITS RIGHTS. For tests on machines without Xen, nothing else");
        return in->socket;
    }
    if (in->socket[0] != '/') {
        snprintf(why, 256, "XENRECON_SOCKET is not an absolute path");
        return in->socket;
    }
    in->jail.root = slash == in->socket ? "/" : strndup(in->socket, (size_t)(slash - in->socket));
    int error = in->jail.root ? jail_rights(&in->jail, &chrooted) : -ENOMEM;
    if (error)
        snprintf(why, 256, "giving up rights: %s", strerror(-error));
    return chrooted ? slash : in->socket;
}

static void quiet_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, 1); /* no thread but the loop's allocates anything */
#endif
}

/* ---- the storage ---- */

static void must(int error, const char *what)
{
    if (!error)
        return;
    say("%s: %s", what, strerror(-error));
    exit(1);
}

/* What the worker before us was told to be written, but not to be safe. */
static void redo_unflushed(struct storage *s, const struct disk_options *o, const struct inherited *in,
                           char why[256])
{
    enum { PAGE = 4096 };
    struct unflushed_log *log =
        map_state(in->state, (sizeof *in->journal + PAGE - 1) / PAGE * PAGE, sizeof *log);
    struct engine *engine = vhost_engine(s->vhost);
    int error = unflushed_open(log, o->image, engine, vhost_do_now, s->vhost);
    if (error)
        snprintf(why, 256, "doing again what was not flushed: %s", strerror(-error));
    s->unflushed = unflushed_new(log, engine);
}

static void open_storage(struct storage *s, const struct disk_options *o, const struct inherited *in,
                         char why[256])
{
    bool network = network_address(o->image) != NULL;
    const char *server = network ? o->network : getenv("XENRECON_FORMATS"), *name = strrchr(in->device, '/');
    struct vhost_user_disk like;
    int socket;
    if (network && !server) {
        snprintf(why, 256, "%.100s: images over the network are not served without --network", o->image);
        return;
    }
    if (!formats_wanted(o->image) || !server) {
        disk_open(o, &s->disk, why);
        return;
    }
    if (formats_open(o, server, name ? name + 1 : in->device, &s->lease, &socket, why) == 0 &&
        vhost_open(socket, &s->vhost, &like, why) == 0) {
        s->disk = disk_elsewhere(o, &like);
        redo_unflushed(s, o, in, why);
    }
}

static struct engine *begin_storage(struct storage *s, struct process *p)
{
    p->disk = &s->disk;
    if (s->vhost) {
        must(uv_poll_init(&p->loop, &p->lease, s->lease), "watching the server of formats");
        p->leased = true;
        p->lease.data = p;
        uv_poll_start(&p->lease, UV_READABLE, on_lease);
        vhost_begin(s->vhost, &(struct vhost_config){.loop = &p->loop, .gone = on_gone, .arg = p});
        return unflushed_engine(s->unflushed);
    }
    must(raw_begin(s->raw, &p->loop), "starting threads");
    return raw_engine(s->raw);
}

static const struct calls_watch watch = {.forbidden = on_forbidden, .unknown = on_unknown};

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--serve-formats") == 0)
        return server_main(argc - 2, argv + 2, false);
    if (argc > 1 && strcmp(argv[1], "--serve-network") == 0)
        return server_main(argc - 2, argv + 2, true);
    if (argc > 1 && strcmp(argv[1], "--grow") == 0)
        return grow_main(argc - 2, argv + 2);
    struct options o = parse_options(argc, argv);
    struct inherited in = {0};
    struct process *p = &process;
    struct storage storage = {.disk = {.fd = -1, .changes = -1}, .lease = -1};
    struct guest *guest = NULL;
    char why[256] = "";

    signal(SIGPIPE, SIG_IGN);
    quiet_memory();
    inherit(&in);
    open_storage(&storage, &o.disk, &in, why);
    close(in.state);
    if (!*why)
        guest_open(in.domid, &guest, why);
    const char *socket = lock_in(&in, o.no_jail, why);
    must(o.no_jail ? 0 : disk_limit(&storage.disk, &(struct words){argc, argv}),
         "limiting the size of the image");
    storage.raw = raw_open(&storage.disk); /* as the user that we are now */
    must(o.no_jail ? 0 : calls_without_rings(), "forbidding io_uring");
    set_up_loop(p);
    struct session_config config = {.loop = &p->loop,
                                    .disk = &storage.disk,
                                    .engine = begin_storage(&storage, p),
                                    .guest = guest,
                                    .journal = in.journal,
                                    .failure = *why ? why : NULL,
                                    .device = in.device,
                                    .token = in.token,
                                    .finished = on_finished,
                                    .arg = p};
    p->session = session_new(&config);
    session_begin(p->session, socket); /* before the filter, as whoever is killed by it has last words */
    must(o.no_jail ? 0 : calls_restrict(&watch, raw_ring(storage.raw)), "restricting system calls");
    uv_run(&p->loop, UV_RUN_DEFAULT);
    tear_down(p, &storage);
    if (storage.lease >= 0 && p->well)
        formats_close(storage.lease);
    guest_close(guest);
    disk_close(&storage.disk);
    return p->well ? 0 : 1;
}
