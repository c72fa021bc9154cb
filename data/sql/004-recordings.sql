-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- Recordings: what of a broadcast can be downloaded, where it is, and what has
-- become of it. The objects go when their time is over; the rows stay.

-- One a part: a broadcast whose codec changed cannot be one file. A row may come
-- before that of its broadcast.
CREATE TABLE wishcast.recording (
  link text NOT NULL CHECK (link ~ '^[A-Za-z0-9_-]{1,64}$'),
  part integer NOT NULL CHECK (part >= 0),
  node text NOT NULL,      -- that archives it
  bucket text,             -- NULL: a folder of the node
  object text NOT NULL,    -- name in the bucket, or path in the folder
  state text NOT NULL
    CHECK (state IN ('uploading', 'ready', 'deleted')),
  size bigint,             -- bytes; of what is there, while uploading
  crc32c text,             -- of the whole, base64, once it is ready
  duration double precision, -- seconds
  incomplete boolean NOT NULL DEFAULT false, -- chunks of it were lost
  created_at timestamptz NOT NULL DEFAULT now (),
  ready_at timestamptz,
  deleted_at timestamptz,
  PRIMARY KEY (link, part)
);
CREATE INDEX ON wishcast.recording (state) WHERE state <> 'deleted';

-- As the API lists it (openapi.json, "Recording"). `state`: none (nothing was
-- archived), uploading (also while one part of several is), ready, expired.
CREATE FUNCTION wishcast.recording_json (b wishcast.broadcast)
RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object (
    'state', CASE
      WHEN b.recording_expires <= now () THEN 'expired'
      WHEN count (r.*) = 0 THEN 'none'
      WHEN bool_and (r.state = 'deleted') THEN 'expired'
      WHEN b.state = 'ended' AND bool_and (r.state <> 'uploading')
      THEN 'ready' ELSE 'uploading' END,
    'expires', wishcast.json_time (b.recording_expires),
    'parts', coalesce (jsonb_agg (jsonb_build_object (
        'part', r.part,
        'size', r.size,
        'duration', r.duration,
        'incomplete', r.incomplete,
        'download', '/api/v1/broadcasts/' || b.link || '/recording' ||
          CASE WHEN r.part > 0 THEN '?part=' || r.part ELSE '' END)
      ORDER BY r.part)
      FILTER (WHERE r.state = 'ready'), '[]'))
  FROM wishcast.recording r WHERE r.link = b.link
$$;

CREATE OR REPLACE FUNCTION wishcast.broadcast_json (b wishcast.broadcast)
RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object (
    'link', b.link,
    'id', b.id,
    'game', jsonb_build_object ('id', g.id, 'title', g.title),
    'broadcaster', r.name,
    'rank', r.rank,
    'title', b.title,
    'state', b.state,
    'visibility', b.visibility,
    'node', b.node,
    'createdAt', wishcast.json_time (b.created_at),
    'startedAt', wishcast.json_time (b.started_at),
    'resumeUntil', wishcast.json_time (b.resume_until),
    'endedAt', wishcast.json_time (b.ended_at),
    'endReason', b.end_reason,
    'recordingExpires', wishcast.json_time (b.recording_expires),
    'recording', wishcast.recording_json (b),
    'watch', '/watch/' || b.link,
    'playlist', '/live/' || b.link || '/master.m3u8',
    'poster', '/live/' || b.link || '/poster.jpg')
  FROM wishcast.game g
  LEFT JOIN wishcast.broadcaster r ON r.id = b.broadcaster
  WHERE g.id = b.game
$$;

-- The row of the broadcast says nothing new, but what the API shows of it does.
CREATE FUNCTION wishcast.tell_recording () RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  written bigint;
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.state = OLD.state THEN
    RETURN NULL;
  END IF;
  PERFORM pg_advisory_xact_lock (hashtext ('wishcast.outbox'));
  INSERT INTO wishcast.outbox (event, link, game, visibility, data)
    SELECT 'broadcast.updated', b.link, b.game, b.visibility,
           wishcast.broadcast_json (b)
    FROM wishcast.broadcast b WHERE b.link = NEW.link
    RETURNING id INTO written;
  IF written IS NOT NULL THEN
    PERFORM pg_notify ('wishcast_events', written::text);
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER tell_recording AFTER INSERT OR UPDATE ON wishcast.recording
  FOR EACH ROW EXECUTE FUNCTION wishcast.tell_recording ();

-- What the archiver knows of a part, perhaps told twice or late. A part that was
-- deleted stays so. Returns whether it is still wanted: 'wanted'; 'expired', if
-- its time is over; or 'deleted'.
CREATE FUNCTION wishcast.set_recording (
  p_link text, p_part integer, p_node text, p_bucket text, p_object text,
  p_state text, p_size bigint, p_crc32c text, p_duration double precision,
  p_incomplete boolean)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO wishcast.recording AS r (link, part, node, bucket, object, state,
      size, crc32c, duration, incomplete, ready_at)
    VALUES (p_link, p_part, p_node, p_bucket, p_object, p_state, p_size,
            p_crc32c, p_duration, p_incomplete,
            CASE WHEN p_state = 'ready' THEN now () END)
  ON CONFLICT (link, part) DO UPDATE SET
    node = EXCLUDED.node, bucket = EXCLUDED.bucket, object = EXCLUDED.object,
    state = EXCLUDED.state, size = EXCLUDED.size, crc32c = EXCLUDED.crc32c,
    duration = EXCLUDED.duration, incomplete = EXCLUDED.incomplete,
    ready_at = coalesce (r.ready_at, EXCLUDED.ready_at)
  WHERE r.state = 'uploading';
  RETURN CASE
    WHEN (SELECT r.state = 'deleted' FROM wishcast.recording r
          WHERE r.link = p_link AND r.part = p_part) THEN 'deleted'
    WHEN EXISTS (SELECT FROM wishcast.broadcast b
                 WHERE b.link = p_link AND b.recording_expires <= now ())
    THEN 'expired' ELSE 'wanted' END;
END $$;

-- For how many seconds after its end a broadcast's recording is kept. NULL: there
-- is no row of it yet.
CREATE FUNCTION wishcast.recording_kept (p_link text)
RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT ceil (extract (epoch FROM g.recording_kept))::bigint
  FROM wishcast.broadcast b JOIN wishcast.game g ON g.id = b.game
  WHERE b.link = p_link
$$;

-- The archiver gave up a part: its time was over, or the cache was cleared.
CREATE FUNCTION wishcast.drop_recording (p_link text, p_part integer)
RETURNS void LANGUAGE sql AS $$
  UPDATE wishcast.recording SET state = 'deleted', deleted_at = now ()
  WHERE link = p_link AND part = p_part AND state = 'uploading'
$$;

-- Whether a node whose archive is @p_bucket, or its folder, can delete @r.
CREATE FUNCTION wishcast.can_delete (
  r wishcast.recording, p_node text, p_bucket text)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT r.bucket IS NOT DISTINCT FROM p_bucket
    AND (p_bucket IS NOT NULL OR r.node = p_node)
$$;

-- The parts whose time is over, of those that @p_node can delete. Any node may
-- ask at any time, and two may delete the same: that is no error to them.
CREATE FUNCTION wishcast.expired_recordings (
  p_node text, p_bucket text, p_limit integer)
RETURNS SETOF wishcast.recording LANGUAGE sql STABLE AS $$
  SELECT r.* FROM wishcast.recording r
  JOIN wishcast.broadcast b ON b.link = r.link
  WHERE r.state = 'ready' AND b.state = 'ended'
    AND b.recording_expires <= now ()
    AND wishcast.can_delete (r, p_node, p_bucket)
  ORDER BY b.recording_expires, r.link, r.part LIMIT p_limit
$$;

-- When the time of the next one is over, or NULL.
CREATE FUNCTION wishcast.next_expiry (p_node text, p_bucket text)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT min (b.recording_expires) FROM wishcast.recording r
  JOIN wishcast.broadcast b ON b.link = r.link
  WHERE r.state = 'ready' AND b.state = 'ended'
    AND b.recording_expires > now ()
    AND wishcast.can_delete (r, p_node, p_bucket)
$$;

-- How many parts are left that another node should have deleted long ago, or
-- that none can: the archive was another one when they were made.
CREATE FUNCTION wishcast.count_stranded_recordings (
  p_node text, p_bucket text)
RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT count (*) FROM wishcast.recording r
  JOIN wishcast.broadcast b ON b.link = r.link
  WHERE r.state = 'ready' AND b.state = 'ended'
    AND b.recording_expires < now () - interval '1 hour'
    AND NOT wishcast.can_delete (r, p_node, p_bucket)
    AND (r.bucket IS NOT NULL OR r.node = p_node)
$$;

-- It is deleted where it was.
CREATE FUNCTION wishcast.forget_recording (p_link text, p_part integer)
RETURNS void LANGUAGE sql AS $$
  UPDATE wishcast.recording SET state = 'deleted', deleted_at = now ()
  WHERE link = p_link AND part = p_part AND state = 'ready'
$$;
