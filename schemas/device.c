/* SPDX-License-Identifier: MIT */
#include "schemas/device.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "schemas/value.h"

bool device_key_equal(const struct device_key *a, const struct device_key *b)
{
    return a->domid == b->domid && strcmp(a->type, b->type) == 0 && strcmp(a->devid, b->devid) == 0;
}

/* Numbers in numeric order, and before other names: mixing the two orders would be no order. */
static int devid_compare(const char *a, const char *b)
{
    uint64_t x, y;
    bool a_number = parse_decimal(a, strlen(a), UINT64_MAX, &x) == 0;
    bool b_number = parse_decimal(b, strlen(b), UINT64_MAX, &y) == 0;
    if (a_number && b_number)
        return (x > y) - (x < y);
    return a_number != b_number ? b_number - a_number : strcmp(a, b);
}

int device_key_compare(const struct device_key *a, const struct device_key *b)
{
    if (a->domid != b->domid)
        return a->domid < b->domid ? -1 : 1;
    int by_type = strcmp(a->type, b->type);
    return by_type ? by_type : devid_compare(a->devid, b->devid);
}

uint64_t device_key_hash(const struct device_key *key)
{
    uint64_t h = hash_bytes(HASH_INIT, key->type, strlen(key->type) + 1);
    h = hash_bytes(h, key->devid, strlen(key->devid));
    return hash_bytes(h, &key->domid, sizeof key->domid);
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool device_name_valid(const char *name, size_t len)
{
    if (len == 0 || len > DEVICE_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!name_char(name[i]))
            return false;
    return true;
}

/* One component of a path: copies it to buf, moves *p and *len behind it and the slash that follows it. */
static int take_name(const char **p, size_t *len, char buf[static DEVICE_NAME_MAX + 1])
{
    const char *slash = memchr(*p, '/', *len);
    size_t n = slash ? (size_t)(slash - *p) : *len;
    if (!device_name_valid(*p, n))
        return -EINVAL;
    memcpy(buf, *p, n);
    buf[n] = '\0';
    if (slash)
        n++;
    *p += n;
    *len -= n;
    return 0;
}

static int take_domid(const char **p, size_t *len, uint16_t *ret_domid)
{
    char name[DEVICE_NAME_MAX + 1];
    uint64_t domid;
    if (take_name(p, len, name) || parse_decimal(name, strlen(name), DOMID_MAX, &domid))
        return -EINVAL;
    *ret_domid = (uint16_t)domid;
    return 0;
}

int device_key_parse(const char *text, size_t len, struct device_key *ret_key)
{
    struct device_key key = {0};
    if (len == 0 || text[len - 1] == '/')
        return -EINVAL;
    if (take_name(&text, &len, key.type) || take_domid(&text, &len, &key.domid) ||
        take_name(&text, &len, key.devid) || len != 0)
        return -EINVAL;
    *ret_key = key;
    return 0;
}

void device_key_format(const struct device_key *key, char buf[static DEVICE_KEY_SIZE])
{
    snprintf(buf, DEVICE_KEY_SIZE, "%s/%" PRIu16 "/%s", key->type, key->domid, key->devid);
}

void device_backend_path(uint16_t backend_domid, const struct device_key *key,
                         char buf[static BACKEND_PATH_SIZE])
{
    snprintf(buf, BACKEND_PATH_SIZE, "/local/domain/%" PRIu16 "/backend/%s/%" PRIu16 "/%s", backend_domid,
             key->type, key->domid, key->devid);
}

bool device_frontend_path_valid(const char *path, size_t len, uint16_t domid)
{
    static const char domains[] = "/local/domain/";
    uint64_t id;
    size_t n = sizeof domains - 1;
    /* room for the longest key below it */
    if (len <= n || len > STORE_PATH_MAX - 256 || memcmp(path, domains, n) != 0)
        return false;
    const char *slash = memchr(path + n, '/', len - n);
    if (!slash || parse_decimal(path + n, (size_t)(slash - path) - n, UINT16_MAX, &id) || id != domid)
        return false;
    for (size_t i = n; i < len; i++)
        if (!name_char(path[i]) && path[i] != '@' && (path[i] != '/' || path[i - 1] == '/'))
            return false;
    return path[len - 1] != '/';
}

enum backend_place device_locate(uint16_t backend_domid, const char *path, struct device_key *ret_key,
                                 const char **ret_rest)
{
    struct device_key key = {0};
    char prefix[40];
    int n = snprintf(prefix, sizeof prefix, "/local/domain/%" PRIu16 "/backend", backend_domid);
    *ret_key = key;
    if (strncmp(path, prefix, (size_t)n) != 0)
        return BACKEND_OUTSIDE;
    path += n;
    size_t len = strlen(path);
    if (len == 0)
        return BACKEND_ROOT;
    if (*path != '/')
        return BACKEND_OUTSIDE;
    path++, len--;
    if (take_name(&path, &len, ret_key->type))
        return BACKEND_OUTSIDE;
    if (len == 0)
        return BACKEND_TYPE;
    if (take_domid(&path, &len, &ret_key->domid))
        return BACKEND_OUTSIDE;
    if (len == 0)
        return BACKEND_DOMAIN;
    if (take_name(&path, &len, ret_key->devid))
        return BACKEND_OUTSIDE;
    *ret_rest = path;
    return len == 0 ? BACKEND_DEVICE : BACKEND_KEY;
}
