/* SPDX-License-Identifier: MIT */
/* Which devices' ends a dump shows. */
#include <string.h>

#include "schemas/dump/ends.h"

static bool domid_of(const struct dump_node *n, uint16_t *ret_domid)
{
    uint64_t domid;
    if (parse_decimal(n->name, n->name_len, DOMID_MAX, &domid))
        return false;
    *ret_domid = (uint16_t)domid;
    return true;
}

static bool name_of(const struct dump_node *n, char buf[static DEVICE_NAME_MAX + 1])
{
    if (!device_name_valid(n->name, n->name_len))
        return false;
    memcpy(buf, n->name, (size_t)n->name_len + 1);
    return true;
}

static void devices_of_type(const struct dump_node *type, uint16_t backend_domid, struct device_key *key,
                            void (*each)(void *arg, uint16_t backend_domid, const struct device_key *key),
                            void *arg)
{
    for (const struct dump_node *domain = type->first; domain; domain = domain->next) {
        if (!domid_of(domain, &key->domid))
            continue;
        for (const struct dump_node *device = domain->first; device; device = device->next)
            if (name_of(device, key->devid))
                each(arg, backend_domid, key);
    }
}

void dump_backend_domains(const struct dump *d, void (*each)(void *arg, uint16_t domid), void *arg)
{
    const struct dump_node *all = dump_find(d, "/local/domain");
    uint16_t domid = 0;
    for (const struct dump_node *domain = all ? all->first : NULL; domain; domain = domain->next)
        if (dump_child(d, domain, "backend", strlen("backend")) && domid_of(domain, &domid))
            each(arg, domid);
}

void dump_devices(const struct dump *d,
                  void (*each)(void *arg, uint16_t backend_domid, const struct device_key *key), void *arg)
{
    const struct dump_node *all = dump_find(d, "/local/domain");
    for (const struct dump_node *domain = all ? all->first : NULL; domain; domain = domain->next) {
        uint16_t backend_domid;
        const struct dump_node *backend = dump_child(d, domain, "backend", strlen("backend"));
        if (!backend || !domid_of(domain, &backend_domid))
            continue;
        for (const struct dump_node *type = backend->first; type; type = type->next) {
            struct device_key key = {0};
            if (name_of(type, key.type))
                devices_of_type(type, backend_domid, &key, each, arg);
        }
    }
}

void dump_frontends(const struct dump *d, void (*each)(void *arg, const char *backend), void *arg)
{
    const struct dump_node *all = dump_find(d, "/local/domain");
    for (const struct dump_node *domain = all ? all->first : NULL; domain; domain = domain->next) {
        const struct dump_node *devices = dump_child(d, domain, "device", strlen("device"));
        for (const struct dump_node *type = devices ? devices->first : NULL; type; type = type->next)
            for (const struct dump_node *f = type->first; f; f = f->next) {
                struct dump_place at;
                if (dump_backend_of(d, f, &at))
                    each(arg, dump_child(d, f, "backend", strlen("backend"))->value);
            }
    }
}
