/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cataloguememory.h"

#include <string.h>

typedef struct {
  CatalogueBroadcast broadcast;     /* its strings are owned */
  GSequenceIter *by_time, *by_rank; /* by_rank: only while it is open */
} Entry;

typedef struct {
  guint64 id;
  char *link, *game;
  gboolean is_public; /* FALSE: it says that the broadcast left the public */
  GBytes *text;
} Event;

struct _CatalogueMemory {
  guint max_ended, max_events;
  GHashTable *entries; /* link -> Entry, owned */
  GSequence *by_time;  /* of Entry, newest first */
  GSequence *by_rank;  /* of those that are open */
  guint counts[N_CATALOGUE_STATES];
  gboolean has_horizon;
  CatalogueCursor horizon; /* the newest that was forgotten */
  GQueue events;           /* of Event, oldest first */
  guint64 floor;           /* events after it are all here */
  guint64 last_event;
};

static const char *const state_names[N_CATALOGUE_STATES] = {
    "starting", "live", "interrupted", "ended"};

gboolean
catalogue_state_parse (const char *text, CatalogueState *state)
{
  for (guint i = 0; i < N_CATALOGUE_STATES; i++) {
    if (strcmp (text, state_names[i]) == 0) {
      *state = i;
      return TRUE;
    }
  }
  return FALSE;
}

const char *
catalogue_state_to_string (CatalogueState state)
{
  return state_names[state];
}

/* --- Places in a list ------------------------------------------------------*/

static gboolean
read_number (const char **text, gint64 *number)
{
  const char *p = *text;
  gint64 value = 0;

  if (!g_ascii_isdigit (*p) || (*p == '0' && g_ascii_isdigit (p[1])))
    return FALSE;
  for (; g_ascii_isdigit (*p); p++) {
    /* No time that PostgreSQL knows needs more. */
    if (value > G_MAXINT64 / 100)
      return FALSE;
    value = value * 10 + (*p - '0');
  }
  *text = p;
  *number = value;
  return TRUE;
}

static gboolean
is_uuid (const char *text)
{
  static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  gsize i;

  for (i = 0; form[i] != '\0'; i++) {
    if (form[i] == '-'
            ? text[i] != '-'
            : strchr ("0123456789abcdef", text[i]) == NULL || text[i] == '\0')
      return FALSE;
  }
  return text[i] == '\0';
}

gboolean
catalogue_cursor_parse (const char *text, CatalogueCursor *cursor)
{
  if (!read_number (&text, &cursor->rank) || cursor->rank > CATALOGUE_NO_RANK ||
      *text++ != '.' || !read_number (&text, &cursor->created_at) ||
      *text++ != '.' || !is_uuid (text))
    return FALSE;
  g_strlcpy (cursor->id, text, sizeof cursor->id);
  return TRUE;
}

char *
catalogue_cursor_to_string (const CatalogueCursor *cursor)
{
  return g_strdup_printf ("%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT ".%s",
      cursor->rank, cursor->created_at, cursor->id);
}

static int
compare_by_time (const CatalogueCursor *a, const CatalogueCursor *b)
{
  if (a->created_at != b->created_at)
    return a->created_at > b->created_at ? -1 : 1;
  return strcmp (a->id, b->id);
}

static int
compare_by_rank (const CatalogueCursor *a, const CatalogueCursor *b)
{
  if (a->rank != b->rank)
    return a->rank < b->rank ? -1 : 1;
  return compare_by_time (a, b);
}

static const CatalogueCursor *
get_place (gconstpointer entry)
{
  return &((const Entry *)entry)->broadcast.place;
}

static int
compare_entries_by_time (gconstpointer a, gconstpointer b, gpointer unused)
{
  return compare_by_time (get_place (a), get_place (b));
}

static int
compare_entries_by_rank (gconstpointer a, gconstpointer b, gpointer unused)
{
  return compare_by_rank (get_place (a), get_place (b));
}

/* --- Broadcasts ------------------------------------------------------------*/

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  if (entry->by_time != NULL)
    g_sequence_remove (entry->by_time);
  if (entry->by_rank != NULL)
    g_sequence_remove (entry->by_rank);
  g_free ((char *)entry->broadcast.link);
  g_free ((char *)entry->broadcast.game);
  g_free ((char *)entry->broadcast.json);
  g_free (entry);
}

static void
event_free (gpointer data)
{
  Event *event = data;

  g_free (event->link);
  g_free (event->game);
  g_bytes_unref (event->text);
  g_free (event);
}

CatalogueMemory *
catalogue_memory_new (guint max_ended, guint max_events)
{
  CatalogueMemory *memory = g_new0 (CatalogueMemory, 1);

  memory->max_ended = max_ended;
  memory->max_events = max_events;
  memory->entries =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, entry_free);
  memory->by_time = g_sequence_new (NULL);
  memory->by_rank = g_sequence_new (NULL);
  g_queue_init (&memory->events);
  return memory;
}

void
catalogue_memory_free (CatalogueMemory *memory)
{
  if (memory == NULL)
    return;
  g_hash_table_unref (memory->entries);
  g_sequence_free (memory->by_time);
  g_sequence_free (memory->by_rank);
  g_queue_clear_full (&memory->events, event_free);
  g_free (memory);
}

static void
forget (CatalogueMemory *memory, Entry *entry)
{
  memory->counts[entry->broadcast.state]--;
  g_hash_table_remove (memory->entries, entry->broadcast.link);
}

/* Forgets the oldest of the ended ones. Those that are open lie before it in
 * time or behind it, and stay. */
static void
forget_oldest (CatalogueMemory *memory)
{
  GSequenceIter *iter = g_sequence_get_end_iter (memory->by_time);
  Entry *entry;

  do {
    iter = g_sequence_iter_prev (iter);
    entry = g_sequence_get (iter);
  } while (entry->broadcast.state != CATALOGUE_ENDED);
  if (!memory->has_horizon ||
      compare_by_time (get_place (entry), &memory->horizon) < 0)
    memory->horizon = *get_place (entry);
  memory->has_horizon = TRUE;
  forget (memory, entry);
}

void
catalogue_memory_put (
    CatalogueMemory *memory, const CatalogueBroadcast *broadcast)
{
  Entry *old = g_hash_table_lookup (memory->entries, broadcast->link);
  Entry *entry = g_new0 (Entry, 1);

  entry->broadcast = *broadcast;
  entry->broadcast.link = g_strdup (broadcast->link);
  entry->broadcast.game = g_strdup (broadcast->game);
  entry->broadcast.json = g_strdup (broadcast->json);
  if (old != NULL)
    forget (memory, old);
  entry->by_time = g_sequence_insert_sorted (
      memory->by_time, entry, compare_entries_by_time, NULL);
  if (broadcast->state != CATALOGUE_ENDED)
    entry->by_rank = g_sequence_insert_sorted (
        memory->by_rank, entry, compare_entries_by_rank, NULL);
  g_hash_table_insert (memory->entries, (char *)entry->broadcast.link, entry);
  memory->counts[broadcast->state]++;
  while (memory->counts[CATALOGUE_ENDED] > memory->max_ended)
    forget_oldest (memory);
}

const CatalogueBroadcast *
catalogue_memory_get (CatalogueMemory *memory, const char *link)
{
  Entry *entry = g_hash_table_lookup (memory->entries, link);

  return entry != NULL ? &entry->broadcast : NULL;
}

guint
catalogue_memory_count (CatalogueMemory *memory, CatalogueState state)
{
  return memory->counts[state];
}

static gboolean
is_asked_for (const CatalogueBroadcast *broadcast, const CatalogueQuery *query)
{
  if (!broadcast->is_public ||
      (query->game != NULL && strcmp (broadcast->game, query->game) != 0))
    return FALSE;
  return query->kind != CATALOGUE_LIST_ENDED ||
         broadcast->state == CATALOGUE_ENDED;
}

/* The first one of the page. */
static GSequenceIter *
find_begin (CatalogueMemory *memory, const CatalogueQuery *query)
{
  gboolean open = query->kind == CATALOGUE_LIST_OPEN;
  GSequence *sequence = open ? memory->by_rank : memory->by_time;
  Entry key = {0};

  if (query->before == NULL)
    return g_sequence_get_begin_iter (sequence);
  key.broadcast.place = *query->before;
  /* Behind those that are equal. */
  return g_sequence_search (sequence, &key,
      open ? compare_entries_by_rank : compare_entries_by_time, NULL);
}

GPtrArray *
catalogue_memory_list (
    CatalogueMemory *memory, const CatalogueQuery *query, gboolean *more)
{
  g_autoptr (GPtrArray) page = g_ptr_array_new ();
  gboolean bounded = memory->has_horizon && query->kind != CATALOGUE_LIST_OPEN;
  GSequenceIter *iter = find_begin (memory, query);

  *more = FALSE;
  for (; !g_sequence_iter_is_end (iter); iter = g_sequence_iter_next (iter)) {
    Entry *entry = g_sequence_get (iter);

    if (bounded && compare_by_time (get_place (entry), &memory->horizon) > 0)
      break;
    if (!is_asked_for (&entry->broadcast, query))
      continue;
    if (page->len == query->limit) {
      *more = TRUE;
      return g_steal_pointer (&page);
    }
    g_ptr_array_add (page, &entry->broadcast);
  }
  if (bounded && page->len < query->limit)
    return NULL;
  *more = bounded;
  return g_steal_pointer (&page);
}

/* Adds those of @sequence that are open, or have ended. */
static void
add_own (CatalogueMemory *memory, GSequence *sequence, gboolean ended,
    gint64 broadcaster, guint most, GPtrArray *list)
{
  GSequenceIter *iter = g_sequence_get_begin_iter (sequence);

  for (; !g_sequence_iter_is_end (iter) && list->len < most;
       iter = g_sequence_iter_next (iter)) {
    Entry *entry = g_sequence_get (iter);

    if (entry->broadcast.broadcaster == broadcaster &&
        (entry->broadcast.state == CATALOGUE_ENDED) == ended)
      g_ptr_array_add (list, &entry->broadcast);
  }
}

GPtrArray *
catalogue_memory_list_own (
    CatalogueMemory *memory, gint64 broadcaster, guint most, gboolean *whole)
{
  GPtrArray *list = g_ptr_array_new ();

  add_own (memory, memory->by_rank, FALSE, broadcaster, most, list);
  add_own (memory, memory->by_time, TRUE, broadcaster, most, list);
  *whole = list->len == most || !memory->has_horizon;
  return list;
}

/* --- Events ----------------------------------------------------------------*/

/* Whether clients know the broadcast, as far as memory reaches. */
static gboolean
was_public (CatalogueMemory *memory, const char *link)
{
  const CatalogueBroadcast *broadcast;

  for (GList *l = memory->events.tail; l != NULL; l = l->prev) {
    const Event *event = l->data;

    if (strcmp (event->link, link) == 0)
      return event->is_public;
  }
  broadcast = catalogue_memory_get (memory, link);
  return broadcast != NULL && broadcast->is_public;
}

static GBytes *
format_event (guint64 id, const char *name, const char *json)
{
  char *text = g_strdup_printf (
      "id: %" G_GUINT64_FORMAT "\nevent: %s\ndata: %s\n\n", id, name, json);

  return g_bytes_new_take (text, strlen (text));
}

void
catalogue_memory_tell (CatalogueMemory *memory, guint64 id, const char *name,
    const CatalogueBroadcast *broadcast)
{
  Event *event;

  memory->last_event = id;
  if (!broadcast->is_public && !was_public (memory, broadcast->link))
    return;
  event = g_new0 (Event, 1);
  event->id = id;
  event->link = g_strdup (broadcast->link);
  event->game = g_strdup (broadcast->game);
  event->is_public = broadcast->is_public;
  if (event->is_public) {
    event->text = format_event (id, name, broadcast->json);
  } else {
    /* No character of a link or a game's id needs an escape. */
    g_autofree char *json =
        g_strdup_printf ("{\"link\": \"%s\", \"game\": {\"id\": \"%s\"}}",
            broadcast->link, broadcast->game);

    event->text = format_event (id, "broadcast.hidden", json);
  }
  g_queue_push_tail (&memory->events, event);
  if (memory->events.length > memory->max_events) {
    event = g_queue_pop_head (&memory->events);
    memory->floor = event->id;
    event_free (event);
  }
}

void
catalogue_memory_set_floor (CatalogueMemory *memory, guint64 id)
{
  memory->floor = id;
  memory->last_event = id;
}

guint64
catalogue_memory_get_last_event (CatalogueMemory *memory)
{
  return memory->last_event;
}

/* The first event after @after: mostly one of the last, so from the end. */
static GList *
find_event (CatalogueMemory *memory, guint64 after)
{
  GList *found = NULL;

  for (GList *l = memory->events.tail; l != NULL; l = l->prev) {
    if (((const Event *)l->data)->id <= after)
      break;
    found = l;
  }
  return found;
}

GBytes *
catalogue_memory_get_events (
    CatalogueMemory *memory, const char *game, gsize most, guint64 *after)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  if (*after < memory->floor || *after > memory->last_event)
    return NULL;
  for (GList *l = find_event (memory, *after); l != NULL; l = l->next) {
    const Event *event = l->data;
    gsize size = g_bytes_get_size (event->text);

    if (game == NULL || strcmp (event->game, game) == 0) {
      if (bytes->len > 0 && bytes->len + size > most)
        return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
      g_byte_array_append (bytes, g_bytes_get_data (event->text, NULL), size);
    }
    *after = event->id;
  }
  *after = memory->last_event;
  return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
}

/* --- Pages -----------------------------------------------------------------*/

void
catalogue_page_add (GString *page, const char *json)
{
  g_string_append (page, page->len == 0 ? "{\"broadcasts\": [" : ", ");
  g_string_append (page, json);
}

char *
catalogue_page_end (GString *page, const CatalogueCursor *next,
    guint64 last_event, gint64 stale_since)
{
  if (page->len == 0)
    g_string_append (page, "{\"broadcasts\": [");
  g_string_append (page, "], \"next\": ");
  if (next != NULL) {
    g_autofree char *text = catalogue_cursor_to_string (next);

    g_string_append_printf (page, "\"%s\"", text);
  } else {
    g_string_append (page, "null");
  }
  g_string_append_printf (
      page, ", \"lastEventId\": \"%" G_GUINT64_FORMAT "\"", last_event);
  g_string_append (page, ", \"staleSince\": ");
  if (stale_since != 0) {
    g_autoptr (GDateTime) time =
        g_date_time_new_from_unix_utc (stale_since / G_USEC_PER_SEC);
    g_autofree char *text = g_date_time_format (time, "%FT%TZ");

    g_string_append_printf (page, "\"%s\"", text);
  } else {
    g_string_append (page, "null");
  }
  g_string_append (page, "}");
  return g_string_free (page, FALSE);
}
