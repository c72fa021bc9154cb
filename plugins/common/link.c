/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "link.h"

/**
 * link_is_valid:
 * @link: (nullable): what a user, a URL or a folder calls a link
 *
 * Returns: whether @link follows LINK_RULE. Cheap: it is called for every
 *     HTTP request before anything else is looked at.
 */
gboolean
link_is_valid (const char *link)
{
  gsize n = 0;

  if (link == NULL)
    return FALSE;
  for (; link[n] != '\0'; n++) {
    if (n == LINK_MAX_LENGTH)
      return FALSE;
    if (!g_ascii_isalnum (link[n]) && link[n] != '-' && link[n] != '_')
      return FALSE;
  }
  return n > 0;
}
