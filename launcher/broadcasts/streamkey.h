/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A stream key is `<id>-<secret>`: 8 and 26 characters of a-z 2-7 (RFC 4648
 * base32, lower case). The id is public and may be logged; the secret has 130
 * random bits, so one round of SHA-256 is a good hash for it. */
#define STREAM_KEY_ID_LENGTH 8
#define STREAM_KEY_SECRET_LENGTH 26
#define STREAM_KEY_LENGTH (STREAM_KEY_ID_LENGTH + 1 + STREAM_KEY_SECRET_LENGTH)
#define STREAM_KEY_HASH_LENGTH 32

typedef struct {
  char text[STREAM_KEY_LENGTH + 1]; /* shown once, then forgotten */
  char id[STREAM_KEY_ID_LENGTH + 1];
  guint8 hash[STREAM_KEY_HASH_LENGTH];
} StreamKey;

void stream_key_new (StreamKey *key);
/* Forgets it, in a way that no compiler leaves out. */
void stream_key_clear (StreamKey *key);
/* Splits and hashes what a publisher sent. FALSE: it cannot be a key. */
gboolean stream_key_parse (StreamKey *key, const char *text);
/* In constant time. */
gboolean stream_key_hash_equal (const guint8 *a, const guint8 *b);
/* The id if @text begins like a key, else "-": for logs. @buffer takes
 * STREAM_KEY_ID_LENGTH + 1. */
const char *stream_key_redact (const char *text, char *buffer);

G_END_DECLS
