/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/images.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reconcilers/block/formats.h"
#include "reconcilers/block/network.h"
#include "reconcilers/block/opener.h"
#include "reconcilers/block/qmp.h"
#include "reconcilers/block/say.h"
#include "schemas/mem.h"

struct image {
    struct image *next;
    bool read_only;
    char *path;   /* or its address */
    char *secret; /* the file that its passphrase is in, while it is being opened; NULL: none */
    char name[16], socket[108];
};

struct images {
    struct qmp qmp;
    struct images_config cfg;
    struct image *list; /* those that are open, or being opened */
    unsigned n;         /* that were ever opened */
    bool lost;
};

/* As toolstacks call them, and QEMU. */
static const struct format {
    const char *name, *driver;
} formats[] = {
    {"qcow2", "qcow2"},         {"qcow", "qcow"}, {"qed", "qed"},  {"vhd", "vpc"},     {"vpc", "vpc"},
    {"vhdx", "vhdx"},           {"vmdk", "vmdk"}, {"vdi", "vdi"},  {"bochs", "bochs"}, {"cloop", "cloop"},
    {"parallels", "parallels"}, {"dmg", "dmg"},   {"luks", "luks"}};

static int command(struct images *s, const char *name, json_t *arguments, char ret_why[256])
{
    int error = qmp_do(&s->qmp, name, arguments, ret_why);
    s->lost |= error && error != -EIO;
    return error;
}

/* A raw image is none of ours unless it is somewhere else, and need not be called so then. */
static const struct format *find(const char *params, const char **ret_path)
{
    static const struct format raw = {"raw", "raw"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        size_t len = strlen(formats[i].name);
        if (strncmp(params, formats[i].name, len) == 0 && params[len] == ':') {
            *ret_path = params + len + 1;
            return &formats[i];
        }
    }
    return network_address(params) == params || strncmp(params, "raw:", 4) == 0 ||
                   strncmp(params, "aio:", 4) == 0
               ? &raw
               : NULL;
}

/* ---- files ---- */

static bool find_image(void *arg, const char *path, bool *ret_writable)
{
    const struct images *s = arg;
    bool found = false;
    for (const struct image *i = s->list; i; i = i->next) {
        bool itself = strcmp(i->path, path) == 0;
        found |= itself || (i->secret && strcmp(i->secret, path) == 0);
        *ret_writable |= itself && !i->read_only;
    }
    return found;
}

void images_serve(struct images *s)
{
    opener_serve(s->cfg.opener, &(struct opener_list){.find = find_image, .arg = s});
}

static void serve(void *arg)
{
    images_serve(arg);
}

/* ---- secrets ---- */

static bool needs_secret(const struct format *format)
{
    return strcmp(format->driver, "luks") == 0;
}

static bool may_have_secret(const struct format *format)
{
    return needs_secret(format) || strcmp(format->driver, "qcow2") == 0;
}

static int fail(char ret_why[256], const char *secret, const char *why)
{
    snprintf(ret_why, 256, "the passphrase, in %.120s: %.80s", secret, why);
    return -EIO;
}

/* The file for an image has the image's own path, below the folder. It is for those alone who may read all
 * images anyway. */
static int find_secret(const struct images *s, struct image *image, const struct format *format,
                       char ret_why[256])
{
    struct stat st;
    if (s->cfg.network || !may_have_secret(format))
        return 0;
    if (asprintf(&image->secret, "%s%s", s->cfg.secrets, image->path) < 0)
        abort(); /* as for any memory */
    int missing = strstr(image->path, "/../") ? EINVAL : stat(image->secret, &st) ? errno : 0;
    if (missing) {
        int error = needs_secret(format) ? fail(ret_why, image->secret, strerror(missing)) : 0;
        free(image->secret);
        image->secret = NULL;
        return error;
    }
    if (!S_ISREG(st.st_mode) || st.st_mode & (S_IRWXG | S_IRWXO) ||
        (st.st_uid != 0 && st.st_uid != s->cfg.owner))
        return fail(ret_why, image->secret, "it is no file of root's which nobody else may read");
    return 0;
}

static int add_secret(struct images *s, const struct image *image, char ret_why[256])
{
    return image->secret ? command(s, "object-add",
                                   json_pack("{s:s, s:s, s:s}", "qom-type", "secret", "id", image->name,
                                             "file", image->secret),
                                   ret_why)
                         : 0;
}

/* The daemon has the key now, and needs the passphrase no more. */
static void remove_secret(struct images *s, struct image *image)
{
    char unheard[256];
    if (!image->secret)
        return;
    command(s, "object-del", json_pack("{s:s}", "id", image->name), unheard);
    free(image->secret);
    image->secret = NULL;
}

/* ---- opening ---- */

/* What the format lies in. */
static json_t *file_options(const struct images *s, const struct image *image, const char *aio,
                            char ret_why[256])
{
    struct stat st;
    if (s->cfg.network)
        return network_options(image->path, ret_why);
    const char *driver = stat(image->path, &st) == 0 && S_ISBLK(st.st_mode) ? "host_device" : "file";
    return json_pack("{s:s, s:s, s:s}", "driver", driver, "filename", image->path, "aio", aio);
}

static int add_node(struct images *s, const struct image *image, const struct format *format, const char *aio,
                    const struct image_options *o, char ret_why[256])
{
    json_t *file = file_options(s, image, aio, ret_why);
    if (!file && s->cfg.network)
        return -EIO;
    const char *discard = o->discard ? "unmap" : "ignore";
    json_t *cache = json_pack("{s:b}", "direct", o->direct);
    if (file) {
        json_object_set(file, "cache", cache);
        json_object_set_new(file, "discard", json_string(discard));
    }
    json_t *node =
        json_pack("{s:s, s:s, s:b, s:s, s:o, s:o}", "driver", format->driver, "node-name", image->name,
                  "read-only", o->read_only, "discard", discard, "cache", cache, "file", file);
    if (node && image->secret && needs_secret(format))
        json_object_set_new(node, "key-secret", json_string(image->name));
    else if (node && image->secret)
        json_object_set_new(node, "encrypt",
                            json_pack("{s:s, s:s}", "format", "luks", "key-secret", image->name));
    return command(s, "blockdev-add", node, ret_why);
}

static int add_export(struct images *s, const struct image *image, const struct image_options *o,
                      char ret_why[256])
{
    json_t *address = json_pack("{s:s, s:s}", "type", "unix", "path", image->socket);
    return command(s, "block-export-add",
                   json_pack("{s:s, s:s, s:s, s:b, s:o}", "type", "vhost-user-blk", "id", image->name,
                             "node-name", image->name, "writable", !o->read_only, "addr", address),
                   ret_why);
}

static int remove_node(struct images *s, const struct image *image, char ret_why[256])
{
    return command(s, "blockdev-del", json_pack("{s:s}", "node-name", image->name), ret_why);
}

static int open_image(struct images *s, struct image *image, const struct format *format,
                      const struct image_options *o, char ret_why[256])
{
    char unheard[256];
    int error = find_secret(s, image, format, ret_why);
    if (!error)
        error = add_secret(s, image, ret_why);
    if (error)
        return error;
    error = s->cfg.io_uring ? add_node(s, image, format, "io_uring", o, ret_why) : -EIO;
    if (error == -EIO)
        error = add_node(s, image, format, "threads", o, ret_why);
    remove_secret(s, image);
    if (error)
        return error;
    error = add_export(s, image, o, ret_why);
    if (error)
        remove_node(s, image, unheard);
    return error;
}

static void forget(struct images *s, struct image *image)
{
    struct image **at = &s->list;
    while (*at != image)
        at = &(*at)->next;
    *at = image->next;
    free(image->path);
    free(image->secret);
    free(image);
}

struct image *images_open(struct images *s, const struct image_options *o, char ret_why[256])
{
    const char *path = NULL, *address = network_address(o->params);
    const struct format *format = find(o->params, &path);
    const char *wrong = s->cfg.network && !address            ? "nothing that is reached over a network"
                        : !s->cfg.network && address          ? "nothing of this host"
                        : !format                             ? "a format that nobody here knows"
                        : !address && (!path || *path != '/') ? "not an absolute path"
                                                              : NULL;
    if (wrong) {
        snprintf(ret_why, 256, "%.150s: %s", o->params, wrong);
        return NULL;
    }
    if (address)
        path = address;
    struct image *image = xcalloc(1, sizeof *image);
    snprintf(image->name, sizeof image->name, "i%u", ++s->n);
    image->read_only = o->read_only;
    image->path = xstrdup(path);
    image->next = s->list;
    s->list = image;
    snprintf(image->socket, sizeof image->socket, "%s/%d.%s", s->cfg.directory, (int)getpid(), image->name);
    if (open_image(s, image, format, o, ret_why) == 0)
        return image;
    forget(s, image);
    return NULL;
}

void images_close(struct images *s, struct image *image)
{
    char why[256];
    json_t *arguments = json_pack("{s:s, s:s}", "id", image->name, "mode", "hard");
    /* no other command is under way, and so no other event of this kind */
    int error = qmp_do_until(&s->qmp, "block-export-del", arguments, "BLOCK_EXPORT_DELETED", why);
    if (!error)
        error = remove_node(s, image, why);
    if (error)
        say("closing an image: %s", why);
    s->lost |= error; /* what cannot be closed goes with the daemon */
    unlink(image->socket);
    forget(s, image);
}

/* ---- growing ---- */

/* What a guest sees of it, in bytes; -1: it does not say. */
static int64_t size_of(struct images *s, const struct image *image, char ret_why[256])
{
    json_t *nodes = NULL, *node;
    int64_t size = -1;
    size_t i;
    int error =
        qmp_ask(&s->qmp, "query-named-block-nodes", json_pack("{s:b}", "flat", true), &nodes, ret_why);
    s->lost |= error && error != -EIO;
    json_array_foreach(nodes, i, node)
    {
        const char *name = json_string_value(json_object_get(node, "node-name"));
        const json_t *bytes = json_object_get(json_object_get(node, "image"), "virtual-size");
        if (name && strcmp(name, image->name) == 0 && json_is_integer(bytes))
            size = json_integer_value(bytes);
    }
    json_decref(nodes);
    return size;
}

int images_grow(struct images *s, const struct image *image, uint64_t size, char ret_why[256])
{
    enum { SECTOR = 512 };
    int64_t now = size_of(s, image, ret_why);
    if (now < 0)
        return -EIO;
    if (image->read_only || size % SECTOR || size > INT64_MAX || (int64_t)size < now) {
        snprintf(ret_why, 256,
                 image->read_only ? "it is only read from"
                 : size % SECTOR  ? "a size is a multiple of 512"
                                  : "it has %" PRId64 " bytes, and is never made shorter",
                 now);
        return -EINVAL;
    }
    return command(s, "block_resize",
                   json_pack("{s:s, s:I}", "node-name", image->name, "size", (json_int_t)size), ret_why);
}

/* ---- */

/* The folder is the daemon's as well, which could put the name of any socket there: we may connect to more
 * than it may. */
int image_connect(const struct image *image)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    int fd = formats_dial(image->socket);
    if (fd < 0)
        return fd;
    int error = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) ? -errno
                : peer.uid != geteuid()                              ? -EPERM
                                                                     : 0;
    if (error)
        close(fd);
    return error ? error : fd;
}

bool images_well(const struct images *s)
{
    return !s->lost;
}

struct images *images_new(const struct images_config *config, char ret_why[256])
{
    struct images *s = xcalloc(1, sizeof *s);
    s->cfg = *config;
    s->qmp.fd = config->daemon;
    s->qmp.other = config->opener;
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
        command(s, "quit", json_object(), why);
    free(s);
}
