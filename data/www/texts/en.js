// SPDX-License-Identifier: LGPL-2.1-or-later

export default {
  dir: 'ltr',
  texts: {
    common: {
      skip: 'To the content',
      pages: 'Pages',
      home: 'Store',
      community: 'Community',
      developer: 'For developers',
      language: 'Language',
      footer: 'Broadcasts by those who make the games.',
      api: 'API',
      needsScript: 'This page needs JavaScript.',
      live: 'Live',
      interrupted: 'Back soon',
      starting: 'Starting',
      ended: 'Recording',
      viewers: { one: '{n} viewer', other: '{n} viewers' },
      close: 'Close',
      cancel: 'Cancel',
      copy: 'Copy',
      copied: 'Copied',
      retry: 'Try again',
      loading: 'Loading …',
      stale: 'The connection is lost. What you see may be old; it is brought ' +
        'up to date by itself.',
      missingTitle: 'There is nothing here',
      missingText: 'The address is wrong, or what was here is gone.',
      toStore: 'To the store',
      watch: 'Watch',
      more: 'Show more',
      onAir: { one: '{n} on air', other: '{n} on air' },
      since: 'Started {ago}',
      until: 'Watch until {date}',
      previewPause: 'Stop the preview',
      previewPlay: 'Play the preview',
      away: 'The store does not answer. It is asked again by itself.',
    },
    home: {
      title: 'Wishcast – broadcasts by those who make the games',
      heading: 'Wishcast',
      live: 'On air now',
      allLive: 'All that is on air',
      nothing: 'Nobody is on air right now',
      nothingText: 'The next broadcast appears here the moment it starts.',
      games: 'Games',
      ended: 'New recordings',
      allEnded: 'All recordings',
    },
    game: {
      unknown: 'There is no such game',
      unknownText: 'The address is wrong, or the game has left the store.',
      offAir: 'Not on air',
      live: 'On air now',
      nothing: 'This game is not on air',
      nothingText: 'When its developers start, the broadcast appears here by ' +
        'itself.',
      ended: 'Past broadcasts',
      noEnded: 'There is no recording to watch at present.',
    },
    community: {
      heading: 'Community',
      filter: 'Show one game only',
      all: 'All games',
      live: 'On air, most watched first',
      nothing: 'Nobody is on air right now',
      nothingText: 'Broadcasts appear here the moment they start.',
      feed: 'What just happened',
      noFeed: 'Nothing yet.',
      began: 'went on air',
      interrupted: 'was interrupted',
      back: 'is back',
      ended: 'ended',
      recordings: 'Recordings',
      noRecordings: 'There is no recording to watch at present.',
    },
    watch: {},
    embed: {},
    panel: {
      show: 'Show',
      showWhat: 'Show: {what}',
      paste: 'Paste',
      open: 'Open',
      checking: 'Checking …',
      kept: 'It stays in the memory of this page only. Whoever reloads or ' +
        'closes the page is asked again.',
      noAnswer: 'The service does not answer. Try again in a moment.',
      copyWhat: 'Copy: {what}',
      notCopied: 'The browser forbids it',
      ending: 'Ending …',
    },
    developer: {
      title: 'For developers',
      intro: 'Enter the stream key of your game. It opens the settings for ' +
        'OBS, your broadcast and how well it arrives.',
      secret: 'Stream key',
      forget: 'Forget the key',
      who: 'Broadcasts by {name}',
      keyExpires: 'This key was replaced. It works until {date} ({ago}): ' +
        'type the new one into OBS before.',
      offAir: 'Off air',
      idleTitle: 'You are not on air',
      idleText: 'Press Start Streaming in OBS. This page notices by itself, ' +
        'within seconds.',
      starting: 'Starting',
      live: 'On air',
      interrupted: 'Interrupted',
      sayStarting: 'OBS is connected. The first picture is on its way.',
      sayLive: 'Players can see you.',
      sayInterrupted: 'OBS is gone. Press Start Streaming again: the ' +
        'broadcast goes on at the same address, and viewers stay.',
      since: 'On air for',
      left: 'Time left to return',
      viewers: 'Viewers',
      watch: 'Watch page',
      end: 'End broadcast',
      endTitle: 'End the broadcast?',
      endText: 'It is over for good: this address never goes on air again. ' +
        'Stop streaming in OBS too, or it begins a new broadcast.',
      endKept: 'Viewers keep the recording; until when is shown here ' +
        'afterwards.',
      endKeptUntil: 'Viewers keep the recording until {date}.',
      obs: 'What to type into OBS',
      rtmp: 'RTMP, the usual way',
      'rtmp-where': 'Open Settings → Stream and choose Custom… as Service.',
      'rtmp-type': 'Type in the server and the stream key.',
      'rtmp-start': 'Press OK, then Start Streaming.',
      rtsp: 'RTSP, by the recording output',
      'rtsp-where': 'Open Settings → Output, choose Advanced as Output Mode, ' +
        'then Recording, and Custom Output (FFmpeg) as Type.',
      'rtsp-type': 'Choose Output to URL, type in what is below, and libx264 ' +
        'and aac as encoders. Keyframe interval is in frames here: 60 for ' +
        '30 fps.',
      'rtsp-start': 'Press OK, then Start Recording.',
      server: 'Server',
      key: 'Stream Key',
      url: 'File path or URL',
      container: 'Container Format',
      muxer: 'Muxer Settings',
      settings: 'Settings that go well',
      settingsText: 'In OBS under Settings → Output, with Advanced as Output ' +
        'Mode. Others work as well; what does not is told above while you ' +
        'are on air.',
      encoder: 'Video encoder',
      'encoder-value': 'x264 or NVENC H.264',
      'encoder-why': 'Every browser plays H.264.',
      bitrate: 'Rate control',
      'bitrate-value': 'CBR, 6000 kbit/s',
      'bitrate-why': 'For 1080p60. 3000 are enough for 720p30.',
      keys: 'Keyframe interval',
      'keys-value': '2 s',
      'keys-why': 'Viewers join at key frames: longer is a longer wait.',
      bframes: 'Max B-frames',
      'bframes-value': '0',
      'bframes-why': 'Up to 2 are fine; each adds a little delay.',
      audio: 'Sound',
      'audio-value': 'AAC, 160 kbit/s',
      'audio-why': 'Stereo, 48 kHz.',
      rate: 'Frame rate',
      'rate-value': '30 or 60 fps',
      'rate-why': 'Under Settings → Video. Screens show these evenly.',
      past: 'Past broadcasts',
      pastNone: 'None yet.',
      pastStarted: 'Began',
      pastTitle: 'Title',
      pastLength: 'Length',
      pastEnd: 'Ended because',
      pastRecording: 'Recording',
      untitled: 'Untitled',
      recording: 'Watch',
      recordingGone: 'Not kept any more',
      until: 'until {date}',
      'end-developer': 'You ended it',
      'end-operator': 'The operator ended it',
      'end-window-passed': 'OBS did not return in time',
      'end-stream-ended': 'OBS stopped',
      'end-node-lost': 'The server was lost',
    },
    operator: {
      title: 'For operators',
      intro: 'Enter the operator token: what the file of ' +
        'operator-token-file in the section [api] of wishcast.conf holds.',
      secret: 'Operator token',
      heading: 'Operation',
      answered: '{node} answered at {time}',
      forget: 'Forget the token',
      away: 'No answer since {since}. What you see is from then; asked again ' +
        'every few seconds.',
      well: 'All is well',
      wrong: 'Look here:',
      more: { one: '{n} more', other: '{n} more' },
      totals: 'All nodes together, the last ten minutes',
      'total-live': 'On air',
      'total-viewers': 'Viewers',
      'total-ingest': 'Ingest',
      'total-egress': 'Egress',
      'total-partLatency': 'Part latency, p99',
      'total-queuedBytes': 'Waits for disks',
      'total-cpu': 'Processors in use',
      span: '10 min',
      moment: '{label}: look at a moment with the arrow keys',
      graph: '{label} in the last ten minutes: now {now}, lowest {lowest}, ' +
        'highest {highest}.',
      noPoints: 'Nothing is known yet.',
      broadcasts: 'Broadcasts',
      broadcastsNone: 'Nothing is on air.',
      'head-title': 'Title',
      'head-game': 'Game',
      'head-state': 'State',
      'head-node': 'Node',
      'head-protocol': 'By',
      'head-viewers': 'Viewers',
      'head-pages': 'Pages',
      'head-players': 'Players',
      'head-bitRate': 'Bit rate',
      'head-median': 'Part median',
      'head-p99': 'Part p99',
      'head-queue': 'Queue',
      'head-waiting': 'Waiting',
      'head-errors': 'Errors',
      'head-end': 'End',
      live: 'On air',
      starting: 'Starting',
      interrupted: 'Interrupted',
      ended: 'Over',
      unknown: 'Not known',
      untitled: 'Untitled',
      noErrors: 'none',
      'error-recording-incomplete': 'Recording incomplete',
      'error-frames-dropped': 'Frames dropped',
      'error-chunks-refused': 'Chunks refused',
      'error-parts-not-stored': 'Parts not stored',
      end: 'End',
      endWhat: 'End: {what}',
      endTitle: 'End “{what}”?',
      endText: 'It is over for good, for its developer and all viewers. The ' +
        'recording stays as long as the game keeps recordings.',
      nodes: 'Nodes',
      alive: 'Alive',
      notSeen: 'Not seen since {since}',
      'node-cpu': 'Processors in use',
      'node-disk': 'Disk free',
      'node-memory': 'Memory',
      'node-egress': 'Egress',
      'node-database': 'Database',
      'node-queue': 'Changes not written yet',
      'node-services': 'Services',
      'node-version': 'Version',
      'node-started': 'Up since',
      cpuOf: '{cpu} of {n}',
      diskOf: '{free}, {part}',
      diskUsed: 'Disk in use',
      connected: 'Connected',
      disconnected: 'Not connected',
      'service-ingest': 'ingest',
      'service-api': 'API',
      'service-sweeper': 'sweeper',
      messages: 'Messages',
      messagesNone: 'None.',
      'problem-database-away': 'The database has not answered since ' +
        '{since}: broadcasts go on, other nodes are shown as they were.',
      'problem-not-seen': 'Node {node} has not been seen since {since}.',
      'problem-no-database': 'Node {node} has no connection to the database; ' +
        'changes that wait: {n}.',
      'problem-disk-low': 'The disk of node {node} has only {left} left.',
      'problem-recording-incomplete':
        'The recording of “{title}” on {node} is incomplete.',
      'problem-parts-not-stored':
        'Parts of “{title}” on {node} could not be stored.',
      'problem-parts-late':
        'Parts of “{title}” on {node} take {seconds} until players have them.',
      'problem-frames-dropped': 'Frames of “{title}” on {node} were dropped.',
      'problem-chunks-refused':
        'The disk of {node} refused chunks of “{title}”.',
    },
    health: {
      title: 'How it arrives',
      later: 'What arrives is judged while you are on air.',
      looking: 'Looking at what arrives …',
      well: 'All is well: nothing has to be changed in OBS.',
      found: {
        one: 'One thing could be better.',
        other: '{n} things could be better.',
      },
      error: 'Error',
      warning: 'Warning',
      info: 'Hint',
      'video-codec-unsupported':
        'The picture is coded in a way that cannot be broadcast.',
      'video-codec-unsupported-advice':
        'In OBS, Settings → Output → Streaming, choose an H.264 encoder.',
      'audio-codec-unsupported':
        'The sound is coded in a way that cannot be broadcast.',
      'audio-codec-unsupported-advice': 'In OBS, Settings → Output → ' +
        'Streaming, choose AAC as Audio Encoder.',
      'no-video': 'No picture comes.',
      'no-video-advice':
        'Look whether OBS shows a picture and sends a video stream.',
      'video-stopped': 'The picture has stopped, while the sound goes on.',
      'video-stopped-advice': 'Look whether OBS reports an overloaded ' +
        'encoder; a faster CPU Usage Preset or a smaller Output Resolution ' +
        'helps.',
      'timestamps-backwards': 'Time stamps went back.',
      'timestamps-backwards-advice': 'Stop streaming and start again; if it ' +
        'returns, remove the media source that causes it.',
      'av-drift': 'Sound and picture are {value} ms apart.',
      'av-drift-advice': 'In OBS, Settings → Audio, use the Sample Rate of ' +
        'the sound card, and look at Sync Offset in Advanced Audio ' +
        'Properties.',
      'audio-silent-track':
        'The sound has stopped, while the picture goes on.',
      'audio-silent-track-advice': 'Look whether OBS still has its audio ' +
        'devices; stop streaming and start again.',
      'no-audio': 'No sound comes.',
      'no-audio-advice': 'In OBS, Settings → Audio, choose a Desktop Audio ' +
        'device; Settings → Output needs an Audio Track.',
      'key-interval-long':
        'Key frames are up to {value} s apart: players start late.',
      'key-interval-long-advice': 'In OBS, Settings → Output → Streaming, ' +
        'set Keyframe Interval to 2 s.',
      'frame-rate-unstable':
        'Frames are missing: at times {value} a second come.',
      'frame-rate-unstable-advice': 'OBS skips frames: choose a faster CPU ' +
        'Usage Preset, a lower bitrate, or a smaller Output Resolution in ' +
        'Settings → Video.',
      'bitrate-high': 'The picture takes {value} kbit/s, more than many ' +
        'players can receive.',
      'bitrate-high-advice': 'In OBS, Settings → Output → Streaming, set ' +
        'Bitrate to 6000 kbit/s or less.',
      'bitrate-unstable': 'The bit rate jumps to {value} kbit/s, twice its ' +
        'mean: players may stop.',
      'bitrate-unstable-advice': 'In OBS, Settings → Output → Streaming, set ' +
        'Rate Control to CBR.',
      'resolution-large': 'The picture is {value} pixels high, more than ' +
        'many players can show.',
      'resolution-large-advice': 'In OBS, Settings → Video, set Output ' +
        '(Scaled) Resolution to 1920x1080.',
      'video-h265':
        'The picture is coded as H.265, which some browsers do not play.',
      'video-h265-advice':
        'In OBS, Settings → Output → Streaming, choose an H.264 encoder.',
      'channels-odd':
        'The sound has {value} channels, which some browsers do not play.',
      'channels-odd-advice':
        'In OBS, Settings → Audio, set Channels to Stereo.',
      'b-frames': 'B-frames are on: they delay the broadcast by {value} ms.',
      'b-frames-advice': 'In OBS, Settings → Output → Streaming, set Max ' +
        'B-frames to 0, or Tune to zerolatency.',
      'key-interval-irregular':
        'Key frames come irregularly, up to {value} s apart.',
      'key-interval-irregular-advice': 'In OBS, Settings → Output → ' +
        'Streaming, set Keyframe Interval to 2 s and add scenecut=0 to x264 ' +
        'Options.',
      'frame-rate-odd': 'The picture has {value} frames a second: on usual ' +
        'screens it judders.',
      'frame-rate-odd-advice':
        'In OBS, Settings → Video, set Common FPS Values to 30 or 60.',
      'bitrate-low': 'The picture has {value} kbit/s, little for its size: ' +
        'it may look coarse.',
      'bitrate-low-advice': 'In OBS, Settings → Output → Streaming, set a ' +
        'higher Bitrate, or in Settings → Video a smaller Output (Scaled) ' +
        'Resolution.',
      'resolution-odd': 'The picture is {value} pixels high, and a side of ' +
        'it is no multiple of 4.',
      'resolution-odd-advice': 'In OBS, Settings → Video, set Output ' +
        '(Scaled) Resolution to 1920x1080 or 1280x720.',
      'audio-rate-odd': 'The sound has a sample rate of {value} Hz.',
      'audio-rate-odd-advice':
        'In OBS, Settings → Audio, set Sample Rate to 48 kHz.',
    },
  },
};
