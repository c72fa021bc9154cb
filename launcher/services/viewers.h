/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "link.h"

G_BEGIN_DECLS

/* How many watch what: by pages that tell so, and by players that the log of
 * the server of the media has seen. No address comes here, and nothing that is
 * counted outlives its time: a page 50 s, a player 30 s. Thread-safe. @now is
 * that of g_get_monotonic_time(). */
typedef struct _Viewers Viewers;

#define VIEWERS_PAGE_LIFE (50 * G_USEC_PER_SEC)
#define VIEWERS_PLAYER_LIFE (30 * G_USEC_PER_SEC)
/* What another node has told holds for so long. */
#define VIEWERS_REMOTE_LIFE (15 * G_USEC_PER_SEC)
/* Bit rates are the mean of one of these, the last that is over. */
#define VIEWERS_INTERVAL (10 * G_USEC_PER_SEC)
/* Pages and players together, of which each costs about 100 bytes. More are not
 * counted: a figure that is too low harms nobody, and who invents viewers shall
 * not have all of the memory. */
#define VIEWERS_MOST 200000

typedef struct {
  char link[LINK_MAX_LENGTH + 1];
  guint pages;
  guint players;
  guint64 egress; /* bit/s */
} ViewerFigures;

Viewers *viewers_new (void);
void viewers_free (Viewers *viewers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Viewers, viewers_free)

/* The page that calls itself @viewer shows the link, or does so no more. */
void viewers_add_page (
    Viewers *viewers, const char *link, const char *viewer, gint64 now);
void viewers_remove_page (
    Viewers *viewers, const char *link, const char *viewer, gint64 now);
/* A player got media of the link. @player tells it from others. */
void viewers_add_player (
    Viewers *viewers, const char *link, guint64 player, gint64 now);
/* Bytes of the link that were sent, to whomever. Those of a link that nobody
 * watches are in the figures of the node alone. */
void viewers_add_bytes (
    Viewers *viewers, const char *link, guint64 bytes, gint64 now);

/* What was counted here, of ViewerFigures, by link. (transfer full) */
GArray *viewers_list_here (Viewers *viewers, gint64 now);
/* Of all links, in bit/s. */
guint64 viewers_get_egress_here (Viewers *viewers, gint64 now);
/* Of all links, since the start. */
guint64 viewers_get_bytes_here (Viewers *viewers);

/* Puts the @n of @figures in the place of all that @node, another one, had told
 * before. */
void viewers_set_remote (Viewers *viewers, const char *node,
    const ViewerFigures *figures, guint n, gint64 now);

/* Who watches the link, on all nodes: the larger one of the sum of the pages and
 * the sum of the players. */
guint viewers_get (Viewers *viewers, const char *link, gint64 now);
/* openapi.json, "Viewers": the same of all links. (transfer full) */
char *viewers_write_json (Viewers *viewers, gint64 now);
/* The same of the links that @is_told says. It is called without a lock. */
typedef gboolean (*ViewersFilter) (const char *link, gpointer data);
char *viewers_write_json_of (
    Viewers *viewers, ViewersFilter is_told, gpointer data, gint64 now);

G_END_DECLS
