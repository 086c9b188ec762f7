#!/usr/bin/env python3
"""Makes the small Kaldi models of this folder and what kaldi_reference.py computes with them.

usage: make_fixtures.py     (needs numpy, kaldi-native-fbank)

chain-binary, chain-text: the same TDNN-F chain model with i-vectors, as Vosk lays it out, in both of Kaldi's formats;
classic: a network of the older components, with priors and without i-vectors. audio.npy is a second and a half of noise and tones;
chain.*.npy, classic.*.npy hold features, i-vectors, scores, and the words of the best path of the graph.
"""
import os
import shutil
import struct

import kaldi_native_fbank as knf
import numpy as np

from kaldi_reference import Ivectors, Model

HERE = os.path.dirname(os.path.abspath(__file__))
PHONES = ["SIL", "a_B", "a_E", "a_I", "a_S", "b_B", "b_E", "b_I", "b_S"]  # numbered from 1
WORDS = ["<eps>", "ab", "b", "aba"]
SPELLING = {1: ["a_B", "b_E"], 2: ["b_S"], 3: ["a_B", "b_I", "a_E"]}
BINS, IVECTOR, SUBSAMPLING = 8, 4, 3
LEAST_ENERGY = 68  # about every sixth frame is quiet


class Writer:
    def __init__(self, binary):
        self.binary = binary
        self.out = b"\0B" if binary else b""

    def token(self, *words):
        for word in words:
            self.out += word.encode() + b" "

    def integer(self, value):
        self.out += struct.pack("<bi", 4, value) if self.binary else f"{value} ".encode()

    def number(self, value, double=False):
        if self.binary:
            self.out += struct.pack("<bd", 8, value) if double else struct.pack("<bf", 4, value)
        else:
            self.out += f"{np.float32(value):.9g} ".encode()

    def boolean(self, value):
        self.out += (b"T" if value else b"F") + (b"" if self.binary else b" ")

    def integers(self, values):
        if self.binary:
            self.out += struct.pack("<bi", 4, len(values)) + struct.pack(f"<{len(values)}i", *values)
        else:
            self.out += ("[ " + " ".join(map(str, values)) + " ]\n").encode()

    def array(self, values, double=False, packed=False):
        values = np.asarray(values, np.float64)
        if not double:
            values = values.astype(np.float32)
        if self.binary:
            self.token(("D" if double else "F") + ("P" if packed else "MV"[2 - values.ndim]))
            for size in values.shape[:1] if packed else values.shape:
                self.integer(size)
            data = values[np.tril_indices(len(values))] if packed else values
            self.out += data.astype("<f8" if double else "<f4").tobytes()
            return
        digits = ".17g" if double else ".9g"
        rows = [values] if values.ndim == 1 else values
        rows = [row[:i + 1] for i, row in enumerate(rows)] if packed else rows
        text = "\n".join(" ".join(format(x, digits) for x in row) for row in rows)
        self.out += (" [ " + text + " ]\n").encode() if values.ndim == 1 or values.size == 0 else (" [\n" + text + " ]\n").encode()

    def save(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(self.out)


def write_transitions(w, chain):
    """Chain topology: one emitting state, a pdf to enter a phone and one to stay. Else: two emitting states."""
    w.token("<TransitionModel>", "<Topology>")
    count = len(PHONES)
    states = [(0, 1, [(0, 0.5), (1, 0.5)]), (-1, -1, [])] if chain else [
        (0, 0, [(0, 0.7), (1, 0.3)]), (1, 1, [(1, 0.6), (2, 0.4)]), (-1, -1, [])]
    if w.binary:
        w.integers(range(1, count + 1))
        w.integers([-1] + [0] * count)
        if chain:
            w.integer(-1)
        w.integer(1)
        w.integer(len(states))
        for forward, stay, arcs in states:
            w.integer(forward)
            if chain:
                w.integer(stay)
            w.integer(len(arcs))
            for to, p in arcs:
                w.integer(to)
                w.number(p)
    else:
        w.token("<TopologyEntry>", "<ForPhones>", *map(str, range(1, count + 1)), "</ForPhones>")
        for i, (forward, stay, arcs) in enumerate(states):
            w.token("<State>", str(i))
            if forward >= 0 and chain:
                w.token("<ForwardPdfClass>", str(forward), "<SelfLoopPdfClass>", str(stay))
            elif forward >= 0:
                w.token("<PdfClass>", str(forward))
            for to, p in arcs:
                w.token("<Transition>", str(to), str(p))
            w.token("</State>")
        w.token("</TopologyEntry>")
    w.token("</Topology>", "<Tuples>" if chain else "<Triples>")
    # Silence has pdfs 0 and 1 to itself.
    first_pdf = lambda p: 0 if p == 1 else 2 + p % 4 * 2
    tuples = [(p, 0, first_pdf(p), first_pdf(p) + 1) for p in range(1, count + 1)] if chain else [
        (p, s, first_pdf(p) + s, 0) for p in range(1, count + 1) for s in (0, 1)]
    w.integer(len(tuples))
    for phone, state, forward, stay in tuples:
        for value in (phone, state, forward) + ((stay,) if chain else ()):
            w.integer(value)
    w.token("</Tuples>" if chain else "</Triples>", "<LogProbs>")
    w.array(np.concatenate([[0.0], np.full(2 * len(tuples), np.log(0.5))]))
    w.token("</LogProbs>", "</TransitionModel>")


class Network:
    def __init__(self, w, rng):
        self.w, self.rng, self.lines, self.components = w, rng, [], []

    def add(self, name, kind, text, fields):
        self.lines.append(f"component-node name={name} component={name} input={text}")
        self.components.append((name, kind, fields))

    def random(self, *shape):
        return self.rng.normal(size=shape) / np.sqrt(shape[-1])

    def updatable(self, learning_rate=0.001):
        return [("<MaxChange>", "number", 0.75), ("<LearningRate>", "number", learning_rate)]

    def affine(self, name, text, outputs, inputs, kind="NaturalGradientAffineComponent"):
        more = [("<RankIn>", "integer", 20), ("<RankOut>", "integer", 80), ("<OrthonormalConstraint>", "number", 0.0),
                ("<UpdatePeriod>", "integer", 4), ("<NumSamplesHistory>", "number", 2000.0), ("<Alpha>", "number", 4.0)]
        self.add(name, kind, text, (self.updatable() if kind != "FixedAffineComponent" else []) + [
            ("<LinearParams>", "array", self.random(outputs, inputs)), ("<BiasParams>", "array", self.rng.normal(size=outputs) * 0.1)
        ] + (more if kind[0] == "N" else []))

    def linear(self, name, text, outputs, inputs):
        self.add(name, "LinearComponent", text, self.updatable() + [
            ("<Params>", "array", self.random(outputs, inputs)), ("<OrthonormalConstraint>", "number", -1.0),
            ("<UseNaturalGradient>", "boolean", True), ("<RankInOut>", "integer_pair", (20, 80)), ("<Alpha>", "number", 4.0),
            ("<NumSamplesHistory>", "number", 2000.0), ("<UpdatePeriod>", "integer", 4)])

    def tdnn(self, name, text, outputs, inputs, offsets, bias):
        self.add(name, "TdnnComponent", text, self.updatable() + [
            ("<TimeOffsets>", "integers", offsets), ("<LinearParams>", "array", self.random(outputs, inputs * len(offsets))),
            ("<BiasParams>", "array", self.rng.normal(size=outputs) * 0.1 if bias else np.zeros(0)),
            ("<OrthonormalConstraint>", "number", 0.0), ("<UseNaturalGradient>", "boolean", True),
            ("<NumSamplesHistory>", "number", 2000.0), ("<AlphaInOut>", "pair", (4.0, 4.0)), ("<RankInOut>", "integer_pair", (20, 80))])

    def nonlinear(self, name, kind, text, dim):
        self.add(name, kind, text, [
            ("<Dim>", "integer", dim), ("<ValueAvg>", "array", self.rng.uniform(size=dim)), ("<DerivAvg>", "array", self.rng.uniform(size=dim)),
            ("<Count>", "double", 1000.0), ("<OderivRms>", "array", np.zeros(dim)), ("<OderivCount>", "double", 0.0),
            ("<NumDimsSelfRepaired>", "double", 3.0), ("<NumDimsProcessed>", "double", 10.0), ("<SelfRepairScale>", "number", 1e-5)])

    def batchnorm(self, name, text, dim, block):
        self.add(name, "BatchNormComponent", text, [
            ("<Dim>", "integer", dim), ("<BlockDim>", "integer", block), ("<Epsilon>", "number", 0.001), ("<TargetRms>", "number", 1.0),
            ("<TestMode>", "boolean", False), ("<Count>", "number", 5000.0), ("<StatsMean>", "array", self.rng.normal(size=block)),
            ("<StatsVar>", "array", self.rng.uniform(0.2, 2, size=block))])

    def dropout(self, name, text, dim):
        self.add(name, "GeneralDropoutComponent", text, [
            ("<Dim>", "integer", dim), ("<BlockDim>", "integer", dim), ("<TimePeriod>", "integer", 0),
            ("<DropoutProportion>", "number", 0.0), ("<TestMode>", "boolean", False), ("<Continuous>", "nothing", None)])

    def layer_end(self, name, text, dim, residual=None):
        self.nonlinear(f"{name}.relu", "RectifiedLinearComponent", text, dim)
        self.batchnorm(f"{name}.batchnorm", f"{name}.relu", dim, dim)
        self.dropout(f"{name}.dropout", f"{name}.batchnorm", dim)
        if residual:
            self.add(f"{name}.noop", "NoOpComponent", f"Sum(Scale(0.66, {residual}), {name}.dropout)",
                     [("<Dim>", "integer", dim), ("<BackpropScale>", "number", 1.0)])

    def save(self, inputs, outputs, left, right, priors, path):
        w = self.w
        w.out += b"<Nnet3> \n"
        w.out += ("\n".join(inputs + self.lines + outputs) + "\n\n").encode()
        w.token("<NumComponents>")
        w.integer(len(self.components))
        if not w.binary:
            w.out += b"\n"
        for name, kind, fields in self.components:
            w.token("<ComponentName>", name, f"<{kind}>")
            for tag, how, value in fields:
                w.token(tag)
                if how in ("pair", "integer_pair"):
                    for v in value:
                        (w.number if how == "pair" else w.integer)(v)
                elif how == "double":
                    w.number(value, double=True)
                elif how != "nothing":
                    getattr(w, how)(value)
            w.token(f"</{kind}>")
        w.token("</Nnet3>", "<LeftContext>")
        w.integer(left)
        w.token("<RightContext>")
        w.integer(right)
        w.token("<Priors>")
        w.array(priors)
        w.save(path)


def write_chain(binary, path, output_bias=None):
    w = Writer(binary)
    write_transitions(w, True)
    n = Network(w, np.random.default_rng(7))
    spliced = 3 * BINS + IVECTOR
    n.affine("lda", "Append(Offset(input, -1), input, Offset(input, 1), ReplaceIndex(ivector, t, 0))", spliced, spliced,
             "FixedAffineComponent")
    n.affine("tdnn1.affine", "lda", 16, spliced)
    n.layer_end("tdnn1", "tdnn1.affine", 16)
    n.tdnn("tdnnf2.linear", "tdnn1.dropout", 6, 16, [-1, 0], False)
    n.tdnn("tdnnf2.affine", "tdnnf2.linear", 16, 6, [0, 1], True)
    n.layer_end("tdnnf2", "tdnnf2.affine", 16, "tdnn1.dropout")
    n.tdnn("tdnnf3.linear", "tdnnf2.noop", 6, 16, [-3, 0], False)
    n.tdnn("tdnnf3.affine", "tdnnf3.linear", 16, 6, [0, 3], True)
    n.layer_end("tdnnf3", "tdnnf3.affine", 16, "tdnnf2.noop")
    n.linear("prefinal-l", "tdnnf3.noop", 8, 16)
    n.affine("prefinal-chain.affine", "prefinal-l", 16, 8)
    n.layer_end("prefinal-chain", "prefinal-chain.affine", 16)
    n.linear("prefinal-chain.linear", "prefinal-chain.dropout", 8, 16)
    n.batchnorm("prefinal-chain.batchnorm2", "prefinal-chain.linear", 8, 4)
    n.affine("output.affine", "prefinal-chain.batchnorm2", 10, 8)
    if output_bias is not None:
        name, kind, fields = n.components[-1]
        fields = [(t, h, output_bias if t == "<BiasParams>" else v) for t, h, v in fields]
        n.components[-1] = (name, kind, fields)
    n.affine("output-xent.affine", "prefinal-l", 10, 8)
    n.nonlinear("output-xent.log-softmax", "LogSoftmaxComponent", "output-xent.affine", 10)
    n.save([f"input-node name=ivector dim={IVECTOR}", f"input-node name=input dim={BINS}"],
           ["output-node name=output input=output.affine objective=linear",
            "output-node name=output-xent input=output-xent.log-softmax objective=linear"], 5, 5, np.zeros(0), path)


def write_classic(path):
    w = Writer(False)
    write_transitions(w, False)
    n = Network(w, np.random.default_rng(8))
    n.affine("a", "Append(Offset(input, -2), input, Offset(input, 2))", 12, 3 * BINS, "AffineComponent")
    n.nonlinear("a.sigmoid", "SigmoidComponent", "a", 12)
    n.add("a.norm", "NormalizeComponent", "a.sigmoid", [("<InputDim>", "integer", 12), ("<TargetRms>", "number", 0.5),
                                                         ("<AddLogStddev>", "boolean", False)])
    n.add("scale", "FixedScaleComponent", "a.norm", [("<Scales>", "array", n.rng.uniform(0.5, 2, size=12))])
    n.add("bias", "FixedBiasComponent", "scale", [("<Bias>", "array", n.rng.normal(size=12))])
    n.affine("b", "Append(Offset(bias, -1), Sum(bias, a.sigmoid))", 12, 24, "AffineComponent")
    n.nonlinear("b.tanh", "TanhComponent", "b", 12)
    n.add("b.scale", "PerElementScaleComponent", "b.tanh", n.updatable() + [("<Params>", "array", n.rng.uniform(0.5, 2, size=12))])
    n.add("b.offset", "PerElementOffsetComponent", "b.scale", n.updatable() + [("<Offsets>", "array", n.rng.normal(size=12))])
    n.affine("final", "b.offset", 10, 12)
    n.nonlinear("final.log-softmax", "LogSoftmaxComponent", "final", 10)
    n.save([f"input-node name=input dim={BINS}"], ["output-node name=output input=final.log-softmax objective=linear"], 3, 2,
           n.rng.dirichlet(np.full(10, 5.0)), path)


def write_ivector(binary, folder):
    rng = np.random.default_rng(9)
    gaussians, projected = 6, 5
    spliced = 7 * BINS
    w = Writer(binary)
    w.array(rng.normal(size=(projected, spliced + 1)) / 60)
    w.save(f"{folder}/final.mat")
    w = Writer(binary)
    count = 1000.0
    w.array(np.vstack([np.append(rng.normal(size=BINS) * count * 3, count), np.append(np.full(BINS, 50.0) * count, 0)]), double=True)
    w.save(f"{folder}/global_cmvn.stats")
    means, inv_vars = rng.normal(size=(gaussians, projected)), rng.uniform(0.5, 2, size=(gaussians, projected))
    w = Writer(binary)
    w.token("<DiagGMM>", "<GCONSTS>")
    w.array(np.zeros(gaussians))
    w.token("<WEIGHTS>")
    w.array(rng.dirichlet(np.full(gaussians, 8.0)))
    w.token("<MEANS_INVVARS>")
    w.array(means * inv_vars)
    w.token("<INV_VARS>")
    w.array(inv_vars)
    w.token("</DiagGMM>")
    w.save(f"{folder}/final.dubm")
    w = Writer(binary)
    w.token("<IvectorExtractor>", "<w>")
    w.array(np.zeros((0, 0)), double=True)
    w.token("<w_vec>")
    w.array(np.full(gaussians, 1 / gaussians), double=True)
    w.token("<M>")
    w.integer(gaussians)
    offset = 10.0
    for g in range(gaussians):
        w.array(np.hstack([means[g][:, None] / offset, rng.normal(size=(projected, IVECTOR - 1)) * 0.05]), double=True)
    w.token("<SigmaInv>")
    for g in range(gaussians):
        root = rng.normal(size=(projected, projected)) * 0.2
        w.array(np.diag(inv_vars[g]) + root @ root.T, double=True, packed=True)
    w.token("<IvectorOffset>")
    w.number(offset, double=True)
    w.token("</IvectorExtractor>")
    w.save(f"{folder}/final.ie")
    with open(f"{folder}/splice.conf", "w") as file:
        file.write("--left-context=3\n--right-context=3\n")
    with open(f"{folder}/online_cmvn.conf", "w") as file:
        file.write(f"--cmn-min-energy={LEAST_ENERGY}  # frames below are quiet\n")


def tid(model, phone, state, self_loop):
    return next(i for i, t in enumerate(model.transitions) if t and (t[0], t[2], t[3]) == (phone, state, self_loop))


def make_graph(model):
    """Word loop with optional silence between words: arcs [source, input, output, cost, destination], start 0, final 0."""
    arcs, states = [], [1]

    def new():
        states[0] += 1
        return states[0] - 1

    def phone(source, name, word, cost, last):
        number = PHONES.index(name) + 1
        at = source
        for state in range(2 if len(model.transitions) > 20 else 1):
            to = new()
            arcs.append((at, tid(model, number, state, False), word if state == 0 else 0, cost if state == 0 else 0.1, to))
            arcs.append((to, tid(model, number, state, True), 0, 0.2, to))
            at = to
        if last is not None:
            arcs.append((at, 0, 0, 0.05, last))
        return at

    phone(0, "SIL", 0, 0.7, 0)
    for word, spelling in SPELLING.items():
        at = 0
        for i, name in enumerate(spelling):
            # The label comes with the first phone, or, of "aba", with the second.
            label = word if i == (1 if word == 3 else 0) else 0
            at = phone(at, name, label, 0.9 + 0.1 * word if i == 0 else 0.0, 0 if i == len(spelling) - 1 else None)
    return arcs, states[0], {0: 0.3}


def write_fst(arcs, states, finals, kind, path):
    by_state = [[a for a in arcs if a[0] == s] for s in range(states)]
    header = lambda name, version, flags: (struct.pack("<ii", 2125659606, len(name)) + name + struct.pack("<i", 8) + b"standard" + struct.pack(
        "<iiQqqq", version, flags, 0, 0, states, len(arcs)))
    out = b""
    if kind == "vector":
        out = header(b"vector", 2, 0)
        for s in range(states):
            out += struct.pack("<fq", finals.get(s, np.inf), len(by_state[s]))
            out += b"".join(struct.pack("<iifi", i, o, c, d) for _, i, o, c, d in by_state[s])
    else:
        out = header(b"const", 2, 0)
        place = 0
        for s in range(states):
            out += struct.pack("<fIIII", finals.get(s, np.inf), place, len(by_state[s]), 0, 0)
            place += len(by_state[s])
        out += b"".join(struct.pack("<iifi", i, o, c, d) for s in range(states) for _, i, o, c, d in by_state[s])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(out)


def best_words(model, arcs, states, finals, scores, inputs=False):
    """Viterbi: words of the best path and its cost. With `inputs`: the states that the best path's frames begin in and their
    transition-ids, final costs aside."""
    best = {0: (0.0, ())}
    kept = lambda source, i, o: (((source, i),) if i else ()) if inputs else ((o,) if o else ())

    def close(tokens):
        open_states = list(tokens)
        while open_states:
            s = open_states.pop()
            for source, i, o, c, d in arcs:
                if source == s and i == 0:
                    cost = tokens[s][0] + c
                    if d not in tokens or cost < tokens[d][0] - 1e-12:
                        tokens[d] = (cost, tokens[s][1] + kept(source, i, o))
                        open_states.append(d)
        return tokens

    best = close(best)
    for row in scores:
        after = {}
        for source, i, o, c, d in arcs:
            if i == 0 or source not in best:
                continue
            cost = best[source][0] + c - row[model.transitions[i][1]]
            if d not in after or cost < after[d][0]:
                after[d] = (cost, best[source][1] + kept(source, i, o))
        best = close(after)
    if inputs:
        return min(best.values())[1]
    return min((best[s][0] + f, best[s][1]) for s, f in finals.items() if s in best)


def features(audio):
    o = knf.MfccOptions()
    o.frame_opts.dither = 0
    o.mel_opts.num_bins = 10
    o.num_ceps = BINS
    o.use_energy = False
    o.mel_opts.high_freq = 7600
    extractor = knf.OnlineMfcc(o)
    extractor.accept_waveform(16000, (audio * 32768).tolist())
    extractor.input_finished()
    return np.array([extractor.get_frame(i) for i in range(extractor.num_frames_ready)])


def common(folder, conf, mfcc):
    os.makedirs(os.path.dirname(f"{folder}/{mfcc}"), exist_ok=True)
    with open(f"{folder}/{mfcc}", "w") as file:
        file.write("--use-energy=false\n--num-mel-bins=10\n--num-ceps=8\n--high-freq=7600\n--dither=0  # a comment\n")
    if conf:
        with open(f"{folder}/conf/model.conf", "w") as file:
            file.write("--max-active=500\n--min-active=3\n--beam=20.0\n--lattice-beam=6.0\n--acoustic-scale=1.0\n--frame-subsampling-factor=3\n"
                       "--endpoint.silence-phones=1\n")


def words_and_phones(graph):
    kind = {"B": "begin", "E": "end", "I": "internal", "S": "singleton"}
    os.makedirs(f"{graph}/phones", exist_ok=True)
    with open(f"{graph}/words.txt", "w") as file:
        file.writelines(f"{w} {i}\n" for i, w in enumerate(WORDS))
    with open(f"{graph}/phones.txt", "w") as file:
        file.writelines(f"{p} {i}\n" for i, p in enumerate(["<eps>"] + PHONES))
    with open(f"{graph}/phones/word_boundary.int", "w") as file:
        file.writelines(f"{i} {kind[p[-1]] if '_' in p else 'nonword'}\n" for i, p in enumerate(PHONES, 1))


def main():
    os.chdir(HERE)
    for folder in ("chain-binary", "chain-text", "classic"):
        shutil.rmtree(folder, ignore_errors=True)
    rng = np.random.default_rng(7)
    # 144 frames: behind the last one another i-vector begins.
    t = np.arange(23400) / 16000
    audio = (0.05 * rng.normal(size=t.size) + 0.3 * np.sin(2 * np.pi * 500 * t * (1 + (t > 0.5))) * (np.sin(9 * t) > 0))
    audio = np.round(audio * 32768).clip(-32768, 32767).astype(np.float32) / 32768
    np.save("audio.npy", audio)
    frames = features(audio)
    np.save("features.npy", frames.astype(np.float32))

    # No pdf is likelier than the others all the time, so that words change.
    write_chain(True, "chain-binary/am/final.mdl")
    bias = -Model("chain-binary/am/final.mdl").outputs(frames, np.zeros((len(frames), IVECTOR)), SUBSAMPLING).mean(0)
    for name, binary in (("chain-binary", True), ("chain-text", False)):
        write_chain(binary, f"{name}/am/final.mdl", bias)
        write_ivector(binary, f"{name}/ivector")
        common(name, True, "conf/mfcc.conf")
        words_and_phones(f"{name}/graph")
        model = Model(f"{name}/am/final.mdl")
        arcs, states, finals = make_graph(model)
        write_fst(arcs, states, finals, "vector" if binary else "const", f"{name}/graph/HCLG.fst")
    extractor = Ivectors("chain-binary/ivector", 3, 3, 100, 24, model.right_context, least_energy=LEAST_ENERGY)
    ivectors = extractor.of_frames(frames, len(audio))
    scores = model.outputs(frames, ivectors, SUBSAMPLING)
    np.save("chain.ivectors.npy", ivectors.astype(np.float32))
    np.save("chain.scores.npy", scores.astype(np.float32))
    # As Vosk has it: frames weigh what a search says.
    ivectors = extractor.weighted(
        frames, len(audio), lambda x, v, first, end: model.outputs(x, v, SUBSAMPLING, rows=[SUBSAMPLING * r for r in range(first, end)]),
        lambda rows: [(source, model.transitions[i][0] == 1) for source, i in best_words(model, arcs, states, finals, rows, True)],
        SUBSAMPLING)
    np.save("chain.weighted_ivectors.npy", ivectors.astype(np.float32))
    print("weighing changes i-vectors by", np.abs(ivectors - np.load("chain.ivectors.npy")).max())
    scores = model.outputs(frames, ivectors, SUBSAMPLING)
    cost, words = best_words(model, arcs, states, finals, scores)
    with open("chain.words.txt", "w") as file:
        file.write(" ".join(WORDS[w] for w in words) + f"\n{cost:.4f}\n")
    print("chain", len(frames), scores.shape, words, cost)

    write_classic("classic/final.mdl")
    common("classic", False, "mfcc.conf")
    with open("classic/frame_subsampling_factor", "w") as file:
        file.write("1\n")
    words_and_phones("classic")
    model = Model("classic/final.mdl")
    arcs, states, finals = make_graph(model)
    write_fst(arcs, states, finals, "vector", "classic/HCLG.fst")
    scores = model.outputs(frames, None, 1)
    np.save("classic.scores.npy", scores.astype(np.float32))
    print("classic", scores.shape)


if __name__ == "__main__":
    main()
