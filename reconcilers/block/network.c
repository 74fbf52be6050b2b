/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/network.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"

/* Parts of an address, in a copy of it that they are cut out of. NULL: it is not there. */
struct parts {
    char *user, *host, *port, *path, *query;
};

/* USER@HOST:PORT/PATH?QUERY; a host in brackets may have colons. */
static struct parts cut(char *text)
{
    struct parts p = {.host = text};
    if ((p.query = strchr(text, '?')))
        *p.query++ = '\0';
    if ((p.path = strchr(text, '/')))
        *p.path++ = '\0';
    char *at = strrchr(p.host, '@');
    if (at) {
        *at = '\0';
        p.user = p.host;
        p.host = at + 1;
    }
    char *end = *p.host == '[' ? strchr(p.host, ']') : NULL;
    if (*p.host == '[' && !end)
        *p.host = '\0';
    if (end) {
        p.host++;
        *end++ = '\0';
    }
    p.port = strchr(end ? end : p.host, ':');
    if (p.port)
        *p.port++ = '\0';
    return p;
}

/* Unless it is empty. What cannot be written in JSON leaves nothing of it all: without an export, say, it
 * would be another image. */
static void set(json_t **object, const char *name, const char *value)
{
    if (!*object || !value || !*value || json_object_set_new(*object, name, json_string(value)) == 0)
        return;
    json_decref(*object);
    *object = NULL;
}

/* What is behind one of these words in a list; the list is cut up. */
static char *option(char *list, const char *separators, const char *name)
{
    char *save = NULL;
    size_t len = strlen(name);
    for (char *word = list ? strtok_r(list, separators, &save) : NULL; word;
         word = strtok_r(NULL, separators, &save))
        if (strncmp(word, name, len) == 0 && word[len] == '=')
            return word + len + 1;
    return NULL;
}

static json_t *nbd(json_t *server, const char *export)
{
    json_t *options = json_pack("{s:s, s:o}", "driver", "nbd", "server", server);
    set(&options, "export", export);
    return options;
}

static json_t *nbd_inet(const char *host, const char *port, const char *export)
{
    return !*host ? NULL
                  : nbd(json_pack("{s:s, s:s, s:s}", "type", "inet", "host", host, "port",
                                  port && *port ? port : "10809"),
                        export);
}

static json_t *nbd_unix(const char *path, const char *export)
{
    return !path || *path != '/' ? NULL : nbd(json_pack("{s:s, s:s}", "type", "unix", "path", path), export);
}

/* nbd://HOST[:PORT][/EXPORT] */
static json_t *nbd_url(char *text)
{
    struct parts p = cut(text);
    return nbd_inet(p.host, p.port, p.path);
}

/* nbd+unix:///[EXPORT]?socket=PATH */
static json_t *nbd_unix_url(char *text)
{
    struct parts p = cut(text);
    return *p.host ? NULL : nbd_unix(option(p.query, "&", "socket"), p.path);
}

/* nbd:HOST:PORT[:exportname=EXPORT] and nbd:unix:PATH[:exportname=EXPORT] */
static json_t *nbd_words(char *text)
{
    static const char name[] = ":exportname=";
    char *export = strstr(text, name);
    if (export) {
        *export = '\0';
        export += sizeof name - 1;
    }
    if (strncmp(text, "unix:", 5) == 0)
        return nbd_unix(text + 5, export);
    struct parts p = cut(text);
    return p.port && !p.path && !p.query ? nbd_inet(p.host, p.port, export) : NULL;
}

/* iscsi://[USER@]HOST[:PORT]/TARGET/LUN. There is no place for a password that nobody else could read. */
static json_t *iscsi(char *text)
{
    struct parts p = cut(text);
    char portal[300];
    char *slash = p.path ? strrchr(p.path, '/') : NULL, *end;
    unsigned long lun = slash ? strtoul(slash + 1, &end, 10) : 0;
    if (!slash || !*p.host || slash == p.path || slash[1] < '0' || slash[1] > '9' || *end || lun > 16383 ||
        (p.user && strpbrk(p.user, "%:")))
        return NULL;
    *slash = '\0';
    snprintf(portal, sizeof portal, "%s%s%s", p.host, p.port ? ":" : "", p.port ? p.port : "");
    json_t *options = json_pack("{s:s, s:s, s:s, s:s, s:i}", "driver", "iscsi", "transport", "tcp", "portal",
                                portal, "target", p.path, "lun", (int)lun);
    set(&options, "user", p.user);
    return options;
}

/* rbd:POOL/IMAGE[@SNAPSHOT][:id=USER][:conf=FILE] */
static json_t *rbd(char *text)
{
    char *list = strchr(text, ':'), *image = NULL, *snapshot, *copy;
    if (list)
        *list++ = '\0';
    if ((image = strchr(text, '/')))
        *image++ = '\0';
    if (!image || !*image || !*text)
        return NULL;
    if ((snapshot = strchr(image, '@')))
        *snapshot++ = '\0';
    json_t *options = json_pack("{s:s, s:s, s:s}", "driver", "rbd", "pool", text, "image", image);
    set(&options, "snapshot", snapshot);
    copy = list ? xstrdup(list) : NULL;
    set(&options, "user", option(copy, ":", "id"));
    free(copy);
    set(&options, "conf", option(list, ":", "conf"));
    return options;
}

static json_t *web(const char *driver, const char *url)
{
    return strpbrk(url, "@ ") ? NULL /* a password in it would be for all to read */
                              : json_pack("{s:s, s:s}", "driver", driver, "url", url);
}

/* Longer words come before what they begin with. */
static const struct kind {
    const char *word;
    json_t *(*parse)(char *rest); /* NULL: it is a URL that is passed on whole */
} kinds[] = {{"nbd://", nbd_url}, {"nbd+unix://", nbd_unix_url},
             {"nbd:", nbd_words}, {"iscsi://", iscsi},
             {"rbd:", rbd},       {"http://", NULL},
             {"https://", NULL}};

static const struct kind *kind_of(const char *address)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(address, kinds[i].word, strlen(kinds[i].word)) == 0)
            return &kinds[i];
    return NULL;
}

const char *network_address(const char *params)
{
    const char *behind = strchr(params, ':');
    if (kind_of(params))
        return params;
    return behind && kind_of(behind + 1) ? behind + 1 : NULL;
}

json_t *network_options(const char *address, char ret_why[256])
{
    const struct kind *kind = kind_of(address);
    char *copy = kind ? xstrdup(address + strlen(kind->word)) : NULL;
    json_t *options = NULL;
    if (kind && kind->parse)
        options = kind->parse(copy);
    else if (kind)
        options = web(strncmp(address, "https", 5) == 0 ? "https" : "http", address);
    free(copy);
    if (!options)
        snprintf(ret_why, 256, "%.150s: no address of this kind, see xenrecon-blk(8)", address);
    return options;
}
