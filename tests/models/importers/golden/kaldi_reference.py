"""Slow, independent reference of Kaldi nnet3 acoustic models: reads text and binary files, computes network outputs and
online i-vectors from the published formulas with numpy. Shares nothing with Skald.

Formulas: Povey et al. 2018 (TDNN-F), Dehak et al. 2011 and Kaldi's ivector/ivector-extractor.h (i-vectors), Kaldi's
feat/online-feature.h (CMVN, splicing), nnet3/nnet-compile-looped.cc and decodable-online-looped.cc (which i-vector a frame has).
"""
import re
import struct

import numpy as np


class Reader:
    def __init__(self, path):
        self.data = open(path, "rb").read()
        self.binary = self.data[:2] == b"\0B"
        self.at = 2 if self.binary else 0

    def token(self):
        while self.data[self.at:self.at + 1].isspace():
            self.at += 1
        end = self.at
        while end < len(self.data) and not self.data[end:end + 1].isspace():
            end += 1
        word = self.data[self.at:end].decode("latin1")
        self.at = end + 1
        return word

    def peek(self):
        at = self.at
        word = self.token()
        self.at = at
        return word

    def expect(self, word):
        found = self.token()
        assert found == word, (found, word)

    def line(self):
        end = self.data.index(b"\n", self.at)
        text = self.data[self.at:end].decode()
        self.at = end + 1
        return text

    def number(self):
        if not self.binary:
            return float(self.token())
        size = self.data[self.at]
        value, = struct.unpack_from("<f" if size == 4 else "<d", self.data, self.at + 1)
        self.at += 1 + size
        return value

    def integer(self):
        if not self.binary:
            return int(self.token())
        assert self.data[self.at] == 4
        value, = struct.unpack_from("<i", self.data, self.at + 1)
        self.at += 5
        return value

    def boolean(self):
        if not self.binary:
            return self.token() == "T"
        self.at += 1
        return self.data[self.at - 1:self.at] == b"T"

    def integers(self):
        if not self.binary:
            self.expect("[")
            values = []
            while self.peek() != "]":
                values.append(int(self.token()))
            self.token()
            return values
        size, = struct.unpack_from("<i", self.data, self.at + 1)
        values = struct.unpack_from(f"<{size}i", self.data, self.at + 5)
        self.at += 5 + 4 * size
        return list(values)

    def array(self):
        """Matrix, vector, or packed symmetric matrix (as the full one)."""
        if not self.binary:
            begin = self.data.index(b"[", self.at)
            end = self.data.index(b"]", begin)
            rows = [[float(x) for x in row.split()] for row in self.data[begin + 1:end].decode().splitlines() if row.strip()]
            self.at = end + 1
            if len({len(row) for row in rows}) > 1:
                return full([x for row in rows for x in row])
            return np.array(rows)
        kind = self.token()
        dtype = "<f4" if kind[0] == "F" else "<f8"
        shape = [self.integer() for _ in range(2 if kind[1] == "M" else 1)]
        count = shape[0] * (shape[0] + 1) // 2 if kind[1] == "P" else int(np.prod(shape))
        values = np.frombuffer(self.data, dtype, count, self.at).astype(np.float64)
        self.at += count * int(dtype[2])
        return full(values) if kind[1] == "P" else values.reshape(shape)


def full(triangle):
    size = int((np.sqrt(8 * len(triangle) + 1) - 1) / 2)
    matrix = np.zeros((size, size))
    matrix[np.tril_indices(size)] = triangle
    return matrix + np.tril(matrix, -1).T


FIELDS = {
    "number": "LearningRateFactor MaxChange L2Regularize LearningRate OrthonormalConstraint NumSamplesHistory Alpha Count "
              "OderivCount NumDimsSelfRepaired NumDimsProcessed SelfRepairLowerThreshold SelfRepairUpperThreshold "
              "SelfRepairScale Epsilon TargetRms BackpropScale DropoutProportion",
    "integer": "RankIn RankOut UpdatePeriod Dim BlockDim TimePeriod InputDim OutputDim",
    "boolean": "UseNaturalGradient TestMode IsGradient AddLogStddev",
    "integers": "TimeOffsets",
    "array": "LinearParams Params BiasParams ValueAvg DerivAvg OderivRms StatsMean StatsVar Scales Offsets Bias",
    "pair": "AlphaInOut", "integer_pair": "RankInOut", "nothing": "Continuous",
}
KIND = {f"<{name}>": kind for kind, names in FIELDS.items() for name in names.split()}


class Model:
    """final.mdl: transition-id to pdf and phone; the network."""

    def __init__(self, path):
        r = Reader(path)
        self.read_transitions(r)
        r.expect("<Nnet3>")
        r.line()
        self.nodes = {}
        while True:
            line = r.line().strip()
            if not line:
                if self.nodes:
                    break
                continue
            values = dict(re.findall(r"(\S+?)=((?:(?! \S+=).)*)", line))
            self.nodes[values["name"]] = (line.split()[0], values)
        r.expect("<NumComponents>")
        self.components = {}
        for _ in range(r.integer()):
            r.expect("<ComponentName>")
            name = r.token()
            kind = r.token()[1:-1]
            fields = {}
            while (tag := r.token()) != f"</{kind}>":
                how = KIND[tag]
                if how == "pair":
                    fields[tag] = (r.number(), r.number())
                elif how == "integer_pair":
                    fields[tag] = (r.integer(), r.integer())
                elif how != "nothing":
                    fields[tag] = getattr(r, how)()
            self.components[name] = (kind, fields)
        r.expect("</Nnet3>")
        r.expect("<LeftContext>")
        self.left_context = r.integer()
        r.expect("<RightContext>")
        self.right_context = r.integer()
        r.expect("<Priors>")
        self.priors = r.array().reshape(-1)

    def read_transitions(self, r):
        r.expect("<TransitionModel>")
        r.expect("<Topology>")
        entries, of_phone = [], {}
        if r.binary:
            phones, of = r.integers(), r.integers()
            count = r.integer()
            two = count == -1
            for _ in range(r.integer() if two else count):
                states = []
                for _ in range(r.integer()):
                    emits = r.integer() >= 0
                    if two:
                        r.integer()
                    to = []
                    for _ in range(r.integer()):
                        to.append(r.integer())
                        r.number()
                    states.append((emits, to))
                entries.append(states)
            of_phone = {p: of[p] for p in phones}
            r.expect("</Topology>")
        else:
            while r.token() == "<TopologyEntry>":
                r.expect("<ForPhones>")
                while r.peek() != "</ForPhones>":
                    of_phone[int(r.token())] = len(entries)
                r.token()
                states = []
                while r.token() == "<State>":
                    r.integer()
                    emits, to = False, []
                    while (tag := r.token()) != "</State>":
                        if tag == "<Transition>":
                            to.append(r.integer())
                            r.number()
                        else:
                            emits = True
                            r.integer()
                    states.append((emits, to))
                entries.append(states)
        two = r.token() == "<Tuples>"
        self.transitions = [None]  # (phone, pdf, hmm state, self loop)
        for _ in range(r.integer()):
            phone, state, forward = r.integer(), r.integer(), r.integer()
            stay = r.integer() if two else forward
            for to in entries[of_phone[phone]][state][1]:
                self.transitions.append((phone, stay if to == state else forward, state, to == state))
        r.token()
        r.expect("<LogProbs>")
        r.array()
        r.expect("</LogProbs>")
        r.expect("</TransitionModel>")

    # --- network

    def outputs(self, features, ivectors, subsampling, output="output", rows=None):
        """features [T, D], ivectors [T or more, S] or None: log likelihoods [ceil(T / subsampling), pdfs]."""
        self.inputs = {"input": np.asarray(features, np.float64),
                       "ivector": None if ivectors is None else np.asarray(ivectors, np.float64)}
        self.memo = {}
        rows = [self.descriptor(self.nodes[output][1]["input"].strip(), t) for t in rows or range(0, len(features), subsampling)]
        result = np.array(rows)
        return result - np.log(self.priors) if len(self.priors) else result

    def descriptor(self, text, t):
        if "(" not in text:
            return self.node(text, t)
        function, rest = text.split("(", 1)
        arguments, depth, part = [], 0, ""
        for c in rest.rstrip()[:-1]:
            depth += (c == "(") - (c == ")")
            if c == "," and depth == 0:
                arguments.append(part.strip())
                part = ""
            else:
                part += c
        arguments.append(part.strip())
        if function == "Append":
            return np.concatenate([self.descriptor(a, t) for a in arguments])
        if function == "Sum":
            return sum(self.descriptor(a, t) for a in arguments)
        if function == "Scale":
            return float(arguments[0]) * self.descriptor(arguments[1], t)
        if function == "Offset":
            return self.descriptor(arguments[0], t + int(arguments[1]))
        if function in ("ReplaceIndex", "Round"):
            return self.descriptor(arguments[0], t)
        raise ValueError(function)

    def node(self, name, t):
        if name in self.inputs:
            values = self.inputs[name]
            return values[min(max(t, 0), len(values) - 1)]
        if (name, t) in self.memo:
            return self.memo[name, t]
        kind, fields = self.components[self.nodes[name][1]["component"].strip()]
        text = self.nodes[name][1]["input"].strip()
        if kind == "TdnnComponent":
            x = np.concatenate([self.descriptor(text, t + o) for o in fields["<TimeOffsets>"]])
        else:
            x = self.descriptor(text, t)
        self.memo[name, t] = y = self.component(kind, fields, x)
        return y

    def component(self, kind, f, x):
        if kind in ("TdnnComponent", "AffineComponent", "NaturalGradientAffineComponent", "FixedAffineComponent"):
            y = f["<LinearParams>"] @ x
            bias = f.get("<BiasParams>")
            return y if bias is None or bias.size == 0 else y + bias.reshape(-1)
        if kind == "LinearComponent":
            return f["<Params>"] @ x
        if kind == "RectifiedLinearComponent":
            return np.maximum(x, 0)
        if kind == "SigmoidComponent":
            return 1 / (1 + np.exp(-x))
        if kind == "TanhComponent":
            return np.tanh(x)
        if kind == "BatchNormComponent":
            mean, var = f["<StatsMean>"].reshape(-1), f["<StatsVar>"].reshape(-1)
            blocks = x.reshape(-1, len(mean))
            return ((blocks - mean) * f["<TargetRms>"] / np.sqrt(np.maximum(var, 0) + f["<Epsilon>"])).reshape(-1)
        if kind == "NormalizeComponent":
            return x * f["<TargetRms>"] / np.sqrt(max(np.mean(x * x), 2.0 ** -66))
        if kind == "LogSoftmaxComponent":
            return x - np.log(np.sum(np.exp(x - x.max()))) - x.max()
        if kind in ("NoOpComponent", "GeneralDropoutComponent", "DropoutComponent"):
            return x
        if kind == "FixedScaleComponent":
            return x * f["<Scales>"].reshape(-1)
        if kind in ("PerElementScaleComponent", "NaturalGradientPerElementScaleComponent"):
            return x * f["<Params>"].reshape(-1)
        if kind == "FixedBiasComponent":
            return x + f["<Bias>"].reshape(-1)
        if kind == "PerElementOffsetComponent":
            return x + f["<Offsets>"].reshape(-1)
        raise ValueError(kind)


class SlidingMean:
    """Features less the mean of those up to them. Frames whose value 0 is not above least_energy leave the sums as the call before
    left them, and the global mean is added to them once more (Vosk's copy of Kaldi's OnlineCmvn)."""

    def __init__(self, features, frames, global_mean, global_frames, least_energy):
        self.__dict__.update(features=features, frames=frames, mean=global_mean, global_frames=global_frames, least=least_energy)
        self.sum, self.count = np.zeros(len(global_mean)), 0

    def __call__(self, t):
        if self.features[t][0] > self.least:
            window = self.features[max(0, t + 1 - self.frames):t + 1]
            self.sum, self.count = np.sum(window, 0), len(window)
        extra = min(self.frames - self.count, self.global_frames)
        self.sum = self.sum + extra * self.mean
        self.count += extra
        return self.features[t] - self.sum / self.count


class Ivectors:
    """Online i-vectors of a stream."""

    def __init__(self, folder, left, right, max_count, period_frames, right_context, step=3200, posterior_scale=0.1,
                 selected=5, least=0.025, mean_frames=600, global_frames=200, least_energy=-1e6):
        self.__dict__.update(left=left, right=right, max_count=max_count, period=period_frames, context=right_context, step=step,
                             scale=posterior_scale, selected=selected, least=least, mean_frames=mean_frames,
                             global_frames=global_frames, least_energy=least_energy)
        stats = Reader(f"{folder}/global_cmvn.stats").array()
        self.mean = stats[0, :-1] / stats[0, -1]
        self.lda = Reader(f"{folder}/final.mat").array()
        r = Reader(f"{folder}/final.dubm")
        r.token()
        if r.token() == "<GCONSTS>":
            r.array()
            r.expect("<WEIGHTS>")
        self.weights = r.array().reshape(-1)
        r.expect("<MEANS_INVVARS>")
        self.means_invvars = r.array()
        r.expect("<INV_VARS>")
        self.inv_vars = r.array()
        r = Reader(f"{folder}/final.ie")
        r.expect("<IvectorExtractor>")
        r.expect("<w>")
        r.array()
        r.expect("<w_vec>")
        r.array()
        r.expect("<M>")
        count = r.integer()
        self.m = np.array([r.array() for _ in range(count)])
        r.expect("<SigmaInv>")
        self.sigma_inv = np.array([r.array() for _ in range(count)])
        r.expect("<IvectorOffset>")
        self.offset = r.number()

    def sliding_mean(self, features):
        return SlidingMean(features, self.mean_frames, self.mean, self.global_frames, self.least_energy)

    def project(self, frame, t, known):
        """frame(s): frame s, of which there are `known`."""
        spliced = np.concatenate([frame(min(max(s, 0), known - 1)) for s in range(t - self.left, t + self.right + 1)])
        if self.lda.shape[1] == len(spliced) + 1:
            spliced = np.append(spliced, 1.0)
        return self.lda @ spliced

    def posteriors(self, x, least=None):
        least = self.least if least is None else least
        log_likes = (np.log(self.weights) - 0.5 * x.size * np.log(2 * np.pi) + 0.5 * np.log(self.inv_vars).sum(1)
                     - 0.5 * (self.means_invvars ** 2 / self.inv_vars).sum(1)
                     + self.means_invvars @ x - 0.5 * self.inv_vars @ (x * x))
        order = np.argsort(-log_likes, kind="stable")[:self.selected]
        values = np.exp(log_likes[order] - log_likes.max())
        keep = [i for i, v in enumerate(values) if i == 0 or v > least]
        order, values = order[keep], values[keep]
        cutoff = least * values.sum()
        while len(values) > 1 and values[-1] < cutoff:
            order, values = order[:-1], values[:-1]
        return list(zip(order, values / values.sum()))

    def estimate(self, features, frames):
        """The i-vector of the first `frames` frames, of which `features` are all that is known."""
        size = self.m.shape[2]
        linear, quadratic = np.zeros(size), np.eye(size)
        linear[0] = self.offset
        normalised = self.sliding_mean(features)
        total = 0.0
        for t in range(frames):
            x = self.project(lambda s: features[s], t, len(features))
            weight = 0.0
            for g, p in self.posteriors(self.project(normalised, t, len(features))):
                w = self.scale * p
                linear += w * self.m[g].T @ self.sigma_inv[g] @ x
                quadratic += w * self.m[g].T @ self.sigma_inv[g] @ self.m[g]
                weight += w
            if self.max_count > 0:
                grown = (max(total + weight, self.max_count) - max(total, self.max_count)) / self.max_count
                linear[0] += self.offset * grown
                quadratic += grown * np.eye(size)
            total += weight
        result = np.linalg.solve(quadratic, linear)
        result[0] -= self.offset
        return result

    def steps(self, samples, length=400, shift=160):
        """Feature frames that are known after each step, and at the end."""
        ends = list(range(self.step, samples + 1, self.step))
        if not ends or ends[-1] != samples:
            ends.append(samples)
        return [0 if n < length else 1 + (n - length) // shift for n in ends]

    def bucket(self, t, chunks):
        ahead = (self.period + self.context - 1) // self.period
        return chunks[min(max(t // self.period - ahead, 0), len(chunks) - 1)]

    def weighted(self, features, samples, score, path, subsampling, silence_weight=1e-3):
        """[T + right context, S] with frames weighed by a search as Kaldi's OnlineSilenceWeighting has it. score(ivectors [T, S], first, end): scores
        of those rows; path(scores): for each row the state that the best path without final costs comes from there, and whether it has
        silence. Where the path comes from the state that it came from before, nothing is looked at any more, that row included."""
        size = self.m.shape[2]
        linear, quadratic, total = np.zeros(size), np.eye(size), 0.0
        linear[0] = self.offset
        normalised, projected = self.sliding_mean(features), {}
        chunks, scores, told, traced, pending, counted = [], [], [], [], {}, 0
        current = np.eye(size)[0] * self.offset
        ready_list = self.steps(samples)
        for last, ready in [(False, r) for r in ready_list] + [(True, len(features))]:
            # Weights, as the search has it now.
            decoded = len(scores)
            steps = path(scores) if decoded else []
            traced += [None] * (decoded - len(traced))
            for f in reversed(range(decoded)):
                if traced[f] is not None and traced[f][0] == steps[f][0]:
                    break
                traced[f] = steps[f]
            before = max(len(told), decoded)
            shown = ready if last else max(0, ready - self.right)  # those that can be spliced
            everything = max(before, -(-shown // subsampling))
            first = max(0, before - 100)
            weight = silence_weight if first == 0 else told[first - 1]
            told += [0.0] * (everything - len(told))
            for f in range(first, everything):
                if f < decoded:
                    weight = silence_weight if traced[f][1] else 1.0
                for i in range(subsampling):
                    pending[f * subsampling + i] = pending.get(f * subsampling + i, 0.0) + weight - told[f]
                told[f] = weight
            # Chunks that can be computed now.
            can = (ready - self.context) // self.period if not last else -(-ready // self.period)
            if can <= len(chunks):
                continue
            frame = ready - 1 if last else ready - 1 - self.right
            if frame >= counted:
                counted = frame + 1
                for t in sorted(k for k in pending if k <= frame):
                    w_frame = pending.pop(t)
                    if w_frame == 0:
                        continue
                    x = self.project(lambda s: features[s], t, ready)
                    if t not in projected:
                        projected[t] = self.project(normalised, t, ready)
                    weight_sum = 0.0
                    for g, p in self.posteriors(projected[t], min(self.least / abs(w_frame), 0.99)):
                        w = self.scale * p * w_frame
                        linear += w * self.m[g].T @ self.sigma_inv[g] @ x
                        quadratic += w * self.m[g].T @ self.sigma_inv[g] @ self.m[g]
                        weight_sum += w
                    if self.max_count > 0:
                        grown = (max(total + weight_sum, self.max_count) - max(total, self.max_count)) / self.max_count
                        linear[0] += self.offset * grown
                        quadratic += grown * np.eye(size)
                    total += weight_sum
                current = np.linalg.solve(quadratic, linear) if total > 0 else np.eye(size)[0] * self.offset
            vector = current.copy()
            vector[0] -= self.offset
            while len(chunks) < can:
                chunks.append(vector)
                end = min(len(chunks) * self.period, len(features))
                # Frames behind the last one known are its copies, as they are for the network at the end; their i-vectors are not.
                frames = features[:ready]
                vectors = np.array([self.bucket(t, chunks) for t in range(len(frames) + self.context)])
                scores += list(score(frames, vectors, len(scores), -(-end // subsampling)))
        return np.array([self.bucket(t, chunks) for t in range(len(features) + self.context)])

    def of_frames(self, features, samples, length=400, shift=160):
        """[T + right context, S]: the i-vector of every feature frame of a stream of `samples` samples, and of those behind it that
        the network looks at."""
        chunks, known = [], {}
        for ready in self.steps(samples, length, shift):
            while (len(chunks) + 1) * self.period <= ready - self.context:
                frames = ready - self.right
                if frames not in known:
                    known[frames] = self.estimate(features[:ready], frames)
                chunks.append(known[frames])
        chunks.append(self.estimate(features, len(features)))
        return np.array([self.bucket(t, chunks) for t in range(len(features) + self.context)])
