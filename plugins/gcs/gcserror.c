/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gcserror.h"

GQuark
gcs_error_quark (void)
{
  return g_quark_from_static_string ("wishcast-gcs-error");
}

GcsError
gcs_error_from_status (guint status)
{
  switch (status) {
    case 401:
    case 403:
      return GCS_ERROR_DENIED;
    case 404:
      return GCS_ERROR_NOT_FOUND;
    case 408:
    case 429:
      return GCS_ERROR_AWAY;
    case 410:
      return GCS_ERROR_GONE;
    case 412:
      return GCS_ERROR_EXISTS;
    default:
      return status >= 500 ? GCS_ERROR_AWAY : GCS_ERROR_REFUSED;
  }
}

gboolean
gcs_error_is_transient (const GError *error)
{
  return g_error_matches (error, GCS_ERROR, GCS_ERROR_AWAY);
}
