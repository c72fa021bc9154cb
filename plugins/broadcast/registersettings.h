/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* The properties of broadcastregister. */
enum {
  REGISTER_PROP_0,
  REGISTER_PROP_DATABASE,
  REGISTER_PROP_GAME,
  REGISTER_PROP_TITLE,
  REGISTER_PROP_LINK,
  REGISTER_PROP_RESUME_WINDOW,
  REGISTER_PROP_REQUIRED,
  REGISTER_PROP_VISIBILITY,
  REGISTER_PROP_NODE,
  REGISTER_PROP_ORIGIN_URL,
  REGISTER_PROP_BROADCASTER,
  REGISTER_PROP_ID,    /* read only, not a setting */
  REGISTER_PROP_STATS, /* as well */
  REGISTER_N_PROPS,
};

typedef enum {
  GST_BROADCAST_VISIBILITY_PUBLIC,
  GST_BROADCAST_VISIBILITY_HIDDEN,
  GST_BROADCAST_VISIBILITY_REHEARSAL,
} GstBroadcastVisibility;

#define GST_TYPE_BROADCAST_VISIBILITY (gst_broadcast_visibility_get_type ())
GType gst_broadcast_visibility_get_type (void);

/* What is not set is NULL. */
typedef struct {
  char *database;
  char *game;
  char *title;
  char *link;
  guint64 resume_window;
  gboolean required;
  GstBroadcastVisibility visibility;
  char *node;
  char *origin_url;
  gint64 broadcaster;
} RegisterSettings;

void register_settings_init (RegisterSettings *self);
void register_settings_copy (
    RegisterSettings *to, const RegisterSettings *from);
void register_settings_clear (RegisterSettings *self);
void register_settings_install (GObjectClass *klass);
void register_settings_set (
    RegisterSettings *self, guint id, const GValue *value);
void register_settings_get (
    const RegisterSettings *self, guint id, GValue *value);
/* As the database has it. */
const char *register_settings_get_visibility (const RegisterSettings *self);
/* NULL if a broadcast can begin with these, which must have a link and a node.
 * Else a sentence that names the property. (transfer full) */
char *register_settings_check (const RegisterSettings *self);

G_END_DECLS
