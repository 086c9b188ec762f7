#!/usr/bin/env python3
"""Makes sound without speech: silence, noises of several colours and levels, hum, clicks, and music of twelve instruments.

usage: make_non_speech.py FOLDER [--seconds 600]

Needs ffmpeg; the music also fluidsynth and the Debian package timgm6mb-soundfont. The same files every time.
"""
import argparse
import pathlib
import random
import struct
import subprocess

SOUND_FONT = "/usr/share/sounds/sf2/TimGM6mb.sf2"
TICKS_PER_BEAT = 480
# General MIDI programs; the choirs, the saxophone and the cello are nearest to a voice.
INSTRUMENTS = {"piano": 0, "organ": 19, "guitar": 24, "cello": 42, "strings": 48, "choir-aahs": 52, "voice-oohs": 53,
               "synth-voice": 54, "trumpet": 56, "saxophone": 65, "flute": 73, "synth-lead": 81}
CHORDS = [(0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14), (2, 5, 9), (4, 7, 11)]


def variable_length(value):
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(0x80 | value & 0x7F)
    return bytes(reversed(out))


def track_chunk(events):
    """events: (tick, bytes), in any order."""
    body, now = b"", 0
    for tick, message in sorted(events, key=lambda event: event[0]):
        body += variable_length(tick - now) + message
        now = tick
    body += b"\0\xff\x2f\0"
    return b"MTrk" + struct.pack(">I", len(body)) + body


def compose(program, seconds, chooser):
    """A song as a MIDI file: chords and bass below a melody of one instrument, with drums."""
    beats_per_minute = chooser.choice((72, 96, 120, 138))
    beats = int(seconds * beats_per_minute / 60)
    events = [(0, b"\xff\x51\x03" + struct.pack(">I", 60_000_000 // beats_per_minute)[1:]),
              (0, bytes((0xC0, program))), (0, bytes((0xC1, chooser.choice((0, 24, 48, 89))))), (0, bytes((0xC2, 33)))]

    def note(channel, pitch, velocity, beat, length):
        start = int(beat * TICKS_PER_BEAT)
        events.append((start, bytes((0x90 | channel, pitch, velocity))))
        events.append((start + max(1, int(length * TICKS_PER_BEAT) - 10), bytes((0x80 | channel, pitch, 0))))

    key, pitch = chooser.randrange(55, 67), 4
    scale = (0, 2, 4, 5, 7, 9, 11)
    chord = CHORDS[0]
    beat = 0.0
    while beat < beats:
        if beat % 4 == 0:
            chord = chooser.choice(CHORDS)
            for step in chord:
                note(1, key - 12 + step, 60, beat, 4)
            note(2, key - 24 + chord[0], 80, beat, 2)
            note(2, key - 24 + chord[0], 80, beat + 2, 2)
        if beat % 1 == 0:
            note(9, 36 if beat % 2 == 0 else 38, 80, beat, 0.5)
            note(9, 42, 50, beat + 0.5, 0.5)
        length = min(chooser.choice((0.5, 0.5, 1, 1, 2)), 4 - beat % 4)
        if chooser.random() < 0.85:
            pitch = max(0, min(13, pitch + chooser.choice((-2, -1, -1, 0, 1, 1, 2))))
            note(0, key + 12 * (pitch // 7) + scale[pitch % 7], chooser.randrange(70, 110), beat, length)
        beat += length
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS_PER_BEAT) + track_chunk(events)


def run(*arguments):
    subprocess.run([str(argument) for argument in arguments], check=True, stdout=subprocess.DEVNULL)


def ffmpeg(*arguments):
    run("ffmpeg", "-nostdin", "-v", "error", "-y", *arguments)


def make_music(folder, seconds):
    chooser = random.Random(7)
    songs = []
    for name, program in INSTRUMENTS.items():
        midi, wav = folder / (name + ".mid"), folder / (name + ".wav")
        midi.write_bytes(compose(program, seconds / len(INSTRUMENTS), chooser))
        run("fluidsynth", "-ni", "-q", "-r", 44100, "-g", 0.6, "-F", wav, SOUND_FONT, midi)
        songs.append(wav)
    inputs = [argument for song in songs for argument in ("-i", song)]
    joined = f"concat=n={len(songs)}:v=0:a=1,atrim=0:{seconds}"
    ffmpeg(*inputs, "-filter_complex", joined, "-ac", 1, "-ar", 16000, folder / "music.flac")
    for path in [*songs, *folder.glob("*.mid")]:
        path.unlink()


def make_noises(folder, seconds):
    def source(name, expression):
        ffmpeg("-f", "lavfi", "-i", expression, "-t", seconds, "-ac", 1, "-ar", 16000, folder / (name + ".flac"))

    source("silence", "anullsrc=r=16000:cl=mono")
    for colour in ("white", "pink", "brown"):
        for decibels in (-6, -26, -46, -66):
            source(f"{colour}{decibels}dB", f"anoisesrc=r=16000:c={colour}:a={10 ** (decibels / 20)}:seed=1")
    hum = "+".join(f"{0.2 / n}*sin(2*PI*{50 * n}*t)" for n in (1, 2, 3, 5, 7))
    source("hum", f"aevalsrc={hum}:s=16000")
    source("clicks", "aevalsrc=0.8*(lt(mod(t\\,0.73)\\,0.001)+lt(mod(t\\,1.19)\\,0.0005)):s=16000")
    # Levels that rise and fall like sentences do, in noise: the shape of speech without its content.
    source("pulsing", "aevalsrc=(random(0)-0.5)*0.4*lt(mod(t\\,3)\\,1.7)*(0.5+0.5*sin(2*PI*4*t)):s=16000")
    source("telephone-tones", "aevalsrc=0.2*(sin(2*PI*425*t)*lt(mod(t\\,5)\\,1)+sin(2*PI*697*t)*lt(mod(t\\,1.3)\\,0.1)):s=16000")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=600, help="length of each file")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    make_noises(arguments.folder, arguments.seconds)
    make_music(arguments.folder, arguments.seconds)


if __name__ == "__main__":
    main()
