/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lifecycle.h"

#include <string.h>

/* Ended broadcasts wait here until the database knows. More than these end only
 * if it is away for days; of the oldest the sweep then says "node-lost". */
#define MAX_ENDED 1024

typedef struct {
  gint64 broadcaster;
  char *key_id;
  gint64 until;
} Hold;

struct _Lifecycle {
  LifecycleRules rules;
  GPtrArray *broadcasts; /* of Broadcast, owned, in the order they came */
  GArray *holds;         /* of Hold; as many as ended within end_hold */
};

Broadcast *
broadcast_copy (const Broadcast *broadcast)
{
  Broadcast *copy = g_memdup2 (broadcast, sizeof *broadcast);

  copy->link = g_strdup (broadcast->link);
  copy->key_id = g_strdup (broadcast->key_id);
  copy->game = g_strdup (broadcast->game);
  copy->title = g_strdup (broadcast->title);
  copy->broadcaster_name = g_strdup (broadcast->broadcaster_name);
  copy->reason = g_strdup (broadcast->reason);
  return copy;
}

void
broadcast_free (Broadcast *broadcast)
{
  if (broadcast == NULL)
    return;
  g_free (broadcast->link);
  g_free (broadcast->key_id);
  g_free (broadcast->game);
  g_free (broadcast->title);
  g_free (broadcast->broadcaster_name);
  g_free (broadcast->reason);
  g_free (broadcast);
}

static void
hold_clear (gpointer data)
{
  g_free (((Hold *)data)->key_id);
}

Lifecycle *
lifecycle_new (const LifecycleRules *rules)
{
  Lifecycle *life = g_new0 (Lifecycle, 1);

  life->rules = *rules;
  life->broadcasts =
      g_ptr_array_new_with_free_func ((GDestroyNotify)broadcast_free);
  life->holds = g_array_new (FALSE, FALSE, sizeof (Hold));
  g_array_set_clear_func (life->holds, hold_clear);
  return life;
}

void
lifecycle_free (Lifecycle *life)
{
  if (life == NULL)
    return;
  g_ptr_array_unref (life->broadcasts);
  g_array_unref (life->holds);
  g_free (life);
}

static void
set_state (Broadcast *broadcast, BroadcastState state, gint64 at)
{
  broadcast->state = state;
  broadcast->since = at;
}

/* --- who is let in ----------------------------------------------------------- */

/* A broadcaster is on air once, with whichever of its keys. */
static gboolean
is_same (const char *key_id, gint64 broadcaster, const KeyOwner *owner)
{
  return strcmp (key_id, owner->key_id) == 0 ||
         (broadcaster != 0 && broadcaster == owner->broadcaster);
}

static gboolean
is_held (Lifecycle *life, const KeyOwner *owner, gint64 now)
{
  gboolean held = FALSE;

  for (guint i = life->holds->len; i-- > 0;) {
    const Hold *hold = &g_array_index (life->holds, Hold, i);

    if (now >= hold->until)
      g_array_remove_index_fast (life->holds, i);
    else if (is_same (hold->key_id, hold->broadcaster, owner))
      held = TRUE;
  }
  return held;
}

static guint
count_publishers (Lifecycle *life)
{
  guint n = 0;

  for (guint i = 0; i < life->broadcasts->len; i++)
    n += ((Broadcast *)life->broadcasts->pdata[i])->is_publishing;
  return n;
}

/* The one of @owner that is not over, if any. There is one at most: whoever
 * begins another closes the window of the one before. */
static Broadcast *
find_open (Lifecycle *life, const KeyOwner *owner, gint64 now)
{
  for (guint i = 0; i < life->broadcasts->len; i++) {
    Broadcast *broadcast = life->broadcasts->pdata[i];

    if (broadcast->state == BROADCAST_ENDED ||
        (broadcast->state == BROADCAST_INTERRUPTED &&
            now >= broadcast->resume_until))
      continue;
    if (is_same (broadcast->key_id, broadcast->broadcaster, owner))
      return broadcast;
  }
  return NULL;
}

static void
forget_oldest_ended (Lifecycle *life)
{
  Broadcast *oldest = NULL;
  guint n = 0;

  for (guint i = 0; i < life->broadcasts->len; i++) {
    Broadcast *broadcast = life->broadcasts->pdata[i];

    if (broadcast->state != BROADCAST_ENDED || broadcast->is_publishing)
      continue;
    n++;
    if (oldest == NULL)
      oldest = broadcast;
  }
  if (n >= MAX_ENDED)
    g_ptr_array_remove (life->broadcasts, oldest);
}

static Broadcast *
begin (Lifecycle *life, const KeyOwner *owner, const char *link, gint64 now)
{
  Broadcast *broadcast = g_new0 (Broadcast, 1);

  forget_oldest_ended (life);
  broadcast->link = g_strdup (link);
  broadcast->key_id = g_strdup (owner->key_id);
  broadcast->game = g_strdup (owner->game);
  broadcast->title = g_strdup (owner->game_title);
  broadcast->broadcaster = owner->broadcaster;
  broadcast->broadcaster_name = g_strdup (owner->broadcaster_name);
  broadcast->created = now;
  g_ptr_array_add (life->broadcasts, broadcast);
  return broadcast;
}

LifeVerdict
lifecycle_admit (Lifecycle *life, const KeyOwner *owner, const char *link,
    gboolean elsewhere, gint64 now, Broadcast **broadcast)
{
  Broadcast *open = find_open (life, owner, now);
  gboolean goes_on;

  *broadcast = NULL;
  if (open != NULL && open->state != BROADCAST_INTERRUPTED)
    return LIFE_BUSY;
  if (is_held (life, owner, now))
    return LIFE_HELD;
  /* Another key of the same broadcaster begins anew: the first may have been
   * replaced because it is in the wrong hands. */
  goes_on = open != NULL && strcmp (open->key_id, owner->key_id) == 0;
  if (!goes_on && elsewhere)
    return LIFE_ELSEWHERE;
  if (count_publishers (life) >= life->rules.max_publishers)
    return LIFE_FULL;
  if (open != NULL && !goes_on)
    open->resume_until = now;
  *broadcast = goes_on ? open : begin (life, owner, link, now);
  (*broadcast)->is_publishing = TRUE;
  set_state (*broadcast, BROADCAST_STARTING, now);
  return goes_on ? LIFE_GOES_ON : LIFE_BEGINS;
}

gboolean
lifecycle_retract (Lifecycle *life, Broadcast *broadcast, gint64 now)
{
  broadcast->is_publishing = FALSE;
  if (broadcast->state != BROADCAST_STARTING)
    return TRUE;
  if (broadcast->resume_until == 0) {
    g_ptr_array_remove (life->broadcasts, broadcast);
    return FALSE;
  }
  set_state (broadcast, BROADCAST_INTERRUPTED, now);
  return TRUE;
}

/* --- what happens to it ------------------------------------------------------- */

gboolean
lifecycle_live (Lifecycle *life, Broadcast *broadcast, gint64 now)
{
  if (broadcast->state != BROADCAST_STARTING)
    return FALSE;
  set_state (broadcast, BROADCAST_LIVE, now);
  broadcast->resume_until = 0;
  return TRUE;
}

/* A window begins when media stop: a publisher that comes and goes without any
 * does not prolong it. */
gboolean
lifecycle_leave (Lifecycle *life, Broadcast *broadcast, gint64 now)
{
  broadcast->is_publishing = FALSE;
  if (broadcast->state != BROADCAST_STARTING &&
      broadcast->state != BROADCAST_LIVE)
    return FALSE;
  set_state (broadcast, BROADCAST_INTERRUPTED, now);
  if (broadcast->resume_until == 0)
    broadcast->resume_until = now + life->rules.resume_window;
  return TRUE;
}

static void
set_ended (Lifecycle *life, Broadcast *broadcast, const char *reason, gint64 at)
{
  set_state (broadcast, BROADCAST_ENDED, at);
  broadcast->resume_until = 0;
  broadcast->reason = g_strdup (reason);
}

gboolean
lifecycle_end (
    Lifecycle *life, Broadcast *broadcast, const char *reason, gint64 now)
{
  Hold hold = {
      .broadcaster = broadcast->broadcaster,
      .until = now + life->rules.end_hold,
  };

  if (broadcast->state == BROADCAST_ENDED)
    return FALSE;
  hold.key_id = g_strdup (broadcast->key_id);
  g_array_append_val (life->holds, hold);
  set_ended (life, broadcast, reason, now);
  return TRUE;
}

Broadcast *
lifecycle_expire (Lifecycle *life, gint64 now)
{
  for (guint i = 0; i < life->broadcasts->len; i++) {
    Broadcast *broadcast = life->broadcasts->pdata[i];

    if (broadcast->state != BROADCAST_INTERRUPTED ||
        now < broadcast->resume_until)
      continue;
    set_ended (life, broadcast, "window-passed", broadcast->resume_until);
    return broadcast;
  }
  return NULL;
}

gint64
lifecycle_next (Lifecycle *life)
{
  gint64 next = G_MAXINT64;

  for (guint i = 0; i < life->broadcasts->len; i++) {
    const Broadcast *broadcast = life->broadcasts->pdata[i];

    if (broadcast->state == BROADCAST_INTERRUPTED)
      next = MIN (next, broadcast->resume_until);
  }
  return next;
}

/* --- across restarts ----------------------------------------------------------- */

Broadcast *
lifecycle_restore (
    Lifecycle *life, Broadcast *broadcast, gint64 last_media, gint64 now)
{
  gint64 whole = now + life->rules.resume_window;

  if (lifecycle_find (life, broadcast->link) != NULL) {
    broadcast_free (broadcast);
    return NULL;
  }
  if (broadcast->state == BROADCAST_STARTING ||
      broadcast->state == BROADCAST_LIVE) {
    set_state (broadcast, BROADCAST_INTERRUPTED,
        last_media != 0 ? last_media : broadcast->since);
    broadcast->resume_until = whole;
  }
  /* A clock that was set back does not make a window longer. */
  broadcast->resume_until = MIN (broadcast->resume_until, whole);
  g_ptr_array_add (life->broadcasts, broadcast);
  return broadcast;
}

void
lifecycle_forget (Lifecycle *life, Broadcast *broadcast)
{
  g_return_if_fail (broadcast->state == BROADCAST_ENDED);
  g_ptr_array_remove (life->broadcasts, broadcast);
}

Broadcast *
lifecycle_find (Lifecycle *life, const char *link)
{
  for (guint i = 0; i < life->broadcasts->len; i++) {
    Broadcast *broadcast = life->broadcasts->pdata[i];

    if (strcmp (broadcast->link, link) == 0)
      return broadcast;
  }
  return NULL;
}

const GPtrArray *
lifecycle_get_all (Lifecycle *life)
{
  return life->broadcasts;
}
