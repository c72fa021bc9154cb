/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "demoend.h"

#include <libsoup/soup.h>

/* The API itself waits for 3 s at most. */
#define PATIENCE 5 /* s */

gboolean
demo_end_broadcast (
    const Settings *settings, const char *link, const char *key, GError **error)
{
  g_autofree char *url =
      g_strdup_printf ("http://127.0.0.1:%u/api/v1/broadcasts/%s/end",
          settings_get_uint (settings, SETTING_API_PORT), link);
  g_autofree char *bearer = g_strconcat ("Bearer ", key, NULL);
  g_autoptr (SoupMessage) message = soup_message_new ("POST", url);
  g_autoptr (SoupSession) session =
      soup_session_new_with_options ("timeout", PATIENCE, NULL);
  g_autoptr (GBytes) answer = NULL;

  soup_message_headers_append (
      soup_message_get_request_headers (message), "Authorization", bearer);
  answer = soup_session_send_and_read (session, message, NULL, error);
  if (answer == NULL)
    return FALSE;
  if (SOUP_STATUS_IS_SUCCESSFUL (soup_message_get_status (message)))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The API answers with %u",
      soup_message_get_status (message));
  return FALSE;
}
