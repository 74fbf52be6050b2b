/* SPDX-License-Identifier: MIT */
/* Lists whose links lie in their elements, by the names and with the meaning that queue(3) gives them: musl
 * has no sys/queue.h, and of what that has this is what we use. SLIST is singly linked, LIST removes from
 * anywhere, TAILQ also has an end. They own nothing. _FOREACH must not remove the element that it is at. */
#ifndef XENRECON_QUEUE_H
#define XENRECON_QUEUE_H

#include <stddef.h>

#define SLIST_HEAD(name, type)  \
    struct name {               \
        struct type *slh_first; \
    }
#define SLIST_ENTRY(type)      \
    struct {                   \
        struct type *sle_next; \
    }
#define SLIST_FIRST(head)                ((head)->slh_first)
#define SLIST_FOREACH(e, head, link)     for ((e) = SLIST_FIRST(head); (e); (e) = (e)->link.sle_next)
#define SLIST_INSERT_HEAD(head, e, link) ((e)->link.sle_next = (head)->slh_first, (head)->slh_first = (e))
#define SLIST_REMOVE_HEAD(head, link)    ((head)->slh_first = (head)->slh_first->link.sle_next)
#define SLIST_REMOVE(head, e, type, link)       \
    do {                                        \
        struct type **at_ = &(head)->slh_first; \
        while (*at_ != (e))                     \
            at_ = &(*at_)->link.sle_next;       \
        *at_ = (e)->link.sle_next;              \
    } while (0)

#define LIST_HEAD(name, type)  \
    struct name {              \
        struct type *lh_first; \
    }
#define LIST_ENTRY(type)                                                 \
    struct {                                                             \
        struct type *le_next, **le_prev; /* le_prev: what points here */ \
    }
#define LIST_INIT(head)             ((head)->lh_first = NULL)
#define LIST_EMPTY(head)            (!(head)->lh_first)
#define LIST_FIRST(head)            ((head)->lh_first)
#define LIST_NEXT(e, link)          ((e)->link.le_next)
#define LIST_FOREACH(e, head, link) for ((e) = LIST_FIRST(head); (e); (e) = LIST_NEXT(e, link))
#define LIST_INSERT_HEAD(head, e, link)                          \
    do {                                                         \
        if (((e)->link.le_next = (head)->lh_first))              \
            (head)->lh_first->link.le_prev = &(e)->link.le_next; \
        (head)->lh_first = (e);                                  \
        (e)->link.le_prev = &(head)->lh_first;                   \
    } while (0)
#define LIST_REMOVE(e, link)                                     \
    do {                                                         \
        if ((e)->link.le_next)                                   \
            (e)->link.le_next->link.le_prev = (e)->link.le_prev; \
        *(e)->link.le_prev = (e)->link.le_next;                  \
    } while (0)

#define TAILQ_HEAD(name, type)                                                  \
    struct name {                                                               \
        struct type *tqh_first, **tqh_last; /* tqh_last: the NULL at the end */ \
    }
#define TAILQ_ENTRY(type)                                                   \
    struct {                                                                \
        struct type *tqe_next, **tqe_prev; /* tqe_prev: what points here */ \
    }
#define TAILQ_INIT(head)    ((head)->tqh_first = NULL, (head)->tqh_last = &(head)->tqh_first)
#define TAILQ_EMPTY(head)   (!(head)->tqh_first)
#define TAILQ_FIRST(head)   ((head)->tqh_first)
#define TAILQ_NEXT(e, link) ((e)->link.tqe_next)
/* The head and the links are laid out alike: the element before the end's is found by that */
#define TAILQ_LAST(head, name)       (*(((struct name *)((head)->tqh_last))->tqh_last))
#define TAILQ_FOREACH(e, head, link) for ((e) = TAILQ_FIRST(head); (e); (e) = TAILQ_NEXT(e, link))
#define TAILQ_INSERT_TAIL(head, e, link)        \
    do {                                        \
        (e)->link.tqe_next = NULL;              \
        (e)->link.tqe_prev = (head)->tqh_last;  \
        *(head)->tqh_last = (e);                \
        (head)->tqh_last = &(e)->link.tqe_next; \
    } while (0)
#define TAILQ_REMOVE(head, e, link)                                 \
    do {                                                            \
        if ((e)->link.tqe_next)                                     \
            (e)->link.tqe_next->link.tqe_prev = (e)->link.tqe_prev; \
        else                                                        \
            (head)->tqh_last = (e)->link.tqe_prev;                  \
        *(e)->link.tqe_prev = (e)->link.tqe_next;                   \
    } while (0)

/* All of `from` to the end of `head` */
#define TAILQ_CONCAT(head, from, link)                           \
    do {                                                         \
        if (!TAILQ_EMPTY(from)) {                                \
            *(head)->tqh_last = (from)->tqh_first;               \
            (from)->tqh_first->link.tqe_prev = (head)->tqh_last; \
            (head)->tqh_last = (from)->tqh_last;                 \
            TAILQ_INIT(from);                                    \
        }                                                        \
    } while (0)

#endif
