/* SPDX-License-Identifier: MIT */
#include "schemas/selector.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "schemas/disk_name.h"
#include "schemas/value.h"

bool selector_glob(const char *pattern, const char *name)
{
    const char *star = NULL,
               *retry = NULL; /* behind the last *, and where what it stands for ends at the least */
    while (*name) {
        if (*pattern == '*') {
            star = ++pattern;
            retry = name;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star;
            name = ++retry;
        } else {
            return false;
        }
    }
    pattern += strspn(pattern, "*");
    return *pattern == '\0';
}

static bool is_number(const char *text)
{
    uint64_t n;
    return parse_decimal(text, strlen(text), UINT32_MAX, &n) == 0;
}

/* ---- parsing ---- */

/* Takes the text up to the next slash, and moves behind it. */
static int take_part(const char **text, char buf[static SELECTOR_PART_SIZE])
{
    size_t len = strcspn(*text, "/");
    if (len == 0 || len >= SELECTOR_PART_SIZE)
        return -EINVAL;
    memcpy(buf, *text, len);
    buf[len] = '\0';
    *text += len + ((*text)[len] == '/');
    return 0;
}

static int parse_path(const char *text, struct selector *s)
{
    size_t len = strlen(text);
    if (len >= sizeof s->path)
        return -EINVAL;
    s->kind = SELECTOR_PATH;
    memcpy(s->path, text, len + 1);
    while (len > 1 && s->path[len - 1] == '/')
        s->path[--len] = '\0';
    return 0;
}

int selector_parse(const char *text, struct selector *ret_selector)
{
    struct selector s = {0};
    size_t slashes = 0;
    int error = 0;
    if (text[0] == '/') {
        error = parse_path(text, &s);
        *ret_selector = s;
        return error;
    }
    for (const char *p = text; *p; p++)
        slashes += *p == '/';
    switch (slashes) {
    case 0:
        s.kind = SELECTOR_EITHER;
        error = take_part(&text, s.domain);
        break;
    case 1:
        s.kind = SELECTOR_DOMAIN;
        error = take_part(&text, s.type);
        error = error ? error : take_part(&text, s.domain);
        break;
    case 2:
        s.kind = SELECTOR_DEVICE;
        error = take_part(&text, s.type);
        error = error ? error : take_part(&text, s.domain);
        error = error ? error : take_part(&text, s.devid);
        break;
    default:
        error = -EINVAL;
    }
    if (!error)
        *ret_selector = s;
    return error;
}

bool selector_exact(const struct selector *s, struct device_key *ret_key)
{
    uint64_t domid;
    size_t type = strlen(s->type), devid = strlen(s->devid);
    if (s->kind != SELECTOR_DEVICE || !device_name_valid(s->type, type) ||
        !device_name_valid(s->devid, devid) || !is_number(s->devid) ||
        parse_decimal(s->domain, strlen(s->domain), DOMID_MAX, &domid))
        return false;
    *ret_key = (struct device_key){.domid = (uint16_t)domid};
    memcpy(ret_key->type, s->type, type + 1);
    memcpy(ret_key->devid, s->devid, devid + 1);
    return true;
}

/* ---- matching ---- */

static bool domain_matches(const char *pattern, const struct selectable *device)
{
    char number[8];
    snprintf(number, sizeof number, "%u", device->key->domid);
    return selector_glob(pattern, number) ||
           (device->domain_name && selector_glob(pattern, device->domain_name));
}

static bool devid_matches(const char *pattern, const struct selectable *device)
{
    char name[DISK_NAME_SIZE];
    if (selector_glob(pattern, device->key->devid))
        return true;
    /* The key says it where there is one: the toolstack may number as it likes */
    if (device->dev)
        return selector_glob(pattern, device->dev);
    return disk_name_of_devid(device->key->devid, name) && selector_glob(pattern, name);
}

/* Whether one of these paths is the other, or lies below it. */
static bool related(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), least = n < m ? n : m;
    if (strncmp(a, b, least) != 0)
        return false;
    return n == m || (n > m ? a : b)[least] == '/';
}

/* Whether the path lies in what a toolstack keeps of the device: /libxl/<domid>/device/<type>/<devid> */
static bool of_toolstack(const char *path, const struct selectable *device)
{
    char of[BACKEND_PATH_SIZE];
    const struct device_key *key = device->key;
    /* the frontend's word for the type, which is what libxl takes */
    const char *type = NULL;
    size_t len = 0;
    if (device->frontend) {
        const char *end = strrchr(device->frontend, '/');
        for (type = end; type > device->frontend && type[-1] != '/'; type--)
            ;
        len = end ? (size_t)(end - type) : 0;
    }
    if (!len || len > DEVICE_NAME_MAX)
        return false;
    snprintf(of, sizeof of, "/libxl/%u/device/%.*s/%s", key->domid, (int)len, type, key->devid);
    return related(path, of);
}

static bool path_matches(const char *path, const struct selectable *device)
{
    char backend[BACKEND_PATH_SIZE], domain[32];
    device_backend_path(device->backend_domid, device->key, backend);
    /* of a backend's domain, what lies above its tree is the domain's own, not all that it serves */
    snprintf(domain, sizeof domain, "/local/domain/%u/backend", device->backend_domid);
    if (related(path, backend) && related(path, domain) && strlen(path) >= strlen(domain))
        return true;
    snprintf(domain, sizeof domain, "/local/domain/%u", device->key->domid);
    if (strcmp(path, domain) == 0)
        return true;
    snprintf(domain, sizeof domain, "/libxl/%u", device->key->domid);
    return (device->frontend && strlen(path) > strlen("/local/domain") && related(path, device->frontend)) ||
           (related(path, domain) && strlen(path) >= strlen(domain) && of_toolstack(path, device));
}

bool selector_matches(const struct selector *s, const struct selectable *device)
{
    switch (s->kind) {
    case SELECTOR_EITHER:
        return selector_glob(s->domain, device->key->type) || domain_matches(s->domain, device);
    case SELECTOR_DOMAIN:
        return selector_glob(s->type, device->key->type) && domain_matches(s->domain, device);
    case SELECTOR_DEVICE:
        return selector_glob(s->type, device->key->type) && domain_matches(s->domain, device) &&
               devid_matches(s->devid, device);
    case SELECTOR_PATH:
        return path_matches(s->path, device);
    }
    return false;
}

bool selector_wants_names(const struct selector *s)
{
    return s->kind != SELECTOR_PATH && strcmp(s->domain, "*") != 0 && !is_number(s->domain);
}

bool selector_wants_dev(const struct selector *s)
{
    return s->kind == SELECTOR_DEVICE && strcmp(s->devid, "*") != 0 && !is_number(s->devid);
}

bool selector_wants_frontend(const struct selector *s)
{
    return s->kind == SELECTOR_PATH;
}
