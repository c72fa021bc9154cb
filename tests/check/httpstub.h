/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A plain HTTP/1.1 server for tests, which need not be polite. Each connection
 * has its thread. */
typedef struct _HttpStub HttpStub;

typedef struct {
  const char *method;
  const char *target;  /* path and query, as sent */
  GHashTable *headers; /* lower-case name -> value */
  const char *body;    /* ends with a zero */
  gsize length;
} StubRequest;

typedef enum {
  STUB_ANSWER,
  STUB_RESET,    /* no answer: the connection is reset */
  STUB_SILENCE,  /* no answer, until the other side goes away */
  STUB_NONSENSE, /* @body and nothing else, and the connection is closed */
  STUB_DRIP,     /* the head, and a body that takes for ever */
} StubManner;

typedef struct {
  StubManner manner;
  guint status;        /* [200] */
  const char *headers; /* each with its CRLF, or NULL */
  char *body;          /* of g_malloc(), freed by the stub; or NULL */
} StubAnswer;

/* On the thread of the connection: several may run at a time. */
typedef void (*StubFunc) (
    const StubRequest *request, StubAnswer *answer, gpointer data);

HttpStub *http_stub_new (StubFunc func, gpointer data);
/* Waits for its threads. */
void http_stub_free (HttpStub *stub);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HttpStub, http_stub_free)
/* The next body of more than @n bytes breaks off there: the connection is reset,
 * and nobody is asked for an answer. */
void http_stub_break_after (HttpStub *stub, guint n);
guint16 http_stub_get_port (HttpStub *stub);
/* "http://127.0.0.1:PORT" and @path. (transfer full) */
char *http_stub_make_url (HttpStub *stub, const char *path);

G_END_DECLS
