/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define GCS_ERROR (gcs_error_quark ())
GQuark gcs_error_quark (void);
typedef enum {
  GCS_ERROR_AWAY,      /* no answer, 408, 429, 5xx: try again, with backoff */
  GCS_ERROR_DENIED,    /* 401, 403: credentials or permissions */
  GCS_ERROR_NOT_FOUND, /* 404: no such bucket or object */
  GCS_ERROR_EXISTS,    /* 412: another generation than was asked for */
  GCS_ERROR_GONE,      /* the upload session is over: begin anew */
  GCS_ERROR_CORRUPT,   /* the checksum or size is not that of what was sent */
  GCS_ERROR_REFUSED,   /* any other 4xx, or an answer that is nonsense */
  GCS_ERROR_SETTINGS,  /* a credentials file, name or address that cannot be */
} GcsError;

/* Of an answer's status, 400 or more. */
GcsError gcs_error_from_status (guint status);
/* Whether the same may succeed later. */
gboolean gcs_error_is_transient (const GError *error);

G_END_DECLS
