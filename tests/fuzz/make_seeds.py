#!/usr/bin/env python3
"""Makes the seeds of the fuzzing targets: small files of every format that Skald reads.

usage: make_seeds.py SKALD SAMPLE    SKALD: the program; SAMPLE: some seconds of speech, e.g. corpora/samples/jfk.mp4
"""
import gzip
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

SEEDS = pathlib.Path(__file__).resolve().parent / "seeds"

ARPA = """\\data\\
ngram 1=5
ngram 2=4
ngram 3=1

\\1-grams:
-99\t<s>\t-0.3
-0.9\t</s>
-1.2\t<unk>
-0.6\tA\t-0.2
-0.8\tCAT\t-0.1

\\2-grams:
-0.4\t<s> A\t-0.05
-0.7\tA CAT
-0.5\tCAT </s>
-1.0\t<s> CAT

\\3-grams:
-0.2\t<s> A CAT

\\end\\
"""
LEXICON = "A\tAH\nA\tEY\nCAT\tK AE T\n"
TOKENS = "<blk> 0\nAH 1\nEY 2\nK 3\nAE 4\nT 5\n"


def write(target, name, content):
    path = SEEDS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def safetensors(tensors):
    """Bytes of a file with f32 tensors {name: shape}."""
    header, offset = {}, 0
    for name, shape in tensors.items():
        size = 4
        for extent in shape:
            size *= extent
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(range(256))[:offset].ljust(offset, b"\0")


def npy(kind, shape, data, fortran=False):
    text = "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }" % (kind, fortran, shape)
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


def handmade():
    write("arpa", "trigram.arpa", ARPA)
    write("arpa", "unigram.arpa", "\\data\\\nngram 1=1\n\n\\1-grams:\n-inf\tA\n\n\\end\\\n")
    write("lexicon", "phones.txt", LEXICON)
    write("lexicon", "phones.txt.gz", gzip.compress(LEXICON.encode(), mtime=0))
    write("token_list", "tokens.txt", TOKENS)
    write("token_list", "spaces.txt", "<blk> 1\n\u2581the quick 0\n")
    write("gzip", "text.gz", gzip.compress(b"text in a file\n" * 20, mtime=0))
    write("gzip", "two.gz", gzip.compress(b"one", mtime=0) + gzip.compress(b"two", mtime=0))
    write("gzip", "plain.txt", "plain")
    write("npy", "f4.npy", npy("<f4", (2, 3), bytes(24)))
    write("npy", "i2.npy", npy("<i2", (4,), bytes(range(8))))
    write("npy", "fortran.npy", npy("<f8", (2, 2), bytes(32), True))
    write("safetensors", "two.safetensors", safetensors({"a": [2, 3], "b.weight": [4]}))
    write("safetensors", "scalar.safetensors", safetensors({"x": []}))
    bundle = pathlib.Path(__file__).resolve().parents[2] / "models" / "en-base-25fps" / "bundle.json"
    write("bundle_manifest", "en-base-25fps.json", bundle.read_bytes())
    models = SEEDS.parents[1] / "models" / "importers" / "golden"
    for kind in ("binary", "text"):
        chain = models / ("chain-" + kind)
        write("fst_file", kind + ".fst", (chain / "graph" / "HCLG.fst").read_bytes())
        write("kaldi_model", kind + ".mdl", (chain / "am" / "final.mdl").read_bytes())
        for name in ("final.ie", "final.dubm", "final.mat"):
            write("kaldi_ivector", kind + "-" + name, (chain / "ivector" / name).read_bytes())
    write("kaldi_model", "classic.mdl", (models / "classic" / "final.mdl").read_bytes())
    write("kaldi_config", "mfcc.conf", (models / "chain-text" / "conf" / "mfcc.conf").read_bytes())
    write("boost_list", "phrases.txt", "# names\nLongyearbyen\nnorthern lights\t2.5\nXenakis\t3\tZ EH N AA K IH S\n")
    for number, query in enumerate(["prime minister", '(colour OR color) blind*', "minister NEAR/30 resigned", '"a b" OR c? d']):
        write("query", "query%d.txt" % number, query)
    write("keyword_list", "list.txt", "KW-1\tprime minister\nKW-2\taurora\n")
    write("keyword_list", "kwlist.xml", '<kwlist ecf_filename="e" language="english" encoding="UTF-8" compareNormalize="" version="1">\n'
          '  <kw kwid="KW-1"><kwtext>caf\u00e9 &amp; bar</kwtext></kw>\n</kwlist>\n')
    write("keyword_list", "kwslist.xml", '<kwslist kwlist_filename="k" language="english" system_id="s">\n'
          '  <detected_kwlist kwid="KW-1" search_time="0.1" oov_count="0">\n'
          '    <kw file="a" channel="1" tbeg="1.5" dur="0.5" score="0.9" decision="YES"/>\n  </detected_kwlist>\n</kwslist>\n')
    write("transcripts", "words.ctm", ";; comment\ntalk 1 0.50 0.30 HELLO 0.9\ntalk 1 0.90 0.20 WORLD\n")
    write("transcripts", "segments.stm", ";; comment\ntalk 1 speaker 0.0 5.2 <o,f0,male> hello world\ntalk 1 x 5.2 6 ignore_time_segment_in_scoring\n")
    write("transcripts", "text.trn", "hello world (speaker-utt1)\n(%hesitation) { a / b } (speaker-utt2)\n")
    write("transcripts", "kaldi.txt", "utt1 hello world\nutt2 a cat\n")
    write("transcripts", "words.rttm", "SPKR-INFO t 1 <NA> <NA> <NA> unknown s <NA>\nLEXEME t 1 0.5 0.3 hello lex s 0.9\n")
    write("input_list", "paths.txt", "a.wav\n../b.mp3\n/c/d.wav\na.wav\n")
    write("input_list", "entries.jsonl", '{"path": "a.wav"}\n{"audio_filepath": "../../x/b.wav", "text": "x"}\n')


def made_by_skald(skald, sample):
    def run(*arguments):
        subprocess.run([skald, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "lm.arpa").write_text(ARPA)
        (folder / "lexicon.txt").write_text(LEXICON)
        (folder / "tokens.txt").write_text(TOKENS)
        run("lm", "build", folder / "lm.arpa", "--out", folder / "lm.sklm")
        write("ngram_model", "trigram.sklm", (folder / "lm.sklm").read_bytes())
        run("graph", "build", "--units", folder / "tokens.txt", "--pronunciations", folder / "lexicon.txt", "--lm", folder / "lm.arpa", "--out",
            folder / "graph.skg")
        write("graph_image", "trigram.skg", (folder / "graph.skg").read_bytes())
        for kind, target in (("text", "kaldi_text"), ("binary", "kaldi_binary")):
            run("transcribe", "--device", "cpu", "--lattice-beam", 3, "--lattice-type", kind, "--format", "lattice", "--out", folder / kind, sample)
            write(target, "speech.ark", next((folder / kind).glob("*.lattice.*")).read_bytes())
        run("transcribe", "--device", "cpu", "--nbest", 2, "--format", "json,ctm", "--out", folder / "json", sample)
        write("json_transcript", "speech.json", next((folder / "json").glob("*.json")).read_bytes())
        write("transcripts", "speech.ctm", next((folder / "json").glob("*.ctm")).read_bytes())
        run("index", "add", "--device", "cpu", "--posterior-floor", 0.02, folder / "index", sample)
        segment = max((path for path in (folder / "index").iterdir() if "sqlite" not in path.name), key=lambda path: path.stat().st_size)
        write("index_segment", "speech.segment", segment.read_bytes())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    handmade()
    made_by_skald(sys.argv[1], sys.argv[2])
