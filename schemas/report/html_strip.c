/* SPDX-License-Identifier: MIT */
#include "schemas/report/html_strip.h"

#include <string.h>

/* The backend's line above, the frontend's below, the names between them. */
enum { LEFT = 88, STEP = 82, TOP = 18, NAMES = 40, BOTTOM = 58, WIDTH = 800, HEIGHT = 68 };

static bool on_strip(enum xenbus_state s)
{
    return s >= XENBUS_UNKNOWN && s < XENBUS_STATE_COUNT;
}

static int x_of(enum xenbus_state s)
{
    return LEFT + STEP * (int)s;
}

static void put_line(FILE *to, const char *side, int y)
{
    fprintf(to,
            "<line class=\"line\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" /><text class=\"side\" x=\"0\" "
            "y=\"%d\">%s</text>\n",
            LEFT, y, LEFT + STEP * (XENBUS_STATE_COUNT - 1), y, y + 4, side);
    for (int s = 0; s < XENBUS_STATE_COUNT; s++)
        fprintf(to, "<circle class=\"slot\" cx=\"%d\" cy=\"%d\" r=\"3.5\" />", x_of((enum xenbus_state)s), y);
}

static void put_name(FILE *to, const char *class, enum xenbus_state s)
{
    fprintf(to, "<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>", class, x_of(s), NAMES,
            xenbus_state_name(s));
}

void report_html_strip_define(FILE *to)
{
    fputs("<svg class=\"defs\" xmlns=\"http://www.w3.org/2000/svg\" aria-hidden=\"true\"><defs><g "
          "id=\"strip\">\n",
          to);
    put_line(to, "backend", TOP);
    put_line(to, "frontend", BOTTOM);
    for (int s = 0; s < XENBUS_STATE_COUNT; s++)
        put_name(to, "name", (enum xenbus_state)s);
    fputs("</g></defs></svg>\n", to);
}

static void put_end(FILE *to, enum xenbus_state s, int y)
{
    if (!on_strip(s))
        return;
    put_name(to, "is", s);
    fprintf(to, "<circle class=\"now\" cx=\"%d\" cy=\"%d\" r=\"7\" />\n", x_of(s), y);
}

/* A ring where the actions would put the backend, and the way there. */
static void put_next(FILE *to, const struct report_device *d)
{
    char path[BACKEND_PATH_SIZE];
    enum xenbus_state from = d->backend_state, next;
    device_backend_path(d->backend_domid, &d->key, path);
    size_t len = strlen(path);
    for (size_t i = 0; i < d->plan->n_actions; i++) {
        const struct action *act = &d->plan->actions[i];
        for (size_t j = 0; j < act->n_writes; j++) {
            const struct write *w = &act->writes[j];
            if (strncmp(w->path, path, len) != 0 || strcmp(w->path + len, "/state") != 0 ||
                xenbus_state_parse(w->value, strlen(w->value), &next))
                continue;
            if (on_strip(from) && from != next)
                fprintf(to, "<path class=\"next\" d=\"M%d %dQ%d %d %d %d\" />\n", x_of(from), TOP - 7,
                        (x_of(from) + x_of(next)) / 2, -TOP / 2, x_of(next), TOP - 9);
            fprintf(to, "<circle class=\"next\" cx=\"%d\" cy=\"%d\" r=\"8\" />\n", x_of(next), TOP);
            from = next;
        }
    }
}

void report_html_strip(FILE *to, const struct report_device *d)
{
    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" "
            "aria-label=\"backend %s, frontend %s\"><use href=\"#strip\" />\n",
            WIDTH, HEIGHT, xenbus_state_name(d->backend_state), xenbus_state_name(d->frontend_state));
    put_end(to, d->backend_state, TOP);
    put_end(to, d->frontend_state, BOTTOM);
    put_next(to, d);
    fputs("</svg>\n", to);
}
