/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/images.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reconcilers/block/qmp.h"
#include "reconcilers/block/say.h"
#include "schemas/mem.h"

enum { STRING = 4096, COMMAND = 3 * STRING };

struct image {
    unsigned number;
    char socket[108];
};

struct images {
    struct qmp qmp;
    const char *directory;
    unsigned n; /* that were ever opened */
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

static int add_node(struct images *s, unsigned number, const struct image_options *o, char ret_why[256])
{
    char text[COMMAND], path[STRING];
    struct stat st;
    const char *plain;
    const struct format *f = find(o->params, &plain);
    if (!f || *plain != '/' || !qmp_string(plain, path, sizeof path)) {
        snprintf(ret_why, 256, "%.150s: %s", o->params,
                 f ? "not an absolute path" : "a format that nobody here knows");
        return -EINVAL;
    }
    const char *driver = stat(plain, &st) == 0 && S_ISBLK(st.st_mode) ? "host_device" : "file";
    const char *discard = o->discard ? "unmap" : "ignore";
    snprintf(text, sizeof text,
             "{\"execute\": \"blockdev-add\", \"arguments\": {\"driver\": \"%s\", \"node-name\": \"n%u\", "
             "\"read-only\": %s, \"discard\": \"%s\", \"cache\": {\"direct\": %s}, "
             "\"file\": {\"driver\": \"%s\", \"filename\": %s, \"discard\": \"%s\", "
             "\"cache\": {\"direct\": %s}}}}",
             f->driver, number, boolean(o->read_only), discard, boolean(o->direct), driver, path, discard,
             boolean(o->direct));
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

struct image *images_open(struct images *s, const struct image_options *o, char ret_why[256])
{
    char unheard[256];
    struct image *image = xcalloc(1, sizeof *image);
    image->number = ++s->n;
    snprintf(image->socket, sizeof image->socket, "%s/%u", s->directory, image->number);
    int error = add_node(s, image->number, o, ret_why);
    if (!error) {
        error = add_export(s, image, o, ret_why);
        if (error)
            remove_node(s, image->number, unheard);
    }
    if (!error)
        return image;
    free(image);
    return NULL;
}

void images_close(struct images *s, struct image *image)
{
    char text[160], event[64], why[256];
    snprintf(text, sizeof text,
             "{\"execute\": \"block-export-del\", \"arguments\": {\"id\": \"e%u\", \"mode\": \"hard\"}}",
             image->number);
    /* no other command is under way, and so no other event of this kind */
    snprintf(event, sizeof event, "\"BLOCK_EXPORT_DELETED\"");
    int error = command(s, text, event, why);
    if (!error)
        error = remove_node(s, image->number, why);
    if (error)
        say("closing an image: %s", why);
    s->lost |= error; /* what cannot be closed goes with the daemon */
    unlink(image->socket);
    free(image);
}

const char *image_socket(const struct image *image)
{
    return image->socket;
}

bool images_well(const struct images *s)
{
    return !s->lost;
}

struct images *images_new(int daemon, const char *directory, char ret_why[256])
{
    struct images *s = xcalloc(1, sizeof *s);
    s->directory = directory;
    if (qmp_open(&s->qmp, daemon, ret_why) == 0)
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
