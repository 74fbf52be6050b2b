/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/server_start.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "reconcilers/block/descriptor.h"
#include "reconcilers/block/inherited.h"
#include "reconcilers/block/opener.h"
#include "reconcilers/block/say.h"
#include "schemas/mem.h"

enum { MONITOR_FD = 3 };

static int fail(char ret_why[256], const char *what)
{
    snprintf(ret_why, 256, "%.150s: %s", what, strerror(errno));
    return -1;
}

/* For the sockets of images, beside that for workers. */
static char *make_directory(const char *beside, uid_t uid, gid_t gid)
{
    char *path = NULL;
    if (asprintf(&path, "%s-images", beside) < 0)
        abort(); /* as for any memory */
    struct stat st;
    if ((mkdir(path, 0700) && errno != EEXIST) || lstat(path, &st) || !S_ISDIR(st.st_mode) ||
        (st.st_uid != uid && lchown(path, uid, gid))) {
        free(path);
        return NULL;
    }
    return path;
}

/* But for one right: to open images, whosever they are. The daemon does not get it. */
static int become(uid_t uid, gid_t gid)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {{0}};
    caps[0].effective = caps[0].permitted = 1U << CAP_DAC_OVERRIDE;
    if (uid != geteuid() && (prctl(PR_SET_KEEPCAPS, 1) || setgroups(0, NULL) || setresgid(gid, gid, gid) ||
                             setresuid(uid, uid, uid) || syscall(SYS_capset, &header, caps)))
        return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* ---- the daemon ---- */

/* What it must not open by itself is asked of us from here on, through what we get. */
static int restrict_files(int monitor, const struct images_config *config)
{
    int listener = -1;
    int error = config->network ? 0 : opener_restrict(config->io_uring, &listener);
    return error ? error : descriptor_send(monitor, "", 1, listener) ? -errno : 0;
}

/* In the child. It ends with us, whatever we end by. */
static void run(char **argv, int monitor, const struct images_config *config, pid_t parent)
{
    static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char *const env[] = {path, NULL}; /* what is in ours is not for it */
    sigset_t none;
    int error = 0;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGTERM, SIG_DFL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
        (error = restrict_files(monitor, config)) == 0 && dup2(monitor, MONITOR_FD) == MONITOR_FD &&
        fcntl(MONITOR_FD, F_SETFD, 0) == 0)
        execve(argv[0], argv, env);
    if (error)
        errno = -error;
    say("%s: %s", argv[0], strerror(errno));
    _exit(127);
}

static int start_daemon(int argc, char **argv, struct server_start *ret, char ret_why[256])
{
    static char chardev[] = "--chardev", where[] = "socket,id=xenrecon,fd=3", monitor[] = "--monitor",
                by[] = "chardev=xenrecon";
    char *const more[] = {chardev, where, monitor, by, NULL};
    enum { MORE = sizeof more / sizeof *more };
    char byte;
    int ends[2];
    if (access(argv[0], X_OK)) {
        snprintf(ret_why, 256, "cannot run %.120s: %s. Debian has it in the package qemu-system-common",
                 argv[0], strerror(errno));
        return -1;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return fail(ret_why, "a socket for the daemon");
    pid_t parent = getpid();
    char **all = xcalloc((size_t)argc + MORE, sizeof *all);
    memcpy(all, argv, (size_t)argc * sizeof *all);
    memcpy(all + argc, more, sizeof more);
    pid_t pid = fork();
    if (pid == 0)
        run(all, ends[1], &ret->images, parent);
    free(all);
    close(ends[1]);
    if (pid < 0)
        return fail(ret_why, "a process for the daemon");
    ret->images.daemon = ends[0];
    bool begun = descriptor_receive(ends[0], &byte, 1, &ret->images.opener) == 1 &&
                 (ret->images.network || ret->images.opener >= 0);
    if (!begun)
        snprintf(ret_why, 256, "the daemon cannot be locked in: that takes Linux 5.9 with seccomp");
    return !begun;
}

static bool take_option(const char *option, struct images_config *config)
{
    static const char secrets[] = "--secrets=";
    if (strcmp(option, "--io-uring") == 0)
        config->io_uring = true;
    else if (strncmp(option, secrets, sizeof secrets - 1) == 0)
        config->secrets = option + sizeof secrets - 1;
    else
        return false;
    return true;
}

int server_start(int argc, char **argv, struct server_start *ret, char ret_why[256])
{
    char token[TOKEN_DIGITS + 1];
    uid_t uid = geteuid();
    gid_t gid = getegid();
    ret->images.secrets = "/etc/xenrecon/secrets";
    ret->images.owner = uid;
    for (; argc > 0 && take_option(argv[0], &ret->images); argc--)
        argv++;
    if (argc < 2 || strcmp(argv[0], "--") != 0) {
        snprintf(ret_why, 256,
                 "usage: --serve-formats [--io-uring] [--secrets=FOLDER] -- PROGRAM [ARGUMENT]...; it is "
                 "started by xenrecon");
        return -1;
    }
    const char *path = inherited_text("XENRECON_FORMATS");
    ret->listening = (int)inherited_number("XENRECON_LISTEN_FD", FD_MAX);
    int state = (int)inherited_number("XENRECON_STATE_FD", FD_MAX);
    if (getenv("XENRECON_UID")) {
        uid = inherited_number("XENRECON_UID", UINT32_MAX - 1);
        gid = inherited_number("XENRECON_GID", UINT32_MAX - 1);
    }
    inherited_token(token);
    ret->images.directory = ret->directory = make_directory(path, uid, gid);
    if (!ret->directory)
        return fail(ret_why, "a directory for sockets");
    /* the state file stays open: it is locked for as long as we live, and the daemon must not have it */
    if (fcntl(ret->listening, F_SETFD, FD_CLOEXEC) || fcntl(state, F_SETFD, FD_CLOEXEC) || become(uid, gid))
        return fail(ret_why, "becoming the guest's user");
    return start_daemon(argc - 1, argv + 1, ret, ret_why);
}

/* As a unit of systemd's, which has seen to our rights: the socket that somebody has connected to is the
 * first that it hands over, sd_listen_fds(3). */
int server_start_network(int argc, char **argv, struct server_start *ret, char ret_why[256])
{
    const char *handed_over = getenv("LISTEN_FDS");
    ret->images.network = true;
    ret->images.directory = getenv("RUNTIME_DIRECTORY");
    ret->listening = -1;
    if (argc < 2 || strcmp(argv[0], "--") != 0 || !ret->images.directory || !handed_over ||
        strcmp(handed_over, "1") != 0) {
        snprintf(ret_why, 256,
                 "usage: --serve-network -- PROGRAM [ARGUMENT]...; it is started by systemd, for a socket");
        return -1;
    }
    ret->worker = 3;
    if (fcntl(ret->worker, F_SETFD, FD_CLOEXEC) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return fail(ret_why, "the socket");
    return start_daemon(argc - 1, argv + 1, ret, ret_why);
}
