// Kaldi models through the importer and the engine, against what
// tests/models/importers/golden/kaldi_reference.py computed.
#include "engine/kaldi_import.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <random>
#include <sstream>

#include "base/file.h"
#include "decoder/graph/check_graph.h"
#include "engine/bundle_features.h"
#include "engine/ivector_source.h"
#include "engine/recognizer.h"
#include "engine/scorer.h"
#include "engine/search_weights.h"
#include "support/npy.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

namespace fs = std::filesystem;

std::string Golden(const std::string& name) {
  return test::ProjectPath("tests/models/importers/golden/" + name);
}

class KaldiImportTest : public ::testing::Test {
 protected:
  std::string Import(const std::string& model, const std::string& name) {
    const std::string out = folder_ / name;
    const Status status = ImportKaldiModel(Golden(model), out, {.licence = "Apache-2.0", .language = "ko"});
    EXPECT_TRUE(status.ok()) << status.ToString();
    return out;
  }
  static std::vector<float> Audio() { return test::ReadNpy(Golden("audio.npy")).value().values; }

  /// Text of the golden recording.
  static std::string Text(const std::string& bundle,
                          const std::function<void(RecognizerOptions*)>& change = {}) {
    RecognizerOptions options;
    options.model_folder = bundle;
    options.device = "cpu";
    options.precision = "f32";
    options.threads = 2;
    options.description.word_rule = WordRule::kViterbi;
    options.graph_scale = 1;  // the reference has the costs as they are
    if (change) change(&options);
    auto recognizer = Recognizer::Create(options);
    EXPECT_TRUE(recognizer.ok()) << recognizer.status().ToString();
    if (!recognizer.ok()) return "";
    const std::vector<float> audio = Audio();
    const PcmView views[] = {audio};
    std::string text;
    (*recognizer)->TranscribeSamples(views, [&](const FileResult& result) {
      EXPECT_TRUE(result.status.ok()) << result.status.ToString();
      for (const Transcript& transcript : result.transcripts) {
        for (const Segment& segment : transcript.segments) text += (text.empty() ? "" : " ") + segment.text;
      }
    });
    return text;
  }
  static std::string GoldenText() {
    const std::string text = ReadFile(Golden("chain.words.txt")).value();
    return text.substr(0, text.find('\n'));
  }

  /// The i-vectors of `audio`, pushed all at once (`random` null) or in random pieces, which must be the
  /// reference's.
  static std::vector<float> CheckedIvectors(IvectorStream* stream, const std::vector<float>& audio,
                                            const NpyArray& wanted, std::mt19937_64* random) {
    for (size_t at = 0; at < audio.size();) {
      const size_t count =
          std::min<size_t>(audio.size() - at, random == nullptr ? audio.size() : 1 + (*random)() % 5000);
      stream->Push(PcmView(audio).subspan(at, count));
      at += count;
    }
    stream->Finish();
    std::vector<float> rows(wanted.values.size());
    stream->Read(0, {rows.data(), wanted.shape[0], wanted.shape[1]});
    double largest = 0;
    for (size_t i = 0; i < rows.size(); ++i)
      largest = std::max(largest, std::abs(double{rows[i]} - wanted.values[i]));
    EXPECT_LT(largest, test::kIvectorAbs);
    return rows;
  }

  test::TemporaryFolder folder_;
};

TEST_F(KaldiImportTest, TextAndBinaryModelsGiveTheSameBundle) {
  const std::string binary = Import("chain-binary", "a"), text = Import("chain-text", "b");
  for (const char* name : {"model.safetensors", "ivector.safetensors", "graph.skg", "units.txt"}) {
    EXPECT_TRUE(ReadFile(binary + "/" + name).value() == ReadFile(text + "/" + name).value()) << name;
  }
  const Bundle bundle = Bundle::Open(binary).value();
  EXPECT_TRUE(bundle.VerifyAll().ok());
  EXPECT_EQ(bundle.manifest().name, "chain-binary");
  EXPECT_EQ(bundle.manifest().licence, "Apache-2.0");
  EXPECT_DOUBLE_EQ(bundle.manifest().frame_shift_s, 0.03);
  const HeadDescription& head = bundle.manifest().heads.at(bundle.manifest().search_head);
  EXPECT_EQ(head.beam, 20);
  EXPECT_EQ(head.lattice_beam, 6);
  EXPECT_EQ(head.max_active, 500);
  EXPECT_EQ(head.min_active, 3);
  EXPECT_EQ(head.graph_scale, 0.9);
  EXPECT_EQ(bundle.manifest().ivector->settings.at("chunk_frames"), 24);
  EXPECT_EQ(bundle.manifest().ivector->settings.at("least_energy"), 68);
  EXPECT_EQ(head.units, 11);
  EXPECT_EQ(std::get<Nnet3Sizes>(bundle.manifest().sizes).silence_units, (std::vector<int>{1, 2}));
}

TEST_F(KaldiImportTest, GraphIsSoundAndKeepsItsPaths) {
  const GraphImage graph = GraphImage::Open(Import("chain-binary", "a") + "/graph.skg", true).value();
  EXPECT_TRUE(graph.info().explicit_topology);
  EXPECT_EQ(graph.info().unit_count, 11u);
  EXPECT_EQ(graph.word(3), "aba");
  const auto report = CheckGraph(graph);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->word_arcs, 3u);
  EXPECT_EQ(report->word_start_arcs, 3u);
}

TEST_F(KaldiImportTest, IvectorsEqualTheReferenceHoweverSamplesArrive) {
  const Bundle bundle = Bundle::Open(Import("chain-binary", "a")).value();
  const auto extractor =
      FeatureExtractor::Create(FeaturesOfBundle(bundle.manifest().features).value()).value();
  const auto source = IvectorSourceOfBundle(bundle, extractor).value();
  const NpyArray wanted = test::ReadNpy(Golden("chain.ivectors.npy")).value();
  const std::vector<float> audio = Audio();
  std::vector<float> first;
  std::mt19937_64 random(test::PropertySeed());
  for (int round = 0; round < 5; ++round) {
    const auto stream = source->NewStream();
    const std::vector<float> rows =
        CheckedIvectors(stream.get(), audio, wanted, round == 0 ? nullptr : &random);
    if (round == 0) first = rows;
    EXPECT_EQ(rows, first);
    stream->Forget(100);
    const int64_t left = wanted.shape[0] - 100;
    std::vector<float> tail(static_cast<size_t>(left * wanted.shape[1]));
    stream->Read(100, {tail.data(), left, wanted.shape[1]});
    EXPECT_TRUE(std::equal(tail.begin(), tail.end(), rows.begin() + 100 * wanted.shape[1]));
  }
}

TEST_F(KaldiImportTest, WeightedIvectorsEqualTheReference) {
  const Bundle bundle = Bundle::Open(Import("chain-binary", "a")).value();
  const GraphImage graph = GraphImage::Open(bundle.folder() + "/graph.skg").value();
  const auto extractor =
      FeatureExtractor::Create(FeaturesOfBundle(bundle.manifest().features).value()).value();
  const auto source = IvectorSourceOfBundle(bundle, extractor).value();
  SearchWeightsSource::Options options;
  options.head = bundle.manifest().search_head;
  options.search.beam = 100;
  options.silence_weight = source->model->options().silence_weight;
  options.chunk_frames = source->model->options().chunk_frames;
  EXPECT_EQ(options.silence_weight, 1e-3);
  const auto weights = SearchWeightsSource::Create(bundle, graph, options).value();
  const NpyArray wanted = test::ReadNpy(Golden("chain.weighted_ivectors.npy")).value();
  const std::vector<float> audio = Audio();
  std::mt19937_64 random(test::PropertySeed());
  for (int round = 0; round < 3; ++round) {
    const auto stream = source->NewStream(weights->NewStream());
    CheckedIvectors(stream.get(), audio, wanted, round == 0 ? nullptr : &random);
  }
}

// Behind the last frame the network looks at copies of its features, with i-vectors of their own.
TEST_F(KaldiImportTest, ScoresEqualTheReferenceToTheLastFrame) {
  const Bundle bundle = Bundle::Open(Import("chain-binary", "a")).value();
  ScorerOptions options;
  options.precision = "f32";
  options.heads = {bundle.manifest().search_head};
  options.scaling.resize(1);
  const auto scorers = MakeCpuScorers(bundle, options, 1).value();
  const std::vector<float> audio = Audio();
  const std::vector<float> too_short(100);  // less than a frame
  const WindowInput windows[] = {too_short, audio, audio};
  std::vector<ScoreRows> scores;
  ScorerTiming timing;
  ASSERT_TRUE(scorers[0]->Score(windows, &scores, &timing).ok());
  const NpyArray wanted = test::ReadNpy(Golden("chain.scores.npy")).value();
  EXPECT_EQ(scores[0].frames(), 0);
  for (const ScoreRows& found : {scores[1], scores[2]}) {
    ASSERT_EQ(found.frames(), wanted.shape[0]);
    ASSERT_EQ(found.nll.columns, wanted.shape[1] + 1);
    for (int64_t row = 0; row < found.frames(); ++row) {
      for (int64_t pdf = 0; pdf < wanted.shape[1]; ++pdf) {
        const auto place = static_cast<size_t>(row * wanted.shape[1] + pdf);
        ASSERT_NEAR(found.nll(row, pdf + 1), -wanted.values[place], test::kOwnIvectorScoreAbs)
            << "row " << row;
      }
    }
  }
}

TEST_F(KaldiImportTest, WordsAreThoseOfTheReferencesBestPath) {
  const std::string bundle = Import("chain-binary", "a");
  EXPECT_EQ(Text(bundle), GoldenText());
  // Windows that the model sees one by one, i-vectors known at their ends or not yet.
  EXPECT_EQ(Text(bundle, [](RecognizerOptions* o) { o->windows = {1.2, 0.5}; }), GoldenText());
}

TEST_F(KaldiImportTest, OlderModelsWithoutIvectorsRun) {
  const std::string bundle = Import("classic", "a");
  EXPECT_FALSE(Bundle::Open(bundle).value().manifest().ivector.has_value());
  EXPECT_FALSE(fs::exists(bundle + "/ivector.safetensors"));
  EXPECT_FALSE(Bundle::Open(bundle).value().manifest().heads.at("pdfs").graph_scale.has_value())
      << "only Vosk weighs the graph less";
  EXPECT_FALSE(Text(bundle).empty());
}

TEST_F(KaldiImportTest, WhatIsChosenGoesBeforeTheBundle) {
  const std::string bundle = Import("chain-binary", "a");
  const auto beam = [&](const std::function<void(RecognizerOptions*)>& change) {
    RecognizerOptions options;
    options.model_folder = bundle;
    options.device = "cpu";
    change(&options);
    return Recognizer::Create(options).value()->search_options().beam;
  };
  EXPECT_EQ(beam([](RecognizerOptions*) {}), 20);
  EXPECT_EQ(beam([](RecognizerOptions* o) { o->beam = 7.0f; }), 7);
}

class BadKaldiModelTest : public KaldiImportTest {
 protected:
  /// Status of importing a copy of the chain model after `change` got its folder.
  Status Changed(const std::function<void(const std::string&)>& change) {
    const std::string copy = folder_ / ("model" + std::to_string(++count_));
    fs::copy(Golden("chain-text"), copy, fs::copy_options::recursive);
    change(copy);
    const std::string out = folder_ / ("out" + std::to_string(count_));
    Status status = ImportKaldiModel(copy, out, {});
    EXPECT_FALSE(status.ok());
    EXPECT_FALSE(fs::exists(out + "/bundle.json"));
    return status;
  }
  Status Without(const std::string& name) {
    return Changed([&](const std::string& model) { EXPECT_TRUE(fs::remove(model + "/" + name)) << name; });
  }
  Status With(const std::string& name, const std::string& content) {
    return Changed([&](const std::string& model) {
      EXPECT_TRUE(WriteFileAtomically(model + "/" + name, content).ok());
    });
  }
  Status Replaced(const std::string& name, const std::string& from, const std::string& to) {
    std::string text = ReadFile(Golden("chain-text/" + name)).value();
    EXPECT_NE(text.find(from), std::string::npos) << from;
    text.replace(text.find(from), from.size(), to);
    return With(name, text);
  }
  int count_ = 0;
};

TEST_F(BadKaldiModelTest, MissingFilesAreNamed) {
  for (const char* name :
       {"am/final.mdl", "conf/mfcc.conf", "graph/HCLG.fst", "ivector/final.ie", "ivector/final.dubm",
        "ivector/final.mat", "ivector/global_cmvn.stats", "graph/words.txt"}) {
    const Status status = Without(name);
    EXPECT_EQ(status.code(), StatusCode::kNotFound) << name;
    const std::string stem = fs::path(name).filename();
    EXPECT_NE(status.ToString().find(stem), std::string::npos) << status.ToString();
  }
  EXPECT_EQ(ImportKaldiModel(folder_ / "nothing", folder_ / "x", {}).code(), StatusCode::kNotFound);
}

TEST_F(BadKaldiModelTest, OptionsThatAreNotRunAreNamed) {
  Status status = With("conf/mfcc.conf", "--num-ceps=8\n--num-mel-bins=10\n--window-type=hamming\n");
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_NE(status.ToString().find("mfcc.conf: option --window-type hamming"), std::string::npos)
      << status.ToString();
  EXPECT_EQ(With("conf/mfcc.conf", "--colour=red\n").code(), StatusCode::kUnsupported);
  EXPECT_EQ(With("conf/mfcc.conf", "--sample-frequency=8000\n--num-ceps=8\n--num-mel-bins=10\n").code(),
            StatusCode::kUnsupported);
  EXPECT_EQ(With("conf/mfcc.conf", "--num-ceps=eight\n").code(), StatusCode::kCorrupt);
  EXPECT_EQ(With("conf/mfcc.conf", "num-ceps=8\n").position(), "line 1");
  EXPECT_EQ(With("ivector/online_cmvn.conf", "--norm-vars=true\n").code(), StatusCode::kUnsupported);
}

TEST_F(BadKaldiModelTest, SizesThatDoNotFitAreNamed) {
  const auto corrupt = [](const Status& status, const std::string& file, const std::string& reason) {
    EXPECT_EQ(status.code(), StatusCode::kCorrupt) << status.ToString();
    EXPECT_NE(status.file().find(file), std::string::npos) << status.ToString();
    EXPECT_NE(status.reason().find(reason), std::string::npos) << status.ToString();
  };
  corrupt(With("conf/mfcc.conf", "--num-ceps=9\n--num-mel-bins=10\n"), "mfcc.conf", "the network takes 8");
  corrupt(With("ivector/splice.conf", "--left-context=2\n--right-context=3\n"), "final.mat",
          "spliced values");
  corrupt(With("ivector/global_cmvn.stats", " [\n 1 2 3\n 4 5 6 ]\n"), "global_cmvn.stats", "[2, 9]");
  corrupt(Replaced("ivector/final.ie", "<M> 6", "<M> 7"), "final.ie", "7 Gaussians");
  corrupt(Replaced("ivector/final.ie", "<M> 6", "<M> 2000000000"), "final.ie", "the number of Gaussians");
  corrupt(Replaced("ivector/final.dubm", "<WEIGHTS>  [", "<WEIGHTS>  [ 1"), "final.dubm", "7 weights");
  corrupt(Replaced("am/final.mdl", "<Priors> ", "<Priors> [ 0.5 ] "), "final.mdl", "1 priors for 10 outputs");
  corrupt(With("graph/words.txt", "<eps> 0\nab 1\n"), "HCLG.fst", "the word table has 2");
  corrupt(With("graph/words.txt", "<eps> 0\nab one\n"), "words.txt", "");
  corrupt(With("graph/phones/word_boundary.int", "1 sideways\n"), "word_boundary.int", "not sideways");
}

TEST_F(BadKaldiModelTest, TruncatedFilesAreRefused) {
  for (const char* name : {"final.ie", "final.dubm", "final.mat"}) {
    const std::string bytes = ReadFile(Golden(std::string("chain-binary/ivector/") + name)).value();
    for (size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 7) {
      const Status status = With(std::string("ivector/") + name, bytes.substr(0, size));
      EXPECT_EQ(status.code(), StatusCode::kCorrupt)
          << name << " cut at " << size << ": " << status.ToString();
      EXPECT_NE(status.file().find(name), std::string::npos);
    }
  }
}

TEST_F(BadKaldiModelTest, AnOutputThatExistsIsLeftAlone) {
  const std::string out = Import("chain-text", "a");
  EXPECT_EQ(ImportKaldiModel(Golden("chain-text"), out, {}).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(Bundle::Open(out).value().VerifyAll().ok());
}

}  // namespace
}  // namespace skald
