/* SPDX-License-Identifier: MIT */
#include "controller/cli/policy_template.h"

#include <inttypes.h>
#include <string.h>

#include "schemas/policy/duration.h"
#include "schemas/policy/fields.h"

enum { WIDTH = 100 };

/* Prints a comment in as many lines as it takes. Within a section it stays one when the field is turned on.
 */
static void print_comment(const char *text, int indent, FILE *out)
{
    while (*text) {
        size_t room = (size_t)(WIDTH - 2 - indent), len = strlen(text);
        if (len > room) {
            for (len = room; len > 0 && text[len] != ' '; len--)
                ;
            if (!len)
                len = strcspn(text, " ");
        }
        fprintf(out, "#%*s%s%.*s\n", indent, "", indent ? "# " : " ", (int)len, text);
        text += len;
        text += *text == ' ';
    }
}

/* Examples for fields that have no default. */
static const struct {
    const char *name, *value;
} samples[] = {
    {"qemu", "false"},
    {"closed", "10s"},
    {"command", "[/usr/local/libexec/my-worker, --domain, '${domid}', --device, '${devid}']"},
    {"formats", "[/usr/local/libexec/my-formats]"},
    {"user", "nobody"},
    {"environment", "{LANG: C}"},
    {"directory", "/etc/xen/scripts"},
    {"publish", "{feature-something: 1}"},
    {"backend-keys", "{params: {required: true}, mode: {enum: [r, w]}}"},
    {"frontend-keys", "{ring-ref: {required: connect, type: uint32}, "
                      "event-channel: {required: connect, type: uint32}}"},
};

static const char *sample(const char *name)
{
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        if (strcmp(samples[i].name, name) == 0)
            return samples[i].value;
    return "";
}

static void print_value(const struct field *f, const char *type, FILE *out)
{
    char text[DURATION_SIZE];
    if (f->kind == FIELD_NAME)
        fputs(type, out);
    else if (f->preset == PRESET_NONE || *sample(f->name))
        fputs(sample(f->name), out);
    else if (f->kind == FIELD_BOOLEAN)
        fputs(f->preset ? "true" : "false", out);
    else if (f->kind == FIELD_NUMBER)
        fprintf(out, "%" PRIu32, f->preset);
    else if (f->kind == FIELD_CHOICE)
        fputs(f->choices[f->preset], out);
    else if (f->kind == FIELD_DURATION)
        fputs(duration_format(f->preset, text), out);
}

static void print_fields(const struct field *fields, int indent, const char *type, FILE *out)
{
    for (const struct field *f = fields; f->name; f++) {
        if (f->required && !indent)
            continue; /* it was printed before */
        if (!indent)
            fputc('\n', out);
        print_comment(f->about, indent, out);
        fprintf(out, "#%*s%s:%s", indent, "", f->name, f->kind == FIELD_SECTION ? "" : " ");
        if (f->kind != FIELD_SECTION)
            print_value(f, type, out);
        fputc('\n', out);
        if (f->kind == FIELD_SECTION)
            print_fields(f->fields, indent + 2, type, out);
    }
}

void policy_template_print(const char *type, FILE *out)
{
    fprintf(out,
            "# What is to be done about devices of the type %s; xenrecon-policy(5) explains it. Save it\n",
            type);
    fprintf(out, "# as %s/policies.d/%s.yaml. `xenrecon policy check` says what is wrong with\n",
            XENRECON_SYSCONFDIR, type);
    fputs("# it, `xenrecon plan` what would be done; `systemctl reload xenrecon` puts it in force.\n", out);
    fprintf(out, "version: 1\ntype: %s\n\n", type);
    print_comment(
        "Who drives the backend's state. external: somebody else, such as QEMU. kernel: a driver of the "
        "kernel. For both of them only what is wrong is reported. xenrecon: xenrecon does, with a worker "
        "for each device that serves it",
        0, out);
    fputs("owner: external\n", out);
    print_fields(policy_fields, 0, type, out);
}
