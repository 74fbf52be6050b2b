/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/grow.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reconcilers/block/formats.h"
#include "reconcilers/block/inherited.h"
#include "reconcilers/block/say.h"
#include "schemas/value.h"

/* A number of bytes, or of K, M, G or T of them. */
static bool parse_size(const char *text, uint64_t *ret)
{
    static const char units[] = "KMGT";
    size_t len = strlen(text);
    const char *unit = len && text[len - 1] ? strchr(units, text[len - 1]) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    uint64_t n;
    if (parse_decimal(text, len - (unit != NULL), INT64_MAX >> shift, &n))
        return false;
    *ret = n << shift;
    return true;
}

/* qdisk/7/51712: its server is formats/qdisk.7, where it is called 51712. */
static bool find_server(const char *folder, char *device, char ret_path[PATH_MAX], const char **ret_name)
{
    char *domain = strchr(device, '/'), *name = domain ? strchr(domain + 1, '/') : NULL;
    if (!name || strchr(name + 1, '/') || strpbrk(device, ". \n"))
        return false;
    *domain = '.';
    *name = '\0';
    *ret_name = name + 1;
    return snprintf(ret_path, PATH_MAX, "%s/formats/%s", folder, device) < PATH_MAX;
}

int grow_main(int argc, char **argv)
{
    char path[PATH_MAX], line[512];
    const char *name;
    uint64_t size;
    if (argc < 2 || argc > 3 || !parse_size(argv[1], &size) ||
        !find_server(argc > 2 ? argv[2] : "/run/xenrecon", argv[0], path, &name)) {
        say("usage: --grow TYPE/DOMID/DEVID SIZE[K|M|G|T] [RUNTIME-DIR]");
        return EXIT_USAGE;
    }
    int fd = formats_dial(path);
    if (fd < 0) {
        say("%s: %s", path, strerror(-fd));
        return 1;
    }
    int len = snprintf(line, sizeof line, "grow %s %" PRIu64 "\n", name, size);
    send(fd, line, (size_t)len, MSG_NOSIGNAL);
    ssize_t n = recv(fd, line, sizeof line - 1, 0);
    int error = errno;
    close(fd);
    line[n > 0 ? n : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (strcmp(line, "grown") == 0)
        return 0;
    say("%s", n > 0 ? line : n < 0 ? strerror(error) : "the server has ended");
    return 1;
}
