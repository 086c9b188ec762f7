#!/usr/bin/env python3
"""Kaldi features of speech.wav as kaldi-native-fbank computes them, for kaldi_features_test.cc.
needs: pip install numpy==2.4.6 kaldi-native-fbank==1.23.0
usage: make_golden.py [jfk.wav]   with an argument, first cuts speech.wav from models/en-base/golden/jfk.wav
speech.wav: 1.1 s of John F. Kennedy's inaugural address of 1961, public domain."""
import pathlib
import sys
import wave

import kaldi_native_fbank as knf
import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent


def read_wav(path):
    with wave.open(str(path)) as reader:
        assert reader.getframerate() == 16000 and reader.getnchannels() == 1 and reader.getsampwidth() == 2
        return np.frombuffer(reader.readframes(reader.getnframes()), "<i2")


def compute(kind, samples, mel=None, frame=None, **values):
    options = knf.FbankOptions() if kind == "fbank" else knf.MfccOptions()
    options.frame_opts.dither = 0
    for target, settings in ((options.mel_opts, mel), (options.frame_opts, frame), (options, values)):
        for name, value in (settings or {}).items():
            assert hasattr(target, name), name
            setattr(target, name, value)
    extractor = knf.OnlineFbank(options) if kind == "fbank" else knf.OnlineMfcc(options)
    extractor.accept_waveform(16000, samples.astype(np.float32).tolist())
    extractor.input_finished()
    frames = [extractor.get_frame(i) for i in range(extractor.num_frames_ready)]
    return np.array(frames, np.float32)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        with wave.open(str(FOLDER / "speech.wav"), "wb") as writer:
            writer.setparams((1, 2, 16000, 0, "NONE", ""))
            writer.writeframes(read_wav(sys.argv[1])[4800:4800 + 17615].tobytes())
    speech = read_wav(FOLDER / "speech.wav")
    cases = {
        "fbank_default": dict(kind="fbank", mel=dict(num_bins=80)),
        "fbank_options": dict(kind="fbank", mel=dict(num_bins=40, low_freq=64, high_freq=-400),
                              frame=dict(snip_edges=False, window_type="hamming", preemph_coeff=0.9),
                              use_energy=True, raw_energy=True),
        "fbank_energy_last": dict(kind="fbank", mel=dict(num_bins=23),
                                  frame=dict(round_to_power_of_two=False, window_type="hanning",
                                             remove_dc_offset=False),
                                  use_energy=True, raw_energy=False, htk_compat=True, energy_floor=1e9),
        "mfcc_default": dict(kind="mfcc"),
        "mfcc_options": dict(kind="mfcc", mel=dict(num_bins=40, low_freq=20, high_freq=7600), num_ceps=20,
                             frame=dict(snip_edges=False, window_type="rectangular"), use_energy=False,
                             cepstral_lifter=0),
        "mfcc_htk": dict(kind="mfcc", frame=dict(window_type="blackman"), use_energy=False, htk_compat=True),
    }
    for name, case in cases.items():
        features = compute(samples=speech, **case)
        np.save(FOLDER / f"{name}.npy", features)
        print(name, features.shape)
