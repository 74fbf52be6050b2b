/* SPDX-License-Identifier: MIT */
/* The program: blkfront.h says what it is. */
#include "test/rig/blkfront.h"

#include "test/rig/client.h"

static const char usage[] =
    "usage: blkfront DEVID COMMAND [OPTION...]\n"
    "  as one of the programs of domain $RIG_DOMID, to whose ring $XENSTORED_PATH leads\n"
    "  info                    what the backend publishes\n"
    "  read SECTOR COUNT       to standard output; sectors are 512 bytes\n"
    "  write SECTOR COUNT      from standard input\n"
    "  discard SECTOR COUNT\n"
    "  flush\n"
    "  overtake write|flush    one of these, and reads that pass it\n"
    "  come-back SECTOR COUNT  a flush; when standard input has ended, close, connect with the same keys, "
    "read\n"
    "  verify                  writes, remembers what was acknowledged, reads it again; see "
    "blkfront_verify.c\n"
    "  bench [PATTERN]         randread, randwrite (4 KiB), read or write (1 MiB, or what a request can);\n"
    "                          without it, lines `PATTERN DEPTH` from standard input until a depth is 0\n"
    "  hostile [CASE...]       all cases but those after which the ring is dead; `hostile list` names them\n"
    "  hold                    stay connected until standard input ends or the backend closes\n"
    "  reload                  close in good order and connect again, --count times, reading in between\n"
    "  kexec                   connect again without a close, likewise\n"
    "options:\n"
    "  --protocol 64|32        name it, instead of none; 32: lay the ring out so\n"
    "  --ring-order N          pages of the ring, as a power of two (0), if the backend can\n"
    "  --segments N            of a request (11), likewise; more than 11 are indirect\n"
    "  --depth N               requests under way (32, or what the ring holds)\n"
    "  --span N                sectors that verify and bench use (verify: 32768, bench: the disk)\n"
    "  --count N               writes of verify (5000); rounds of reload and kexec (1)\n"
    "  --seed N                of verify and bench (1)\n"
    "  --seconds N             of bench (5)\n"
    "  --progress N            verify says `acknowledged=N` after so many writes\n"
    "  --page N                the first page of the domain that is used (16)\n"
    "  --timeout-ms N          for a step of the handshake (60000)\n"
    "  --stall-ms N            without an answer on the ring (60000)\n"
    "  --persistent            keep pages granted, if the backend offers to keep them mapped\n"
    "  --eager                 do not wait for InitWait\n"
    "  --pages                 say how large the ring is by num-ring-pages\n"
    "  --reset                 close first, when a frontend before this one has not\n"
    "  --leave                 end without closing\n";

uint64_t random_below(struct blkfront *d, uint64_t n)
{
    static uint64_t state;

    if (!state)
        state = 0x9e3779b97f4a7c15ULL * (d->opt.seed + 1ULL);
    state ^= state << 13; /* xorshift64 */
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % n;
}

/* ---- options ---- */

static struct {
    const char *name;
    size_t at;
} const numbers[] = {
    {"--ring-order", offsetof(struct options, ring_order)},
    {"--segments", offsetof(struct options, segments)},
    {"--depth", offsetof(struct options, depth)},
    {"--count", offsetof(struct options, count)},
    {"--seed", offsetof(struct options, seed)},
    {"--seconds", offsetof(struct options, seconds)},
    {"--progress", offsetof(struct options, progress)},
    {"--page", offsetof(struct options, page)},
    {"--timeout-ms", offsetof(struct options, timeout)},
    {"--stall-ms", offsetof(struct options, stall)},
};

/* NULL: no such flag. */
static bool *flag_of(struct options *o, const char *name)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--persistent", &o->persistent},
                 {"--eager", &o->eager},
                 {"--pages", &o->pages},
                 {"--reset", &o->reset},
                 {"--leave", &o->leave}};

    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
        if (strcmp(name, flags[i].name) == 0)
            return flags[i].flag;
    return NULL;
}

static void take_value(struct options *o, const char *name, const char *value)
{
    if (strcmp(name, "--protocol") == 0) {
        if (strcmp(value, "32") != 0 && strcmp(value, "64") != 0)
            errx(EXIT_USAGE, "--protocol is 32 or 64");
        o->protocol = *value == '3' ? PROTOCOL_32 : PROTOCOL_64;
        return;
    }
    if (strcmp(name, "--span") == 0) {
        o->span = parse_number(name, value);
        return;
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        if (strcmp(name, numbers[i].name) == 0) {
            unsigned int n = parse_number(name, value);

            memcpy((char *)o + numbers[i].at, &n, sizeof(n));
            return;
        }
    errx(EXIT_USAGE, "%s: no such option", name);
}

/* Takes the options out of argv; how many words are left. */
static int take_options(struct options *o, char **argv)
{
    int words = 0;

    for (char **arg = argv; *arg; arg++) {
        if (strncmp(*arg, "--", 2) != 0) {
            argv[words++] = *arg;
        } else if (flag_of(o, *arg)) {
            *flag_of(o, *arg) = true;
        } else {
            if (!arg[1])
                errx(EXIT_USAGE, "%s wants a value", *arg);
            take_value(o, arg[0], arg[1]);
            arg++;
        }
    }
    argv[words] = NULL;
    if (o->ring_order > 4 || o->depth == 0 || o->depth > DEPTH_MAX || o->segments < 1 || o->segments > 4096)
        errx(EXIT_USAGE, "--ring-order is at most 4, --depth 1 to %d, --segments 1 to 4096", DEPTH_MAX);
    return words;
}

/* ---- commands ---- */

struct command {
    const char *name;
    int min, max; /* words after it */
    int (*run)(struct blkfront *d, char **words);
};

static uint64_t number(const char *text)
{
    char *end;
    unsigned long long n = strtoull(text, &end, 10);

    if (*text < '0' || *text > '9' || *end)
        errx(EXIT_USAGE, "not a number: '%s'", text);
    return n;
}

static int run_info(struct blkfront *d, char **words)
{
    (void)words;
    bus_print(d);
    return 0;
}

static int run_read(struct blkfront *d, char **words)
{
    return io_read(d, number(words[0]), number(words[1]));
}

static int run_write(struct blkfront *d, char **words)
{
    return io_write(d, number(words[0]), number(words[1]));
}

static int told(int status)
{
    if (status != BLKIF_RSP_OKAY)
        warnx("status %d", status);
    return status != BLKIF_RSP_OKAY;
}

static int run_discard(struct blkfront *d, char **words)
{
    return told(ring_do(d, ring_take(d), BLKIF_OP_DISCARD, number(words[0]), (uint32_t)number(words[1])));
}

static int run_flush(struct blkfront *d, char **words)
{
    (void)words;
    return told(ring_do(d, ring_take(d), BLKIF_OP_FLUSH_DISKCACHE, 0, 0));
}

static int run_overtake(struct blkfront *d, char **words)
{
    return io_overtake(d, words[0]);
}

static int run_come_back(struct blkfront *d, char **words)
{
    ring_submit(d, ring_take(d), BLKIF_OP_FLUSH_DISKCACHE, 0, 0);
    ring_push(d);
    puts("asked");
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    bus_come_back(d);
    return run_read(d, words);
}

static int run_verify(struct blkfront *d, char **words)
{
    (void)words;
    if (d->opt.count == 0)
        d->opt.count = 5000;
    return verify(d);
}

static int run_bench(struct blkfront *d, char **words)
{
    char name[16];
    unsigned int depth;
    int n = 0;

    if (words[0])
        return io_bench(d, words[0], d->opt.depth);
    while ((n = scanf("%15s %u", name, &depth)) == 2 && depth > 0)
        io_bench(d, name, depth);
    return n == 1;
}

static int run_hold(struct blkfront *d, char **words)
{
    (void)words;
    puts("connected");
    fflush(stdout);
    bus_hold(d);
    return 0;
}

static int again(struct blkfront *d, bool close)
{
    unsigned int rounds = d->opt.count ? d->opt.count : 1;

    for (unsigned int i = 0; i < rounds; i++) {
        if (told(ring_do(d, ring_take(d), BLKIF_OP_READ, 0, d->sector_size / SECTOR)))
            return 1;
        if (close)
            bus_close(d);
        bus_connect(d);
    }
    return told(ring_do(d, ring_take(d), BLKIF_OP_READ, 0, d->sector_size / SECTOR));
}

static int run_reload(struct blkfront *d, char **words)
{
    (void)words;
    return again(d, true);
}

static int run_kexec(struct blkfront *d, char **words)
{
    (void)words;
    return again(d, false);
}

static const struct command commands[] = {
    {"info", 0, 0, run_info},           {"read", 2, 2, run_read},     {"write", 2, 2, run_write},
    {"discard", 2, 2, run_discard},     {"flush", 0, 0, run_flush},   {"verify", 0, 0, run_verify},
    {"bench", 0, 1, run_bench},         {"hostile", 0, 100, hostile}, {"hold", 0, 0, run_hold},
    {"reload", 0, 0, run_reload},       {"kexec", 0, 0, run_kexec},   {"overtake", 1, 1, run_overtake},
    {"come-back", 2, 2, run_come_back},
};

static const struct command *choose(const char *name, int words)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        if (strcmp(commands[i].name, name) == 0 && words >= commands[i].min && words <= commands[i].max)
            return &commands[i];
    fputs(usage, stderr);
    exit(EXIT_USAGE);
}

int main(int argc, char **argv)
{
    static struct blkfront d = {.opt = {.segments = DIRECT,
                                        .depth = 32,
                                        .page = 16,
                                        .timeout = 60000,
                                        .stall = 10000,
                                        .seed = 1,
                                        .seconds = 5}};
    const struct command *command;
    int words, status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    words = take_options(&d.opt, argv + 1);
    if (words < 1)
        errx(64, "which device? `blkfront --help` tells");
    command = choose(words < 2 ? "" : argv[2], words - 2);
    d.devid = parse_number("device", argv[1]);
    bus_open(&d);
    bus_connect(&d);
    status = command->run(&d, argv + 3);
    if (!d.opt.leave)
        bus_close(&d);
    return status;
}
