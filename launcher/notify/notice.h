/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "wishlistsource.h"

G_BEGIN_DECLS

/* What one user is told: the text, and the CloudEvent (1.0) around it. Pure. */

/* The texts by language, from `[notify]`: a template has {game}, {id},
 * {username} and {link}; "{{" is a brace. */
typedef struct _NoticeTexts NoticeTexts;

#define NOTICE_DEFAULT_TEXT                                                    \
  "Game {game} started the broadcast. Dear {username}, join us via link "      \
  "{link}!"

NoticeTexts *notice_texts_new (void);
/* @language NULL: the default. FALSE: @error says which name is unknown, or where
 * a brace is missing. */
gboolean notice_texts_set (
    NoticeTexts *texts, const char *language, const char *text, GError **error);
void notice_texts_free (NoticeTexts *texts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NoticeTexts, notice_texts_free)

/* Of one job; the same for all users. All strings are UTF-8. */
typedef struct {
  const char *broadcast; /* UUID */
  const char *link;      /* of the broadcast */
  const char *game;      /* its id */
  const char *game_title;
  const char *title;      /* of the broadcast, or "" */
  const char *watch_url;  /* <public-url>/watch/<link> */
  const char *source;     /* of the events: <public-url> */
  const char *started_at; /* RFC 3339 */
} NoticeJob;

/* What the user reads, in the language that fits best ("pt-BR", then "pt", then
 * the default). (transfer full) */
char *notice_make_text (
    const NoticeTexts *texts, const NoticeJob *job, const WishlistUser *user);

/* The events of a job, with all that is the same for everybody written already.
 * Does not change, so any thread may use it. */
typedef struct _NoticeForm NoticeForm;

/* @texts and @job must outlive it. */
NoticeForm *notice_form_new (const NoticeTexts *texts, const NoticeJob *job);
void notice_form_free (NoticeForm *form);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NoticeForm, notice_form_free)
const NoticeJob *notice_form_get_job (const NoticeForm *form);
/* Appends the event as one JSON object: id = the idempotency key of (broadcast,
 * user), a UUID of version 5, the same however often it is made; type
 * "com.wishcast.broadcast.started.v1", subject = the user's id, data = {userId,
 * username, language, game {id, title}, broadcast {id, link, title}, url,
 * message}. */
void notice_append_event (
    GString *json, const NoticeForm *form, const WishlistUser *user);
/* Makes the events of a page ahead, as far as NOTICE_AHEAD goes: the others are
 * made when they are appended. */
#define NOTICE_AHEAD (8 * 1024 * 1024) /* bytes; twice what names need */
void notice_prepare (WishlistPage *page, const NoticeForm *form);

G_END_DECLS
