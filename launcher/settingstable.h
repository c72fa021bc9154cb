/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings.h"

G_BEGIN_DECLS

typedef enum {
  SETTING_TEXT,    /* anything */
  SETTING_NAME,    /* SETTINGS_NAME_RULE */
  SETTING_PATH,    /* of a file or folder */
  SETTING_ADDRESS, /* IPv4 or IPv6 */
  SETTING_HTTP,    /* http:// or https:// */
  SETTING_RTMP,    /* rtmp:// */
  SETTING_RTMPS,   /* rtmp:// or rtmps:// */
  SETTING_RTSPS,   /* rtsp:// or rtsps:// */
  SETTING_NOTICE,  /* what notice_texts_set() takes */
  SETTING_BOOLEAN,
  SETTING_NUMBER,
  SETTING_TIME,
  SETTING_SIZE, /* SIZE_TEXT_RULE */
} SettingType;

#define SETTINGS_NAME_RULE "1 to 64 of the characters A-Z a-z 0-9 - _ ."

typedef struct {
  const char *group, *key;
  SettingType type;
  /* As it would stand in the file; NULL: unset, or `doc` says what then. */
  const char *standard;
  guint64 least, most; /* NUMBER, TIME (ns) */
  const char *doc;     /* for people: sentences */
} SettingRow;

typedef struct {
  const char *group;
  const char *doc;
} SettingGroup;

/* Row i is Setting i, so groups stand together. data/wishcast.conf is this
 * table for people; a test compares the two. */
extern const SettingRow settings_table[N_SETTINGS];
extern const SettingGroup settings_groups[];
extern const guint settings_n_groups;

G_END_DECLS
