/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* A message of a pipeline as a person reads it, or NULL if there is nothing to
 * say of it: errors and warnings with the element's name and what the user can
 * do first and the rest indented below; progress; state changes of @pipeline;
 * messages that an element of ours documents. (transfer full) */
char *message_to_text (GstMessage *message, GstElement *pipeline);

G_END_DECLS
