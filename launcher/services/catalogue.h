/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the API knows: broadcasts and events, followed from the database by
 * LISTEN wishcast_events, kept in memory so that answers never wait and go on
 * while the database is away. Thread-safe. */
typedef struct _Catalogue Catalogue;

typedef struct {
  guint64 id;       /* of the outbox; grows */
  const char *name; /* "broadcast.live", ... */
  const char *link, *game;
  const char *data; /* JSON of the broadcast after it */
} CatalogueEvent;

/* On the catalogue's thread, for each event in order. */
typedef void (*CatalogueListener) (const CatalogueEvent *event, gpointer data);

Catalogue *catalogue_new (
    const char *conninfo, CatalogueListener listener, gpointer data);
void catalogue_free (Catalogue *catalogue);
/* Whether it has been filled once. */
gboolean catalogue_is_ready (Catalogue *catalogue);
/* us since 1970 at which it was last known to be up to date; now, if it is. */
gint64 catalogue_get_fresh_until (Catalogue *catalogue);

typedef struct {
  const char *game; /* or NULL: any */
  gboolean live;    /* only starting, live, interrupted */
  guint limit;
  const char *before; /* cursor of the page before, or NULL */
} CatalogueQuery;

/* {"broadcasts": [...], "next": cursor or null}; public ones only, by rank if
 * live, newest first otherwise. On the calling thread, or NULL if memory does
 * not reach so far back: then catalogue_query_async(). (transfer full) */
char *catalogue_list (Catalogue *catalogue, const CatalogueQuery *query);
/* One broadcast, hidden or not; NULL if it is not in memory. */
char *catalogue_get (Catalogue *catalogue, const char *link);
/* Events after @id that are still in memory, as a GPtrArray of strings in the
 * form of server-sent events; NULL if @id is too old. */
GPtrArray *catalogue_get_events (
    Catalogue *catalogue, guint64 after, guint64 *last);

G_END_DECLS
