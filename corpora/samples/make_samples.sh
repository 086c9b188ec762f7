#!/usr/bin/env bash
# Makes the two samples from the speech in the folder given (default ../../../shared/corpora/eval; see README.md for the sources).
set -euo pipefail
source_folder=$(realpath "${1:-$(dirname "$0")/../../../shared/corpora/eval}")
cd "$(dirname "$0")"
librivox=$source_folder/cmusphinx-tests/audio/lv-sense_and_sensibility_01_austen_64kb
plain="-map_metadata -1 -fflags +bitexact -flags:a +bitexact"

# Audio: three sentences of a LibriVox reading, half a second of silence between them.
ffmpeg -nostdin -v error -y -i "$librivox-0870.opus" -i "$librivox-0880.opus" -i "$librivox-0890.opus" \
  -filter_complex "[0]apad=pad_dur=0.5[a];[1]apad=pad_dur=0.5[b];[a][b][2]concat=n=3:v=0:a=1[out]" -map "[out]" \
  -c:a libmp3lame -b:a 64k -ar 44100 -ac 1 $plain austen.mp3

# Video: the inaugural address of John F. Kennedy under a generated picture.
ffmpeg -nostdin -v error -y -i "$source_folder/jfk/audio/jfk.opus" \
  -f lavfi -i "testsrc=size=320x180:rate=15" -map 1:v -map 0:a -shortest \
  -c:v libx264 -preset slow -crf 30 -pix_fmt yuv420p -flags:v +bitexact -c:a aac -b:a 96k -ar 48000 -ac 2 $plain \
  -movflags +faststart jfk.mp4

sha256sum austen.mp3 jfk.mp4 austen.txt jfk.txt > checksums.txt
