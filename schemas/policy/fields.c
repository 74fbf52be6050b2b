/* SPDX-License-Identifier: MIT */
#include "schemas/policy/fields.h"

#include <string.h>

#include "schemas/marker.h"
#include "schemas/policy/policy.h"
#include "schemas/view.h"

const char *const owner_choices[] = {
    [OWNER_XENRECON] = "xenrecon", [OWNER_KERNEL] = "kernel", [OWNER_EXTERNAL] = "external", NULL};
static const char *const cycle_choices[] = {
    [CYCLE_ON_INITIALISING] = "on-initialising", [CYCLE_ON_CLOSED] = "on-closed", NULL};
static const char *const handshake_choices[] = {[HANDSHAKE_FULL] = "full", [HANDSHAKE_NONE] = "none", NULL};
static const char *const orphan_choices[] = {[ORPHAN_REPORT] = "report", [ORPHAN_REMOVE] = "remove", NULL};
static const char *const key_type_choices[] = {[KEY_STRING] = "string",
                                               [KEY_BOOLEAN] = "boolean",
                                               [KEY_UINT16] = "uint16",
                                               [KEY_UINT32] = "uint32",
                                               [KEY_UINT64] = "uint64",
                                               [KEY_HEX] = "hex",
                                               NULL};
static const char *const frontend_required_choices[] = {
    [REQUIRED_NO] = "false", [REQUIRED_CREATE] = "true", [REQUIRED_CONNECT] = "connect", NULL};
static const char *const backend_required_choices[] = {
    [REQUIRED_NO] = "false", [REQUIRED_CREATE] = "true", NULL};

const char *const reserved_keys[] = {"state",    "online",         "frontend", "frontend-id",
                                     MARKER_KEY, "hotplug-status", NULL};

const char *reserved_key(const char *key)
{
    size_t len = strcspn(key, "/");
    for (size_t i = 0; reserved_keys[i]; i++)
        if (strlen(reserved_keys[i]) == len && memcmp(key, reserved_keys[i], len) == 0)
            return reserved_keys[i];
    return NULL;
}

#define IN_KEY(member)    offsetof(struct key_spec, member)
#define IN_POLICY(member) offsetof(struct policy, member)

/* What may be said of a key of either side, after `required`. */
#define KEY_FIELDS                                                                                  \
    {.name = "type",                                                                                \
     .about = "what the value must be",                                                             \
     .kind = FIELD_CHOICE,                                                                          \
     .offset = IN_KEY(type),                                                                        \
     .preset = KEY_STRING,                                                                          \
     .choices = key_type_choices},                                                                  \
        {.name = "match",                                                                           \
         .about = "a POSIX extended regular expression that the value must match; for type string", \
         .kind = FIELD_REGEX},                                                                      \
        {.name = "enum",                                                                            \
         .about = "the values that are allowed; for type string",                                   \
         .kind = FIELD_WORDS,                                                                       \
         .offset = IN_KEY(choices),                                                                 \
         .offset_n = IN_KEY(n_choices)},                                                            \
        {.name = "secret",                                                                          \
         .about = "the value is never printed",                                                     \
         .kind = FIELD_BOOLEAN,                                                                     \
         .offset = IN_KEY(secret)},                                                                 \
    {                                                                                               \
        0                                                                                           \
    }

static const struct field backend_key_fields[] = {
    {.name = "required",
     .about = "the device is not created before the key is there and valid",
     .kind = FIELD_CHOICE,
     .offset = IN_KEY(required),
     .choices = backend_required_choices,
     .hint = "; `connect` is for frontend-keys"},
    KEY_FIELDS,
};

static const struct field frontend_key_fields[] = {
    {.name = "required",
     .about = "true: the device is not created before the key is there and valid; connect: it is not "
              "connected before",
     .kind = FIELD_CHOICE,
     .offset = IN_KEY(required),
     .choices = frontend_required_choices},
    {.name = "or",
     .about = "another frontend key that does as well: where that one is there, this one is not required",
     .kind = FIELD_KEY,
     .offset = IN_KEY(alternative)},
    KEY_FIELDS,
};

static const struct field worker_fields[] = {
    {.name = "command",
     .about =
         "the program's path and its arguments; ${key} stands for a declared backend key's value, or for the "
         "device's type, domid, devid or key",
     .kind = FIELD_WORDS,
     .required = true,
     .offset = IN_POLICY(worker.command),
     .offset_n = IN_POLICY(worker.n_command)},
    {.name = "formats",
     .about = "a program and its arguments that opens images in formats which the worker does not read: one "
              "process for all workers of a guest, started when the first of them connects to it",
     .kind = FIELD_WORDS,
     .offset = IN_POLICY(worker.formats),
     .offset_n = IN_POLICY(worker.n_formats)},
    {.name = "user",
     .about = "the user that the worker runs as",
     .kind = FIELD_USER,
     .offset = IN_POLICY(worker.user)},
    {.name = "uid-base",
     .about = "it runs as this number plus the frontend domain's instead: one user for each domain",
     .kind = FIELD_NUMBER,
     .offset = IN_POLICY(worker.uid_base),
     .max = INT32_MAX - DOMID_MAX},
    {.name = "drops-privileges",
     .about = "it starts as root, opens what only root can, and becomes that user by itself",
     .kind = FIELD_BOOLEAN,
     .offset = IN_POLICY(worker.drops)},
    {.name = "environment",
     .about = "variables, besides those that every worker gets",
     .kind = FIELD_VARIABLES,
     .offset = IN_POLICY(worker.environment),
     .offset_n = IN_POLICY(worker.n_environment)},
    {.name = "open-files",
     .about = "files that it may have open",
     .kind = FIELD_NUMBER,
     .offset = IN_POLICY(worker.open_files),
     .preset = 256,
     .min = 16,
     .max = 1024 * 1024},
    {.name = "memory",
     .about = "MiB of address space that it may use; 0: no limit",
     .kind = FIELD_NUMBER,
     .offset = IN_POLICY(worker.memory),
     .max = 1024 * 1024},
    {.name = "file-size",
     .about = "MiB that it may make a file grow to, unless it starts as root; 0: no limit",
     .kind = FIELD_NUMBER,
     .offset = IN_POLICY(worker.file_size),
     .preset = 16,
     .max = 1024 * 1024},
    {0},
};

static const struct field deadline_fields[] = {
    {.name = "create",
     .about = "for the keys to be complete and the worker to be ready",
     .kind = FIELD_DURATION,
     .offset = IN_POLICY(deadlines.create),
     .preset = 10 * 1000,
     .min = 1},
    {.name = "connect",
     .about = "for the frontend to connect",
     .kind = FIELD_DURATION,
     .offset = IN_POLICY(deadlines.connect),
     .preset = 60 * 1000,
     .min = 1},
    {.name = "close",
     .about = "for the frontend to close its end",
     .kind = FIELD_DURATION,
     .offset = IN_POLICY(deadlines.close),
     .preset = 10 * 1000,
     .min = 1},
    {0},
};

static const struct field hold_fields[] = {
    {.name = "init-wait",
     .about = "how long InitWait stays readable at least, for toolstacks that wait for it",
     .kind = FIELD_DURATION,
     .offset = IN_POLICY(hold.init_wait)},
    {.name = "closed",
     .about = "how long Closed stays readable before the backend directory is removed; 10s in dom0 and 1s "
              "elsewhere "
              "by default",
     .kind = FIELD_DURATION,
     .offset = IN_POLICY(hold.closed),
     .preset = PRESET_NONE},
    {0},
};
_Static_assert(PRESET_NONE == HOLD_CLOSED_DEFAULT, "an absent hold.closed means the default");

static const struct field destroy_fields[] = {
    {.name = "frontend",
     .about = "remove the frontend directory, too",
     .kind = FIELD_BOOLEAN,
     .offset = IN_POLICY(destroy.frontend)},
    {.name = "parents",
     .about = "remove the directories above the backend directory that became empty",
     .kind = FIELD_BOOLEAN,
     .offset = IN_POLICY(destroy.parents),
     .preset = true},
    {0},
};

static const struct field retry_fields[] = {
    {.name = "initial",
     .about = "pause after the first failure; it doubles with each",
     .kind = FIELD_DURATION,
     .offset = IN_POLICY(retry.initial),
     .preset = 100,
     .min = 10},
    {.name = "max",
     .about = "the longest pause",
     .kind = FIELD_DURATION,
     .offset = IN_POLICY(retry.max),
     .preset = 30 * 1000,
     .min = 10},
    {0},
};

static const struct field limit_fields[] = {
    {.name = "devices-per-domain",
     .about = "devices of this type that one domain may have",
     .kind = FIELD_NUMBER,
     .offset = IN_POLICY(limits.devices_per_domain),
     .preset = 4096,
     .min = 1,
     .max = 1000 * 1000},
    {.name = "events-per-second",
     .about = "events that one guest may cause with its devices of this type, in the long run",
     .kind = FIELD_NUMBER,
     .offset = IN_POLICY(limits.events_per_second),
     .preset = 50,
     .min = 1,
     .max = 1000 * 1000},
    {.name = "burst",
     .about = "events that one guest may cause with them at once",
     .kind = FIELD_NUMBER,
     .offset = IN_POLICY(limits.burst),
     .preset = 100,
     .min = 1,
     .max = 1000 * 1000},
    {0},
};

static const struct field orphan_fields[] = {
    {.name = "grace",
     .about = "how long a device may be without its domain or frontend before it is called an orphan",
     .kind = FIELD_DURATION,
     .offset = IN_POLICY(orphan.grace),
     .preset = 60 * 1000},
    {.name = "action",
     .about = "what is done about orphans",
     .kind = FIELD_CHOICE,
     .offset = IN_POLICY(orphan.action),
     .preset = ORPHAN_REPORT,
     .choices = orphan_choices},
    {0},
};

static const struct field hotplug_fields[] = {
    {.name = "run",
     .about =
         "run the script that the key `script` names, as `xl devd` does, and remove the backend directory "
         "of a detached device",
     .kind = FIELD_BOOLEAN,
     .offset = IN_POLICY(hotplug.run)},
    {.name = "directory",
     .about = "the only scripts that are run are beneath it; /etc/xen/scripts by default",
     .kind = FIELD_PATH,
     .offset = IN_POLICY(hotplug.directory)},
    {.name = "timeout",
     .about = "for one script; then it is ended, and has failed",
     .kind = FIELD_DURATION,
     .offset = IN_POLICY(hotplug.timeout),
     .preset = 40 * 1000,
     .min = 1},
    {.name = "parallel",
     .about = "scripts of this type that run at the same time",
     .kind = FIELD_NUMBER,
     .offset = IN_POLICY(hotplug.parallel),
     .preset = 4,
     .min = 1,
     .max = 256},
    {.name = "in-dom0",
     .about = "run scripts in dom0, too, where libxl does so unless it was told not to",
     .kind = FIELD_BOOLEAN,
     .offset = IN_POLICY(hotplug.in_dom0)},
    {0},
};

/* `version` stands first: it is read first. */
const struct field policy_fields[] = {
    {.name = "version",
     .about = "of this format",
     .kind = FIELD_VERSION,
     .required = true,
     .min = 1,
     .max = 1},
    {.name = "type",
     .about = "the device type: the name of its directory under backend/",
     .kind = FIELD_NAME,
     .required = true,
     .offset = IN_POLICY(type)},
    {.name = "frontend",
     .about = "the name of the directory under device/ in the guest; the type by default",
     .kind = FIELD_NAME,
     .offset = IN_POLICY(frontend)},
    {.name = "owner",
     .about = "who drives the backend's state; it is written only for xenrecon, and watched for the others",
     .kind = FIELD_CHOICE,
     .required = true,
     .offset = IN_POLICY(owner),
     .preset = PRESET_NONE,
     .choices = owner_choices},
    {.name = "qemu",
     .about = "QEMU serves this type, too: keep off where a device model runs; true by default for qdisk, "
              "9pfs, vkbd, "
              "vfb, qusb and qnic",
     .kind = FIELD_BOOLEAN,
     .offset = IN_POLICY(qemu),
     .preset = PRESET_NONE},
    {.name = "backend-keys",
     .about = "keys of the backend directory; a component * of a name stands for any one name, and to "
              "require such a key "
              "means one at least",
     .kind = FIELD_KEYS,
     .offset = IN_POLICY(keys[BACKEND]),
     .offset_n = IN_POLICY(n_keys[BACKEND]),
     .fields = backend_key_fields},
    {.name = "frontend-keys",
     .about = "keys of the frontend directory; only these are read there",
     .kind = FIELD_KEYS,
     .offset = IN_POLICY(keys[FRONTEND]),
     .offset_n = IN_POLICY(n_keys[FRONTEND]),
     .fields = frontend_key_fields},
    {.name = "publish",
     .about = "keys that are written to the backend directory together with InitWait; for owner xenrecon",
     .kind = FIELD_PUBLISH,
     .offset = IN_POLICY(publish),
     .offset_n = IN_POLICY(n_publish)},
    {.name = "cycle",
     .about = "when a closed device that is still online goes back to InitWait",
     .kind = FIELD_CHOICE,
     .offset = IN_POLICY(cycle),
     .preset = CYCLE_ON_INITIALISING,
     .choices = cycle_choices},
    {.name = "handshake",
     .about = "none: the frontend's state means nothing",
     .kind = FIELD_CHOICE,
     .offset = IN_POLICY(handshake),
     .preset = HANDSHAKE_FULL,
     .choices = handshake_choices},
    {.name = "worker",
     .about = "the process that serves one device; for owner xenrecon",
     .kind = FIELD_SECTION,
     .fields = worker_fields},
    {.name = "deadlines", .about = "after these, findings", .kind = FIELD_SECTION, .fields = deadline_fields},
    {.name = "hold",
     .about = "pauses that let others see a state",
     .kind = FIELD_SECTION,
     .fields = hold_fields},
    {.name = "destroy",
     .about = "what goes with the backend directory",
     .kind = FIELD_SECTION,
     .fields = destroy_fields},
    {.name = "retry", .about = "of actions that failed", .kind = FIELD_SECTION, .fields = retry_fields},
    {.name = "limits", .about = "what one guest may use", .kind = FIELD_SECTION, .fields = limit_fields},
    {.name = "orphan",
     .about = "devices that were left behind",
     .kind = FIELD_SECTION,
     .fields = orphan_fields},
    {.name = "hotplug",
     .about = "hotplug scripts; for owner kernel and the frontends vbd and vif",
     .kind = FIELD_SECTION,
     .for_kernel = true,
     .fields = hotplug_fields},
    {0},
};
