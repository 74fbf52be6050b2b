/* SPDX-License-Identifier: MIT */
/* libxengnttab on files: reference R of domain N maps page R of $RIG_DIR/domN.mem, whoever asks. The domain
 * itself just maps the file. A mapping outlives its domain, as in Xen. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xengnttab.h>

#include "test/rig/rig.h"

static char handle; /* what all handles point at: none has a state */

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger, unsigned open_flags)
{
    (void)logger, (void)open_flags;
    return (void *)&handle;
}

int xengnttab_close(xengnttab_handle *xgt)
{
    (void)xgt;
    return 0;
}

int xengnttab_set_max_grants(xengnttab_handle *xgt, uint32_t nr_grants)
{
    (void)xgt, (void)nr_grants;
    return 0;
}

static bool holds_page(int memory, uint32_t ref)
{
    struct stat st;

    return fstat(memory, &st) == 0 && ref < st.st_size / RIG_PAGE;
}

/* Whatever is wrong with a reference, gntdev says EINVAL. */
void *xengnttab_map_grant_ref(xengnttab_handle *xgt, uint32_t domid, uint32_t ref, int prot)
{
    char path[RIG_PATH];
    void *page = MAP_FAILED;
    int memory = -1;

    (void)xgt;
    if (rig_domain_exists(domid) && rig_path(path, "dom%u.mem", domid))
        memory = openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (memory >= 0 && holds_page(memory, ref))
        page = mmap(NULL, RIG_PAGE, prot, MAP_SHARED, memory, (off_t)ref * RIG_PAGE);
    if (memory >= 0)
        close(memory);
    if (page == MAP_FAILED)
        errno = EINVAL;
    return page == MAP_FAILED ? NULL : page;
}

int xengnttab_unmap(xengnttab_handle *xgt, void *start_address, uint32_t count)
{
    (void)xgt;
    return munmap(start_address, (size_t)count * RIG_PAGE);
}
