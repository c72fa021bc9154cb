/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "httpheaders.h"
#include "httpquery.h"
#include "httprange.h"
#include "originroutes.h"

static void
test_query_accepts (void)
{
  HttpDirectives d;

  g_assert_true (http_query_parse (NULL, &d));
  g_assert_false (d.has_msn);
  g_assert_true (http_query_parse ("", &d));
  g_assert_true (http_query_parse ("_HLS_msn=12&_HLS_part=3", &d));
  g_assert_true (d.has_msn && d.has_part);
  g_assert_cmpuint (d.msn, ==, 12);
  g_assert_cmpuint (d.part, ==, 3);
  g_assert_true (http_query_parse ("a=%zz&_HLS%5fmsn=%37&token=x%00y&&=", &d));
  g_assert_cmpuint (d.msn, ==, 7);
  g_assert_true (
      http_query_parse ("_HLS_msn=18446744073709551615&_HLS_skip=YES", &d));
  g_assert_cmpuint (d.msn, ==, G_MAXUINT64);
  g_assert_cmpint (d.skip, ==, HTTP_SKIP_YES);
  g_assert_true (http_query_parse ("_HLS_skip=v2", &d));
  g_assert_cmpint (d.skip, ==, HTTP_SKIP_V2);
  g_assert_true (http_query_parse ("_HLS_skip=later&_HLS_new=1", &d));
  g_assert_cmpint (d.skip, ==, HTTP_SKIP_NONE);
}

static void
test_query_refuses (void)
{
  const char *bad[] = {"_HLS_part=1", "_HLS_msn=", "_HLS_msn", "_HLS_msn=-1",
      "_HLS_msn=+1", "_HLS_msn=1x", "_HLS_msn=18446744073709551616",
      "_HLS_msn=1&_HLS_part=", "_HLS_msn=%", "_HLS_msn=0x10", "_HLS_msn=1.0"};
  HttpDirectives d;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (http_query_parse (bad[i], &d));
}

static void
test_range (void)
{
  static const struct {
    const char *header;
    HttpRangeResult result;
    guint64 offset, length;
  } cases[] = {
      {NULL, HTTP_RANGE_WHOLE},
      {"bytes=0-0", HTTP_RANGE_PARTIAL, 0, 1},
      {"bytes=0-99", HTTP_RANGE_PARTIAL, 0, 100},
      {"Bytes= 10-19 ", HTTP_RANGE_PARTIAL, 10, 10},
      {"bytes=10-", HTTP_RANGE_PARTIAL, 10, 90},
      {"bytes=90-1000", HTTP_RANGE_PARTIAL, 90, 10},
      {"bytes=5-99999999999999999999999999", HTTP_RANGE_PARTIAL, 5, 95},
      {"bytes=-1", HTTP_RANGE_PARTIAL, 99, 1},
      {"bytes=-1000", HTTP_RANGE_PARTIAL, 0, 100},
      {"bytes=-0", HTTP_RANGE_UNSATISFIABLE},
      {"bytes=100-", HTTP_RANGE_UNSATISFIABLE},
      {"bytes=99999999999999999999999-", HTTP_RANGE_UNSATISFIABLE},
      {"bytes=0-1,5-6", HTTP_RANGE_WHOLE},
      {"bytes=5-4", HTTP_RANGE_WHOLE},
      {"bytes=-", HTTP_RANGE_WHOLE},
      {"bytes=", HTTP_RANGE_WHOLE},
      {"bytes", HTTP_RANGE_WHOLE},
      {"lines=0-1", HTTP_RANGE_WHOLE},
      {"bytes=a-b", HTTP_RANGE_WHOLE},
      {"bytes=1-2x", HTTP_RANGE_WHOLE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    HttpRange range;

    g_assert_cmpint (
        http_range_parse (cases[i].header, 100, &range), ==, cases[i].result);
    if (cases[i].result != HTTP_RANGE_PARTIAL)
      continue;
    g_assert_cmpuint (range.offset, ==, cases[i].offset);
    g_assert_cmpuint (range.length, ==, cases[i].length);
  }
}

static void
test_range_of_nothing (void)
{
  HttpRange range;

  g_assert_cmpint (
      http_range_parse ("bytes=0-", 0, &range), ==, HTTP_RANGE_UNSATISFIABLE);
  g_assert_cmpint (
      http_range_parse ("bytes=-5", 0, &range), ==, HTTP_RANGE_UNSATISFIABLE);
}

static void
test_validators (void)
{
  g_assert_true (http_etag_matches ("\"a\"", "\"a\""));
  g_assert_true (http_etag_matches ("W/\"a\"", "\"a\""));
  g_assert_true (http_etag_matches ("\"b\", \"a,c\" ,\"a\"", "\"a\""));
  g_assert_true (http_etag_matches ("*", "\"a\""));
  g_assert_false (http_etag_matches (NULL, "\"a\""));
  g_assert_false (http_etag_matches ("", "\"a\""));
  g_assert_false (http_etag_matches ("a", "\"a\""));
  g_assert_false (http_etag_matches ("\"a", "\"a\""));
  g_assert_false (http_etag_matches ("\"b\" \"a\"", "\"a\""));
  g_assert_true (http_if_range_holds (NULL, "\"a\""));
  g_assert_true (http_if_range_holds ("\"a\"", "\"a\""));
  g_assert_false (http_if_range_holds ("W/\"a\"", "\"a\""));
  g_assert_false (
      http_if_range_holds ("Thu, 01 Jan 2026 00:00:00 GMT", "\"a\""));
}

static void
test_accept_encoding (void)
{
  g_assert_true (http_accepts_gzip ("gzip"));
  g_assert_true (http_accepts_gzip ("br, GZIP;q=0.5"));
  g_assert_true (http_accepts_gzip ("*"));
  g_assert_true (http_accepts_gzip ("gzip;q=0.001"));
  g_assert_false (http_accepts_gzip (NULL));
  g_assert_false (http_accepts_gzip (""));
  g_assert_false (http_accepts_gzip ("identity"));
  g_assert_false (http_accepts_gzip ("gzipped"));
  g_assert_false (http_accepts_gzip ("gzip;q=0"));
  g_assert_false (http_accepts_gzip ("gzip; q=0.000, br"));
}

static void
test_routes (void)
{
  OriginRoute r;

  g_assert_true (origin_route_parse ("/live/a-B_1/master.m3u8", &r));
  g_assert_cmpint (r.kind, ==, ORIGIN_ROUTE_MASTER);
  g_assert_cmpstr (r.link, ==, "a-B_1");
  g_assert_true (origin_route_parse ("/live/a/poster.jpg", &r));
  g_assert_cmpint (r.kind, ==, ORIGIN_ROUTE_POSTER);
  g_assert_true (origin_route_parse ("/live/a/v/index.m3u8", &r));
  g_assert_cmpint (r.kind, ==, ORIGIN_ROUTE_MEDIA);
  g_assert_cmpstr (r.track, ==, "v");
  g_assert_true (origin_route_parse ("/live/a/v/init-4294967295.mp4", &r));
  g_assert_cmpint (r.kind, ==, ORIGIN_ROUTE_INIT);
  g_assert_cmpuint (r.epoch, ==, G_MAXUINT32);
  g_assert_true (
      origin_route_parse ("/live/a/v/3-18446744073709551615.m4s", &r));
  g_assert_cmpint (r.kind, ==, ORIGIN_ROUTE_SEGMENT);
  g_assert_cmpuint (r.msn, ==, G_MAXUINT64);
  g_assert_true (origin_route_parse ("/live/a/v/3-0.17.m4s", &r));
  g_assert_cmpint (r.kind, ==, ORIGIN_ROUTE_PART);
  g_assert_cmpuint (r.epoch, ==, 3);
  g_assert_cmpuint (r.part, ==, 17);
}

static void
test_routes_refused (void)
{
  const char *bad[] = {"", "/", "/live/", "/live//master.m3u8", "/live/a",
      "/live/a/", "/live/a/master.m3u8/", "/live/a/master.m3u8x",
      "/live/a%2f/master.m3u8", "/live/../a/master.m3u8",
      "/live/a/../master.m3u8", "/live/a/v/", "/live/a/v/index.m3u",
      "/live/a/v/01-1.m4s", "/live/a/v/1-01.m4s", "/live/a/v/1-1.00.m4s",
      "/live/a/v/1-1.-1.m4s", "/live/a/v/4294967296-1.m4s",
      "/live/a/v/1-18446744073709551616.m4s", "/live/a/v/1-1.4294967296.m4s",
      "/live/a/v/init-.mp4", "/live/a/v/init--1.mp4", "/live/a/v/1-1.m4",
      "/live/a/v/1-1.2.3.m4s", "live/a/master.m3u8", "/Live/a/master.m3u8",
      "/live/"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "/master.m3u8"};
  OriginRoute r;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (origin_route_parse (bad[i], &r));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http/query/accepts", test_query_accepts);
  g_test_add_func ("/http/query/refuses", test_query_refuses);
  g_test_add_func ("/http/range/table", test_range);
  g_test_add_func ("/http/range/of-nothing", test_range_of_nothing);
  g_test_add_func ("/http/headers/validators", test_validators);
  g_test_add_func ("/http/headers/accept-encoding", test_accept_encoding);
  g_test_add_func ("/origin/routes/accepted", test_routes);
  g_test_add_func ("/origin/routes/refused", test_routes_refused);
  return g_test_run ();
}
