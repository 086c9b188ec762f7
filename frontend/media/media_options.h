#pragma once

namespace skald {

/// What is read of media files.
struct MediaOptions {
  /// Index among the audio tracks, from 0; -1 for all of them.
  int track = 0;
  /// False: the channels are averaged with equal weights, which cannot clip. True: one stream per channel,
  /// each of which costs the work of a whole file later on.
  bool split_channels = false;
  /// Gaps in the timestamps up to this length are filled with silence, longer ones show as a jump of
  /// first_sample. Larger keeps streams continuous, smaller spends less work on silence.
  double max_filled_gap_s = 1.0;
  /// False: the protocols file and pipe only, and of the files that a playlist refers to those below its own
  /// folder only. True: any protocol of FFmpeg, and any file.
  bool allow_network = false;
  /// An input that gives nothing for this long [s] is given up, with what came before; 0: never. Larger waits
  /// longer for slow disks and pipes, and for broken files in which FFmpeg searches for ever.
  double stall_timeout_s = 60;
  /// With track == -1, files with more audio tracks are refused: each track has its own decoder in memory.
  int max_tracks = 64;
  /// Frames whose rate is not within 1 kHz to 1 MHz are taken for damage. Tracks with more channels are
  /// refused; memory grows with it where channels are split.
  int max_channels = 64;
};

}  // namespace skald
