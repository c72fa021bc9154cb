/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cacheplan.h"

#include <string.h>

#define RESERVE 20 /* a part of the disk */

static gboolean
may_go (const CacheLink *link)
{
  return link->is_archived && !link->is_open;
}

/* What nobody reads before what somebody does, the oldest first. */
static int
compare (gconstpointer a, gconstpointer b)
{
  const CacheLink *first = *(const CacheLink *const *)a;
  const CacheLink *second = *(const CacheLink *const *)b;

  if (first->is_read != second->is_read)
    return first->is_read ? 1 : -1;
  if (first->ended_at != second->ended_at)
    return first->ended_at < second->ended_at ? -1 : 1;
  return strcmp (first->link, second->link);
}

void
cache_plan_make (CachePlan *plan, const CacheLink *links, guint n, gint64 now,
    gint64 dvr_window, guint64 budget)
{
  *plan = (CachePlan){.go = g_ptr_array_new ()};
  for (guint i = 0; i < n; i++) {
    plan->size += links[i].size;
    if (may_go (&links[i]))
      g_ptr_array_add (plan->go, (gpointer)&links[i]);
    else
      plan->unarchived += links[i].size;
  }
  plan->left = plan->size;
  g_ptr_array_sort (plan->go, compare);
  for (guint i = 0; i < plan->go->len;) {
    const CacheLink *link = plan->go->pdata[i];
    gboolean is_over = !link->is_read && now - link->ended_at >= dvr_window;

    if (!is_over && plan->left <= budget) {
      g_ptr_array_remove_index (plan->go, i);
      continue;
    }
    plan->left -= link->size;
    i++;
  }
}

void
cache_plan_clear (CachePlan *plan)
{
  g_clear_pointer (&plan->go, g_ptr_array_unref);
}

guint64
cache_plan_budget (guint64 most, guint64 size, guint64 free, guint64 disk)
{
  guint64 reserve = disk / RESERVE;

  /* No overflow: all are of one disk. */
  return MIN (most, size + free > reserve ? size + free - reserve : 0);
}

gboolean
cache_plan_is_tight (gboolean was_tight, guint64 unarchived, guint64 budget)
{
  return unarchived > budget / 100 * (was_tight ? 70 : 80);
}
