/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cataloguememory.h"

G_BEGIN_DECLS

/* What the API knows: broadcasts and events, followed from the database by
 * LISTEN wishcast_events, kept in memory so that answers never wait and go on
 * while the database is away. Thread-safe. */
typedef struct _Catalogue Catalogue;

/* On the catalogue's thread, after each batch of events. */
typedef void (*CatalogueListener) (gpointer data);

Catalogue *catalogue_new (
    const char *conninfo, CatalogueListener listener, gpointer data);
void catalogue_free (Catalogue *catalogue);
/* Whether it has been filled once. */
gboolean catalogue_is_ready (Catalogue *catalogue);
/* us since 1970 at which it lost sight of the database; 0 if it follows. */
gint64 catalogue_get_stale_since (Catalogue *catalogue);

/* The page that @query asks for (openapi.json, "BroadcastList"), public ones
 * only, and how many are on it; NULL if memory does not reach so far back.
 * (transfer full) */
char *catalogue_list (
    Catalogue *catalogue, const CatalogueQuery *query, guint *n);
/* As catalogue_memory_list_own(): their JSON, joined by commas. NULL: it has not
 * been filled yet. (transfer full) */
char *catalogue_list_own (
    Catalogue *catalogue, gint64 broadcaster, guint most, gboolean *whole);
/* One broadcast, hidden or not; NULL if it is not in memory. (transfer full) */
char *catalogue_get (Catalogue *catalogue, const char *link);
/* What deciding about a broadcast takes. FALSE: it is not in memory.
 * @game (transfer full) */
gboolean catalogue_look_up (
    Catalogue *catalogue, const char *link, char **game, gboolean *is_ended);
/* Whether it is in memory and may be told of to everybody. */
gboolean catalogue_is_public (Catalogue *catalogue, const char *link);
/* As catalogue_memory_get_events(). */
GBytes *catalogue_get_events (
    Catalogue *catalogue, const char *game, gsize most, guint64 *after);
guint64 catalogue_get_last_event (Catalogue *catalogue);
/* How many are in @state, hidden ones too. */
guint catalogue_count (Catalogue *catalogue, CatalogueState state);

G_END_DECLS
