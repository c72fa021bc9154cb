/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A plain HTTP/1.1 client for tests: what it sends is exactly what the test
 * wrote, and answers are taken apart byte by byte. It aborts the test when
 * there is no answer within ten seconds. */
typedef struct _HttpClient HttpClient;

typedef struct {
  guint status;
  GHashTable *headers; /* lower-case name -> value */
  GBytes *body;        /* as sent: not decoded */
} HttpReply;

HttpClient *http_client_open (guint16 port);
void http_client_close (HttpClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HttpClient, http_client_close)
void http_client_send (HttpClient *client, const char *bytes);
void http_client_try_send (HttpClient *client, const char *bytes);
HttpReply *http_client_read (HttpClient *client, gboolean has_body);
gboolean http_client_is_silent (HttpClient *client);
gsize http_client_drain (HttpClient *client);
gboolean http_client_is_closed (HttpClient *client);

void http_reply_free (HttpReply *reply);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HttpReply, http_reply_free)
const char *http_reply_header (HttpReply *reply, const char *name);
char *http_reply_text (HttpReply *reply);

HttpReply *http_get (guint16 port, const char *path, const char *headers);
HttpReply *http_call (
    guint16 port, const char *method, const char *path, const char *headers);
void http_client_get (HttpClient *client, const char *path);

G_END_DECLS
