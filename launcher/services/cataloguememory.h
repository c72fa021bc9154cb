/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The memory of a Catalogue: broadcasts in their orders, and the last events.
 * Logic without threads and database; its owner's lock protects it.
 *
 * All that are open are kept, and of the ended ones the newest. Where those end
 * is the horizon: who asks for more than lies before it must ask the database.
 */
typedef struct _CatalogueMemory CatalogueMemory;

typedef enum {
  CATALOGUE_STARTING,
  CATALOGUE_LIVE,
  CATALOGUE_INTERRUPTED,
  CATALOGUE_ENDED,
  N_CATALOGUE_STATES,
} CatalogueState;

/* FALSE: there is no such state. */
gboolean catalogue_state_parse (const char *text, CatalogueState *state);
const char *catalogue_state_to_string (CatalogueState state);

/* The place of a broadcast in a list, for the next page. Text of it is made of
 * digits, a-f, "-" and ".", and opaque to clients. */
typedef struct {
  gint64 rank; /* of its broadcaster: the lower, the earlier it is listed */
  gint64 created_at; /* us since 1970 */
  char id[37];       /* UUID */
} CatalogueCursor;

#define CATALOGUE_NO_RANK G_MAXINT32 /* behind all others */

gboolean catalogue_cursor_parse (const char *text, CatalogueCursor *cursor);
char *catalogue_cursor_to_string (const CatalogueCursor *cursor);

typedef struct {
  const char *link;
  const char *game;
  gint64 broadcaster; /* 0: unknown */
  CatalogueState state;
  gboolean is_public;
  CatalogueCursor place;
  const char *json; /* openapi.json, "Broadcast", in one line */
} CatalogueBroadcast;

typedef enum {
  CATALOGUE_LIST_ANY,   /* newest first */
  CATALOGUE_LIST_ENDED, /* newest first */
  CATALOGUE_LIST_OPEN,  /* by rank, then newest first */
} CatalogueListKind;

typedef struct {
  const char *game; /* or NULL: any */
  CatalogueListKind kind;
  guint limit;
  const CatalogueCursor *before; /* the last one of the page before, or NULL */
} CatalogueQuery;

CatalogueMemory *catalogue_memory_new (guint max_ended, guint max_events);
void catalogue_memory_free (CatalogueMemory *memory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CatalogueMemory, catalogue_memory_free)

/* Puts a broadcast in the place of what was known of it. */
void catalogue_memory_put (
    CatalogueMemory *memory, const CatalogueBroadcast *broadcast);
/* Appends the event @id, by which a broadcast came to be as @broadcast says;
 * before catalogue_memory_put() of the same. Where a broadcast leaves the
 * public, clients are told "broadcast.hidden" and its link, no more; of those
 * that are not public they hear nothing. */
void catalogue_memory_tell (CatalogueMemory *memory, guint64 id,
    const char *name, const CatalogueBroadcast *broadcast);

/* Says that the events up to @id are not here, but that those after it will be
 * told. */
void catalogue_memory_set_floor (CatalogueMemory *memory, guint64 id);

/* Borrowed until the next change; NULL: not in memory. */
const CatalogueBroadcast *catalogue_memory_get (
    CatalogueMemory *memory, const char *link);
/* The public ones of a page: borrowed CatalogueBroadcast. NULL if that is
 * beyond the horizon. @more is whether another page may follow. */
GPtrArray *catalogue_memory_list (
    CatalogueMemory *memory, const CatalogueQuery *query, gboolean *more);
/* Those of a broadcaster, hidden ones too: open ones, then the newest that have
 * ended; @most at most, borrowed. FALSE for @whole: there may be more beyond the
 * horizon. */
GPtrArray *catalogue_memory_list_own (
    CatalogueMemory *memory, gint64 broadcaster, guint most, gboolean *whole);
/* Events after @after, as server-sent events, as many as fit into @most bytes
 * but one at least; of @game only, if it is not NULL. Moves @after behind them,
 * or behind all if there are none: then the answer is empty. NULL if the events
 * after @after are not all in memory. (transfer full) */
GBytes *catalogue_memory_get_events (
    CatalogueMemory *memory, const char *game, gsize most, guint64 *after);
guint64 catalogue_memory_get_last_event (CatalogueMemory *memory);
guint catalogue_memory_count (CatalogueMemory *memory, CatalogueState state);

/* A page of the API (openapi.json, "BroadcastList"): items first, then the
 * rest. @next may be NULL. @stale_since in us since 1970, or 0. */
void catalogue_page_add (GString *page, const char *json);
char *catalogue_page_end (GString *page, const CatalogueCursor *next,
    guint64 last_event, gint64 stale_since);

G_END_DECLS
