/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "floodgate.h"

#include <gio/gio.h>
#include <string.h>

/* Refusals that cost nothing: a mistyped key, an encoder that tries again. */
#define FREE_REFUSALS 3
/* How long one refusal is remembered. */
#define FORGIVEN_AFTER (10 * G_TIME_SPAN_SECOND)
/* The first delay; each further refusal doubles it. */
#define FIRST_DELAY (250 * G_TIME_SPAN_MILLISECOND)
/* Publishers and nginx give up on an answer after about 10 s. */
#define MOST_DELAY (4 * G_TIME_SPAN_SECOND)
/* More refusals than this count as this many, so that the worst is forgiven
 * after two minutes. */
#define MOST_REFUSALS 12

struct _Floodgate {
  guint max_addresses;
  GHashTable *visitors; /* their name -> Visitor, which is in the queue */
  GQueue queue;         /* of Visitor, who was refused last at the tail */
};

typedef struct {
  GList link;
  char *name;
  /* When all of its refusals are forgiven. What is left of them at some time
   * is this minus that time, so there is nothing to count down. */
  gint64 forgiven;
} Visitor;

static void
visitor_free (gpointer data)
{
  Visitor *visitor = data;

  g_free (visitor->name);
  g_free (visitor);
}

Floodgate *
floodgate_new (guint max_addresses)
{
  Floodgate *gate = g_new0 (Floodgate, 1);

  g_assert (max_addresses > 0);
  gate->max_addresses = max_addresses;
  gate->visitors =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, visitor_free);
  g_queue_init (&gate->queue);
  return gate;
}

void
floodgate_free (Floodgate *gate)
{
  /* The links of the queue are part of the visitors. */
  g_hash_table_unref (gate->visitors);
  g_free (gate);
}

/* One visitor has an IPv4 address, or a /64 of IPv6: within that he chooses
 * addresses as he likes. What is no address stands for itself. */
static char *
name_visitor (const char *text)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);
  const guint8 mapped[12] = {[10] = 0xff, [11] = 0xff};
  const guint8 *bytes;
  guint8 network[16] = {0};
  g_autoptr (GInetAddress) masked = NULL;

  if (!address || g_inet_address_get_family (address) != G_SOCKET_FAMILY_IPV6)
    return g_strdup (text);
  bytes = g_inet_address_to_bytes (address);
  if (memcmp (bytes, mapped, sizeof mapped) == 0) {
    masked = g_inet_address_new_from_bytes (
        bytes + sizeof mapped, G_SOCKET_FAMILY_IPV4);
  } else {
    memcpy (network, bytes, 8);
    masked = g_inet_address_new_from_bytes (network, G_SOCKET_FAMILY_IPV6);
  }
  return g_inet_address_to_string (masked);
}

static guint
count_refusals (const Visitor *visitor, gint64 now)
{
  gint64 left = MAX (visitor->forgiven - now, 0);

  return (guint)((left + FORGIVEN_AFTER - 1) / FORGIVEN_AFTER);
}

gint64
floodgate_get_delay (Floodgate *gate, const char *address, gint64 now)
{
  g_autofree char *name = name_visitor (address);
  Visitor *visitor = g_hash_table_lookup (gate->visitors, name);
  guint refusals = visitor ? count_refusals (visitor, now) : 0;

  if (refusals < FREE_REFUSALS)
    return 0;
  return MIN (FIRST_DELAY << (refusals - FREE_REFUSALS), MOST_DELAY);
}

void
floodgate_refused (Floodgate *gate, const char *address, gint64 now)
{
  g_autofree char *name = name_visitor (address);
  Visitor *visitor = g_hash_table_lookup (gate->visitors, name);

  if (visitor) {
    g_queue_unlink (&gate->queue, &visitor->link);
  } else {
    if (gate->queue.length == gate->max_addresses) {
      Visitor *oldest = g_queue_pop_head_link (&gate->queue)->data;
      g_hash_table_remove (gate->visitors, oldest->name);
    }
    visitor = g_new0 (Visitor, 1);
    visitor->link.data = visitor;
    visitor->name = g_steal_pointer (&name);
    g_hash_table_insert (gate->visitors, visitor->name, visitor);
  }
  visitor->forgiven = MIN (MAX (visitor->forgiven, now) + FORGIVEN_AFTER,
      now + MOST_REFUSALS * FORGIVEN_AFTER);
  g_queue_push_tail_link (&gate->queue, &visitor->link);
}

void
floodgate_admitted (Floodgate *gate, const char *address)
{
  g_autofree char *name = name_visitor (address);
  Visitor *visitor = g_hash_table_lookup (gate->visitors, name);

  if (!visitor)
    return;
  g_queue_unlink (&gate->queue, &visitor->link);
  g_hash_table_remove (gate->visitors, name);
}
