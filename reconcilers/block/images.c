/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/images.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reconcilers/block/opener.h"
#include "reconcilers/block/qmp.h"
#include "reconcilers/block/say.h"
#include "schemas/mem.h"

enum { STRING = 4096, COMMAND = 3 * STRING };

struct image {
    struct image *next;
    unsigned number;
    bool read_only;
    char *path;
    char socket[108];
};

struct images {
    struct qmp qmp;
    const char *directory;
    int opener;
    bool io_uring;
    struct image *list; /* those that are open, or being opened */
    unsigned n;         /* that were ever opened */
    bool lost;
};

/* As toolstacks call them, and QEMU. */
static const struct format {
    const char *name, *driver;
} formats[] = {
    {"qcow2", "qcow2"},         {"qcow", "qcow"}, {"qed", "qed"}, {"vhd", "vpc"},     {"vpc", "vpc"},
    {"vhdx", "vhdx"},           {"vmdk", "vmdk"}, {"vdi", "vdi"}, {"bochs", "bochs"}, {"cloop", "cloop"},
    {"parallels", "parallels"}, {"dmg", "dmg"}};

static int command(struct images *s, const char *text, const char *event, char ret_why[256])
{
    int error = qmp_do(&s->qmp, text, event, ret_why);
    s->lost |= error && error != -EIO;
    return error;
}

static const struct format *find(const char *params, const char **ret_path)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        size_t len = strlen(formats[i].name);
        if (strncmp(params, formats[i].name, len) == 0 && params[len] == ':') {
            *ret_path = params + len + 1;
            return &formats[i];
        }
    }
    return NULL;
}

static const char *boolean(bool b)
{
    return b ? "true" : "false";
}

/* ---- files ---- */

static bool find_image(void *arg, const char *path, bool *ret_writable)
{
    const struct images *s = arg;
    bool found = false;
    for (const struct image *i = s->list; i; i = i->next) {
        if (strcmp(i->path, path) != 0)
            continue;
        found = true;
        *ret_writable |= !i->read_only;
    }
    return found;
}

void images_serve(struct images *s)
{
    opener_serve(s->opener, &(struct opener_list){.find = find_image, .arg = s});
}

static void serve(void *arg)
{
    images_serve(arg);
}

/* ---- opening ---- */

static int add_node(struct images *s, const struct image *image, const char *format, const char *aio,
                    const struct image_options *o, char ret_why[256])
{
    char text[COMMAND], path[STRING];
    struct stat st;
    if (!qmp_string(image->path, path, sizeof path)) {
        snprintf(ret_why, 256, "the image's name is too long");
        return -ENAMETOOLONG;
    }
    const char *driver = stat(image->path, &st) == 0 && S_ISBLK(st.st_mode) ? "host_device" : "file";
    const char *discard = o->discard ? "unmap" : "ignore";
    snprintf(text, sizeof text,
             "{\"execute\": \"blockdev-add\", \"arguments\": {\"driver\": \"%s\", \"node-name\": \"n%u\", "
             "\"read-only\": %s, \"discard\": \"%s\", \"cache\": {\"direct\": %s}, "
             "\"file\": {\"driver\": \"%s\", \"filename\": %s, \"discard\": \"%s\", "
             "\"aio\": \"%s\", \"cache\": {\"direct\": %s}}}}",
             format, image->number, boolean(o->read_only), discard, boolean(o->direct), driver, path, discard,
             aio, boolean(o->direct));
    return command(s, text, NULL, ret_why);
}

static int add_export(struct images *s, const struct image *image, const struct image_options *o,
                      char ret_why[256])
{
    char text[COMMAND], path[STRING];
    if (!qmp_string(image->socket, path, sizeof path))
        return -ENAMETOOLONG;
    snprintf(text, sizeof text,
             "{\"execute\": \"block-export-add\", \"arguments\": {\"type\": \"vhost-user-blk\", "
             "\"id\": \"e%u\", \"node-name\": \"n%u\", \"writable\": %s, "
             "\"addr\": {\"type\": \"unix\", \"path\": %s}}}",
             image->number, image->number, boolean(!o->read_only), path);
    return command(s, text, NULL, ret_why);
}

static int remove_node(struct images *s, unsigned number, char ret_why[256])
{
    char text[128];
    snprintf(text, sizeof text, "{\"execute\": \"blockdev-del\", \"arguments\": {\"node-name\": \"n%u\"}}",
             number);
    return command(s, text, NULL, ret_why);
}

static void forget(struct images *s, struct image *image)
{
    struct image **at = &s->list;
    while (*at != image)
        at = &(*at)->next;
    *at = image->next;
    free(image->path);
    free(image);
}

struct image *images_open(struct images *s, const struct image_options *o, char ret_why[256])
{
    char unheard[256];
    const char *path;
    const struct format *format = find(o->params, &path);
    if (!format || *path != '/') {
        snprintf(ret_why, 256, "%.150s: %s", o->params,
                 format ? "not an absolute path" : "a format that nobody here knows");
        return NULL;
    }
    struct image *image = xcalloc(1, sizeof *image);
    image->number = ++s->n;
    image->read_only = o->read_only;
    image->path = xstrdup(path);
    image->next = s->list;
    s->list = image;
    snprintf(image->socket, sizeof image->socket, "%s/%d.%u", s->directory, (int)getpid(), image->number);
    int error = s->io_uring ? add_node(s, image, format->driver, "io_uring", o, ret_why) : -EIO;
    if (error == -EIO)
        error = add_node(s, image, format->driver, "threads", o, ret_why);
    if (!error) {
        error = add_export(s, image, o, ret_why);
        if (error)
            remove_node(s, image->number, unheard);
    }
    if (!error)
        return image;
    forget(s, image);
    return NULL;
}

void images_close(struct images *s, struct image *image)
{
    char text[160], why[256];
    snprintf(text, sizeof text,
             "{\"execute\": \"block-export-del\", \"arguments\": {\"id\": \"e%u\", \"mode\": \"hard\"}}",
             image->number);
    /* no other command is under way, and so no other event of this kind */
    int error = command(s, text, "\"BLOCK_EXPORT_DELETED\"", why);
    if (!error)
        error = remove_node(s, image->number, why);
    if (error)
        say("closing an image: %s", why);
    s->lost |= error; /* what cannot be closed goes with the daemon */
    unlink(image->socket);
    forget(s, image);
}

const char *image_socket(const struct image *image)
{
    return image->socket;
}

bool images_well(const struct images *s)
{
    return !s->lost;
}

struct images *images_new(int daemon, int opener, const char *directory, bool io_uring, char ret_why[256])
{
    struct images *s = xcalloc(1, sizeof *s);
    s->directory = directory;
    s->opener = opener;
    s->io_uring = io_uring;
    s->qmp.fd = daemon;
    s->qmp.other = opener;
    s->qmp.serve = serve;
    s->qmp.arg = s;
    if (qmp_open(&s->qmp, ret_why) == 0)
        return s;
    free(s);
    return NULL;
}

void images_free(struct images *s)
{
    char why[256];
    if (!s->lost)
        command(s, "{\"execute\": \"quit\"}", NULL, why);
    free(s);
}
