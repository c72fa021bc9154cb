/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/gst.h>
#include <string.h>

#include "rtspkit.h"

/* What strangers, and publishers that are let in, can send: while they do, the
 * frames of another publisher keep coming and keep their order. */

#define PUBLISH                                                                \
  "ffmpeg -hide_banner -loglevel error -re -f lavfi -i "                       \
  "testsrc2=size=160x90:rate=30 -c:v libx264 -preset ultrafast "               \
  "-tune zerolatency -g 30 -threads 1 -f rtsp -rtsp_transport tcp ${URL}"
#define SINK "source.video ! queue ! fakesink async=false"

#define SDP                                                                    \
  "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"  \
  "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"                         \
  "a=fmtp:96 packetization-mode=1\r\na=control:streamid=0\r\n"

#define SDP_AAC                                                                \
  "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"  \
  "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/48000/2\r\n"              \
  "a=fmtp:97 profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;"     \
  "indexdeltalength=3;config=1190\r\na=control:streamid=0\r\n"

typedef struct {
  Broadcasts *kit;
  RtspIngest *ingest;
  GSubprocess *publisher; /* of KIT_KEY_A: goes on all the time */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fixture->kit = rtsp_kit_new ();
  rtsp_kit_set_description (fixture->kit, SINK);
  fixture->ingest = rtsp_ingest_new ("127.0.0.1", 0, fixture->kit, &error);
  g_assert_no_error (error);
  fixture->publisher = rtsp_kit_publish (fixture->ingest, KIT_KEY_A, PUBLISH);
  rtsp_kit_wait_frames (fixture->kit, KIT_KEY_A, 10);
}

static void
assert_others_unharmed (Fixture *fixture)
{
  guint n = rtsp_kit_count_frames (fixture->kit, KIT_KEY_A);

  g_assert_cmpuint (n, >, 0);
  rtsp_kit_wait_frames (fixture->kit, KIT_KEY_A, n + 15);
}

/* Its own publisher has always been the first to come and is the last to go. */
static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  guint n_before = rtsp_kit_count_admitted (fixture->kit) - 1;
  const KitRecord *record;

  assert_others_unharmed (fixture);
  rtsp_kit_wait_ended (fixture->kit, n_before);
  g_subprocess_force_exit (fixture->publisher);
  rtsp_kit_finish (fixture->publisher, NULL);
  rtsp_kit_wait_ended (fixture->kit, n_before + 1);
  record = rtsp_kit_get_record (fixture->kit, n_before);
  g_assert_cmpstr (record->key, ==, KIT_KEY_A);
  g_assert_cmpuint (kit_record_find (record, "video")->n_unordered, ==, 0);
  rtsp_ingest_free (fixture->ingest);
  rtsp_kit_free (fixture->kit);
}

/* --- a client of bytes ------------------------------------------------------ */

static GSocketConnection *
knock (Fixture *fixture)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection;

  g_socket_client_set_timeout (client, 60);
  connection = g_socket_client_connect_to_host (client, "127.0.0.1",
      rtsp_ingest_get_port (fixture->ingest), NULL, &error);
  g_assert_no_error (error);
  return connection;
}

/* FALSE: the server has closed. */
static gboolean
send_bytes (GSocketConnection *connection, const void *data, gsize size)
{
  return g_output_stream_write_all (
      g_io_stream_get_output_stream (G_IO_STREAM (connection)), data, size,
      NULL, NULL, NULL);
}

/* What comes until the end of a header, or until the server closes. */
static char *
read_answer (GSocketConnection *connection)
{
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  GString *text = g_string_new (NULL);
  char c;

  while (!g_str_has_suffix (text->str, "\r\n\r\n") &&
         g_input_stream_read (in, &c, 1, NULL, NULL) == 1)
    g_string_append_c (text, c);
  return g_string_free (text, FALSE);
}

/* Waits until the server closes. */
static void
wait_closed (GSocketConnection *connection)
{
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  char buffer[4096];

  while (g_input_stream_read (in, buffer, sizeof buffer, NULL, NULL) > 0)
    ;
}

G_GNUC_PRINTF (2, 3)
static char *
ask (GSocketConnection *connection, const char *format, ...)
{
  g_autofree char *request = NULL;
  va_list args;

  va_start (args, format);
  request = g_strdup_vprintf (format, args);
  va_end (args);
  send_bytes (connection, request, strlen (request));
  return read_answer (connection);
}

#define assert_answer(answer, status)                                          \
  G_STMT_START                                                                 \
  {                                                                            \
    g_autofree char *answer_ = answer;                                         \
    g_test_message ("%s", answer_);                                            \
    g_assert_true (g_str_has_prefix (answer_, "RTSP/1.0 " status));            \
  }                                                                            \
  G_STMT_END

static char *
announce (Fixture *fixture, GSocketConnection *connection, const char *key,
    const char *sdp)
{
  g_autofree char *url = rtsp_kit_url (fixture->ingest, key);

  return ask (connection,
      "ANNOUNCE %s RTSP/1.0\r\nCSeq: 1\r\nContent-Type: application/sdp\r\n"
      "Content-Length: %zu\r\n\r\n%s",
      url, strlen (sdp), sdp);
}

static char *
find_session (const char *answer)
{
  const char *session = strstr (answer, "Session: ");

  g_assert_nonnull (session);
  session += strlen ("Session: ");
  return g_strndup (session, strcspn (session, ";\r\n"));
}

/* A publisher of KIT_KEY_B that may send on channel 0. */
static GSocketConnection *
begin (Fixture *fixture, const char *sdp)
{
  g_autofree char *url = rtsp_kit_url (fixture->ingest, KIT_KEY_B);
  GSocketConnection *connection = knock (fixture);
  g_autofree char *answer = NULL, *session = NULL;

  assert_answer (announce (fixture, connection, KIT_KEY_B, sdp), "200");
  answer = ask (connection,
      "SETUP %s/streamid=0 RTSP/1.0\r\nCSeq: 2\r\nTransport: "
      "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record\r\n\r\n",
      url);
  session = find_session (answer);
  assert_answer (
      ask (connection, "RECORD %s RTSP/1.0\r\nCSeq: 3\r\nSession: %s\r\n\r\n",
          url, session),
      "200");
  return connection;
}

/* --- tests ------------------------------------------------------------------ */

static void
test_order (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GSocketConnection) early = knock (fixture);
  g_autoptr (GSocketConnection) twice = knock (fixture);
  g_autoptr (GSocketConnection) thief = knock (fixture);
  g_autofree char *url = rtsp_kit_url (fixture->ingest, KIT_KEY_B);

  assert_answer (ask (early,
                     "SETUP %s/streamid=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: "
                     "RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n",
                     url),
      "455 ANNOUNCE was expected first");
  assert_answer (announce (fixture, twice, KIT_KEY_B, SDP), "200");
  assert_answer (announce (fixture, twice, KIT_KEY_C, SDP),
      "455 This connection has announced already");
  assert_answer (
      ask (thief, "TEARDOWN %s RTSP/1.0\r\nCSeq: 1\r\nSession: stolen\r\n\r\n",
          url),
      "454");
  assert_answer (ask (thief, "PLAY %s RTSP/1.0\r\nCSeq: 2\r\n\r\n", url), "4");
  wait_closed (early);
  wait_closed (twice);
  g_assert_cmpuint (rtsp_kit_count_admitted (fixture->kit), ==, 2);
}

static void
test_options (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GSocketConnection) connection = knock (fixture);
  g_autofree char *answer =
      ask (connection, "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n");

  g_assert_true (g_str_has_prefix (answer, "RTSP/1.0 200 OK"));
  g_assert_nonnull (
      strstr (answer, "Public: OPTIONS, ANNOUNCE, SETUP, RECORD"));
  g_assert_null (strstr (answer, "DESCRIBE"));
}

/* It does not even get as far as a second one. */
static void
test_http (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GSocketConnection) connection = knock (fixture);

  g_free (ask (connection, "GET /live/x HTTP/1.0\r\nx-sessioncookie: 1\r\n"
                           "Accept: application/x-rtsp-tunnelled\r\n\r\n"));
  wait_closed (connection);
}

static void
test_endless_headers (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GSocketConnection) connection = knock (fixture);
  g_autofree char *line = g_strdup_printf ("X-Y: %0*d\r\n", 1000, 0);

  send_bytes (connection, "OPTIONS * RTSP/1.0\r\n", 20);
  while (send_bytes (connection, line, strlen (line)))
    ;
  assert_others_unharmed (fixture);
}

static void
test_huge_body (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GSocketConnection) connection = knock (fixture);
  g_autofree char *url = rtsp_kit_url (fixture->ingest, KIT_KEY_B);

  assert_answer (ask (connection,
                     "ANNOUNCE %s RTSP/1.0\r\nCSeq: 1\r\nContent-Type: "
                     "application/sdp\r\nContent-Length: 2000000000\r\n\r\n",
                     url),
      "413");
}

static void
test_many_streams (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GSocketConnection) connection = knock (fixture);
  g_autoptr (GString) sdp = g_string_new (SDP);

  for (guint i = 0; i < 8; i++)
    g_string_append (
        sdp, "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 OPUS/48000/2\r\n");
  assert_answer (announce (fixture, connection, KIT_KEY_B, sdp->str),
      "415 9 streams were announced, 1 to 8 were expected");
}

/* Far more connections than may knock, none of which says a word: the door
 * stays open for those who have a key. */
static void
test_half_open (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GPtrArray) connections =
      g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GSocketConnection) last = NULL;

  for (guint i = 0; i < 200; i++)
    g_ptr_array_add (connections, knock (fixture));
  last = begin (fixture, SDP);
  g_assert_cmpuint (rtsp_kit_count_admitted (fixture->kit), ==, 2);
  for (guint i = 0; i < 100; i++)
    wait_closed (connections->pdata[i]);
}

static void
fill_random (guint8 *data, gsize size)
{
  for (gsize i = 0; i < size; i++)
    data[i] = g_test_rand_int ();
}

static void
test_random_bytes (Fixture *fixture, gconstpointer unused)
{
  guint8 data[4096];

  for (guint i = 0; i < 100; i++) {
    g_autoptr (GSocketConnection) connection = knock (fixture);

    fill_random (data, sizeof data);
    send_bytes (connection, data, sizeof data);
  }
  assert_others_unharmed (fixture);
}

/* Requests that are almost right. */
static void
test_mutated_requests (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *url = rtsp_kit_url (fixture->ingest, KIT_KEY_B);
  g_autofree char *request = g_strdup_printf (
      "OPTIONS %s RTSP/1.0\r\nCSeq: 1\r\n\r\n"
      "ANNOUNCE %s RTSP/1.0\r\nCSeq: 2\r\nContent-Type: application/sdp\r\n"
      "Content-Length: %zu\r\n\r\n" SDP
      "SETUP %s/streamid=0 RTSP/1.0\r\nCSeq: 3\r\nTransport: "
      "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record\r\n\r\n",
      url, url, strlen (SDP), url);
  gsize length = strlen (request);

  for (guint i = 0; i < 100; i++) {
    g_autoptr (GSocketConnection) connection = knock (fixture);
    g_autofree char *mutant = g_strdup (request);

    for (guint n = g_test_rand_int_range (1, 6); n > 0; n--)
      mutant[g_test_rand_int_range (0, length)] = g_test_rand_int ();
    send_bytes (connection, mutant, length);
  }
  assert_others_unharmed (fixture);
}

/* An RTP packet of H.264 with a random payload: of each kind of packet, with
 * jumps of sequence number and time. */
static gsize
make_packet (guint8 *packet, guint index)
{
  gsize size = 12 + g_test_rand_int_range (1, 200);

  fill_random (packet + 4, size);
  packet[0] = '$';
  packet[1] = g_test_rand_int_range (0, 20) == 0; /* RTCP now and then */
  GST_WRITE_UINT16_BE (packet + 2, size);
  packet[4] = 0x80;
  packet[5] = 96 | (g_test_rand_bit () ? 0x80 : 0);
  GST_WRITE_UINT16_BE (packet + 6,
      g_test_rand_int_range (0, 50) == 0 ? (guint)g_test_rand_int () : index);
  GST_WRITE_UINT32_BE (packet + 12, 0x12345678);
  packet[16] = g_test_rand_int_range (0, 32);
  return 4 + size;
}

static void
test_random_rtp (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GSocketConnection) connection = begin (fixture, SDP);
  guint8 packet[256];

  for (guint i = 0; i < 5000; i++)
    if (!send_bytes (connection, packet, make_packet (packet, i)))
      break;
  assert_others_unharmed (fixture);
}

/* Packets without any sense, from thousands of sources, on channels that are
 * not there. */
static void
test_random_interleaved (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GSocketConnection) connection = begin (fixture, SDP);
  guint8 packet[256];

  for (guint i = 0; i < 5000; i++) {
    gsize size = g_test_rand_int_range (0, 200);

    fill_random (packet, sizeof packet);
    packet[0] = '$';
    packet[1] = g_test_rand_int_range (0, 4);
    GST_WRITE_UINT16_BE (packet + 2, size);
    packet[4] = 0x80;
    packet[5] = 96;
    if (!send_bytes (connection, packet, 4 + size))
      break;
  }
  assert_others_unharmed (fixture);
}

/* AAC of nothing, at which GStreamer's depayloader writes to NULL. */
static void
test_empty_units (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GSocketConnection) connection = begin (fixture, SDP_AAC);

  for (guint i = 0; i < 200; i++) {
    guint8 packet[] = {'$', 0, 0, 17, 0x80, 0x80 | 97, 0, 0, 0, 0, 0, 0, 1, 2,
        3, 4, 0, 16, 0, 0, 'a'};

    if (i % 2 == 0)
      packet[19] = 1 << 3;
    GST_WRITE_UINT16_BE (packet + 6, i);
    GST_WRITE_UINT32_BE (packet + 8, 1024 * i);
    if (!send_bytes (connection, packet, sizeof packet))
      break;
  }
  assert_others_unharmed (fixture);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  /* The library warns of what strangers send; that is no mistake of ours. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);

#define ADD(name, func)                                                        \
  g_test_add ("/rtsphostile/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("order", test_order);
  ADD ("options", test_options);
  ADD ("http", test_http);
  ADD ("endless-headers", test_endless_headers);
  ADD ("huge-body", test_huge_body);
  ADD ("many-streams", test_many_streams);
  ADD ("half-open", test_half_open);
  ADD ("random-bytes", test_random_bytes);
  ADD ("mutated-requests", test_mutated_requests);
  ADD ("random-rtp", test_random_rtp);
  ADD ("random-interleaved", test_random_interleaved);
  ADD ("empty-units", test_empty_units);
  return g_test_run ();
}
