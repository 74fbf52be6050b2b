/* SPDX-License-Identifier: MIT */
#include "controller/dm/options.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "schemas/device.h"
#include "schemas/printable.h"
#include "schemas/value.h"

/* What an option means to us. QEMU's options that take an argument must be known: otherwise an argument, such
 * as a domain's name, would be taken for an option. */
enum meaning {
    DOMID,
    CHARDEV,
    MONITOR,
    MACHINE,
    PAUSED,
    HAS_ARGUMENT,
};

static const struct {
    const char *name;
    enum meaning meaning;
} known[] = {
    {"xen-domid", DOMID},
    {"chardev", CHARDEV},
    {"mon", MONITOR},
    {"machine", MACHINE},
    {"M", MACHINE},
    {"S", PAUSED},
    {"accel", HAS_ARGUMENT},
    {"add-fd", HAS_ARGUMENT},
    {"append", HAS_ARGUMENT},
    {"audiodev", HAS_ARGUMENT},
    {"blockdev", HAS_ARGUMENT},
    {"boot", HAS_ARGUMENT},
    {"chroot", HAS_ARGUMENT},
    {"cpu", HAS_ARGUMENT},
    {"D", HAS_ARGUMENT},
    {"d", HAS_ARGUMENT},
    {"device", HAS_ARGUMENT},
    {"display", HAS_ARGUMENT},
    {"drive", HAS_ARGUMENT},
    {"global", HAS_ARGUMENT},
    {"incoming", HAS_ARGUMENT},
    {"initrd", HAS_ARGUMENT},
    {"k", HAS_ARGUMENT},
    {"kernel", HAS_ARGUMENT},
    {"m", HAS_ARGUMENT},
    {"monitor", HAS_ARGUMENT},
    {"msg", HAS_ARGUMENT},
    {"name", HAS_ARGUMENT},
    {"net", HAS_ARGUMENT},
    {"netdev", HAS_ARGUMENT},
    {"nic", HAS_ARGUMENT},
    {"object", HAS_ARGUMENT},
    {"parallel", HAS_ARGUMENT},
    {"pidfile", HAS_ARGUMENT},
    {"run-with", HAS_ARGUMENT},
    {"runas", HAS_ARGUMENT},
    {"sandbox", HAS_ARGUMENT},
    {"serial", HAS_ARGUMENT},
    {"set", HAS_ARGUMENT},
    {"smp", HAS_ARGUMENT},
    {"soundhw", HAS_ARGUMENT},
    {"spice", HAS_ARGUMENT},
    {"trace", HAS_ARGUMENT},
    {"usbdevice", HAS_ARGUMENT},
    {"uuid", HAS_ARGUMENT},
    {"vga", HAS_ARGUMENT},
    {"vnc", HAS_ARGUMENT},
};
enum { KNOWN = sizeof known / sizeof *known };

struct parse {
    struct dm_options *o;
    const char *error;
    bool has_machine;
};

static int wrong(struct parse *p, const char *option, const char *argument, const char *what)
{
    struct arena *a = &p->o->arena;
    p->error = arena_printf(a, "%s %s: %s", option, printable_quoted(a, argument), what);
    return -EINVAL;
}

/* ---- lists of parameters: `socket,id=libxl-cmd,server=on`; a comma in a value is written twice ---- */

/* The next parameter; NULL: there are no more. A word without `=` has the value "". */
static const char *next_parameter(struct arena *a, const char **at, const char **ret_value)
{
    if (!**at)
        return NULL;
    char *text = arena_strdup(a, *at), *to = text;
    const char *from = *at;
    for (; *from; from++) {
        if (*from == ',' && *++from != ',')
            break;
        *to++ = *from;
    }
    *to = '\0';
    *at = from;
    char *equals = strchr(text, '=');
    if (equals)
        *equals++ = '\0';
    *ret_value = equals ? equals : "";
    return text;
}

static bool on(const char *value)
{
    return strcmp(value, "") == 0 || strcmp(value, "on") == 0 || strcmp(value, "yes") == 0 ||
           strcmp(value, "true") == 0;
}

/* QEMU 5 and older have `server,nowait`, later ones `server=on,wait=off`. */
static int parse_chardev(struct parse *p, const char *argument)
{
    struct dm_options *o = p->o;
    struct dm_socket s = {.fd = -1};
    const char *at = argument, *value, *name = next_parameter(&o->arena, &at, &value);
    bool server = false;
    uint64_t fd;
    if (!name || strcmp(name, "socket") != 0) /* it may be a console's */
        return 0;
    while ((name = next_parameter(&o->arena, &at, &value)) != NULL) {
        if (strcmp(name, "id") == 0)
            s.id = value;
        else if (strcmp(name, "path") == 0)
            s.path = value;
        else if (strcmp(name, "server") == 0)
            server = on(value);
        else if (strcmp(name, "fd") == 0) {
            if (parse_decimal(value, strlen(value), INT_MAX, &fd))
                return wrong(p, "-chardev", argument, "fd is no number");
            s.fd = (int)fd;
        }
    }
    if (!s.id || !server || (!s.path && s.fd < 0))
        return 0; /* nobody could connect there; a -mon that names it is refused */
    if (s.path)
        s.fd = -1;
    if (o->n_sockets == DM_SOCKETS_MAX)
        return wrong(p, "-chardev", argument, "too many sockets");
    o->sockets[o->n_sockets++] = s;
    return 0;
}

/* A chardev may stand behind the monitor that uses it, so monitors are read after all else. */
static int parse_monitor(struct parse *p, const char *argument)
{
    const char *at = argument, *name, *value, *id = NULL;
    bool control = false, first = true;
    while ((name = next_parameter(&p->o->arena, &at, &value)) != NULL) {
        if (strcmp(name, "chardev") == 0)
            id = value;
        else if (first && !*value) /* `-mon libxl-cmd,mode=control` */
            id = name;
        else if (strcmp(name, "mode") == 0)
            control = strcmp(value, "control") == 0;
        first = false;
    }
    if (!control)
        return 0;
    for (size_t i = 0; id && i < p->o->n_sockets; i++)
        if (strcmp(p->o->sockets[i].id, id) == 0) {
            p->o->sockets[i].control = true;
            return 0;
        }
    return wrong(p, "-mon", argument, "there is no socket of that name to listen at");
}

/* All guests but PV and PVH ones need emulated hardware from their first instruction on. */
static int parse_machine(struct parse *p, const char *argument)
{
    const char *at = argument, *name, *value, *type = NULL;
    bool first = true;
    while ((name = next_parameter(&p->o->arena, &at, &value)) != NULL) {
        if (strcmp(name, "type") == 0)
            type = value;
        else if (first && !*value)
            type = name;
        first = false;
    }
    if (!type) /* it only says more about the machine named before */
        return 0;
    p->has_machine = true;
    p->o->probe = strcmp(type, "none") == 0;
    if (p->o->probe || strcmp(type, "xenpv") == 0)
        return 0;
    return wrong(p, "-machine", argument,
                 "this device model emulates nothing; it is for PV and PVH guests, which are machines of "
                 "type xenpv");
}

static int parse_domid(struct parse *p, const char *argument)
{
    uint64_t domid;
    if (parse_decimal(argument, strlen(argument), DOMID_MAX, &domid))
        return wrong(p, "-xen-domid", argument, "this is no domain's number");
    p->o->domid = (uint16_t)domid;
    p->o->has_domid = true;
    return 0;
}

/* ---- the command line ---- */

static int parse_known(struct parse *p, enum meaning meaning, const char *argument)
{
    switch (meaning) {
    case DOMID:
        return parse_domid(p, argument);
    case CHARDEV:
        return parse_chardev(p, argument);
    case MACHINE:
        return parse_machine(p, argument);
    case MONITOR:
    case HAS_ARGUMENT:
        return 0;
    case PAUSED:
        p->o->paused = true;
        return 0;
    }
    return 0;
}

/* Finds an option; QEMU takes one dash for two. KNOWN: the word is no option, or one that means nothing to
 * us. */
static size_t find(const char *word)
{
    size_t i = KNOWN;
    if (word[0] != '-')
        return i;
    word += word[1] == '-' ? 2 : 1;
    for (i = 0; i < KNOWN && strcmp(known[i].name, word) != 0; i++)
        ;
    return i;
}

/* Runs once for all options but the monitors, and once for these. */
static int parse_words(struct parse *p, int argc, char *const *argv, bool monitors)
{
    int error = 0;
    for (int i = 1; i < argc && !error; i++) {
        size_t k = find(argv[i]);
        if (k == KNOWN)
            continue;
        const char *argument = NULL;
        if (known[k].meaning != PAUSED) {
            if (i + 1 == argc)
                return wrong(p, argv[i], "", "its argument is missing");
            argument = argv[++i];
        }
        if (!monitors)
            error = parse_known(p, known[k].meaning, argument);
        else if (known[k].meaning == MONITOR)
            error = parse_monitor(p, argument);
    }
    return error;
}

int dm_options_parse(int argc, char *const *argv, struct dm_options *ret_options, const char **ret_error)
{
    struct parse p = {.o = ret_options};
    *ret_options = (struct dm_options){0};
    int error = parse_words(&p, argc, argv, false);
    if (!error)
        error = parse_words(&p, argc, argv, true);
    if (!error && !p.has_machine) {
        p.error = "-machine is missing: without it a device model is one of a PC";
        error = -EINVAL;
    }
    if (!error && !ret_options->probe && !ret_options->has_domid) {
        p.error = "-xen-domid is missing";
        error = -EINVAL;
    }
    if (error)
        *ret_error = p.error;
    return error;
}

void dm_options_free(struct dm_options *o)
{
    arena_free(&o->arena);
    *o = (struct dm_options){0};
}
