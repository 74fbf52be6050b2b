/* SPDX-License-Identifier: MIT */
/* libxengnttab on files: reference R of domain N is page R of its memory, if domain N has granted that page
 * to the domain that asks. A mapping outlives the grant and the domain, as in Xen.
 *
 * Errors are those of Linux's gntdev: a map that fails for whatever reason is EINVAL; a copy fails as a whole
 * (EINVAL) when a segment leaves its page or touches no grant, and else has Xen's status for each segment.
 *
 * A handle keeps a domain's memory mapped once it has met it, so that a copy is a memcpy(). A worker of
 * xenrecon will not be able to open files when it has dropped its rights: its domain is looked up when it
 * opens the handle, and no other. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xen/grant_table.h>
#include <xengnttab.h>

#include "controller/base/queue.h"
#include "test/rig/rig.h"

enum {
    GRANTED = 1u << 16, /* an entry: this, READ_ONLY or not, and to whom */
    READ_ONLY = 1u << 17,
};

struct rig_grants {
    atomic_bool gone;
    bool open;
    uint32_t pages;
    _Atomic uint32_t entry[];
};

struct peer {
    struct peer *next;
    uint32_t domid;
    int granted; /* what is mapped by others */
    struct rig_memory memory;
};

struct mapping {
    LIST_ENTRY(mapping) next;
    char *start;
    uint32_t pages;
};

struct xengntdev_handle {
    uint32_t self;
    bool confined;        /* no more peers */
    pthread_mutex_t lock; /* of what changes; peers are only ever added, and read without it */
    _Atomic(struct peer *) peers;
    LIST_HEAD(mappings, mapping) mappings;
};

/* ---- a domain's memory ---- */

static size_t grants_size(uint32_t pages)
{
    return sizeof(struct rig_grants) + pages * sizeof(uint32_t);
}

static int open_of(uint32_t domid, const char *what, int flags)
{
    char path[RIG_PATH];
    int fd = rig_path(path, "dom%u.%s", domid, what) ? openat(AT_FDCWD, path, flags | O_CLOEXEC, 0600) : -1;

    if (fd >= 0 && (flags & O_CREAT))
        fchmod(fd, 0666); /* a backend may be any user, as where /dev/xen/gntdev lets it */
    return fd;
}

static int drop(uint32_t domid, const char *what)
{
    char path[RIG_PATH];

    return rig_path(path, "dom%u.%s", domid, what) && (unlink(path) == 0 || errno == ENOENT) ? 0 : -1;
}

/* All of the file, shared; the descriptor is closed. */
static void *map_file(int fd, size_t *ret_size)
{
    void *at = MAP_FAILED;
    struct stat st;

    if (fd >= 0 && fstat(fd, &st) == 0)
        at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    if (at == MAP_FAILED)
        return NULL;
    *ret_size = (size_t)st.st_size;
    return at;
}

int rig_memory_open(uint32_t domid, struct rig_memory *ret_memory)
{
    size_t size, grants_bytes;
    struct rig_grants *grants = map_file(open_of(domid, "grants", O_RDWR), &grants_bytes);
    char *base = grants ? map_file(open_of(domid, "mem", O_RDWR), &size) : NULL;

    if (!base) {
        if (grants)
            munmap(grants, grants_bytes);
        return -1;
    }
    *ret_memory = (struct rig_memory){.base = base, .pages = grants->pages, .grants = grants};
    return 0;
}

static void close_memory(const struct rig_memory *memory)
{
    munmap(memory->base, (size_t)memory->pages * RIG_PAGE);
    munmap(memory->grants, grants_size(memory->pages));
}

static void *make_file(uint32_t domid, const char *what, size_t size)
{
    int fd = open_of(domid, what, O_RDWR | O_CREAT | O_EXCL);

    if (fd >= 0 && ftruncate(fd, (off_t)size) != 0) {
        close(fd);
        fd = -1;
    }
    return map_file(fd, &size);
}

int rig_memory_create(uint32_t domid, uint32_t pages, bool open)
{
    char memory[RIG_PATH], granted[RIG_PATH];
    struct rig_grants *grants;
    void *base;

    if (rig_memory_destroy(domid) != 0 || !rig_path(memory, "dom%u.mem", domid) ||
        !rig_path(granted, "dom%u.granted", domid))
        return -1;
    base = make_file(domid, "mem", (size_t)pages * RIG_PAGE);
    if (!base || link(memory, granted) != 0)
        return -1;
    munmap(base, (size_t)pages * RIG_PAGE);
    grants = make_file(domid, "grants", grants_size(pages));
    if (!grants)
        return -1;
    grants->open = open;
    grants->pages = pages;
    return munmap(grants, grants_size(pages));
}

int rig_memory_destroy(uint32_t domid)
{
    struct rig_memory memory;

    if (rig_memory_open(domid, &memory) == 0) {
        atomic_store(&memory.grants->gone, true);
        close_memory(&memory);
    }
    return drop(domid, "grants") | drop(domid, "granted") | drop(domid, "mem");
}

static int set_entry(const struct rig_memory *memory, uint32_t page, uint32_t entry)
{
    if (page >= memory->pages) {
        errno = EINVAL;
        return -1;
    }
    atomic_store(&memory->grants->entry[page], entry);
    return 0;
}

int rig_grant(const struct rig_memory *memory, uint32_t page, uint32_t to, bool read_only)
{
    return set_entry(memory, page, GRANTED | (read_only ? READ_ONLY : 0) | (to & 0xffff));
}

int rig_revoke(const struct rig_memory *memory, uint32_t page)
{
    return set_entry(memory, page, 0);
}

/* ---- the domains that a handle has met ---- */

static struct peer *find_peer(xengnttab_handle *xgt, uint32_t domid)
{
    struct peer *p = atomic_load(&xgt->peers);

    while (p && (p->domid != domid || atomic_load(&p->memory.grants->gone)))
        p = p->next;
    return p;
}

/* An earlier domain of that number stays in the list: another thread may be copying from it. */
static struct peer *add_peer(xengnttab_handle *xgt, uint32_t domid)
{
    struct peer *p = calloc(1, sizeof(*p));

    if (!p || rig_memory_open(domid, &p->memory) != 0) {
        free(p);
        return NULL;
    }
    p->domid = domid;
    p->granted = open_of(domid, "granted", O_RDWR);
    p->next = atomic_load(&xgt->peers);
    atomic_store(&xgt->peers, p);
    return p;
}

/* NULL: there is no such domain, or it has no memory. */
static struct peer *get_peer(xengnttab_handle *xgt, uint32_t domid)
{
    struct peer *p = find_peer(xgt, domid);

    if (p || xgt->confined)
        return p;
    pthread_mutex_lock(&xgt->lock);
    p = find_peer(xgt, domid);
    if (!p)
        p = add_peer(xgt, domid);
    pthread_mutex_unlock(&xgt->lock);
    return p;
}

/* As Xen says it; it makes no difference between a page that is not granted, or to another, or to be read. */
static int16_t check_grant(const xengnttab_handle *xgt, const struct peer *p, uint32_t ref, bool write)
{
    uint32_t entry;

    if (!p)
        return GNTST_bad_domain;
    if (ref >= p->memory.pages)
        return GNTST_bad_gntref;
    if (p->memory.grants->open)
        return GNTST_okay;
    entry = atomic_load(&p->memory.grants->entry[ref]);
    if (!(entry & GRANTED) || (entry & 0xffff) != xgt->self || (write && (entry & READ_ONLY)))
        return GNTST_general_error;
    return GNTST_okay;
}

/* ---- handles ---- */

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger, unsigned open_flags)
{
    const char *served = getenv("XENRECON_FRONTEND_DOMID");
    xengnttab_handle *xgt = calloc(1, sizeof(*xgt));

    (void)logger, (void)open_flags;
    if (!xgt)
        return NULL;
    xgt->self = rig_domid();
    pthread_mutex_init(&xgt->lock, NULL);
    LIST_INIT(&xgt->mappings);
    if (served)
        get_peer(xgt, (uint32_t)strtoul(served, NULL, 10));
    xgt->confined = served;
    return xgt;
}

/* Mappings stay, as they do when the device is closed. */
int xengnttab_close(xengnttab_handle *xgt)
{
    struct peer *p = xgt ? atomic_load(&xgt->peers) : NULL;
    struct mapping *m, *following;

    while (p) {
        struct peer *next = p->next;

        close_memory(&p->memory);
        close(p->granted);
        free(p);
        p = next;
    }
    for (m = xgt ? LIST_FIRST(&xgt->mappings) : NULL; m; m = following) {
        following = LIST_NEXT(m, next);
        free(m);
    }
    free(xgt);
    return 0;
}

int xengnttab_set_max_grants(xengnttab_handle *xgt, uint32_t nr_grants)
{
    (void)xgt, (void)nr_grants;
    return 0;
}

/* ---- maps ---- */

/* The pages one by one into their places, neighbours together. */
static bool map_into(xengnttab_handle *xgt, char *at, uint32_t count, const uint32_t *domids,
                     size_t domid_step, const uint32_t *refs, int prot)
{
    for (uint32_t i = 0, n; i < count; i += n) {
        struct peer *p = get_peer(xgt, domids[i * domid_step]);

        for (n = 0; i + n < count && domids[(i + n) * domid_step] == domids[i * domid_step] &&
                    refs[i + n] == refs[i] + n;
             n++)
            if (check_grant(xgt, p, refs[i + n], prot & PROT_WRITE) != GNTST_okay)
                return false;
        if (mmap(at + (size_t)i * RIG_PAGE, (size_t)n * RIG_PAGE, prot, MAP_SHARED | MAP_FIXED, p->granted,
                 (off_t)refs[i] * RIG_PAGE) == MAP_FAILED)
            return false;
    }
    return true;
}

static void *map_grants(xengnttab_handle *xgt, uint32_t count, const uint32_t *domids, size_t domid_step,
                        const uint32_t *refs, int prot)
{
    size_t size = (size_t)count * RIG_PAGE;
    char *at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct mapping *m = at == MAP_FAILED ? NULL : calloc(1, sizeof(*m));

    if (!m || !map_into(xgt, at, count, domids, domid_step, refs, prot)) {
        free(m);
        if (at != MAP_FAILED)
            munmap(at, size);
        errno = EINVAL;
        return NULL;
    }
    *m = (struct mapping){.start = at, .pages = count};
    pthread_mutex_lock(&xgt->lock);
    LIST_INSERT_HEAD(&xgt->mappings, m, next);
    pthread_mutex_unlock(&xgt->lock);
    return at;
}

void *xengnttab_map_grant_ref(xengnttab_handle *xgt, uint32_t domid, uint32_t ref, int prot)
{
    return map_grants(xgt, 1, &domid, 0, &ref, prot);
}

void *xengnttab_map_grant_refs(xengnttab_handle *xgt, uint32_t count, uint32_t *domids, uint32_t *refs,
                               int prot)
{
    return map_grants(xgt, count, domids, 1, refs, prot);
}

void *xengnttab_map_domain_grant_refs(xengnttab_handle *xgt, uint32_t count, uint32_t domid, uint32_t *refs,
                                      int prot)
{
    return map_grants(xgt, count, &domid, 0, refs, prot);
}

/* All that was mapped in one call, or EINVAL. */
int xengnttab_unmap(xengnttab_handle *xgt, void *start_address, uint32_t count)
{
    struct mapping *m;

    pthread_mutex_lock(&xgt->lock);
    LIST_FOREACH (m, &xgt->mappings, next) {
        if (m->start == start_address && m->pages == count)
            break;
    }
    if (m)
        LIST_REMOVE(m, next);
    pthread_mutex_unlock(&xgt->lock);
    if (!m) {
        errno = EINVAL;
        return -1;
    }
    free(m);
    return munmap(start_address, (size_t)count * RIG_PAGE);
}

/* ---- copies ---- */

static bool fits(const union xengnttab_copy_ptr *side, bool granted, uint16_t len)
{
    return !granted || side->foreign.offset + len <= RIG_PAGE;
}

/* Where one side of a copy is. */
static int16_t locate(xengnttab_handle *xgt, const union xengnttab_copy_ptr *side, bool granted, bool write,
                      char **ret_at)
{
    struct peer *p;
    int16_t status;

    if (!granted) {
        *ret_at = side->virt;
        return GNTST_okay;
    }
    p = get_peer(xgt, side->foreign.domid);
    status = check_grant(xgt, p, side->foreign.ref, write);
    if (status == GNTST_okay)
        *ret_at = p->memory.base + (size_t)side->foreign.ref * RIG_PAGE + side->foreign.offset;
    return status;
}

int xengnttab_grant_copy(xengnttab_handle *xgt, uint32_t count, xengnttab_grant_copy_segment_t *segs)
{
    const uint16_t both = GNTCOPY_source_gref | GNTCOPY_dest_gref;

    for (uint32_t i = 0; i < count; i++) {
        const xengnttab_grant_copy_segment_t *s = &segs[i];

        if (!(s->flags & both) || !fits(&s->source, s->flags & GNTCOPY_source_gref, s->len) ||
            !fits(&s->dest, s->flags & GNTCOPY_dest_gref, s->len)) {
            errno = EINVAL;
            return -1;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        xengnttab_grant_copy_segment_t *s = &segs[i];
        char *from, *to;

        s->status = locate(xgt, &s->source, s->flags & GNTCOPY_source_gref, false, &from);
        if (s->status == GNTST_okay)
            s->status = locate(xgt, &s->dest, s->flags & GNTCOPY_dest_gref, true, &to);
        if (s->status == GNTST_okay)
            memcpy(to, from, s->len);
    }
    return 0;
}
