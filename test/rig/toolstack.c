/* SPDX-License-Identifier: MIT */
/* Plays libxl towards the store: the same keys, in the same transactions, with the same permissions. F is
 * /local/domain/DOMID/device/NAME/DEVID, B is /local/domain/BACKEND/backend/TYPE/DOMID/DEVID. Several
 * commands may be given, divided by `--`, which is as fast as anybody gets from one to the next. */
#include <unistd.h>

#include "test/rig/client.h"

static const char usage[] =
    "usage: toolstack COMMAND [-- COMMAND]...\n"
    "  attach TYPE DOMID DEVID [OPTION...] [KEY=VALUE...] [F:KEY=VALUE...]   one transaction\n"
    "  burst TYPE DOMID FIRST COUNT [OPTION...] [KEY=VALUE...]   COUNT attaches; prints the milliseconds it "
    "took\n"
    "  slowly TYPE DOMID DEVID [OPTION...] [KEY=VALUE...]   key by key: F, frontend, frontend-id, KEYs, "
    "online, state\n"
    "      --frontend NAME, --online 0|1, --state N; for slowly --pause-ms N, after each write\n"
    "      --backend-domain N, for these and the next three: a driver domain, which has to be there (0)\n"
    "  detach TYPE DOMID DEVID   online=0, and state=5 unless it is 6\n"
    "  close TYPE DOMID DEVID    state=6, online as it was: what libxl does when it is tired of waiting\n"
    "  remove TYPE DOMID DEVID [--frontend NAME]   F, B and the directories that this leaves empty\n"
    "  domain-create DOMID   its directories and `domid`; attach makes those of a guest by itself\n"
    "  domain-destroy DOMID\n"
    "  wait PATH VALUE [PATH VALUE]... [--timeout-ms N]   until all hold at once; `absent` is a VALUE\n";

struct device {
    const char *type;
    unsigned int domid, devid, backend;
    const char *front; /* the directory below device/ */
    const char *online;
    unsigned int state;
    unsigned int pause_ms;
    char **keys; /* KEY=VALUE and F:KEY=VALUE */
    int nkeys;
    char f[PATH_SIZE], b[PATH_SIZE];
};

static long made_domain = -1; /* the one that is known to have its directories */

static void usage_error(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void usage_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vwarnx(format, args);
    va_end(args);
    fputs(usage, stderr);
    exit(EXIT_USAGE);
}

/* Once the ids are set. */
static void set_paths(struct device *d)
{
    format_path(d->f, "/local/domain/%u/device/%s/%u", d->domid, d->front, d->devid);
    format_path(d->b, "/local/domain/%u/backend/%s/%u/%u", d->backend, d->type, d->domid, d->devid);
}

/* Takes TYPE DOMID DEVID and what follows; keys stay behind in argv. */
static void parse_device(struct device *d, int argc, char **argv, int first_key)
{
    if (argc < first_key)
        usage_error("%s: too few arguments", argv[0]);
    *d = (struct device){.type = argv[1], .online = "1", .state = 1, .keys = argv + first_key};
    d->domid = parse_number("domain", argv[2]);
    d->devid = parse_number("device", argv[3]);
    d->front = strcmp(d->type, "qdisk") == 0 || strcmp(d->type, "vbd3") == 0 ? "vbd" : d->type;
    for (int i = first_key; i < argc; i++) {
        const char *option = argv[i];

        if (strncmp(option, "--", 2) != 0) {
            if (!strchr(option, '='))
                usage_error("%s: neither KEY=VALUE nor an option", option);
            d->keys[d->nkeys++] = argv[i];
            continue;
        }
        if (++i == argc)
            usage_error("%s wants a value", option);
        if (strcmp(option, "--frontend") == 0)
            d->front = argv[i];
        else if (strcmp(option, "--online") == 0)
            d->online = argv[i];
        else if (strcmp(option, "--state") == 0)
            d->state = parse_number(option, argv[i]);
        else if (strcmp(option, "--backend-domain") == 0)
            d->backend = parse_number(option, argv[i]);
        else if (strcmp(option, "--pause-ms") == 0)
            d->pause_ms = parse_number(option, argv[i]);
        else
            usage_error("%s: no such option", option);
    }
    set_paths(d);
}

static void make_dir(xs_transaction_t t, const char *path, unsigned int owner, unsigned int reader)
{
    struct xs_permissions perms[] = {{.id = owner, .perms = XS_PERM_NONE},
                                     {.id = reader, .perms = XS_PERM_READ}};

    if (!xs_mkdir(xs, t, path) || !xs_set_permissions(xs, t, path, perms, 2))
        err(1, "mkdir %s", path);
}

static void make_domain(xs_transaction_t t, unsigned int domid)
{
    char path[PATH_SIZE];
    char *there;

    format_path(path, "/local/domain/%u", domid);
    there = get(t, path);
    free(there);
    if (!there)
        make_dir(t, path, 0, domid);
    format_path(path, "/local/domain/%u/device", domid);
    there = get(t, path);
    free(there);
    if (!there)
        make_dir(t, path, 0, domid);
}

static void pause_for(const struct device *d)
{
    if (d->pause_ms)
        usleep(d->pause_ms * 1000);
}

/* `%d` in it is the device: what no two of a burst may have in common. */
static void put_value(xs_transaction_t t, const struct device *d, const char *dir, const char *key,
                      const char *value)
{
    const char *mark = strstr(value, "%d");
    char text[PATH_SIZE];

    if (!mark) {
        put_key(t, dir, key, value);
        return;
    }
    format_path(text, "%.*s%u.%u%s", (int)(mark - value), value, d->domid, d->devid, mark + 2);
    put_key(t, dir, key, text);
}

static void put_keys(xs_transaction_t t, const struct device *d, bool of_frontend)
{
    for (int i = 0; i < d->nkeys; i++) {
        const char *pair = d->keys[i];
        bool front = strncmp(pair, "F:", 2) == 0;
        char key[PATH_SIZE];

        if (front != of_frontend)
            continue;
        pair += front ? 2 : 0;
        format_path(key, "%.*s", (int)strcspn(pair, "="), pair);
        put_value(t, d, front ? d->f : d->b, key, strchr(pair, '=') + 1);
        pause_for(d);
    }
}

static void put_frontend(xs_transaction_t t, const struct device *d)
{
    make_dir(t, d->f, d->domid, d->backend);
    put_key(t, d->f, "backend", d->b);
    pause_for(d);
    put_number(t, d->f, "backend-id", d->backend);
    pause_for(d);
    put_number(t, d->f, "state", 1);
    pause_for(d);
    put_keys(t, d, true);
}

static void put_backend(xs_transaction_t t, const struct device *d)
{
    make_dir(t, d->b, d->backend, d->domid); /* its parents get what /local/domain/BACKEND has */
    put_key(t, d->b, "frontend", d->f);
    pause_for(d);
    put_number(t, d->b, "frontend-id", d->domid);
    pause_for(d);
    put_keys(t, d, false);
    put_key(t, d->b, "online", d->online);
    pause_for(d);
    put_number(t, d->b, "state", d->state);
}

static void attach(const struct device *d)
{
    xs_transaction_t t;

    do {
        t = begin();
        if (made_domain != d->domid)
            make_domain(t, d->domid);
        put_frontend(t, d);
        put_backend(t, d);
    } while (!commit(t));
    made_domain = d->domid;
}

static void run_attach(int argc, char **argv)
{
    struct device d;

    parse_device(&d, argc, argv, 4);
    attach(&d);
}

static void run_burst(int argc, char **argv)
{
    struct device d;
    unsigned int count, first;
    long long begun = now_ms();

    parse_device(&d, argc, argv, 5);
    first = d.devid;
    count = parse_number("count", argv[4]);
    for (unsigned int i = 0; i < count; i++) {
        d.devid = first + i;
        set_paths(&d);
        attach(&d);
    }
    printf("%lld\n", now_ms() - begun);
}

static void run_slowly(int argc, char **argv)
{
    struct device d;

    parse_device(&d, argc, argv, 4);
    make_domain(XBT_NULL, d.domid);
    put_frontend(XBT_NULL, &d);
    put_backend(XBT_NULL, &d);
}

/* The value of a key that has to be there. */
static char *need(xs_transaction_t t, const char *dir, const char *key)
{
    char path[PATH_SIZE];
    char *value;

    format_path(path, "%s/%s", dir, key);
    value = get(t, path);
    if (!value)
        errx(1, "%s: no such device", path);
    return value;
}

static void run_detach(int argc, char **argv)
{
    struct device d;
    xs_transaction_t t;
    char *state;

    parse_device(&d, argc, argv, 4);
    do {
        t = begin();
        state = need(t, d.b, "state");
        put_number(t, d.b, "online", 0);
        if (strcmp(state, "6") != 0)
            put_number(t, d.b, "state", 5);
        free(state);
    } while (!commit(t));
}

static void run_close(int argc, char **argv)
{
    struct device d;

    parse_device(&d, argc, argv, 4);
    free(need(XBT_NULL, d.b, "state"));
    put_number(XBT_NULL, d.b, "state", 6);
}

/* The node and the parents that it leaves empty, short of the domain's own directory. */
static void drop_with_parents(xs_transaction_t t, const char *path)
{
    char at[PATH_SIZE];
    unsigned int n = 0;

    format_path(at, "%s", path);
    do {
        char **names;

        drop(t, at);
        *strrchr(at, '/') = '\0';
        names = xs_directory(xs, t, at, &n);
        if (!names && errno != ENOENT)
            err(1, "directory %s", at);
        if (!names)
            n = 0; /* gone already: look further up */
        free(names);
    } while (n == 0 && strchr(at + strlen("/local/domain/"), '/'));
}

static void run_remove(int argc, char **argv)
{
    char path[PATH_SIZE];
    struct device d;
    xs_transaction_t t;
    char *front;

    parse_device(&d, argc, argv, 4);
    format_path(path, "%s/frontend", d.b);
    do {
        t = begin();
        front = get(t, path);
        drop_with_parents(t, front && strncmp(front, "/local/domain/", 14) == 0 ? front : d.f);
        drop_with_parents(t, d.b);
        free(front);
    } while (!commit(t));
}

static void run_domain_create(int argc, char **argv)
{
    char path[PATH_SIZE];
    unsigned int domid;
    xs_transaction_t t;

    if (argc != 2)
        usage_error("domain-create wants a domain");
    domid = parse_number("domain", argv[1]);
    format_path(path, "/local/domain/%u", domid);
    do {
        t = begin();
        make_domain(t, domid);
        put_number(t, path, "domid", domid);
    } while (!commit(t));
}

static void run_domain_destroy(int argc, char **argv)
{
    char path[PATH_SIZE];

    if (argc != 2)
        usage_error("domain-destroy wants a domain");
    format_path(path, "/local/domain/%u", parse_number("domain", argv[1]));
    free(need(XBT_NULL, path, "device"));
    drop(XBT_NULL, path);
    made_domain = -1;
}

/* Whether the n/2 pairs hold; tells what is there when `loud`. */
static bool all_hold(int n, char **pairs, bool loud)
{
    bool all = true;

    for (int i = 0; i < n; i += 2) {
        const char *want = pairs[i + 1];
        char *value = get(XBT_NULL, pairs[i]);

        if (strcmp(value ? value : "absent", want) != 0) {
            all = false;
            if (loud)
                warnx("%s is %s, not %s", pairs[i], value ? value : "absent", want);
        }
        free(value);
    }
    return all;
}

/* An event that is under way comes before the answer to a later read: nothing changed between the reads when
 * none is pending after them. */
static void run_wait(int argc, char **argv)
{
    long long deadline = now_ms() + 60000;
    char **event;
    int n = 0; /* what stays behind in argv are the pairs */

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--timeout-ms") == 0 && i + 1 < argc)
            deadline = now_ms() + parse_number("--timeout-ms", argv[++i]);
        else
            argv[n++] = argv[i];
    }
    if (n == 0 || n % 2 != 0)
        usage_error("wait wants pairs of PATH and VALUE");
    for (int i = 0; i < n; i += 2)
        watch(argv[i], "wait");
    for (;;) {
        while ((event = next_event(0)))
            free(event);
        if (all_hold(n, argv, false)) {
            event = next_event(0);
            if (!event)
                break;
        } else {
            event = next_event(deadline);
            if (!event) {
                if (all_hold(n, argv, true))
                    break;
                exit(1);
            }
        }
        free(event);
    }
    for (int i = 0; i < n; i += 2)
        xs_unwatch(xs, argv[i], "wait");
}

static const struct {
    const char *name;
    void (*run)(int argc, char **argv);
} commands[] = {
    {"attach", run_attach},
    {"burst", run_burst},
    {"slowly", run_slowly},
    {"detach", run_detach},
    {"close", run_close},
    {"remove", run_remove},
    {"wait", run_wait},
    {"domain-create", run_domain_create},
    {"domain-destroy", run_domain_destroy},
};

static void run_command(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        if (argc > 0 && strcmp(commands[i].name, argv[0]) == 0) {
            commands[i].run(argc, argv);
            return;
        }
    }
    usage_error("%s: no such command", argc > 0 ? argv[0] : "nothing");
}

int main(int argc, char **argv)
{
    int first = 1;

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    client_open();
    for (int i = 1; i <= argc; i++) {
        if (i == argc || strcmp(argv[i], "--") == 0) {
            run_command(i - first, argv + first);
            first = i + 1;
        }
    }
    return 0;
}
