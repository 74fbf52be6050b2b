/* SPDX-License-Identifier: MIT */
#include "controller/dm/qmp.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"

/* ---- answers; each takes over the references that it is given ---- */

static json_t *returned(json_t *value)
{
    return json_pack("{s:o}", "return", value);
}

static json_t *failed(const char *class, const char *text)
{
    return json_pack("{s:{s:s, s:s}}", "error", "class", class, "desc", text);
}

static json_t *nothing(void)
{
    return returned(json_object());
}

static json_t *none(void)
{
    return returned(json_array());
}

/* The version of QEMU whose QMP this is: clients choose their commands by it. The package says who answers.
 */
static json_t *version(void)
{
    return json_pack("{s:{s:i, s:i, s:i}, s:s}", "qemu", "major", 7, "minor", 2, "micro", 0, "package",
                     "xenrecon-dm " XENRECON_VERSION ", a device model without devices");
}

static char *line_of(json_t *message)
{
    char *text = json_dumps(message, JSON_COMPACT | JSON_ENSURE_ASCII);
    if (!text)
        abort(); /* out of memory: all that is sent can be written as JSON */
    size_t len = strlen(text);
    text = xrealloc(text, len + 3);
    memcpy(text + len, "\r\n", 3);
    json_decref(message);
    return text;
}

char *qmp_greeting(void)
{
    return line_of(json_pack("{s:{s:o, s:[]}}", "QMP", "version", version(), "capabilities"));
}

/* ---- commands ---- */

static json_t *do_capabilities(struct qmp_session *s, const json_t *arguments)
{
    const json_t *enable = json_object_get(arguments, "enable");
    if (json_array_size(enable))
        return failed("GenericError", "none of these capabilities is offered");
    s->negotiated = true;
    return nothing();
}

static json_t *do_nothing_to_tell(struct qmp_session *s, const json_t *arguments)
{
    (void)s;
    (void)arguments;
    return none();
}

static json_t *do_query_version(struct qmp_session *s, const json_t *arguments)
{
    (void)s;
    (void)arguments;
    return returned(version());
}

/* `prelaunch`: there was -S, and no `cont` yet. */
static json_t *do_query_status(struct qmp_session *s, const json_t *arguments)
{
    const struct qmp_machine *m = s->machine;
    (void)arguments;
    const char *status = m->running ? "running" : m->started ? "paused" : "prelaunch";
    return returned(json_pack("{s:b, s:b, s:s}", "running", m->running, "singlestep", 0, "status", status));
}

static json_t *do_query_chardev(struct qmp_session *s, const json_t *arguments)
{
    const struct qmp_machine *m = s->machine;
    json_t *list = json_array();
    (void)arguments;
    for (size_t i = 0; i < m->options->n_sockets; i++) {
        const struct dm_socket *socket = &m->options->sockets[i];
        if (!socket->control)
            continue;
        /* a path may not be UTF-8, as JSON must be */
        json_t *name = socket->path ? json_sprintf("unix:%s,server=on", socket->path)
                                    : json_sprintf("fd:%d,server=on", socket->fd);
        json_array_append_new(list, json_pack("{s:s, s:o, s:b}", "label", socket->id, "filename",
                                              name ? name : json_string("unix:"), "frontend-open",
                                              m->clients[i] > 0));
    }
    return returned(list);
}

static json_t *do_query_vnc(struct qmp_session *s, const json_t *arguments)
{
    (void)s;
    (void)arguments;
    return returned(json_pack("{s:b}", "enabled", 0));
}

static json_t *do_stop(struct qmp_session *s, const json_t *arguments)
{
    (void)arguments;
    s->machine->running = false;
    return nothing();
}

static json_t *do_cont(struct qmp_session *s, const json_t *arguments)
{
    (void)arguments;
    s->machine->running = s->machine->started = true;
    return nothing();
}

static json_t *do_quit(struct qmp_session *s, const json_t *arguments)
{
    (void)arguments;
    s->machine->quit = true;
    return nothing();
}

static json_t *do_device_add(struct qmp_session *s, const json_t *arguments)
{
    (void)s;
    (void)arguments;
    return failed("GenericError", "this device model emulates no devices");
}

static json_t *do_device_del(struct qmp_session *s, const json_t *arguments)
{
    (void)s;
    (void)arguments;
    return failed("DeviceNotFound", "this device model has no devices");
}

static json_t *do_query_commands(struct qmp_session *s, const json_t *arguments);

static const struct command {
    const char *name;
    json_t *(*run)(struct qmp_session *s, const json_t *arguments);
} commands[] = {
    {"qmp_capabilities", do_capabilities},
    {"query-commands", do_query_commands},
    {"query-version", do_query_version},
    {"query-status", do_query_status},
    {"query-chardev", do_query_chardev},
    {"query-vnc", do_query_vnc},
    {"query-block", do_nothing_to_tell},
    {"query-blockstats", do_nothing_to_tell},
    {"query-pci", do_nothing_to_tell},
    {"query-command-line-options", do_nothing_to_tell},
    {"stop", do_stop},
    {"cont", do_cont},
    {"quit", do_quit},
    {"device_add", do_device_add},
    {"device_del", do_device_del},
};

static json_t *do_query_commands(struct qmp_session *s, const json_t *arguments)
{
    json_t *list = json_array();
    (void)s;
    (void)arguments;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        json_array_append_new(list, json_pack("{s:s}", "name", commands[i].name));
    return returned(list);
}

/* ---- messages ---- */

static bool only_known_members(json_t *message)
{
    const char *name;
    json_t *value;
    json_object_foreach(message, name, value) if (strcmp(name, "execute") != 0 &&
                                                  strcmp(name, "arguments") != 0 &&
                                                  strcmp(name, "id") != 0) return false;
    return true;
}

static json_t *execute(struct qmp_session *s, json_t *message)
{
    const char *name = json_string_value(json_object_get(message, "execute"));
    const json_t *arguments = json_object_get(message, "arguments");
    if (!name || !only_known_members(message))
        return failed("GenericError",
                      "wanted is an object with execute, a string, and if need be arguments, id");
    if (arguments && !json_is_object(arguments))
        return failed("GenericError", "arguments is no object");
    if (s->negotiated == (strcmp(name, "qmp_capabilities") == 0))
        return failed("CommandNotFound", s->negotiated ? "capabilities were negotiated already"
                                                       : "qmp_capabilities has to come first");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].run(s, arguments);
    return failed("CommandNotFound", "a device model without devices does not know this command");
}

static char *answer(struct qmp_session *s)
{
    json_t *message = json_loadb(s->text, s->len, 0, NULL);
    json_t *reply = message ? execute(s, message) : failed("GenericError", "this is not JSON");
    json_t *id = json_object_get(message, "id");
    if (id)
        json_object_set(reply, "id", id);
    json_decref(message);
    return line_of(reply);
}

/* ---- bytes ---- */

void qmp_session_init(struct qmp_session *s, struct qmp_machine *machine)
{
    *s = (struct qmp_session){.machine = machine};
}

void qmp_session_finish(struct qmp_session *s)
{
    free(s->text);
    *s = (struct qmp_session){.machine = s->machine};
}

/* Takes a byte. True: it ends the message. */
static bool take(struct qmp_session *s, char c)
{
    xgrow(&s->text, &s->cap, s->len + 1, 1);
    s->text[s->len++] = c;
    if (s->quoted) {
        if (!s->escaped && c == '"')
            s->quoted = false;
        s->escaped = !s->escaped && c == '\\';
        return false;
    }
    if (c == '"')
        s->quoted = true;
    else if (c == '{' || c == '[')
        s->depth++;
    else if (c == '}' || c == ']')
        s->depth--;
    return s->depth == 0;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

size_t qmp_feed(struct qmp_session *s, const char *data, size_t len, char **ret_answer, bool *ret_broken)
{
    *ret_answer = NULL;
    *ret_broken = false;
    for (size_t i = 0; i < len; i++) {
        if (s->len == 0 && blank(data[i]))
            continue;
        if ((s->len == 0 && data[i] != '{') || s->len == QMP_MESSAGE_MAX) {
            *ret_broken = true;
            *ret_answer = line_of(
                failed("GenericError", s->len ? "the message is too long" : "a message begins with {"));
            return i;
        }
        if (take(s, data[i])) {
            *ret_answer = answer(s);
            s->len = 0;
            return i + 1;
        }
    }
    return len;
}
