#pragma once

namespace skald::test {

// Every numeric tolerance of the tests, each with where it comes from.

/// Log-mel features in f32 against the golden .npy computed in f64.
inline constexpr double kLogMelAbs = 1e-4;
/// Kaldi-compatible features against kaldi-native-fbank, which computes in f32.
inline constexpr double kKaldiFeatureAbs = 2e-3;
/// Cepstra of two f32 implementations on signals with weak bands: the lifter scales differences of log mel
/// values by up to 12.
inline constexpr double kCepstraBetweenDevicesAbs = 1e-2;
/// Log-probs in f32 against the golden forward pass in f32 with another order of summation.
inline constexpr double kLogProbF32Abs = 2e-3;
/// Mean absolute error of log-probs with bf16 or int8 products: a guard against broken arithmetic. What
/// counts is WER.
inline constexpr double kLogProbBf16Mean = 0.1;
inline constexpr double kLogProbInt8Mean = 0.3;
/// One layer in f32 against f64, values of about 1.
inline constexpr double kLayerF32Abs = 2e-5;
/// Mean absolute error of one transformer layer with bf16 or int8 products, random weights, values of about
/// 1: a guard against broken arithmetic.
inline constexpr double kTransformerBf16Mean = 0.01;
inline constexpr double kTransformerInt8Mean = 0.03;
/// Log-probs of imported networks in f32 against PyTorch in f32.
inline constexpr double kLogProbImportedAbs = 1e-3;
/// Mean absolute error of log-probs of random networks with bf16 or int8 products, whose weights are worse
/// conditioned than trained ones: a guard against broken arithmetic.
inline constexpr double kLogProbRandomWeightsMean = 0.5;

/// Cost of a lattice path summed in f64 from f32 arcs, against the same sum in another order.
inline constexpr double kPathCostAbs = 1e-6;
/// The same against a search that adds in f32 (OpenFst, or a pruning decision of the beam search).
inline constexpr double kPathCostF32Abs = 1e-3;
/// Cost of a long stream, summed frame by frame in f32 relative to an f64 offset: rounding does not pile up
/// beyond this.
inline constexpr double kPathCostF32Relative = 1e-7;
/// Features of which every bin is scaled to variance 1, CPU against GPU: in windows of a few frames a bin may
/// hardly vary, which makes its rounding large.
inline constexpr double kScaledFeatureAbs = 0.05;
/// Boosts of a path of up to 30 words, stored in f32, against their sum in f64.
inline constexpr double kBoostSumTolerance = 1e-4;
/// Phone error rate of guessed pronunciations of English words that were held out: a guard against broken
/// learning.
inline constexpr double kPronouncerErrorRate = 0.15;
/// Scores of several models fused in f32 against f64.
inline constexpr double kFusedScoreAbs = 1e-5;
/// Sums of posteriors in f64 against 1 or against an enumeration.
inline constexpr double kPosteriorSumAbs = 1e-9;
/// Expected counts on a posterior lattice against those on all paths: what lies below the smallest floor.
inline constexpr double kPrunedCountAbs = 1e-3;
/// Count of a word in an index: rounded in the lattice's node and arc and in the posting, half a 128th of a
/// nat each.
inline constexpr double kIndexScoreRelative = 0.012;
/// Probability of speech in f32 against onnxruntime's, after up to 1,000 recurrent steps.
inline constexpr double kSpeechProbabilityAbs = 1e-4;
/// Resampler: ripple up to 7 kHz, level of what would alias (8.5 kHz and above), and sample error of a tone
/// in the passband.
inline constexpr double kResamplerPassbandDb = 0.1;
inline constexpr double kResamplerStopbandDb = -60;
inline constexpr double kResamplerToneAbs = 1e-3;
/// Place of a click after lossy coding, in seconds: codecs smear it, Matroska rounds to 1 ms.
inline constexpr double kMediaTimeS = 0.010;
/// Seconds decoded from odd files, which the table of outcomes has in hundredths.
inline constexpr double kDecodedDurationS = 0.02;

/// Cost of a path after OpenFst's look-ahead composition, which rounds what it pushes to 1/1024 at every
/// step.
inline constexpr double kLookaheadCostAbs = 0.03;
/// Log likelihoods of small Kaldi networks in f32 against the reference in f64.
inline constexpr double kNnet3ScoreAbs = 2e-4;
/// I-vectors with statistics in f64 over features in f32, solved by conjugate gradients, against an exact
/// solution over features of kaldi-native-fbank.
inline constexpr double kIvectorAbs = 2e-3;
/// Scores of a Kaldi network from i-vectors that are that close.
inline constexpr double kOwnIvectorScoreAbs = 5e-3;

/// Scores fused by arithmetic mean in f32 with the device's expf and logf, against f64.
inline constexpr double kScoreFusionAbs = 2e-5;

/// Distributions of windows joined with 3 s of context against one window over all: attention sees less, so
/// they differ a little. Half the L1 distance, mean over frames; 0.040 was measured for en-base.
inline constexpr double kStitchedMeanDistance = 0.06;

}  // namespace skald::test
