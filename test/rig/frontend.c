/* SPDX-License-Identifier: MIT */
/* Plays the drivers of guests towards the store, as domain 0; it writes only below F. A driver is a list of
 * steps, and one process takes any number of devices through the same list:
 *
 *   1 3 4 5 6   set F's state
 *   r           write ring-ref and event-channel, other ones each time
 *   ?2 ?56      wait until B's state is one of these; 0: until it has none, as when it was detached
 *   |           where a device starts that is Connected already
 *   *           back to `|` while --rounds are left
 *   f           follow: when B is Closing or Closed, F goes Closed
 *   n           never close: stay as you are
 *
 * A wait looks at the level: what came and went before we looked does not count. As in Linux, a backend that
 * closes while a driver waits to be connected (F 3) closes the driver. */
#include "test/rig/client.h"

#define CONNECT "1 ?2 r 3 ?4 4"
#define AT_ONCE "r 3 ?4 4"

static const struct program {
    const char *name, *steps, *what;
} programs[] = {
    {"connect", CONNECT " | f", "as blkfront does"},
    {"never-close", CONNECT " | n", "connect, then ignore the backend"},
    {"eager", AT_ONCE " | f", "do not wait for InitWait"},
    {"net", "1 ?2 r 4 ?4 | f", "from Initialising to Connected, without 3"},
    {"close-first", "5 ?56 6 ?6 " CONNECT " | f", "a full cycle before the first connect"},
    {"reload", CONNECT " | 5 ?56 6 ?6 " CONNECT " f", "connect, close in good order, connect again"},
    {"reload-2", CONNECT " | 5 ?56 6 ?6 2 ?2 r 3 ?4 4 f", "the same, coming back by InitWait"},
    {"restart-fast", CONNECT " | 5 6 1 r 3 !4 4 f", "the same, waiting for nothing"},
    {"kexec", CONNECT " | 1 ?24 " AT_ONCE " f", "connect, start over without a close"},
    {"kexec-waits", CONNECT " | " CONNECT " f", "the same, waiting for InitWait"},
    {"flap", CONNECT " | 5 ?56 6 ?6 " CONNECT " * f", "reload --rounds times"},
    {"close", "| 5 ?56 6 ?60", "close and stay so"},
};

struct device {
    const char *f;
    char b[PATH_SIZE];
    const char *step; /* NULL: gone, or closed for good */
    char state;       /* F's */
    unsigned int ring, rounds;
    bool gone;
};

static const struct program *program;
static struct device *devices;
static unsigned int ndevices;

/* Absent and unparsable ones read as 0. */
static char read_state(const char *dir)
{
    char path[PATH_SIZE];
    char *value;
    char state = '0';

    format_path(path, "%s/state", dir);
    value = get(XBT_NULL, path);
    if (value && strlen(value) == 1)
        state = *value;
    free(value);
    return state;
}

static void set_state(struct device *d, char state)
{
    if (d->state != state)
        put_key(XBT_NULL, d->f, "state", (char[]){state, '\0'});
    d->state = state;
}

static void put_ring(struct device *d)
{
    xs_transaction_t t;

    do {
        t = begin();
        put_number(t, d->f, "ring-ref", d->ring);
        put_number(t, d->f, "event-channel", d->ring + 1);
    } while (!commit(t));
    d->ring += 2 * ndevices;
}

/* Whether the program came to its end, which for most is to follow the backend. */
static bool finished(const struct device *d)
{
    return !d->step || *d->step == '\0' || *d->step == 'f' || *d->step == 'n';
}

static const char *next_step(const char *step)
{
    step += strcspn(step, " ");
    return step + strspn(step, " ");
}

/* Takes one step; false when it has to be waited for. */
static bool take_step(struct device *d)
{
    char b;

    switch (*d->step) {
    case '?':
    case '!': /* whatever B was made to do by the connection before */
        b = read_state(d->b);
        if (memchr(d->step + 1, b, strcspn(d->step + 1, " ")))
            break;
        if (*d->step == '!' || d->state != '3' || b != '5')
            return false;
        d->step = "f";
        return true;
    case 'r':
        put_ring(d);
        break;
    case '|':
        break;
    case '*':
        if (d->rounds > 1) {
            d->rounds--;
            d->step = strchr(program->steps, '|');
            return true;
        }
        break;
    case 'f':
        b = read_state(d->b);
        if (b != '5' && b != '6')
            return false;
        set_state(d, '6');
        d->step = NULL;
        return false;
    case 'n':
    case '\0':
        return false;
    default:
        set_state(d, *d->step);
        break;
    }
    d->step = next_step(d->step);
    return true;
}

/* As far as it goes now. A removed F is not written to: that would create it again. */
static void advance(struct device *d)
{
    char path[PATH_SIZE];
    char *backend;

    do {
        format_path(path, "%s/backend", d->f);
        backend = get(XBT_NULL, path);
        free(backend);
        if (!backend) {
            d->gone = !finished(d);
            d->step = NULL;
        }
    } while (d->step && take_step(d));
}

static void start(struct device *d, unsigned int index, unsigned int ring, unsigned int rounds)
{
    char path[PATH_SIZE], token[16];
    char *value;

    format_path(path, "%s/backend", d->f);
    value = get(XBT_NULL, path);
    if (!value)
        errx(1, "%s: no such device", path);
    format_path(d->b, "%s", value);
    free(value);

    format_path(path, "%s/ring-ref", d->f);
    value = get(XBT_NULL, path); /* what an earlier driver, of another process, left */
    d->ring = ring + 2 * index;
    if (value && strtoul(value, NULL, 10) == d->ring)
        d->ring += 2 * ndevices;
    free(value);
    d->rounds = rounds;
    d->state = read_state(d->f);
    d->step = program->steps;
    if (d->state == '4' && strchr(d->step, '|'))
        d->step = strchr(d->step, '|');

    snprintf(token, sizeof(token), "%u", index);
    format_path(path, "%s/backend", d->f);
    watch(path, token); /* an F that goes */
    format_path(path, "%s/state", d->b);
    watch(path, token);
}

static void say_where_it_hangs(void)
{
    for (unsigned int i = 0; i < ndevices; i++) {
        const struct device *d = &devices[i];

        if (!finished(d))
            warnx("%s: %s hangs at step %.*s of '%s': F %c, B %c", d->f, program->name,
                  (int)strcspn(d->step, " "), d->step, program->steps, d->state, read_state(d->b));
    }
}

static void usage(FILE *to)
{
    fputs("usage: frontend PROGRAM [--once] [--ring N] [--rounds N] [--timeout-ms N] F-PATH...\n"
          "  --once         exit when the program is done, instead of following the backend\n"
          "  --ring N       the first device's first ring-ref (8)\n"
          "  --rounds N     for flap (10)\n"
          "  --timeout-ms N for the program (60000); following has no end\n",
          to);
    for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
        fprintf(to, "  %-13s %-36s %s\n", programs[i].name, programs[i].steps, programs[i].what);
}

static void choose_program(const char *name)
{
    for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
        if (strcmp(programs[i].name, name) == 0)
            program = &programs[i];
    }
    if (!program) {
        warnx("%s: no such program", name);
        usage(stderr);
        exit(EXIT_USAGE);
    }
}

int main(int argc, char **argv)
{
    unsigned int ring = 8, rounds = 10, timeout = 60000;
    bool once = false, lost = false;
    long long deadline;

    if (argc < 3) {
        usage(argc == 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
        return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : EXIT_USAGE;
    }
    choose_program(argv[1]);
    devices = calloc((size_t)argc, sizeof(*devices));
    if (!devices)
        err(1, NULL);
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--once") == 0)
            once = true;
        else if (strcmp(argv[i], "--ring") == 0 && i + 1 < argc)
            ring = parse_number("--ring", argv[++i]);
        else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
            rounds = parse_number("--rounds", argv[++i]);
        else if (strcmp(argv[i], "--timeout-ms") == 0 && i + 1 < argc)
            timeout = parse_number("--timeout-ms", argv[++i]);
        else if (*argv[i] != '/')
            errx(EXIT_USAGE, "%s: neither an option nor an absolute path", argv[i]);
        else
            devices[ndevices++].f = argv[i];
    }

    client_open();
    deadline = now_ms() + timeout;
    for (unsigned int i = 0; i < ndevices; i++)
        start(&devices[i], i, ring, rounds);
    for (;;) {
        bool running = false, following = false;
        char **event;

        for (unsigned int i = 0; i < ndevices; i++) {
            running |= !finished(&devices[i]);
            following |= devices[i].step && finished(&devices[i]) && *devices[i].step != '\0';
            lost |= devices[i].gone;
        }
        if (!running && (once || !following))
            break;
        event = next_event(running ? deadline : now_ms() + 3600 * 1000LL);
        if (event)
            advance(&devices[strtoul(event[XS_WATCH_TOKEN], NULL, 10)]);
        free(event);
        if (!event && running) {
            say_where_it_hangs();
            return 1;
        }
    }
    if (lost)
        errx(1, "a device was removed before %s was done", program->name);
    free(devices);
    return 0;
}
