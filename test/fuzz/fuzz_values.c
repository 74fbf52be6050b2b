/* SPDX-License-Identifier: MIT */
/* Whatever stands in the store, read as each thing that we read there: what is understood can be written
 * again as the same text, and what should be understood is. */
#include <inttypes.h>

#include "reconcilers/block/network.h"
#include "reconcilers/image.h"
#include "schemas/device.h"
#include "schemas/marker.h"
#include "schemas/policy/duration.h"
#include "schemas/policy/policy.h"
#include "schemas/value.h"
#include "schemas/xenbus.h"
#include "test/fuzz/fuzz.h"

static bool is(const char *text, size_t len, const char *expected)
{
    return len == strlen(expected) && memcmp(text, expected, len) == 0;
}

static void check_state(const char *text, size_t len)
{
    enum xenbus_state s;
    char again[8];
    bool digit = len == 1 && text[0] >= '0' && text[0] <= '8';
    int error = xenbus_state_parse(text, len, &s);
    holds(digit == !error, "%d", error);
    if (error)
        return;
    snprintf(again, sizeof again, "%d", (int)s);
    holds(is(text, len, again) && strcmp(xenbus_state_name(s), "invalid") != 0, "%s", again);
}

static void check_marker(const char *text, size_t len)
{
    struct marker m, n;
    char again[MARKER_SIZE];
    if (marker_parse(text, len, &m))
        return;
    marker_format(&m, again);
    holds(is(text, len, again), "%s", again);
    holds(!marker_parse(again, strlen(again), &n) && m.incarnation == n.incarnation && m.wrote == n.wrote &&
              m.connected == n.connected && m.ring == n.ring,
          "%s", again);
}

/* Every number makes a marker that is understood. */
static void check_made_marker(struct choices c)
{
    struct marker n, m = {take_number(&c, 8), (enum xenbus_state)take_below(&c, XENBUS_STATE_COUNT),
                          take_flag(&c), take_number(&c, 8)};
    char text[MARKER_SIZE];
    marker_format(&m, text);
    holds(!marker_parse(text, strlen(text), &n), "%s", text);
    holds(m.incarnation == n.incarnation && m.wrote == n.wrote && m.connected == n.connected &&
              (!m.connected || m.ring == n.ring),
          "%s", text);
}

/* What is named is named the same again, and by another backend otherwise. */
static void check_image(const char *text, size_t len)
{
    const struct value params = {PRESENT, text, len}, mode = {PRESENT, "w", 1};
    const struct image_keys keys = {.params = params, .mode = mode};
    struct image one = image_of(0, &keys), other = image_of(1, &keys);
    uint64_t name = one.names[IMAGE_BY_PARAMS];
    holds(name == image_of(0, &keys).names[IMAGE_BY_PARAMS], "%d", one.formatted);
    holds(name ? name != other.names[IMAGE_BY_PARAMS] : !other.names[IMAGE_BY_PARAMS], "%d", one.formatted);
    holds(name || len < 16, "%d", one.formatted); /* no word before the path is so long */
}

/* An address is understood or refused, in words. */
static void check_address(const char *text, size_t len)
{
    char why[256] = "", *params = strndup(text, len);
    const char *address = network_address(params);
    json_t *options = address ? network_options(address, why) : NULL;
    holds(!address || !options == (*why != '\0'), "%s", params);
    json_decref(options);
    free(params);
}

static void check_number(const char *text, size_t len, uint64_t max)
{
    uint64_t n = 0;
    char again[32];
    int error = parse_decimal(text, len, max, &n);
    bool digits = len > 0 && len <= 20 && (len == 1 || text[0] != '0');
    unsigned __int128 sum = 0;
    for (size_t i = 0; i < len && digits; i++) {
        digits = text[i] >= '0' && text[i] <= '9';
        sum = sum * 10 + (unsigned)(text[i] - '0');
    }
    holds((digits && sum <= max) == !error, "%.*s up to %" PRIu64 ": %d", (int)len, text, max, error);
    snprintf(again, sizeof again, "%" PRIu64, n);
    holds(error || is(text, len, again), "%s", again);
}

static void check_duration(const char *text, size_t len)
{
    uint32_t d = 0, again = 1;
    char buf[DURATION_SIZE];
    if (duration_parse(text, len, &d))
        return;
    holds(d <= DURATION_MAX, "%" PRIu32, d);
    duration_format(d, buf);
    holds(!duration_parse(buf, strlen(buf), &again) && again == d, "%s is %" PRIu32, buf, again);
    holds(strlen(buf) <= len, "%s is longer", buf);
}

static void check_places(const struct device_key *key, uint16_t self)
{
    char path[BACKEND_PATH_SIZE], below[BACKEND_PATH_SIZE + 16];
    struct device_key found;
    const char *rest = NULL;
    device_backend_path(self, key, path);
    holds(strlen(path) + 1 < sizeof path, "%s is cut", path);
    holds(device_locate(self, path, &found, &rest) == BACKEND_DEVICE && device_key_equal(&found, key), "%s",
          path);
    snprintf(below, sizeof below, "%s/port/1", path);
    holds(device_locate(self, below, &found, &rest) == BACKEND_KEY && device_key_equal(&found, key) &&
              strcmp(rest, "port/1") == 0,
          "%s: %s", below, rest);
    holds(device_locate(self ^ 1, path, &found, &rest) == BACKEND_OUTSIDE, "%s", path);
}

static bool check_key(const char *text, size_t len, struct device_key *ret_key)
{
    char again[DEVICE_KEY_SIZE];
    if (device_key_parse(text, len, ret_key))
        return false;
    device_key_format(ret_key, again);
    holds(is(text, len, again), "%s", again);
    holds(ret_key->domid <= DOMID_MAX, "%s", again);
    check_places(ret_key, 0);
    check_places(ret_key, ret_key->domid);
    return true;
}

static void check_path(const char *path, uint16_t self)
{
    struct device_key key;
    char again[BACKEND_PATH_SIZE];
    const char *rest = NULL;
    int n = snprintf(again, sizeof again, "/local/domain/%" PRIu16 "/backend", self);
    enum backend_place place = device_locate(self, path, &key, &rest);
    if (place == BACKEND_OUTSIDE)
        return;
    if (place >= BACKEND_DEVICE)
        device_backend_path(self, &key, again);
    else if (place == BACKEND_DOMAIN)
        snprintf(again + n, sizeof again - (size_t)n, "/%s/%" PRIu16, key.type, key.domid);
    else if (place == BACKEND_TYPE)
        snprintf(again + n, sizeof again - (size_t)n, "/%s", key.type);
    /* one slash behind it says nothing */
    size_t len = strlen(again);
    holds(strncmp(path, again, len) == 0, "%s is not %s", path, again);
    if (place == BACKEND_KEY)
        holds(path[len] == '/' && *rest && strcmp(path + len + 1, rest) == 0, "%s: %s", path, rest);
    else
        holds(path[len] == '\0' || strcmp(path + len, "/") == 0, "%s is not %s", path, again);
}

static void check_frontend(const char *path, size_t len, uint16_t domid)
{
    char prefix[32];
    struct device_key key;
    const char *rest;
    if (!device_frontend_path_valid(path, len, domid))
        return;
    size_t n = (size_t)snprintf(prefix, sizeof prefix, "/local/domain/%" PRIu16 "/", domid);
    holds(len > n && memcmp(path, prefix, n) == 0 && len < STORE_PATH_MAX && path[len - 1] != '/', "%.*s",
          (int)len, path);
    for (size_t i = 0; i < len; i++) {
        holds(path[i] != '/' || path[i + 1] != '/', "%.*s", (int)len, path);
        holds(path[i] && strchr("/-_@", path[i]) ? true
              : (path[i] | 0x20) >= 'a'          ? (path[i] | 0x20) <= 'z'
                                                 : path[i] >= '0' && path[i] <= '9',
              "0x%02x", (unsigned char)path[i]);
    }
    char *string = fuzz_string((const uint8_t *)path, len);
    holds(device_locate((uint16_t)(domid + 1u), string, &key, &rest) == BACKEND_OUTSIDE, "%s", string);
    free(string);
}

static void check_spec(const char *text, size_t len)
{
    char *copy = fuzz_string((const uint8_t *)text, len);
    struct value v = {PRESENT, copy, len};
    bool zero = memchr(copy, '\0', len);
    for (int type = KEY_STRING; type <= KEY_HEX; type++) {
        struct key_spec spec = {.name = copy, .type = (enum key_type)type};
        const char *wrong = key_spec_check(&spec, &v);
        holds(!zero || wrong, "type %d takes a zero byte", type);
        holds(type != KEY_UINT16 || wrong || strtoul(copy, NULL, 10) <= UINT16_MAX, "%s", copy);
        holds(type != KEY_UINT32 || wrong || strtoul(copy, NULL, 10) <= UINT32_MAX, "%s", copy);
        holds(type != KEY_BOOLEAN || wrong || strcmp(copy, "0") == 0 || strcmp(copy, "1") == 0, "%s", copy);
    }
    free(copy);
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

/* The order of devices is one: it is what reports are sorted by. */
static void check_order(const struct device_key *k, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            int way = sign(device_key_compare(&k[i], &k[j]));
            holds(way == -sign(device_key_compare(&k[j], &k[i])), "%s and %s", k[i].devid, k[j].devid);
            holds((way == 0) == device_key_equal(&k[i], &k[j]), "%s and %s", k[i].devid, k[j].devid);
            holds(way || device_key_hash(&k[i]) == device_key_hash(&k[j]), "%s", k[i].devid);
            for (size_t m = 0; m < n; m++)
                holds(way > 0 || device_key_compare(&k[j], &k[m]) > 0 ||
                          device_key_compare(&k[i], &k[m]) <= 0,
                      "%s, %s, %s", k[i].devid, k[j].devid, k[m].devid);
        }
}

static void check_all(const char *text, size_t len)
{
    check_state(text, len);
    check_marker(text, len);
    check_image(text, len);
    check_address(text, len);
    check_number(text, len, UINT64_MAX);
    check_number(text, len, DOMID_MAX);
    check_duration(text, len);
    check_frontend(text, len, 0);
    check_frontend(text, len, 7);
    check_spec(text, len);
    char *string = fuzz_string((const uint8_t *)text, len);
    check_path(string, 0);
    check_path(string, 7);
    free(string);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct device_key keys[4];
    size_t n = 0;
    check_made_marker((struct choices){data, size});
    for (size_t at = 0; at <= size;) { /* a value a line */
        const uint8_t *end = size > at ? memchr(data + at, '\n', size - at) : NULL;
        size_t len = end ? (size_t)(end - data) - at : size - at;
        char *exact = calloc(1, len ? len : 1); /* nothing behind it, for a sanitizer */
        holds(exact);
        if (len)
            memcpy(exact, data + at, len);
        check_all(exact, len);
        n += n < sizeof keys / sizeof *keys && check_key(exact, len, &keys[n]);
        free(exact);
        at += len + 1;
    }
    check_order(keys, n);
    return 0;
}
