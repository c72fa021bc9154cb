/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "link.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "uuid5.h"

#define NEW_LENGTH 16

/* Of the names that are links; made up once, for this. */
static const guint8 uuid_namespace[UUID5_BYTES] = {0x5e, 0x1b, 0x0c, 0x6a, 0x8d,
    0x3f, 0x4b, 0x52, 0x9a, 0x71, 0x2c, 0xe4, 0x90, 0x7d, 0x13, 0xbf};

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

char *
link_new (void)
{
  static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
  guint8 bytes[NEW_LENGTH];
  char *link = g_new0 (char, NEW_LENGTH + 1);

  /* Never short for so few; waits only while a machine is booting. */
  while (getrandom (bytes, sizeof bytes, 0) != sizeof bytes)
    if (errno != EINTR)
      g_error ("getrandom: %s", g_strerror (errno));
  /* 5 bits a character; the alphabet has 32, so each is as likely as any. */
  for (guint i = 0; i < NEW_LENGTH; i++)
    link[i] = alphabet[bytes[i] & 31];
  return link;
}

char *
link_to_uuid (const char *link)
{
  return uuid5_make (uuid_namespace, link);
}
